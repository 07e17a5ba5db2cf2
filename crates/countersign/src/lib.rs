//! A session with a partner's API that is signed in, stays signed in, and never leaks or loses its
//! secrets.
//!
//! This crate only re-exports: the parts are crates of their own, and each feature adds one of them.
//! It is no authorization server, verifies no tokens, and is no client of any particular API.
//!
//! * A [`Keeper`] owns transport, store, clock and scheduler.
//! * A [`Session`] belongs to one account of one provider. It signs in, renews before a token ends,
//!   answers a refusal with one renewal and one replay, and survives the process that began it.
//! * Providers are features: `cognito`, `ibanera`, `ibex`, `igny8`, `wikimedia`. None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `cognito`, `ibanera`, `ibex`, `igny8`, `wikimedia` | the module of that name with its adapter |
//! | `reqwest` | [`reqwest`](crate::reqwest): transport and client |
//! | `rustls`, `rustls-no-provider`, `native-tls` | TLS for it; without one only plain http to loopback is spoken |
//! | `tower` | a layer around any HTTP service |
//! | `file` | [`FileStore`]: many processes on one machine share their sessions |

pub use countersign_core::{
    AccessToken, AccountKey, Ambient, Answers, AuthProvider, Authorization, Capabilities, Certainty,
    Challenge, ChallengeKind, Clock, CredentialKind, CredentialSource, Credentials, Error, ErrorKind,
    Generation, HttpTransport, IdToken, Operation, Origin, Profile, ProviderId, Recovery, SecretString,
    SessionStore, Timestamp, session::Reauthentication, session::Status,
};
pub use countersign_runtime::{
    Authorized, Events, Keeper, KeeperBuilder, ManualClock, MemoryStore, Performed, Session,
    SessionBuilder, SessionEvent, SessionEventKind, SessionStatus, SignIn, SignOutOutcome, SystemClock,
    Transition,
};

/// Contracts and vocabulary, whole: for those who write an adapter, a store or a transport.
pub use countersign_core as core;
/// Windows, back-off and budgets: settings of a [`KeeperBuilder`].
pub use countersign_scheduler as scheduler;

#[cfg(feature = "file")]
pub use countersign_store_file::FileStore;

/// Transport and client over reqwest.
#[cfg(feature = "reqwest")]
pub use countersign_reqwest as reqwest;

/// Amazon Cognito user pools.
#[cfg(feature = "cognito")]
pub use countersign_cognito as cognito;
/// Ibanera: password and TOTP, a code on every request.
#[cfg(feature = "ibanera")]
pub use countersign_ibanera as ibanera;
/// IBEX (IBEXHub): password flow and OAuth 2 client credentials.
#[cfg(feature = "ibex")]
pub use countersign_ibex as ibex;
/// IGNY8: an enveloped Django API with JWTs.
#[cfg(feature = "igny8")]
pub use countersign_igny8 as igny8;
/// Wikimedia Enterprise.
#[cfg(feature = "wikimedia")]
pub use countersign_wikimedia as wikimedia;
