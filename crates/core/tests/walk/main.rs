//! The walk: the real machine, twice, over one store and a model of each kind of provider, through
//! everything that can happen within small bounds, breadth first. After every step the rules of the
//! design must hold; every pair of state and event must have been met; and seeded defects in the effect
//! stream must each break a named rule.

#![expect(clippy::expect_used, reason = "a walk that cannot go on has failed")]

mod answers;
mod defect;
mod diagram;
mod effects;
mod model;
mod steps;
mod world;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use countersign_core::session::{
    Cx, Demand, Effect, Event, ExchangeId, Reauthentication, Rules, Status,
};
use countersign_core::{Capabilities, RefreshSupport};

use defect::Defect;
use model::Record;
use world::{Broken, Call, Choice, Left, Outcome, World};

/// What a walk has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) worlds: usize,
    /// State, event, next state.
    pub(crate) edges: BTreeSet<(Status, &'static str, Status)>,
    pairs: BTreeSet<(Status, &'static str)>,
    /// Where which host has crashed: before this step of an exchange, or with none to do.
    crashes: BTreeSet<(usize, &'static str)>,
    cut: bool,
}

fn rules(refresh: RefreshSupport, reauthentication: Reauthentication) -> Rules {
    let mut capabilities = Capabilities::default();
    capabilities.refresh = refresh;
    capabilities.revoke = world::revoke();
    let mut rules = Rules::new(&capabilities, reauthentication);
    rules.exchange_deadline = Duration::from_secs(1);
    rules.max_attempts = 2;
    rules
}

fn kinds() -> Vec<(&'static str, Rules, Left)> {
    let grace = |seconds| RefreshSupport::Rotating { grace: Duration::from_secs(seconds) };
    let auto = Reauthentication::Automatic { per_day: 3 };
    // Few things happening are walked to the end; many of them as far as the bound allows.
    let left = Left { faults: 2, calls: 2, ticks: 4 };
    vec![
        ("absent, automatic", rules(RefreshSupport::Absent, auto), left),
        ("reusable, automatic", rules(RefreshSupport::Reusable, auto), left),
        ("rotating without grace, automatic", rules(grace(0), auto), left),
        ("rotating with grace, automatic", rules(grace(2), auto), left),
        ("rotating with grace, manual", rules(grace(2), Reauthentication::Manual), left),
        ("unknown, automatic", rules(RefreshSupport::Unknown, auto), left),
    ]
}

/// Walks breadth first until nothing new is found, a rule breaks, or `most` worlds were seen.
fn walk(rules: &Rules, left: Left, defect: Defect, most: usize) -> Result<Seen, (Broken, String)> {
    let mut seen = Seen::default();
    let hasher = RandomState::new();
    let mut known: HashSet<u64> = HashSet::new();
    let mut queue = VecDeque::new();
    // A million paths share their beginnings; only the step that led here is kept with a world.
    let mut parents: Vec<(usize, Option<Choice>)> = Vec::new();
    for start in starts(rules, left) {
        known.insert(hasher.hash_one(&start));
        parents.push((usize::MAX, None));
        queue.push_back((start, parents.len() - 1));
    }
    while let Some((world, at)) = queue.pop_front() {
        seen.worlds += 1;
        if seen.worlds >= most {
            seen.cut = true;
            break;
        }
        probe(&world, rules, &mut seen).map_err(|broken| (broken, trail(&parents, at)))?;
        for choice in world.choices() {
            let mut next = world.clone();
            let outcome = next.take(choice, rules, defect);
            note(&world, &next, choice, &mut seen);
            if let Err(broken) = outcome {
                return Err((broken, format!("{}{choice:?}\n", trail(&parents, at))));
            }
            // Five token sets are enough for two hosts to lose each other.
            if next.provider.given <= 4 && known.insert(hasher.hash_one(&next)) {
                parents.push((at, Some(choice)));
                queue.push_back((next, parents.len() - 1));
            }
        }
    }
    Ok(seen)
}

/// An empty store, one in which the first host is signed in already, one in which it is challenged, one in which it
/// has ended its session, and one that has not heard of what it has renewed.
fn starts(rules: &Rules, left: Left) -> Vec<World> {
    let begin = |calls: &[(Call, &[Outcome])], status| {
        let mut world = World::new(rules.refresh, Left { faults: 9, calls: 9, ticks: 9 });
        let mut go = |choice| world.take(choice, rules, Defect::None).expect("a plain beginning");
        for (call, outcomes) in calls {
            go(Choice::Tell(0, *call));
            for outcome in *outcomes {
                go(Choice::Step(0, *outcome));
            }
        }
        world.left = left;
        assert_eq!(world.hosts[0].machine.status(), status);
        world
    };
    use Outcome::{Challenge, Fails, Good};
    let signed_in: (Call, &[Outcome]) = (Call::SignIn, &[Good, Good, Good, Good, Good]);
    let challenged: (Call, &[Outcome]) = (Call::SignIn, &[Good, Good, Good, Challenge, Good]);
    let mut starts = vec![
        World::new(rules.refresh, left),
        begin(&[signed_in], Status::Active),
        begin(&[challenged], Status::Challenged),
    ];
    let ended: (Call, &[Outcome]) = (Call::SignOut, &[Good, Good, Good, Good]);
    if rules.refresh != RefreshSupport::Absent {
        starts.push(begin(&[signed_in, ended], Status::SignedOut));
    }
    if matches!(rules.refresh, RefreshSupport::Rotating { .. }) {
        let unsaved: (Call, &[Outcome]) = (Call::Wanted, &[Good, Good, Good, Good, Fails]);
        starts.push(begin(&[signed_in, unsaved], Status::Active));
    }
    starts
}

/// What may come at any moment and must do no harm: an early appointment, a set clock, a late report.
fn probe(world: &World, rules: &Rules, seen: &mut Seen) -> Result<(), Broken> {
    for host in &world.hosts {
        let before = host.machine.status();
        let cx = Cx { now: world.time(), exchange: ExchangeId(9), rules };
        for (name, event) in
            [("clock_jumped", Event::ClockJumped(0)), ("flight", world::stale_report())]
        {
            let mut machine = host.machine.clone();
            let effects = machine.handle(event, cx);
            seen.pairs.insert((before, name));
            if machine.status() != before {
                return Err(format!("harmless: {name} moves {}", before.as_str()));
            }
            if effects.iter().any(|e| matches!(e, Effect::Publish { .. } | Effect::Send(..))) {
                return Err("late-answers: tokens of another exchange are never published".into());
            }
            if name == "flight" && effects != [Effect::Discard] {
                return Err("late-answers: tokens of another exchange are revoked".into());
            }
        }
        for (name, event) in [
            ("due", Event::Due),
            ("answer", Event::Answer),
            ("wanted", Event::Wanted),
            ("observed", Event::Observed(Box::new(world.store.record.view()))),
            ("rejected", Event::Rejected(Default::default())),
        ] {
            let mut machine = host.machine.clone();
            let effects = machine.handle(event, cx);
            seen.pairs.insert((before, name));
            seen.edges.insert((before, name, machine.status()));
            if effects.iter().any(|effect| matches!(effect, Effect::Forget))
                && !world.store.record.ended
            {
                return Err(format!("never-forget: {name} in {} wipes tokens", before.as_str()));
            }
        }
    }
    for host in &world.hosts {
        let told = host.machine.status() == Status::SignedOut
            && matches!(host.machine.demand(), Demand::Fail(_));
        // A sign-out that could not read the record does not know what it has ended.
        let known = |before: &&Record| told && host.knows && host.seen.counter >= before.counter;
        let Some(before) = world.store.before_end.as_deref().filter(known) else { continue };
        let cx = Cx { now: world.time(), exchange: ExchangeId(9), rules };
        let late = Event::Observed(Box::new(before.view()));
        if host.machine.clone().handle(late, cx).iter().any(|e| matches!(e, Effect::Publish { .. }))
        {
            return Err("sign-out-wins: a reading from before the end brings nothing back".into());
        }
    }
    Ok(())
}

/// The steps between which a process can die, by the name of the one that was to come.
const STEPS: [&str; 6] = ["prepare", "lock", "journal", "send", "commit", "none"];

fn step_of(world: &World, n: usize) -> &'static str {
    let step = world.hosts[n].flight.as_ref().and_then(|flight| flight.step.as_ref());
    match step {
        Some(Effect::Prepare(..)) => "prepare",
        Some(Effect::Lock(_)) => "lock",
        Some(Effect::Journal(..)) => "journal",
        Some(Effect::Send(..)) => "send",
        Some(Effect::Commit(..)) => "commit",
        _ => "none",
    }
}

fn note(before: &World, after: &World, choice: Choice, seen: &mut Seen) {
    if let Choice::Crash(n) = choice {
        seen.crashes.insert((n, step_of(before, n)));
    }
    let (n, name) = match choice {
        Choice::Step(n, _) => (n, "flight"),
        Choice::Due(n) => (n, "due"),
        Choice::Tell(n, Call::SignIn) => (n, "sign_in"),
        Choice::Tell(n, Call::SignOut) => (n, "sign_out"),
        Choice::Tell(n, Call::Wanted) => (n, "wanted"),
        Choice::Tell(n, Call::Answer) => (n, "answer"),
        Choice::Tell(n, Call::Reject) => (n, "rejected"),
        Choice::Tell(n, Call::Observe) => (n, "observed"),
        Choice::Crash(_) | Choice::LeaseLost(_) | Choice::Tick => return,
    };
    let (from, to) = (before.hosts[n].machine.status(), after.hosts[n].machine.status());
    seen.pairs.insert((from, name));
    seen.edges.insert((from, name, to));
}

fn trail(parents: &[(usize, Option<Choice>)], mut at: usize) -> String {
    let mut steps = Vec::new();
    while let Some((parent, choice)) = parents.get(at) {
        steps.extend(choice.map(|choice| format!("{choice:?}\n")));
        at = *parent;
    }
    steps.reverse();
    steps.concat()
}

const EVENTS: [&str; 9] = [
    "sign_in",
    "wanted",
    "rejected",
    "answer",
    "sign_out",
    "due",
    "observed",
    "clock_jumped",
    "flight",
];

/// Bounds the memory and time of one walk; what lies beyond it is said in the output.
const MOST: usize = 150_000;

#[test]
fn every_rule_holds_in_every_world_and_every_pair_of_state_and_event_is_met() {
    let mut all = Seen::default();
    for (name, rules, left) in kinds() {
        let few = Left { faults: 1, calls: 1, ticks: 2 };
        let asked = Left { faults: 0, calls: 3, ticks: 0 };
        for left in [few, asked, left] {
            match walk(&rules, left, Defect::None, MOST) {
                Ok(seen) => {
                    let cut = if seen.cut { ", bounded" } else { ", all there are" };
                    println!(
                        "walk: {name}, {} faults, {} calls, {} seconds: {} worlds{cut}, {} edges",
                        left.faults,
                        left.calls,
                        left.ticks,
                        seen.worlds,
                        seen.edges.len()
                    );
                    all.worlds += seen.worlds;
                    all.edges.extend(seen.edges);
                    all.pairs.extend(seen.pairs);
                    all.crashes.extend(seen.crashes);
                }
                Err((broken, trail)) => {
                    panic!("{name}: the rule `{broken}` is broken after\n{trail}")
                }
            }
        }
    }
    let missing: Vec<_> = Status::ALL
        .into_iter()
        .flat_map(|state| EVENTS.map(|event| (state, event)))
        .filter(|pair| !all.pairs.contains(pair))
        .collect();
    println!(
        "walk: {} worlds, {} states, {} edges, {} of {} pairs of state and event",
        all.worlds,
        Status::ALL.len(),
        all.edges.len(),
        all.pairs.len(),
        Status::ALL.len() * EVENTS.len(),
    );
    assert!(missing.is_empty(), "never met: {missing:?}");
    let undisturbed: Vec<_> = (0..2)
        .flat_map(|n| STEPS.map(|step| (n, step)))
        .filter(|crash| !all.crashes.contains(crash))
        .collect();
    assert!(undisturbed.is_empty(), "no crash was met before {undisturbed:?}");
    println!("walk: crashes of {} hosts before {} steps each, none is missing", 2, STEPS.len());
    diagram::compare(&all.edges);
}

#[test]
fn every_seeded_defect_breaks_the_rule_that_names_it() {
    let mut caught: BTreeMap<String, String> = BTreeMap::new();
    let mut missed = Vec::new();
    for (defect, expected) in Defect::ALL {
        let mut found = BTreeSet::new();
        // Few things happening reach deep, more of them reach wide.
        let bounds = [(1, 1, 2), (1, 2, 0), (2, 2, 2)];
        let lefts = bounds.map(|(faults, calls, ticks)| Left { faults, calls, ticks });
        'found: for left in lefts {
            for (_, rules, _) in kinds() {
                let Err((broken, _)) = walk(&rules, left, defect, 60_000) else { continue };
                let named = broken.starts_with(expected);
                found.insert(broken);
                if named {
                    caught.insert(format!("{defect:?}"), expected.to_owned());
                    break 'found;
                }
            }
        }
        let name = format!("{defect:?}");
        println!("walk: defect {name} breaks {found:?}");
        if !caught.contains_key(&name) {
            missed.push(format!("{name} should break `{expected}`, and broke {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    println!(
        "walk: {} of {} seeded defects caught by the rule that names them",
        caught.len(),
        Defect::ALL.len()
    );
}
