//! The settings of a store.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_core::{Clock, Error, SecretString};
use countersign_runtime::SystemClock;
use countersign_seal::KeySource;

use crate::connect::{Login, PasswordSource};
use crate::fault;
use crate::keys::Keys;
use crate::link::Link;
use crate::names::Names;
use crate::place::{Address, Place};
use crate::replicas::Waits;
use crate::shared::{Mode, Shared};
use crate::store::RedisStore;
use crate::tls::{Tls, TlsSettings};

const PREFIX: &str = "countersign";
const DEADLINE: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(1);

/// What a [`RedisStore`] is made of. `Debug` shows places and limits, never who connects.
#[must_use]
pub struct RedisBuilder {
    address: Address,
    places: Vec<Place>,
    keys: Arc<dyn KeySource>,
    prefix: String,
    user: Option<String>,
    password: Option<Arc<PasswordSource>>,
    tls: TlsSettings,
    trusted: bool,
    mode: Mode,
    deadline: Duration,
    answer: Duration,
    replicas: u32,
    holder: Option<String>,
    clock: Option<Arc<dyn Clock>>,
}

impl RedisBuilder {
    pub(crate) fn new(address: &str, keys: Arc<dyn KeySource>) -> Result<Self, Error> {
        let address = Address::parse(address)?;
        Ok(Self {
            places: address.place.iter().cloned().collect(),
            user: address.user.clone(),
            password: address.password.clone().map(given),
            address,
            keys,
            prefix: PREFIX.into(),
            tls: TlsSettings::default(),
            trusted: false,
            mode: Mode::ReadWrite,
            deadline: DEADLINE,
            answer: ANSWER,
            replicas: 0,
            holder: None,
            clock: None,
        })
    }

    /// Another server that is or may become the master. Whoever cannot be reached, or says that it is a
    /// replica, is passed over for the next one, in turns.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be read, or names another
    /// database, a user or a password: those are the same at all servers.
    pub fn or(mut self, address: &str) -> Result<Self, Error> {
        let other = Address::parse(address)?;
        if other.user.is_some() || other.password.is_some() {
            return Err(fault::setting(
                "user and password stand in the first address alone".into(),
            ));
        }
        if other.database != self.address.database {
            return Err(fault::setting("all servers have the same database".into()));
        }
        self.places.extend(other.place);
        Ok(self)
    }

    /// Who connects, by the server's access control list.
    pub fn user(mut self, name: impl Into<String>, password: SecretString) -> Self {
        self.user = Some(name.into());
        self.password = Some(given(password));
        self
    }

    /// The same with a password that is asked for again for every connection, so that it may change.
    pub fn user_with(
        mut self,
        name: impl Into<String>,
        password: impl Fn() -> Result<SecretString, Error> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(name.into());
        self.password = Some(Arc::new(password));
        self
    }

    /// What all keys and the stream of changes begin with, in braces: `{countersign}` if nothing is said.
    /// Stores with different prefixes know nothing of each other. 1 to 64 letters, digits or `_-.:/`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Nothing is written and no lock is taken: for a user who may only read, also at a replica.
    pub fn read_only(mut self) -> Self {
        self.mode = Mode::ReadOnly;
        self
    }

    /// How long an operation may take with all of its tries: 5 s if nothing is said.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a connection or one answer may take before another connection is tried: 1 s if nothing is
    /// said.
    pub fn answer_within(mut self, answer: Duration) -> Self {
        self.answer = answer;
        self
    }

    /// So many replicas have to confirm each write (WAIT) before it counts as done. It is an error if they
    /// do not within half of what an answer may take ([`RedisBuilder::answer_within`]), and the write stays. Other
    /// calls of this store are behind one such wait at most.
    pub fn confirmed_by(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Who we are, for those who wait for a lock that we hold: host and process if nothing is said. It can
    /// be read by all who may read the store.
    pub fn holder(mut self, name: impl Into<String>) -> Self {
        self.holder = Some(name.into());
        self
    }

    /// Plain TCP to another machine, which is refused otherwise: the password, if there is one, is sent
    /// in the clear, and who sits between can write into the store.
    pub fn trust_network(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// The authorities whose certificates are trusted, in PEM, in place of the system's.
    #[cfg(feature = "rustls-no-provider")]
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots = Some(pem.into());
        self
    }

    /// Our own certificate with its chain and its private key, both in PEM, for a server that asks for one.
    #[cfg(feature = "rustls-no-provider")]
    pub fn identity_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        key: countersign_core::SecretBytes,
    ) -> Self {
        self.tls.identity = Some((certificates.into(), key));
        self
    }

    /// Another clock than the system's. Leases are measured by it on our side, and by the server's clock
    /// on the other.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The store. Nothing is sent yet: [`RedisStore::ping`] does.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the prefix is not one, if plain TCP would leave
    /// this machine, or if TLS is not there or its certificates cannot be read.
    pub fn build(self) -> Result<RedisStore, Error> {
        let names = Names::new(&self.prefix)?;
        let open = |place: &&Place| !place.has_tls() && !place.is_local();
        if let Some(place) = self.places.iter().find(open).filter(|_| !self.trusted) {
            return Err(fault::setting(format!(
                "{place} is another machine: write rediss://, or say trust_network() if nobody can listen or \
                 write between"
            )));
        }
        let with_tls = self.places.iter().any(Place::has_tls);
        if self.tls.is_set() && !with_tls {
            return Err(fault::setting("certificates are of no use without rediss://".into()));
        }
        let tls = if with_tls { self.tls.build()? } else { Tls::default() };
        let login = Login {
            user: self.user,
            password: self.password,
            database: self.address.database,
            tls,
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let holder = self.holder.unwrap_or_else(this_process);
        Ok(RedisStore::new(Arc::new(Shared {
            link: Link::new(self.places, login, clock, self.answer),
            names,
            keys: Keys::new(self.keys),
            mode: self.mode,
            holder: holder.into(),
            deadline: self.deadline,
            replicas: self.replicas,
            waits: Waits::default(),
            failed: Mutex::default(),
            unwritten: Mutex::default(),
            dropped: Mutex::default(),
        })))
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("places", &self.places)
            .field("prefix", &self.prefix)
            .field("mode", &self.mode)
            .field("deadline", &self.deadline)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

fn given(password: SecretString) -> Arc<PasswordSource> {
    Arc::new(move || Ok(password.clone()))
}

/// `process 17 on api-3`.
fn this_process() -> String {
    let process = std::process::id();
    match host() {
        Some(host) => format!("process {process} on {host}"),
        None => format!("process {process}"),
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
