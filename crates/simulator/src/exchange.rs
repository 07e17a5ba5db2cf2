//! One request from arrival to reply: the fault it meets, the provider's answer, the record.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::behaviour::{Failure, Fields};
use crate::context::{Context, Note};
use crate::damage::{self, Expiry};
use crate::fault::{Fault, RetryAfter};
use crate::gzip;
use crate::operation::Operation;
use crate::record::{AuthVerdict, Record};
use crate::reply::Reply;
use crate::simulator::Inner;
use crate::wire;

/// What a flood repeats.
const FLOOD: Bytes = Bytes::from_static(&[b' '; 16 * 1024]);

pub(crate) fn run(inner: &mut Inner, request: &Request<Bytes>, now_ms: i64) -> Reply {
    let server_now = now_ms.saturating_add(inner.offset_ms);
    let operation = inner.behaviour.operation(request);
    let fault = inner.plan.take(operation);
    let mut exchange = Exchange {
        inner,
        request,
        server_now,
        date_ms: server_now,
        operation,
        acted: false,
        success: false,
        altered: false,
        note: Note::default(),
    };
    let (name, reply) = match fault {
        Some(fault) => (Some(fault.name()), exchange.with_fault(fault)),
        None if exchange.inner.outage && operation.is_auth() => {
            (Some("outage"), Reply::Response(exchange.failure(Failure::Unavailable)))
        }
        None => (None, Reply::Response(exchange.act())),
    };
    exchange.finish(name, reply, now_ms)
}

struct Exchange<'a> {
    inner: &'a mut Inner,
    request: &'a Request<Bytes>,
    server_now: i64,
    date_ms: i64,
    operation: Operation,
    acted: bool,
    success: bool,
    altered: bool,
    note: Note,
}

