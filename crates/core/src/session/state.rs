//! The eleven states, and what they share.

use super::active::Active;
use super::ambiguous::Ambiguous;
use super::authenticating::Authenticating;
use super::backing_off::BackingOff;
use super::challenged::Challenged;
use super::degraded::Degraded;
use super::effect::{Appointment, Effect, Grant, Purpose, Source, Told};
use super::event::{Answer, Event, Report};
use super::flight::{Flight, Then};
use super::locked_out::LockedOut;
use super::reauth_required::ReauthRequired;
use super::refreshing::Refreshing;
use super::revoking::Revoking;
use super::rules::Rules;
use super::signed_out::SignedOut;
use super::view::{ChallengeView, Failure, Held, RecordView};
use super::{Cx, Demand, Status};
use crate::error::{ErrorKind, Recovery};
use crate::time::Timestamp;
use crate::token::Generation;

const SLOW_RETRY: std::time::Duration = std::time::Duration::from_secs(60);

/// A token that was bought because of a refusal and has served for longer than this has shown that the
/// API takes such tokens. An API that refuses every one of them costs no more than an exchange in this
/// time, which is the pace of the slow lane.
const PROVEN_AFTER: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// One struct per state; each takes itself by value and answers the next.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum State {
    SignedOut(SignedOut),
    Authenticating(Authenticating),
    BackingOff(BackingOff),
    Challenged(Challenged),
    Active(Active),
    Refreshing(Refreshing),
    Degraded(Degraded),
    Ambiguous(Ambiguous),
    LockedOut(LockedOut),
    ReauthRequired(ReauthRequired),
    Revoking(Revoking),
}

/// Tokens as the machine holds them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tokens {
    pub(super) held: Held,
    /// The API has refused this generation: it is not handed out any more.
    pub(super) refused: bool,
    /// How many generations in a row were bought because the one before was refused.
    pub(super) strikes: u8,
    /// The store has them.
    pub(super) saved: bool,
    /// As long as it has not: how far the record had come at the end that they were bought over, by name. That end
    /// is not theirs.
    pub(super) over: Option<u64>,
    /// An answer has shown that the refresh token stays.
    pub(super) kept: bool,
}

/// How the next token is to be had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Intent {
    Refresh,
    SignIn { explicit: bool },
}

impl State {
    pub(super) fn new() -> Self {
        Self::SignedOut(SignedOut::new())
    }

    pub(super) fn on(self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> Self {
        if let Event::Flight(id, report) = &event
            && self.flight().is_none_or(|flight| flight.id != *id)
        {
            // The one place where a report of a superseded exchange ends. Tokens that it carries are
            // nobody's: they are revoked, never published.
            if matches!(report, Report::Answered(Answer::Tokens { .. })) {
                out.push(Effect::Discard);
            }
            return self;
        }
        match self {
            Self::SignedOut(state) => state.on(event, cx, out),
            Self::Authenticating(state) => state.on(event, cx, out),
            Self::BackingOff(state) => state.on(event, cx, out),
            Self::Challenged(state) => state.on(event, cx, out),
            Self::Active(state) => state.on(event, cx, out),
            Self::Refreshing(state) => state.on(event, cx, out),
            Self::Degraded(state) => state.on(event, cx, out),
            Self::Ambiguous(state) => state.on(event, cx, out),
            Self::LockedOut(state) => state.on(event, cx, out),
            Self::ReauthRequired(state) => state.on(event, cx, out),
            Self::Revoking(state) => state.on(event, cx, out),
        }
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::SignedOut(_) => Status::SignedOut,
            Self::Authenticating(_) => Status::Authenticating,
            Self::BackingOff(_) => Status::BackingOff,
            Self::Challenged(_) => Status::Challenged,
            Self::Active(_) => Status::Active,
            Self::Refreshing(_) => Status::Refreshing,
            Self::Degraded(_) => Status::Degraded,
            Self::Ambiguous(_) => Status::Ambiguous,
            Self::LockedOut(_) => Status::LockedOut,
            Self::ReauthRequired(_) => Status::ReauthRequired,
            Self::Revoking(_) => Status::Revoking,
        }
    }

