//! What a driver does at once: the effects that cannot fail, and the rules that they must keep.

use countersign_core::session::{
    Cx, Effect, Event, ExchangeId, Grant, Report, Rules, SignOutEnd, Source, Told, Write,
};

use crate::defect::Defect;
use crate::world::{Broken, Flight, Host, World, automatic};

impl World {
    /// Feeds one event and does the immediate effects.
    pub(crate) fn post(
        &mut self,
        n: usize,
        event: Event,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        let now = self.time();
        let host = &mut self.hosts[n];
        host.knows |= match &event {
            Event::Observed(view) => view.ended,
            Event::Flight(_, report) => matches!(report, Report::Locked(_) | Report::Superseded(_)),
            _ => false,
        };
        let last = host.flight.as_ref().map_or(0, |flight| flight.id.0);
        let cx = Cx { now, exchange: ExchangeId(1 + last % 2), rules };
        let mut effects = host.machine.handle(event, cx);
        let commits = effects.iter().any(|e| matches!(e, Effect::Commit(_, Write::Tokens)));
        if let Some(tokens) = host.answer.filter(|_| commits && defect.publishes_early()) {
            let (generation, source) = (tokens.generation, Source::Answer);
            effects.insert(0, Effect::Publish { generation, source, saved: false });
        }
        for effect in defect.filter(effects) {
            self.effect(n, effect, rules)?;
        }
        Ok(())
    }

    pub(crate) fn effect(&mut self, n: usize, effect: Effect, rules: &Rules) -> Result<(), Broken> {
        let host = &mut self.hosts[n];
        match effect {
            Effect::Prepare(id, grant) => {
                if grant == (Grant::SignIn { explicit: false }) && !automatic(rules) {
                    return Err("manual: signs in only when the caller says so".into());
                }
                // The end is over once the caller's next sign-in begins.
                let by_name = grant == Grant::SignIn { explicit: true };
                if by_name && !host.asked {
                    return Err("last-wish: who has signed out since is not signed in".into());
                }
                host.ending &= !by_name;
                begin(host, id, effect)?;
                if let Some(flight) = &mut host.flight {
                    flight.by_name = by_name;
                    flight.answers = grant == Grant::Answer;
                }
            }
            Effect::Lock(id) if host.flight.is_none() => begin(host, id, Effect::Lock(id))?,
            Effect::Lock(id)
            | Effect::Journal(id, _)
            | Effect::Send(id, _)
            | Effect::Commit(id, _) => {
                let Some(flight) = host.flight.as_mut().filter(|flight| flight.id == id) else {
                    return Err("one-flight: a step belongs to the flight under way".into());
                };
                if flight.step.is_some() {
                    return Err("one-step: a flight does one thing at a time".into());
                }
                flight.step = Some(effect);
            }
            Effect::Unlock(id) => {
                let Some(flight) = host.flight.take().filter(|flight| flight.id == id) else {
                    return Err("one-flight: only the flight under way ends".into());
                };
                if flight.locked && self.store.holder == Some(n) {
                    self.store.holder = None;
                }
            }
            Effect::Publish { generation, source, saved } => {
                let tokens = match source {
                    Source::Record => host.seen.tokens,
                    Source::Answer => host.answer.or(host.held),
                };
                let Some(tokens) = tokens.filter(|tokens| tokens.generation == generation) else {
                    return Err("publish: what is published is at hand".into());
                };
                if source == Source::Answer && !host.attempted {
                    return Err("commit-before-publish".into());
                }
                if saved
                    && source == Source::Answer
                    && self.store.record.counter < generation.counter
                {
                    return Err("saved: what is called saved is in the store".into());
                }
                // Unless somebody has begun another session by name since.
                let another = source == Source::Record && self.store.begun > host.begun;
                if host.ending && !another {
                    return Err("sign-out-wins: nothing is published after a sign-out".into());
                }
                host.ending = false;
                let by_name = host.flight.as_ref().is_some_and(|flight| flight.by_name);
                if host.published != Some(generation) {
                    // What a person has asked for was not bought for the refusal's sake.
                    host.born_of_refusal = host.refused && source == Source::Answer && !by_name;
                    host.refused = false;
                }
                host.held = Some(tokens);
                host.published = Some(generation);
                let begun = host.flight.as_ref().filter(|flight| flight.by_name && !saved);
                host.over = begun.map(|flight| flight.ends).or(host.over.filter(|_| !saved));
            }
            Effect::Unpublish => host.published = None,
            Effect::Forget => {
                if !host.ending && !self.store.record.ended {
                    return Err("never-forget: tokens go only with the end of the session".into());
                }
                if !host.ending && host.over == Some(self.store.ends) {
                    return Err("never-forget: the end of the session before is not theirs".into());
                }
                host.held = None;
                host.published = None;
                host.over = None;
            }
            Effect::Discard => host.answer = None,
            Effect::Retire => {
                let old = host.held.and_then(|tokens| tokens.refresh);
                if old.is_some() && old == host.answer.and_then(|tokens| tokens.refresh) {
                    return Err("retire: what has just come is not revoked".into());
                }
                self.provider.current.retain(|token| Some(*token) != old);
            }
            Effect::Schedule(appointment) => host.due = Some(appointment),
            Effect::Unschedule => host.due = None,
            Effect::Tell(Told::SignedOut(end)) => {
                if end == SignOutEnd::Revoked && !self.provider.current.is_empty() {
                    return Err("sign-out-truth: revoked means revoked".into());
                }
            }
            Effect::Tell(_) => {}
        }
        Ok(())
    }
}

fn begin(host: &mut Host, id: ExchangeId, step: Effect) -> Result<(), Broken> {
    if host.flight.is_some() {
        return Err("one-flight: at most one per session".into());
    }
    host.flight = Some(Flight {
        id,
        step: Some(step),
        locked: false,
        journaled: false,
        stale: false,
        buried: false,
        by_name: false,
        answers: false,
        ends: 0,
    });
    Ok(())
}
