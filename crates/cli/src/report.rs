//! What an operation beside the life of a token has brought, for people and for programs.

use countersign_core::Capabilities;
use countersign_runtime::Performed;
use serde_json::{Map, Value, json};

use crate::cli::Global;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::terminal::escape;

/// Tells that `operation` is done: `words` to a person, an object to a program.
pub(crate) fn done(
    profile: &Profile,
    global: &Global,
    operation: &str,
    performed: &Performed,
    words: &str,
) -> Result<(), Problem> {
    if global.json {
        let facts: Map<String, Value> =
            performed.profile.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        return output::json(&json!({
            "profile": profile.name(),
            "provider": profile.provider(),
            "operation": operation,
            "signed_in": performed.signed_in,
            "facts": facts,
        }));
    }
    output::say(words);
    for (name, value) in performed.profile.iter() {
        output::say(&format!("  {}: {}", escape(name), escape(value)));
    }
    Ok(())
}

/// Where a code has gone, if the provider says so: `to k***@e*** by email`.
pub(crate) fn delivery(performed: &Performed) -> String {
    let fact = |name: &str| performed.profile.get(name).map(escape);
    match (fact("destination"), fact("medium")) {
        (Some(to), Some(by)) => format!(" to {to} by {}", by.to_lowercase()),
        (Some(to), None) => format!(" to {to}"),
        _ => String::new(),
    }
}

/// What a provider calls the text that it sends for a forgotten password.
pub(crate) fn code_word(can: &Capabilities) -> &'static str {
    match can.register {
        Some(register) if register.required.contains(&"temporary_password") => "temporary password",
        _ => "code",
    }
}
