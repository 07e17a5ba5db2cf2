//! What each fault does, and whether the server acts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{call, credentials, sign_in};
use crate::testing::{Answer, NOW, answer, json_request, post};
use crate::{
    Absurd, AuthVerdict, Fault, Gate, Operation, RefreshAnswer, Reply, RetryAfter, Simulator,
};

fn with(fault: Fault) -> (Simulator, Answer) {
    let simulator = Simulator::ibex().build();
    simulator.inject(Operation::SIGN_IN, fault, 1);
    let answer = sign_in(&simulator);
    (simulator, answer)
}

fn reply(fault: Fault) -> (Simulator, Reply) {
    let simulator = Simulator::ibex().build();
    simulator.inject(Operation::SIGN_IN, fault, 1);
    let reply = simulator.handle(&json_request("/auth/signin", &[], &credentials(&simulator)), NOW);
    (simulator, reply)
}

fn exchanges(simulator: &Simulator) -> u64 {
    simulator.totals().exchanges_of(Operation::SIGN_IN)
}

#[test]
fn answers_that_fail_have_the_providers_words_and_do_not_act() {
    for (fault, status, text) in [
        (Fault::Status500, 500, r#"{"error":"internal server error"}"#),
        (Fault::Status503, 503, r#"{"error":"service unavailable"}"#),
        (
            Fault::Status429 { retry_after: RetryAfter::None },
            429,
            r#"{"error":"too many requests"}"#,
        ),
    ] {
        let (simulator, answer) = with(fault);
        assert_eq!((answer.status, answer.text.as_str()), (status, text));
        assert_eq!(exchanges(&simulator), 0);
        assert!(!simulator.records()[0].acted);
    }
    let (_, page) = with(Fault::Html);
    assert_eq!(
        (page.status, page.head.headers()["content-type"].as_bytes()),
        (502, &b"text/html; charset=utf-8"[..])
    );
    let (_, there) = with(Fault::Redirect { to: "https://other.example/".to_owned() });
    assert_eq!(
        (there.status, there.head.headers()["location"].as_bytes()),
        (307, &b"https://other.example/"[..])
    );
}

#[test]
fn a_throttle_says_when_to_come_back_where_it_can() {
    let (_, answer) = with(Fault::Status429 { retry_after: RetryAfter::Seconds(7) });
    assert_eq!(answer.head.headers()["retry-after"], "7");
    let (_, answer) = with(Fault::Status429 { retry_after: RetryAfter::Date(7) });
    assert_eq!(answer.head.headers()["retry-after"], "Tue, 01 Jan 2030 00:00:07 GMT");
    let (_, answer) = with(Fault::Status429 { retry_after: RetryAfter::Reset(7) });
    assert!(answer.head.headers().get("retry-after").is_none());
}

#[test]
fn expiries_go_missing_or_absurd_and_the_server_has_acted() {
    let (simulator, answer) = with(Fault::MissingExpiry);
    let members: Vec<&str> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((members, exchanges(&simulator)), (vec!["accessToken", "refreshToken"], 1));
    for (kind, written) in [
        (Absurd::Float, "3600.5"),
        (Absurd::Huge, "1e+300"),
        (Absurd::Negative, "-1"),
        (Absurd::String, r#""soon""#),
        (Absurd::Zero, "0"),
    ] {
        let (_, answer) = with(Fault::AbsurdExpiry(kind));
        assert!(
            answer.text.contains(&format!(r#""accessTokenExpiresAt":{written}"#)),
            "{kind:?} {}",
            answer.text
        );
    }
}

#[test]
fn tokens_are_spoiled_and_the_server_has_acted() {
    for (fault, size, part) in [
        (Fault::EmptyToken, 0, ""),
        (Fault::HugeToken, 65_536, "aaa"),
        (Fault::TokenWithNewline, 22, "\r\n"),
    ] {
        let (simulator, answer) = with(fault);
        let token = answer.text_of("/accessToken");
        assert!(token.len() == size && token.contains(part));
        assert_eq!(exchanges(&simulator), 1);
    }
}

#[test]
fn bodies_are_spoiled() {
    let (simulator, answer) = with(Fault::Empty);
    assert_eq!((answer.status, answer.text.as_str(), exchanges(&simulator)), (200, "", 1));
    let (simulator, answer) = with(Fault::BrokenJson);
    assert!(
        answer.text.starts_with('{') && answer.json == Value::Null && exchanges(&simulator) == 1
    );
    let (simulator, answer) = with(Fault::DuplicateJson);
    assert_eq!((answer.text.matches(r#""accessToken":"#).count(), exchanges(&simulator)), (2, 1));
    assert!(answer.text.contains(r#""accessToken":"duplicate""#));
    let (simulator, answer) = with(Fault::DeepJson);
    assert_eq!((answer.status, answer.text.len(), exchanges(&simulator)), (200, 200_000, 0));
}

#[test]
fn a_small_body_may_become_a_large_one() {
    let (simulator, reply) = reply(Fault::GzipBomb(1 << 20));
    let response = reply.into_response().unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.body().len() < 8000 && exchanges(&simulator) == 0);
}

#[test]
fn a_bomb_has_a_size_that_can_be_built() {
    let (_, reply) = reply(Fault::GzipBomb(u64::MAX));
    let size = reply.into_response().unwrap().body().len();
    assert!((6 << 20..8 << 20).contains(&size), "{size}");
}

#[test]
fn a_wrong_date_is_in_the_header_alone() {
    let (_, answer) = with(Fault::WrongDate { offset_ms: 3_600_000 });
    assert_eq!(answer.head.headers()["date"], "Tue, 01 Jan 2030 01:00:00 GMT");
    assert_eq!(answer.json["accessTokenExpiresAt"], NOW / 1000 + 3600);
}

#[test]
fn lost_answers_come_after_acting_and_the_others_before() {
    for (fault, shown, acted) in [
        (Fault::Cut, "Cut(None)", false),
        (Fault::Refuse, "Refuse(None)", false),
        (Fault::Hang, "Hang(None)", false),
        (Fault::LoseAnswer, "Cut(None)", true),
        (Fault::Truncate, "Truncated(Some(200))", true),
        (Fault::Delay(Duration::from_secs(1)), "Delayed(Some(200))", true),
        (Fault::Slow { chunk: 1, every: Duration::from_secs(1) }, "Slow(Some(200))", true),
        (Fault::GateUntil(Gate::new()), "Gated(Some(200))", true),
        (Fault::Flood(5), "Flood(Some(200))", false),
        (Fault::Endless, "Flood(Some(200))", false),
    ] {
        let name = fault.name();
        let (simulator, reply) = reply(fault);
        assert_eq!(
            (format!("{reply:?}").as_str(), simulator.records()[0].acted),
            (shown, acted),
            "{name}"
        );
        assert_eq!(exchanges(&simulator), u64::from(acted));
        assert_eq!(simulator.totals().faults_of(name), 1);
    }
}

#[test]
fn a_gate_tells_that_the_server_has_acted_and_stays_open() {
    let gate = Gate::new();
    let (simulator, reply) = reply(Fault::GateUntil(gate.clone()));
    assert_eq!((gate.seen(), gate.is_released(), exchanges(&simulator)), (1, false, 1));
    gate.release();
    let Reply::Gated { gate, .. } = &reply else { panic!("not gated") };
    assert!(gate.is_released());
    assert_eq!(reply.into_response().unwrap().status(), 200);
}

#[test]
fn a_good_token_is_refused_as_a_bad_one_is() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator).text_of("/accessToken");
    simulator.inject(Operation::RESOURCE, Fault::Unauthorized, 1);
    let refused = call(&simulator, &token);
    assert_eq!((refused.status, refused.text), (401, call(&simulator, "unknown").text));
    assert_eq!(call(&simulator, &token).status, 200);
    let records = simulator.records();
    assert_eq!(
        (records[1].auth, records[1].generation_presented),
        (AuthVerdict::RefusedByFault, Some(1))
    );
    let totals = simulator.totals();
    assert_eq!((totals.resource_ok, totals.resource_unauthorized), (1, 2));
}

#[test]
fn whoever_asks_for_more_than_a_look_is_refused_unseen() {
    let simulator = Simulator::igny8().refresh_answer(RefreshAnswer::BothAndBlacklist).build();
    let account = simulator.account();
    let login = json!({ "email": account.identity, "password": account.password });
    let signed_in = post(&simulator, "/api/v1/auth/login/", &login, NOW);
    let refresh = json!({ "refresh": signed_in.text_of("/data/refresh") });
    let change = json!({ "old_password": account.password, "new_password": "canary-new-password" });
    let bearer = format!("Bearer {}", signed_in.text_of("/data/access"));
    let path = "/api/v1/auth/change-password/";
    let change = json_request(path, &[("authorization", &bearer)], &change);
    simulator.inject(Operation::ANY, Fault::Unauthorized, 3);
    assert_eq!(post(&simulator, "/api/v1/auth/login/", &login, NOW).status, 401);
    assert_eq!(post(&simulator, "/api/v1/auth/refresh/", &refresh, NOW).status, 401);
    assert_eq!(answer(&simulator, &change, NOW).status, 401);
    for record in &simulator.records()[1..] {
        assert_eq!((record.acted, record.success, record.reason), (false, false, Some("fault")));
        assert_eq!(record.generation_issued, None);
    }
    // Nothing was given out, spent or changed.
    assert_eq!(simulator.generation(&account.identity), 1);
    assert_eq!(post(&simulator, "/api/v1/auth/refresh/", &refresh, NOW).status, 200);
    assert_eq!(simulator.account().password, account.password);
    let totals = simulator.totals();
    assert_eq!(totals.spent_refresh_token_presented, 0);
    assert_eq!(totals.exchanges_of(Operation::CHANGE_PASSWORD), 0);
}

#[test]
fn a_fault_of_the_authentication_spares_the_resource() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator).text_of("/accessToken");
    simulator.inject(Operation::AUTH, Fault::Status500, 1);
    assert_eq!((call(&simulator, &token).status, sign_in(&simulator).status), (200, 500));
    simulator.inject(Operation::UNKNOWN, Fault::Status500, 1);
    assert_eq!(sign_in(&simulator).status, 200);
    assert_eq!(post(&simulator, "/no/such/path", &json!({}), NOW).status, 500);
}
