//! A session, as its user holds it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::http::ResponseHead;
use countersign_core::session::{Event, Status};
use countersign_core::{
    AccessToken, AccountKey, AuthProvider, Challenge, Error, ErrorKind, Generation, HttpTransport,
    KeyDigest, Origin, Verdict,
};
use http::HeaderMap;

use crate::at_hand::AtHand;
use crate::builder::SessionBuilder;
use crate::cell::Cell;
use crate::clock::Reading;
use crate::common::ApiOrigins;
use crate::events::Events;
use crate::keeper::Keeper;
use crate::post::Cargo;
use crate::published::Loan;
use crate::snapshot::{Authorized, Snapshot};
use crate::status::SessionStatus;

/// A session with somebody else's API: signed in when it is needed, renewed before it ends. Cheap to
/// clone; clones, and sessions of the same keeper with the same key, are the same session.
///
/// A caller that goes away changes nothing: exchanges and their commits are tasks of their own.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Cell>);

impl Session {
    /// A keeper of one session, in memory and on the system's clock.
    ///
    /// # Errors
    /// See [`crate::KeeperBuilder::build`].
    pub fn builder(
        transport: impl HttpTransport + 'static,
        provider: impl AuthProvider + 'static,
        identity: &str,
    ) -> Result<SessionBuilder, Error> {
        Ok(Keeper::builder().transport(transport).build()?.session(provider, identity))
    }

