//! A server that repeats what it was told, wherever an adapter might look: in messages, codes, fields,
//! ids, names of challenges and headers. And a transport and a source that panic with a secret in hand.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::core::SecretBytes;
use countersign::core::http::{HttpRequest, HttpResponse};
use countersign::core::transport::TransportError;
use countersign::{
    AccountKey, CredentialSource, Credentials, Error, HttpTransport, Keeper, Operation, Session,
    SystemClock,
};
use countersign_simulator::InProcess;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::cast::{Actor, NEW_PASSWORD};
use crate::haul::Haul;
use crate::life::backoff;
use crate::recorder::ON_PURPOSE;

/// What a request holds that is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repeats {
    /// The code of it, or what it has instead.
    Code,
    /// The password or the token of it.
    Secret,
    /// Its whole body.
    Body,
}

/// What answers a request.
#[derive(Clone)]
enum Mood {
    Honest,
    Echoes(Repeats, StatusCode),
    Panics,
}

/// The provider's own simulator, until it is told to be something else.
#[derive(Clone)]
struct Moody {
    honest: InProcess,
    mood: Arc<Mutex<Mood>>,
    haul: Haul,
}

impl Moody {
    fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

#[async_trait]
impl HttpTransport for Moody {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mood = self.mood.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.haul.debug(&request);
        let body = String::from_utf8_lossy(request.body().expose_bytes()).into_owned();
        match mood {
            Mood::Honest => self.honest.send(request).await,
            Mood::Echoes(repeats, status) => {
                let text = match repeats {
                    Repeats::Body => body,
                    other => secret_of(&request, &body, other, &self.haul),
                };
                let response = echo(&text, status);
                self.haul.debug(&(&response, response.head()));
                Ok(response)
            }
            // Without the hook: what it prints are the words of whoever panics.
            Mood::Panics => resume_unwind(Box::new(body)),
        }
    }
}

/// A password, code or token of the request.
fn secret_of(request: &HttpRequest, body: &str, wanted: Repeats, haul: &Haul) -> String {
    let mut leaves = Vec::new();
    match serde_json::from_str(body) {
        Ok(value) => collect(&value, &mut leaves),
        Err(_) => leaves.extend(body.split(['&', '=']).map(str::to_owned)),
    }
    let headers = request.headers().iter();
    leaves.extend(headers.filter_map(|(_, value)| Some(value.to_str().ok()?.to_owned())));
    let code = |leaf: &&String| leaf.len() == 6 && leaf.bytes().all(|byte| byte.is_ascii_digit());
    leaves.iter().filter(code).for_each(|code| haul.secret(code));
    let telling = ["canary-", "eyJ"];
    let secret = leaves.iter().find(|leaf| {
        let lower = leaf.to_lowercase();
        leaf.len() > 18 && telling.iter().any(|word| lower.contains(&word.to_lowercase()))
    });
    let sent = leaves.iter().find(code).filter(|_| wanted == Repeats::Code).or(secret);
    sent.or_else(|| leaves.iter().find(code)).cloned().unwrap_or_else(|| body.to_owned())
}

fn collect(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::String(text) => leaves.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, leaves)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `text` in every place where one of the five providers puts a word.
fn echo(text: &str, status: StatusCode) -> HttpResponse {
    let body = json!({
        "__type": text, "message": text, "Message": text, "detail": text, "title": text,
        "error": text, "error_description": text, "code": text, "type": text,
        "status": "0", "messageCode": [text], "messages": [text], "details": text,
        "success": false, "errors": { text: [text] }, "request_id": text, "data": text,
        "ChallengeName": text, "Session": "canary-session-of-the-server-0123456789",
        "challenge_name": text, "session": "canary-session-of-the-server-0123456789",
        "ChallengeParameters": { text: text, "requiredAttributes": json!([text]).to_string() },
        "challenge_parameters": { text: text },
    });
    let mut headers = HeaderMap::new();
    for name in ["x-amzn-errortype", "x-amzn-requestid", "x-request-id", "www-authenticate"] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    HttpResponse::new(status, headers, SecretBytes::new(body.to_string().into_bytes()))
}

