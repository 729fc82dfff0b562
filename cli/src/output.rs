//! How values, events and tables look. Knows neither arguments nor sources.

pub mod handlers;
pub mod table;
pub mod value;