    /// What a request must carry now. On a fresh token this takes no lock, allocates nothing and does
    /// not wait; otherwise it waits for the exchange under way, or has one begun.
    ///
    /// # Errors
    /// What the exchange failed with, shared by everybody who waited for it; [`ErrorKind::NeedsSignIn`]
    /// if nothing will come by itself; [`ErrorKind::TimedOut`] after the session's deadline.
    #[inline]
    pub fn authorization(&self) -> impl Future<Output = Result<Authorized, Error>> + Send + '_ {
        AtHand::new(self)
    }

    /// The same without waiting: `None` if there is no good token at this moment. What is due is
    /// begun in the background. For interceptors that cannot wait.
    // Left to the compiler it is called, and its answer goes by way of memory: a fifth of what it costs.
    #[inline(always)]
    pub fn current(&self) -> Option<Authorized> {
        let now = self.0.wall.read();
        let shown = self.0.snapshot.load();
        if shown.is_hit(now) {
            return Some(Authorized::of(shown));
        }
        self.current_anew(shown, now).map(Authorized::new)
    }

    // A pointer goes by way of a register, and a header's loan by way of memory, which the usual case would then do too.
    #[cold]
    #[inline(never)]
    fn current_anew(&self, over: Loan, now: Reading) -> Option<Arc<Snapshot>> {
        if let Some(shown) = over.hit_after_all(now) {
            return Some(shown);
        }
        self.0.kick();
        self.0.read_soon();
        self.0.rouse();
        crate::ticker::ensure(&self.0.shared);
        crate::watch::ensure(&self.0.shared);
        self.0.post_if_due();
        let now = self.0.shared.clock.now();
        let shown = self.0.shown(now).ok().flatten().filter(|s| s.good_for(Duration::ZERO, now));
        if shown.is_none() && self.0.asks_without_waiting() {
            if self.0.only_reads() {
                self.0.peek();
            } else if self.0.core().read {
                self.0.post_wanted(Duration::ZERO);
            }
        }
        shown.inspect(|shown| shown.touch())
    }

    /// The access token.
    ///
    /// # Errors
    /// See [`Session::authorization`].
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.authorization().await.map(|authorized| authorized.access_token().clone())
    }

    /// An authorization whose token is good for at least `span` from now: renewed first if it is not.
    ///
    /// # Errors
    /// See [`Session::authorization`]; [`ErrorKind::InvalidRequest`] if the provider's tokens do not
    /// live that long.
    pub async fn authorization_for(&self, span: Duration) -> Result<Authorized, Error> {
        match self.0.hit(span) {
            Some(fresh) => Ok(fresh),
            // Boxed, so that the future of the usual case is small.
            None => Box::pin(self.0.obtain(span, self.0.settings.deadline)).await,
        }
    }

    /// An access token that is good for at least `span` from now.
    ///
    /// # Errors
    /// See [`Session::authorization_for`].
    pub async fn access_token_for(&self, span: Duration) -> Result<AccessToken, Error> {
        self.authorization_for(span).await.map(|authorized| authorized.access_token().clone())
    }

    /// [`Session::authorization`] within another deadline than the session's own.
    ///
    /// # Errors
    /// See [`Session::authorization`].
    pub async fn authorization_within(&self, deadline: Duration) -> Result<Authorized, Error> {
        match self.0.hit(Duration::ZERO) {
            Some(fresh) => Ok(fresh),
            None => Box::pin(self.0.obtain(Duration::ZERO, deadline)).await,
        }
    }

    /// Puts the credentials into the headers of a request to `origin`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if `origin` is no API origin of this session: then nothing was
    /// written. Else see [`Session::authorization`].
    pub async fn authorize(
        &self,
        headers: &mut HeaderMap,
        origin: &Origin,
    ) -> Result<Generation, Error> {
        self.check_origin(origin)?;
        let authorized = self.authorization().await?;
        authorized.apply(headers);
        Ok(authorized.generation())
    }

    /// Whether tokens may be presented to `origin`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`], naming the origin and what to set.
    pub fn check_origin(&self, origin: &Origin) -> Result<(), Error> {
        let own = &self.0.provider.realm().api_origins;
        let allowed = match &self.0.settings.api_origins {
            ApiOrigins::Anywhere => true,
            ApiOrigins::These(more) => own.contains(origin) || more.contains(origin),
        };
        if allowed {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Configuration).at(self.0.provider.id(), "authorize").hint(
            format!(
                "tokens of this session are not for {origin}; name it in `api_origins` if they are"
            ),
        ))
    }

    /// Every origin to which tokens may be presented, beside those of a session for tests.
    pub fn api_origins(&self) -> Vec<Origin> {
        let own = self.0.provider.realm().api_origins.iter();
        match &self.0.settings.api_origins {
            ApiOrigins::Anywhere => own.cloned().collect(),
            ApiOrigins::These(more) => own.chain(more).cloned().collect(),
        }
    }

    /// What an answer of the API says about the authorization that was presented; see
    /// [`AuthProvider::rejects`].
    pub fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        let judge = || Ok(self.0.provider.rejects(head, body));
        crate::publish::guarded(judge).unwrap_or(Verdict::Accepted)
    }

    /// The API has refused the token of `generation`. If that is the one that is handed out, it is
    /// handed out no more and a new one is bought, once; if it is older, nothing happens: present the
    /// current one.
    pub fn reject(&self, generation: Generation) {
        self.0.post(Event::Rejected(generation), Cargo::default());
    }

    /// The challenge that waits for its answer, in this process or another one. A session that rests
    /// knows of none before [`Session::load`].
    pub fn pending(&self) -> Option<Challenge> {
        self.0.pending_challenge().map(|pending| pending.challenge)
    }

    /// The state and the reasons for it.
    pub fn status(&self) -> SessionStatus {
        let now = self.0.shared.clock.now();
        let core = self.0.core();
        let held = core.machine.held();
        SessionStatus {
            state: core.machine.status(),
            resting: !core.read,
            read_only: self.0.only_reads(),
            generation: held.map(|held| held.generation),
            issued_at: held.map(|held| held.issued_at),
            expires_at: held.map(|held| held.expires_at),
            refresh_expires_at: held.and_then(|held| held.refresh).and_then(|r| r.expires_at),
            good: core.machine.served().is_some_and(|held| held.expires_at > now),
            saved: core.saved,
            next: core.appointment.map(|(appointment, at, _)| (appointment.purpose, at)),
            last_error: core.last_error.as_ref().map(|(_, error)| error.clone()),
            transitions: core.ring.to_vec(),
        }
    }

    /// The state alone.
    pub fn state(&self) -> Status {
        self.0.core().machine.status()
    }

    /// Waits until the state, the token or the last failure is another than when this was called, and
    /// tells the new status. Whoever waits for something calls this first, looks, and awaits it then:
    /// so nothing is missed in between.
    pub fn changed(&self) -> impl Future<Output = SessionStatus> + Send {
        let before = self.0.version();
        async move {
            loop {
                let changed = self.0.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.0.version() != before {
                    return self.status();
                }
                changed.await;
            }
        }
    }

    /// What happens to this session from now on.
    pub fn events(&self) -> Events {
        self.0.shared.hub.listen(Some(self.0.digest))
    }

    /// Whose session it is.
    pub fn account(&self) -> &AccountKey {
        self.0.account()
    }

    /// The name of this session in logs and events.
    pub fn digest(&self) -> KeyDigest {
        self.0.digest
    }

    /// The adapter.
    pub fn provider(&self) -> &Arc<dyn AuthProvider> {
        &self.0.provider
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} {})", self.0.provider.id(), self.0.digest)
    }
}
