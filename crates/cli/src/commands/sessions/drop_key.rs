//! `sessions drop-key`: an old key leaves the store, once `sessions reseal` has brought every record to another.

use clap::Args;
use serde_json::json;

use super::profiles;
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use crate::shelf::Shelf;

/// Which key.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The number of the key. The one that seals and the lowest one, which names the records, stay
    #[arg(value_name = "NUMBER")]
    number: u32,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let shelf = Shelf::look(profiles(global)?.as_ref())?;
    let number = arguments.number;
    shelf.at_work(async |store| Ok(store.drop_key(number).await?))?;
    if global.json {
        output::json(&json!({ "dropped": number }))?;
    } else {
        output::say(&format!("key {number} is gone; copies of records that it sealed stay closed"));
    }
    Ok(Exit::Success)
}
