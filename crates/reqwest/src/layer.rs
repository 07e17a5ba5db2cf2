//! The same for any tower service that takes `http::Request`s.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use countersign_core::http::ResponseHead;
use countersign_core::{Error, Origin, Verdict};
use http::request::Parts;
use http::{Request, Response, Uri};
use http_body::Body;
use reqwest::Url;
use tower_layer::Layer;
use tower_service::Service;

use crate::attempts::Attempts;
use crate::authority::{Authority, Granted, Need, granted};
use crate::builder::ReplayPolicy;
use crate::error::OriginRefused;
use crate::origins::{allowed, origin_of};
use crate::redirect::{Hop, MAX_HOPS, drop_body_headers, hop};
use crate::rejoin::Rejoined;

/// Makes a service send as a session.
///
/// What it wraps must not follow redirects and must not retry (`B` is cloned for each send, so a
/// stream is no such body); redirects are followed here, as a [`SessionClient`](crate::SessionClient) does.
#[derive(Clone, Debug)]
pub struct AuthLayer<A> {
    authority: A,
    replay: ReplayPolicy,
}

impl<A: Authority> AuthLayer<A> {
    /// A layer for the session behind `authority` that replays whatever the API refused.
    pub fn new(authority: A) -> Self {
        Self { authority, replay: ReplayPolicy::default() }
    }

    /// The same with another replay policy.
    #[must_use]
    pub fn replay(mut self, policy: ReplayPolicy) -> Self {
        self.replay = policy;
        self
    }
}

impl<A: Clone, S> Layer<S> for AuthLayer<A> {
    type Service = AuthService<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { authority: self.authority.clone(), replay: self.replay, inner }
    }
}

/// A service made by [`AuthLayer`].
#[derive(Clone, Debug)]
pub struct AuthService<A, S> {
    authority: A,
    replay: ReplayPolicy,
    inner: S,
}

/// Why a service made by [`AuthLayer`] has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum LayerError<E> {
    /// The session has no authorization to give.
    Auth(Error),
    /// The service below failed.
    Inner(E),
    /// Credentials may not go to that address.
    Origin(OriginRefused),
    /// More redirects than anybody means to follow.
    TooManyRedirects,
}

impl<E> fmt::Display for LayerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth(_) => "the session has no authorization for this request",
            Self::Inner(_) => "the request failed on its way; it may have been acted on",
            Self::Origin(_) => "credentials are not sent to this address",
            Self::TooManyRedirects => "the API redirects in a circle; check the address",
        })
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LayerError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Auth(error) => Some(error),
            Self::Inner(error) => Some(error),
            Self::Origin(refused) => Some(refused),
            Self::TooManyRedirects => None,
        }
    }
}

impl<A, S, B, R> Service<Request<B>> for AuthService<A, S>
where
    A: Authority,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body + Clone + Default + Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Send + Unpin,
{
    type Response = Response<Rejoined<R>>;
    type Error = LayerError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(LayerError::Inner)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was made ready is the one to call; a clone stays behind.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let (authority, replay) = (self.authority.clone(), self.replay);
        let (mut parts, mut body) = request.into_parts();
        // A block and no function, which would have room for what it is given twice. What is rare is boxed by
        // itself, and so weighs on no other call.
        Box::pin(async move {
            let origin = api_origin_of_uri(&authority, &parts.uri).map_err(LayerError::Origin)?;
            for name in authority.credential_headers() {
                parts.headers.remove(name);
            }
            let given = granted(&authority, NEED).await.map_err(LayerError::Auth)?;
            let sent = inner.call(next_send(&parts, &body, &given));
            let response = sent.await.map_err(LayerError::Inner)?;
            if !response.status().is_redirection()
                && judge(&authority, &response) == Verdict::Accepted
            {
                Attempts::default().accepted(&authority, &given, response.status());
                return Ok(response.map(Rejoined::untouched));
            }
            let call = Call {
                authority: &authority,
                replay,
                origin: &origin,
                service: &mut inner,
                parts: &mut parts,
                body: &mut body,
            };
            Box::pin(call.again(given, response)).await
        })
    }
}

/// Any token that is good.
const NEED: Need = Need { valid_for: Duration::ZERO, deadline: None };

/// A call whose first answer is not its last, or not accepted for its head alone.
struct Call<'a, A, S, B> {
    authority: &'a A,
    replay: ReplayPolicy,
    origin: &'a Origin,
    service: &'a mut S,
    parts: &'a mut Parts,
    body: &'a mut B,
}

