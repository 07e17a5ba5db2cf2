//! Rust files: their documentation, their length, unfinished code, and reads of the clock.

use super::{File, Finding, numbered};

/// More lines than this are more than one concept.
const MOST_LINES: usize = 450;

/// In parts, so that this file does not find itself.
const UNFINISHED: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];
const CLOCK_READS: &[&str] = &[concat!("SystemTime", "::now"), concat!("Instant", "::now")];

/// Where the clock may be read: the one clock, sockets of the simulator, tests and tasks.
const CLOCK_READERS: &[&str] = &[
    // How long a socket has not been used is no time of a session.
    "crates/hyper/src/idle.rs",
    "crates/runtime/src/clock.rs",
    "crates/simulator/src/shell",
    "tests/",
    "xtask/",
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let Some(text) = file.text_if("rs") else { return };
    if !text.starts_with("//!") {
        findings.push(Finding::new(
            &file.path,
            1,
            "the file does not begin with a `//!` that says what it is for",
        ));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        let what = format!("{lines} lines, more than {MOST_LINES}: part it by concept");
        findings.push(Finding::new(&file.path, 0, what));
    }
    let may_read_clock = may_read_clock(file);
    for (number, line) in numbered(text).filter(|(_, line)| !is_comment(line)) {
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            findings.push(Finding::new(
                &file.path,
                number,
                format!("`{word}` is left in the code"),
            ));
        }
        for read in CLOCK_READS.iter().filter(|read| !may_read_clock && line.contains(**read)) {
            let what = format!("`{read}`: time is an argument, or comes from the `Clock`");
            findings.push(Finding::new(&file.path, number, what));
        }
    }
}

/// Whether the whole line is a comment or documentation.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn may_read_clock(file: &File) -> bool {
    CLOCK_READERS.iter().any(|place| file.path.starts_with(place))
        || file.path.split('/').any(|part| part == "benches")
        || (file.path.contains("/tests/") && !file.path.contains("/src/"))
}
