//! Defects in what belongs to whom: accounts, tenants, locks and records.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::transport::TransportError;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Fence, HttpTransport,
    Lock, Operation, Outcome, ProviderId, Realm, RecordName, Recovery, SessionStore, StoredRecord,
    TokenSet, Verdict,
};
use countersign_scheduler::{BackoffPolicy, BudgetSettings};

use super::Defect;
use super::carrying::{every_second, settings};
use super::locking::OpenLock;
use super::seams::{self, BrokenStore, BrokenTransport};
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "answers-cached-by-address",
        title: "Answers are cached by their address, whoever asks",
        target: "igny8",
        caught_by: "f34-each-account-its-own-token",
        engine: || seams::transport(Cached::default()),
    },
    Defect {
        id: "first-answer-for-all",
        title: "Another identity is given the answer of the first one",
        target: "ibex",
        caught_by: "f34-another-identity-sees-nothing",
        engine: || seams::transport(Cached::default()),
    },
    Defect {
        id: "subject-not-compared",
        title: "For whom an answer is nobody looks",
        target: "cognito",
        caught_by: "f34-renewal-for-somebody-else",
        engine: || {
            reads(|_, _, _, mut outcome| {
                if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome {
                    tokens.subject = None;
                }
                outcome
            })
        },
    },
    Defect {
        id: "budget-by-provider",
        title: "Throttles and circuits are kept by the kind of provider",
        target: "igny8",
        caught_by: "f50-throttle-of-one-client",
        engine: || Arc::new(OneRealm::default()),
    },
    Defect {
        id: "circuit-by-provider",
        title: "The outage of one tenant opens the circuit of all",
        target: "wikimedia",
        caught_by: "f50-outage-of-one-tenant",
        engine: || Arc::new(OneRealm::default()),
    },
    Defect {
        id: "waits-without-a-cap",
        title: "What a server says about waiting is believed without a cap",
        target: "ibanera",
        caught_by: "f50-long-wait-is-capped",
        engine: uncapped,
    },
    Defect {
        id: "centuries-waited-out",
        title: "A wait of centuries is believed",
        target: "ibex",
        caught_by: "f49-absurd-wait-is-capped",
        engine: uncapped,
    },
    Defect {
        id: "retry-after-unheard",
        title: "What a server says about waiting is not heard",
        target: "ibex",
        caught_by: "f50-wait-is-kept",
        engine: || {
            reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::RateLimited => error.with_recovery(Recovery::Retry),
                    _ => error,
                })
            })
        },
    },
    Defect {
        id: "dated-wait-unheard",
        title: "A `Retry-After` is read as a number of seconds alone",
        target: "ibex",
        caught_by: "f50-wait-until-a-date",
        engine: || {
            reads(|_, response, _, outcome| {
                let seconds = response.header("retry-after").map(|text| text.parse::<u64>().ok());
                outcome.map_err(|error| match seconds {
                    Some(None) => error.with_recovery(Recovery::Retry),
                    _ => error,
                })
            })
        },
    },
    Defect {
        id: "throttle-answered-every-second",
        title: "A throttle that names no time is asked again every second",
        target: "ibex_oauth2",
        caught_by: "f50-throttle-without-a-time",
        engine: || {
            settings(|builder| {
                builder
                    .backoff(every_second())
                    .budgets(BudgetSettings { open_after: u32::MAX, ..BudgetSettings::default() })
            })
        },
    },
    Defect {
        id: "lock-stolen",
        title: "A lock that is held is taken over without asking",
        target: "ibanera",
        caught_by: "f28-orphan-lock-ends",
        engine: || seams::store(OpenLock),
    },
    Defect {
        id: "lease-of-a-day",
        title: "A lock is leased for a day and never let go",
        target: "ibex_oauth2",
        caught_by: "f28-dropped-process-leaves-no-lock",
        engine: || seams::store(LongLease),
    },
    Defect {
        id: "holder-not-named",
        title: "Who waits for a lock waits on and on, and is never told for what",
        target: "ibex",
        caught_by: "f28-wait-for-a-lock-is-bounded",
        engine: || seams::store(LongWait),
    },
    Defect {
        id: "damage-is-covered-up",
        title: "A cache shows what a record was before it was damaged",
        target: "ibex",
        caught_by: "f30-damaged-record-is-no-token",
        engine: || seams::store(Remembered::default()),
    },
];

fn uncapped() -> Arc<dyn Engine> {
    settings(|builder| {
        let backoff = BackoffPolicy { hint_cap: Duration::MAX, ..BackoffPolicy::default() };
        let budgets = BudgetSettings { throttle_cap: Duration::MAX, ..BudgetSettings::default() };
        builder.backoff(backoff).budgets(budgets)
    })
}

#[derive(Clone, Default)]
struct Cached(Arc<Mutex<HashMap<String, HttpResponse>>>);

#[async_trait]
impl BrokenTransport for Cached {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let address = request.uri().to_string();
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned();
        if let Some(answer) = found {
            return Ok(answer);
        }
        let answer = real.send(request).await?;
        if answer.status().is_success() {
            let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cache.insert(address, answer.clone());
        }
        Ok(answer)
    }
}

/// Every adapter lives where the first one does.
#[derive(Default)]
struct OneRealm(Arc<OnceLock<Realm>>);

impl Engine for OneRealm {
    fn provider(&self, real: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
        let realm = self.0.get_or_init(|| real.realm().clone()).clone();
        Arc::new(Moved { real, realm })
    }
}

struct Moved {
    real: Arc<dyn AuthProvider>,
    realm: Realm,
}

impl fmt::Debug for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real.fmt(f)
    }
}

impl AuthProvider for Moved {
    fn id(&self) -> ProviderId {
        self.real.id()
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        self.real.capabilities()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.real.request(operation, ambient)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.real.interpret(operation, response, ambient)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.real.authorize(tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.real.rejects(head, body)
    }
}

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone)]
struct LongLease;

#[async_trait]
impl BrokenStore for LongLease {
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        _: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(Unreleased(real.lock(name, DAY, wait).await?)))
    }
}

/// Not let go when it goes out of sight, as a row in a table of locks.
struct Unreleased(Box<dyn Lock>);

#[async_trait]
impl Lock for Unreleased {
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
        // The row stays until its lease is over.
        std::mem::forget(self.0);
    }
}

#[derive(Clone)]
struct LongWait;

#[async_trait]
impl BrokenStore for LongWait {
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        lease: Duration,
        _: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        real.lock(name, lease, DAY).await
    }
}

/// The first bytes of each record, under whatever revision it has now.
#[derive(Clone, Default)]
struct Remembered(Arc<Mutex<HashMap<RecordName, StoredRecord>>>);

#[async_trait]
impl BrokenStore for Remembered {
    async fn load(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
    ) -> Result<Option<StoredRecord>, Error> {
        let Some(there) = real.load(name).await? else { return Ok(None) };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.entry(name.clone()).or_insert_with(|| there.clone());
        // What is longer or shorter is new.
        if first.bytes.len() != there.bytes.len() {
            *first = there.clone();
        }
        Ok(Some(StoredRecord { revision: there.revision, bytes: first.bytes.clone() }))
    }
}
