//! The report as JSON.

use crate::report::model::Run;

/// The run as one JSON document, indented.
///
/// # Errors
/// None that can come about with the types of this crate.
pub fn write(run: &Run) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(run)
}
