//! The two places where the client's own sends are counted: around the transport of auth calls and
//! around the authority of API calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::transport::TransportError;
use countersign_core::{Clock, Error, Generation, HttpTransport, Origin, Verdict};
use countersign_reqwest::{Authority, Client, Granted, Need, NextCode, Refusal, Replay};
use http::HeaderName;

use super::happening::{Teller, What};
use super::ledger::Ledger;

/// The real client, with a count of what it sends for each provider.
#[derive(Debug)]
pub(super) struct MeteredTransport {
    client: Client,
    /// By host and port.
    ledgers: HashMap<String, Arc<Ledger>>,
}

impl MeteredTransport {
    pub(super) const fn new(client: Client, ledgers: HashMap<String, Arc<Ledger>>) -> Self {
        Self { client, ledgers }
    }
}

#[async_trait]
impl HttpTransport for MeteredTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let place = request.uri().authority().map(http::uri::Authority::as_str);
        let ledger = place.and_then(|place| self.ledgers.get(place)).cloned();
        let answer = self.client.send(request).await;
        if let Some(ledger) = ledger {
            ledger.exchange(answer.as_ref().ok().map(HttpResponse::status));
        }
        answer
    }
}

/// The authority of one request: counts each answer that the API gives to it.
#[derive(Clone)]
pub(super) struct MeteredAuthority<A> {
    inner: A,
    name: &'static str,
    ledger: Arc<Ledger>,
    teller: Teller,
    answers: Arc<AtomicU64>,
}

impl<A: Authority> MeteredAuthority<A> {
    pub(super) fn new(inner: A, name: &'static str, ledger: Arc<Ledger>, teller: Teller) -> Self {
        Self { inner, name, ledger, teller, answers: Arc::default() }
    }

    /// How often the request was sent and answered.
    pub(super) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl<A: Authority> Authority for MeteredAuthority<A> {
    fn at_once(&self, need: Need) -> Option<Granted> {
        self.inner.at_once(need)
    }

    async fn authorization(&self, need: Need) -> Result<Granted, Error> {
        self.inner.authorization(need).await
    }

    fn current_generation(&self) -> Option<Generation> {
        self.inner.current_generation()
    }

    async fn reject(&self, refusal: Refusal, need: Need) -> Result<Replay, Error> {
        self.inner.reject(refusal, need).await
    }

    fn report(&self, refusal: Refusal) {
        self.inner.report(refusal);
    }

    fn accepted(&self, used: &Granted) {
        self.inner.accepted(used);
    }

    async fn next_code(&self, used: &Granted, need: Need) -> Result<NextCode, Error> {
        self.inner.next_code(used, need).await
    }

    fn suspect(&self, used: &Granted) {
        self.inner.suspect(used);
    }

    /// Each answer is judged once by its head; where that is not enough, once more with its body.
    fn verdict(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        if body.is_none() {
            self.answers.fetch_add(1, Ordering::Relaxed);
            if self.ledger.api_answer(head.status) {
                self.teller.tell(self.name, What::Refused);
            }
        }
        self.inner.verdict(head, body)
    }

    fn may_send_to(&self, origin: &Origin) -> bool {
        self.inner.may_send_to(origin)
    }

    fn find_origin(&self, is: &dyn Fn(&Origin) -> bool) -> Option<&Origin> {
        self.inner.find_origin(is)
    }

    fn credential_headers(&self) -> &[HeaderName] {
        self.inner.credential_headers()
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }
}
