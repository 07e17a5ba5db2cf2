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
//! Signing in is `USER_PASSWORD_AUTH`, which an app client must allow (`ALLOW_USER_PASSWORD_AUTH`); it is
//! off by default. A time-based code is answered by the adapter alone where the credentials hold the
//! shared secret.

mod answer;
mod challenge;
mod config;
mod error;
mod provider;
mod secret_hash;
#[cfg(test)]
mod tests;
mod wire;

pub use config::{Attachment, Cognito, Flow, Presented, RefreshCall};
