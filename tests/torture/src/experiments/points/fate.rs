//! What becomes of what a process was at when it died, if it was no renewal.

use super::document::Text;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::experiments) enum Fate {
    /// Nothing of it has come to the provider: the next process does it as if for the first time.
    Anew,
    /// The same, and a sign-in of the day is counted that was never sent.
    Counted,
    /// It has come to the provider, and its answer is lost: it is done once more.
    OnceMore,
    /// Its end is in the store.
    Kept,
    /// The challenge is in the store, and answered from there.
    Resumed,
    /// An answer to the challenge may have been sent: it is not answered again, and whoever tries is told so.
    Gone,
    /// One sign-in with the new password and one with the old one have found out that the old one holds.
    OldHolds,
    /// A sign-in has found out that the new password holds.
    NewHolds,
    /// The new password holds, and the old one is not sent any more: whoever still has it is told.
    Told,
    /// The session is as it was: nobody was told that it has ended.
    Alive,
    /// The session has ended for all who share the store; whether the provider has ended it is not known, and
    /// whoever ends it again has it revoked.
    InDoubt,
    /// It has ended, here and there.
    Ended,
    /// The refusal is in the store: nobody asks again.
    Spared,
    /// None of these.
    Other(&'static str),
}

impl Text for Fate {
    fn text(self) -> &'static str {
        match self {
            Self::Anew => "anew",
            Self::Counted => "counted",
            Self::OnceMore => "once more",
            Self::Kept => "kept",
            Self::Resumed => "resumed",
            Self::Gone => "gone",
            Self::OldHolds => "the old one, found out",
            Self::NewHolds => "the new one, found out",
            Self::Told => "the new one, told",
            Self::Alive => "alive",
            Self::InDoubt => "in doubt",
            Self::Ended => "ended",
            Self::Spared => "spared",
            Self::Other(what) => what,
        }
    }
}
