//! What a run prints and what it leaves behind.

mod against;
mod json;
mod plot;
mod table;

pub(crate) use against::compared;
pub(crate) use json::Report;
pub(crate) use plot::{Costs, Curve, Picture, drawn};
pub(crate) use table::{markdown, table};
