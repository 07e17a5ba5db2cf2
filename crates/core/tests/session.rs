//! Moments of one machine that the walk does not tell apart.

use std::time::Duration;

use countersign_core::session::{
    Answer, Appointment, Cx, Effect, Event, ExchangeId, Failure, Held, HeldRefresh, Machine,
    Purpose, Reauthentication, RecordView, Report, Rules, Status,
};
use countersign_core::{
    Capabilities, ErrorKind, Fingerprint, Generation, Recovery, RefreshSupport, Timestamp,
};

fn rules() -> Rules {
    let mut capabilities = Capabilities::default();
    capabilities.refresh = RefreshSupport::Reusable;
    Rules::new(&capabilities, Reauthentication::default())
}

struct Driver {
    machine: Machine,
    now: Timestamp,
}

impl Driver {
    fn new() -> Self {
        Self { machine: Machine::new(), now: Timestamp::from_seconds(1_000) }
    }

    fn post(&mut self, event: Event) -> Vec<Effect> {
        let cx = Cx { now: self.now, exchange: ExchangeId(7), rules: &rules() };
        self.machine.handle(event, cx)
    }

    fn report(&mut self, report: Report) -> Vec<Effect> {
        self.post(Event::Flight(ExchangeId(7), report))
    }
}

fn held(counter: u64) -> Held {
    let token = Fingerprint::from_raw([counter as u8; 16]);
    Held {
        generation: Generation { counter, tag: 1 },
        issued_at: Timestamp::from_seconds(900),
        expires_at: Timestamp::from_seconds(9_000),
        refresh: Some(HeldRefresh { token, expires_at: None, used: 0, dead: false }),
    }
}

fn record(counter: u64) -> RecordView {
    RecordView { tokens: Some(held(counter)), counter, ..RecordView::default() }
}

fn tombstone(counter: u64) -> RecordView {
    RecordView { ended: true, counter, ..RecordView::default() }
}

#[test]
fn f41_f35_a_reading_from_before_the_end_brings_nothing_back_and_a_later_session_does() {
    let mut driver = Driver::new();
    driver.post(Event::Observed(Box::new(record(5))));
    driver.post(Event::Observed(Box::new(tombstone(5))));
    assert!(driver.post(Event::Observed(Box::new(record(5)))).is_empty());
    assert!(driver.post(Event::Observed(Box::new(record(4)))).is_empty());
    assert_eq!(driver.machine.status(), Status::SignedOut);
    driver.post(Event::Observed(Box::new(record(6))));
    assert_eq!(driver.machine.status(), Status::Active);
}

#[test]
fn a_session_that_was_forgotten_after_its_end_may_begin_anew() {
    let mut driver = Driver::new();
    driver.post(Event::Observed(Box::new(record(5))));
    driver.post(Event::Observed(Box::new(tombstone(5))));
    driver.post(Event::Observed(Box::default()));
    assert_eq!(driver.machine.status(), Status::SignedOut);
    driver.post(Event::Observed(Box::new(record(1))));
    assert_eq!(driver.machine.status(), Status::Active);
}

#[test]
fn a_moment_too_early_costs_no_further_back_off() {
    let until = Timestamp::from_seconds(1_020);
    for holds in [false, true] {
        let mut driver = Driver::new();
        if holds {
            driver.post(Event::Observed(Box::new(record(5))));
        }
        driver.post(Event::SignIn);
        driver.report(Report::Prepared);
        driver.report(Report::Locked(Box::new(if holds { record(5) } else { record(0) })));
        driver.report(Report::Journaled);
        let failure = Failure {
            recovery: Recovery::WaitUntil(until),
            ..Failure::new(ErrorKind::RateLimited)
        };
        driver.report(Report::Answered(Answer::Refused(failure)));
        let waits = if holds { Status::Degraded } else { Status::BackingOff };
        assert_eq!(driver.machine.status(), waits);
        driver.now = until.before(Duration::from_millis(3));
        let again = Appointment { purpose: Purpose::Moment, not_before: until, at_latest: None };
        assert_eq!(driver.post(Event::Due), [Effect::Schedule(again)]);
        driver.now = until;
        driver.post(Event::Due);
        assert_eq!(driver.machine.status(), Status::Authenticating);
    }
}
