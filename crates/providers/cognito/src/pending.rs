//! What the adapter keeps between two steps. It travels as a [`Continuation`], through a store or another
//! process where a person answers in between.

use countersign_core::{Continuation, Error, ErrorKind, SecretBuffer, SecretString};
use serde::{Deserialize, Serialize};

use crate::wire::{AuthenticationResult, exposed};

/// So many challenges may follow each other in one sign-in. The longest documented chain has seven.
const MOST_ROUNDS: u8 = 16;

/// What the next step must repeat, and which one it is.
#[derive(Deserialize, Serialize)]
pub(crate) struct Pending {
    /// The name of the challenge; empty where the step answers none.
    pub(crate) challenge: String,
    #[serde(default, skip_serializing_if = "Next::is_respond")]
    pub(crate) next: Next,
    /// Tokens that came while a device is still to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<AuthenticationResult>,
    /// How many challenges came before this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) round: u8,
    #[serde(serialize_with = "exposed")]
    pub(crate) session: Option<SecretString>,
    /// The shared secret of a software token that is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub(crate) shared_secret: Option<SecretString>,
    /// The user name of the answer, which also goes into its secret hash.
    pub(crate) username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verifier: Option<Verifier>,
}

/// Which call comes next.
#[derive(Deserialize, Serialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Next {
    /// The operation from its beginning, since what it began with does not hold any more.
    Again,
    /// `AssociateSoftwareToken`.
    Associate,
    /// `ConfirmDevice`.
    ConfirmDevice,
    /// `UpdateDeviceStatus`.
    RememberDevice,
    /// `RespondToAuthChallenge`.
    #[default]
    Respond,
    /// `VerifySoftwareToken`.
    Verify,
}

/// The server's half of an SRP exchange, as it came.
#[derive(Deserialize, Serialize)]
pub(crate) struct Verifier {
    pub(crate) block: String,
    pub(crate) salt: String,
    pub(crate) srp_b: String,
    /// The name that goes into the proof.
    pub(crate) user_id: String,
}

impl Pending {
    /// A step that answers no challenge.
    pub(crate) fn step(next: Next, username: &str) -> Self {
        Self {
            challenge: String::new(),
            next,
            result: None,
            round: 0,
            session: None,
            shared_secret: None,
            username: username.to_owned(),
            verifier: None,
        }
    }

    /// Reads what an earlier step left.
    ///
    /// # Errors
    /// [`ErrorKind::ChallengeExpired`] if this is not of this adapter's making.
    pub(crate) fn from_continuation(continuation: &Continuation) -> Result<Self, Error> {
        serde_json::from_slice(continuation.bytes().expose_bytes()).map_err(|_| {
            Error::new(ErrorKind::ChallengeExpired)
                .hint("the stored challenge was not made by this adapter; begin the sign-in again")
        })
    }

    pub(crate) fn keep(&self) -> Result<Continuation, Error> {
        let mut buffer = SecretBuffer::new();
        serde_json::to_writer(&mut buffer, self)
            .map_err(|_| Error::new(ErrorKind::Internal).hint("a challenge could not be kept"))?;
        Ok(Continuation::new(buffer.finish()))
    }

    /// The round of the challenge that follows this one.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if the chain does not end.
    pub(crate) fn next_round(&self) -> Result<u8, Error> {
        match self.round + 1 {
            round if round < MOST_ROUNDS => Ok(round),
            _ => Err(Error::new(ErrorKind::Protocol)
                .hint("the pool asks for challenge after challenge; begin the sign-in again")),
        }
    }
}

impl Next {
    fn is_respond(&self) -> bool {
        *self == Self::Respond
    }
}

fn is_zero(round: &u8) -> bool {
    *round == 0
}
