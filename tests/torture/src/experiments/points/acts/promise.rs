//! What the documents promise for each step.

use super::Act;
use crate::experiments::points::fate::Fate;

const MARKED: &str = "after a record of the mark is written";
const ANSWERED: &str = "after the answer has come";
const STORED: &str = "after a record of the commit is written";

pub(super) fn of(act: Act, steps: &[String]) -> Vec<Fate> {
    let never = usize::MAX;
    let first = |what: &str| steps.iter().position(|step| step == what).unwrap_or(never);
    let last = |what: &str| steps.iter().rposition(|step| step == what).unwrap_or(never);
    let (sent, stored) = (last(ANSWERED), last(STORED));
    // The account's record is written once more after it: the new password goes last.
    let bought = steps[..stored.min(steps.len())].iter().rposition(|step| step == STORED);
    let bought = bought.unwrap_or(never);
    let promised = |n: usize| match act {
        Act::SignIn if n >= stored => Fate::Kept,
        Act::SignIn if n >= sent => Fate::OnceMore,
        Act::SignIn if n >= first(MARKED) => Fate::Counted,
        Act::SignInAgain | Act::Code if n >= stored => Fate::Kept,
        Act::SignInAgain | Act::Code if n >= sent => Fate::OnceMore,
        Act::Challenge if n >= stored => Fate::Resumed,
        Act::Challenge if n >= sent => Fate::OnceMore,
        Act::FirstPassword if n >= bought => Fate::Kept,
        Act::Answer if n >= stored => Fate::Kept,
        Act::FirstPassword if n >= sent => Fate::NewHolds,
        Act::Answer | Act::FirstPassword if n >= last(MARKED) => Fate::Gone,
        Act::Answer | Act::FirstPassword => Fate::Resumed,
        Act::ChangePassword if n >= stored => Fate::Told,
        Act::ChangePassword if n >= sent => Fate::NewHolds,
        Act::ChangePassword if n >= first(MARKED) => Fate::OldHolds,
        Act::SignOut | Act::RevokeAll if n >= stored => Fate::Ended,
        Act::SignOut | Act::RevokeAll if n >= first(MARKED) => Fate::InDoubt,
        Act::SignOut | Act::RevokeAll => Fate::Alive,
        Act::Refused | Act::Locked if n >= stored => Fate::Spared,
        Act::Refused | Act::Locked if n >= sent => Fate::OnceMore,
        _ => Fate::Anew,
    };
    (0..steps.len()).map(promised).collect()
}
