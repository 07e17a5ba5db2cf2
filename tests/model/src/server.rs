//! A provider's server behind the transport's seam, which may be interrupted before and after it acts.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{HttpTransport, SecretBytes};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::pause;

/// The password that the account begins with.
pub const PASSWORD: &str = "canary-password";

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

/// The server. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    ledger: Ledger,
}

/// What it holds.
#[derive(Debug)]
pub struct State {
    /// What a sign-in must say.
    pub password: String,
    /// How long an access token lives.
    pub life: Duration,
    /// A refresh token is spent on use.
    pub rotates: bool,
    /// Whether a sign-in is answered with a challenge.
    pub challenges: bool,
    /// Refresh tokens that are taken.
    pub alive: Vec<String>,
    spent: Vec<String>,
    seen: BTreeMap<String, usize>,
    script: BTreeMap<String, VecDeque<Act>>,
    counter: u32,
    /// Exchanges that buy something and are under way.
    buying: u32,
    /// No request may begin any more.
    closed: bool,
}

impl Server {
    /// A server whose books are in `ledger`.
    pub fn new(ledger: Ledger) -> Self {
        let state = State {
            password: PASSWORD.into(),
            life: Duration::from_secs(3600),
            rotates: false,
            challenges: false,
            alive: Vec::new(),
            spent: Vec::new(),
            seen: BTreeMap::new(),
            script: BTreeMap::new(),
            counter: 0,
            buying: 0,
            closed: false,
        };
        Self(Arc::new(Inner { state: Mutex::new(state), ledger }))
    }

    /// Its state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request to `path` meets `act`.
    pub fn next(&self, path: &str, act: Act) {
        self.state().script.entry(path.into()).or_default().push_back(act);
    }

    /// The next request to `path` is refused as the real one would refuse it.
    pub fn refuse_next(&self, path: &str) {
        self.next(path, Act::Say(400, json!({ "error": "invalid_grant" })));
    }

    /// How often `path` was asked.
    pub fn count(&self, path: &str) -> usize {
        self.state().seen.get(path).copied().unwrap_or(0)
    }

    /// Whether the refresh token that was issued last is taken.
    pub fn newest_lives(&self) -> bool {
        let state = self.state();
        state.alive.contains(&format!("canary-refresh-{}", state.counter))
    }

    /// From now on a request that begins is a broken rule.
    pub fn close(&self) {
        self.state().closed = true;
    }

    fn begin(&self, path: &str, body: &Value) -> Option<Act> {
        let mut state = self.state();
        *state.seen.entry(path.into()).or_default() += 1;
        if state.closed {
            self.0.ledger.blame(format!("`{path}` is sent after the keeper was shut down"));
        }
        if state.spent.iter().any(|spent| body["refresh"] == spent.as_str()) && path == "refresh" {
            self.0.ledger.blame("a spent refresh token is sent again");
        }
        state.script.get_mut(path).and_then(VecDeque::pop_front)
    }
}

impl State {
    fn act(&mut self, path: &str, body: &Value, ledger: &Ledger) -> (u16, Value) {
        let refused = (400, json!({ "error": "invalid_grant" }));
        match path {
            "sign_in" if body["password"] != self.password.as_str() => refused,
            "sign_in" if self.challenges => (200, json!({ "challenge": "canary-handle" })),
            "sign_in" => (200, self.issue(None, ledger)),
            "answer" if body["code"] == "123456" => (200, self.issue(None, ledger)),
            "answer" => (400, json!({ "error": "bad_code" })),
            "refresh" => {
                let token = body["refresh"].as_str().unwrap_or_default().to_owned();
                match self.alive.contains(&token) {
                    true => (200, self.issue(Some(token), ledger)),
                    false => refused,
                }
            }
            "revoke" => {
                let token = body["refresh"].as_str().unwrap_or_default();
                self.alive.retain(|known| known != token);
                (200, json!({}))
            }
            _ => (200, json!({})),
        }
    }

    fn issue(&mut self, used: Option<String>, ledger: &Ledger) -> Value {
        self.counter += 1;
        let access = format!("canary-access-{}", self.counter);
        ledger.issued(&access);
        let life = u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX);
        let mut answer = json!({ "access": access, "expires_in_ms": life });
        if used.is_none() || self.rotates {
            let refresh = format!("canary-refresh-{}", self.counter);
            if let Some(used) = used {
                self.alive.retain(|known| *known != used);
                self.spent.push(used);
            }
            self.alive.push(refresh.clone());
            answer["refresh"] = refresh.into();
        }
        answer
    }
}

/// Counts an exchange that buys something as long as it lives: there is at most one.
struct Buying<'a>(&'a Server);

impl<'a> Buying<'a> {
    fn begin(server: &'a Server, path: &str) -> Option<Self> {
        if !matches!(path, "sign_in" | "answer" | "refresh") {
            return None;
        }
        let mut state = server.state();
        state.buying += 1;
        if state.buying > 1 {
            server.0.ledger.blame("two exchanges of one account at once");
        }
        Some(Self(server))
    }
}

impl Drop for Buying<'_> {
    fn drop(&mut self) {
        self.0.state().buying -= 1;
    }
}

#[async_trait]
impl HttpTransport for Server {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let body = serde_json::from_slice(request.body().expose_bytes()).unwrap_or(Value::Null);
        let act = self.begin(&path, &body);
        let _buying = Buying::begin(self, &path);
        pause().await;
        let acted = || self.state().act(&path, &body, &self.0.ledger);
        let (status, answer) = match act {
            Some(Act::LoseRequest) => {
                return Err(TransportError::new(Delivery::NotSent, Reason::Connect));
            }
            Some(Act::LoseAnswer) => {
                acted();
                return Err(TransportError::new(Delivery::Unknown, Reason::Interrupted));
            }
            Some(Act::Say(status, answer)) => (status, answer),
            Some(Act::Panic) => panic!("canary: the transport panics"),
            Some(Act::Hang) => pending().await,
            None => acted(),
        };
        pause().await;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = SecretBytes::new(answer.to_string().into_bytes());
        Ok(HttpResponse::new(status, HeaderMap::new(), body))
    }
}
