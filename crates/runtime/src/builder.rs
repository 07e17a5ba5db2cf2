//! Describing a session and opening it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_core::{
    AuthProvider, CredentialSource, Credentials, Error, Memo, Origin, SessionKey, StoredKey,
};
use countersign_scheduler::LaneLimits;

use crate::cell::Cell;
use crate::common::{ApiOrigins, Common, Latest, Settings};
use crate::readers_copy;
use crate::records::Records;
use crate::session::Session;
use crate::shared::Shared;
use crate::sink::CredentialSink;
use crate::watch;

/// What a [`Session`] is made of.
pub struct SessionBuilder {
    shared: Arc<Shared>,
    provider: Arc<dyn AuthProvider>,
    key: SessionKey,
    source: Option<Arc<dyn CredentialSource>>,
    sink: Option<Arc<dyn CredentialSink>>,
    reauthentication: Option<Reauthentication>,
    api_origins: Vec<Origin>,
    deadline: Duration,
    auth_limit: Option<LaneLimits>,
    keep_alive: bool,
    keep_refreshable: bool,
}

impl SessionBuilder {
    pub(crate) fn new(
        shared: Arc<Shared>,
        provider: Arc<dyn AuthProvider>,
        key: SessionKey,
    ) -> Self {
        Self {
            shared,
            provider,
            key,
            source: None,
            sink: None,
            reauthentication: None,
            api_origins: Vec::new(),
            deadline: Duration::from_secs(30),
            auth_limit: None,
            keep_alive: false,
            keep_refreshable: false,
        }
    }

    /// Where the credentials come from: values, or a source that is asked now and again before every
    /// exchange. Without one, the session lives on what the store holds and on
    /// [`Session::sign_in_with`].
    #[must_use]
    pub fn credentials(self, source: impl CredentialSource + 'static) -> Self {
        self.credentials_from(Arc::new(source))
    }

