//! Who hands out authorizations: the one thing that the clients of this crate know of a session.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::ResponseHead;
use countersign_core::{
    Authorization, Clock, Error, Generation, Monotonic, Origin, Rejection, Timestamp, Verdict,
};
use http::HeaderName;

use crate::probe::NextCode;

/// A session, as a client of an API sees it. Implemented by the runtime's session.
///
/// The order of calls for one request is: [`may_send_to`](Self::may_send_to), then
/// [`authorization`](Self::authorization), then the request is sent and its answer judged by
/// [`verdict`](Self::verdict). After a refusal of the *current* generation comes one
/// [`reject`](Self::reject) and, if it says so, one replay; after a refusal of an older one the replay
/// comes at once. Whatever is refused and not replayed is told by [`report`](Self::report); whatever is
/// not refused by [`accepted`](Self::accepted).
///
/// Where a code goes with every request and the token is young, a refusal may mean either: then
/// [`next_code`](Self::next_code) comes before any `reject`, and lets one request find out for all.
///
/// Every wait ends at [`Need::deadline`] with an error of kind `TimedOut`; dropping a future of this
/// trait changes nothing about the session.
#[async_trait]
pub trait Authority: Clone + Send + Sync + 'static {
    /// What a request needs now: at once if the token is good, else after the running exchange.
    ///
    /// # Errors
    /// Why there is none, as the session says it.
    async fn authorization(&self, need: Need) -> Result<Granted, Error>;

    /// What [`authorization`](Self::authorization) would give without waiting; asked before it, since a
    /// future that is boxed costs more than a token that is at hand. `None` leaves it to that.
    fn at_once(&self, need: Need) -> Option<Granted> {
        let _ = need;
        None
    }

    /// The generation that `authorization` would hand out without waiting; `None` if there is none
    /// that is good and not refused.
    fn current_generation(&self) -> Option<Generation>;

    /// The API refuses `refusal.generation`: makes it unusable, joins (or begins) the one exchange
    /// and says whether the request is worth a replay.
    ///
    /// # Errors
    /// Why the exchange failed; the caller gets this error instead of the API's answer.
    async fn reject(&self, refusal: Refusal, need: Need) -> Result<Replay, Error>;

    /// A refusal without a replay: the body cannot be sent twice, the caller forbids it, or
    /// (`refusal.replayed`) the replay was refused too. In the last case another exchange is not worth
    /// it until back-off ends. Begins an exchange at most in the background; never waits.
    fn report(&self, refusal: Refusal);

    /// The API answered a request with `used` and did not refuse it. Told of every such answer, so that
    /// it must cost next to nothing, but of none that says nothing about it: of a server that fails, or with
    /// a body that could not be judged. Needed only where [`verdict`](Self::verdict) answers
    /// [`Rejection::TokenOrCode`].
    fn accepted(&self, used: &Granted);

    /// For providers that want a code on every request: `used` was refused while its token was young,
    /// and that may have meant the code. The first who asks is sent again in the next time step, the
    /// others wait for what comes of that.
    ///
    /// # Errors
    /// As for [`authorization`](Self::authorization).
    async fn next_code(&self, used: &Granted, need: Need) -> Result<NextCode, Error>;

    /// The same refusal of a request that is not sent again. It is not believed for itself: the request
    /// after it finds out. Never waits.
    fn suspect(&self, used: &Granted);

    /// What an answer of the API says about the authorization: the adapter's `rejects`.
    fn verdict(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict;

    /// Whether credentials may go to `origin`: it is one of the API origins.
    fn may_send_to(&self, origin: &Origin) -> bool;

    /// The API origin that `is` recognises, so that the usual address is not taken apart for each request.
    /// One that is not found is asked of [`may_send_to`](Self::may_send_to).
    fn find_origin(&self, is: &dyn Fn(&Origin) -> bool) -> Option<&Origin> {
        let _ = is;
        None
    }

    /// Every header that an authorization may set: the capabilities' `credential_headers`.
    fn credential_headers(&self) -> &[HeaderName];

    /// The session's clock.
    fn clock(&self) -> &dyn Clock;
}

/// What a request needs of an authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Need {
    /// For how long the token should still be good. A wish: a token fresh from the provider is
    /// handed out even if it lives shorter.
    pub valid_for: Duration,
    /// When the caller's time is over; `None` leaves it to the session's own limit.
    pub deadline: Option<Monotonic>,
}

/// An authorization and what is known about the token in it.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The headers.
    pub authorization: Arc<Authorization>,
    /// Of which generation.
    pub generation: Generation,
    /// When its token was bought.
    pub issued_at: Timestamp,
    /// When its token ends (not the code beside it).
    pub expires_at: Timestamp,
}

impl Granted {
    /// Whether the token is in the first half of its life: then an answer that means "token or code"
    /// more likely means the code.
    pub fn is_young(&self, now: Timestamp) -> bool {
        now < self.issued_at.after(self.expires_at.since(self.issued_at) / 2)
    }
}

/// What `need` asks for: at once, or after a wait.
pub(crate) async fn granted<A: Authority>(authority: &A, need: Need) -> Result<Granted, Error> {
    match authority.at_once(need) {
        Some(granted) => Ok(granted),
        None => authority.authorization(need).await,
    }
}

/// A refusal by the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The generation that was presented.
    pub generation: Generation,
    /// What was said against it.
    pub rejection: Rejection,
    /// The request had been replayed already.
    pub replayed: bool,
}

/// Whether a refused request is worth a replay.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Replay {
    /// There is another authorization now.
    Now,
    /// There will be none soon: the refusal is the answer.
    Never,
}
