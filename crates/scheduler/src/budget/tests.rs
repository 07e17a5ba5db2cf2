//! Lanes under load, throttle and outage.

use std::collections::BTreeSet;

use countersign_core::Origin;

use super::*;

fn named(host: &str) -> Lane {
    Lane::new(Origin::parse(&format!("https://{host}")).unwrap(), "client")
}

fn at(millis: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_millis(1_000_000 + millis))
}

fn now(millis: u64) -> Now {
    Now { wall: Timestamp::from_millis(1_700_000_000_000 + millis as i64), mono: at(millis) }
}

fn admission() -> Admission {
    Admission::new(BudgetSettings::default(), 1)
}

fn go(admission: &mut Admission, lane: &Lane, millis: u64) -> Permit {
    match admission.admit(lane, Caller::Waiting, at(millis)) {
        Admit::Go(permit) => permit,
        Admit::Wait { until, why } => panic!("waits until {until:?}: {why:?}"),
    }
}

fn wait(admission: &mut Admission, lane: &Lane, caller: Caller, millis: u64) -> (Monotonic, Why) {
    match admission.admit(lane, caller, at(millis)) {
        Admit::Go(_) => panic!("admitted at {millis}"),
        Admit::Wait { until, why } => (until, why),
    }
}

fn fail(admission: &mut Admission, lane: &Lane, times: u32, millis: u64) -> Option<Monotonic> {
    let mut opened = None;
    for _ in 0..times {
        let permit = go(admission, lane, millis);
        opened = admission.settle(permit, Settled::Failed, at(millis));
    }
    opened
}

#[test]
fn p15_twenty_a_minute_are_kept_whoever_asks() {
    let lane = named("a.example").limited(LaneLimits::at_most(20, Duration::from_secs(60)));
    let mut admission = admission();
    let mut granted = Vec::new();
    // One asker, always at the instant it was told.
    let mut clock = at(0);
    while granted.len() < 60 {
        match admission.admit(&lane, Caller::Waiting, clock) {
            Admit::Go(permit) => {
                granted.push(clock);
                admission.settle(permit, Settled::Answered, clock);
            }
            Admit::Wait { until, why } => {
                assert!(why == Why::Rate && until > clock);
                clock = until;
            }
        }
    }
    for (n, from) in granted.iter().enumerate() {
        let minute = from.after(Duration::from_secs(60));
        let within = granted[n..].iter().filter(|at| **at < minute).count();
        assert!(within <= 20, "{within} in a minute");
    }
    assert_eq!(granted[59].since(granted[0]), Duration::from_secs(6 * 50));
}

#[test]
fn background_work_leaves_a_quarter_of_the_burst_to_those_who_wait() {
    let limits = LaneLimits { interval: Duration::from_secs(1), burst: 20, concurrency: 99 };
    let lane = named("a.example").limited(limits);
    let mut admission = admission();
    let admitted = |admission: &mut Admission, caller| {
        let mut n = 0;
        while let Admit::Go(permit) = admission.admit(&lane, caller, at(0)) {
            admission.settle(permit, Settled::Answered, at(0));
            n += 1;
        }
        n
    };
    assert_eq!(admitted(&mut admission, Caller::Background), 15);
    assert_eq!(admitted(&mut admission, Caller::Waiting), 5);
}

#[test]
fn f50_who_asks_again_has_the_instant_that_it_was_told() {
    let mut admission = admission();
    let lane = named("a.example").limited(LaneLimits::at_most(20, Duration::from_secs(60)));
    let again = |admission: &mut Admission, told, millis| match admission.admit_again(
        &lane,
        Caller::Waiting,
        told,
        at(millis),
    ) {
        Admit::Go(_) => None,
        Admit::Wait { until, .. } => Some(until),
    };
    let throttled = admission.throttle(&lane, now(900_000).wall, now(0)).until;
    assert_eq!(throttled, now(900_000).wall);
    let first = again(&mut admission, None, 0);
    let mut told = first;
    for n in 1..900 {
        told = again(&mut admission, told, n * 1_000);
        assert_eq!(told, first);
    }
    let second = again(&mut admission, None, 899_000).unwrap();
    assert!(second.since(first.unwrap()) <= Duration::from_secs(6), "{first:?} {second:?}");
    // A wait that has been lengthened is a new one.
    admission.throttle(&lane, now(1_700_000).wall, now(899_000));
    let later = again(&mut admission, Some(second), 899_000).unwrap();
    assert!(later >= at(1_700_000));
    // And what is over is not waited for.
    assert_eq!(again(&mut admission, Some(at(9_000_000)), 1_800_000), None);
}

