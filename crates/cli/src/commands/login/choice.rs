//! Choosing one of several ways to go on.

use countersign_core::{Challenge, SecretString};

use crate::ask::Typing;
use crate::exit::Exit;
use crate::inputs;
use crate::output;
use crate::problem::Problem;
use crate::profile::nearest;
use crate::terminal::escape;

/// How often a person may try to name one.
const MOST_TRIES: usize = 5;

/// The names that may be chosen.
fn choices(challenge: &Challenge) -> Vec<&str> {
    let names = challenge.parameters.get("choices").map_or("", String::as_str);
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The choice where there is none to make.
pub(super) fn the_only_one(challenge: &Challenge) -> Option<SecretString> {
    match choices(challenge)[..] {
        [only] => Some(SecretString::new(only)),
        _ => None,
    }
}

/// Whether `value` may be chosen; else what may be.
pub(super) fn check(challenge: &Challenge, value: &SecretString) -> Result<(), String> {
    let choices = choices(challenge);
    if choices.is_empty() || choices.contains(&value.expose()) {
        return Ok(());
    }
    Err(format!("the choice is one of {}", choices.join(", ")))
}

/// Asks a person, who types a name or its number.
pub(super) async fn ask(challenge: &Challenge) -> Result<SecretString, Problem> {
    let choices = choices(challenge);
    for (n, name) in choices.iter().enumerate() {
        output::say(&format!("  {}) {}", n + 1, escape(name)));
    }
    for _ in 0..MOST_TRIES {
        let typed = inputs::ask("choice", "choice", Typing::Shown).await?;
        let word = typed.expose().trim();
        let numbered = word.parse::<usize>().ok().and_then(|n| choices.get(n.checked_sub(1)?));
        let named = choices.iter().find(|name| name.eq_ignore_ascii_case(word));
        if let Some(chosen) = numbered.or(named) {
            return Ok(SecretString::new(*chosen));
        }
        if choices.is_empty() {
            return Ok(typed);
        }
        let near = nearest(word, choices.iter().copied()).unwrap_or_default();
        output::say(&format!("there is no such choice; did you mean {}?", escape(near)));
    }
    Err(Problem::new(
        Exit::ChallengePending,
        "nothing was chosen, and nothing was sent",
        "run `countersign login --continue`",
    ))
}
