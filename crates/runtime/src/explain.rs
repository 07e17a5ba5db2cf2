//! Why a session is as it is: "why was I signed out?", answered from the record and from what this
//! process remembers.

use std::sync::Arc;

use countersign_core::session::{Failure, Held, Purpose, Reauthentication, Status};
use countersign_core::{Certainty, Error, ErrorKind, Generation, RefreshSupport, Timestamp};
use countersign_seal::{EndCause, RefusedSecret};

use crate::cell::Cell;
use crate::records::Records;
use crate::session::Session;
use crate::status::Transition;

/// Why a session is as it is. Holds no secret and no identity.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The state in this process.
    pub state: Status,
    /// Whether a token is handed out at this moment.
    pub good: bool,
    /// The reason.
    pub reason: Reason,
    /// Since when the session is in this state, as far as this process remembers.
    pub since: Option<Timestamp>,
    /// What happens next by itself, and when.
    pub next: Option<(Purpose, Timestamp)>,
    /// The last failure since the last success in this process.
    pub last_error: Option<Error>,
    /// The store could not be read: the reason is what this process remembers.
    pub store_error: Option<Error>,
    /// What the account must be spared cannot be read (code `guards_unreadable`) or is gone (`guards_missing`):
    /// nobody signs in to it, and the tokens that are there are used and renewed. With the remedy.
    pub guards_error: Option<Error>,
    /// The last transitions in this process, oldest first.
    pub transitions: Vec<Transition>,
}

/// The reason for the state of a session, the nearest one first where there are several.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A token is handed out.
    SignedIn,
    /// A token is handed out that the store has not taken; writing it is tried again.
    Unsaved,
    /// An exchange with the provider is under way.
    UnderWay,
    /// Nobody has signed in yet, here or in any process that shares the store.
    NeverSignedIn,
    /// The session was ended on purpose; the provider was not asked, or has not confirmed.
    SignedOut {
        /// When.
        at: Timestamp,
        /// Which generation.
        generation: Option<Generation>,
        /// By this process; else by another one that shares the store, or by this one long ago.
        here: bool,
    },
    /// The session was ended on purpose, and the provider has revoked it.
    Revoked {
        /// When.
        at: Timestamp,
        /// Which generation.
        generation: Option<Generation>,
        /// By this process; else by another one that shares the store, or by this one long ago.
        here: bool,
    },
    /// The provider has refused the refresh token for good: it was used twice, revoked elsewhere, or
    /// has ended before its time.
    RefreshRefused {
        /// Which generation it belongs to.
        generation: Generation,
    },
    /// The refresh token has reached its end.
    RefreshEnded {
        /// When.
        at: Timestamp,
    },
    /// The refresh token has bought as many tokens as the provider allows.
    RefreshUsedUp {
        /// How many.
        used: u32,
    },
    /// There is nothing to renew the token with, and it has ended or is refused.
    NotRenewable {
        /// The end of the token.
        ended_at: Timestamp,
    },
    /// A refresh token that is spent on use was sent, and nobody knows what became of it.
    LostAnswer {
        /// When it was sent first.
        sent_at: Timestamp,
        /// How often it was sent.
        attempt: u32,
    },
    /// The API has refused the token, and nothing can renew it by itself.
    TokenRefused {
        /// Which one.
        generation: Generation,
    },
    /// The provider has refused the password, or another secret of the sign-in.
    SecretRefused {
        /// Whether that is sure.
        certainty: Certainty,
        /// When it was refused last.
        at: Timestamp,
        /// How often.
        tries: u32,
    },
    /// The account takes no sign-in for a while.
    LockedOut {
        /// Until then.
        until: Timestamp,
    },
    /// As many sign-ins by itself as a day allows.
    SignInsUsedUp {
        /// How many there were today.
        count: u32,
    },
    /// The provider asks for a further proof.
    Challenged {
        /// It can be answered until then.
        until: Timestamp,
    },
    /// Nothing but a sign-in helps, and it needs a person or credentials that are not at hand.
    NeedsCaller,
    /// It fails for now, and is tried again by itself.
    Failing {
        /// What fails.
        kind: ErrorKind,
        /// When it is tried again.
        next: Option<Timestamp>,
    },
    /// It has failed, and is not tried again by itself.
    Failed {
        /// What has failed.
        kind: ErrorKind,
    },
    /// The stored record has a broken seal: it is set aside with the next sign-in.
    Damaged,
    /// A sign-in would be needed, and what the account must be spared cannot be read or is gone.
    GuardsUnreadable,
    /// The store cannot be read.
    StoreUnreadable,
}

