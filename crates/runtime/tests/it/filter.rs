//! The seam between machine and driver: it sees everything, and what it returns is what is done.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test")]

use std::sync::{Arc, Mutex};

use crate::common::{Plain, World, seconds, settle, shown};
use countersign_core::session::{Answer, Effect, Event, Grant, Report, Source, Write};
use countersign_core::{ErrorKind, Generation, KeyDigest, RefreshSupport};
use countersign_runtime::EffectFilter;

/// Writes down what passes, and lets it pass.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl EffectFilter for Recorder {
    fn event(&self, _: KeyDigest, event: &Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        self.0.lock().unwrap().push(format!("{effect:?}"));
        vec![effect]
    }
}

/// Hands tokens out as soon as they have come.
#[derive(Default)]
struct PublishBeforeCommit(Mutex<Option<Generation>>);

impl EffectFilter for PublishBeforeCommit {
    fn event(&self, _: KeyDigest, event: &Event) {
        if let Event::Flight(_, Report::Answered(Answer::Tokens { held, .. })) = event {
            *self.0.lock().unwrap() = Some(held.generation);
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        match (&effect, *self.0.lock().unwrap()) {
            (Effect::Commit(_, Write::Tokens), Some(generation)) => {
                let early = Effect::Publish { generation, source: Source::Answer, saved: true };
                vec![early, effect]
            }
            _ => vec![effect],
        }
    }
}

/// Nothing of this grant is sent: the process has died before.
struct DiesBeforeSending(Grant);

impl EffectFilter for DiesBeforeSending {
    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        match effect {
            Effect::Send(_, grant) if grant == self.0 => Vec::new(),
            other => vec![other],
        }
    }
}

struct NoJournal;

impl EffectFilter for NoJournal {
    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        vec![match effect {
            Effect::Journal(id, Grant::Refresh) => Effect::Journal(id, Grant::Save),
            other => other,
        }]
    }
}

fn rotating() -> World {
    let world =
        World::of(Plain::default().refreshing(RefreshSupport::Rotating { grace: seconds(0) }));
    world.server.state().rotates = true;
    world
}

/// A host of `world` with `filter`.
async fn host(world: &World, filter: impl EffectFilter) -> countersign_runtime::Session {
    let keeper = world.keeper_builder().effect_filter(filter).build().unwrap();
    world.described(&keeper).open().await.unwrap()
}

#[tokio::test]
async fn every_event_and_effect_passes_in_order_and_none_names_a_secret() {
    let (world, seen) = (World::new(), Recorder::default());
    let session = host(&world, seen.clone()).await;
    session.authorization().await.unwrap();
    settle().await;
    let seen = seen.0.lock().unwrap().clone();
    let steps = [
        "Wanted",
        "Prepare(",
        "Prepared",
        "Lock(",
        "Locked(",
        "Journal(",
        "Journaled",
        "Send(",
        "Answered(",
        "Commit(",
        "Committed",
        "Publish",
        "Unlock(",
        "Tell(",
    ];
    let mut at = 0;
    for step in steps {
        let found = seen[at..].iter().position(|line| line.contains(step));
        at += found.unwrap_or_else(|| panic!("{step} is missing in {:#?}", &seen[at..]));
    }
    assert!(seen.iter().all(|line| !line.contains("canary")));
}

#[tokio::test]
async fn a_seeded_defect_shows_a_token_that_the_store_has_not_taken() {
    for seeded in [false, true] {
        let world = World::new();
        let store = crate::common::store::Flaky::new(world.store.clone());
        let builder = world.keeper_builder().store(countersign_seal::suite::Through(store.clone()));
        let keeper = match seeded {
            true => builder.effect_filter(PublishBeforeCommit::default()),
            false => builder,
        };
        let session = world.described(&keeper.build().unwrap()).open().await.unwrap();
        // The mark of the sign-in is written, its tokens are not.
        store.hang_after(1);
        let waiting = session.clone();
        let waiting = tokio::spawn(async move { waiting.authorization().await });
        settle().await;
        assert_eq!(shown(&session).is_some(), seeded, "seeded: {seeded}");
        waiting.abort();
    }
}

#[tokio::test]
async fn a_process_that_dies_between_mark_and_sending_leaves_the_mark() {
    for forgotten in [false, true] {
        let world = rotating();
        let dying = DiesBeforeSending(Grant::Refresh);
        let first = match forgotten {
            false => host(&world, dying).await,
            true => host(&world, Both(NoJournal, dying)).await,
        };
        first.authorization().await.unwrap();
        let waiting = first.clone();
        drop(tokio::spawn(async move { waiting.refresh().await }));
        settle().await;
        assert_eq!(world.server.count("refresh"), 0);
        // The lock of the dead ends with its lease.
        world.clock.advance(seconds(600));
        let second = world.manual_session().await;
        let end = second.refresh().await.map(drop).map_err(|error| error.kind());
        match forgotten {
            // Nobody knows whether it was sent: without a grace it is not sent again.
            false => assert_eq!(end, Err(ErrorKind::Ambiguous)),
            true => assert_eq!(end, Ok(())),
        }
        assert_eq!(world.server.count("refresh"), usize::from(forgotten));
    }
}

struct Both<A, B>(A, B);

impl<A: EffectFilter, B: EffectFilter> EffectFilter for Both<A, B> {
    fn effect(&self, session: KeyDigest, effect: Effect) -> Vec<Effect> {
        let first = self.0.effect(session, effect);
        first.into_iter().flat_map(|effect| self.1.effect(session, effect)).collect()
    }
}
