//! Challenge sessions: whose, until when, and what is still to come.

use std::collections::{HashMap, VecDeque};

use num_bigint::BigUint;

use super::flow::AuthFlow;
use super::proof::Proof;
use super::refusal::Refusal;
use crate::context::Context;
use crate::limit;

/// One sign-in on its way from challenge to challenge.
#[derive(Clone)]
pub(super) struct Course {
    /// Whose. Of nobody: the name that was typed.
    pub(super) identity: String,
    /// There is no such user, and the client is not to notice.
    pub(super) nobody: bool,
    pub(super) client_id: String,
    pub(super) flow: AuthFlow,
    /// The challenges that are known to come.
    pub(super) left: VecDeque<String>,
    /// The device from which the sign-in comes, once it is known to be one of the user's.
    pub(super) device_key: Option<String>,
    /// The tries that a custom challenge has left; 0 where none was asked yet.
    pub(super) tries: u32,
    /// The client's public number, until a proof is made of it.
    pub(super) srp_a: Option<BigUint>,
}

impl Course {
    /// The beginning of a sign-in by that client.
    pub(super) fn new(identity: &str, client_id: &str, flow: AuthFlow) -> Self {
        Self {
            identity: identity.to_owned(),
            nobody: false,
            client_id: client_id.to_owned(),
            flow,
            left: VecDeque::new(),
            device_key: None,
            tries: 0,
            srp_a: None,
        }
    }

    /// With this challenge as the next one.
    pub(super) fn next(&mut self, challenge: &str) {
        self.left.push_front(challenge.to_owned());
    }
}

/// One challenge that was handed out.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) course: Course,
    pub(super) challenge: String,
    pub(super) awaited: Awaited,
    pub(super) expires_at_ms: i64,
    /// Answered well: it can be used no more.
    pub(super) answered: bool,
}

/// What a good answer is compared with, where the account does not say it.
#[derive(Clone)]
pub(super) enum Awaited {
    /// The account says it.
    Answer,
    /// The code that was sent.
    Code(String),
    /// The verified secret of a second factor.
    Enrolment(Enrolment),
    /// A proof of a password.
    Proof(Box<Proof>),
    /// The account says it, and this is one of so many tries.
    Tries(u32),
}

/// A shared secret that is being set up.
#[derive(Clone)]
pub(super) struct Enrolment {
    pub(super) secret: String,
    pub(super) verified: bool,
}

#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    /// Sessions by the secret block that was handed out with them.
    by_block: HashMap<String, String>,
}

impl Sessions {
    /// Notes a session and answers its text.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, session: Session) -> String {
        let text = format!("AYAB{}{}", cx.random.token(), cx.random.token());
        cx.secret(&text);
        if let Awaited::Proof(proof) = &session.awaited {
            self.by_block.insert(proof.block.clone(), text.clone());
        }
        self.open.insert(text.clone(), session);
        let n_open = self.open.len();
        limit::keep_youngest(&mut self.open, |session| session.expires_at_ms);
        if self.open.len() < n_open {
            self.by_block.retain(|_, text| self.open.contains_key(text));
        }
        text
    }

    /// The session of that text, if it can still be answered.
    ///
    /// # Errors
    /// `NotAuthorizedException` for an unknown, an answered and an expired one.
    pub(super) fn live(&self, text: &str, now_ms: i64) -> Result<Session, Refusal> {
        let Some(session) = self.open.get(text) else {
            return Err(invalid("Invalid session for the user.", "session_unknown"));
        };
        if session.answered {
            let text = "Invalid session for the user, session can only be used once.";
            return Err(invalid(text, "session_answered"));
        }
        if now_ms >= session.expires_at_ms {
            let text = "Invalid session for the user, session is expired.";
            return Err(invalid(text, "session_expired"));
        }
        Ok(session.clone())
    }

    /// The text of the session with which this block was handed out.
    pub(super) fn of_block(&self, block: &str) -> Option<&str> {
        self.by_block.get(block).map(String::as_str)
    }

    /// The text of the session in which this device of the user is asked to prove itself.
    pub(super) fn of_device(&self, identity: &str, device_key: &str, now_ms: i64) -> Option<&str> {
        let waiting = self.open.iter().filter(|(_, session)| {
            !session.answered
                && now_ms < session.expires_at_ms
                && session.challenge == "DEVICE_SRP_AUTH"
                && session.course.identity == identity
                && session.course.device_key.as_deref() == Some(device_key)
        });
        let latest = waiting.max_by_key(|(_, session)| session.expires_at_ms);
        latest.map(|(text, _)| text.as_str())
    }

    /// From now on it is answered.
    pub(super) fn close(&mut self, text: &str) {
        if let Some(session) = self.open.get_mut(text) {
            session.answered = true;
        }
    }
}

/// The session is of somebody else, or for another challenge.
pub(super) fn foreign() -> Refusal {
    invalid("Invalid session for the user.", "session_foreign")
}

fn invalid(text: &str, word: &'static str) -> Refusal {
    Refusal::not_authorized(text, word)
}
