//! Code in documents that is quoted from a file stands there as it stands in the document.
//!
//! A block of code after a line `<!-- from PATH -->` is a quotation: its lines follow one another in that
//! file, further in perhaps. In some documents every block of code must be one, so that none can drift.

use super::{File, Finding};

/// Documents without code of their own.
const QUOTES_ALONE: &[&str] = &["docs/ADDING_A_PROVIDER.md"];

/// Languages of blocks that are code.
const CODE: &[&str] = &["json", "rust", "toml"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    for file in files {
        let Some(text) = file.text_if("md") else { continue };
        for block in blocks(text) {
            if let Some(what) = fault(file, &block, files) {
                findings.push(Finding::new(&file.path, block.line, what));
            }
        }
    }
}

struct Block<'a> {
    /// Of its first fence, from one.
    line: usize,
    language: &'a str,
    /// The file that it says it is from.
    from: Option<&'a str>,
    code: Vec<&'a str>,
}

fn fault(document: &File, block: &Block<'_>, files: &[File]) -> Option<String> {
    let Some(path) = block.from else {
        let must = QUOTES_ALONE.contains(&document.path.as_str()) && CODE.contains(&block.language);
        return must.then(|| "code here is quoted: `<!-- from PATH -->` before the block".into());
    };
    let Some(source) = files.iter().find(|file| file.path == path) else {
        return Some(format!("the block is from {path}, and there is no such file"));
    };
    let lines: Vec<&str> = source.text.as_deref().unwrap_or_default().lines().collect();
    let found = (0..lines.len()).any(|at| begins_with(&lines[at..], &block.code));
    (!found || block.code.iter().all(|line| line.is_empty()))
        .then(|| format!("the block is not (any more) in {path}"))
}

/// Whether these lines begin with the quotation, all of them as much further in as the first.
fn begins_with(lines: &[&str], quoted: &[&str]) -> bool {
    let Some(indent) = quoted.first().and_then(|first| lines[0].strip_suffix(first)) else {
        return false;
    };
    indent.trim().is_empty()
        && lines.len() >= quoted.len()
        && lines.iter().zip(quoted).all(|(line, quoted)| match quoted.is_empty() {
            true => line.is_empty(),
            false => line.strip_prefix(indent) == Some(quoted),
        })
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut open, mut before) = (false, "");
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(language), false) => {
                let from =
                    before.strip_prefix("<!-- from ").and_then(|rest| rest.strip_suffix(" -->"));
                blocks.push(Block { line: index + 1, language, from, code: Vec::new() });
                open = true;
            }
            (None, true) => {
                if let Some(block) = blocks.last_mut() {
                    block.code.push(line);
                }
            }
            (None, false) => before = line,
        }
    }
    blocks
}