/// Meets them all with sessions of this provider.
pub(crate) async fn meet(actor: &Actor, haul: &Haul) {
    haul.secret("canary-session-of-the-server-0123456789");
    for repeats in [Repeats::Code, Repeats::Secret, Repeats::Body] {
        for status in [200, 400, 401, 403, 404, 429, 500] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (session, transport, keeper) = signed_out(actor, haul).await;
            transport.turn(Mood::Echoes(repeats, status));
            told(&session, haul).await;
            keeper.shutdown(Duration::from_millis(100)).await;
        }
    }
    let (session, transport, keeper) = signed_out(actor, haul).await;
    haul.result(session.sign_in().await);
    for status in [200, 400, 401, 403, 500] {
        let status = StatusCode::from_u16(status).expect("a status");
        transport.turn(Mood::Echoes(Repeats::Secret, status));
        haul.result(session.perform(Operation::WhoAmI).await);
        let new_password = NEW_PASSWORD.to_owned().into();
        haul.result(session.perform(Operation::ChangePassword { new_password }).await);
        told(&session, haul).await;
    }
    transport.turn(Mood::Panics);
    told(&session, haul).await;
    haul.debug(&session.sign_out(Duration::from_millis(200)).await);
    keeper.shutdown(Duration::from_millis(100)).await;
    panicking_source(actor, haul).await;
    haul.issued(&actor.simulator);
}

/// Renews or signs in, and tells what came of it.
async fn told(session: &Session, haul: &Haul) {
    let mut events = session.events();
    haul.result(session.refresh().await);
    haul.result(session.sign_in().await);
    haul.debug(&(session.status(), session.pending()));
    while let Some(event) = events.try_recv() {
        haul.debug(&event);
    }
}

async fn signed_out(actor: &Actor, haul: &Haul) -> (Session, Moody, Keeper) {
    let honest = actor.simulator.in_process(Arc::new(SystemClock::new()));
    let mood = Arc::new(Mutex::new(Mood::Honest));
    let transport = Moody { honest, mood, haul: haul.clone() };
    let keeper = Keeper::builder().transport(transport.clone()).backoff(backoff());
    let keeper = keeper.build().expect("a keeper");
    let builder = keeper.session_of(Arc::clone(&actor.adapter), &actor.identity);
    let builder = builder.credentials(actor.credentials.clone());
    let session = builder.deadline(Duration::from_millis(150)).open().await;
    (session.expect("the session opens"), transport, keeper)
}

/// A source that panics: with a secret in its payload, and with a few words through the hook.
async fn panicking_source(actor: &Actor, haul: &Haul) {
    let (session, _, keeper) = signed_out(actor, haul).await;
    drop(session);
    for quietly in [true, false] {
        let source = Panicking { credentials: actor.credentials.clone(), quietly, asked: 0.into() };
        let identity = format!("{}-{quietly}", actor.identity);
        let builder = keeper.session_of(Arc::clone(&actor.adapter), &identity).credentials(source);
        let session = builder.deadline(Duration::from_millis(150)).open().await.expect("opens");
        told(&session, haul).await;
    }
    keeper.shutdown(Duration::from_millis(100)).await;
}

struct Panicking {
    credentials: Credentials,
    quietly: bool,
    asked: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl CredentialSource for Panicking {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        // Asked once when the session opens, which its caller hears of.
        if self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return Ok(self.credentials.clone());
        }
        let held = self.credentials.expect_password()?.expose().to_owned();
        match self.quietly {
            true => resume_unwind(Box::new(held)),
            false => panic!("{ON_PURPOSE} while it holds {} characters", held.len()),
        }
    }
}
