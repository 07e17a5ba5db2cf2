//! Sign-up, change and recovery of a password, blocked accounts.

use std::time::Duration;

use serde_json::json;

use super::{EMAIL, PASSWORD, call, sign_in, sign_in_as};
use crate::testing::{Answer, NOW, answer, json_request, post};
use crate::{Account, HeaderForm, Simulator};

const NEW: &str = "N3w-Canary-ibex!";

fn change(simulator: &Simulator, authorization: &str, old: &str, new: &str) -> Answer {
    let body = json!({ "previousPassword": old, "proposedPassword": new });
    answer(
        simulator,
        &json_request("/auth/change-password", &[("authorization", authorization)], &body),
        NOW,
    )
}

#[test]
fn a_sign_up_takes_a_temporary_password_once() {
    let simulator = Simulator::ibex().build();
    let invited = simulator.account_of("new@merchant.example").unwrap();
    let temporary = invited.temporary_password.unwrap();
    let nobody = json!({ "email": "who@merchant.example", "temporaryPassword": temporary, "newPassword": NEW });
    assert_eq!(post(&simulator, "/auth/signup", &nobody, NOW).status, 400);
    let sign_up = |temporary: &str, new: &str| {
        let body = json!({ "email": "new@merchant.example", "temporaryPassword": temporary, "newPassword": new });
        post(&simulator, "/auth/signup", &body, NOW)
    };
    assert_eq!(sign_in_as(&simulator, "new@merchant.example", "", NOW).status, 400);
    assert_eq!(sign_up("wrong", NEW).status, 400);
    assert_eq!(
        sign_up(&temporary, "weak").text,
        r#"{"error":"password does not conform to policy"}"#
    );
    let signed_up = sign_up(&temporary, NEW);
    assert_eq!(signed_up.status, 200);
    assert_eq!(signed_up.json["accessTokenExpiresAt"], NOW / 1000 + 3600);
    assert_eq!(
        call(&simulator, &signed_up.text_of("/accessToken"), NOW).json["account"],
        "new@merchant.example"
    );
    assert_eq!(sign_up(&temporary, NEW).status, 400);
    assert_eq!(sign_in_as(&simulator, "new@merchant.example", NEW, NOW).status, 200);
}

#[test]
fn a_change_of_password_wants_the_old_one_and_a_good_new_one() {
    let simulator = Simulator::ibex().build();
    let token = sign_in(&simulator, NOW).text_of("/accessToken");
    assert_eq!(change(&simulator, &token, "wrong", NEW).status, 400);
    assert_eq!(change(&simulator, &token, PASSWORD, "weak").status, 400);
    let changed = change(&simulator, &token, PASSWORD, NEW);
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));
    assert_eq!(sign_in(&simulator, NOW).status, 400);
    assert_eq!(sign_in_as(&simulator, EMAIL, NEW, NOW).status, 200);
    assert_eq!(call(&simulator, &token, NOW).status, 200);
    assert!(simulator.issued_secrets().iter().any(|secret| secret == NEW));
}

#[test]
fn a_change_of_password_takes_the_form_of_header_that_was_chosen() {
    for (form, raw, bearer) in
        [(HeaderForm::Raw, 204, 401), (HeaderForm::Bearer, 401, 204), (HeaderForm::Both, 204, 204)]
    {
        for (prefix, status) in [("", raw), ("Bearer ", bearer)] {
            let simulator = Simulator::ibex().change_password_header(form).build();
            let token = sign_in(&simulator, NOW).text_of("/accessToken");
            let answer = change(&simulator, &format!("{prefix}{token}"), PASSWORD, NEW);
            assert_eq!((answer.status, answer.text.as_str()), (status, ""), "{form:?} {prefix}");
        }
    }
}

#[test]
fn a_change_of_password_may_end_all_tokens() {
    let simulator = Simulator::ibex().change_password_revokes().build();
    let token = sign_in(&simulator, NOW).text_of("/accessToken");
    assert_eq!(change(&simulator, &token, PASSWORD, NEW).status, 204);
    assert_eq!(call(&simulator, &token, NOW).status, 401);
}

#[test]
fn a_recovery_sends_a_temporary_password_that_is_good_once() {
    let simulator = Simulator::ibex().build();
    let forgot =
        |email: &str| post(&simulator, "/auth/forgot-password", &json!({ "email": email }), NOW);
    let confirm = |email: &str, temporary: &str, new: &str| {
        let body = json!({ "email": email, "temporaryPassword": temporary, "newPassword": new });
        post(&simulator, "/auth/confirm-forgot-password", &body, NOW)
    };
    let unknown = forgot("who@merchant.example");
    assert_eq!((unknown.status, unknown.text.as_str()), (404, ""));
    assert_eq!(simulator.delivered("who@merchant.example"), None);
    assert_eq!(forgot(EMAIL).status, 204);
    let temporary = simulator.delivered(EMAIL).unwrap();
    assert_eq!(sign_in(&simulator, NOW).status, 200, "the old password holds until it is replaced");
    let unknown = confirm("who@merchant.example", &temporary, NEW);
    assert_eq!((unknown.status, unknown.text.as_str()), (404, ""));
    assert_eq!(confirm(EMAIL, "wrong", NEW).status, 400);
    assert_eq!(confirm(EMAIL, &temporary, "weak").status, 400);
    let confirmed = confirm(EMAIL, &temporary, NEW);
    assert_eq!((confirmed.status, confirmed.text.as_str()), (204, ""));
    assert_eq!(confirm(EMAIL, &temporary, NEW).status, 400);
    assert_eq!(sign_in_as(&simulator, EMAIL, NEW, NOW).status, 200);
    assert_eq!(post(&simulator, "/auth/forgot-password", &json!({}), NOW).status, 400);
}

#[test]
fn a_blocked_account_is_403_also_with_the_right_password() {
    let simulator = Simulator::ibex().build();
    simulator.add_account(Account::user("closed@merchant.example", PASSWORD).disabled());
    let blocked = sign_in_as(&simulator, "closed@merchant.example", PASSWORD, NOW);
    assert_eq!((blocked.status, blocked.text.as_str()), (403, r#"{"error":"user is blocked"}"#));
    assert_eq!(simulator.records().last().unwrap().reason, Some("account_blocked"));
}

#[test]
fn failures_in_a_row_block_an_account_for_a_time() {
    let simulator = Simulator::ibex().block_after(2, Duration::from_secs(5)).build();
    assert_eq!(sign_in_as(&simulator, EMAIL, "wrong", NOW).status, 400);
    assert_eq!(sign_in(&simulator, NOW).status, 200, "a success starts the count again");
    for _ in 0..2 {
        assert_eq!(sign_in_as(&simulator, EMAIL, "wrong", NOW).status, 400);
    }
    assert_eq!(sign_in(&simulator, NOW + 4999).status, 403);
    assert_eq!(sign_in(&simulator, NOW + 5000).status, 200);
}
