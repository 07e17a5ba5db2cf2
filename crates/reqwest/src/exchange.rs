//! One API call: check, authorize, send, judge, replay.

use std::borrow::Cow;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::http::ResponseHead;
use countersign_core::{Clock, Monotonic, Origin, Verdict};
use reqwest::{Body, Request, Response, ResponseBuilderExt};

use crate::attempts::Attempts;
use crate::authority::{Authority, Granted, Need, granted};
use crate::builder::ReplayPolicy;
use crate::client::Client;
use crate::error::SendError;
use crate::origins::{api_origin, is_at};
use crate::redirect::{MAX_HOPS, drop_body_headers, hop};
use crate::rejoin::Rejoined;

/// A stream cannot be replayed, so its token is made fresh well ahead.
const VALID_FOR_STREAMS: Duration = Duration::from_secs(30);

/// What the caller decides about one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) replay: ReplayPolicy,
    pub(crate) valid_for: Option<Duration>,
}

/// Sends `request` with our client, which follows no redirects itself.
pub(crate) async fn execute<A: Authority>(
    authority: &A,
    client: &Client,
    mut request: Box<Request>,
    options: Options,
) -> Result<Response, SendError> {
    let mut call = Call::new(authority, &mut request, options)?;
    if !client.permits(call.origin()) {
        return Err(SendError::Address);
    }
    let http = client.for_api(call.origin()).map_err(SendError::http)?;
    let mut attempts = Attempts::default();
    let mut hops = 0;
    let mut answered = false;
    let mut given = granted(authority, call.need).await.map_err(SendError::Auth)?;
    loop {
        let sent = call.send_on(http, &given)?.await;
        let response = sent.map_err(|error| SendError::http_when(error, answered))?;
        answered = true;
        if call.follow(&response) {
            hops += 1;
            if hops > MAX_HOPS {
                return Err(SendError::TooManyRedirects);
            }
            given = granted(authority, call.need).await.map_err(SendError::Auth)?;
            continue;
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

/// A request as the caller made it, ready to be sent again and again.
pub(crate) struct Call<'a> {
    /// Lent: the futures that hold a call are moved about.
    request: &'a mut Request,
    origin: Cow<'a, Origin>,
    replay: ReplayPolicy,
    rewindable: bool,
    pub(crate) need: Need,
    clock: &'a dyn Clock,
}

impl<'a> Call<'a> {
    pub(crate) fn new<A: Authority>(
        authority: &'a A,
        request: &'a mut Request,
        options: Options,
    ) -> Result<Self, SendError> {
        let origin = api_origin(authority, request.url())?;
        for name in authority.credential_headers() {
            request.headers_mut().remove(name);
        }
        let rewindable = request.body().is_none_or(|body| body.as_bytes().is_some());
        let clock = authority.clock();
        let usual = if rewindable { Duration::ZERO } else { VALID_FOR_STREAMS };
        let need = Need {
            valid_for: options.valid_for.unwrap_or(usual),
            deadline: request.timeout().map(|timeout| clock.monotonic().after(*timeout)),
        };
        Ok(Self { request, origin, replay: options.replay, rewindable, need, clock })
    }

    pub(crate) fn may_replay(&self) -> bool {
        self.rewindable && self.replay.allows(self.request.method())
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the answer comes from where the credentials went. Whoever answers at another origin was not shown them and
    /// cannot refuse them.
    pub(crate) fn is_answered_by(&self, response: &Response) -> bool {
        response.url() == self.request.url() || is_at(response.url(), &self.origin)
    }

    /// Sends it with what is left of the caller's time.
    pub(crate) fn send_on(
        &mut self,
        client: &reqwest::Client,
        given: &Granted,
    ) -> Result<impl Future<Output = Result<Response, reqwest::Error>> + use<>, SendError> {
        Ok(client.execute(self.next_send(given)?))
    }

    /// What to send, with what is left of the caller's time. A copy stays here, without its body if that is a stream.
    pub(crate) fn next_send(&mut self, given: &Granted) -> Result<Request, SendError> {
        let limit = self.need.deadline.map(|deadline| left(deadline, self.clock)).transpose()?;
        let copy = copy(self.request);
        let mut request = std::mem::replace(self.request, copy);
        if limit.is_some() {
            *request.timeout_mut() = limit;
        }
        given.authorization.apply(request.headers_mut());
        Ok(request)
    }

    /// Turns this call into what a redirect asks for; says whether there is anything to follow.
    fn follow(&mut self, response: &Response) -> bool {
        let request = &self.request;
        let next = hop(
            response.status(),
            response.headers(),
            request.method(),
            request.url(),
            &self.origin,
        );
        let Some(next) = next else { return false };
        if next.keeps_body && !self.rewindable {
            return false;
        }
        *self.request.method_mut() = next.method;
        *self.request.url_mut() = next.url;
        if !next.keeps_body {
            *self.request.body_mut() = None;
            drop_body_headers(self.request.headers_mut());
            self.rewindable = true;
        }
        true
    }
}

/// What the head of the answer says about the authorization.
pub(crate) fn judge<A: Authority>(authority: &A, response: &Response) -> Verdict {
    let head = ResponseHead { status: response.status(), headers: response.headers() };
    authority.verdict(&head, None)
}

/// What its body says, and an equal answer in its place; still [`Verdict::NeedsBody`] of a body that is cut or
/// too long. Rare, and boxed so that it does not weigh on every call.
pub(crate) fn judge_body<A: Authority>(
    authority: &A,
    response: Response,
) -> Pin<Box<dyn Future<Output = (Verdict, Response)> + Send + '_>> {
    Box::pin(read_and_judge(authority, response))
}

async fn read_and_judge<A: Authority>(authority: &A, response: Response) -> (Verdict, Response) {
    let url = response.url().clone();
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    let (whole, body) = Rejoined::peek(body).await;
    let verdict = match &whole {
        Some(whole) => {
            let head = ResponseHead { status: parts.status, headers: &parts.headers };
            authority.verdict(&head, Some(whole))
        }
        None => Verdict::NeedsBody,
    };
    // reqwest takes the address of an answer out of an extension that only its builder can set.
    let mut equal = http::Response::new(Body::wrap(body));
    if let Ok(carrier) = http::Response::builder().url(url).body(()) {
        *equal.extensions_mut() = carrier.into_parts().0.extensions;
    }
    *equal.status_mut() = parts.status;
    *equal.version_mut() = parts.version;
    *equal.headers_mut() = parts.headers;
    equal.extensions_mut().extend(parts.extensions);
    (verdict, equal.into())
}

/// The same once more, as far as it can be had twice. A limit of time is set anew for each send.
///
/// The `try_clone` of reqwest makes a map for that limit, whether there is one or not, and drops it again, which costs a
/// quarter of all that is added to a request here. The limit is all that reqwest 0.13.5 looks for in that map.
fn copy(request: &Request) -> Request {
    if request.body().is_some()
        && let Some(copy) = request.try_clone()
    {
        return copy;
    }
    let mut copy = Request::new(request.method().clone(), request.url().clone());
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    copy
}

fn left(deadline: Monotonic, clock: &dyn Clock) -> Result<Duration, SendError> {
    let left = deadline.since(clock.monotonic());
    if left.is_zero() { Err(SendError::TimedOut) } else { Ok(left) }
}
