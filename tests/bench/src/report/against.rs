//! Two runs side by side.

use std::fmt::Write;

use super::Report;
use crate::row::Row;
use crate::stats::Summary;

/// What has become of each row since `earlier`: its ratio where it has one, else its figure.
pub(crate) fn compared(earlier: &Report, now: &Report) -> String {
    let mut text = String::new();
    if earlier.machine != now.machine {
        text.push_str("the earlier run is of another machine: only ratios are comparable\n");
    }
    for row in &now.rows {
        let line = match earlier.rows.iter().find(|then| then.id == row.id) {
            Some(then) => change(then, row),
            None => "new".into(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<24} {line}", row.id);
    }
    text
}

fn change(then: &Row, now: &Row) -> String {
    let (kind, then, now) = match (&then.ratio, &now.ratio) {
        (Some(then), Some(now)) => ("ratio", then, now),
        _ => ("figure", &then.ours, &now.ours),
    };
    let word = match () {
        () if apart(then, now) && now.median > then.median => "higher",
        () if apart(then, now) => "lower",
        () => "the same within noise",
    };
    let share = if then.median == 0.0 { 0.0 } else { (now.median / then.median - 1.0) * 100.0 };
    format!("{kind} {:.3} -> {:.3} ({share:+.1} %), {word}", then.median, now.median)
}

/// The intervals of the two medians do not meet.
fn apart(one: &Summary, other: &Summary) -> bool {
    one.high < other.low || other.high < one.low
}

#[cfg(test)]
mod tests {
    use super::compared;
    use crate::report::Report;
    use crate::row::{Measure, Row, Target, Unit};

    fn report(ours: [f64; 5]) -> Report {
        let cpu = (Measure::Cpu, Unit::Nanoseconds);
        let row = Row::measured("W1a", "", cpu, &ours, Some(&[10.0; 5]), Target::Ratio(1.4));
        Report::new(row.into_iter().collect(), false)
    }

    #[test]
    fn a_change_is_told_from_noise() {
        let then = report([10.0, 11.0, 12.0, 13.0, 14.0]);
        assert!(compared(&then, &then).contains("the same within noise"));
        let shifted = compared(&then, &report([20.0, 21.0, 22.0, 23.0, 24.0]));
        assert!(shifted.contains("1.200 -> 2.200 (+83.3 %), higher"), "{shifted}");
        let overlaps = compared(&then, &report([11.0, 12.0, 13.0, 14.0, 15.0]));
        assert!(overlaps.contains("the same within noise"), "{overlaps}");
        let first = compared(&Report::new(Vec::new(), false), &then);
        assert!(first.contains("new"));
    }
}
