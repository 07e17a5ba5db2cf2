//! `sessions reseal`: every record sealed with the key that seals now, so that an older one can go.

use countersign_core::{Committed, Error, SessionStore as _};
use serde_json::json;

use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::{Book, Shelf, State};

/// How often a record may be written by others while it is sealed anew.
const MOST_TRIES: usize = 8;

/// What became of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Became {
    Resealed,
    Kept,
    /// It is gone.
    Gone,
}

pub(super) fn run(global: &Global) -> Result<Exit, Problem> {
    let shelf = Shelf::look(None)?;
    let (mut n_resealed, mut n_kept, mut n_failed) = (0, 0, 0);
    for book in shelf.all() {
        let became = match &book.state {
            State::Unreadable(error) => Err(error.clone().into()),
            _ => shelf.locked(book, global.wait, async |store, sealer| {
                reseal(book, store, sealer).await.map_err(Problem::from)
            }),
        };
        match became {
            Ok(Became::Resealed) => n_resealed += 1,
            Ok(Became::Kept) => n_kept += 1,
            Ok(Became::Gone) => {}
            Err(problem) => {
                n_failed += 1;
                output::report(&problem.note(format!("about the record {}", book.name)));
            }
        }
    }
    if global.json {
        output::json(&json!({ "resealed": n_resealed, "kept": n_kept, "failed": n_failed }))?;
    } else {
        output::say(&format!(
            "{n_resealed} records are sealed anew, {n_kept} were already, {n_failed} could not be"
        ));
    }
    Ok(if n_failed == 0 { Exit::Success } else { Exit::Store })
}

/// Seals one record anew; what others write meanwhile is kept.
async fn reseal(
    book: &Book,
    store: &countersign_store_file::FileStore,
    sealer: &countersign_seal::Sealer,
) -> Result<Became, Error> {
    let (mut revision, mut bytes) = (book.revision, book.bytes().clone());
    for _ in 0..MOST_TRIES {
        let Some(sealed) = sealer.reseal(&book.name, bytes.expose_bytes())? else {
            return Ok(Became::Kept);
        };
        match store.commit(&book.name, revision, None, sealed).await? {
            Committed::Done(_) => return Ok(Became::Resealed),
            Committed::Lost(Some(newer)) => (revision, bytes) = (newer.revision, newer.bytes),
            Committed::Lost(None) => return Ok(Became::Gone),
        }
    }
    Err(Error::new(countersign_core::ErrorKind::Store)
        .hint("others write it again and again; try again when they are done"))
}
