//! `--json`: one object a line on standard output, with the fields that `demo --help` lists.

use std::time::Duration;

use countersign_core::Error;
use serde_json::{Map, Value, json};

use super::happening::{End, Happening, What};
use super::totals::{Tally, Totals};
use crate::problem::headline;

/// The fields, for `demo --help`. They do not change their meaning.
pub(super) const FIELDS: &str = "\
With --json, one object a line; each has
  at_ms   milliseconds since the start
  who     a provider, or demo
  event   one of those below
  text    the sentence for people; its wording may change

  serving         url
  signing_in
  challenged      challenge: the provider's name for it
  answered
  published       number: 1 for the first token of the session, good_for_ms, saved, refusals: answers
                  401 since the token before
  moved           from, to: states, as `status --json` names them
  stalled         error, http_status or null, served: a good token is still handed out
  failed          the same; it is not tried again by itself
  load_begins     per_second
  outage_begins
  outage_ends     refused: auth calls, served: requests meanwhile
  throttle_set    seconds
  loss_set
  revoked         by the server
  refused         the API answers 401 for the first time since
  request_failed  why
  load_over       requests
  signed_out      end: revoked, local_only or unconfirmed; valid_for_ms or null
  presented       status: what the API answers to the old token afterwards
  totals          the last one: ok, took_ms, problems: sentences, providers: an object each with
                  renewals, challenges and what both sides counted as {client, simulator}:
                  requests, failed, replays (sends beyond the first of a request), refused (401 of
                  the API), exchanges (calls to the auth server), lost (those without an answer),
                  tokens

The exit code is 1 if anything is not as it should be: a request failed, the two sides differ, a
fault was not met, a session was renewed fewer than 3 times.";

/// One event as an object.
pub(super) fn object(happening: &Happening) -> Value {
    let Happening { after, who, what } = happening;
    let (event, more) = parts(what);
    let text = match what {
        What::Totals(totals) if totals.is_ok() => "everything is as it should be".to_owned(),
        What::Totals(_) => "not everything is as it should be".to_owned(),
        what => what.to_string(),
    };
    let mut object = Map::new();
    object.insert("at_ms".to_owned(), millis(*after));
    object.insert("who".to_owned(), (*who).into());
    object.insert("event".to_owned(), event.into());
    if let Value::Object(more) = more {
        object.extend(more);
    }
    object.insert("text".to_owned(), text.into());
    object.into()
}

fn parts(what: &What) -> (&'static str, Value) {
    match what {
        What::Serving { url } => ("serving", json!({ "url": url })),
        What::SigningIn { .. } => ("signing_in", Value::Null),
        What::Challenged { name } => ("challenged", json!({ "challenge": name })),
        What::Answered { .. } => ("answered", Value::Null),
        What::Published { number, good_for, saved, refusals } => {
            let good_for = millis(*good_for);
            let more = json!({
                "number": number, "good_for_ms": good_for, "saved": saved, "refusals": refusals,
            });
            ("published", more)
        }
        What::Moved { from, to } => ("moved", json!({ "from": from.as_str(), "to": to.as_str() })),
        What::Stalled { error, served } => ("stalled", failure(error, *served)),
        What::Failed { error, served } => ("failed", failure(error, *served)),
        What::Load { per_second } => ("load_begins", json!({ "per_second": per_second })),
        What::OutageBegins => ("outage_begins", Value::Null),
        What::OutageEnds { refused, served } => {
            ("outage_ends", json!({ "refused": refused, "served": served }))
        }
        What::ThrottleSet { seconds } => ("throttle_set", json!({ "seconds": seconds })),
        What::LossSet => ("loss_set", Value::Null),
        What::Revoked => ("revoked", Value::Null),
        What::Refused => ("refused", Value::Null),
        What::RequestFailed { why } => ("request_failed", json!({ "why": why })),
        What::LoadOver { requests } => ("load_over", json!({ "requests": requests })),
        What::SignedOut { end } => {
            let (end, left) = match end {
                End::Revoked => ("revoked", None),
                End::LocalOnly { valid_for } => ("local_only", *valid_for),
                End::Unconfirmed => ("unconfirmed", None),
            };
            ("signed_out", json!({ "end": end, "valid_for_ms": left.map(millis) }))
        }
        What::Presented { status } => ("presented", json!({ "status": status })),
        What::Totals(totals) => ("totals", totals_of(totals)),
    }
}

fn failure(error: &Error, served: bool) -> Value {
    json!({ "error": headline(error), "http_status": error.status(), "served": served })
}

fn totals_of(totals: &Totals) -> Value {
    let providers: Map<String, Value> =
        totals.tallies.iter().map(|tally| (tally.name.to_owned(), tally_of(tally))).collect();
    json!({
        "ok": totals.is_ok(),
        "took_ms": millis(totals.took),
        "problems": totals.problems,
        "providers": providers,
    })
}

fn tally_of(tally: &Tally) -> Value {
    let mut object = Map::new();
    for row in &tally.rows {
        let both = json!({ "client": row.client, "simulator": row.simulator });
        object.insert(row.what.to_owned(), both);
    }
    object.insert("renewals".to_owned(), tally.renewals.into());
    object.insert("challenges".to_owned(), tally.challenges.into());
    object.into()
}

fn millis(span: Duration) -> Value {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).into()
}
