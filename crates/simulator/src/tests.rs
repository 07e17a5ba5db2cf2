//! Faults, outages, records and clocks, shown on one provider for all.

mod faults;

use std::time::Duration;

use serde_json::json;

use crate::testing::{Answer, NOW, answer, json_request, post, request};
use crate::{Access, AuthVerdict, Fault, Operation, Reply, Setup, Simulator, Times, wire};

fn sign_in(simulator: &Simulator) -> Answer {
    post(simulator, "/auth/signin", &credentials(simulator), NOW)
}

fn credentials(simulator: &Simulator) -> serde_json::Value {
    let account = simulator.account();
    json!({ "email": account.identity, "password": account.password })
}

fn call(simulator: &Simulator, token: &str) -> Answer {
    answer(
        simulator,
        &request("GET", "/sim/echo?secret=canary-query", &[("authorization", token)], ""),
        NOW,
    )
}

#[test]
fn a_record_says_what_was_seen_and_no_value() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator).text_of("/accessToken");
    let _echo = call(&simulator, &token);
    let records = simulator.records();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (records[0].number, records[0].operation, records[0].status),
        (1, Operation::SIGN_IN, Some(200))
    );
    assert_eq!((records[0].generation_issued, records[0].generation_presented), (Some(1), None));
    assert_eq!(records[0].header_names, ["content-type"]);
    assert!(records[0].acted && records[0].success && records[0].fault.is_none());
    let call = &records[1];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", "/sim/echo"));
    assert_eq!((call.auth, call.generation_presented), (AuthVerdict::Accepted, Some(1)));
    assert_eq!(call.account, Some(simulator.account().identity));
    assert_eq!(simulator.count(|record| record.operation.is_auth()), 1);
    let shown = format!("{records:?}");
    assert!(!shown.contains("canary") && !shown.contains(&token), "{shown}");
}

#[test]
fn an_outage_stops_the_authentication_and_not_the_resource() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator).text_of("/accessToken");
    simulator.outage(true);
    assert_eq!(sign_in(&simulator).status, 503);
    assert_eq!(call(&simulator, &token).status, 200);
    simulator.outage(false);
    assert_eq!(sign_in(&simulator).status, 200);
    let totals = simulator.totals();
    assert_eq!((totals.faults_of("outage"), totals.exchanges_of(Operation::SIGN_IN)), (1, 2));
}

#[test]
fn faults_are_counted_and_can_be_taken_back() {
    let simulator = Simulator::ibex().build();
    simulator.inject(Operation::SIGN_IN, Fault::Status500, 1);
    simulator.inject(Operation::ANY, Fault::Status503, Times::Forever);
    assert_eq!(simulator.faults_waiting(), 2);
    assert_eq!(
        (sign_in(&simulator).status, sign_in(&simulator).status, sign_in(&simulator).status),
        (500, 503, 503)
    );
    simulator.clear();
    assert_eq!((sign_in(&simulator).status, simulator.faults_waiting()), (200, 0));
    let totals = simulator.totals();
    assert_eq!((totals.requests, totals.faults_of("status_503")), (4, 2));
    assert_eq!(totals.exchanges_of(Operation::SIGN_IN), 1);
    assert_eq!(totals.refused_of(Operation::SIGN_IN), 0);
}

#[test]
fn a_shifted_clock_is_the_servers_alone() {
    let simulator = Simulator::ibex().build();
    simulator.shift_clock(120_000);
    let signed_in = sign_in(&simulator);
    assert_eq!(signed_in.json["accessTokenExpiresAt"], NOW / 1000 + 120 + 3600);
    assert_eq!(signed_in.head.headers()["date"], "Tue, 01 Jan 2030 00:02:00 GMT");
    assert_eq!(simulator.records()[0].at_ms, NOW);
}

#[test]
fn the_same_seed_gives_the_same_tokens() {
    let tokens = |seed| sign_in(&Simulator::ibex().seed(seed).build()).text;
    assert_eq!(tokens([1; 32]), tokens([1; 32]));
    assert_ne!(tokens([1; 32]), tokens([2; 32]));
}

