//! Makes of the programs what is installed: images as OCI archives, the roles of chart and manifests, bills of materials.
//!
//! Nothing that runs in a cluster depends on it, and it knows of the programs only that they are files.

pub mod bill;
pub mod image;
pub mod images;
pub mod rights;
