//! The rows of the table, one file for each group.

mod begin;
mod graph;
mod hit;
mod hold;
mod open;
mod refresh;
mod request;
mod wave;

pub(crate) use hold::{Held, hold, weighed};
pub(crate) use wave::{SERVER_MS, Scene};

use crate::Result;
use crate::row::Row;

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Few rounds, and nothing that takes minutes or gigabytes.
    pub(crate) quick: bool,
}

impl Run {
    /// So many rounds, or a few.
    pub(crate) fn rounds(self, full: usize) -> usize {
        if self.quick { (full / 8).max(5) } else { full }
    }
}

/// Rows that are measured together.
pub(crate) struct Group {
    /// What every one of its names begins with.
    pub(crate) names: &'static [&'static str],
    pub(crate) measure: fn(Run) -> Result<Vec<Row>>,
}

/// All of them, in the order of the table.
pub(crate) const GROUPS: &[Group] = &[
    Group { names: &["W1a"], measure: hit::header },
    Group { names: &["W1b"], measure: hit::look },
    Group { names: &["W2a", "W2b"], measure: wave::ended },
    Group { names: &["W2c"], measure: wave::due },
    Group { names: &["W2d"], measure: wave::refused },
    Group { names: &["W3"], measure: request::overhead },
    Group { names: &["W4a/10k"], measure: hold::memory_of_thousands },
    Group { names: &["W4a/1M"], measure: hold::memory_of_a_million },
    Group { names: &["W4a/opened"], measure: open::opened },
    Group { names: &["W4b"], measure: refresh::one },
    Group { names: &["W4c"], measure: hold::idle },
    Group { names: &["W5a"], measure: begin::first_token },
    Group { names: &["W5b"], measure: graph::crates },
];

/// Measures what was asked for, by the beginnings of names; all if nothing was. `started` hears the
/// names of each group before it is measured.
pub(crate) fn measured(
    run: Run,
    asked: &[String],
    mut started: impl FnMut(&str),
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for group in GROUPS {
        let wanted = |name: &&&str| {
            asked.is_empty()
                || asked.iter().any(|a| name.starts_with(a.as_str()) || a.starts_with(**name))
        };
        if group.names.iter().any(|name| wanted(&name)) {
            started(&group.names.join(", "));
            let found = (group.measure)(run)?;
            rows.extend(found.into_iter().filter(|row| Row::is_asked_for(&row.id, asked)));
        }
    }
    Ok(rows.into_iter().map(|row| row.judged(run.quick)).collect())
}

/// A runtime on this thread alone.
fn on_this_thread() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A runtime with a thread for each core.
fn on_all_cores() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