#[test]
fn an_instant_that_was_told_long_ago_gives_way_to_an_earlier_one() {
    let mut admission = admission();
    let lane = named("a.example").limited(LaneLimits::at_most(20, Duration::from_secs(60)));
    while let Admit::Go(permit) = admission.admit(&lane, Caller::Waiting, at(0)) {
        admission.settle(permit, Settled::Answered, at(0));
    }
    let far = at(9_000_000);
    match admission.admit_again(&lane, Caller::Waiting, Some(far), at(0)) {
        Admit::Wait { until, .. } => assert!(until < at(20_000), "{until:?}"),
        Admit::Go(_) => panic!("the rate is used up"),
    }
}

#[test]
fn f18_everybody_who_has_to_wait_is_told_another_instant() {
    let mut admission = admission();
    let lane = named("a.example");
    admission.throttle(&lane, now(10_000).wall, now(0));
    let told: BTreeSet<Monotonic> =
        (0..1_000).map(|_| wait(&mut admission, &lane, Caller::Background, 0).0).collect();
    assert_eq!(told.len(), 1_000);
    assert!(told.iter().all(|until| *until >= at(10_000)));
    let (first, _) = wait(&mut admission, &lane, Caller::Waiting, 0);
    assert!(first <= *told.first().unwrap(), "those who wait are not behind those who do not");
}

#[test]
fn p15_f50_a_throttle_is_shared_by_the_lane_capped_and_not_shortened() {
    let mut admission = admission();
    let (a, b) = (named("a.example"), named("b.example"));
    let told = admission.throttle(&a, now(30_000).wall, now(0));
    assert_eq!(told, Throttled { until: now(30_000).wall, capped: false });
    assert_eq!(wait(&mut admission, &a, Caller::Waiting, 29_999).1, Why::Throttled);
    let _independent = go(&mut admission, &b, 0);

    admission.throttle(&a, now(5_000).wall, now(0));
    assert_eq!(wait(&mut admission, &a, Caller::Waiting, 29_999).1, Why::Throttled);
    let _over = go(&mut admission, &a, 33_001);

    let told = admission.throttle(&b, Timestamp::MAX, now(0));
    assert_eq!(told, Throttled { until: now(900_000).wall, capped: true });
    let _after_the_cap = go(&mut admission, &b, 905_001);
}

#[test]
fn f14_failures_open_the_circuit_and_one_probe_at_a_time_closes_it() {
    let mut admission = admission();
    let lane = named("a.example");
    assert_eq!(fail(&mut admission, &lane, 4, 0), None);
    let until = fail(&mut admission, &lane, 1, 0).expect("the fifth opens it");
    let (least, most) = (at(3_750), at(5_000));
    assert!(until >= least && until <= most);
    assert_eq!(wait(&mut admission, &lane, Caller::Waiting, 100).1, Why::CircuitOpen);

    let probe = go(&mut admission, &lane, 5_001);
    assert_eq!(wait(&mut admission, &lane, Caller::Waiting, 5_002).1, Why::CircuitOpen);
    let longer = admission.settle(probe, Settled::Failed, at(6_000)).expect("open again");
    assert!(longer >= at(6_000 + 7_500) && longer <= at(16_000), "twice as long");

    let probe = go(&mut admission, &lane, 16_001);
    assert_eq!(admission.settle(probe, Settled::Answered, at(16_100)), None);
    assert_eq!(fail(&mut admission, &lane, 4, 16_200), None, "counted from zero");
}

