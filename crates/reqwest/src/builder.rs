//! A request of a session being built, as with reqwest.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Body, Request, Response};
use serde::Serialize;

use crate::authority::Authority;
use crate::error::SendError;
use crate::exchange::Options;
use crate::session::SessionClient;

/// Which requests are sent once more after the API refused their token.
///
/// A refusal of the token means that the API did not act. A body that cannot be rewound (a stream) is
/// never sent twice; its caller gets the refusal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ReplayPolicy {
    /// All.
    #[default]
    Always,
    /// Only with a method that is idempotent (RFC 9110 §9.2.2).
    Idempotent,
    /// None.
    Never,
}

impl ReplayPolicy {
    pub(crate) fn allows(self, method: &Method) -> bool {
        match self {
            Self::Always => true,
            Self::Idempotent => method.is_idempotent(),
            Self::Never => false,
        }
    }
}

/// Mirrors `reqwest::RequestBuilder`.
#[must_use = "a request is not sent before `send`"]
pub struct RequestBuilder<A> {
    client: SessionClient<A>,
    begun: Result<reqwest::RequestBuilder, SendError>,
    replay: Option<ReplayPolicy>,
    valid_for: Option<Duration>,
}

impl<A: Authority> RequestBuilder<A> {
    pub(crate) const fn new(
        client: SessionClient<A>,
        begun: Result<reqwest::RequestBuilder, SendError>,
    ) -> Self {
        Self { client, begun, replay: None, valid_for: None }
    }

    /// Adds a header. One that is a credential of the provider is replaced when the request is sent.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.edit(|begun| begun.header(name, value))
    }

    /// Sets headers, replacing those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.edit(|begun| begun.headers(headers))
    }

    /// Appends `query` to the query of the address.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.edit(|begun| begun.query(query))
    }

    /// Sends `body` as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.edit(|begun| begun.json(body))
    }

    /// Sends `form` as `application/x-www-form-urlencoded`.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.edit(|begun| begun.form(form))
    }

    /// Sends `body`. Bytes and text can be rewound, a stream cannot.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.edit(|begun| begun.body(body))
    }

    /// How long everything may take: waiting for a token, both sends, an exchange between them, and
    /// reading the answer.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.edit(|begun| begun.timeout(timeout))
    }

    /// Whether this request may be replayed.
    pub fn replay(mut self, policy: ReplayPolicy) -> Self {
        self.replay = Some(policy);
        self
    }

    /// For how long the token should still be good when the request is sent; 30 seconds for a
    /// streaming body, else nothing beyond the moment.
    pub fn valid_for(mut self, span: Duration) -> Self {
        self.valid_for = Some(span);
        self
    }

    /// The finished request, without credentials.
    ///
    /// # Errors
    /// [`SendError::Origin`] or [`SendError::Http`] for what was wrong with its parts.
    pub fn build(self) -> Result<Request, SendError> {
        self.begun?.build().map_err(SendError::http)
    }

    /// Sends it as the session.
    ///
    /// # Errors
    /// [`SendError`]: `Auth` if the session has nothing to sign in with, `Origin` if the address is no
    /// API origin, `Http` if the network failed. An answer with an error status is an answer.
    pub fn send(self) -> impl Future<Output = Result<Response, SendError>> + Send + use<A> {
        let replay = self.replay.unwrap_or(self.client.policy());
        let options = Options { replay, valid_for: self.valid_for };
        let client = self.client;
        let built = self.begun.and_then(|begun| begun.build().map_err(SendError::http));
        let request = built.map(Box::new);
        async move { client.execute_as(request?, options).await }
    }

    fn edit(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.begun = self.begun.map(change);
        self
    }
}

impl<A> fmt::Debug for RequestBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("replay", &self.replay).finish_non_exhaustive()
    }
}
