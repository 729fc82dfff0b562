//! Resolution as a whole: layers, selection, engines, provenance, and what is refused.

mod layers;
mod refusals;
