//! Every step of an exchange, at the seams that the driver takes anyway: the machine's events and effects,
//! the transport, the store and its lock. A process counts them, or dies at one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{Effect, Event, Report};
use countersign_core::transport::TransportError;
use countersign_core::{
    Committed, Error, Fence, HttpTransport, KeyDigest, Lock, RecordName, Revision, SecretBytes,
    SessionStore, StoredRecord,
};
use countersign_reqwest::Client;
use countersign_runtime::EffectFilter;
use countersign_seal::suite::Over;
use countersign_store_file::FileStore;
use rustix::process::{Signal, getpid, kill_process};

/// Counts the steps, from [`Steps::arm`] on.
#[derive(Clone)]
pub(crate) struct Steps(Arc<Inner>);

struct Inner {
    dies_at: Option<u32>,
    armed: AtomicBool,
    passed: Mutex<Vec<String>>,
    /// The request has been sent: what is written from now on is its end.
    sent: AtomicBool,
}

impl Steps {
    pub(crate) fn new(dies_at: Option<u32>) -> Self {
        Self(Arc::new(Inner {
            dies_at,
            armed: AtomicBool::new(false),
            passed: Mutex::default(),
            sent: AtomicBool::new(false),
        }))
    }

    pub(crate) fn arm(&self) {
        self.0.sent.store(false, Ordering::SeqCst);
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// The steps that were passed, in order.
    pub(crate) fn passed(&self) -> Vec<String> {
        self.0.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn pass(&self, step: String) {
        if !self.0.armed.load(Ordering::SeqCst) {
            return;
        }
        let mut passed = self.0.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.dies_at == u32::try_from(passed.len()).ok() {
            // As a crash does: nothing is flushed, dropped or let go.
            let _ = kill_process(getpid(), Signal::KILL);
        }
        passed.push(step);
    }

    fn write(&self, when: &str) {
        let of = if self.0.sent.load(Ordering::SeqCst) { "commit" } else { "mark" };
        self.pass(format!("{when} a record of the {of} is written"));
    }
}

impl EffectFilter for Steps {
    fn event(&self, _: KeyDigest, event: &Event) {
        let what = match event {
            Event::Wanted => "a token is wanted",
            Event::SignIn => "somebody signs in",
            Event::Answer => "somebody answers",
            Event::SignOut => "somebody signs out",
            Event::Flight(_, report) => match report {
                Report::Prepared => "the credentials are here",
                Report::Locked(_) => "the lock is held and the records are read",
                Report::Journaled => "the mark is written",
                Report::Answered(_) => "the answer is read",
                Report::Committed => "the commit is written",
                _ => return,
            },
            _ => return,
        };
        self.pass(format!("before the machine hears that {what}"));
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        let what = match &effect {
            Effect::Prepare(..) => "to get the credentials",
            Effect::Lock(_) => {
                // The first step of an exchange that writes.
                self.0.sent.store(false, Ordering::SeqCst);
                "to take the lock"
            }
            Effect::Journal(..) => "to write the mark",
            Effect::Send(..) => "to send",
            Effect::Commit(..) => "to commit",
            Effect::Publish { .. } => "to hand the token out",
            Effect::Unpublish => "to hand nothing out any more",
            Effect::Forget => "to forget the tokens",
            Effect::Unlock(_) => "to let the lock go",
            Effect::Schedule(_) => "to appoint the next renewal",
            Effect::Tell(_) => "to tell whoever waits",
            _ => return vec![effect],
        };
        self.pass(format!("the machine has said {what}"));
        vec![effect]
    }
}

/// The client as the transport of auth calls.
pub(crate) struct SteppedTransport(pub(crate) Client, pub(crate) Steps);

#[async_trait]
impl HttpTransport for SteppedTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.1.pass("before the request leaves".to_owned());
        let answer = HttpTransport::send(&self.0, request).await;
        self.1.0.sent.store(true, Ordering::SeqCst);
        self.1.pass("after the answer has come".to_owned());
        answer
    }
}

pub(crate) struct SteppedStore(pub(crate) FileStore, pub(crate) Steps);

#[async_trait]
impl Over for SteppedStore {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.1.pass("before a record is read".to_owned());
        let record = self.0.load(name).await;
        self.1.pass("after a record is read".to_owned());
        record
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.1.pass("before the records are listed".to_owned());
        let names = self.0.list().await;
        self.1.pass("after the records are listed".to_owned());
        names
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.1.pass("before the records are read".to_owned());
        let records = self.0.load_many(names).await;
        self.1.pass("after the records are read".to_owned());
        records
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.1.pass("before the lock is taken".to_owned());
        let lock = self.0.lock(name, lease, wait).await?;
        self.1.pass("after the lock is taken".to_owned());
        Ok(Box::new(SteppedLock(lock, self.1.clone())))
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.1.write("before");
        let committed = self.0.commit(name, expected, fence, bytes).await;
        self.1.write("after");
        committed
    }
}

struct SteppedLock(Box<dyn Lock>, Steps);

#[async_trait]
impl Lock for SteppedLock {
    fn fence(&self) -> Fence {
        self.0.fence()
    }

    fn held_for(&self, span: Duration) -> bool {
        self.0.held_for(span)
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        self.0.renew(lease).await
    }

    async fn release(self: Box<Self>) {
        let Self(lock, steps) = *self;
        steps.pass("before the lock is let go".to_owned());
        lock.release().await;
        steps.pass("after the lock is let go".to_owned());
    }
}