impl Reason {
    /// The word used in reports: `signed_in`, `refresh_refused`, …
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Unsaved => "unsaved",
            Self::UnderWay => "under_way",
            Self::NeverSignedIn => "never_signed_in",
            Self::SignedOut { .. } => "signed_out",
            Self::Revoked { .. } => "revoked",
            Self::RefreshRefused { .. } => "refresh_refused",
            Self::RefreshEnded { .. } => "refresh_ended",
            Self::RefreshUsedUp { .. } => "refresh_used_up",
            Self::NotRenewable { .. } => "not_renewable",
            Self::LostAnswer { .. } => "lost_answer",
            Self::TokenRefused { .. } => "token_refused",
            Self::SecretRefused { .. } => "secret_refused",
            Self::LockedOut { .. } => "locked_out",
            Self::SignInsUsedUp { .. } => "sign_ins_used_up",
            Self::Challenged { .. } => "challenged",
            Self::NeedsCaller => "needs_caller",
            Self::Failing { .. } => "failing",
            Self::Failed { .. } => "failed",
            Self::Damaged => "damaged",
            Self::GuardsUnreadable => "guards_unreadable",
            Self::StoreUnreadable => "store_unreadable",
        }
    }

    /// What helps, as a sentence for people; `None` where nothing is wrong.
    pub const fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::SignedIn | Self::UnderWay => return None,
            Self::Unsaved => "check that the store can be written; the token is used meanwhile",
            Self::NeverSignedIn | Self::NotRenewable { .. } | Self::NeedsCaller => "sign in",
            Self::SignedOut { .. } | Self::Revoked { .. } => {
                "sign in if the session is wanted again"
            }
            Self::RefreshRefused { .. } => {
                "sign in; if it happens again, look for a program that uses a copy of the refresh token"
            }
            Self::RefreshEnded { .. } => {
                "sign in; keep the session alive if it is to survive being idle"
            }
            Self::RefreshUsedUp { .. } => "sign in; the next refresh token has a count of its own",
            Self::LostAnswer { .. } => {
                "sign in; the refresh token may be spent and is not sent again"
            }
            Self::TokenRefused { .. } => {
                "sign in; if the API refuses the next token too, check audience and permissions"
            }
            Self::SecretRefused { .. } => {
                "correct the secret where it comes from, or sign in with it"
            }
            Self::LockedOut { .. } => "wait until the account takes sign-ins again",
            Self::SignInsUsedUp { .. } => {
                "find out why so many sign-ins were needed; sign in by hand, or wait for tomorrow (UTC)"
            }
            Self::Challenged { .. } => "answer the challenge",
            Self::Failing { .. } => "wait; it is tried again by itself",
            Self::Failed { .. } => "see the last error, then sign in",
            Self::Damaged => "sign in; the damaged record is set aside",
            Self::GuardsUnreadable => {
                "bring the account's record back, or have it forgotten by name; see its error"
            }
            Self::StoreUnreadable => "see the error of the store",
        })
    }
}

impl Session {
    /// Why the session is as it is. Reads the store, so that what a sibling has done is known; a store
    /// that cannot be read is told in the answer. Nothing is sent.
    pub async fn explain(&self) -> Explanation {
        self.0.explain().await
    }
}

impl Cell {
    async fn explain(self: &Arc<Self>) -> Explanation {
        let read = self.in_time(1, Records::load(self)).await;
        if let Ok(records) = &read {
            self.observe(records);
        }
        let now = self.shared.clock.now();
        let rules = self.rules();
        let core = self.core();
        let (records, store_error) = match read {
            Ok(records) => (Some(records), None),
            Err(error) => (None, Some(error)),
        };
        let transitions = core.ring.to_vec();
        let state = core.machine.status();
        let since = transitions.iter().rev().find(|step| step.to == state).map(|step| step.at);
        let next = core.appointment.map(|(appointment, at, _)| (appointment.purpose, at));
        let facts = Facts {
            now,
            state,
            failure: core.last_error.as_ref().map(|(failure, _)| *failure),
            at_sign_in: core
                .last_error
                .as_ref()
                .is_some_and(|(_, error)| matches!(error.operation(), Some("sign_in" | "answer"))),
            good: core.machine.served().is_some_and(|held| held.expires_at > now),
            refused: core.machine.held().is_some() && core.machine.served().is_none(),
            held: core.machine.held(),
            saved: core.saved,
            next: next.map(|(_, at)| at),
            challenge: core.machine.challenge().map(|challenge| challenge.expires_at),
            ended_here: transitions.iter().any(|step| step.to == Status::Revoking),
            automatic: match rules.reauthentication {
                Reauthentication::Automatic { per_day } => Some(per_day),
                Reauthentication::Manual => None,
            },
            refresh: rules.refresh,
            budget: rules.refresh_budget,
        };
        Explanation {
            state,
            good: facts.good,
            reason: facts.reason(records.as_ref()),
            since,
            next,
            last_error: core.last_error.as_ref().map(|(_, error)| error.clone()),
            store_error,
            guards_error: records.and_then(|records| records.guards_unreadable().cloned()),
            transitions,
        }
    }
}

/// What a reason is made of, beside the records.
struct Facts {
    now: Timestamp,
    state: Status,
    failure: Option<Failure>,
    /// The last failure was one of a sign-in.
    at_sign_in: bool,
    good: bool,
    /// What is held was refused by the API.
    refused: bool,
    held: Option<Held>,
    saved: bool,
    next: Option<Timestamp>,
    challenge: Option<Timestamp>,
    ended_here: bool,
    /// How many sign-ins a day by itself; `None` if none.
    automatic: Option<u32>,
    refresh: RefreshSupport,
    budget: Option<u32>,
}

