//! The suite as somebody from outside uses it: an adapter and a server that it has never met, and what
//! it says of cases that go wrong in every way.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

mod acme;
mod left_over;
mod opening;
mod repeating;
mod words;

use std::sync::{Arc, Barrier};
use std::time::Duration;

use countersign_conformance::report::model::{CaseReport, Entry, Outcome, Run};
use countersign_conformance::report::table;
use countersign_conformance::{
    Bench, Case, Claim, Control, Fault, Finding, Op, Row, Suite, Target, cases, expect,
};
use countersign_core::http::HttpRequest;
use countersign_core::{Ambient, Memo, Operation, Seed};
use futures_util::future::{Either, select};
use http::Method;

fn run(cases: impl IntoIterator<Item = Case>, seed: u64) -> Run {
    let targets = [Arc::new(acme::AcmeTarget) as Arc<dyn Target>];
    Suite::new(cases, targets, seed).deadline(Duration::from_secs(60)).run(|_| ()).expect("a run")
}

fn only(case: Case) -> CaseReport {
    run([case], 7).providers.remove(0).cases.remove(0)
}

fn came(case: Case) -> String {
    match only(case).outcome {
        Outcome::Failed { finding } => finding.came,
        other => panic!("the case must fail: {other:?}"),
    }
}

#[test]
fn an_adapter_from_elsewhere_passes_and_what_its_server_cannot_do_is_skipped_with_the_reason() {
    let run = run(cases::all(), 7);
    let tally = run.tally();
    assert_eq!(tally.failed, 0, "{}", table::write(&run));
    assert!(tally.passed >= 7, "{}", table::write(&run));
    let reasons = run.cases().filter_map(|(_, case)| match &case.outcome {
        Outcome::Skipped { reason } => Some(reason.as_str()),
        _ => None,
    });
    let reasons: Vec<&str> = reasons.collect();
    assert!(reasons.contains(&"the target cannot revoke tokens on demand"), "{reasons:?}");
}

#[test]
fn cases_run_at_the_same_time() {
    static MET: Barrier = Barrier::new(2);
    fn meeting(_: Bench) -> countersign_conformance::Running {
        Box::pin(async {
            MET.wait();
            Ok(())
        })
    }
    let run = run([Case::new("g", "one", "t", meeting), Case::new("g", "other", "t", meeting)], 7);
    assert_eq!(run.tally().passed, 2, "{}", table::write(&run));
}

#[test]
fn a_target_that_goes_down_between_two_cases_ends_the_run_with_its_word() {
    let fine = |_: Bench| -> countersign_conformance::Running { Box::pin(async { Ok(()) }) };
    let cases: Vec<Case> = ["a", "b", "c", "d"].map(|id| Case::new("g", id, "t", fine)).into();
    let target = Arc::new(acme::Failing::after(2)) as Arc<dyn Target>;
    let end = Suite::new(cases, [target], 7).run(|_| ());
    assert!(end.expect_err("it is down").to_string().contains("start acme's server"));
}

#[test]
fn a_claim_that_no_case_exercises_is_a_problem_unless_cases_were_selected() {
    let none = |_: Bench| -> countersign_conformance::Running { Box::pin(async { Ok(()) }) };
    let refresh = Case::new("g", "refresh", "t", none).claims(&[Claim::Refresh, Claim::SignIn]);
    let skipped = Case::new("g", "revoke", "t", none)
        .claims(&[Claim::Revoke, Claim::CredentialHeaders])
        .controls(&[Control::Mail]);
    let whole = run([refresh, skipped], 7);
    let named = |claim: &str| whole.problems.iter().any(|problem| problem.contains(claim));
    assert_eq!(whole.problems.len(), 2, "{:?}", whole.problems);
    assert!(named("`revoke`") && named("`credential_headers`") && !whole.conforms());
    let targets = [Arc::new(acme::AcmeTarget) as Arc<dyn Target>];
    let part = Suite::new([refresh], targets, 7).partial().run(|_| ()).expect("a run");
    assert!(part.problems.is_empty() && part.conforms());
}

#[test]
fn a_case_that_panics_waits_for_ever_or_strays_has_failed() {
    let panics = Case::new("g", "panics", "t", |_| Box::pin(async { panic!("in the case") }));
    assert_eq!(came(panics), "a panic: in the case");
    let waits = Case::new("g", "waits", "t", |_| Box::pin(std::future::pending()));
    assert_eq!(came(waits), "the case waits for something that can never happen");
    let gate = Case::new("g", "gate", "t", |bench| Box::pin(nobody_comes(bench)));
    assert_eq!(came(gate), "the case waits for something that did not happen in 40 days");
    let strays = Case::new("g", "strays", "t", |bench| Box::pin(strays(bench)));
    assert_eq!(came(strays), "unknown went to elsewhere.example with the headers [authorization]");
    let error = Case::new("g", "error", "t", |bench| Box::pin(refused(bench)));
    assert!(came(error).starts_with("acme sign_in: "));
}

async fn nobody_comes(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    bench.hold(Op::Revoke).reached().await;
    Ok(())
}

