//! The table: for a terminal, and for a document.

use std::fmt::Write;

use crate::row::{Row, Target, Unit, Verdict};
use crate::stats::Summary;

const HEADINGS: [&str; 7] = ["row", "what", "ours", "limit", "ratio", "target", "verdict"];

/// For a terminal: columns of equal width, notes below.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines: Vec<[String; 7]> = rows.iter().map(cells).collect();
    let mut widths = HEADINGS.map(str::len);
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut put = |line: [&str; 7]| {
        let mut padded = String::new();
        for (cell, width) in line.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(padded, "{cell:<width$}  ");
        }
        text.push_str(padded.trim_end());
        text.push('\n');
    };
    put(HEADINGS);
    for line in &lines {
        put(line.each_ref().map(String::as_str));
    }
    for row in rows {
        if let Some(note) = &row.note {
            let _ = writeln!(text, "{}: {note}", row.id);
        }
    }
    text
}

/// For a document, with the notes in the column of what is measured.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|{}\n", HEADINGS.join(" | "), "---|".repeat(HEADINGS.len()));
    for row in rows {
        let mut cells = cells(row);
        if let Some(note) = &row.note {
            let _ = write!(cells[1], " ({note})");
        }
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn cells(row: &Row) -> [String; 7] {
    let figure = |summary: &Summary| {
        let middle = amount(summary.median, row.unit);
        if summary.rounds == 1 {
            return middle;
        }
        let unit = symbol(row.unit);
        let (low, high) = (number(summary.p25), number(summary.p75));
        format!("{} ({low} to {high}){unit}", number(summary.median))
    };
    let ratio = row.ratio.as_ref().map_or(String::new(), |ratio| {
        if ratio.rounds == 1 {
            format!("{:.3}", ratio.median)
        } else {
            format!("{:.3} ± {:.3}", ratio.median, ratio.noise())
        }
    });
    let verdict = match row.verdict {
        Verdict::Met => "met",
        Verdict::WithinNoise => "met within noise",
        Verdict::Wide => "within the wide limit",
        Verdict::Missed => "MISSED",
        Verdict::Shown => "",
    };
    [
        row.id.clone(),
        row.what.clone(),
        figure(&row.ours),
        row.limit.as_ref().map_or(String::new(), figure),
        ratio,
        target(row),
        verdict.into(),
    ]
}

fn target(row: &Row) -> String {
    // What it comes to on this machine.
    let here = |time: f64| match row.slower() {
        slower if slower > 1.0 => format!(" (here {})", amount(time * slower, row.unit)),
        _ => String::new(),
    };
    match row.target {
        Target::Ratio(most) => format!("≤ {most} ×"),
        Target::RatioAtLeast(least) => format!("≥ {least} ×"),
        Target::AtMost(most) => format!("≤ {}{}", amount(most, row.unit), here(most)),
        Target::Exactly(wanted) => amount(wanted, row.unit),
        Target::RatioOr { ratio, more } => {
            format!("≤ {ratio} × or + {}{}", amount(more, row.unit), here(more))
        }
        Target::AtMostOr { most, more } => {
            format!("≤ {} or + {}", amount(most, row.unit), amount(more, row.unit))
        }
        Target::None => String::new(),
    }
}

fn amount(figure: f64, unit: Unit) -> String {
    format!("{}{}", number(figure), symbol(unit))
}

/// Three digits that count, no more than two after the point.
fn number(figure: f64) -> String {
    match figure.abs() {
        size if size == size.trunc() && size < 1e6 => format!("{figure:.0}"),
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

const fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => " ns",
        Unit::Microseconds => " µs",
        Unit::Milliseconds => " ms",
        Unit::MicrosecondsPerSecond => " µs/s",
        Unit::Bytes => " B",
        Unit::Mebibytes => " MiB",
        Unit::PerSecond => "/s",
        Unit::Pieces => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Measure;

    fn rows() -> Vec<Row> {
        let cpu = (Measure::Cpu, Unit::Nanoseconds);
        let (ours, limit) = ([27.0, 25.0, 26.0, 29.0, 28.0], [20.0; 5]);
        let ratio = Row::measured("W1a/1", "hit", cpu, &ours, Some(&limit), Target::Ratio(1.3));
        let count = Row::counted("W1a/allocations", "of a hit", 0.0, Target::Exactly(0.0));
        ratio.into_iter().chain([count.noted("none")]).collect()
    }

    #[test]
    fn every_row_is_a_line_and_every_note_is_below() {
        let text = table(&rows());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("W1a/1") && lines[1].ends_with("met within noise"), "{text}");
        assert!(lines[1].contains("27 (26 to 28) ns") && lines[1].contains("1.350 ± 0.100"));
        assert_eq!(lines[3], "W1a/allocations: none");
    }

    #[test]
    fn a_document_gets_as_many_cells_in_every_line() {
        let text = markdown(&rows());
        assert!(text.lines().all(|line| line.matches('|').count() == 8), "{text}");
    }
}
