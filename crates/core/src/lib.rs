//! Contracts, vocabulary and the session machine of Countersign.
//!
//! What this crate never does: it knows no provider, no HTTP client and no runtime; it opens no socket
//! and no file; it reads no clock and draws no random number; it awaits nothing. Time, randomness and
//! answers are arguments.
//!
//! * [`AuthProvider`] is the contract of an adapter: it builds requests and reads answers.
//! * [`HttpTransport`], [`SessionStore`], [`Clock`] and [`CredentialSource`] are the seams where a
//!   network call, a disk, a wait or a secret hides.
//! * [`Machine`](session::Machine) decides what may happen next; a driver does it.
//!
//! Secrets are [`SecretString`] and [`SecretBytes`]: silent in `Debug`, wiped on drop, exposed by
//! methods whose names begin with `expose`.

mod capability;
mod challenge;
mod clock;
mod credential;
mod echo;
mod error;
pub mod http;
pub mod jwt;
mod key;
mod operation;
mod origin;
mod provider;
mod seal_keys;
mod secret;
pub mod session;
mod store;
mod time;
mod token;
pub mod totp;
pub mod transport;
mod wiped;

pub use capability::{
    Capabilities, ChallengeSupport, EarliestRefresh, FallbackLifetimes, LockoutRule,
    PasswordPolicy, RefreshSupport, RegisterSupport, RevokeSupport,
};
pub use challenge::{Answers, Challenge, ChallengeKind, Continuation};
pub use clock::Clock;
pub use credential::{CredentialKind, CredentialKinds, CredentialSource, Credentials};
pub use error::{Certainty, Error, ErrorKind, FieldError, Recovery};
pub use key::{AccountKey, IdentityRule, KeyDigest, Realm, SessionKey, StoredKey};
pub use operation::{Memo, MemoPatch, Operation, Outcome};
pub use origin::{BaseUrl, Origin, Scheme};
pub use provider::{Ambient, AuthProvider, Authorization, ProviderId, Rejection, Seed, Verdict};
pub use seal_keys::SealKeys;
pub use secret::{Fingerprint, SecretBuffer, SecretBytes, SecretString};
pub use store::{Committed, Fence, Lock, RecordName, Revision, SessionStore, StoredRecord};
pub use time::{Lifetime, Monotonic, Timestamp};
pub use token::{
    AccessToken, Anchor, Generation, IdToken, MAX_TOKEN_BYTES, Profile, RefreshToken, Rotation,
    StoredTokens, TokenResponse, TokenSet,
};
pub use transport::HttpTransport;
