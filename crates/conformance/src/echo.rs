//! An answer that repeats what was sent: the fault behind [`crate::Fault::Echo`].

use countersign_core::http::HttpRequest;
use serde_json::{Value, json};

/// JSON in which every member that APIs put words or codes into repeats what `request` carried.
pub(crate) fn body(request: &HttpRequest) -> Vec<u8> {
    let text = String::from_utf8_lossy(request.body().expose_bytes()).into_owned();
    let mut leaves = Vec::new();
    match serde_json::from_str::<Value>(&text) {
        Ok(document) => collect(&document, "", &mut leaves),
        Err(_) => leaves.extend(text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })),
    }
    let telling = ["pass", "secret", "token"];
    let secret = leaves
        .iter()
        .find(|(name, _)| telling.iter().any(|word| name.to_ascii_lowercase().contains(word)));
    let word = secret.or(leaves.last()).map(|(_, value)| value.clone()).unwrap_or_default();
    let all = leaves.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
    let prose = format!("the value {word} is wrong; came: {all} in {text}");
    json!({
        "status": "0", "success": false, "error": word, "error_description": prose,
        "message": prose, "detail": prose, "reason": prose, "code": word, "messageCode": word,
        "request_id": word, "__type": word, "errors": { word.clone(): [word.clone()] },
        "details": { "code": word, "message": prose },
        "fields": [{ "name": word, "code": word }],
        "messages": [{ "messageCode": word, "field": word, "message": prose }],
    })
    .to_string()
    .into_bytes()
}

fn collect(value: &Value, name: &str, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => leaves.push((name.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, leaves)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, name, leaves));
        }
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}
