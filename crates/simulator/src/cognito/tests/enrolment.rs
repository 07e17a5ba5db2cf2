//! The signed-in user, and setting up a second factor.

use serde_json::{Value, json};

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
    for odd in ["12345", "123 456", "abcdef"] {
        assert_eq!(verify(odd).text_of("/__type"), "InvalidParameterException", "{odd}");
    }
    assert_eq!(verify(&code_of(&secret, NOW)).json, json!({ "Status": "SUCCESS" }));
    assert!(sign_in(&simulator, NOW).json["AuthenticationResult"].is_object(), "not yet asked for");
    let prefer = json!({
        "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true },
    });
    let preferred = ask(&simulator, "SetUserMFAPreference", &prefer, NOW);
    assert_eq!((preferred.status, preferred.text.as_str()), (200, "{}"));
    let me = ask(&simulator, "GetUser", &json!({ "AccessToken": token }), NOW);
    assert_eq!(me.json["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    assert_eq!(me.json["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");
    let asked = sign_in(&simulator, NOW + 30_000);
    assert_eq!(asked.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
    let off = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": false } });
    assert_eq!(ask(&simulator, "SetUserMFAPreference", &off, NOW).status, 200);
    assert!(sign_in(&simulator, NOW).json["AuthenticationResult"].is_object());
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

#[test]
fn a_preference_is_of_factors_that_the_user_has() {
    let simulator = pool().build();
    let token = sign_in(&simulator, NOW).text_of("/AuthenticationResult/AccessToken");
    let prefer = |mut settings: Value| {
        settings["AccessToken"] = json!(token);
        ask(&simulator, "SetUserMFAPreference", &settings, NOW)
    };
    let on = json!({ "Enabled": true, "PreferredMfa": true });
    let name = "InvalidParameterException";
    refused(
        &prefer(json!({ "SoftwareTokenMfaSettings": on })),
        name,
        "User has not verified software token mfa",
    );
    refused(
        &prefer(json!({ "SMSMfaSettings": on })),
        name,
        "User does not have delivery config set to turn on SMS_MFA",
    );
    let off = json!({ "Enabled": false, "PreferredMfa": true });
    assert_eq!(prefer(json!({ "EmailMfaSettings": off })).text_of("/__type"), name);
    simulator.change_account(KIM, |account| {
        account.attributes.insert("user.phone_number".to_owned(), "+15550123".to_owned());
    });
    let both = json!({ "SMSMfaSettings": on, "EmailMfaSettings": on });
    assert_eq!(prefer(both).text_of("/__type"), name, "two cannot be preferred");
    let unsaid = json!({ "Enabled": true });
    assert_eq!(prefer(json!({ "SMSMfaSettings": unsaid, "EmailMfaSettings": unsaid })).status, 200);
    let asked = sign_in(&simulator, NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "SELECT_MFA_TYPE");
    let choices = asked.text_of("/ChallengeParameters/MFAS_CAN_CHOOSE");
    assert_eq!(choices, r#"["SMS_MFA","EMAIL_OTP"]"#);
    assert_eq!(prefer(json!({ "EmailMfaSettings": on })).status, 200);
    assert_eq!(sign_in(&simulator, NOW).text_of("/ChallengeName"), "EMAIL_OTP");
    assert_eq!(prefer(json!({ "EmailMfaSettings": { "Enabled": false } })).status, 200);
    assert_eq!(sign_in(&simulator, NOW).text_of("/ChallengeName"), "SMS_MFA");
}

#[test]
fn a_pool_that_requires_a_factor_has_one_set_up_and_keeps_the_last() {
    let simulator = pool().require_mfa().build();
    let mut asked = sign_in(&simulator, NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "MFA_SETUP");
    let body = json!({ "Session": asked.json["Session"] });
    let associated = ask(&simulator, "AssociateSoftwareToken", &body, NOW);
    let secret = associated.text_of("/SecretCode");
    let verify = |code: &str| {
        let body = json!({ "Session": associated.json["Session"], "UserCode": code });
        ask(&simulator, "VerifySoftwareToken", &body, NOW)
    };
    refused(&verify("000000"), "EnableSoftwareTokenMFAException", "Code mismatch");
    asked.json["Session"] = verify(&code_of(&secret, NOW)).json["Session"].clone();
    let done = respond(&simulator, &asked, "IGNORED", "x", NOW);
    let token = done.text_of("/AuthenticationResult/AccessToken");
    let next = sign_in(&simulator, NOW);
    assert_eq!(next.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
    refused(
        &respond(&simulator, &next, "SOFTWARE_TOKEN_MFA_CODE", &code_of(&secret, NOW), NOW),
        "ExpiredCodeException",
        "Your software token has already been used once.",
    );
    let off = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": false } });
    let kept = ask(&simulator, "SetUserMFAPreference", &off, NOW);
    assert_eq!(kept.text_of("/__type"), "InvalidParameterException");
}

#[test]
fn an_address_is_set_up_where_the_pool_offers_it() {
    let simulator = pool().require_mfa().mfa_setup_by_email().build();
    let asked = sign_in(&simulator, NOW);
    let offered = asked.text_of("/ChallengeParameters/MFAS_CAN_SETUP");
    assert_eq!(offered, r#"["SOFTWARE_TOKEN_MFA","EMAIL_OTP"]"#);
    let odd = respond(&simulator, &asked, "EMAIL", "nowhere", NOW);
    refused(&odd, "InvalidParameterException", "Invalid email address format.");
    let asked = respond(&simulator, &asked, "EMAIL", "other@pool.example", NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "EMAIL_OTP");
    assert_eq!(asked.text_of("/ChallengeParameters/CODE_DELIVERY_DESTINATION"), "o***@p***");
    let code = simulator.delivered(KIM).unwrap();
    let done = respond(&simulator, &asked, "EMAIL_OTP_CODE", &code, NOW);
    assert!(done.json["AuthenticationResult"].is_object());
    assert_eq!(sign_in(&simulator, NOW).text_of("/ChallengeName"), "EMAIL_OTP");
}
