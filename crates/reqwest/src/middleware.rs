//! The same as a middleware of `reqwest-middleware`.

use std::fmt;

use async_trait::async_trait;
use countersign_core::Verdict;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::attempts::Attempts;
use crate::authority::{Authority, Granted, granted};
use crate::builder::ReplayPolicy;
use crate::error::SendError;
use crate::exchange::{Call, Options, judge, judge_body};
use crate::send_with::{Redirects, check_redirects};

/// Makes a `ClientWithMiddleware` send as a session: origin check, authorization and replay as with
/// [`crate::SessionClient`]; redirects, cookies, proxies and resending are those of the client below. For
/// what it makes of a POST that is redirected, see [`crate::send_with`].
///
/// **Attach it last.** What is attached after it would see the credentials; what is attached before it,
/// such as a middleware that retries, comes through here with each attempt and gets an authorization that
/// is good then.
///
/// Errors of the session come as `Error::Middleware` around a [`SendError`]; out of those of the client the
/// address is taken, since its query may hold secrets.
///
/// ```
/// use countersign_reqwest::{AuthMiddleware, Authority};
/// use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
///
/// fn client(session: impl Authority) -> ClientWithMiddleware {
///     ClientBuilder::new(reqwest::Client::new()).with(AuthMiddleware::new(session)).build()
/// }
/// ```
#[derive(Clone)]
pub struct AuthMiddleware<A> {
    authority: A,
    replay: ReplayPolicy,
    redirects: Redirects,
}

impl<A: Authority> AuthMiddleware<A> {
    /// A middleware for the session behind `authority` that replays whatever the API refused, on a client
    /// of whose redirects nothing is known.
    pub fn new(authority: A) -> Self {
        Self { authority, replay: ReplayPolicy::default(), redirects: Redirects::default() }
    }

    /// The same with another replay policy.
    #[must_use]
    pub fn replay(mut self, policy: ReplayPolicy) -> Self {
        self.replay = policy;
        self
    }

    /// What is known about the redirects of the client below. Where nothing is, a request fails with
    /// [`SendError::RedirectsUnsafe`] if a credential header could be carried to another host.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }
}

#[async_trait]
impl<A: Authority> Middleware for AuthMiddleware<A> {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let authority = &self.authority;
        check_redirects(authority, self.redirects).map_err(Error::middleware)?;
        let options = Options { replay: self.replay, valid_for: None };
        let mut call = Call::new(authority, &mut request, options).map_err(Error::middleware)?;
        let given = granted(authority, call.need).await.map_err(auth)?;
        let first = call.next_send(&given).map_err(Error::middleware)?;
        let sent = next.clone().run(first, extensions).await;
        let response = sent.map_err(Error::without_url)?;
        if !call.is_answered_by(&response) {
            return Ok(response);
        }
        if judge(authority, &response) == Verdict::Accepted {
            Attempts::default().accepted(authority, &given, response.status());
            return Ok(response);
        }
        // Rare, and boxed so that it does not weigh on every call.
        Box::pin(again(authority, call, given, response, extensions, next)).await
    }
}

/// A call whose answer is not accepted for its head alone.
async fn again<A: Authority>(
    authority: &A,
    mut call: Call<'_>,
    mut given: Granted,
    mut response: Response,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    let mut attempts = Attempts::default();
    loop {
        let (verdict, answer) = match judge(authority, &response) {
            Verdict::NeedsBody => judge_body(authority, response).await,
            verdict => (verdict, response),
        };
        let status = answer.status();
        let after =
            attempts.next(authority, &given, (verdict, status), call.may_replay(), call.need);
        match after.await.map_err(auth)? {
            Some(next) => given = next,
            None => return Ok(answer),
        }
        let request = call.next_send(&given).map_err(Error::middleware)?;
        let sent = next.clone().run(request, extensions).await;
        response = sent.map_err(Error::without_url)?;
        if !call.is_answered_by(&response) {
            return Ok(response);
        }
    }
}

impl<A> fmt::Debug for AuthMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthMiddleware")
            .field("replay", &self.replay)
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}

fn auth(error: countersign_core::Error) -> Error {
    Error::middleware(SendError::Auth(error))
}