async fn strays(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let mut request = HttpRequest::new(Method::GET, "https://elsewhere.example/?q=canary")?;
    for (name, value) in session.authorization().await?.headers() {
        request.set(name.clone(), value.clone());
    }
    let answer = bench.transport().send(request).await;
    expect::holds("an answer", answer.is_ok())
}

async fn refused(bench: Bench) -> Result<(), Finding> {
    bench.know_password("canary-wrong".to_owned().into());
    bench.sign_in().await.map(drop)
}

#[test]
fn what_goes_wrong_on_the_way_needs_no_server_that_plays_along() {
    let case = Case::new("g", "faults", "t", |bench| Box::pin(faults(bench)));
    let report = only(case.proves(&[Row::F(6)]));
    assert_eq!(report.outcome, Outcome::Passed);
    let of_faults = report.timeline.iter().filter_map(|entry| match entry {
        Entry::Exchange { fault: Some(fault), end, .. } => Some((fault.as_str(), end.as_str())),
        _ => None,
    });
    let expected = [
        ("refused", "not_sent"),
        ("cut", "interrupted"),
        ("answer_lost", "interrupted"),
        ("cut_in_the_body", "interrupted"),
        ("shortened", "answered"),
        ("answered_by_a_gateway", "answered"),
        ("redirect", "answered"),
        ("other_header", "answered"),
        ("flood", "interrupted"),
        ("hang", "dropped"),
        ("delay", "answered"),
        ("sent_twice", "answered"),
    ];
    assert_eq!(of_faults.collect::<Vec<_>>(), expected);
}

async fn faults(bench: Bench) -> Result<(), Finding> {
    let send = || send_sign_in(&bench);
    for fault in [Fault::Refuse, Fault::Cut, Fault::LoseAnswer, Fault::CutAt(3)] {
        bench.next(Op::SignIn, fault.clone())?;
        expect::same(fault.name(), send().await?, None)?;
    }
    for fault in [
        Fault::Shortened(3),
        Fault::GATEWAY_PAGE,
        Fault::Redirect("https://elsewhere.example/"),
        Fault::Header("Retry-After", "7"),
    ] {
        bench.next(Op::SignIn, fault.clone())?;
        let status = if matches!(fault, Fault::Redirect(_)) { 307 } else { 200 };
        let status = if fault.name() == "answered_by_a_gateway" { 502 } else { status };
        expect::same(fault.name(), send().await?, Some(status))?;
    }
    bench.next(Op::SignIn, Fault::Flood)?;
    expect::same("flood", send().await?, None)?;
    bench.next(Op::SignIn, Fault::Hang)?;
    expect::same("hang", send().await?, None)?;
    bench.next(Op::SignIn, Fault::Delay(Duration::from_secs(5)))?;
    let before = bench.elapsed();
    expect::same("delay", send().await?, Some(200))?;
    expect::same("the wait", bench.elapsed() - before, Duration::from_secs(5))?;
    bench.next(Op::SignIn, Fault::Twice)?;
    expect::same("sent twice", send().await?, Some(200))?;
    expect::same("nothing any more", send().await?, Some(200))?;
    let no_header = bench.next(Op::SignIn, Fault::Header("no name", "7")).err();
    expect::holds("a header that is none is told", no_header.is_some())?;
    expect::same("and not played", send().await?, Some(200))
}

/// The status of a sign-in that the adapter has built; `None` if no answer came in a minute.
async fn send_sign_in(bench: &Bench) -> Result<Option<u16>, Finding> {
    let (seed, memo) = (Seed::default(), Memo::default());
    let credentials = &bench.account().credentials;
    let ambient = Ambient { now: bench.now(), seed: &seed, credentials, tokens: None, memo: &memo };
    let request = bench.adapter().request(&Operation::SignIn, &ambient)?;
    let (transport, clock) = (bench.transport(), bench.clock());
    let minute = clock.sleep_until(clock.monotonic().after(Duration::from_secs(60)));
    match select(transport.send(request), minute).await {
        Either::Left((Ok(answer), _)) => Ok(Some(answer.status().as_u16())),
        _ => Ok(None),
    }
}

#[test]
fn order_and_company_change_nothing() {
    // When a token is renewed inside of its window is drawn anew each time; what happens is not.
    let all = || cases::all().into_iter().filter(|case| case.group != "soak");
    let asked = |entry: &Entry| match entry {
        Entry::Exchange { operation, status, .. } => format!("{operation} {status:?}"),
        Entry::Mark { what, .. } => what.clone(),
    };
    let picture = |run: &Run| -> Vec<(String, Outcome, Vec<String>)> {
        let of = |case: &CaseReport| {
            let mut asked: Vec<String> = case.timeline.iter().map(asked).collect();
            asked.sort_unstable();
            asked.dedup();
            (case.id.clone(), case.outcome.clone(), asked)
        };
        run.cases().map(|(_, case)| of(case)).collect()
    };
    let whole = picture(&run(all(), 99));
    let alone: Vec<_> = all().flat_map(|case| picture(&run([case], 99))).collect();
    assert_eq!(whole, alone);
}
