//! Walks over sessions that sleep, step by step.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Clock, Timestamp};

use crate::cell::Cell;
use crate::fixed::{Fixed, NoTransport, provider_and_tokens};
use crate::records::Records;
use crate::steps::{beat, tell_some};
use crate::walk::{PORTION, Walk};
use crate::{Keeper, ManualClock, Session};

const HOUR: Duration = Duration::from_secs(3_600);

/// Three portions of sessions that sleep, the first of them unused for longest.
fn asleep(after: Duration, at_most: usize) -> (Keeper, ManualClock, Vec<Session>) {
    let clock = ManualClock::default();
    let builder = Keeper::builder().transport(NoTransport).clock(clock.clone());
    let keeper = builder.evict_idle(after, at_most).build().unwrap();
    let sessions = (0..3 * PORTION).map(|n| {
        clock.advance(Duration::from_millis(1));
        let (provider, tokens): (Fixed, _) = provider_and_tokens("canary-token").unwrap();
        let session = keeper.session(provider, &format!("kim-{n}")).open_lazily().unwrap();
        let record = countersign_seal::SessionRecord { tokens: Some(tokens), ..Default::default() };
        session.0.observe(&Records::of_session(record));
        assert!(is_asleep(&session.0));
        session
    });
    let sessions = sessions.collect();
    (keeper, clock, sessions)
}

fn is_asleep(cell: &Cell) -> bool {
    cell.with_asleep(|_| ()).is_some()
}

fn ends(session: &Session) -> Option<Timestamp> {
    session.0.outlook().ends.map(|(access, _)| access)
}

#[test]
fn nobody_is_woken_to_be_counted_or_to_be_asked_for_its_last_use() {
    let (keeper, clock, sessions) = asleep(HOUR, usize::MAX);
    let cell = &sessions[0].0;
    // Whoever is woken while somebody waits stays awake.
    let waiting: Vec<_> = sessions.iter().map(|session| session.0.wait_counted()).collect();
    assert_eq!(keeper.n_loaded(), sessions.len());
    clock.advance(HOUR);
    let now = clock.now();
    while keeper.0.evict() {}
    keeper.0.nudge();
    assert!(sessions.iter().all(|session| is_asleep(&session.0)));
    clock.advance(HOUR / 2);
    drop(waiting);
    assert_eq!(cell.last_use(clock.now()), Some(now), "that it was waited for is dated");
    assert_eq!(cell.core().last_used_at, now);
    assert_eq!(keeper.n_loaded(), sessions.len());
}

#[test]
fn who_is_used_between_look_and_rest_does_not_rest_and_the_next_one_does() {
    let (keeper, clock, sessions) = asleep(24 * HOUR, 3 * PORTION as usize - 1);
    for _ in 0..3 {
        assert!(keeper.0.evict(), "one is too many");
    }
    clock.advance(HOUR);
    let waiting = sessions[0].0.wait_counted();
    assert_eq!(sessions[0].0.last_use(clock.now()), Some(clock.now()));
    drop(waiting);
    assert!(!keeper.0.evict());
    let rest: Vec<_> = sessions.iter().map(|session| !session.0.is_loaded()).collect();
    assert_eq!((rest[0], rest[1]), (false, true));
    assert_eq!(keeper.n_loaded(), 3 * PORTION as usize - 1);
}

#[test]
fn f17_instants_of_before_and_after_a_step_are_not_compared() {
    let (keeper, clock, sessions) = asleep(24 * HOUR, 3 * PORTION as usize - 1);
    beat(&keeper.0);
    // The first portion is looked at by the clock as it was.
    assert!(keeper.0.evict());
    clock.set_wall(clock.now().before(HOUR));
    beat(&keeper.0);
    while keeper.0.evict() {}
    let rest: Vec<_> = sessions.iter().map(|session| !session.0.is_loaded()).collect();
    assert!(rest[0] && !rest[1..].contains(&true), "the one that was used least recently");
}

#[test]
fn f17_whoever_was_stopped_in_his_portion_tells_nobody_twice() {
    let (keeper, clock, sessions) = asleep(HOUR, usize::MAX);
    let before: Vec<_> = sessions.iter().map(ends).collect();
    beat(&keeper.0);
    let mut set_by = 0;
    let mut stopped: Vec<Arc<Cell>> = Vec::new();
    for n in 1..5 {
        clock.set_wall(clock.now().before(n * HOUR));
        set_by -= i64::from(n) * 3_600_000;
        beat(&keeper.0);
        // He has taken them from the walk and tells them after two others have ended.
        if n == 1 {
            stopped = keeper.0.steps.portion(&keeper.0).0;
            assert_eq!(stopped.len(), PORTION as usize);
        }
        if n == 4 {
            assert!(stopped.iter().all(Cell::catch_up));
        }
        while tell_some(&keeper.0) {}
        if n > 2 {
            assert!(keeper.0.steps.n_kept() <= 2, "what all have heard is forgotten");
        }
    }
    let moved: Vec<_> = before.iter().map(|end| end.map(|end| end.shifted(set_by))).collect();
    assert_eq!(sessions.iter().map(ends).collect::<Vec<_>>(), moved);
    assert!(sessions.iter().all(|session| is_asleep(&session.0)));
}

#[test]
fn f17_of_many_who_tell_a_session_at_once_one_does() {
    let (keeper, clock, sessions) = asleep(HOUR, usize::MAX);
    let before: Vec<_> = sessions.iter().map(ends).collect();
    beat(&keeper.0);
    let n = 20;
    for _ in 0..n {
        clock.set_wall(clock.now().before(HOUR));
        beat(&keeper.0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for session in &sessions {
                        session.0.catch_up();
                    }
                });
                scope.spawn(|| while tell_some(&keeper.0) {});
            }
        });
    }
    let set_by = -3_600_000 * n;
    let moved: Vec<_> = before.iter().map(|end| end.map(|end| end.shifted(set_by))).collect();
    assert_eq!(sessions.iter().map(ends).collect::<Vec<_>>(), moved);
}

#[test]
fn a_walk_meets_whoever_stays_once_although_others_come_and_go() {
    let (keeper, _clock, mut sessions) = asleep(HOUR, usize::MAX);
    let mut walk = Walk::default();
    let mut met: Vec<_> = walk.portion(&keeper.0).iter().map(|cell| cell.slot()).collect();
    let gone = sessions.remove(0).0.slot();
    let late = sessions.pop().map(|session| session.0.slot());
    let comes = |name| {
        let (provider, _) = provider_and_tokens("canary-token").unwrap();
        keeper.session(provider, name).open_lazily().unwrap()
    };
    let _come = [comes("one"), comes("two")];
    while !walk.is_over() {
        met.extend(walk.portion(&keeper.0).iter().map(|cell| cell.slot()));
    }
    let slots: Vec<_> = sessions.iter().map(|session| session.0.slot()).collect();
    let stayed: Vec<_> =
        met.iter().copied().filter(|slot| *slot != gone && Some(*slot) != late).collect();
    assert_eq!(stayed, slots);
    // The keeper that nobody uses any more has no numbers at all.
    drop((sessions, _come));
    let mut walk = Walk::default();
    assert!(walk.portion(&keeper.0).is_empty() && walk.is_over());
}
