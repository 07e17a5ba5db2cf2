//! A server in the process, behind the transport's seam. It keeps its own books.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Clock, HttpTransport, SecretBytes};
use countersign_runtime::ManualClock;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What the server does with the next request to a path, instead of the usual.
#[derive(Clone, Debug)]
pub enum Act {
    /// It never arrives.
    LoseRequest,
    /// It is acted on, and the answer is lost.
    LoseAnswer,
    /// This answer, nothing done.
    Say(u16, Value),
    /// The transport panics.
    Panic,
    /// Nothing comes, ever.
    Hang,
}

#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    clock: ManualClock,
    state: Mutex<State>,
    /// Closed gates hold requests back.
    gate: Semaphore,
    gated: std::sync::atomic::AtomicBool,
}

pub struct State {
    pub password: String,
    pub life: Duration,
    pub rotates: bool,
    /// Refresh tokens that are taken.
    pub refresh_tokens: Vec<String>,
    /// Access tokens that live.
    pub access_tokens: Vec<String>,
    pub revoked: Vec<Value>,
    pub seen: BTreeMap<String, Vec<Value>>,
    script: BTreeMap<String, VecDeque<Act>>,
    counter: u32,
}

impl Server {
    pub fn new(clock: ManualClock) -> Self {
        Self(Arc::new(Inner {
            clock,
            state: Mutex::new(State {
                password: super::PASSWORD.into(),
                life: Duration::from_secs(3600),
                rotates: false,
                refresh_tokens: Vec::new(),
                access_tokens: Vec::new(),
                revoked: Vec::new(),
                seen: BTreeMap::new(),
                script: BTreeMap::new(),
                counter: 0,
            }),
            gate: Semaphore::new(0),
            gated: false.into(),
        }))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// The next request to `path` meets `act`.
    pub fn next(&self, path: &str, act: Act) {
        self.state().script.entry(path.into()).or_default().push_back(act);
    }

    /// The next request to `path` is refused as the real one would refuse it.
    pub fn refuse_next(&self, path: &str) {
        self.next(path, Act::Say(400, json!({ "error": "invalid_grant" })));
    }

    /// How often `path` was asked, as this server has counted.
    pub fn count(&self, path: &str) -> usize {
        self.state().seen.get(path).map_or(0, Vec::len)
    }

    pub fn total(&self) -> usize {
        self.state().seen.values().map(Vec::len).sum()
    }

    /// From now on requests are held back until [`Server::open`].
    pub fn hold(&self) {
        self.0.gated.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.0.gated.store(false, std::sync::atomic::Ordering::SeqCst);
        self.0.gate.add_permits(1_000);
    }

    fn handle(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut state = self.state();
        let refused = (400, json!({ "error": "invalid_grant" }));
        match path {
            "sign_in" if body["password"] == state.password.as_str() => (200, state.issue(None)),
            "sign_in" => refused,
            "answer" if body["code"] == "123456" => (200, state.issue(None)),
            "answer" if body["new_password"].is_string() => {
                state.password = body["new_password"].as_str().unwrap().into();
                (200, state.issue(None))
            }
            "answer" => (400, json!({ "error": "bad_code" })),
            "refresh" => {
                let token = body["refresh"].as_str().unwrap_or_default().to_owned();
                match state.refresh_tokens.contains(&token) {
                    true => (200, state.issue(Some(token))),
                    false => refused,
                }
            }
            "change_password" if body["old"] == state.password.as_str() => {
                state.password = body["new"].as_str().unwrap().into();
                (200, json!({}))
            }
            "change_password" => refused,
            "revoke" => {
                state.revoked.push(body.clone());
                let token = body["refresh"].as_str().unwrap_or_default().to_owned();
                state.refresh_tokens.retain(|known| *known != token);
                (200, json!({}))
            }
            _ => (200, json!({})),
        }
    }
}

impl State {
    fn issue(&mut self, spent: Option<String>) -> Value {
        self.counter += 1;
        let access = format!("canary-access-{}", self.counter);
        self.access_tokens.push(access.clone());
        let life = self.life.as_millis() as u64;
        let mut answer = json!({ "access": access, "expires_in_ms": life });
        if spent.is_none() || self.rotates {
            let refresh = format!("canary-refresh-{}", self.counter);
            if let Some(spent) = spent {
                self.refresh_tokens.retain(|known| *known != spent);
            }
            self.refresh_tokens.push(refresh.clone());
            answer["refresh"] = refresh.into();
        }
        answer
    }
}

#[async_trait]
impl HttpTransport for Server {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let body: Value = serde_json::from_slice(request.body().expose_bytes()).unwrap();
        let act = {
            let mut state = self.state();
            state.seen.entry(path.clone()).or_default().push(body.clone());
            state.script.get_mut(&path).and_then(VecDeque::pop_front)
        };
        if self.0.gated.load(std::sync::atomic::Ordering::SeqCst) {
            self.0.gate.acquire().await.unwrap().forget();
        }
        let (status, answer) = match act {
            Some(Act::LoseRequest) => {
                return Err(TransportError::new(Delivery::NotSent, Reason::Connect));
            }
            Some(Act::LoseAnswer) => {
                self.handle(&path, &body);
                return Err(TransportError::new(Delivery::Unknown, Reason::Interrupted));
            }
            Some(Act::Say(status, answer)) => (status, answer),
            Some(Act::Panic) => panic!("canary: the transport panics"),
            Some(Act::Hang) => std::future::pending().await,
            None => self.handle(&path, &body),
        };
        let _ = self.0.clock.now();
        let body = SecretBytes::new(serde_json::to_vec(&answer).unwrap());
        Ok(HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body))
    }
}
