//! The signed-in user, and setting up a second factor.

use serde_json::json;

use super::{KIM, ask, code_of, pool, refused, respond, sign_in};
use crate::testing::NOW;

#[test]
fn a_user_is_told_with_the_attributes_and_the_second_factor() {
    let simulator = pool().build();
    simulator.change_account(KIM, |account| {
        account
            .attributes
            .insert("sub".to_owned(), "3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned());
    });
    let token = sign_in(&simulator, NOW).text_of("/AuthenticationResult/AccessToken");
    let me = ask(&simulator, "GetUser", &json!({ "AccessToken": token }), NOW);
    let sub = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    let attributes = json!([{ "Name": "sub", "Value": sub }, { "Name": "email", "Value": KIM }]);
    assert_eq!(me.json, json!({ "Username": sub, "UserAttributes": attributes }));
    let unknown = ask(&simulator, "GetUser", &json!({ "AccessToken": "junk" }), NOW);
    refused(&unknown, "NotAuthorizedException", "Invalid Access Token");
}

#[test]
fn a_signed_in_user_sets_up_a_second_factor() {
    let simulator = pool().build();
    let token = sign_in(&simulator, NOW).text_of("/AuthenticationResult/AccessToken");
    let secret = ask(&simulator, "AssociateSoftwareToken", &json!({ "AccessToken": token }), NOW)
        .text_of("/SecretCode");
    assert_eq!(secret.len(), 52);
    let verify = |code: &str| {
        let body = json!({ "AccessToken": token, "UserCode": code });
        ask(&simulator, "VerifySoftwareToken", &body, NOW)
    };
    refused(&verify("000000"), "EnableSoftwareTokenMFAException", "Code mismatch");
    assert_eq!(verify(&code_of(&secret, NOW)).json, json!({ "Status": "SUCCESS" }));
    let me = ask(&simulator, "GetUser", &json!({ "AccessToken": token }), NOW);
    assert_eq!(me.json["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    let asked = sign_in(&simulator, NOW + 30_000);
    assert_eq!(asked.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
    assert!(simulator.issued_secrets().contains(&secret));
}

#[test]
fn a_second_factor_is_set_up_inside_a_sign_in_from_session_to_session() {
    let simulator = pool().build();
    simulator.change_account(KIM, |account| {
        account.attributes.insert("mfa".to_owned(), "MFA_SETUP".to_owned());
    });
    let mut asked = sign_in(&simulator, NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "MFA_SETUP");
    assert_eq!(asked.text_of("/ChallengeParameters/MFAS_CAN_SETUP"), r#"["SOFTWARE_TOKEN_MFA"]"#);
    let early = respond(&simulator, &asked, "IGNORED", "x", NOW);
    assert_eq!(early.text_of("/__type"), "SoftwareTokenMFANotFoundException");
    let session = &asked.json["Session"];
    let associated = ask(&simulator, "AssociateSoftwareToken", &json!({ "Session": session }), NOW);
    let code = code_of(&associated.text_of("/SecretCode"), NOW);
    let body = json!({ "Session": session, "UserCode": code });
    let used = ask(&simulator, "VerifySoftwareToken", &body, NOW);
    refused(
        &used,
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    );
    let body = json!({ "Session": associated.json["Session"], "UserCode": code });
    let verified = ask(&simulator, "VerifySoftwareToken", &body, NOW);
    assert_eq!(verified.text_of("/Status"), "SUCCESS");
    asked.json["Session"] = verified.json["Session"].clone();
    let done = respond(&simulator, &asked, "IGNORED", "x", NOW);
    assert!(done.json["AuthenticationResult"].is_object(), "{}", done.text);
}
