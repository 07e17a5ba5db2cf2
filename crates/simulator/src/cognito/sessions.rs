//! Challenge sessions: whose, until when, and what is still to come.

use std::collections::{HashMap, VecDeque};

use super::refusal::Refusal;
use crate::context::Context;

/// One challenge that was handed out.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) identity: String,
    pub(super) client_id: String,
    pub(super) challenge: String,
    /// The challenges that follow this one.
    pub(super) left: VecDeque<String>,
    pub(super) expires_at_ms: i64,
    /// Answered well: it can be used no more.
    pub(super) answered: bool,
    /// The code that was sent for it.
    pub(super) code: Option<String>,
    pub(super) enrolment: Option<Enrolment>,
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
}

impl Sessions {
    /// Notes a session and answers its text.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, session: Session) -> String {
        let text = format!("AYAB{}{}", cx.random.token(), cx.random.token());
        cx.secret(&text);
        self.open.insert(text.clone(), session);
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
