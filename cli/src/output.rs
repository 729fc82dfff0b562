//! How values, events and tables look, and how files are written. Knows neither arguments nor sources.

pub mod color;
pub mod dotenv;
pub mod event;
pub mod file;
#[cfg(test)]
mod generated;
pub mod github;
pub mod handlers;
pub mod progress;
pub mod result;
pub mod shell;
pub mod table;
pub mod value;
pub mod variables;
