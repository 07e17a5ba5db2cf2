//! Links between Markdown files of this repository: the file exists, and so does the heading.

use std::collections::BTreeSet;

use super::{File, Finding, numbered};

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for file in files {
        let Some(text) = file.text_if("md") else { continue };
        for (number, target) in links(text) {
            if let Some(what) = broken(file, target, &paths, files) {
                findings.push(Finding::new(&file.path, number, what));
            }
        }
    }
}

fn broken(from: &File, target: &str, paths: &BTreeSet<&str>, files: &[File]) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.path.clone() } else { resolve(&from.path, path)? };
    let folder = format!("{}/", path.trim_end_matches('/'));
    if !paths.contains(path.as_str()) && !paths.iter().any(|known| known.starts_with(&folder)) {
        return Some(format!("the link to `{target}` leads nowhere: there is no {path}"));
    }
    if heading.is_empty() {
        return None;
    }
    let text = files.iter().find(|file| file.path == path)?.text_if("md")?;
    let known = headings(text).any(|slug| slug == heading);
    (!known).then(|| format!("the link to `{target}` leads nowhere: {path} has no such heading"))
}

/// A link's path from the root of the repository; `None` where it leaves it.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = if link.starts_with('/') {
        Vec::new()
    } else {
        from.rsplit_once('/').map(|(folder, _)| folder.split('/').collect()).unwrap_or_default()
    };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The targets of `[text](target)` outside of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .flat_map(|(number, line)| {
            line.match_indices("](").filter_map(move |(at, _)| {
                let in_code = line[..at].matches('`').count() % 2 == 1;
                let rest = &line[at + 2..];
                let target = rest[..rest.find(')')?].split_whitespace().next()?;
                (!in_code).then_some((number, target))
            })
        })
        .collect()
}

/// The anchors that a viewer makes of a file's headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        line.trim_start_matches('#')
            .trim()
            .chars()
            .filter_map(|letter| match letter {
                ' ' => Some('-'),
                '-' | '_' => Some(letter),
                letter if letter.is_alphanumeric() => letter.to_lowercase().next(),
                _ => None,
            })
            .collect()
    })
}

/// The lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    numbered(text).filter(move |(_, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return false;
        }
        !fenced
    })
}
