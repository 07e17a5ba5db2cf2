//! `sessions reseal`: every record sealed with the key that seals now, so that an older one can go.

use countersign_seal::reseal;
use serde_json::json;

use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::Shelf;

pub(super) fn run(global: &Global) -> Result<Exit, Problem> {
    let shelf = Shelf::look(None)?;
    let done = shelf.at_work(async |store, sealer| Ok(reseal(store, sealer).await?))?;
    for (record, error) in &done.left {
        output::report(&Problem::from(error).note(format!("about the record {record}")));
    }
    let n_left = done.left.len();
    if global.json {
        output::json(&json!({ "resealed": done.anew, "kept": done.already, "failed": n_left }))?;
    } else {
        output::say(&format!(
            "{} records are sealed anew, {} were already, {n_left} could not be",
            done.anew, done.already
        ));
    }
    Ok(if done.is_complete() { Exit::Success } else { Exit::Store })
}
