//! What a provider's code has at hand while it handles one request.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::account::Accounts;
use crate::damage::Expiry;
use crate::limit;
use crate::random::Random;
use crate::record::AuthVerdict;
use crate::token_book::{Access, TokenBook, Worth};

/// The server's world during one request: time, randomness, accounts, tokens, mail, and what to note of it.
pub struct Context<'a> {
    /// The server's wall time with its skew, in milliseconds since 1970.
    pub now_ms: i64,
    /// The source of every random value.
    pub random: &'a mut Random,
    /// All accounts.
    pub accounts: &'a mut Accounts,
    /// All tokens.
    pub tokens: &'a mut TokenBook,
    pub(crate) vault: &'a mut Vault,
    /// What a fault says in the place of an expiry.
    pub(crate) expiry: Option<Expiry>,
    pub(crate) note: Note,
}

impl Context<'_> {
    /// The server's wall time in whole seconds.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// The server's wall time after that long, in milliseconds.
    #[must_use]
    pub fn after(&self, life: Duration) -> i64 {
        self.now_ms.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))
    }

    /// The end of a token, in Unix seconds, as the token itself shall tell it: that end, unless a fault asks for
    /// nonsense or, with `None`, for a token that tells none. For providers whose answers tell no end beside the
    /// token; what the answer tells is altered by [`Fields::expiries`](crate::Fields::expiries).
    pub fn expiry_claim(&mut self, until_s: i64) -> Option<Value> {
        let Some(expiry) = self.expiry else { return Some(Value::from(until_s)) };
        self.note.expiry_altered = true;
        expiry.value()
    }

    /// Notes which account the request is about.
    pub fn about(&mut self, identity: &str) {
        self.note.account = Some(identity.to_owned());
    }

    /// Notes that the request was refused, and why, in a word for tests; also for a refusal with status 2xx.
    pub fn refuse(&mut self, reason: &'static str) {
        self.note.refused = Some(reason);
    }

    /// Notes what became of the presented credential, where [`Context::check_access`] does not say it.
    pub fn verdict(&mut self, verdict: AuthVerdict) {
        self.note.auth = verdict;
    }

    /// Notes that a rotating refresh token was presented which had been spent before.
    pub fn spent_refresh_token(&mut self) {
        self.note.spent_refresh_token = true;
    }

    /// Keeps a secret that was issued or accepted, for searches in logs: a session, a code, a password.
    pub fn secret(&mut self, value: &str) {
        self.vault.keep(value);
    }

    /// Issues an access token and answers its generation.
    pub fn issue_access(
        &mut self,
        token: &str,
        account: &str,
        family: u64,
        expires_at_ms: i64,
    ) -> u64 {
        self.about(account);
        self.secret(token);
        let generation = self.tokens.add_access(token.to_owned(), account, family, expires_at_ms);
        self.note.generation_issued = Some(generation);
        generation
    }

    /// Issues a refresh token.
    pub fn issue_refresh(&mut self, token: &str, account: &str, family: u64, expires_at_ms: i64) {
        self.secret(token);
        self.tokens.add_refresh(token.to_owned(), account, family, expires_at_ms);
    }

    /// Judges a presented access token and notes the verdict. The token is answered if it is good.
    ///
    /// # Errors
    /// The verdict, if the token is expired, revoked or unknown.
    pub fn check_access(&mut self, token: &str) -> Result<Access, AuthVerdict> {
        let (worth, entry) = self.tokens.access(token, self.now_ms);
        let entry = entry.cloned();
        if let Some(entry) = &entry {
            self.note.account = Some(entry.account.clone());
            self.note.generation_presented = Some(entry.generation);
        }
        self.note.auth = match worth {
            Worth::Expired => AuthVerdict::Expired,
            Worth::Good => AuthVerdict::Accepted,
            Worth::Revoked => AuthVerdict::Revoked,
            Worth::Unknown => AuthVerdict::Unknown,
        };
        match entry {
            Some(entry) if worth == Worth::Good => Ok(entry),
            _ => Err(self.note.auth),
        }
    }

    /// Sends a code or a temporary password to the owner of an account: see
    /// [`Simulator::delivered`](crate::Simulator::delivered).
    pub fn deliver(&mut self, identity: &str, text: &str) {
        self.secret(text);
        self.vault.deliver(identity, text);
    }
}

/// What the handler said about the request.
#[derive(Default)]
pub(crate) struct Note {
    pub(crate) account: Option<String>,
    pub(crate) refused: Option<&'static str>,
    pub(crate) auth: AuthVerdict,
    pub(crate) generation_presented: Option<u64>,
    pub(crate) generation_issued: Option<u64>,
    pub(crate) spent_refresh_token: bool,
    pub(crate) expiry_altered: bool,
}

/// The latest of what was issued, accepted or sent by mail.
pub(crate) struct Vault {
    secrets: HashSet<Arc<str>>,
    /// The same, the oldest first.
    in_order: VecDeque<Arc<str>>,
    delivered: VecDeque<(String, String)>,
    n_delivered: usize,
    limit: usize,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            secrets: HashSet::new(),
            in_order: VecDeque::new(),
            delivered: VecDeque::new(),
            n_delivered: 0,
            limit: limit::USUAL,
        }
    }
}

impl Vault {
    pub(crate) fn keep(&mut self, value: &str) {
        if value.is_empty() || self.secrets.contains(value) {
            return;
        }
        let value: Arc<str> = value.into();
        self.secrets.insert(Arc::clone(&value));
        self.in_order.push_back(value);
        self.cut();
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut all: Vec<String> = self.in_order.iter().map(|value| value.to_string()).collect();
        all.sort();
        all
    }

    pub(crate) fn limit(&mut self, entries: usize) {
        self.limit = entries.max(1);
        self.cut();
    }

    /// The messages that are kept, the oldest first.
    pub(crate) fn mail(&self) -> impl DoubleEndedIterator<Item = &(String, String)> {
        self.delivered.iter()
    }

    /// How many were sent, with those that are forgotten.
    pub(crate) fn n_delivered(&self) -> usize {
        self.n_delivered
    }

    fn deliver(&mut self, identity: &str, text: &str) {
        self.n_delivered += 1;
        self.delivered.push_back((identity.to_owned(), text.to_owned()));
        self.cut();
    }

    fn cut(&mut self) {
        while self.in_order.len() > self.limit {
            if let Some(oldest) = self.in_order.pop_front() {
                self.secrets.remove(&oldest);
            }
        }
        while self.delivered.len() > self.limit {
            self.delivered.pop_front();
        }
    }
}
