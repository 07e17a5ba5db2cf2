//! Acme as a local server: the facts of its documentation with real state, over the public simulator.
//!
//! Written from the facts and not from the adapter: of that it knows nothing.

use std::time::Duration;

use bytes::Bytes;
use countersign_simulator::wire::{self, Echo, header_text};
use countersign_simulator::{
    Account, Accounts, AuthVerdict, Behaviour, Context, Failure, Fields, Operation, Setup,
    Simulator, Worth,
};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

/// The API key of the default account.
pub const KEY: &str = "acme-key-1";
/// Its secret.
pub const SECRET: &str = "canary-acme-s3cret";

/// How long a token buys the next one.
pub const RENEWABLE: Duration = Duration::from_secs(24 * 3600);

/// A server with one account, whose tokens live for `life` (whole minutes, as Acme tells them) and buy the
/// next one for `renewable`.
pub fn server(life: Duration, renewable: Duration, setup: Setup) -> Simulator {
    let simulator = Simulator::new(Acme { life, renewable }, setup);
    simulator.add_account(Account::client(KEY, SECRET));
    simulator
}

struct Acme {
    life: Duration,
    renewable: Duration,
}

/// A problem: its word and its status.
struct Problem(&'static str, StatusCode);

type Answer = Result<Response<Bytes>, Problem>;

const BAD_REQUEST: Problem = Problem("bad-request", StatusCode::BAD_REQUEST);
const ENDED: Problem = Problem("session-ended", StatusCode::UNAUTHORIZED);

impl Acme {
    fn sign_in(&self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
        let asked: Value = serde_json::from_slice(request.body()).map_err(|_| BAD_REQUEST)?;
        let [Some(key), Some(secret)] = ["api_key", "api_secret"].map(|name| asked[name].as_str())
        else {
            return Err(BAD_REQUEST);
        };
        cx.about(key);
        let known = cx.accounts.get(key).filter(|account| account.password == secret);
        let account = known.ok_or(Problem("bad-credentials", StatusCode::UNAUTHORIZED))?;
        if account.disabled || account.is_locked_out(cx.now_ms) {
            return Err(Problem("key-suspended", StatusCode::FORBIDDEN));
        }
        cx.secret(secret);
        let family = cx.tokens.new_family();
        Ok(self.session(cx, key, family))
    }

    /// A token buys the next one once, and nothing else becomes of it.
    fn renew(&self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
        let token = header_text(request.headers(), "x-acme-token").ok_or(ENDED)?;
        let (Worth::Good, Some(entry)) = cx.tokens.refresh(token, cx.now_ms) else {
            return Err(ENDED);
        };
        let (account, family) = (entry.account.clone(), entry.family);
        if entry.spent_at_ms.is_some() {
            cx.spent_refresh_token();
            return Err(Problem("already-renewed", StatusCode::CONFLICT));
        }
        cx.tokens.redeem(token, cx.now_ms, true);
        Ok(self.session(cx, &account, family))
    }

    fn session(&self, cx: &mut Context<'_>, account: &str, family: u64) -> Response<Bytes> {
        let token = cx.random.token();
        cx.issue_access(&token, account, family, cx.after(self.life));
        cx.issue_refresh(&token, account, family, cx.after(self.renewable));
        let minutes = (self.life.as_secs() / 60).to_string();
        let session = json!({ "token": token, "ttl_minutes": minutes, "account": account });
        wire::json(StatusCode::OK, &session)
    }
}

/// Ends the token, and all that descend from the same sign-in.
fn end(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let token = header_text(request.headers(), "x-acme-token").ok_or(ENDED)?;
    let (Worth::Good, Some(entry)) = cx.tokens.refresh(token, cx.now_ms) else {
        return Err(ENDED);
    };
    let family = entry.family;
    cx.tokens.revoke_family(family);
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

fn echo(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let Some(token) = header_text(request.headers(), "x-acme-token") else {
        cx.verdict(AuthVerdict::Missing);
        return Err(ENDED);
    };
    let token = cx.check_access(token).map_err(|_| ENDED)?;
    Ok(wire::json(StatusCode::OK, &Echo::of(request, &token)))
}

impl Problem {
    fn response(&self) -> Response<Bytes> {
        let Self(word, status) = self;
        let uri = format!("https://acme.example/problems/{word}");
        let mut response = wire::json(*status, &json!({ "type": uri, "status": status.as_u16() }));
        let media_type = http::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
        response
    }
}

impl Behaviour for Acme {
    fn provider(&self) -> &'static str {
        "acme"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v2/session") => Operation::SIGN_IN,
            (&Method::POST, "/v2/session/renew") => Operation::REFRESH,
            (&Method::DELETE, "/v2/session") => Operation::REVOKE,
            (&Method::GET | &Method::POST, "/sim/echo") => Operation::RESOURCE,
            _ => Operation::UNKNOWN,
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        let answer = match self.operation(request) {
            Operation::SIGN_IN => self.sign_in(request, cx),
            Operation::REFRESH => self.renew(request, cx),
            Operation::REVOKE => end(request, cx),
            Operation::RESOURCE => echo(request, cx),
            _ => Err(Problem("not-found", StatusCode::NOT_FOUND)),
        };
        answer.unwrap_or_else(|problem| {
            cx.refuse(problem.0);
            problem.response()
        })
    }

    fn fields(&self) -> Fields {
        Fields { access_tokens: &["token"], expiries: &["ttl_minutes"] }
    }

    fn failure(&self, _operation: Operation, kind: Failure) -> Response<Bytes> {
        let problem = match kind {
            Failure::Internal => Problem("internal", StatusCode::INTERNAL_SERVER_ERROR),
            Failure::Throttled => Problem("slow-down", StatusCode::TOO_MANY_REQUESTS),
            Failure::Unauthorized => ENDED,
            Failure::Unavailable => Problem("maintenance", StatusCode::SERVICE_UNAVAILABLE),
        };
        problem.response()
    }

    fn describe(&self, _accounts: &Accounts) -> Vec<(String, String)> {
        vec![("RESOURCE".to_owned(), "/sim/echo".to_owned())]
    }
}
