//! The way between engine and server: everything that passes is noted, and faults are played here, or by a
//! [`Way`] where there is a socket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Clock, HttpTransport, Monotonic, Origin, SecretBytes};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::case::Live;
use crate::expect::Finding;
use crate::fault::{Fault, Times};
use crate::made;
use crate::naming::Names;
use crate::operation::Op;
use crate::target::Unavailable;
use crate::timeline::{Exchange, Timeline};
use crate::way::Way;

/// A transport that notes and, where it is told, spoils. Clones are one wire.
#[derive(Clone)]
pub(crate) struct Wire(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Arc<dyn HttpTransport>,
    /// What stands before it and plays faults in the place of this wire, where there is a socket.
    pub(crate) way: Option<Arc<dyn Way>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) began: Monotonic,
    pub(crate) names: Names,
    pub(crate) timeline: Timeline,
    /// Where the adapter's requests may go.
    pub(crate) auth_origin: Origin,
    /// Where tokens may be presented.
    pub(crate) api_origins: Vec<Origin>,
    pub(crate) credential_headers: Vec<HeaderName>,
    pub(crate) plan: Mutex<Vec<(Op, Fault, Times)>>,
    pub(crate) strays: Mutex<Vec<Stray>>,
    /// The case has asked for them, and judges them itself.
    pub(crate) strays_judged: AtomicBool,
    /// The last good answer to each operation.
    pub(crate) last: Mutex<BTreeMap<Op, HttpResponse>>,
    /// What the case has promised of itself, should it meet a live service.
    pub(crate) promise: Option<Live>,
    /// Sign-ins that were asked for.
    pub(crate) sign_ins: AtomicU32,
    pub(crate) faults_played: AtomicBool,
    /// What the case asked of the server that it does not have.
    pub(crate) lack: Mutex<Option<Unavailable>>,
    /// The first request whose address told a secret, and where.
    pub(crate) told: Mutex<Option<(Op, &'static str)>>,
}

/// A request that went where it must not go; somebody else could have read it.
#[derive(Clone, Debug)]
pub struct Stray {
    /// What it asked for.
    pub op: Op,
    /// The host and port that it was for.
    pub authority: String,
    /// Which headers with credentials it carried.
    pub credential_headers: Vec<String>,
    /// Whether it had a body.
    pub body: bool,
}

impl Wire {
    pub(crate) fn inject(&self, op: Op, fault: Fault, times: Times) {
        self.0.faults_played.store(true, Ordering::Relaxed);
        self.plan().push((op, fault, times));
    }

    pub(crate) fn clear(&self) {
        self.plan().clear();
    }

    pub(crate) fn strays(&self) -> Vec<Stray> {
        self.0.strays_judged.store(true, Ordering::Relaxed);
        self.strayed()
    }

    /// A request that went astray in a case that does not expect any.
    pub(crate) fn unexpected_stray(&self) -> Option<Stray> {
        if self.0.strays_judged.load(Ordering::Relaxed) {
            return None;
        }
        self.strayed().into_iter().next()
    }

    /// A request for the auth server whose address told a secret.
    pub(crate) fn told_in_an_address(&self) -> Option<Finding> {
        let (op, part) = (*self.0.told.lock().unwrap_or_else(PoisonError::into_inner))?;
        let came = format!("{op} had one in its {part}, which servers and gateways write down");
        Some(Finding::new("no secret in an address", came).at("the way to the server"))
    }

    fn read_address(&self, op: Op, request: &HttpRequest) {
        if let Some(part) =
            self.0.names.known().told_by(request.uri()).filter(|_| Op::Auth.covers(op))
        {
            self.0.told.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((op, part));
        }
    }

    /// Notes what the server does not have, and answers the finding that ends the case: it is skipped.
    #[track_caller]
    pub(crate) fn lacks(&self, what: &str, lack: Unavailable) -> Finding {
        *self.0.lack.lock().unwrap_or_else(PoisonError::into_inner) = Some(lack);
        Finding::new(format!("a server that knows {what}"), "one that does not")
    }