#[test]
fn old_records_are_dropped_and_still_counted() {
    let simulator = Simulator::ibex().record_limit(2).build();
    for _ in 0..3 {
        let _signed_in = sign_in(&simulator);
    }
    assert_eq!(simulator.records().iter().map(|record| record.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(simulator.totals().exchanges_of(Operation::SIGN_IN), 3);
}

#[test]
fn a_reply_is_the_same_server_for_every_clone() {
    let simulator = Simulator::ibex().build();
    let clone = simulator.clone();
    let reply = clone.handle(&json_request("/auth/signin", &[], &credentials(&simulator)), NOW);
    assert!(matches!(&reply, Reply::Response(response) if response.status() == 200));
    assert_eq!(simulator.totals().requests, 1);
    assert_eq!(format!("{reply:?}"), "Response(Some(200))");
}

#[test]
fn no_debug_shows_the_seed_or_what_was_posted() {
    let seed = [0xa7; 32];
    let setup = Setup { seed: Some(seed), ..Setup::default() };
    let shown = [
        format!("{setup:?}"),
        format!("{:?}", Simulator::cognito().seed(seed)),
        format!("{:?}", Simulator::ibanera().seed(seed)),
        format!("{:?}", Simulator::ibex().seed(seed)),
        format!("{:?}", Simulator::igny8().seed(seed)),
        format!("{:?}", Simulator::wikimedia().seed(seed)),
    ];
    for shown in shown {
        assert!(shown.contains("seeded: true") && !shown.contains("167"), "{shown}");
    }
    let posted = request("POST", "/sim/echo", &[], "canary-posted");
    let token = Access {
        account: "kim".into(),
        generation: 1,
        expires_at_ms: 1,
        family: 1,
        revoked: false,
    };
    let shown = format!("{:?}", wire::Echo::of(&posted, &token));
    assert!(shown.contains("kim") && !shown.contains("canary-posted"), "{shown}");
}

#[test]
fn a_long_life_leaves_the_latest_secrets_and_tokens_only() {
    let simulator = Simulator::ibex().access_life(Duration::from_secs(1)).build();
    simulator.limit_memory(20);
    let at = |n: i64| NOW + 8 * 86_400_000 * n;
    let login = |n| post(&simulator, "/auth/signin", &credentials(&simulator), at(n));
    let tokens: Vec<String> = (0..40).map(|n| login(n).text_of("/accessToken")).collect();
    let secrets = simulator.issued_secrets();
    assert_eq!((secrets.len(), secrets.contains(&tokens[39])), (20, true));
    assert!(!secrets.contains(&tokens[0]));
    let verdict = |token: &String| {
        let request = request("GET", "/sim/echo", &[("authorization", token)], "");
        let _refused = answer(&simulator, &request, at(39) + 2000);
        simulator.records().last().map(|record| record.auth)
    };
    assert_eq!(verdict(&tokens[0]), Some(AuthVerdict::Unknown));
    assert_eq!(verdict(&tokens[39]), Some(AuthVerdict::Expired));
}

#[test]
fn mail_is_counted_on_though_the_oldest_is_forgotten() {
    let simulator = Simulator::ibex().build();
    simulator.limit_memory(2);
    let identity = simulator.account().identity;
    let forgot = || post(&simulator, "/auth/forgot-password", &json!({ "email": identity }), NOW);
    for _ in 0..3 {
        assert_eq!(forgot().status, 204);
    }
    let (sent, so_far) = simulator.mail_after(0);
    assert_eq!((sent.len(), so_far, simulator.mail()), (2, 3, sent.clone()));
    assert_eq!(simulator.mail_after(2).0, sent[1..]);
    assert_eq!(simulator.mail_after(3), (Vec::new(), 3));
    assert_eq!(simulator.delivered(&identity), sent.last().map(|(_, text)| text.clone()));
}
