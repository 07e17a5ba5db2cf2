//! What is kept of an account: the guards that all of its sessions share.

use countersign_core::{Certainty, Fingerprint, SecretString, Timestamp};

use crate::unknown::UnknownFields;

/// Everything that the sessions of an account share. The default is an account about which nothing is
/// known.
#[derive(Clone, Debug, Default)]
pub struct AccountRecord {
    /// Secrets that the provider has refused.
    pub refused: Vec<RefusedSecret>,
    /// No sign-in before this instant.
    pub locked_until: Option<Timestamp>,
    /// The last time step whose code was used to sign in (RFC 6238 §5.2: a code is used once).
    pub last_code_step: Option<u64>,
    /// The automatic sign-ins of a day.
    pub sign_ins: SignInCount,
    /// A new password whose fate is not known yet.
    pub pending_password: Option<PendingPassword>,
    /// What a newer version keeps beside this.
    pub unknown: UnknownFields,
}

/// A secret that the provider has refused, by its fingerprint (salted with
/// [`crate::Sealer::salt`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RefusedSecret {
    /// Which secret.
    pub secret: Fingerprint,
    /// Whether the refusal may have been something else.
    pub certainty: Certainty,
    /// When it was refused last.
    pub at: Timestamp,
    /// How often it was sent since it was refused first, with that sending.
    pub tries: u32,
}

/// Counts the automatic sign-ins of one day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SignInCount {
    /// Days since 1970-01-01 (UTC).
    pub day: i64,
    /// Sign-ins on that day.
    pub count: u32,
}

/// A new password that was about to be set: written before the request leaves, so that a lost answer
/// does not lose the password.
#[derive(Clone, Debug)]
pub struct PendingPassword {
    /// The new password.
    pub password: SecretString,
    /// When the request was to be sent.
    pub at: Timestamp,
    /// The operation that sets it (`change_password`, `answer`, …).
    pub operation: Box<str>,
    /// A sign-in with the new password was sent to settle it.
    pub tried_new: bool,
    /// A sign-in with the old password was sent to settle it.
    pub tried_old: bool,
}
