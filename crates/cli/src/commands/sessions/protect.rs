//! `sessions protect`: the keys of the store under what the profile file asks for.

use clap::Args;
use countersign_store_file::{KeyProtection, Passphrase};

use super::profiles;
use crate::ask::Typing;
use crate::cli::Global;
use crate::engine::online;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::interrupt::{self, Hearing};
use crate::output;
use crate::problem::Problem;
use crate::store;

/// What `--answer` calls the passphrase that the keys are under now.
const OLD: &str = "old_passphrase";

/// What the keys are under now.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// `old_passphrase=SOURCE`, where the keys are under a passphrase now; SOURCE is env:NAME, file:PATH,
    /// fd:NUMBER, or - for a line of standard input. What is not given is asked for on a terminal
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let mut inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    inputs.only([OLD])?;
    let settings = profiles(global)?.map(|file| file.store().clone()).unwrap_or_default();
    interrupt::block_on(&online()?, Hearing::Hears, async {
        let wanted = store::protection(&settings).await?;
        let before = match store::open_under(&settings, KeyProtection::OwnerOnly)?
            .inspect()
            .await?
            .key
        {
            Some("passphrase") => {
                let label = "passphrase that the keys are under now";
                let old = inputs.get(OLD, label, Typing::Hidden).await?;
                KeyProtection::Passphrase(Passphrase::new(old))
            }
            Some("owner_only") | None => KeyProtection::OwnerOnly,
            Some(other) => match crate::keyring::vault().filter(|_| other == "vault") {
                Some(vault) => KeyProtection::Vault(vault),
                None => {
                    return Err(Problem::usage(
                        format!("the keys are under a {other}, which this build cannot open"),
                        format!(
                            "change it with the program that has put them there; for a keyring, {}",
                            crate::keyring::HOW_TO_GET_IT
                        ),
                    ));
                }
            },
        };
        store::open_under(&settings, before)?.protect(wanted).await?;
        output::say(&format!("the keys of the store are under {}", settings.under()));
        Ok(Exit::Success)
    })
}
