//! The API behind the pool.

use super::{KIM, pool, sign_in};
use crate::testing::{Answer, NOW, answer, request};
use crate::{AuthVerdict, Fault, HeaderForm, Operation, RefreshTokens, ResourceToken, Simulator};

fn call(simulator: &Simulator, authorization: &str, now_ms: i64) -> Answer {
    let headers = [("authorization", authorization)];
    answer(simulator, &request("GET", "/sim/echo", &headers, ""), now_ms)
}

fn tokens(simulator: &Simulator) -> (String, String) {
    let signed_in = sign_in(simulator, NOW);
    let token = |name: &str| signed_in.text_of(&format!("/AuthenticationResult/{name}"));
    (token("AccessToken"), token("IdToken"))
}

#[test]
fn the_access_token_opens_it_as_a_bearer_token() {
    let simulator = pool().build();
    let (access, id) = tokens(&simulator);
    let echo = call(&simulator, &format!("Bearer {access}"), NOW);
    assert_eq!((echo.status, &echo.json["account"]), (200, &KIM.into()));
    for bad in [access.clone(), format!("Bearer {id}"), "Bearer junk".to_owned()] {
        let refused = call(&simulator, &bad, NOW);
        assert_eq!((refused.status, refused.text.as_str()), (401, r#"{"message":"Unauthorized"}"#));
        assert_eq!(refused.head.headers()["www-authenticate"], "Bearer");
    }
    assert_eq!(call(&simulator, &format!("Bearer {access}"), NOW + 3_600_000).status, 401);
    let missing = answer(&simulator, &request("GET", "/sim/echo", &[], ""), NOW);
    assert_eq!(missing.status, 401);
    simulator.change_account(KIM, |account| {
        account.attributes.insert("resource".to_owned(), "forbidden".to_owned());
    });
    assert_eq!(call(&simulator, &format!("Bearer {access}"), NOW).status, 403);
}

#[test]
fn the_id_token_or_the_raw_form_may_be_wanted() {
    let simulator = pool().resource(ResourceToken::Id, HeaderForm::Raw).build();
    let (access, id) = tokens(&simulator);
    assert_eq!(call(&simulator, &id, NOW).status, 200);
    assert_eq!(simulator.records().last().unwrap().generation_presented, Some(1));
    assert_eq!(call(&simulator, &access, NOW).status, 401);
    assert_eq!(call(&simulator, &format!("Bearer {id}"), NOW).status, 401);
    simulator.inject(Operation::SIGN_IN, Fault::EmptyToken, 1);
    assert_eq!(tokens(&simulator), (String::new(), String::new()));
}

#[test]
fn a_revoked_token_is_refused_unless_the_resource_does_not_ask_the_pool() {
    for (builder, status, verdict) in [
        (pool(), 401, AuthVerdict::Revoked),
        (pool().offline_resource(), 200, AuthVerdict::Accepted),
    ] {
        let simulator = builder.build();
        let (access, _) = tokens(&simulator);
        simulator.revoke_all(KIM, RefreshTokens::Revoke);
        assert_eq!(call(&simulator, &format!("Bearer {access}"), NOW).status, status);
        assert_eq!(simulator.records().last().unwrap().auth, verdict);
        simulator.expire_access_tokens(KIM);
        assert_eq!(call(&simulator, &format!("Bearer {access}"), NOW).status, 401);
    }
}

#[test]
fn the_person_at_the_terminal_is_told_everything_needed() {
    let pairs = pool().build().describe();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "RESOURCE",
            "USER_POOL_ID",
            "FLOWS",
            "TOTP_PERIOD_MS",
            "CLIENT_ID",
            "CLIENT_SECRET",
            "IDENTITY",
            "PASSWORD",
            "INVITED_IDENTITY",
            "INVITED_TEMPORARY_PASSWORD",
            "TOTP_IDENTITY",
            "TOTP_PASSWORD",
            "TOTP_SECRET",
        ]
    );
}
