//! The rows themselves, read from `failures.md` beside this package's manifest.

/// The requirements, as they are written.
const TEXT: &str = include_str!("../../failures.md");

/// One row of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// `F07` or `P12`.
    pub(crate) id: String,
    /// For a `P` row: the provider.
    pub(crate) provider: Option<String>,
    /// What goes wrong.
    pub(crate) failure: String,
    /// For an `F` row: who has met it.
    pub(crate) evidence: Option<String>,
    /// What is right.
    pub(crate) behaviour: String,
}

/// Every row, in the order of the table.
pub(crate) fn all() -> Result<Vec<Row>, String> {
    let rows: Vec<Row> = TEXT.lines().filter_map(parse).collect();
    let count = |letter: char| rows.iter().filter(|row| row.id.starts_with(letter)).count();
    match (count('F'), count('P')) {
        (53, 24) => Ok(rows),
        (f, p) => Err(format!("failures.md has {f} F rows and {p} P rows, and not 53 and 24")),
    }
}

fn parse(line: &str) -> Option<Row> {
    let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").map(str::to_owned);
    let (id, second, third, fourth) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let (letter, number) = id.split_at_checked(1)?;
    if number.len() != 2
        || !number.bytes().all(|byte| byte.is_ascii_digit())
        || cells.next().is_some()
    {
        return None;
    }
    match letter {
        "F" => Some(Row {
            id,
            provider: None,
            failure: second,
            evidence: Some(third),
            behaviour: fourth,
        }),
        "P" => Some(Row {
            id,
            provider: Some(second),
            failure: third,
            evidence: None,
            behaviour: fourth,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_once_and_in_order() {
        let rows = all().unwrap();
        let expected =
            (1..=53).map(|n| format!("F{n:02}")).chain((1..=24).map(|n| format!("P{n:02}")));
        let found: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert!(rows.iter().all(|row| !row.failure.is_empty() && !row.behaviour.is_empty()));
    }
}
