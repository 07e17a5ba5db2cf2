//! Every fixture once more, over a socket: what an adapter builds arrives byte for byte through the
//! real transport, and what comes back is read as the pure function reads it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use countersign_core::HttpTransport;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_reqwest::Client;
use countersign_tests::fixtures::{self, Fixture};
use http::{HeaderMap, HeaderName, StatusCode, header};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What a client may add to the headers of an adapter; anything else is a fault.
const ADDED: [HeaderName; 4] =
    [header::ACCEPT_ENCODING, header::CONTENT_LENGTH, header::HOST, header::USER_AGENT];

#[tokio::test]
async fn every_fixture_holds_over_the_wire() {
    let wire = Wire::start().await;
    let mut n_sent = BTreeMap::<String, usize>::new();
    let (mut read, mut left_out) = (0, BTreeMap::<&'static str, usize>::new());
    let mut failures = String::new();
    for fixture in fixtures::load_all(&fixtures::root()).unwrap() {
        match wire.run(&fixture).await {
            Ok(Ran::Sent { answered }) => {
                *n_sent.entry(fixture.provider.clone()).or_default() += 1;
                read += usize::from(answered);
            }
            Ok(Ran::LeftOut(why)) => *left_out.entry(why).or_default() += 1,
            Err(complaints) => {
                failures += &format!("{} ({})\n", fixture.folder.display(), fixture.title());
                for complaint in complaints {
                    failures += &format!("    {complaint}\n");
                }
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");

    let sent: usize = n_sent.values().sum();
    println!("wire: {sent} requests sent, {read} answers read: {n_sent:?}");
    for (why, count) in &left_out {
        println!("wire: {count} left out: {why}");
    }
    for entry in fixtures::providers() {
        assert!(n_sent.contains_key(entry.name), "nothing of {} went over the wire", entry.name);
    }
    assert!(read > 0);
}

#[tokio::test]
async fn a_request_that_changes_on_its_way_is_told() {
    let wire = Wire::start().await;
    let url = format!("{}/a?b=c", wire.server.uri());
    let built = || HttpRequest::post_json(&url, &"canary-body").unwrap();
    wire.exchange(built(), None).await.unwrap();
    let seen = wire.seen();
    assert_eq!(differences(&built(), &seen), Vec::<String>::new());

    let complaints = |change: &dyn Fn(&mut Request)| {
        let mut changed = seen.clone();
        change(&mut changed);
        differences(&built(), &changed).join("; ")
    };
    assert!(complaints(&|r| r.method = http::Method::PUT).contains("method"));
    assert!(complaints(&|r| r.url.set_path("/b")).contains("path"));
    assert!(complaints(&|r| r.url.set_query(None)).contains("path"));
    assert!(complaints(&|r| r.body.push(b' ')).contains("body"));
    assert!(complaints(&|r| _ = r.headers.remove(header::ACCEPT)).contains("headers"));
    let more = (header::COOKIE, "canary=1".parse().unwrap());
    assert!(complaints(&|r| r.headers.extend([more.clone()])).contains("headers"));
}

/// What became of a case.
enum Ran {
    /// Its request went out; whether its answer was read.
    Sent {
        answered: bool,
    },
    LeftOut(&'static str),
}

/// One server, which gives the answer laid ready and keeps what it saw; and our transport.
struct Wire {
    server: MockServer,
    desk: Desk,
    client: Client,
}

#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Paper>>);

#[derive(Default)]
struct Paper {
    answer: Option<ResponseTemplate>,
    seen: Vec<Request>,
}

impl Respond for Desk {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut paper = self.0.lock().unwrap();
        paper.seen.push(request.clone());
        paper.answer.take().unwrap_or_else(|| ResponseTemplate::new(500))
    }
}

impl Wire {
    async fn start() -> Self {
        let (server, desk) = (MockServer::start().await, Desk::default());
        Mock::given(any()).respond_with(desk.clone()).mount(&server).await;
        let client = Client::new(reqwest::Client::builder().no_proxy()).unwrap();
        Self { server, desk, client }
    }

    async fn run(&self, fixture: &Fixture) -> Result<Ran, Vec<String>> {
        let one = |complaint: String| vec![complaint];
        let parts = fixture.parts().map_err(one)?;
        let Some(operation) = &parts.operation else {
            return Ok(Ran::LeftOut("about `authorize` or `rejects`: no auth call"));
        };
        let told = |error: countersign_core::Error| vec![error.to_string()];
        let at_home = fixture.adapter().map_err(one)?.request(operation, &parts.ambient());
        let response = fixture.response().map_err(one)?;
        let at_home = match (at_home, &response) {
            (Ok(request), _) => request,
            (Err(_), None) => return Ok(Ran::LeftOut("refused before anything is sent")),
            (Err(error), Some(_)) => return Err(told(error)),
        };

        let adapter = fixture.adapter_at(&self.server.uri()).map_err(one)?;
        let request = adapter.request(operation, &parts.ambient()).map_err(told)?;
        let answer = self.exchange(request, response.as_ref()).await.map_err(one)?;
        // Compared with the request to the provider's own address, which the pure run has checked.
        let mut complaints = fixture.compare_request(&at_home);
        complaints.extend(differences(&at_home, &self.seen()));
        if let Some(pure) = &response {
            let over_the_wire = adapter.interpret(operation, &answer, &parts.ambient());
            let status = answer.status();
            complaints.extend(fixture.compare_outcome(&over_the_wire, status, &parts));
            let pure = adapter.interpret(operation, pure, &parts.ambient());
            if format!("{pure:?}") != format!("{over_the_wire:?}") {
                complaints.push(format!("pure {pure:?}, over the wire {over_the_wire:?}"));
            }
        }
        if complaints.is_empty() {
            Ok(Ran::Sent { answered: response.is_some() })
        } else {
            Err(complaints)
        }
    }

    /// Sends `request` and has it answered with `answer`, or with an empty 204.
    async fn exchange(
        &self,
        request: HttpRequest,
        answer: Option<&HttpResponse>,
    ) -> Result<HttpResponse, String> {
        let ready = answer.map_or_else(|| ResponseTemplate::new(204), template);
        *self.desk.0.lock().unwrap() = Paper { answer: Some(ready), seen: Vec::new() };
        let got = self.client.send(request).await.map_err(|error| error.to_string())?;
        let wanted = answer.map_or(StatusCode::NO_CONTENT, HttpResponse::status);
        if got.status() == wanted { Ok(got) } else { Err(format!("status {}", got.status())) }
    }

    /// The one request that the last exchange was.
    fn seen(&self) -> Request {
        let seen = &self.desk.0.lock().unwrap().seen;
        assert_eq!(seen.len(), 1, "one exchange is one request");
        seen[0].clone()
    }
}

fn template(answer: &HttpResponse) -> ResponseTemplate {
    let body = answer.body().expose_bytes().to_vec();
    let template = ResponseTemplate::new(answer.status().as_u16()).set_body_bytes(body);
    answer.headers().iter().fold(template, |t, (name, value)| t.append_header(name, value))
}

/// Where `seen` differs from `built`, apart from the host it went to and from what clients add.
fn differences(built: &HttpRequest, seen: &Request) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut same = |what: &str, built: String, seen: String| {
        if built != seen {
            complaints.push(format!("{what}: built {built:?}, arrived {seen:?}"));
        }
    };
    same("method", built.method().to_string(), seen.method.to_string());
    let query = seen.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = built.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    same("path and query", path, format!("{}{query}", seen.url.path()));
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    same("body", text(built.body().expose_bytes()), text(&seen.body));
    if built.body().expose_bytes() != seen.body {
        same("body", String::new(), "other bytes".into());
    }
    same("headers", headers(built.headers(), &[]), headers(&seen.headers, &ADDED));
    let length = seen.headers.get(header::CONTENT_LENGTH).map(|value| value.to_str());
    let length = length.and_then(Result::ok).map(str::to_owned);
    if !seen.body.is_empty() {
        same("content-length", seen.body.len().to_string(), length.unwrap_or_default());
    }
    complaints
}

/// All headers but those in `without`, in one order.
fn headers(all: &HeaderMap, without: &[HeaderName]) -> String {
    let kept = all.iter().filter(|(name, _)| !without.contains(name));
    let mut lines: Vec<_> = kept
        .map(|(name, v)| format!("{name}: {}", String::from_utf8_lossy(v.as_bytes())))
        .collect();
    lines.sort();
    lines.join("\n")
}
