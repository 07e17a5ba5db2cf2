//! What happened, for who looks for the reason of a failure: `MODEL_TRACE=1` prints every event and
//! effect. Only the last schedule on the screen is the failing one.

use countersign_core::KeyDigest;
use countersign_core::session::{Effect, Event};

use crate::EffectFilter;

/// Whether it is to be printed.
pub(super) fn wanted() -> bool {
    std::env::var_os("MODEL_TRACE").is_some()
}

/// Prints and changes nothing.
pub(super) struct Trace;

impl EffectFilter for Trace {
    fn event(&self, _: KeyDigest, event: &Event) {
        let event = format!("{event:?}");
        let short: String = event.chars().take(160).collect();
        say(&format!("> {short}"));
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        say(&format!("  {effect:?}"));
        vec![effect]
    }
}

#[expect(clippy::print_stderr, reason = "that is what was asked for")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}
