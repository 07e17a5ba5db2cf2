//! Sending as a session on a `reqwest::Client` that is not ours.

use countersign_core::Verdict;
use http::{HeaderName, header};
use reqwest::{Client, Request, Response};

use crate::attempts::Attempts;
use crate::authority::{Authority, granted};
use crate::builder::ReplayPolicy;
use crate::error::SendError;
use crate::exchange::{Call, Options, judge, judge_body};

/// What reqwest takes out of a request when a redirect leaves its host, port or scheme
/// (`remove_sensitive_headers` of reqwest 0.13; it removes `cookie2` too, which nobody sends).
const STRIPPED_BY_REQWEST: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::WWW_AUTHENTICATE];

/// What is known about the redirects of a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Redirects {
    /// Nothing: allowed only where reqwest strips every credential header of the provider.
    #[default]
    Unknown,
    /// The caller vouches that the client follows redirects to the same origin only, or none.
    Vouched,
}

/// Whether no redirect of the client below can carry a credential to another host.
pub(crate) fn check_redirects<A: Authority>(
    authority: &A,
    redirects: Redirects,
) -> Result<(), SendError> {
    let carried = |name: &&HeaderName| !STRIPPED_BY_REQWEST.contains(*name);
    match authority.credential_headers().iter().find(carried) {
        Some(name) if redirects == Redirects::Unknown => {
            Err(SendError::RedirectsUnsafe(name.clone()))
        }
        _ => Ok(()),
    }
}

/// Sends `request` as the session behind `authority` with the caller's own client: origin check,
/// authorization and replay as with [`crate::SessionClient`]; redirects, cookies, proxies and resending
/// are that client's. One that follows redirects, as reqwest does unless told otherwise, makes a GET of a
/// POST that is answered by 301 or 302, and its success is no word about the POST; nothing here can see
/// that. Give it `redirect::Policy::none()`, or use a `SessionClient`.
///
/// # Errors
/// [`SendError::RedirectsUnsafe`] before anything is sent, if the client could carry a credential
/// header to another host; else as for [`crate::RequestBuilder::send`].
pub fn send_with<'a, A: Authority>(
    authority: &'a A,
    client: &'a Client,
    request: Request,
    redirects: Redirects,
    replay: ReplayPolicy,
) -> impl Future<Output = Result<Response, SendError>> + Send + use<'a, A> {
    send_boxed(authority, client, Box::new(request), redirects, replay)
}

async fn send_boxed<A: Authority>(
    authority: &A,
    client: &Client,
    mut request: Box<Request>,
    redirects: Redirects,
    replay: ReplayPolicy,
) -> Result<Response, SendError> {
    check_redirects(authority, redirects)?;
    let mut call = Call::new(authority, &mut request, Options { replay, valid_for: None })?;
    let mut attempts = Attempts::default();
    let mut answered = false;
    let mut given = granted(authority, call.need).await.map_err(SendError::Auth)?;
    loop {
        let sent = call.send_on(client, &given)?.await;
        let response = sent
            .map_err(|error| SendError::http_when(error, answered || follows_redirects(client)))?;
        answered = true;
        if !call.is_answered_by(&response) {
            return Ok(response);
        }
        let (verdict, response) = match judge(authority, &response) {
            Verdict::NeedsBody => judge_body(authority, response).await,
            verdict => (verdict, response),
        };
        let judged = (verdict, response.status());
        let next = attempts.next(authority, &given, judged, call.may_replay(), call.need);
        match next.await.map_err(SendError::Auth)? {
            Some(next) => given = next,
            None => return Ok(response),
        }
    }
}

/// Whether `client` follows redirects: then its errors may be those of a later hop, and do not tell. In
/// doubt it does.
fn follows_redirects(client: &Client) -> bool {
    // A client can be asked nothing but its `Debug`.
    !format!("{client:?}").contains(r#"redirect_policy: "Policy(None)""#)
}
