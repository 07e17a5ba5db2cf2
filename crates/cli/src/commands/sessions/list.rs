//! `sessions list`: one line a session.

use countersign_core::Timestamp;
use serde_json::{Value, json};

use super::{profiles, when};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::{Book, Shelf};
use crate::terminal::escape;

pub(super) fn run(global: &Global) -> Result<Exit, Problem> {
    let file = profiles(global)?;
    let shelf = Shelf::look(file.as_ref())?;
    let of_profile = |book: &&Book| {
        global.profile.as_ref().is_none_or(|profile| book.profiles.contains(profile))
    };
    let books: Vec<&Book> = shelf.sessions().into_iter().filter(of_profile).collect();
    if global.json {
        for book in books {
            output::json(&as_json(book, shelf.now()))?;
        }
        return Ok(Exit::Success);
    }
    if books.is_empty() {
        output::say("nothing is stored");
        return Ok(Exit::Success);
    }
    let title = ["ID", "PROVIDER", "ACCOUNT", "STATE", "TOKEN UNTIL", "PROFILE"].map(str::to_owned);
    let rows = books.iter().map(|book| row(book, shelf.now()));
    output::data(table([title].into_iter().chain(rows).collect()).as_bytes())?;
    Ok(Exit::Success)
}

fn row(book: &Book, now: Timestamp) -> [String; 6] {
    let of = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), escape);
    let until = book.record().and_then(|record| record.tokens.as_ref());
    let until = until.map_or_else(|| "-".to_owned(), |tokens| tokens.expires_at().to_string());
    let profiles = book.profiles.join(", ");
    [
        book.id().to_owned(),
        of(book.key.as_ref().map(|key| key.provider())),
        of(book.key.as_ref().map(|key| key.identity())),
        book.word(now).replace('_', " "),
        until,
        of(Some(&*profiles).filter(|profiles| !profiles.is_empty())),
    ]
}

/// Columns as wide as their widest cell.
fn table(rows: Vec<[String; 6]>) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The facts of a session that are in its list; absent ones are null.
pub(super) fn as_json(book: &Book, now: Timestamp) -> Value {
    let (key, record) = (book.key.as_ref(), book.record());
    let tokens = record.and_then(|record| record.tokens.as_ref());
    json!({
        "id": book.name.as_str(),
        "provider": key.map(|key| key.provider()),
        "origin": key.map(|key| key.origin().to_string()),
        "tenant": key.map(|key| key.tenant()),
        "account": key.map(|key| key.identity()),
        "client": key.and_then(|key| key.client()),
        "audience": key.and_then(|key| key.audience()),
        "profiles": book.profiles,
        "state": book.word(now),
        "generation": tokens.map(|tokens| tokens.generation().to_string()),
        "issued_at": when::json(tokens.map(|tokens| tokens.issued_at())),
        "expires_at": when::json(tokens.map(|tokens| tokens.expires_at())),
        "refresh_expires_at": when::json(tokens.and_then(|tokens| tokens.refresh_expires_at())),
    })
}

#[cfg(test)]
mod tests {
    use countersign_core::{RecordName, Revision, StoredKey};

    use super::*;
    use crate::shelf::{Kind, State};

    #[test]
    fn f49_what_others_have_named_is_shown_and_not_obeyed() {
        let key = StoredKey::of_account("acme", "https://auth.example", "", "kim\u{1b}[2J\u{202e}");
        let book = Book {
            name: RecordName::from_hash([7; 16]),
            revision: Revision(1),
            key: key.map(|key| key.with_session("", "")),
            profiles: vec!["hub\u{7}".to_owned()],
            kind: Kind::Session,
            state: State::Unnamed,
        };
        let row = row(&book, Timestamp::UNIX_EPOCH);
        let told = ["07070707", "acme", "kim\\u{1b}[2J\\u{202e}", "unnamed", "-", "hub\\u{7}"];
        assert_eq!(row, told.map(str::to_owned));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 6]| cells.map(str::to_owned);
        let text =
            table(vec![row(["a", "bb", "c", "d", "e", "f"]), row(["ü", "b", "cc", "d", "e", ""])]);
        assert_eq!(text, "a  bb  c   d  e  f\nü  b   cc  d  e\n");
    }
}
