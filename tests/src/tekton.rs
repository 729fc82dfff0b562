//! Tekton's objects as far as this project needs to understand them without Tekton: what its manifests declare and use
//! ([`check`]), and what the containers of a Task are once Tekton has put in the values ([`Catalog::start`]).
//!
//! Tekton's own admission and controllers do the same on a cluster that has them; its CRDs alone see nothing of variables.
//! It must not know what the Tasks are for.

mod catalog;
mod check;
mod reference;
mod start;

pub use catalog::{
    Catalog, CatalogError, Given, NamedValue, Parameter, ParameterType, ResultDeclaration, Step, Unit, UnitKind,
    Variable, Workspace,
};
pub use check::{Fault, check};
pub use reference::{Index, Reference, references};
pub use start::{Container, Run, StartError, Started};
