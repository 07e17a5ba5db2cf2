//! Short forms for the tests of all providers.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::reply::Reply;
use crate::simulator::Simulator;

/// A moment for tests, in milliseconds.
pub(crate) const NOW: i64 = 1_893_456_000_000;

/// An answer with its body as text and as JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) head: Response<()>,
}

impl Answer {
    pub(crate) fn text_of(&self, pointer: &str) -> String {
        self.json.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
    }
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Bytes> {
    let builder = Request::builder().method(method).uri(path);
    let builder =
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

pub(crate) fn json_request(path: &str, headers: &[(&str, &str)], body: &Value) -> Request<Bytes> {
    let mut request = request("POST", path, headers, &body.to_string());
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request
}

pub(crate) fn answer(simulator: &Simulator, request: &Request<Bytes>, now_ms: i64) -> Answer {
    let Reply::Response(response) = simulator.handle(request, now_ms) else {
        panic!("no plain answer")
    };
    let (head, body) = response.into_parts();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let json = serde_json::from_str(&text).unwrap_or_default();
    Answer { status: head.status.as_u16(), text, json, head: Response::from_parts(head, ()) }
}

pub(crate) fn post(simulator: &Simulator, path: &str, body: &Value, now_ms: i64) -> Answer {
    answer(simulator, &json_request(path, &[], body), now_ms)
}
