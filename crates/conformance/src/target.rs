//! What the cases run against: a provider, and a server for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    AuthProvider, Clock, Credentials, HttpTransport, Origin, SecretString, Timestamp,
};

use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::way::Way;

/// A provider that can be put in front of the suite, with a server of its own for each case.
///
/// A simulator opens a fresh server each time; a live service is one server that all cases share.
#[async_trait]
pub trait Target: Send + Sync {
    /// The name in the selection and in reports: the provider's word.
    fn name(&self) -> &str;

    /// Whether its server lives in the time of a given clock, or in ours.
    fn time(&self) -> Time {
        Time::Virtual
    }

    /// A server as `setup` wants it. Nothing has been sent to it by an adapter yet.
    ///
    /// # Errors
    /// [`Unavailable`]; a setting that cannot be granted must not be passed over.
    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable>;
}

/// Which time a target lives in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// That of the clock in [`Setup`]: hours pass in milliseconds.
    Virtual,
    /// That of the world.
    Real,
}

/// Why there is no server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// This target cannot be as the case wants it, for this reason: the case is skipped.
    NotHere(String),
    /// It cannot be reached or set up, with the remedy: the run could not be made.
    Down(String),
}

/// How a server shall be.
#[derive(Clone)]
pub struct Setup {
    /// From it come all of the server's random values.
    pub seed: [u8; 32],
    /// The time in which it lives.
    pub clock: Arc<dyn Clock>,
    /// What the case wishes beside that.
    pub settings: Settings,
}

/// What a case wishes of its server. `None` leaves it as the provider is usually.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// How long an access token lives.
    pub access_life: Option<Duration>,
    /// How long a refresh token lives.
    pub refresh_life: Option<Duration>,
    /// Refresh tokens are spent on use, and are taken for so long after. The adapter claims it too.
    pub rotation: Option<Duration>,
    /// The account of the case must choose a new password at its first sign-in.
    pub first_password: bool,
    /// How far the server's clock is ahead, in milliseconds.
    pub server_ahead_ms: i64,
}

impl Settings {
    /// As the provider is usually.
    pub const USUAL: Self = Self {
        access_life: None,
        refresh_life: None,
        rotation: None,
        first_password: false,
        server_ahead_ms: 0,
    };

    /// Access tokens live for `life`.
    #[must_use]
    pub const fn access_life(mut self, life: Duration) -> Self {
        self.access_life = Some(life);
        self
    }

    /// Refresh tokens live for `life`.
    #[must_use]
    pub const fn refresh_life(mut self, life: Duration) -> Self {
        self.refresh_life = Some(life);
        self
    }

    /// Refresh tokens are spent on use, and taken for `grace` after.
    #[must_use]
    pub const fn rotating(mut self, grace: Duration) -> Self {
        self.rotation = Some(grace);
        self
    }

    /// The account must choose a new password at its first sign-in.
    #[must_use]
    pub const fn first_password(mut self) -> Self {
        self.first_password = true;
        self
    }

    /// The server's clock is ahead by that many milliseconds, or behind if negative.
    #[must_use]
    pub const fn server_ahead_ms(mut self, millis: i64) -> Self {
        self.server_ahead_ms = millis;
        self
    }
}

/// One server, for one case.
pub trait Server: Send + Sync {
    /// The adapter, set up for this server.
    fn adapter(&self) -> Arc<dyn AuthProvider>;

    /// The way to the server, as an adapter's requests take it.
    fn transport(&self) -> Arc<dyn HttpTransport>;

    /// What plays faults as bytes on the way to the server, where a real client sends: all requests go by it.
    /// Without one they are played as values in memory.
    fn way(&self) -> Option<Arc<dyn Way>> {
        None
    }

    /// The account that cases use.
    fn account(&self) -> Account;

    /// Another account of the same tenant, where there is one.
    fn other_account(&self) -> Option<Account> {
        None
    }

    /// Origins to which tokens may be presented, beside those of the adapter.
    fn api_origins(&self) -> Vec<Origin> {
        Vec::new()
    }

    /// The address of a `GET` that answers 2xx to a good token and refuses any other. Without one,
    /// cases that make calls are skipped.
    fn resource(&self) -> Option<String>;

    /// A password that the server would take in the place of the account's.
    fn next_password(&self) -> SecretString {
        SecretString::new("N3xt-canary-p4ssword!")
    }

    /// Whether [`Server::next_password`] may become that of the account. Not at a live service whose owner
    /// has named none.
    fn has_next_password(&self) -> bool {
        true
    }

    /// How long an access token lives that it gives with its usual settings, where that is known: what the adapter
    /// reads from its answers must come to the same.
    fn access_life(&self) -> Option<Duration> {
        None
    }

    /// Whether its refusal of a password, or of a client's secret, can mean nothing else. Then an automatic sign-in
    /// sends a refused one once; where the same answer may also come of an outage or of a wrong code, it may try
    /// once more. The adapter must say the same of its errors.
    fn refusal_is_certain(&self) -> bool {
        true
    }

    /// What can be done to it from behind. A live service has nothing.
    fn controls(&self) -> Option<&dyn Controls> {
        None
    }
}

/// Who signs in.
#[derive(Clone)]
pub struct Account {
    /// What names the session: user name, e-mail address or client id.
    pub identity: String,
    /// What signs it in.
    pub credentials: Credentials,
}

