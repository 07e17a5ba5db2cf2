//! What one provider does: the trait that each provider's server implements.

use bytes::Bytes;
use http::{Request, Response};

use crate::account::Accounts;
use crate::context::Context;
use crate::operation::Operation;
use crate::token_book::TokenBook;

/// One provider's server: pure, with its own state, driven by [`Simulator`](crate::Simulator).
///
/// Accounts and tokens live in the [`Context`], so that the simulator can add, revoke and expire for every
/// provider alike; what one provider alone keeps (challenge sessions, say) lives in the implementing type.
pub trait Behaviour: Send + 'static {
    /// The provider's word, as in folders and features: `ibex`.
    fn provider(&self) -> &'static str;

    /// What this request asks for; [`Operation::UNKNOWN`] for a path that the provider does not have.
    fn operation(&self, request: &Request<Bytes>) -> Operation;

    /// Carries the request out and answers it. `Date` is added by the simulator.
    ///
    /// Success is a status of 2xx, unless the handler says [`Context::refuse`].
    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes>;

    /// Forgets what belongs to tokens that the book has no more, and what is over by itself. Asked when the book has
    /// forgotten some.
    fn forget(&mut self, tokens: &TokenBook, now_ms: i64) {
        let _nothing = (tokens, now_ms);
    }

    /// Where the provider's answers hold what faults alter.
    fn fields(&self) -> Fields;

    /// The provider's words for a failure that a fault or an outage asks for.
    fn failure(&self, operation: Operation, kind: Failure) -> Response<Bytes>;

    /// The header in which a 429 says, as seconds of the Unix time, when to come back.
    fn reset_header(&self) -> Option<&'static str> {
        None
    }

    /// `KEY=value` pairs for the person at a terminal: accounts, secrets, paths. Without the URL.
    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)>;
}

/// Names of JSON members, wherever they are in an answer.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Members that hold access tokens.
    pub access_tokens: &'static [&'static str],
    /// Members that hold an expiry or a lifetime. Where the tokens alone tell it, see
    /// [`Context::expiry_claim`].
    pub expiries: &'static [&'static str],
}

/// A failure that has the provider's own form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 500.
    Internal,
    /// 429.
    Throttled,
    /// What the resource answers to a bad token.
    Unauthorized,
    /// 503.
    Unavailable,
}
