//! A client that sends as a session.

use std::fmt;

use http::Method;
use reqwest::{IntoUrl, Request, Response};

use crate::authority::Authority;
use crate::builder::{ReplayPolicy, RequestBuilder};
use crate::client::Client;
use crate::error::{OriginRefused, SendError};
use crate::exchange::{self, Options};
use crate::origins::without_user_information;

/// Sends API calls signed in: `get`, `post` and the rest mirror `reqwest::Client`.
///
/// Each request is checked against the API origins, gets the session's authorization (replacing a
/// credential header that the caller set), and is replayed once if the API refuses a token that has
/// been, or can be, replaced. Redirects are followed within the same origin, at most ten, with
/// credentials made anew for each hop; an answer that redirects to another origin is handed back as it
/// is, and so is a 301 or 302 to a POST, which would become a GET. Cheap to clone.
#[derive(Clone)]
pub struct SessionClient<A> {
    client: Client,
    authority: A,
    replay: ReplayPolicy,
}

impl<A: Authority> SessionClient<A> {
    pub(crate) fn new(client: Client, authority: A) -> Self {
        Self { client, authority, replay: ReplayPolicy::default() }
    }

    /// The same client with another policy for requests that name none.
    #[must_use]
    pub fn replay(mut self, policy: ReplayPolicy) -> Self {
        self.replay = policy;
        self
    }

    /// Begins a `GET`.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::GET, url)
    }

    /// Begins a `POST`.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::POST, url)
    }

    /// Begins a `PUT`.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::PUT, url)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::PATCH, url)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::DELETE, url)
    }

    /// Begins a `HEAD`.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder<A> {
        self.request(Method::HEAD, url)
    }

    /// Begins a request. A wrong address is told when it is sent.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder<A> {
        let url = url.into_url().map_err(|_| OriginRefused::NoOrigin);
        // reqwest would make a header of user information: it is refused before.
        let url = url.and_then(|url| without_user_information(&url).map(|()| url));
        let begun = url.map(|url| self.client.bare().request(method, url)).map_err(Into::into);
        RequestBuilder::new(self.clone(), begun)
    }

    /// Sends a request that was built elsewhere, by the policy of this client.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn execute(&self, request: Request) -> Result<Response, SendError> {
        let options = Options { replay: self.replay, valid_for: None };
        self.execute_as(Box::new(request), options).await
    }

    /// Who hands out the authorizations.
    pub const fn authority(&self) -> &A {
        &self.authority
    }

    pub(crate) const fn policy(&self) -> ReplayPolicy {
        self.replay
    }

    pub(crate) fn execute_as(
        &self,
        request: Box<Request>,
        options: Options,
    ) -> impl Future<Output = Result<Response, SendError>> + Send {
        exchange::execute(&self.authority, &self.client, request, options)
    }
}

impl<A> fmt::Debug for SessionClient<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionClient").field("replay", &self.replay).finish_non_exhaustive()
    }
}
