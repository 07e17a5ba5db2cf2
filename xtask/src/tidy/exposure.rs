//! Where secrets are taken out of their types: only in the files that `expose-allow.txt` names.
//!
//! The list is exact: a call in a file that it does not name is a finding, and so is a name
//! without a call. A line `*` allows every file, for a time in which many are being written.
//! `cargo xtask tidy --list-expose` prints the list as it would have to be. Test code is not
//! looked at: its secrets are canaries.

use super::source::is_comment;
use super::{File, Finding, numbered};

const LIST: &str = "xtask/expose-allow.txt";

/// The methods that give a secret's content.
const METHODS: &[&str] = &["expose", "expose_str", "expose_bytes", "expose_mut"];

/// The files in which one of the methods is called or named as a function.
pub(super) fn files_with_calls(files: &[File]) -> impl Iterator<Item = &str> {
    files.iter().filter(|file| first_call(file).is_some()).map(|file| file.path.as_str())
}

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let Some(list) = files.iter().find(|file| file.path == LIST) else {
        findings.push(Finding::new(
            LIST,
            0,
            "the list of files that may expose secrets is missing",
        ));
        return;
    };
    let entries: Vec<(usize, &str)> = numbered(list.text.as_deref().unwrap_or_default())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if entries.iter().any(|(_, path)| *path == "*") {
        return;
    }
    for file in files {
        if let Some(line) = first_call(file)
            && !entries.iter().any(|(_, path)| *path == file.path)
        {
            let what = format!("a secret is exposed here, and {LIST} does not name the file");
            findings.push(Finding::new(&file.path, line, what));
        }
    }
    for (number, path) in entries {
        let calls = files.iter().any(|file| file.path == path && first_call(file).is_some());
        if !calls {
            let what = format!("{path} exposes no secret (any more): take it off the list");
            findings.push(Finding::new(LIST, number, what));
        }
    }
}

/// The line of the first call.
fn first_call(file: &File) -> Option<usize> {
    if file.is_test_code() {
        return None;
    }
    numbered(file.text_if("rs")?)
        .find(|(_, line)| !is_comment(line) && METHODS.iter().any(|method| names(line, method)))
        .map(|(number, _)| number)
}

/// Whether a line has `.method(` or `::method` as a whole word.
fn names(line: &str, method: &str) -> bool {
    line.match_indices(method).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + method.len()..]);
        let called = before.ends_with('.') && after.starts_with('(');
        let named = before.ends_with("::")
            && !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        called || named
    })
}
