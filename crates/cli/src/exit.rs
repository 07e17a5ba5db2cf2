//! Exit codes: one enum, stable, printed below every `--help`.

use std::process::ExitCode;

use countersign_core::{Error, ErrorKind, Recovery};

/// How the program ends. The numbers are part of its interface and do not change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// The provider refused, or what was asked failed for good.
    Refused = 1,
    /// The command line, the profile or a secret source is wrong; nothing was sent because of it.
    Usage = 2,
    /// There is no session that can go on by itself.
    SignInNeeded = 3,
    /// The provider asks for a further proof that this process cannot give.
    ChallengePending = 4,
    /// The network, the provider or a lockout: the same may work later.
    TryAgain = 5,
    /// The store, or a file that keeps a new secret, could not be read or written.
    Store = 6,
    /// `request` reached the API, which answered with another status than 2xx.
    HttpStatus = 7,
    /// `logout` or `sessions revoke` ended a session here, and its tokens may live on at the provider.
    Unconfirmed = 8,
    /// A defect of this program.
    Defect = 70,
    /// Ctrl-C, or a request to end.
    Interrupted = 130,
}

impl Exit {
    /// Every code with what it tells a script, in the order of the numbers.
    pub(crate) const ALL: [(Self, &str); 11] = [
        (Self::Success, "done"),
        (Self::Refused, "refused by the provider, or failed for good"),
        (Self::Usage, "wrong command line, profile or secret source"),
        (Self::SignInNeeded, "not signed in: run `countersign login`"),
        (Self::ChallengePending, "a challenge waits: run `countersign login --continue`"),
        (Self::TryAgain, "network, outage, throttle or lockout: try again later"),
        (Self::Store, "the store, or a file of a new secret, could not be read or written"),
        (Self::HttpStatus, "request: the API answered with another status than 2xx"),
        (Self::Unconfirmed, "logout, sessions revoke: forgotten here, revocation not confirmed"),
        (Self::Defect, "a defect of this program"),
        (Self::Interrupted, "interrupted"),
    ];

    /// What an error means for a script.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Configuration | ErrorKind::Credentials => Self::Usage,
            ErrorKind::Store => Self::Store,
            ErrorKind::Internal => Self::Defect,
            ErrorKind::NeedsSignIn
            | ErrorKind::SignedOut
            | ErrorKind::Ambiguous
            | ErrorKind::ChallengeExpired => Self::SignInNeeded,
            ErrorKind::AccountLocked => Self::TryAgain,
            // Even where one more try is defensible: a script that repeats a refused secret locks the
            // account.
            ErrorKind::InvalidGrant | ErrorKind::InvalidClient | ErrorKind::CodeMismatch => {
                Self::Refused
            }
            _ => match error.recovery() {
                Recovery::Retry | Recovery::WaitUntil(_) => Self::TryAgain,
                Recovery::Reauthenticate => Self::SignInNeeded,
                Recovery::AskUser | Recovery::GiveUp => Self::Refused,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table for the end of `--help`.
pub(crate) fn table() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!("  {:>3}  {meaning}\n", exit as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use countersign_core::Timestamp;

    use super::*;

    #[test]
    fn the_numbers_are_distinct_and_rise_and_never_change() {
        let numbers: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| *exit as u8).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130]);
        for number in numbers {
            assert!(table().contains(&format!("{number:>3}  ")), "{number} is not in the table");
        }
    }

    #[test]
    fn an_error_maps_to_the_code_that_says_what_to_do_next() {
        let wait = Recovery::WaitUntil(Timestamp::from_seconds(1));
        for (error, exit) in [
            (Error::new(ErrorKind::InvalidGrant), Exit::Refused),
            (Error::new(ErrorKind::CodeMismatch), Exit::Refused),
            (Error::new(ErrorKind::Protocol), Exit::Refused),
            (Error::new(ErrorKind::Configuration), Exit::Usage),
            (Error::new(ErrorKind::Credentials), Exit::Usage),
            (Error::new(ErrorKind::NeedsSignIn), Exit::SignInNeeded),
            (Error::new(ErrorKind::InvalidToken), Exit::SignInNeeded),
            (Error::new(ErrorKind::Ambiguous), Exit::SignInNeeded),
            (Error::new(ErrorKind::Transport), Exit::TryAgain),
            (Error::new(ErrorKind::AccountLocked), Exit::TryAgain),
            (Error::new(ErrorKind::InvalidGrant).with_recovery(wait), Exit::Refused),
            (Error::new(ErrorKind::RateLimited).with_recovery(wait), Exit::TryAgain),
            (Error::new(ErrorKind::Store), Exit::Store),
            (Error::new(ErrorKind::Internal), Exit::Defect),
        ] {
            assert_eq!(Exit::of(&error), exit, "{error}");
        }
    }
}