    /// The same for a source that many sessions share.
    #[must_use]
    pub fn credentials_from(mut self, source: Arc<dyn CredentialSource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Where new passwords go before they are sent, beside the store.
    #[must_use]
    pub fn credential_sink(mut self, sink: impl CredentialSink + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Whether the session signs in by itself. If nothing is said: yes, ten times a day, where there
    /// is a source that asks no person; else no.
    #[must_use]
    pub const fn reauthentication(mut self, policy: Reauthentication) -> Self {
        self.reauthentication = Some(policy);
        self
    }

    /// Origins to which tokens may be presented, beside those of the provider.
    #[must_use]
    pub fn api_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.api_origins.extend(origins);
        self
    }

    /// How long a caller waits for a token; 30 s.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// At most `n` calls of this session's auth origin and client in every `per`; else what
    /// [`crate::KeeperBuilder::budgets`] says. For a provider that documents a limit: IGNY8 takes 20
    /// auth calls a minute.
    ///
    /// Sessions of one origin and client draw on one budget: say the same for each of them. Exchanges
    /// beyond it wait; half of `n` may go at once after a rest. Processes count for themselves, so give
    /// each its share.
    #[must_use]
    pub fn auth_limit(mut self, n: u32, per: Duration) -> Self {
        self.auth_limit = Some(LaneLimits::at_most(n, per));
        self
    }

    /// Renews in time although nobody uses the session: there is always a good access token, at the price
    /// of an exchange in every life of one.
    #[must_use]
    pub const fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    /// Keeps a session that nobody uses from losing its refresh token to an idle limit: shortly before
    /// that ends (a quarter of what is left of its life when it was bought, at most a day) it is used
    /// once, and the access token is not kept fresh meanwhile. For sessions that may be idle for weeks and
    /// must not ask for a sign-in then.
    ///
    /// It helps where using the refresh token moves its end, and where that end is known: from the
    /// provider's answer, or from its claims. An end that does not move is not tried again.
    #[must_use]
    pub const fn keep_refreshable(mut self) -> Self {
        self.keep_refreshable = true;
        self
    }

    /// Opens the session: checks that the source has what the provider needs, and takes up what the
    /// store holds. Nothing is sent. If this keeper has the session already, it is that one: it takes
    /// over a source of credentials and a policy of reauthentication that are named here, and keeps its
    /// other settings and its provider value.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Credentials`] if the source fails or a needed kind is missing, and
    /// [`countersign_core::ErrorKind::Store`] if the store cannot be read.
    pub async fn open(self) -> Result<Session, Error> {
        let found = self.checked().await?;
        let cell = self.into_cell()?;
        let records = cell.in_time(1, Records::load(&cell)).await?;
        if let Some(credentials) = &found {
            cell.remember_codes(credentials, &records.session.memo);
        }
        watch::ensure(&cell.shared);
        readers_copy::look_after(&cell.shared, std::iter::once((&cell, &records)));
        cell.observe(&records);
        Ok(Session(cell))
    }

    /// Opens the session without reading anything: its first use reads the store, and asks the source.
    /// For many sessions of which few are used. Else as [`SessionBuilder::open`].
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the keeper was shut down.
    pub fn open_lazily(self) -> Result<Session, Error> {
        let cell = self.into_cell()?;
        watch::ensure(&cell.shared);
        Ok(Session(cell))
    }

    /// Whether it describes the session of `key`.
    pub(crate) fn is_of(&self, key: &StoredKey) -> bool {
        StoredKey::from(&self.key) == *key
    }

    /// The credentials that are at hand, after a look whether the source has what the provider needs.
    pub(crate) async fn checked(&self) -> Result<Option<Credentials>, Error> {
        if self.shared.is_closed() {
            return Err(crate::obtain::closed());
        }
        self.checked_credentials().await
    }

    /// The machine of the session, which has read nothing yet if it is new.
    pub(crate) fn into_cell(self) -> Result<Arc<Cell>, Error> {
        if self.shared.is_closed() {
            return Err(crate::obtain::closed());
        }
        let automatic = self.source.as_ref().is_some_and(|source| !source.interactive());
        let usual = if automatic { Reauthentication::default() } else { Reauthentication::Manual };
        let latest = Latest { source: self.source, policy: self.reauthentication, usual };
        let settings = Settings {
            sink: self.sink,
            api_origins: ApiOrigins::These(self.api_origins.into()),
            deadline: self.deadline,
            keep_alive: self.keep_alive,
            keep_refreshable: self.keep_refreshable,
            limits: self.auth_limit,
        };
        let (shared, provider, key) = (self.shared, self.provider, self.key);
        let first = latest.clone();
        let cell = shared.session(key.digest(), || {
            let common = Common::new(&shared, provider, settings, first, key.clone());
            let common = shared.commons.shared(common);
            let key = key.like(&common.neighbour);
            Arc::new(Cell::new(common, key))
        });
        cell.choose(latest);
        Ok(cell)
    }

    async fn checked_credentials(&self) -> Result<Option<Credentials>, Error> {
        let Some(source) = &self.source else { return Ok(None) };
        let account = self.key.account();
        if source.interactive() {
            // Codes for requests can be made of what is at hand; anything else is asked for later.
            return Ok(source.at_hand(account).await.ok());
        }
        let mut found = source.credentials(account).await?;
        if found.identity().is_err() {
            found = found.with_identity(account.identity());
        }
        found
            .check(&self.provider.capabilities().credentials)
            .map_err(|error| error.at(self.provider.id(), "open"))?;
        Ok(Some(found))
    }
}

impl Session {
    /// A session that always hands out `token`, as `Authorization: Bearer`, to any origin: for the
    /// tests of programs that use sessions. It never ends and sends nothing.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Protocol`] if `token` cannot be a token.
    pub fn fixed(token: &str) -> Result<Self, Error> {
        let (provider, tokens) = crate::fixed::provider_and_tokens(token)?;
        let keeper =
            crate::Keeper::builder().transport(crate::fixed::NoTransport).pull().build()?;
        let shared = keeper.0;
        let provider: Arc<dyn AuthProvider> = Arc::new(provider);
        let key = SessionKey::new(provider.id(), provider.realm(), "fixed");
        let latest = Latest { source: None, policy: None, usual: Reauthentication::Manual };
        let settings = Settings {
            sink: None,
            api_origins: ApiOrigins::Anywhere,
            deadline: Duration::from_secs(30),
            keep_alive: false,
            keep_refreshable: false,
            limits: None,
        };
        let common = Common::new(&shared, provider, settings, latest, key.clone());
        let cell = Arc::new(Cell::new(Arc::new(common), key));
        let cell = shared.session(cell.digest, || cell);
        let record = countersign_seal::SessionRecord {
            tokens: Some(tokens),
            memo: Memo::default(),
            ..Default::default()
        };
        cell.observe(&Records::of_session(record));
        Ok(Self(cell))
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionBuilder({:?})", self.key)
    }
}