    pub(super) fn tokens(&self) -> Option<Tokens> {
        match self {
            Self::Active(state) => Some(state.tokens),
            Self::Refreshing(state) => Some(state.tokens),
            Self::Degraded(state) => Some(state.tokens),
            Self::Ambiguous(state) => Some(state.tokens),
            Self::Authenticating(state) => state.tokens,
            Self::BackingOff(state) => state.tokens,
            Self::Challenged(state) => state.tokens,
            Self::LockedOut(state) => state.tokens,
            Self::ReauthRequired(state) => state.tokens,
            Self::SignedOut(_) | Self::Revoking(_) => None,
        }
    }

    pub(super) fn flight(&self) -> Option<&Flight> {
        match self {
            Self::Authenticating(state) => Some(&state.flight),
            Self::Refreshing(state) => Some(&state.flight),
            Self::Revoking(state) => Some(&state.flight),
            Self::Active(state) => state.saving.as_ref(),
            Self::SignedOut(_)
            | Self::BackingOff(_)
            | Self::Challenged(_)
            | Self::Ambiguous(_)
            | Self::Degraded(_)
            | Self::LockedOut(_)
            | Self::ReauthRequired(_) => None,
        }
    }

    pub(super) fn challenge(&self) -> Option<ChallengeView> {
        match self {
            Self::Challenged(state) => Some(state.challenge),
            _ => None,
        }
    }

    pub(super) fn demand(&self) -> Demand {
        match self {
            Self::SignedOut(SignedOut { ended: true, .. }) => {
                Demand::Fail(Failure::new(ErrorKind::SignedOut))
            }
            // What is asked for meanwhile comes after the writing.
            Self::Active(Active { saving: Some(_), .. }) => Demand::Wait,
            Self::SignedOut(_) | Self::Active(_) => Demand::Ask,
            Self::Degraded(state) => Demand::Stalled(state.failure),
            Self::BackingOff(state) => Demand::Stalled(state.failure),
            Self::Authenticating(_) | Self::Refreshing(_) | Self::Ambiguous(_) => Demand::Wait,
            Self::Challenged(state) => match state.stalled() {
                Some(failure) => Demand::Stalled(failure),
                None => Demand::Fail(Failure::new(ErrorKind::NeedsSignIn)),
            },
            Self::LockedOut(state) => Demand::Fail(state.failure()),
            Self::ReauthRequired(state) if state.may_pass() => Demand::Ask,
            Self::ReauthRequired(state) => Demand::Fail(state.failure),
            Self::Revoking(_) => Demand::Fail(Failure::new(ErrorKind::SignedOut)),
        }
    }
}

impl Tokens {
    /// Tokens as a record shows them.
    pub(super) fn of(view: &RecordView) -> Option<Self> {
        view.tokens.map(|held| Self {
            held,
            refused: false,
            strikes: 0,
            saved: true,
            over: None,
            kept: view.refresh_kept,
        })
    }

    /// May be handed out now.
    pub(super) fn good(&self, now: Timestamp) -> bool {
        !self.refused && self.held.expires_at > now
    }

    /// The refresh token may be sent.
    pub(super) fn refreshable(&self, cx: Cx<'_>) -> bool {
        use crate::capability::RefreshSupport::Absent;
        cx.rules.refresh != Absent
            && self.held.refresh.is_some_and(|refresh| {
                !refresh.dead
                    && refresh.expires_at.is_none_or(|at| at > cx.now)
                    && cx.rules.refresh_budget.is_none_or(|budget| refresh.used < budget)
            })
    }