#[test]
fn f14_an_outage_of_an_hour_costs_a_probe_a_minute_not_one_a_session() {
    let mut admission = admission();
    let lane = named("a.example");
    let (mut clock, mut sent) = (at(0), 0);
    while clock < at(3_600_000) {
        match admission.admit(&lane, Caller::Waiting, clock) {
            Admit::Go(permit) => {
                sent += 1;
                admission.settle(permit, Settled::Failed, clock);
            }
            Admit::Wait { until, .. } => clock = until,
        }
    }
    assert!((60..=100).contains(&sent), "{sent}");
}

#[test]
fn a_success_between_failures_keeps_the_circuit_closed() {
    let mut admission = admission();
    let lane = named("a.example");
    for _ in 0..20 {
        assert_eq!(fail(&mut admission, &lane, 4, 0), None);
        let permit = go(&mut admission, &lane, 0);
        admission.settle(permit, Settled::Answered, at(0));
    }
}

#[test]
fn f07_a_lost_exchange_blocks_its_lane_for_a_lease_and_no_longer() {
    let limits = LaneLimits { concurrency: 1, ..LaneLimits::default() };
    let (one, probed) = (named("a.example").limited(limits), named("b.example"));
    let mut admission = admission();
    drop(go(&mut admission, &one, 0));
    assert_eq!(wait(&mut admission, &one, Caller::Waiting, 119_000).1, Why::Busy);
    let _next = go(&mut admission, &one, 120_000);

    fail(&mut admission, &probed, 5, 0);
    drop(go(&mut admission, &probed, 5_001));
    assert_eq!(wait(&mut admission, &probed, Caller::Waiting, 60_000).1, Why::CircuitOpen);
    let _probe = go(&mut admission, &probed, 125_001);
}

#[test]
fn what_was_not_sent_costs_nothing_and_says_nothing() {
    let limits = LaneLimits { interval: Duration::from_secs(60), burst: 1, concurrency: 1 };
    let lane = named("a.example").limited(limits);
    let mut admission = admission();
    for _ in 0..10 {
        let permit = go(&mut admission, &lane, 0);
        admission.settle(permit, Settled::Unused, at(0));
    }
    fail(&mut admission, &lane, 1, 0);
    assert_eq!(wait(&mut admission, &lane, Caller::Waiting, 0), (at(60_000), Why::Rate));

    let probed = named("b.example");
    fail(&mut admission, &probed, 5, 0);
    let probe = go(&mut admission, &probed, 5_001);
    admission.settle(probe, Settled::Unused, at(5_002));
    let _another = go(&mut admission, &probed, 5_002);
}

#[test]
fn f50_the_same_origin_with_another_client_is_another_lane() {
    let origin = Origin::parse("https://auth.example").unwrap();
    let (a, b) = (Lane::new(origin.clone(), "a"), Lane::new(origin.clone(), "b"));
    let mut admission = admission();
    fail(&mut admission, &a, 5, 0);
    assert_eq!(wait(&mut admission, &a, Caller::Waiting, 0).1, Why::CircuitOpen);
    let _independent = go(&mut admission, &b, 0);
    let same = Lane::new(origin, "a").limited(LaneLimits::default());
    assert_eq!(wait(&mut admission, &same, Caller::Waiting, 0).1, Why::CircuitOpen);
}

#[test]
fn f49_the_memory_of_lanes_is_bounded_and_idle_ones_go_first() {
    let settings = BudgetSettings { max_lanes: 64, ..BudgetSettings::default() };
    let mut admission = Admission::new(settings, 1);
    let open = named("open.example");
    fail(&mut admission, &open, 5, 0);
    for n in 0..1_000 {
        let permit = go(&mut admission, &named(&format!("idle{n}.example")), 10 * n);
        admission.settle(permit, Settled::Answered, at(10 * n));
        assert!(admission.n_lanes() <= 64);
    }
    assert!(admission.lanes.contains_key(&open), "what is not idle is kept");

    for n in 0..1_000 {
        admission.throttle(&named(&format!("busy{n}.example")), Timestamp::MAX, now(20_000 + n));
        assert!(admission.n_lanes() <= 64, "also if none is idle");
    }
    let latest = named("busy999.example");
    assert_eq!(wait(&mut admission, &latest, Caller::Waiting, 21_000).1, Why::Throttled);
}
