//! A session with a partner's API that is signed in, stays signed in, and never leaks or loses its
//! secrets.
//!
//! What this crate never does: it is no authorization server, verifies no tokens, and is no client of
//! any particular API. It holds no code of its own: the parts are crates, and each feature adds one of
//! them.
//!
//! * A [`Keeper`] owns transport, store, clock and scheduler. A process has one.
//! * A [`Session`] belongs to one account of one provider. It signs in, renews before a token ends,
//!   answers a refusal with one renewal and one replay, and survives the process that began it.
//! * What a call needs comes from `Session::client` (feature `reqwest`), which mirrors the client of
//!   reqwest, or from [`Session::authorization`] as headers; [`Session::current`] is for those who
//!   cannot wait.
//! * An [`Error`] says what happened, what may be done next ([`Recovery`]) and whether that is sure
//!   ([`Certainty`]). One failure is shared by everybody who waited.
//!
//! # A session's life
//!
//! The partner here is a simulator (`countersign-simulator`) without a socket, and time a hand crank, as
//! in a test of your own. A program has `countersign::reqwest::Client` as its transport, and the rest is
//! the same.
//!
//! ```
//! # #[cfg(not(feature = "ibex"))] fn main() {}
//! # #[cfg(feature = "ibex")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{sync::Arc, time::Duration};
//!
//! use countersign::{Credentials, Keeper, ManualClock, SignOutOutcome, Status, ibex::Ibex};
//! use countersign_simulator::{Operation, Simulator};
//!
//! let (partner, clock) = (Simulator::ibex().build(), ManualClock::default());
//! let transport = partner.in_process(Arc::new(clock.clone()));
//! let keeper = Keeper::builder().transport(transport).clock(clock.clone()).build()?;
//!
//! let account = partner.account();
//! let secrets = Credentials::new().with_password(account.password);
//! let hub = keeper.session(Ibex::sandbox(), &account.identity).credentials(secrets).open().await?;
//! assert_eq!(hub.state(), Status::SignedOut); // nothing is sent before somebody asks
//!
//! let first = hub.authorization().await?; // the headers of a request; signs in
//! assert_eq!(hub.authorization().await?.generation(), first.generation());
//!
//! clock.advance(Duration::from_secs(3600)); // the token has ended
//! let second = hub.authorization().await?; // renewed, and the password was not sent again
//! assert!(second.generation() > first.generation());
//! assert_eq!(partner.totals().exchanges_of(Operation::SIGN_IN), 1);
//! assert_eq!(partner.totals().exchanges_of(Operation::REFRESH), 1);
//!
//! assert_eq!(hub.sign_out(Duration::from_secs(5)).await, SignOutOutcome::Revoked);
//! assert!(keeper.shutdown(Duration::from_secs(10)).await);
//! # Ok(()) }
//! ```
//!
//! # After a compromise
//!
//! Every session that is open or stored ends, and what lives on at a provider is told.
//!
//! ```
//! # #[cfg(not(feature = "ibex"))] fn main() {}
//! # #[cfg(feature = "ibex")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::{sync::Arc, time::Duration};
//! # use countersign::{Credentials, Keeper, ManualClock, ibex::Ibex};
//! # use countersign_simulator::Simulator;
//! # let (partner, clock) = (Simulator::ibex().build(), ManualClock::default());
//! # let transport = partner.in_process(Arc::new(clock.clone()));
//! # let keeper = Keeper::builder().transport(transport).clock(clock.clone()).build()?;
//! # let account = partner.account();
//! # let secrets = Credentials::new().with_password(account.password);
//! # let hub = keeper.session(Ibex::sandbox(), &account.identity).credentials(secrets).open().await?;
//! # hub.authorization().await?;
//! use countersign::{Remaining, RevocationOutcome, RevocationReport, Selection};
//!
//! let report: RevocationReport =
//!     keeper.revoke_all(&Selection::All, Duration::from_secs(60), |_| None).await;
//! for session in &report.sessions {
//!     assert_eq!(session.outcome, RevocationOutcome::Revoked);
//!     assert_eq!(session.refresh, Remaining::Nothing);
//! }
//! # assert_eq!(report.sessions.len(), 1);
//! # Ok(()) }
//! ```
//!
//! The folder `examples` of this crate has programs that run against a simulator: a service, a worker,
//! a lambda, a web login over two replicas, an interceptor, a fleet of many accounts, and a test of your
//! own.
//!
//! # Features
//!
//! None is on by default. A feature adds API and never changes behaviour.
//!
//! | feature | what it adds |
//! |---|---|
//! | `cognito`, `ibanera`, `ibex`, `igny8`, `wikimedia` | the module of that name with the adapter of that provider |
//! | `reqwest` | the module `reqwest` (transport and client), `Session::client` |
//! | `hyper` | the module `hyper`: a leaner transport, over a connector of yours and without a client |
//! | `rustls`, `rustls-no-provider`, `native-tls` | TLS for it, and `reqwest` with it: rustls with aws-lc-rs, rustls with a crypto provider that the program installs, the platform's own |
//! | `tower` | `reqwest::AuthLayer`, a layer around any HTTP service; `reqwest` with it |
//! | `middleware` | `reqwest::AuthMiddleware`, for clients of reqwest-middleware; `reqwest` with it |
//! | `file` | `FileStore`: the processes of one machine share their sessions (Unix, Windows) |
//! | `keyring` | `OsKeyring`: its seal keys under a keyring of the operating system; `file` with it |
//! | `redis` | `RedisStore`: many machines share their sessions (`rustls` gives it TLS) |
//!
//! Without TLS only plain http to loopback is spoken, and without a store sessions are kept in memory.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use countersign_core::{
    AccessToken, AccountKey, Ambient, Answers, AuthProvider, Authorization, Capabilities,
    Certainty, Challenge, ChallengeKind, Clock, CredentialKind, CredentialSource, Credentials,
    Error, ErrorKind, FieldError, Generation, HttpTransport, IdToken, KeyDigest, Operation, Origin,
    Profile, ProviderId, Recovery, SealKeys, SecretBytes, SecretString, SessionStore, Timestamp,
    Verdict,
    session::{Purpose, Reauthentication, Status},
};
#[doc(inline)]
pub use countersign_runtime::{
    Authorized, CredentialSink, Events, Keeper, KeeperBuilder, ManualClock, MemoryStore,
    PasswordStage, Performed, RecordFormat, Session, SessionBuilder, SessionEvent,
    SessionEventKind, SessionStatus, SignIn, SignOutOutcome, SystemClock, Transition,
};
/// What a [`Keeper`] and a [`Session`] answer who asks what is stored, planned or wrong, or ends sessions.
#[doc(inline)]
pub use countersign_runtime::{
    Explanation, Figures, Outcomes, Planned, Reason, Remaining, Revocation, RevocationOutcome,
    RevocationReport, Selection, Stored, StoredAccount, StoredContent, StoredEnd, StoredJournal,
    StoredSession, StoredState,
};
#[cfg(feature = "keyring")]
#[doc(inline)]
pub use countersign_store_file::OsKeyring;
#[cfg(feature = "file")]
#[doc(inline)]
pub use countersign_store_file::{
    FileStore, Inspection, KeyFile, KeyProtection, KeyVault, LockFacts, LockKind, Passphrase,
    RecordFacts, Resealed, SealedFacts,
};
#[cfg(all(feature = "redis", not(feature = "file")))]
#[doc(inline)]
pub use countersign_store_redis::Resealed;
#[cfg(feature = "redis")]
#[doc(inline)]
pub use countersign_store_redis::{KeySource, RedisBuilder, RedisStore};

/// Contracts and vocabulary, whole: for those who write an adapter, a store or a transport.
pub use countersign_core as core;
/// Windows, back-off and budgets: what [`KeeperBuilder::backoff`] and [`KeeperBuilder::budgets`] take.
pub use countersign_scheduler as scheduler;

/// The transport over connections of hyper.
#[cfg(feature = "hyper")]
pub use countersign_hyper as hyper;
/// Transport, client and (feature `tower`) layer over reqwest.
#[cfg(feature = "reqwest")]
pub use countersign_reqwest as reqwest;

/// Amazon Cognito user pools: password sign-in and its chain of challenges.
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