    /// How the next token can be had without the caller, if it can.
    pub(super) fn renewal(&self, cx: Cx<'_>) -> Option<Intent> {
        if self.refreshable(cx) { Some(Intent::Refresh) } else { automatic(cx.rules) }
    }

    pub(super) fn refuse(mut self, out: &mut Vec<Effect>) -> Self {
        if !self.refused {
            self.refused = true;
            out.push(Effect::Unpublish);
        }
        self
    }

    /// These were bought because the ones before were refused, and are refused while they are young:
    /// the next ones would most likely be, too (F53). What has served for half of its life, or for five
    /// minutes, was taken; that it is refused now is another refusal.
    pub(super) fn refused_again(&self, now: Timestamp) -> bool {
        let Held { issued_at, expires_at, .. } = self.held;
        let young = (expires_at.since(issued_at) / 2).min(PROVEN_AFTER);
        self.strikes > 0 && now < issued_at.after(young)
    }

    pub(super) fn is(&self, generation: Generation) -> bool {
        self.held.generation == generation
    }

    pub(super) fn shifted(mut self, by_millis: i64) -> Self {
        self.held = self.held.shifted(by_millis);
        self
    }

    pub(super) fn publish(&self, source: Source, out: &mut Vec<Effect>) {
        out.push(Effect::Publish { generation: self.held.generation, source, saved: self.saved });
    }
}

/// The API has refused `generation`: if that is the one that is held, it is handed out no more.
pub(super) fn refuse(
    tokens: Option<Tokens>,
    generation: Generation,
    out: &mut Vec<Effect>,
) -> Option<Tokens> {
    tokens.map(|tokens| if tokens.is(generation) { tokens.refuse(out) } else { tokens })
}

/// Signing in by itself, where that is allowed.
pub(super) fn automatic(rules: &Rules) -> Option<Intent> {
    rules.automatic().then_some(Intent::SignIn { explicit: false })
}

/// Whether the record holds a generation that is newer than ours. A lower one is never believed: it is
/// a store that was rolled back, or one that has not heard of ours. Of two that count alike the one that
/// was written first holds.
pub(super) fn newer(view: &RecordView, ours: Option<&Tokens>) -> bool {
    let (Some(theirs), Some(ours)) = (view.tokens, ours) else {
        return view.tokens.is_some();
    };
    let (theirs, mine) = (theirs.generation, ours.held.generation);
    theirs.counter > mine.counter || (theirs.counter == mine.counter && theirs != mine)
}

/// Whether the record says that what is held has ended. The end of the session before, over which these tokens were
/// bought, is still there until the store has them.
pub(super) fn ended(view: &RecordView, ours: Option<&Tokens>) -> bool {
    view.ended && ours.and_then(|tokens| tokens.over).is_none_or(|over| view.counter > over)
}

/// Whether the record takes the place of what is held: it has ended, or is newer.
pub(super) fn replaces(view: &RecordView, ours: Option<&Tokens>) -> bool {
    ended(view, ours) || newer(view, ours)
}

/// Begins to buy the next token.
pub(super) fn begin(
    intent: Intent,
    tokens: Option<Tokens>,
    attempt: u32,
    cx: Cx<'_>,
    out: &mut Vec<Effect>,
) -> State {
    match (intent, tokens) {
        (Intent::Refresh, Some(tokens)) => State::Refreshing(Refreshing {
            flight: Flight::begin(Grant::Refresh, cx, out),
            tokens,
            attempt,
            suspected: false,
            replaying: false,
        }),
        (Intent::Refresh, None) => {
            begin(Intent::SignIn { explicit: false }, None, attempt, cx, out)
        }
        (Intent::SignIn { explicit }, tokens) => State::Authenticating(Authenticating {
            flight: Flight::begin(Grant::SignIn { explicit }, cx, out),
            tokens,
            challenge: None,
            attempt,
            refusals: 0,
            over: None,
        }),
    }
}

