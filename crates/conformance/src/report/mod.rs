//! What a run has shown, as data and as text.

pub mod json;
pub mod model;
pub mod table;