impl Exchange<'_> {
    fn with_fault(&mut self, fault: Fault) -> Reply {
        let fields = self.inner.behaviour.fields();
        let response = match fault {
            Fault::Cut => return Reply::Cut,
            Fault::Delay(after) => return Reply::Delayed { after, response: self.act() },
            Fault::Endless => return self.flood(None),
            Fault::Flood(total) => return self.flood(Some(total)),
            Fault::GateUntil(gate) => {
                let response = self.act();
                gate.arrive();
                return Reply::Gated { gate, response };
            }
            Fault::Hang => return Reply::Hang,
            Fault::LoseAnswer => {
                let _lost = self.act();
                return Reply::Cut;
            }
            Fault::Refuse => return Reply::Refuse,
            Fault::Slow { chunk, every } => {
                return Reply::Slow { chunk: chunk.max(1), every, response: self.act() };
            }
            Fault::Truncate => return Reply::Truncated { response: self.act() },
            Fault::AbsurdExpiry(kind) => self.expiring(fields, Expiry::Absurd(kind)),
            Fault::BrokenJson => self.spoiled(damage::broken),
            Fault::DeepJson => damage::deep(),
            Fault::DuplicateJson => self.spoiled(|whole| damage::duplicated(whole, fields)),
            Fault::Empty => self.spoiled(damage::emptied),
            Fault::EmptyToken => self.spoiled(|whole| damage::empty_token(whole, fields)),
            Fault::GzipBomb(total) => gzip::bomb(total),
            Fault::Html => damage::gateway_page(),
            Fault::HugeToken => self.spoiled(|whole| damage::huge_token(whole, fields)),
            Fault::MissingExpiry => self.expiring(fields, Expiry::Missing),
            Fault::Redirect { to } => damage::redirect(&to),
            Fault::Status429 { retry_after } => self.throttled(retry_after),
            Fault::Status500 => self.failure(Failure::Internal),
            Fault::Status503 => self.failure(Failure::Unavailable),
            Fault::TokenWithNewline => {
                self.spoiled(|whole| damage::token_with_newline(whole, fields))
            }
            Fault::Unauthorized => self.unauthorized(),
            Fault::WrongDate { offset_ms } => {
                self.date_ms = self.server_now.saturating_add(offset_ms);
                self.act()
            }
        };
        Reply::Response(response)
    }

    fn act(&mut self) -> Response<Bytes> {
        self.act_expiring(None)
    }

    /// Carries the request out; the expiry that a token tells of itself is the fault's.
    fn act_expiring(&mut self, expiry: Option<Expiry>) -> Response<Bytes> {
        let Inner { behaviour, accounts, tokens, random, vault, .. } = &mut *self.inner;
        let note = Note::default();
        let now_ms = self.server_now;
        let mut cx = Context { now_ms, random, accounts, tokens, vault, expiry, note };
        let response = behaviour.handle(self.request, &mut cx);
        self.note = cx.note;
        self.altered |= self.note.expiry_altered;
        let Inner { behaviour, tokens, .. } = &mut *self.inner;
        if tokens.forget(now_ms) {
            behaviour.forget(tokens, now_ms);
        }
        self.acted = true;
        self.success = response.status().is_success() && self.note.refused.is_none();
        response
    }

    /// Carries the request out and alters what is answered.
    fn spoiled(
        &mut self,
        change: impl FnOnce(Response<Bytes>) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let whole = self.act();
        self.changed(whole, change)
    }

    /// The same for what the answer and its tokens say of their end.
    fn expiring(&mut self, fields: Fields, expiry: Expiry) -> Response<Bytes> {
        let whole = self.act_expiring(Some(expiry));
        self.changed(whole, |whole| damage::expiry(whole, fields, expiry))
    }

    fn changed(
        &mut self,
        whole: Response<Bytes>,
        change: impl FnOnce(Response<Bytes>) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let (status, body) = (whole.status(), whole.body().clone());
        let spoiled = change(whole);
        self.altered |= spoiled.status() != status || *spoiled.body() != body;
        spoiled
    }

    /// Only a token that the provider would have taken is refused by the fault; a bad one is refused in its own way.
    fn unauthorized(&mut self) -> Response<Bytes> {
        // Elsewhere the judgement is the deed: a refresh token would be spent, a password changed, a code used up.
        if !matches!(self.operation, Operation::RESOURCE | Operation::WHO_AM_I) {
            self.note.refused = Some("fault");
            return self.failure(Failure::Unauthorized);
        }
        let response = self.act();
        if !self.success {
            return response;
        }
        (self.acted, self.success) = (false, false);
        self.note.auth = AuthVerdict::RefusedByFault;
        self.note.refused = Some("fault");
        self.failure(Failure::Unauthorized)
    }

    fn failure(&self, kind: Failure) -> Response<Bytes> {
        self.inner.behaviour.failure(self.operation, kind)
    }

    fn throttled(&self, retry_after: RetryAfter) -> Response<Bytes> {
        let mut response = self.failure(Failure::Throttled);
        match (retry_after, self.inner.behaviour.reset_header()) {
            (RetryAfter::Reset(seconds), Some(name)) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                let until = self.server_now.div_euclid(1000).saturating_add(seconds);
                response.headers_mut().insert(name, HeaderValue::from(until));
            }
            (RetryAfter::Date(seconds), _) => {
                let wait_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
                let until = http_date(self.server_now.saturating_add(wait_ms));
                response.headers_mut().insert(header::RETRY_AFTER, until);
            }
            (RetryAfter::Seconds(seconds), _) => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            (RetryAfter::None, _) | (RetryAfter::Reset(_), None) => {}
        }
        response
    }

    fn flood(&self, total: Option<u64>) -> Reply {
        let head = wire::json(StatusCode::OK, &()).map(|_| ());
        Reply::Flood { head, chunk: FLOOD, total }
    }

    fn finish(self, fault: Option<&'static str>, mut reply: Reply, at_ms: i64) -> Reply {
        let date = http_date(self.date_ms);
        let status = match &mut reply {
            Reply::Delayed { response, .. }
            | Reply::Gated { response, .. }
            | Reply::Response(response)
            | Reply::Slow { response, .. }
            | Reply::Truncated { response } => {
                response.headers_mut().insert(header::DATE, date);
                Some(response.status())
            }
            Reply::Flood { head, .. } => {
                head.headers_mut().insert(header::DATE, date);
                Some(head.status())
            }
            Reply::Cut | Reply::Hang | Reply::Refuse => None,
        };
        let Self { inner, request, operation, acted, success, altered, note, .. } = self;
        inner.recorder.push(Record {
            number: inner.recorder.next_number(),
            at_ms,
            operation,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            header_names: request.headers().keys().map(|name| name.as_str().to_owned()).collect(),
            fault,
            status: status.map(|status| status.as_u16()),
            acted,
            success,
            altered,
            reason: note.refused,
            account: note.account,
            generation_presented: note.generation_presented,
            generation_issued: note.generation_issued,
            auth: note.auth,
            spent_refresh_token: note.spent_refresh_token,
        });
        reply
    }
}

/// The form of RFC 9110, section 5.6.7.
fn http_date(ms: i64) -> HeaderValue {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .ok()
        .and_then(|text| HeaderValue::from_str(&text).ok())
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}
