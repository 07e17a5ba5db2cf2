//! The run as JSON; `docs/PERFORMANCE.md` documents the fields.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::row::{Row, Verdict};

/// Raised when a field changes its meaning or goes.
pub(crate) const SCHEMA: u32 = 1;

/// One run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    /// Of the workspace.
    pub(crate) version: String,
    /// Judged with the wide limits of `--quick`.
    pub(crate) quick: bool,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// Where it was made. Figures of two machines are not comparable, ratios are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) cores: usize,
}

impl Machine {
    pub(crate) fn here() -> Self {
        Self {
            os: std::env::consts::OS.into(),
            architecture: std::env::consts::ARCH.into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Report {
    pub(crate) fn new(rows: Vec<Row>, quick: bool) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            quick,
            machine: Machine::here(),
            rows,
        }
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Reads an earlier run.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let read: Self = serde_json::from_str(text)?;
        if read.schema != SCHEMA {
            return Err(
                format!("the run has schema {}, and this reads {SCHEMA}", read.schema).into()
            );
        }
        Ok(read)
    }

    /// The rows that miss their targets by more than the noise.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Missed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::row::{Measure, Target, Unit};

    fn report() -> Report {
        let cpu = (Measure::Cpu, Unit::Nanoseconds);
        let row = Row::measured("W1a/1", "x", cpu, &[26.0], Some(&[20.0]), Target::Ratio(1.4));
        Report::new(row.into_iter().collect(), false)
    }

    #[test]
    fn the_fields_are_those_of_the_documentation() {
        let summary = |figure: f64| json!({ "median": figure, "p25": figure, "p75": figure, "low": figure, "high": figure, "rounds": 1 });
        let row = json!({
            "id": "W1a/1", "what": "x", "measure": "cpu", "unit": "nanoseconds",
            "ours": summary(26.0), "limit": summary(20.0), "ratio": summary(1.3),
            "target": { "ratio": 1.4 }, "verdict": "met", "note": null,
        });
        let written = serde_json::to_value(report()).unwrap();
        assert_eq!(written["rows"][0], row);
        assert_eq!(written["schema"], 1);
        assert_eq!(written["quick"], false);
        let machine = written["machine"].as_object().unwrap();
        assert_eq!(machine.keys().collect::<Vec<_>>(), ["architecture", "cores", "os"]);
    }

    #[test]
    fn what_is_written_is_read_back_and_another_schema_is_refused() {
        let text = report().to_json().unwrap();
        assert_eq!(Report::from_json(&text).unwrap(), report());
        let newer = text.replace("\"schema\": 1", "\"schema\": 2");
        assert!(Report::from_json(&newer).unwrap_err().to_string().contains("schema 2"));
    }
}