    pub(crate) fn lack(&self) -> Option<Unavailable> {
        self.0.lack.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What a case for live services has done beyond what it says of itself.
    pub(crate) fn broken_promise(&self) -> Option<Finding> {
        let Live { sign_ins, faults } = self.0.promise?;
        let asked = self.0.sign_ins.load(Ordering::Relaxed);
        if asked > sign_ins {
            let most = format!("a case that asks for {sign_ins} sign-ins at most, as it says");
            return Some(Finding::new(most, format!("{asked}")).at("the way to the server"));
        }
        if self.0.faults_played.load(Ordering::Relaxed) && !faults {
            let calm = "a case that plays no faults, as it says";
            return Some(Finding::new(calm, "one that does").at("the way to the server"));
        }
        None
    }

    /// Whether a sign-in is one more than the case may ask for.
    fn is_one_too_many(&self, op: Op) -> bool {
        let Some(Live { sign_ins, .. }) = self.0.promise else { return false };
        op == Op::SignIn && self.0.sign_ins.fetch_add(1, Ordering::Relaxed) >= sign_ins
    }

    fn strayed(&self) -> Vec<Stray> {
        let seen = self.0.strays.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let led_astray = self.0.way.as_ref().map(|way| way.strays()).unwrap_or_default();
        seen.into_iter().chain(led_astray).collect()
    }

    /// The time since the case began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.clock.monotonic().since(self.0.began)
    }

    fn plan(&self) -> MutexGuard<'_, Vec<(Op, Fault, Times)>> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, op: Op, end: &Result<HttpResponse, TransportError>) {
        let good = end.as_ref().ok().filter(|answer| answer.status().is_success());
        if let (Some(answer), true) = (good, Op::Auth.covers(op)) {
            self.last().insert(op, answer.clone());
        }
    }

    fn last_answer(&self, op: Op) -> Option<HttpResponse> {
        self.last().get(&op).cloned()
    }

    fn last(&self) -> MutexGuard<'_, BTreeMap<Op, HttpResponse>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault_for(&self, asked: Op) -> Option<Fault> {
        let mut plan = self.plan();
        let at = plan.iter().position(|(op, ..)| op.covers(asked))?;
        let (_, fault, times) = &mut plan[at];
        let fault = fault.clone();
        match times {
            Times::Next(left) if *left <= 1 => drop(plan.remove(at)),
            Times::Next(left) => *left -= 1,
            Times::Always => {}
        }
        Some(fault)
    }

    /// Whether it goes where it must not. That the auth server is a good place is none that the API is one: a secret
    /// or a refresh token has no business there.
    fn is_stray(&self, op: Op, request: &HttpRequest) -> bool {
        let uri = request.uri();
        let origin = uri
            .host()
            .zip(uri.scheme_str())
            .and_then(|(host, scheme)| Origin::from_parts(scheme, host, uri.port_u16()).ok());
        !origin.is_some_and(|origin| {
            let is_auth = origin == self.0.auth_origin;
            let is_api = self.0.api_origins.contains(&origin);
            match op {
                Op::Resource => is_api,
                // Who the token's owner is the API may tell; a request of the case's own may go to either.
                Op::WhoAmI | Op::Unknown => is_auth || is_api,
                _ => is_auth,
            }
        })
    }

    fn stray(&self, op: Op, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let carried = |name: &&HeaderName| request.headers().contains_key(*name);
        let headers = self.0.credential_headers.iter().filter(carried);
        let stray = Stray {
            op,
            authority: request.uri().authority().map(ToString::to_string).unwrap_or_default(),
            credential_headers: headers.map(ToString::to_string).collect(),
            body: !request.body().is_empty(),
        };
        self.0.strays.lock().unwrap_or_else(PoisonError::into_inner).push(stray);
        Ok(HttpResponse::new(StatusCode::NOT_FOUND, HeaderMap::new(), SecretBytes::default()))
    }

    async fn play(
        &self,
        fault: Fault,
        op: Op,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        // On a way with a socket faults are bytes; what panics does so in this process.
        if let (Some(way), false) = (&self.0.way, fault.is_a_panic()) {
            return way.send(op, request, Some(&fault)).await;
        }
        let server = &self.0.server;
        match fault {
            Fault::Refuse => Err(TransportError::new(Delivery::NotSent, Reason::Connect)),
            Fault::Cut => Err(interrupted()),
            Fault::LoseAnswer | Fault::CutAt(_) | Fault::CutAtByte(_) => {
                server.send(request).await?;
                Err(interrupted())
            }
            Fault::Hang => std::future::pending().await,
            Fault::Delay(span) => {
                let answer = server.send(request).await;
                self.0.clock.sleep_until(self.0.clock.monotonic().after(span)).await;
                answer
            }
            Fault::Dripping => {
                let answer = server.send(request).await;
                // Not at once, though no time passes.
                tokio::task::yield_now().await;
                answer
            }
            Fault::Held(gate) => {
                let answer = server.send(request).await;
                gate.pass().await;
                answer
            }
            Fault::Twice => {
                // What became of the first nobody learns.
                let _ = server.send(request.clone()).await;
                server.send(request).await
            }
            Fault::Again => match self.last_answer(op) {
                Some(answer) => Ok(answer),
                None => server.send(request).await,
            },
            // Without the hook: a panic that is meant writes nothing to standard error.
            Fault::Panic => std::panic::resume_unwind(Box::new("a transport of the case")),
            Fault::PanicWhenRead => {
                self.0.names.panic_over_the_next();
                self.deliver(op, request).await
            }
            Fault::Flood | Fault::GzipBomb(_) => {
                Err(TransportError::new(Delivery::Unknown, Reason::BodyTooLarge))
            }
            _ => match made::instead(&fault, &request) {
                Some(answer) => Ok(answer),
                None => {
                    let answer = server.send(request).await?;
                    Ok(made::changed(&fault, &answer, self.0.clock.now()))
                }
            },
        }
    }

    /// Sends what meets no fault.
    async fn deliver(&self, op: Op, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        match &self.0.way {
            Some(way) => way.send(op, request, None).await,
            None => self.0.server.send(request).await,
        }
    }
}

