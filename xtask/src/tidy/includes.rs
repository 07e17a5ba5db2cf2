//! A published crate is built from its own folder: no source file includes one from outside of it.

use super::{File, Finding, numbered};

const MACROS: &[&str] = &["include_str!(\"", "include_bytes!(\"", "include!(\"", "path = \""];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let Some(text) = file.text_if("rs") else { return };
    // Only the crates are published, and their test code is not built where they are used.
    if !file.path.starts_with("crates/") || file.is_test_code() {
        return;
    }
    let Some((package, source)) = file.path.split_once("/src/") else {
        return;
    };
    let folders_below = 1 + source.matches('/').count();
    for (number, line) in numbered(text) {
        for target in MACROS.iter().filter_map(|start| included(line, start)) {
            let up = target.split('/').take_while(|part| *part == "..").count();
            if up > folders_below || target.starts_with('/') {
                let what =
                    format!("`{target}` is outside of {package}: a package does not hold it");
                findings.push(Finding::new(&file.path, number, what));
            }
        }
    }
}

fn included<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    rest.split('"').next()
}