/// What a case may need of a server beside its protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Control {
    /// Faults in the provider's own words: [`Controls::say`] and [`Controls::outage`].
    Words,
    /// [`Controls::revoke`].
    Revoke,
    /// [`Controls::expire`].
    Expire,
    /// [`Controls::set_password`].
    Password,
    /// [`Controls::lock`].
    Lock,
    /// [`Controls::shift_clock`].
    Clock,
    /// [`Controls::mail`].
    Mail,
    /// [`Controls::seen`].
    Records,
    /// [`Controls::secrets`].
    Secrets,
    /// [`Server::resource`].
    Resource,
    /// [`Server::other_account`].
    OtherAccount,
    /// [`Server::account`] or [`Server::other_account`] with a secret for codes.
    CodeAccount,
    /// [`Server::next_password`].
    NextPassword,
    /// [`Server::way`].
    Socket,
    /// [`Time::Virtual`].
    VirtualTime,
}

impl Control {
    /// What a target lacks that does not have it.
    pub const fn lack(self) -> &'static str {
        match self {
            Self::Words => "cannot be made to fail in its own words",
            Self::Revoke => "cannot revoke tokens on demand",
            Self::Expire => "cannot end tokens early",
            Self::Password => "cannot change a password from behind",
            Self::Lock => "cannot lock an account on demand",
            Self::Clock => "has a clock that cannot be set",
            Self::Mail => "shows no mail",
            Self::Records => "tells nothing of what it saw",
            Self::Secrets => "tells no secrets",
            Self::Resource => "has no resource to call",
            Self::OtherAccount => "has one account only",
            Self::CodeAccount => "has no account whose sign-in takes a code",
            Self::NextPassword => "was given no other password for its account",
            Self::Socket => "is reached without a socket on which answers could be cut",
            Self::VirtualTime => "lives in real time",
        }
    }
}

/// Whether a revocation from behind ends the refresh tokens too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshTokens {
    /// They stay good.
    Keep,
    /// They end with the access tokens.
    Revoke,
}

/// What an administrator of the server could do and see. Only what [`Controls::can`] names is called.
pub trait Controls: Send + Sync {
    /// What it has of this.
    fn can(&self) -> &[Control];

    /// Lets the next requests for `op` meet a fault in the provider's own words.
    ///
    /// # Errors
    /// [`Unavailable::NotHere`] for a fault or an operation that it does not have, with the reason: the case is
    /// skipped. One that is passed over in silence would let a case pass that has shown nothing.
    fn say(&self, op: Op, fault: &Fault, times: Times) -> Result<(), Unavailable>;

    /// Takes back faults that were not met, and ends an outage.
    fn clear(&self);

    /// Begins or ends an outage: everything but the resource answers that it is unavailable.
    fn outage(&self, on: bool);

    /// Ends all access tokens of `identity`.
    fn revoke(&self, identity: &str, refresh_tokens: RefreshTokens);

    /// Lets all access tokens of `identity` be past their end, earlier than they were said to be.
    fn expire(&self, identity: &str);

    /// Gives the account another password.
    fn set_password(&self, identity: &str, password: &SecretString);

    /// Locks the account until it is unlocked, or unlocks it.
    fn lock(&self, identity: &str, locked: bool);

    /// Puts the server's clock forward, or back, by that many milliseconds.
    fn shift_clock(&self, by_millis: i64);

    /// The latest code or temporary password that was sent to the account's owner.
    fn mail(&self, identity: &str) -> Option<SecretString>;

    /// Every request that reached it, the oldest first.
    fn seen(&self) -> Vec<Seen>;

    /// Every secret that was issued, accepted or set up there: to search reports and logs for.
    fn secrets(&self) -> Vec<SecretString>;
}

/// One request as the server saw it. It holds no value of a header, a query or a body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen {
    /// What it asked for, in the server's view.
    pub op: Op,
    /// When it came, by the clock of the setup.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The names of its headers, in lower case.
    pub header_names: Vec<String>,
    /// The status that was sent; `None` where no answer was sent.
    pub status: Option<u16>,
    /// Whether what it asked for was done, also if the answer was then lost or spoiled.
    pub done: bool,
    /// Whether a fault of [`Controls::say`] altered what was answered: one that finds nothing of its kind in an
    /// answer alters nothing.
    pub altered: bool,
    /// Why it was refused, where it was, in a word of the server's.
    pub reason: Option<String>,
    /// What became of the access token that it presented.
    pub token: Presented,
    /// Which of the account's access tokens it presented: 1 for the first that was issued.
    pub generation: Option<u64>,
    /// Which it was given.
    pub issued: Option<u64>,
    /// Whether it presented a refresh token that was spent before.
    pub spent_refresh_token: bool,
}

impl Seen {
    /// A request for `op` at `at`; the rest is to be filled in.
    pub fn new(op: Op, at: Timestamp) -> Self {
        Self {
            op,
            at,
            method: String::new(),
            path: String::new(),
            header_names: Vec::new(),
            status: None,
            done: false,
            altered: false,
            reason: None,
            token: Presented::NotAsked,
            generation: None,
            issued: None,
            spent_refresh_token: false,
        }
    }
}

/// What became of the credential that a request presented.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Presented {
    /// Taken.
    Accepted,
    /// The token is good, the code that goes with it is not.
    BadCode,
    /// Past its end.
    Expired,
    /// Not in the form that the provider wants.
    Malformed,
    /// None was presented where one was needed.
    Missing,
    /// The operation needs none.
    NotAsked,
    /// Good, and refused by a fault.
    RefusedByFault,
    /// Ended by the server.
    Revoked,
    /// Never issued there.
    Unknown,
}
