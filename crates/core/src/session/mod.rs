//! The session machine: events in, effects out.
//!
//! The machine decides what may happen to a session and does none of it. It holds no secret (token
//! sets are named by generation and hash), reads no clock, and never waits. A driver feeds it
//! [`Event`]s one at a time and carries out the [`Effect`]s in their order.
//!
//! An *exchange* with the provider is a flight of steps: prepare, lock and read again, journal, send,
//! commit, unlock. Each step is an effect and answers with a [`Report`]. There is at most one
//! flight per session. Two rules bear everything else:
//!
//! * **Commit before publish.** No caller sees a token whose commit was not attempted.
//! * **Journal before send.** A refresh token that is spent on use leaves a mark before it is sent, so
//!   that after a crash the next process knows what it does not know.

mod active;
mod ambiguous;
mod authenticating;
mod backing_off;
mod challenged;
mod degraded;
mod effect;
mod event;
mod flight;
mod locked_out;
mod reauth_required;
mod refreshing;
mod revoking;
mod rules;
mod signed_out;
mod state;
mod view;

pub use effect::{Appointment, Effect, Grant, Purpose, SignOutEnd, Source, Told, Write};
pub use event::{Answer, Event, ExchangeId, Report};
pub use rules::{Reauthentication, Rules};
pub use view::{
    AtRest, ChallengeView, Failure, Guards, Held, HeldRefresh, JournalView, RecordView, RefusedView,
};

use state::State;

use crate::time::Timestamp;

/// One session's machine. Small, comparable, and safe to print.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Machine {
    /// Always there between two events; `handle` takes it out and puts the next one back.
    state: Option<State>,
}

/// What the machine is told beside an event.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// The local clock.
    pub now: Timestamp,
    /// The name of an exchange, should this event begin one. The driver never gives the same twice
    /// while an older one may still report.
    pub exchange: ExchangeId,
    /// The rules of this session.
    pub rules: &'a Rules,
}

/// The state of a session, as users see it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Status {
    /// There is no session.
    SignedOut,
    /// A sign-in or the answer to a challenge is under way.
    Authenticating,
    /// No good token; the next try waits.
    BackingOff,
    /// The provider asks for a further proof.
    Challenged,
    /// A good token.
    Active,
    /// A refresh is under way.
    Refreshing,
    /// A good token; renewing it has failed for now.
    Degraded,
    /// A refresh token that is spent on use was sent, and its outcome is not known.
    Ambiguous,
    /// The account takes no sign-in for a while.
    LockedOut,
    /// Nothing but a sign-in helps, and it needs the caller or another secret.
    ReauthRequired,
    /// The session is being ended.
    Revoking,
}

impl Status {
    /// Every status, in the order of the life cycle.
    pub const ALL: [Self; 11] = [
        Self::SignedOut,
        Self::Authenticating,
        Self::BackingOff,
        Self::Challenged,
        Self::Active,
        Self::Refreshing,
        Self::Degraded,
        Self::Ambiguous,
        Self::LockedOut,
        Self::ReauthRequired,
        Self::Revoking,
    ];

    /// The word used in reports: `signed_out`, `active`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Authenticating => "authenticating",
            Self::BackingOff => "backing_off",
            Self::Challenged => "challenged",
            Self::Active => "active",
            Self::Refreshing => "refreshing",
            Self::Degraded => "degraded",
            Self::Ambiguous => "ambiguous",
            Self::LockedOut => "locked_out",
            Self::ReauthRequired => "reauth_required",
            Self::Revoking => "revoking",
        }
    }
}

/// What a caller without a good token can expect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Demand {
    /// Post [`Event::Wanted`]; something will be tried.
    Ask,
    /// An exchange is under way; wait for it.
    Wait,
    /// The last try failed and the next one is appointed: wait if that fits, else fail.
    Stalled(Failure),
    /// Nothing will come by itself.
    Fail(Failure),
}

impl Machine {
    /// A session that knows nothing yet: signed out, until a record is observed.
    pub fn new() -> Self {
        Self { state: Some(State::new()) }
    }

    /// Takes in one event and answers what has to be done, in order.
    pub fn handle(&mut self, event: Event, cx: Cx<'_>) -> Vec<Effect> {
        let mut out = Vec::new();
        let state = self.state.take().unwrap_or_else(State::new);
        self.state = Some(state.on(event, cx, &mut out));
        out
    }

    /// The state, for users.
    pub fn status(&self) -> Status {
        self.state().map_or(Status::SignedOut, State::status)
    }

    /// The tokens that are held, whether good or not.
    pub fn held(&self) -> Option<Held> {
        self.state().and_then(State::tokens).map(|tokens| tokens.held)
    }

    /// The generation that may be handed out until its end: held and not refused.
    pub fn served(&self) -> Option<Held> {
        self.state().and_then(State::tokens).filter(|tokens| !tokens.refused).map(|t| t.held)
    }

    /// What there is to know of a machine that rests on good tokens, which the store has, with nothing
    /// under way; `None` of any other.
    pub fn at_rest(&self) -> Option<AtRest> {
        match self.state() {
            Some(State::Active(active)) => active.at_rest(),
            _ => None,
        }
    }

    /// The machine that [`Machine::at_rest`] has told of, as it was.
    pub const fn resting(rest: AtRest) -> Self {
        Self { state: Some(State::Active(active::Active::resting_on(rest))) }
    }

    /// The exchange that is under way, if one is.
    pub fn exchange(&self) -> Option<ExchangeId> {
        self.state().and_then(State::flight).map(|flight| flight.id)
    }

    /// The session is being ended, or will be as soon as the exchange under way is over.
    pub fn is_ending(&self) -> bool {
        self.status() == Status::Revoking
            || self
                .state()
                .and_then(State::flight)
                .is_some_and(|flight| flight.then == flight::Then::SignOut)
    }

    /// A sign-in is under way, or follows the exchange that is.
    pub fn is_signing_in(&self) -> bool {
        self.status() == Status::Authenticating
            || self
                .state()
                .and_then(State::flight)
                .is_some_and(|flight| flight.then == flight::Then::SignIn)
    }

    /// The challenge that waits for its answer.
    pub fn challenge(&self) -> Option<ChallengeView> {
        self.state().and_then(State::challenge)
    }

    /// What a caller without a good token can expect.
    pub fn demand(&self) -> Demand {
        self.state().map_or(Demand::Ask, State::demand)
    }

    fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
