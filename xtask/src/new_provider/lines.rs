//! Putting lines into files that people keep in order.

/// A part of a file: from the line `begins` to the next line that begins with `ends`.
pub(super) struct Part {
    pub(super) begins: &'static str,
    pub(super) ends: &'static str,
}

impl Part {
    pub(super) const fn table(heading: &'static str) -> Option<Self> {
        Some(Self { begins: heading, ends: "[" })
    }
}

/// Puts `new` into a list of entries: before the first whose key comes after `key`, with what is attached to
/// it (attributes, documentation), else after the last. `key_of` tells an entry by its key.
///
/// Answers `None` if there is no entry: the file is not what it was when this was written.
pub(super) fn insert<'a>(
    text: &'a str,
    part: Option<Part>,
    new: &str,
    key: &str,
    key_of: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let (from, to) = match part {
        None => (0, lines.len()),
        Some(Part { begins, ends }) => {
            let from = lines.iter().position(|line| *line == begins)? + 1;
            let rest = lines[from..].iter().position(|line| line.starts_with(ends));
            (from, rest.map_or(lines.len(), |rest| from + rest))
        }
    };
    let entries = || (from..to).filter_map(|at| Some((at, key_of(lines[at])?)));
    let at = match entries().find(|(_, known)| *known > key) {
        Some((at, _)) => at - attached(&lines[from..at]),
        None => entries().last()?.0 + 1,
    };
    let mut all: Vec<&str> = lines[..at].to_vec();
    all.extend(new.lines());
    all.extend(&lines[at..]);
    Some(all.join("\n") + "\n")
}

/// How many lines at the end of `before` belong to what follows.
fn attached(before: &[&str]) -> usize {
    let belongs = |line: &&&str| line.starts_with("#[") || line.starts_with("///");
    before.iter().rev().take_while(belongs).count()
}

/// What stands between `start` and the next `end`, where the line begins with `start`.
pub(super) fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(start)?;
    Some(&rest[..rest.find(end)?])
}
