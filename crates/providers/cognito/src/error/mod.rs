//! What a refusal means: by name, then by phase and text, in one table.
//!
//! The service answers nearly every refusal with 400, so the status counts only where no name can be
//! read. Texts are no contract: a fragment is searched, and where none is found the row without one
//! holds.

mod table;

use std::borrow::Cow;
use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::{Ambient, Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};
use http::StatusCode;
use serde_json::Value;

use crate::call::Call;
use crate::config::Cognito;
use crate::provider::ID;
use crate::wire::Refusal;

pub(crate) use table::Phase;
use table::{TABLE, Then};

/// Longer than any name of the service model.
const LONGEST_NAME: usize = 64;

/// What a refusal comes to.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is an error.
    Because(Error),
    /// It is an error, unless the operation can do without the device that it named.
    DeviceGone(Error),
    /// What was asked for is so already.
    Done,
}

/// What `response` refuses; `None` if it is a success to be read.
pub(crate) fn refusal(
    cognito: &Cognito,
    call: &Call<'_>,
    operation: &Operation,
    response: &HttpResponse,
    ambient: &Ambient<'_>,
) -> Option<Refused> {
    // A success goes through here too: only these members are read, so that no token is copied.
    let body: Refusal = serde_json::from_slice(response.body().expose_bytes()).unwrap_or_default();
    let name = name(response, &body);
    if response.status().is_success() && name.is_none() {
        return None;
    }
    let text = [&body.message, &body.message_upper].into_iter().find_map(Value::as_str);
    let text = text.or_else(|| response.header("x-amzn-errormessage")).unwrap_or_default();

    let told = |error: Error| {
        let mut error = error.at(ID, operation.name()).with_status(response.status());
        if !ambient.repeats_a_secret(text, operation) {
            error = error.with_detail(text);
        }
        if let Some(name) = name {
            error = error.with_code(name);
        }
        match response.header("x-amzn-requestid") {
            Some(id) => error.with_request_id(id),
            None => error,
        }
    };
    let refused = match name {
        Some(name) => by_name(cognito, call.phase(), name, text, response, ambient.now),
        None => Refused::Because(by_status(response, ambient.now)),
    };
    Some(match refused {
        Refused::Because(error) => Refused::Because(told(error)),
        Refused::DeviceGone(error) => Refused::DeviceGone(told(error)),
        Refused::Done => Refused::Done,
    })
}

/// The name of the exception: from the header, else `code`, else `__type`; cut at the first comma or
/// colon, without the namespace. Nothing but a plain identifier is a name.
fn name<'a>(response: &'a HttpResponse, body: &'a Refusal) -> Option<&'a str> {
    [response.header("x-amzn-errortype"), body.code.as_str(), body.type_name.as_str()]
        .into_iter()
        .flatten()
        .find_map(plain_name)
}

pub(crate) fn plain_name(raw: &str) -> Option<&str> {
    let cut = raw.split([',', ':']).next().unwrap_or_default();
    let name = cut.split_once('#').map_or(cut, |(_, name)| name).trim();
    let plain = name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some(name)
}

/// What the first row that fits says.
fn by_name(
    cognito: &Cognito,
    phase: Phase,
    name: &str,
    text: &str,
    response: &HttpResponse,
    now: Timestamp,
) -> Refused {
    let text = text.to_lowercase();
    let Some(row) = TABLE.iter().find(|row| row.fits(name, phase, &text)) else {
        return Refused::Because(if transient(response.status()) {
            by_status(response, now)
        } else {
            Error::new(ErrorKind::InvalidRequest)
                .with_certainty(Certainty::Possible)
                .hint("the service refused for a reason that its model does not name")
        });
    };
    let mut error = Error::new(row.kind);
    if !row.hint.is_empty() {
        error = error.hint(Cow::Borrowed(row.hint));
    }
    Refused::Because(match row.then {
        Then::Done => return Refused::Done,
        Then::ForgetDevice => return Refused::DeviceGone(error),
        Then::Usual => error,
        Then::AllowFlow => error.hint(format!(
            "the flow is not enabled for this app client: add {} to its ExplicitAuthFlows, or set another flow",
            cognito.flow.permission()
        )),
        Then::AskUser => error.with_recovery(Recovery::AskUser),
        Then::GiveUp => error.with_recovery(Recovery::GiveUp),
        Then::Reauthenticate => error.with_recovery(Recovery::Reauthenticate),
        Then::Retry => match response.retry_after(now) {
            Some(until) => error.with_recovery(Recovery::WaitUntil(until)),
            None => error.with_recovery(Recovery::Retry),
        },
        Then::NextCode => error
            .with_certainty(Certainty::Possible)
            .with_recovery(Recovery::WaitUntil(next_step(cognito.code_step, now))),
        Then::Wait(wait) => error.with_recovery(Recovery::WaitUntil(now.after(wait))),
        Then::WaitOutLockout => {
            error.with_recovery(Recovery::WaitUntil(now.after(cognito.lockout_wait)))
        }
    })
}

/// When the next code begins.
fn next_step(step: Duration, now: Timestamp) -> Timestamp {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let begun = now.as_millis().div_euclid(step).saturating_mul(step);
    Timestamp::from_millis(begun).shifted(step)
}

fn by_status(response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS => Error::new(ErrorKind::RateLimited),
        _ if transient(status) => Error::new(ErrorKind::TemporarilyUnavailable),
        _ => {
            return Error::new(ErrorKind::Protocol).hint(
                "the refusal has no name; a gateway or a wrong address answers in the provider's place",
            );
        }
    };
    match response.retry_after(now) {
        Some(until) => error.with_recovery(Recovery::WaitUntil(until)),
        None => error,
    }
}

fn transient(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}
