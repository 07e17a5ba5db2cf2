//! A token that is, or was until a moment ago, good.

use super::Cx;
use super::effect::{Appointment, Effect, Grant, Purpose, Source, Told, Write};
use super::event::Event;
use super::flight::{Flight, Pending, Step, Then};
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, afterwards, ask, begin, replaces, stall};
use super::view::{AtRest, Failure};
use crate::error::ErrorKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Active {
    pub(super) tokens: Tokens,
    /// Another try to write tokens that are in memory only.
    pub(super) saving: Option<Flight>,
    /// How many tries to write have failed.
    pub(super) unsaved: u32,
    /// Another token was asked for while these were being written.
    pub(super) wanted: bool,
}

impl Active {
    /// Comes to rest on `tokens` and appoints what is next: writing them, or renewing them.
    pub(super) fn rest(tokens: Tokens, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        Self::resting(tokens, 0, cx, out)
    }

    fn resting(tokens: Tokens, unsaved: u32, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let held = tokens.held;
        let appointment = if tokens.saved {
            AtRest { held, strikes: tokens.strikes, kept: tokens.kept }.renewal()
        } else {
            Appointment {
                purpose: Purpose::Save { attempt: unsaved },
                not_before: cx.now,
                at_latest: None,
            }
        };
        out.push(Effect::Schedule(appointment));
        State::Active(Self { tokens, saving: None, unsaved, wanted: false })
    }

    /// All that there is to know, where nothing is under way.
    pub(super) fn at_rest(&self) -> Option<AtRest> {
        let Self { tokens, saving: None, unsaved: 0, wanted: false } = self else { return None };
        let Tokens { held, refused: false, strikes, saved: true, over: None, kept } = *tokens
        else {
            return None;
        };
        Some(AtRest { held, strikes, kept })
    }

