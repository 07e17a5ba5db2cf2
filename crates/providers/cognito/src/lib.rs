//! Countersign adapter for Amazon Cognito user pools.
//!
//! This is the user pool API itself (`cognito-idp`), as a client application calls it: AWS JSON 1.1 over
//! `POST`, one path, no AWS keys and no request signature. It is not the hosted sign-in page, not the
//! identity pool, and none of the `Admin*` operations.
//!
//! Documented by the service model and the developer guide: operations, challenges, the secret hash,
//! lifetimes, rotation, the names of exceptions. Not documented, and therefore loosely read: the texts
//! of `NotAuthorizedException`, which alone tell a wrong password from a lockout or a dead session.
//!
//! Not sent by the service, and therefore settings of [`Cognito`]: whether refresh tokens rotate and
//! with which grace, how long a refresh token and a challenge session live, and which token, in which
//! form, the API behind the pool wants. Cognito has no API of its own to call: name the origins of yours
//! when a session is opened.
//!
//! # Challenges
//!
//! A challenge is surfaced with the names of the answers that it wants. Names are open strings at the
//! service: one that is not in this table surfaces as [`ChallengeKind::Unsupported`] with its parameters.
//!
//! | challenge | kind | wants | answered by the adapter alone |
//! |---|---|---|---|
//! | `PASSWORD_VERIFIER`, `DEVICE_SRP_AUTH`, `DEVICE_PASSWORD_VERIFIER` | | | always |
//! | `PASSWORD`, `PASSWORD_SRP` | `Code` | `password` | where the credentials hold a password; `PASSWORD` only in a flow that sends it |
//! | `NEW_PASSWORD_REQUIRED` | `NewPassword` | `new_password`, and `attribute.NAME` for each that is missing; others may be given | |
//! | `SMS_MFA`, `SMS_OTP`, `EMAIL_OTP` | `Code` | `code` | |
//! | `SOFTWARE_TOKEN_MFA` | `Code` | `code` | where the credentials hold a TOTP secret |
//! | `SELECT_MFA_TYPE` | `Choice` | `choice` | where the credentials hold a TOTP secret and it is offered |
//! | `SELECT_CHALLENGE` | `Choice` | `choice`; `password` (else that of the credentials) or `credential` may be given with it | |
//! | `MFA_SETUP` with more than one factor to set up | `Choice` | `choice`, and with `EMAIL_OTP` also `email` | |
//! | `MFA_SETUP` of a software token: chosen, or the only one | `Code` | `code`; `device_name` may be given. [`SoftwareToken::of`] tells the secret | |
//! | `CUSTOM_CHALLENGE` | `Code` | `answer` | |
//! | `WEB_AUTHN` | `Code` | `credential`: what the authenticator says to the parameter `CREDENTIAL_REQUEST_OPTIONS`, as JSON | |
//!
//! Every [`ChallengeKind::Choice`] has the parameter `choices`: the names that may be chosen, with commas.
//!
//! A code is taken with the spaces that people write into it; one that is too short, an attribute that no
//! pool has, a choice that is not offered cost no attempt. A challenge says until when it can be answered
//! (`expires_at`) and whether a refused answer may be followed by another (`reanswerable`); how many are
//! left the service does not tell. At most 16 challenges follow each other.
//!
//! # Devices
//!
//! A pool that tracks devices gives out a key at the sign-in of a new one. Unless [`Devices`] says
//! otherwise the adapter confirms it in the same sign-in; its key, its group and the password that was
//! made for it are facts of the session's record, sealed with its tokens. A later sign-in proves the
//! device by itself. One that the pool does not know any more is forgotten, and the sign-in goes on
//! without it.
//!
//! # ID tokens
//!
//! An ID token is kept with the access token and can be what the API is shown ([`Presented::IdToken`]).
//! Its claims can be read (`countersign_core::jwt::Claims`); neither its signature nor theirs is verified
//! here, and nothing is scheduled by a claim that the answer itself contradicts: a client trusts what it
//! got over TLS from the pool, and whoever is shown a token verifies it.
//!
//! # Self-service
//!
//! [`Operation::Register`] is `SignUp`; the others are [`Operation::Extension`] by these names. Values in
//! the profile of [`Outcome::Done`] are texts; none of them is secret.
//!
//! | operation | input | needs | outcome |
//! |---|---|---|---|
//! | `Register` | attributes by the names of the pool (`email`, `phone_number`, `custom:team`) | identity, password | `Done`: `subject`, `confirmed` (`true` or `false`), and where a code was sent: `destination`, `medium`, `attribute` |
//! | `confirm_sign_up` | `code`; `force_alias` (`true` takes an address over from another account) | identity | `Done`, empty |
//! | `resend_confirmation_code` | | identity | `Done`: `destination`, `medium`, `attribute` |
//! | `associate_software_token` | | access token | `Challenge` named `MFA_SETUP`, of kind `Code`. It is not pending: hand its code to `verify_software_token`. The secret and its `otpauth://` address are in [`SoftwareToken::of`] that challenge, nowhere else |
//! | `verify_software_token` | `code`; `device_name` | access token | `Done`: `status` (`SUCCESS`) |
//! | `set_user_mfa_preference` | one or more of `software_token`, `sms`, `email`, each `preferred`, `enabled` or `disabled` | access token | `Done`, empty |
//! | `confirm_device` | `device_name`; `remember` (`true` or `false`) where the pool leaves that to the user | access token, a device that came with the last sign-in | `Done`: `remembered` (`true` or `false`) |
//! | `forget_device` | | access token, a confirmed device | `Done`, empty |
//!
//! So a second factor is enrolled with `associate_software_token`, then `verify_software_token`, then
//! `set_user_mfa_preference` with `software_token` = `preferred`; it is switched off with
//! `software_token` = `disabled`.
//!
//! [`ChallengeKind::Choice`]: countersign_core::ChallengeKind::Choice
//! [`ChallengeKind::Unsupported`]: countersign_core::ChallengeKind::Unsupported
//! [`Operation::Extension`]: countersign_core::Operation::Extension
//! [`Operation::Register`]: countersign_core::Operation::Register
//! [`Outcome::Done`]: countersign_core::Outcome::Done

mod answer;
mod call;
mod challenge;
mod config;
mod device;
mod error;
mod flow;
mod input;
mod pending;
mod prove;
mod provider;
mod respond;
mod secret_hash;
mod self_service;
mod software_token;
mod srp;
#[cfg(test)]
mod tests;
mod wire;

pub use config::{Attachment, Cognito, Presented, RefreshCall};
pub use flow::{Devices, FirstFactor, Flow};
pub use software_token::SoftwareToken;
