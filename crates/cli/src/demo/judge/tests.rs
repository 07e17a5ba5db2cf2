//! Each finding, provoked one at a time in books that are otherwise in order.

use std::time::Duration;

use countersign_core::Generation;

use super::*;

/// The books of a run in which everything went well.
fn books(name: &'static str) -> Books {
    let generations = (1..=6).map(|counter| Generation { counter, tag: 7 }).collect();
    let api_answers = Answers::from([(200, 400), (401, 2)]);
    let auth_answers = Answers::from([(200, 6), (429, 1), (503, 5)]);
    let probe_answers = Answers::from([(401, 1)]);
    let counts = Counts {
        requests: 400,
        replays: 2,
        api_answers: api_answers.clone(),
        probe_answers: probe_answers.clone(),
        exchanges: 13,
        lost: 1,
        auth_answers: auth_answers.clone(),
        generations,
        served_on: 3,
        ..Counts::default()
    };
    let seen = Seen {
        sends: 402,
        served: 400,
        exchanges: 13,
        lost: 1,
        tokens: 6,
        outage: 5,
        spent_again: 1,
        lost_after_acting: 1,
        throttled: Some((10_400, Some(12_000))),
        api_answers,
        probe_answers,
        auth_answers,
        ..Seen::default()
    };
    let presented = Some(StatusCode::UNAUTHORIZED);
    let ending = Ending { end: End::Revoked, presented, mark: 415 };
    Books { name, challenges: 0, counts, seen, ending }
}

/// What is found after one change to good books.
#[track_caller]
fn finds(name: &'static str, change: impl FnOnce(&mut Books), text: &str) {
    let mut changed = books(name);
    change(&mut changed);
    let found = problems(&[changed, books("cognito")]);
    assert!(found.iter().any(|problem| problem.contains(text)), "{text:?} is not in {found:?}");
}

#[test]
fn good_books_have_no_problem() {
    assert_eq!(problems(&[books("ibex"), books("igny8"), books("cognito")]), [""; 0]);
}

#[test]
fn every_number_that_differs_is_found() {
    finds("ibex", |b| b.counts.requests += 1, "requests: the client says 401, the simulator 400");
    finds("ibex", |b| b.seen.sends += 1, "replays: the client says 2, the simulator 3");
    finds("ibex", |b| b.counts.exchanges -= 1, "exchanges: the client says 12, the simulator 13");
    finds("ibex", |b| b.seen.lost = 0, "lost: the client says 1, the simulator 0");
    finds("ibex", |b| b.seen.tokens = 7, "tokens: the client says 6, the simulator 7");
    let another = |answers: &mut Answers| *answers.entry(200).or_default() += 1;
    finds("ibex", |b| another(&mut b.seen.api_answers), "API answers: the client says 400 of 200");
    finds("ibex", |b| another(&mut b.counts.probe_answers), "API answers after the sign-out");
    finds(
        "ibex",
        |b| another(&mut b.counts.auth_answers),
        "auth answers: the client says 7 of 200",
    );
    finds("ibex", |b| b.seen.incomplete = true, "forgotten");
}

#[test]
fn a_failed_request_is_found_also_where_both_sides_agree_on_it() {
    let fail = |b: &mut Books| {
        (b.counts.failed, b.seen.failed) = (1, 1);
        b.seen.served -= 1;
    };
    finds("ibex", fail, "ibex: 1 requests failed");
}

#[test]
fn what_the_script_promised_and_did_not_come_about_is_found() {
    finds("ibex", |b| b.seen.outage = 0, "ibex: no call met the outage");
    let unrefused = |b: &mut Books| {
        b.counts.api_answers.remove(&401);
        b.seen.api_answers.remove(&401);
    };
    finds("ibex", unrefused, "ibex: the revoked token met no 401");
    finds("igny8", |b| b.seen.throttled = None, "igny8: no call met the throttle");
    let early = |b: &mut Books| b.seen.throttled = Some((10_400, Some(11_999)));
    finds("igny8", early, "igny8: the throttle was not obeyed");
    finds("cognito", |b| b.seen.lost_after_acting = 0, "cognito: no answer was lost");
    finds("cognito", |b| b.seen.spent_again = 0, "was not sent again");
    finds("cognito", |b| b.challenges = 1, "0 challenges were answered, not 1");
    let few = |b: &mut Books| b.counts.generations.retain(|one| one.counter <= 3);
    finds("ibex", few, "ibex: 2 renewals, fewer than 3");
}

#[test]
fn an_outage_that_shows_little_is_found() {
    let mut quiet = books("ibex");
    quiet.seen.outage = 4;
    quiet.counts.served_on = 0;
    let found = problems(&[quiet]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("refused 4 calls, fewer than 5"));
    assert!(found[1].contains("no token was served on"));
}

#[test]
fn a_sign_out_that_is_not_what_it_says_is_found() {
    let end =
        |end, presented| move |b: &mut Books| b.ending = Ending { end, presented, ..b.ending };
    let taken = Some(StatusCode::OK);
    finds("ibex", end(End::Revoked, taken), "the revoked token is still taken");
    finds("ibex", end(End::LocalOnly { valid_for: None }, taken), "should not be there");
    finds("ibex", end(End::Unconfirmed, taken), "not confirmed");
    finds("ibex", end(End::Revoked, None), "could not be presented");
    let mut alive = books("ibex");
    let valid_for = Some(Duration::from_secs(3));
    alive.ending = Ending { end: End::LocalOnly { valid_for }, presented: taken, mark: 415 };
    assert_eq!(problems(&[alive]), [""; 0]);
}
