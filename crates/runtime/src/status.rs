//! What a session can tell about itself.

use std::collections::VecDeque;

use countersign_core::session::{Event, Purpose, Report, Status};
use countersign_core::{Error, ErrorKind, Generation, Timestamp};

/// The state of a session at one moment, with the reasons for it. Holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionStatus {
    /// The state. Of a session that rests it says nothing.
    pub state: Status,
    /// What the store holds was not read yet, or was let go of: the next use, or
    /// [`crate::Session::load`], reads it.
    pub resting: bool,
    /// Nothing can be bought or written here: the keeper only reads, or the store has refused the last
    /// write for want of a right to it.
    pub read_only: bool,
    /// The generation that is held, whether good or not.
    pub generation: Option<Generation>,
    /// When the held token was bought.
    pub issued_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When its refresh token ends, if there is one and that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// Whether it is handed out: held, not refused, not over.
    pub good: bool,
    /// Whether the store has it.
    pub saved: bool,
    /// What happens next by itself, and when.
    pub next: Option<(Purpose, Timestamp)>,
    /// The last failure since the last success.
    pub last_error: Option<Error>,
    /// The last transitions, oldest first.
    pub transitions: Vec<Transition>,
}

/// One step of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// From this state.
    pub from: Status,
    /// To this one.
    pub to: Status,
    /// What brought it about: an event of the machine (`wanted`, `due`, `answered`, …).
    pub cause: &'static str,
    /// The failure, if it was one.
    pub failure: Option<ErrorKind>,
}

/// The last transitions of a session, in little space: a million sessions have one each.
#[derive(Debug, Default)]
pub(crate) struct Ring(VecDeque<Step>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) at: Timestamp,
    pub(crate) from: Status,
    pub(crate) to: Status,
    pub(crate) cause: Cause,
    pub(crate) failure: Option<ErrorKind>,
}

/// Which event brought a transition about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    Answer,
    Answered,
    ClockJumped,
    Committed,
    Deferred,
    Due,
    Failed,
    Journaled,
    Locked,
    Lost,
    Observed,
    Prepared,
    Rejected,
    SignIn,
    SignOut,
    Superseded,
    Wanted,
}

impl Cause {
    pub(crate) const ALL: [Self; 17] = [
        Self::Answer,
        Self::Answered,
        Self::ClockJumped,
        Self::Committed,
        Self::Deferred,
        Self::Due,
        Self::Failed,
        Self::Journaled,
        Self::Locked,
        Self::Lost,
        Self::Observed,
        Self::Prepared,
        Self::Rejected,
        Self::SignIn,
        Self::SignOut,
        Self::Superseded,
        Self::Wanted,
    ];

    pub(crate) const fn of(event: &Event) -> Self {
        match event {
            Event::SignIn => Self::SignIn,
            Event::Wanted => Self::Wanted,
            Event::Rejected(_) => Self::Rejected,
            Event::Answer => Self::Answer,
            Event::SignOut => Self::SignOut,
            Event::Due => Self::Due,
            Event::Observed(_) => Self::Observed,
            Event::ClockJumped(_) => Self::ClockJumped,
            Event::Flight(_, report) => match report {
                Report::Deferred(_) => Self::Deferred,
                Report::Prepared => Self::Prepared,
                Report::Locked(_) => Self::Locked,
                Report::Journaled => Self::Journaled,
                Report::Answered(_) => Self::Answered,
                Report::Committed => Self::Committed,
                Report::Superseded(_) => Self::Superseded,
                Report::Failed(_) => Self::Failed,
                Report::Lost => Self::Lost,
            },
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Answered => "answered",
            Self::ClockJumped => "clock_jumped",
            Self::Committed => "committed",
            Self::Deferred => "deferred",
            Self::Due => "due",
            Self::Failed => "failed",
            Self::Journaled => "journaled",
            Self::Locked => "locked",
            Self::Lost => "lost",
            Self::Observed => "observed",
            Self::Prepared => "prepared",
            Self::Rejected => "rejected",
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
            Self::Superseded => "superseded",
            Self::Wanted => "wanted",
        }
    }
}

impl Ring {
    /// So many transitions are remembered.
    pub(crate) const ROOM: usize = 12;

    /// With room for as many as are remembered, for who has some already.
    pub(crate) fn with_room() -> Self {
        Self(VecDeque::with_capacity(Self::ROOM))
    }

    pub(crate) fn push(&mut self, step: Step) {
        if self.0.len() == Self::ROOM {
            self.0.pop_front();
        }
        self.0.push_back(step);
    }

    pub(crate) fn steps(&self) -> impl ExactSizeIterator<Item = &Step> {
        self.0.iter()
    }

    pub(crate) fn to_vec(&self) -> Vec<Transition> {
        let told = |step: &Step| {
            let Step { at, from, to, cause, failure } = *step;
            Transition { at, from, to, cause: cause.as_str(), failure }
        };
        self.0.iter().map(told).collect()
    }
}
