//! Manifests: every package takes its lints, its version and the versions of others from the workspace.

use super::{File, Finding, numbered};

/// What the workspace says once for all packages.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];

/// One `key = value` of a manifest, which may go over several lines.
struct Entry {
    line: usize,
    section: String,
    key: String,
    value: String,
}

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let Some(text) = file.text_if("toml") else { return };
    if !file.path.ends_with("/Cargo.toml") || file.path.starts_with("tests/fixtures/") {
        return;
    }
    // A workspace of its own stands for somebody else's: it has nothing of ours to inherit.
    if text.lines().any(|line| line == "[workspace]") {
        return;
    }
    let entries = entries(text);
    let mut found = |line: usize, what: String| findings.push(Finding::new(&file.path, line, what));

    let inherits_lints = entries
        .iter()
        .any(|entry| entry.section == "lints" && entry.key == "workspace" && entry.value == "true");
    if !inherits_lints {
        found(0, "the package does not inherit `[lints] workspace = true`".into());
    }
    for key in INHERITED {
        let dotted = format!("{key}.workspace");
        let inherits = entries.iter().any(|entry| {
            entry.section == "package" && entry.key == dotted && entry.value == "true"
        });
        if !inherits {
            found(0, format!("`{key}` is not inherited: `{dotted} = true`"));
        }
    }
    for entry in entries.iter().filter(|entry| is_dependencies(&entry.section)) {
        if let Some(what) = not_of_the_workspace(entry) {
            found(entry.line, what);
        }
    }
}

/// What is wrong with an entry of a dependency table.
fn not_of_the_workspace(entry: &Entry) -> Option<String> {
    let table_of_one = entry.section.rsplit_once("dependencies.").map(|(_, name)| name);
    if let Some(name) = table_of_one {
        let literal = matches!(entry.key.as_str(), "version" | "path" | "git");
        return literal
            .then(|| format!("`{name}` has its {} here; the workspace has it", entry.key));
    }
    let inherits = entry.key.ends_with(".workspace")
        || (entry.value.starts_with('{') && flat(&entry.value).contains("workspace=true"));
    let belongs_to_one = entry.key.contains('.') && !entry.key.ends_with(".workspace");
    if inherits || (belongs_to_one && !entry.key.ends_with(".version")) {
        return None;
    }
    let name = entry.key.split('.').next().unwrap_or_default();
    Some(format!("`{name}` is not taken from the workspace: `{name}.workspace = true`"))
}

fn is_dependencies(section: &str) -> bool {
    section
        .split('.')
        .any(|part| matches!(part, "dependencies" | "dev-dependencies" | "build-dependencies"))
}

fn flat(value: &str) -> String {
    value.split_whitespace().collect()
}

/// Reads as much of TOML as manifests need: tables, and values with their brackets balanced.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut open = 0;
    for (number, line) in numbered(text) {
        let line = without_comment(line).trim();
        if open > 0 {
            if let Some(last) = entries.last_mut() {
                last.value.push_str(line);
            }
            open += depth(line);
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).trim().to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            entries.push(Entry {
                line: number,
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            });
            open = depth(value);
        }
    }
    entries
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

/// How many brackets a line opens, less those it closes.
fn depth(line: &str) -> i32 {
    line.chars()
        .map(|letter| match letter {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}