    /// The state that [`Active::at_rest`] tells of.
    pub(super) const fn resting_on(rest: AtRest) -> Self {
        let AtRest { held, strikes, kept } = rest;
        let tokens = Tokens { held, refused: false, strikes, saved: true, over: None, kept };
        Self { tokens, saving: None, unsaved: 0, wanted: false }
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Flight(_, report) => match self.saving.take() {
                Some(flight) => {
                    let step = flight.step(report, out);
                    self.saved(step, cx, out)
                }
                None => State::Active(self),
            },
            // What was asked for meanwhile is done once the writing is over, which reads the record itself.
            Event::Observed(_) if self.saving.is_some_and(|flight| flight.then != Then::Rest) => {
                State::Active(self)
            }
            Event::Observed(view) => {
                if replaces(&view, Some(&self.tokens)) {
                    self.abandon_saving(out);
                    return adopt(&view, cx, out);
                }
                State::Active(self)
            }
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.shifted(by);
                match self.saving {
                    Some(_) => State::Active(self),
                    None => Self::resting(self.tokens, self.unsaved, cx, out),
                }
            }
            Event::Rejected(generation) if self.tokens.is(generation) => {
                self.tokens = self.tokens.refuse(out);
                match self.saving {
                    Some(_) => State::Active(self),
                    None => self.refused(cx, out),
                }
            }
            Event::SignIn => self.wish(Then::SignIn, cx, out),
            Event::SignOut => self.wish(Then::SignOut, cx, out),
            Event::Due if self.saving.is_none() && !self.tokens.saved => {
                self.saving = Some(Flight::begin_locking(Grant::Save, cx, out));
                State::Active(self)
            }
            Event::Due if self.saving.is_none() => {
                let held = self.tokens.held;
                let half = held.issued_at.after(held.expires_at.since(held.issued_at) / 2);
                if cx.now < half.min(held.expires_at) {
                    return Self::rest(self.tokens, cx, out);
                }
                self.renew(cx, out)
            }
            Event::Wanted if self.saving.is_none() => self.wanted(cx, out),
            Event::Wanted => {
                self.wanted = true;
                State::Active(self)
            }
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::Active(self),
            // An older generation was refused: the caller replays with this one. While the tokens are
            // being written, what is due waits for that.
            Event::Rejected(_) | Event::Due => State::Active(self),
        }
    }

    /// A caller asks for another token, whatever there is.
    fn wanted(mut self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        self.wanted = false;
        let tokens = self.tokens;
        if tokens.good(cx.now) && tokens.renewal(cx).is_none() {
            out.push(Effect::Tell(Told::Failed(Failure::new(ErrorKind::NeedsSignIn))));
        }
        self.renew(cx, out)
    }

    fn wish(mut self, wish: Then, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match self.saving {
            Some(flight) => {
                if wish == Then::SignOut {
                    self.tokens = self.tokens.refuse(out);
                }
                self.saving = Some(flight.wishing(wish));
                State::Active(self)
            }
            None if wish == Then::SignOut => Revoking::enter(Some(self.tokens), cx, out),
            None => {
                let intent = Intent::SignIn { explicit: true };
                begin(intent, Some(self.tokens), 0, cx, out)
            }
        }
    }

    fn abandon_saving(&mut self, out: &mut Vec<Effect>) {
        if let Some(flight) = self.saving.take() {
            flight.end(out);
        }
    }

    fn renew(self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let tokens = self.tokens;
        match tokens.renewal(cx) {
            Some(intent) => begin(intent, Some(tokens), 0, cx, out),
            // Nothing can buy another one: it is served to its end, and then the caller is asked.
            None if tokens.good(cx.now) => {
                out.push(Effect::Schedule(Appointment {
                    purpose: Purpose::Moment,
                    not_before: tokens.held.expires_at,
                    at_latest: None,
                }));
                State::Active(self)
            }
            None => ask(Failure::new(ErrorKind::NeedsSignIn), Some(tokens), cx, out),
        }
    }

    /// The API has refused what is handed out. A young generation that was itself bought because of a
    /// refusal buys nothing until the back-off ends: an API that always says no must not cost an
    /// exchange a request.
    fn refused(self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let mut tokens = self.tokens;
        if !tokens.refused_again(cx.now) {
            tokens.strikes = 0;
        }
        let failure = Failure::new(ErrorKind::InvalidToken);
        match tokens.renewal(cx) {
            None => ask(failure, Some(tokens), cx, out),
            Some(intent) if tokens.strikes == 0 => begin(intent, Some(tokens), 0, cx, out),
            Some(intent) => {
                stall(intent, Some(tokens), u32::from(tokens.strikes), failure, cx, out)
            }
        }
    }

    fn saved(mut self, step: Step, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match step {
            Step::On(flight) => {
                self.saving = Some(flight);
                State::Active(self)
            }
            Step::Locked(flight, view) | Step::Superseded(flight, _, view)
                if flight.then == Then::SignOut =>
            {
                flight.end(out);
                Revoking::beside(Some(self.tokens), &view, cx, out)
            }
            // An earlier try came through after all: only its answer was lost.
            Step::Locked(flight, view) | Step::Superseded(flight, _, view)
                if view.tokens.is_some_and(|held| self.tokens.is(held.generation)) =>
            {
                self.written(flight, cx, out)
            }
            Step::Locked(flight, view) => {
                if replaces(&view, Some(&self.tokens)) {
                    flight.end(out);
                    let state = adopt(&view, cx, out);
                    return afterwards(state, flight.then, cx, out);
                }
                self.saving = Some(flight.commit(Write::Tokens, Pending::Save, out));
                State::Active(self)
            }
            Step::Committed(flight, _) => self.written(flight, cx, out),
            Step::Superseded(flight, _, view) => {
                flight.end(out);
                if replaces(&view, Some(&self.tokens)) {
                    let state = adopt(&view, cx, out);
                    return afterwards(state, flight.then, cx, out);
                }
                self.unsaved += 1;
                self.settle(flight.then, cx, out)
            }
            Step::Failed(flight, _) | Step::Unwritten(flight, ..) => {
                flight.end(out);
                self.unsaved += 1;
                self.settle(flight.then, cx, out)
            }
            // Saving asks no leave and sends nothing.
            Step::Deferred(..) | Step::Answered(..) => State::Active(self),
        }
    }

    fn written(mut self, flight: Flight, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        flight.end(out);
        (self.tokens.saved, self.tokens.over) = (true, None);
        if !self.tokens.refused {
            self.tokens.publish(Source::Answer, out);
        }
        self.settle(flight.then, cx, out)
    }

    /// The try to write is over: on with what waited for it.
    fn settle(self, then: Then, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        if then != Then::Rest {
            return afterwards(State::Active(self), then, cx, out);
        }
        if self.tokens.refused {
            return self.refused(cx, out);
        }
        if !self.tokens.good(cx.now) {
            return self.renew(cx, out);
        }
        if self.wanted {
            return self.wanted(cx, out);
        }
        Self::resting(self.tokens, if self.tokens.saved { 0 } else { self.unsaved }, cx, out)
    }
}