impl<A, S, B, R> Call<'_, A, S, B>
where
    A: Authority,
    S: Service<Request<B>, Response = Response<R>>,
    B: Clone + Default,
    R: Body<Data = Bytes> + Unpin,
{
    async fn again(
        self,
        mut given: Granted,
        mut response: Response<R>,
    ) -> Result<Response<Rejoined<R>>, LayerError<S::Error>> {
        let Self { authority, replay, origin, service, parts, body } = self;
        let (mut attempts, mut hops) = (Attempts::default(), 0);
        loop {
            if let Some((uri, Hop { method, keeps_body, .. })) = hop_of(parts, &response, origin) {
                hops += 1;
                if hops > MAX_HOPS {
                    return Err(LayerError::TooManyRedirects);
                }
                (parts.method, parts.uri) = (method, uri);
                if !keeps_body {
                    *body = B::default();
                    drop_body_headers(&mut parts.headers);
                }
                given = granted(authority, NEED).await.map_err(LayerError::Auth)?;
            } else {
                let (verdict, answer) = match judge(authority, &response) {
                    Verdict::NeedsBody => judge_body(authority, response).await,
                    verdict => (verdict, response.map(Rejoined::untouched)),
                };
                let status = answer.status();
                let may_replay = replay.allows(&parts.method);
                let next = attempts.next(authority, &given, (verdict, status), may_replay, NEED);
                match next.await.map_err(LayerError::Auth)? {
                    Some(next) => given = next,
                    None => return Ok(answer),
                }
            }
            ready(service).await?;
            let sent = service.call(next_send(parts, body, &given));
            response = sent.await.map_err(LayerError::Inner)?;
        }
    }
}

/// A copy to send.
fn next_send<B: Clone>(parts: &Parts, body: &B, given: &Granted) -> Request<B> {
    let mut request = Request::from_parts(parts.clone(), body.clone());
    given.authorization.apply(request.headers_mut());
    request
}

/// Where the answer leads, if that is the same origin.
fn hop_of<R>(asked: &Parts, response: &Response<R>, origin: &Origin) -> Option<(Uri, Hop)> {
    if !response.status().is_redirection() {
        return None;
    }
    let url = url_of(&asked.uri).ok()?;
    let next = hop(response.status(), response.headers(), &asked.method, &url, origin)?;
    Some((next.url.as_str().parse().ok()?, next))
}

/// The API origin of an address that no parser of URLs has read yet.
///
/// # Errors
/// As for [`crate::origins::api_origin`].
fn api_origin_of_uri<'a, A: Authority>(
    authority: &'a A,
    uri: &Uri,
) -> Result<Cow<'a, Origin>, OriginRefused> {
    match authority.find_origin(&|origin| is_plainly_at(uri, origin)) {
        Some(origin) => Ok(Cow::Borrowed(origin)),
        None => allowed(authority, origin_of(&url_of(uri)?)?).map(Cow::Owned),
    }
}

/// `uri` as reqwest would read it.
fn url_of(uri: &Uri) -> Result<Url, OriginRefused> {
    Url::parse(&uri.to_string()).map_err(|_| OriginRefused::NoOrigin)
}

/// Whether `uri` spells `origin` out, in which every parser agrees: a host that is a plain name or address,
/// a port or none, and nothing else.
fn is_plainly_at(uri: &Uri, origin: &Origin) -> bool {
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let (text, host) = (authority.as_str(), origin.host());
    let Some((spelled, rest)) = text.split_at_checked(host.len()) else { return false };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => Some(origin.scheme().default_port()),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    scheme == origin.scheme().as_str()
        && (spelled == host || spelled.eq_ignore_ascii_case(host))
        && port == Some(origin.port())
}

async fn ready<B, S: Service<Request<B>>>(service: &mut S) -> Result<(), LayerError<S::Error>> {
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(LayerError::Inner)
}

fn judge<A: Authority, R>(authority: &A, response: &Response<R>) -> Verdict {
    let head = ResponseHead { status: response.status(), headers: response.headers() };
    authority.verdict(&head, None)
}

async fn judge_body<A: Authority, R: Body<Data = Bytes> + Unpin>(
    authority: &A,
    response: Response<R>,
) -> (Verdict, Response<Rejoined<R>>) {
    let (parts, body) = response.into_parts();
    let head = ResponseHead { status: parts.status, headers: &parts.headers };
    let (whole, body) = Rejoined::peek(body).await;
    let verdict = match &whole {
        Some(whole) => authority.verdict(&head, Some(whole)),
        None => Verdict::NeedsBody,
    };
    (verdict, Response::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f33_an_address_is_recognised_only_where_it_is_spelled_out() {
        let origin = Origin::parse("https://api.example").unwrap();
        let is = |uri: &str| uri.parse().is_ok_and(|uri| is_plainly_at(&uri, &origin));
        for good in ["https://api.example", "https://api.example/a", "https://API.example:443/a?b"]
        {
            assert!(is(good), "{good}");
        }
        for strict in [
            "https://kim@api.example/",
            "https://api.example:443@api.example:443/",
            "https://api.example:443@evil.example/",
            "https://api.example:+443/",
            "https://api.example:/",
            "https://api.example.:443/",
            "https://api.example:444/",
            "https://api.example.evil.example/",
            "http://api.example/",
            "/a",
        ] {
            assert!(!is(strict), "{strict}");
        }
    }
}
