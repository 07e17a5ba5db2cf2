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
    let Some(file) = profiles(global)? else {
        return Err(Problem::usage(
            "there is no profile file, which says what the keys of the store are to be under",
            "name it by --config FILE or COUNTERSIGN_CONFIG; its table [store] has `key`",
        ));
    };
    let settings = file.store().clone().withholding(inputs.variables().map(str::to_owned));
    interrupt::block_on(&online()?, Hearing::Hears, async {
        let wanted = store::protection(&settings).await?;
        let looked = store::open_under(&settings, KeyProtection::OwnerOnly)?.inspect().await?;
        if let Some(under @ ("passphrase" | "vault")) = looked.key
            && matches!(wanted, KeyProtection::OwnerOnly)
            && !settings.in_the_clear()
        {
            return Err(weaker(under));
        }
        let before = match looked.key {
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

/// What nobody has written is no reason to take a protection away.
fn weaker(under: &str) -> Problem {
    let under = if under == "vault" { "a key in a keyring" } else { "a passphrase" };
    Problem::usage(
        format!(
            "the keys are under {under}, and the profile file does not say that they are to be in the clear"
        ),
        "is it the right file? If so, say what they are to be under: key = \"file\", \"passphrase\" or \
         \"keyring\" in its table [store]",
    )
}
