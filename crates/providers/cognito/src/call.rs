//! Which call of the service an operation is in its present step, decided once for request, answer and
//! refusal.

use countersign_core::{Answers, Challenge, Error, ErrorKind, Operation, Outcome};

use crate::challenge::{
    DEVICE_PASSWORD_VERIFIER, DEVICE_SRP_AUTH, MFA_SETUP, PASSWORD, PASSWORD_SRP,
    PASSWORD_VERIFIER, SELECT_CHALLENGE, SOFTWARE_TOKEN_MFA,
};
use crate::config::Cognito;
use crate::error::Phase;
use crate::pending::{Next, Pending};
use crate::respond;
use crate::self_service::Extension;

/// A call of the service.
pub(crate) enum Call<'a> {
    /// `AssociateSoftwareToken` within a sign-in.
    Associate(Pending),
    /// `RespondToAuthChallenge` with the answer of a person.
    Answer(Pending, &'a Challenge, &'a Answers),
    ChangePassword,
    ConfirmDevice(Pending),
    ConfirmForgotPassword,
    Extension(Extension, &'a Answers),
    ForgotPassword,
    InitiateAuth,
    Refresh,
    Register(&'a Answers),
    /// `UpdateDeviceStatus` within a sign-in.
    RememberDevice(Pending),
    /// `RespondToAuthChallenge` with an answer that the adapter gives alone.
    Respond(Pending, &'a Operation),
    Revoke,
    SignOutEverywhere,
    /// `VerifySoftwareToken` within a sign-in.
    Verify(Pending, &'a Answers),
    WhoAmI,
}

impl<'a> Call<'a> {
    /// What `operation` is now.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if this adapter does not have it, [`ErrorKind::ChallengeExpired`] if
    /// what an earlier step left cannot be read.
    pub(crate) fn of(operation: &'a Operation) -> Result<Self, Error> {
        Ok(match operation {
            Operation::SignIn => Self::InitiateAuth,
            Operation::Answer { challenge, answers } => {
                let pending = Pending::from_continuation(&challenge.continuation)?;
                match pending.next {
                    Next::Verify => Self::Verify(pending, answers),
                    Next::Respond if enrols(&pending, challenge, answers) => {
                        Self::Associate(pending)
                    }
                    _ => Self::Answer(pending, challenge, answers),
                }
            }
            Operation::Continue { of, continuation } => match &**of {
                Operation::SignIn | Operation::Answer { .. } | Operation::Refresh => {
                    Self::next(of, Pending::from_continuation(continuation)?)?
                }
                _ => return Err(Error::new(ErrorKind::Unsupported)),
            },
            Operation::Refresh => Self::Refresh,
            Operation::Revoke => Self::Revoke,
            Operation::SignOutEverywhere => Self::SignOutEverywhere,
            Operation::WhoAmI => Self::WhoAmI,
            Operation::ChangePassword { .. } => Self::ChangePassword,
            Operation::ForgotPassword => Self::ForgotPassword,
            Operation::ConfirmForgotPassword { .. } => Self::ConfirmForgotPassword,
            Operation::Register { attributes } => Self::Register(attributes),
            Operation::Extension { name, input } => {
                let known = Extension::ALL.into_iter().find(|known| known.name() == &**name);
                let known = known.ok_or_else(|| Error::new(ErrorKind::Unsupported))?;
                Self::Extension(known, input)
            }
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        })
    }

    fn next(of: &'a Operation, pending: Pending) -> Result<Self, Error> {
        let refresh = matches!(of, Operation::Refresh);
        Ok(match pending.next {
            Next::Again if refresh => Self::Refresh,
            _ if refresh => return Err(Error::new(ErrorKind::Unsupported)),
            Next::Again => Self::InitiateAuth,
            Next::Associate => Self::Associate(pending),
            Next::ConfirmDevice => Self::ConfirmDevice(pending),
            Next::RememberDevice => Self::RememberDevice(pending),
            Next::Respond | Next::Verify => Self::Respond(pending, of),
        })
    }

    /// Which part of a session's life a refusal of it belongs to.
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::InitiateAuth => Phase::SignIn,
            Self::Respond(pending, _) if pending.challenge == SOFTWARE_TOKEN_MFA => Phase::OwnCode,
            Self::Answer(pending, ..) | Self::Respond(pending, _) => match &*pending.challenge {
                // Here the password is judged, whatever the call is called.
                PASSWORD | PASSWORD_SRP | SELECT_CHALLENGE => Phase::SignIn,
                PASSWORD_VERIFIER => Phase::Proof,
                DEVICE_PASSWORD_VERIFIER | DEVICE_SRP_AUTH => Phase::Device,
                _ => Phase::Challenge,
            },
            Self::Associate(_) | Self::Verify(..) => Phase::Challenge,
            Self::ConfirmDevice(_) | Self::RememberDevice(_) => Phase::TokenCall,
            Self::Refresh => Phase::Refresh,
            Self::Revoke => Phase::Revoke,
            Self::ChangePassword => Phase::ChangePassword,
            Self::ForgotPassword => Phase::Forgot,
            Self::ConfirmForgotPassword => Phase::Confirm,
            Self::Register(_) => Phase::Register,
            Self::WhoAmI | Self::SignOutEverywhere => Phase::TokenCall,
            Self::Extension(extension, _) => extension.phase(),
        }
    }

    /// Whether `outcome` shows that the password which is held was judged and holds. Much is asked before any
    /// password is, and where existence is hidden also of users that there are not.
    pub(crate) fn proves_password(&self, cognito: &Cognito, outcome: &Outcome) -> bool {
        // What is asked next may be another first factor in place of the password.
        let other_factor = match outcome {
            Outcome::Challenge(challenge, _) => &*challenge.name == SELECT_CHALLENGE,
            _ => false,
        };
        match self {
            Self::InitiateAuth => cognito.flow.begins_with_the_password() && !other_factor,
            Self::Respond(pending, of) => {
                let typed = match of {
                    Operation::Answer { answers, .. } => answers.get("password").is_some(),
                    _ => false,
                };
                matches!(&*pending.challenge, PASSWORD | PASSWORD_VERIFIER) && !typed
            }
            Self::Answer(pending, challenge, answers) => {
                pending.challenge == SELECT_CHALLENGE
                    && respond::choice(challenge, answers).is_ok_and(|choice| choice == PASSWORD)
                    && answers.get("password").is_none()
            }
            _ => false,
        }
    }

    /// Whether its request takes milliseconds of arithmetic.
    pub(crate) fn computes(&self, cognito: &Cognito) -> bool {
        match self {
            Self::InitiateAuth => cognito.flow.begins_with_srp(),
            Self::Answer(pending, ..) | Self::Respond(pending, _) => matches!(
                &*pending.challenge,
                DEVICE_PASSWORD_VERIFIER
                    | DEVICE_SRP_AUTH
                    | PASSWORD_SRP
                    | PASSWORD_VERIFIER
                    | SELECT_CHALLENGE
            ),
            Self::ConfirmDevice(_) | Self::Extension(Extension::ConfirmDevice, _) => true,
            _ => false,
        }
    }
}

/// Whether this answer asks for the shared secret of a software token.
fn enrols(pending: &Pending, challenge: &Challenge, answers: &Answers) -> bool {
    pending.challenge == MFA_SETUP
        && respond::choice(challenge, answers).is_ok_and(|choice| choice == SOFTWARE_TOKEN_MFA)
}