impl Facts {
    fn reason(&self, records: Option<&Records>) -> Reason {
        let Some(records) = records else {
            return self.remembered().unwrap_or(Reason::StoreUnreadable);
        };
        if let Some(ended) = records.session.ended {
            let (at, generation, here) = (ended.at, ended.generation, self.ended_here);
            return match ended.cause {
                EndCause::SignedOut => Reason::SignedOut { at, generation, here },
                EndCause::Revoked => Reason::Revoked { at, generation, here },
            };
        }
        let locked = records.account.locked_until.filter(|until| *until > self.now);
        if let Some(until) = locked.filter(|_| !self.good) {
            return Reason::LockedOut { until };
        }
        if records.guards_unreadable().is_some() && !self.good && !self.refreshable() {
            return Reason::GuardsUnreadable;
        }
        match self.state {
            Status::SignedOut if records.is_damaged() => Reason::Damaged,
            Status::Ambiguous => self.lost_answer(records).unwrap_or(Reason::NeedsCaller),
            Status::ReauthRequired => self.why_reauthenticate(records),
            _ => self.remembered().unwrap_or(Reason::NeverSignedIn),
        }
    }

    /// What the machine alone knows.
    fn remembered(&self) -> Option<Reason> {
        Some(match self.state {
            Status::Authenticating | Status::Revoking => Reason::UnderWay,
            Status::Challenged => Reason::Challenged { until: self.challenge.unwrap_or(self.now) },
            Status::Active | Status::Refreshing if self.good && !self.saved => Reason::Unsaved,
            Status::Active | Status::Refreshing if self.good => Reason::SignedIn,
            Status::Refreshing => Reason::UnderWay,
            // Nobody has asked since it ended: the next caller has it renewed.
            Status::Active => match (self.held, self.renewable()) {
                (Some(held), false) => Reason::NotRenewable { ended_at: held.expires_at },
                _ => Reason::Failing { kind: ErrorKind::InvalidToken, next: self.next },
            },
            Status::BackingOff | Status::Degraded => Reason::Failing {
                kind: self.failure.map_or(ErrorKind::Internal, |failure| failure.kind),
                next: self.next,
            },
            Status::LockedOut => Reason::LockedOut { until: self.next.unwrap_or(self.now) },
            Status::ReauthRequired | Status::Ambiguous => Reason::NeedsCaller,
            _ => return None,
        })
    }

    fn renewable(&self) -> bool {
        self.automatic.is_some() || self.refreshable()
    }

    fn refreshable(&self) -> bool {
        self.refresh != RefreshSupport::Absent
            && self.held.and_then(|held| held.refresh).is_some_and(|refresh| {
                !refresh.dead
                    && refresh.expires_at.is_none_or(|at| at > self.now)
                    && self.budget.is_none_or(|budget| refresh.used < budget)
            })
    }

    fn why_reauthenticate(&self, records: &Records) -> Reason {
        if self.at_sign_in
            && let Some(refused) = newest(&records.account.refused)
        {
            let RefusedSecret { certainty, at, tries, .. } = refused;
            return Reason::SecretRefused { certainty, at, tries };
        }
        if let Some(per_day) = self.automatic
            && self.refresh != RefreshSupport::Absent
            && records.sign_ins_of(self.now) >= per_day
        {
            return Reason::SignInsUsedUp { count: records.sign_ins_of(self.now) };
        }
        if let Some(lost) = self.lost_answer(records) {
            return lost;
        }
        let refresh = self.held.and_then(|held| held.refresh);
        if let (Some(held), Some(refresh)) = (self.held, refresh) {
            if refresh.dead || records.session.refresh_dead == Some(refresh.token) {
                return Reason::RefreshRefused { generation: held.generation };
            }
            if let Some(at) = refresh.expires_at.filter(|at| *at <= self.now) {
                return Reason::RefreshEnded { at };
            }
            if self.budget.is_some_and(|budget| refresh.used >= budget) {
                return Reason::RefreshUsedUp { used: refresh.used };
            }
        }
        match (self.held, self.failure) {
            (Some(held), _) if self.refused => Reason::TokenRefused { generation: held.generation },
            (Some(held), _) if refresh.is_none() && held.expires_at <= self.now => {
                Reason::NotRenewable { ended_at: held.expires_at }
            }
            (_, Some(failure)) if failure.kind != ErrorKind::NeedsSignIn => {
                Reason::Failed { kind: failure.kind }
            }
            _ => Reason::NeedsCaller,
        }
    }

    /// A mark of the very refresh token that is held, which nobody has cleared.
    fn lost_answer(&self, records: &Records) -> Option<Reason> {
        let journal = records.session.journal?;
        let ours = self.held.and_then(|held| held.refresh).map(|refresh| refresh.token);
        (ours == Some(journal.refresh))
            .then_some(Reason::LostAnswer { sent_at: journal.sent_at, attempt: journal.attempt })
    }
}

fn newest(refused: &[RefusedSecret]) -> Option<RefusedSecret> {
    refused.iter().max_by_key(|entry| entry.at).copied()
}