#[async_trait]
impl HttpTransport for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let op = self.0.names.of(&request);
        self.read_address(op, &request);
        let stray = self.is_stray(op, &request);
        let fault = if stray { None } else { self.fault_for(op) };
        let number = self.0.timeline.begin(Exchange {
            at: self.elapsed(),
            answered: None,
            op,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: None,
            fault: fault.as_ref().map(Fault::name),
            end: "waiting",
        });
        let dropped = Dropped { wire: self, number };
        let end = match fault {
            _ if stray => self.stray(op, &request),
            _ if self.is_one_too_many(op) => {
                Err(TransportError::new(Delivery::NotSent, Reason::Connect))
            }
            Some(fault) => self.play(fault, op, request).await,
            None => self.deliver(op, request).await,
        };
        std::mem::forget(dropped);
        self.remember(op, &end);
        let word = match &end {
            Ok(_) if stray => "stray",
            Ok(_) => "answered",
            Err(error) if error.delivery() == Delivery::NotSent => "not_sent",
            Err(_) => "interrupted",
        };
        let status = end.as_ref().ok().map(|answer| answer.status().as_u16());
        self.0.timeline.end(number, |exchange| {
            exchange.answered = status.map(|_| self.elapsed());
            exchange.status = status;
            exchange.end = word;
        });
        end
    }
}

/// Notes that whoever waited for an answer has gone.
struct Dropped<'a> {
    wire: &'a Wire,
    number: usize,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.wire.0.timeline.end(self.number, |exchange| exchange.end = "dropped");
    }
}

fn interrupted() -> TransportError {
    TransportError::new(Delivery::Unknown, Reason::Interrupted)
}