/// Comes to rest on tokens: publishes nothing, appoints the renewal.
pub(super) fn rest_on(tokens: Tokens, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
    Active::rest(tokens, cx, out)
}

/// What a transient failure leads to: a good token is served on, else the next try is waited for.
pub(super) fn stall(
    intent: Intent,
    tokens: Option<Tokens>,
    attempt: u32,
    failure: Failure,
    cx: Cx<'_>,
    out: &mut Vec<Effect>,
) -> State {
    let not_before = failure.not_before().unwrap_or(cx.now).max(cx.now);
    stall_until(intent, tokens, attempt, failure, not_before, cx, out)
}

/// [`stall`], with the instant given.
pub(super) fn stall_until(
    intent: Intent,
    tokens: Option<Tokens>,
    attempt: u32,
    failure: Failure,
    not_before: Timestamp,
    cx: Cx<'_>,
    out: &mut Vec<Effect>,
) -> State {
    let manual = intent == Intent::SignIn { explicit: true } && !cx.rules.automatic();
    if manual && attempt >= cx.rules.max_attempts {
        return ReauthRequired::enter(failure, tokens, cx, out);
    }
    // An end of the token is no reason to try earlier than the back-off allows.
    out.push(Effect::Schedule(Appointment {
        purpose: Purpose::Retry { attempt },
        not_before,
        at_latest: None,
    }));
    out.push(Effect::Tell(Told::Stalled(failure)));
    match tokens {
        Some(tokens) if tokens.good(cx.now) => {
            State::Degraded(Degraded { tokens, intent, attempt, not_before, failure })
        }
        tokens => State::BackingOff(BackingOff { tokens, intent, attempt, not_before, failure }),
    }
}

/// A refusal that may hide another cause is tried once more, and not soon: a gateway's bad minute must
/// be over by then.
pub(super) fn slowly(mut failure: Failure, cx: Cx<'_>) -> Failure {
    if failure.not_before().is_none() {
        failure.recovery = Recovery::WaitUntil(cx.now.after(SLOW_RETRY));
    }
    failure
}

/// Where a record leads when no exchange is under way and it holds something newer than we do. The
/// tokens are published from the record where they are good.
pub(super) fn adopt(view: &RecordView, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
    if view.ended {
        return SignedOut::enter_ended(view, out);
    }
    let tokens = Tokens::of(view);
    // Also where the access token is over: the driver takes its bytes, for the refresh token's sake.
    if let Some(tokens) = tokens {
        tokens.publish(Source::Record, out);
        if tokens.good(cx.now) {
            out.push(Effect::Tell(Told::Tokens));
        }
    }
    if let Some(challenge) = view.challenge.filter(|challenge| challenge.expires_at > cx.now)
        && !tokens.is_some_and(|tokens| tokens.good(cx.now))
    {
        return Challenged::enter(challenge, tokens, out);
    }
    let Some(tokens) = tokens else {
        return State::SignedOut(SignedOut::new());
    };
    if let Some(journal) = view.journal
        && tokens.held.refresh.is_some_and(|refresh| refresh.token == journal.refresh)
        && cx.rules.spends(tokens.kept).is_some()
    {
        return Ambiguous::enter(tokens, journal, 0, cx, out);
    }
    rest_on(tokens, cx, out)
}

/// Nothing but the caller, or another secret, helps.
pub(super) fn ask(
    failure: Failure,
    tokens: Option<Tokens>,
    cx: Cx<'_>,
    out: &mut Vec<Effect>,
) -> State {
    ReauthRequired::enter(failure, tokens, cx, out)
}

/// Does what the caller has asked for while an exchange was under way.
pub(super) fn afterwards(state: State, then: Then, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
    match then {
        Then::Rest => state,
        Then::SignIn => {
            let tokens = state.tokens();
            begin(Intent::SignIn { explicit: true }, tokens, 0, cx, out)
        }
        Then::SignOut => Revoking::enter(state.tokens(), cx, out),
    }
}
