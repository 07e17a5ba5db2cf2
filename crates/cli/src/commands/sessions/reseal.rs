//! `sessions reseal`: every record sealed with the key that seals now, so that an older one can go.

use clap::Args;
use serde_json::json;

use super::profiles;
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::Shelf;

/// With which key.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Draw a new key first. Programs that run read the keys again when they meet it
    #[arg(long)]
    new_key: bool,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let shelf = Shelf::look(profiles(global)?.as_ref())?;
    let (key, done) = shelf.at_work(async |store| {
        let key = if arguments.new_key { Some(store.add_key().await?) } else { None };
        Ok((key, store.reseal().await?))
    })?;
    for (record, error) in &done.left {
        output::report(&Problem::from(error).note(format!("about the record {record}")));
    }
    let n_left = done.left.len();
    if global.json {
        output::json(&json!({
            "resealed": done.anew,
            "kept": done.already,
            "failed": n_left,
            "new_key": key,
        }))?;
    } else {
        if let Some(key) = key {
            output::say(&format!(
                "key {key} seals from now on; `sessions drop-key` takes older ones away"
            ));
        }
        output::say(&format!(
            "{} records are sealed anew, {} were already, {n_left} could not be",
            done.anew, done.already
        ));
    }
    Ok(if done.is_complete() { Exit::Success } else { Exit::Store })
}
