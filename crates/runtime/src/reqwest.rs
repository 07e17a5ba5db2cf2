//! A session as the clients of `countersign-reqwest` see it (feature `reqwest`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::ResponseHead;
use countersign_core::session::{Demand, Event};
use countersign_core::{Clock, Error, ErrorKind, Generation, Origin, Verdict};
use countersign_reqwest::{
    Authority, Client, Granted, Need, NextCode, Probe, Refusal, Replay, SessionClient,
};
use http::HeaderName;

use crate::common::ApiOrigins;
use crate::doubt::Look;
use crate::post::Cargo;
use crate::session::Session;
use crate::snapshot::Authorized;
use crate::wait::wait;

#[async_trait]
impl Authority for Session {
    fn at_once(&self, need: Need) -> Option<Granted> {
        self.0.hit(need.valid_for).map(|fresh| granted(&fresh))
    }

    async fn authorization(&self, need: Need) -> Result<Granted, Error> {
        if let Some(fresh) = self.0.hit(need.valid_for) {
            return Ok(granted(&fresh));
        }
        let limit = self.limit(need);
        let found = match self.0.obtain(need.valid_for, limit).await {
            // The provider's tokens never live that long: the wish is one.
            Err(error) if error.kind() == ErrorKind::InvalidRequest => {
                self.0.obtain(Duration::ZERO, limit).await
            }
            found => found,
        };
        found.map(|authorized| granted(&authorized))
    }

    fn current_generation(&self) -> Option<Generation> {
        let now = self.0.shared.clock.now();
        if let Some(shown) = self.0.snapshot.load().get() {
            return shown.good_for(Duration::ZERO, now).then(|| shown.generation());
        }
        // Its headers are not made, which is no reason to call it another one.
        let core = self.0.core();
        let served = core.machine.served().filter(|held| held.expires_at > now)?;
        core.published.filter(|published| *published == served.generation)
    }

    async fn reject(&self, refusal: Refusal, need: Need) -> Result<Replay, Error> {
        self.0.post(Event::Rejected(refusal.generation), Cargo::default());
        let refused_again = || {
            let demand = self.0.core().machine.demand();
            matches!(demand, Demand::Stalled(failure) if failure.kind == ErrorKind::InvalidToken)
        };
        if refused_again() {
            return Ok(Replay::Never);
        }
        match self.0.obtain(Duration::ZERO, self.limit(need)).await {
            Ok(found) if found.generation() == refusal.generation => Ok(Replay::Never),
            Ok(_) => Ok(Replay::Now),
            Err(_) if refused_again() => Ok(Replay::Never),
            Err(error) => Err(error),
        }
    }

    fn report(&self, refusal: Refusal) {
        self.0.post(Event::Rejected(refusal.generation), Cargo::default());
    }

    fn accepted(&self, used: &Granted) {
        let Some(doubts) = self.0.known_doubts() else { return };
        if doubts.accepted(used.generation, used.authorization.valid_until()) {
            self.0.notify_waiters();
        }
    }

    async fn next_code(&self, used: &Granted, need: Need) -> Result<NextCode, Error> {
        let shared = &self.0.shared;
        let (generation, code) = (used.generation, used.authorization.valid_until());
        let next = shared.clock.monotonic().after(code.since(shared.clock.now()));
        if need.deadline.is_some_and(|deadline| deadline < next) {
            // Not sent again, but heard: else short requests alone would never find a dead token out.
            Authority::suspect(self, used);
            return Err(self.no_next_code());
        }
        let deadline = need.deadline.unwrap_or_else(|| next.after(self.0.settings.deadline));
        let mut probe = None;
        loop {
            let changed = self.0.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // Somebody has found out meanwhile that it is the token: the next code would not help.
            if self.current_generation() != Some(generation) {
                return Ok(NextCode::Token);
            }
            match self.0.doubts().look(generation, code, probe.is_some()) {
                Look::Cleared => break,
                Look::Mine => probe = probe.or_else(|| Some(self.probe(generation))),
                Look::Waits => {}
            }
            let now = shared.clock.monotonic();
            if probe.is_some() && now >= next {
                break;
            }
            if now >= deadline {
                return Err(Error::new(ErrorKind::TimedOut)
                    .at(self.0.provider.id(), "authorize")
                    .hint("whether the API refused the token or the code was not known in time"));
            }
            let until = if probe.is_some() { next } else { deadline };
            wait(&*shared.clock, changed, until).await;
        }
        loop {
            let need = Need { valid_for: Duration::ZERO, ..need };
            let granted = Authority::authorization(self, need).await?;
            if granted.generation != generation {
                return Ok(NextCode::Token);
            }
            if granted.authorization.valid_until() > code {
                return Ok(match probe {
                    Some(probe) => NextCode::Probe(granted, probe),
                    None => NextCode::Replay(granted),
                });
            }
            // A wall clock that was set back makes no next code for as long.
            if shared.clock.monotonic() >= deadline {
                return Err(self.no_next_code());
            }
            // The coarse clock may lie a few milliseconds behind: the same code is no next one.
            shared.clock.sleep_until(shared.clock.monotonic().after(COARSE)).await;
        }
    }

    fn suspect(&self, used: &Granted) {
        if self.0.doubts().suspect(used.generation, used.authorization.valid_until()) {
            self.0.post(Event::Rejected(used.generation), Cargo::default());
        }
    }

    fn verdict(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.rejects(head, body)
    }

    fn may_send_to(&self, origin: &Origin) -> bool {
        self.check_origin(origin).is_ok()
    }

    fn find_origin(&self, is: &dyn Fn(&Origin) -> bool) -> Option<&Origin> {
        let own = self.0.provider.realm().api_origins.iter();
        match &self.0.settings.api_origins {
            ApiOrigins::Anywhere => None,
            ApiOrigins::These(more) => own.chain(more).find(|origin| is(origin)),
        }
    }

    fn credential_headers(&self) -> &[HeaderName] {
        &self.0.provider.capabilities().credential_headers
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.shared.clock
    }
}

/// How far a coarse clock may lie behind.
const COARSE: Duration = Duration::from_millis(10);

impl Session {
    /// Sends API calls as this session, over the client that is the keeper's transport.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the keeper's transport is another one: then use
    /// [`Session::client_over`].
    pub fn client(&self) -> Result<SessionClient<Self>, Error> {
        let client = self.0.shared.client.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .hint("the keeper's transport is no reqwest client; name one with `client_over`")
        })?;
        Ok(self.client_over(client))
    }

    /// Sends API calls as this session over `client`.
    pub fn client_over(&self, client: &Client) -> SessionClient<Self> {
        client.session(self.clone())
    }

    /// The request that finds out for all others.
    fn probe(&self, generation: Generation) -> Probe {
        let cell = Arc::clone(&self.0);
        Probe::new(move || {
            cell.doubts().over(generation);
            cell.notify_waiters();
        })
    }

    fn no_next_code(&self) -> Error {
        Error::new(ErrorKind::TimedOut)
            .at(self.0.provider.id(), "authorize")
            .hint("the next one-time code begins after the request's time is over")
    }

    /// How long a caller of a client waits at most.
    fn limit(&self, need: Need) -> Duration {
        let now = self.0.shared.clock.monotonic();
        need.deadline.map_or(self.0.settings.deadline, |deadline| deadline.since(now))
    }
}

fn granted(authorized: &Authorized) -> Granted {
    Granted {
        authorization: Arc::clone(authorized.authorization()),
        generation: authorized.generation(),
        issued_at: authorized.issued_at(),
        expires_at: authorized.expires_at(),
    }
}
