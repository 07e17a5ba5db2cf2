//! The user pool's documented rows, through the simulator without a socket.

mod challenges;
mod custom;
mod devices;
mod enrolment;
mod first_factor;
mod limits;
mod passwords;
mod refreshing;
mod resource;
mod sign_up;
mod srp;
mod wire;

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::secret_hash::secret_hash;
use crate::testing::{Answer, NOW, answer, request};
use crate::totp::{Totp, base32_key};
use crate::{Account, AuthFlow, Cognito, Operation, Simulator};

const KIM: &str = "kim@pool.example";
const PASSWORD: &str = "Canary-cognito-p4ssword!";
const NEW: &str = "new@pool.example";
const MFA: &str = "mfa@pool.example";
const CLIENT: &str = "1canarypoolclient";
const SECRET: &str = "canary-cognito-client-secret";

/// A pool whose client allows the password itself too.
fn pool() -> Cognito {
    Simulator::cognito().allow(AuthFlow::UserPassword)
}

fn ask(simulator: &Simulator, operation: &str, body: &Value, now_ms: i64) -> Answer {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let headers =
        [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    answer(simulator, &request("POST", "/", &headers, &body.to_string()), now_ms)
}

fn hash(name: &str) -> String {
    secret_hash(SECRET, name, CLIENT)
}

fn sign_in_as(simulator: &Simulator, name: &str, password: &str, now_ms: i64) -> Answer {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password, "SECRET_HASH": hash(name) });
    let body = json!({
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": CLIENT, "AuthParameters": parameters,
    });
    ask(simulator, "InitiateAuth", &body, now_ms)
}

fn sign_in(simulator: &Simulator, now_ms: i64) -> Answer {
    sign_in_as(simulator, KIM, PASSWORD, now_ms)
}

/// Answers the challenge of `asked`, under the internal name that it told.
fn respond(simulator: &Simulator, asked: &Answer, key: &str, value: &str, now_ms: i64) -> Answer {
    respond_with(simulator, asked, &json!({ key: value }), now_ms)
}

fn respond_with(simulator: &Simulator, asked: &Answer, answers: &Value, now_ms: i64) -> Answer {
    let name = asked.text_of("/ChallengeParameters/USER_ID_FOR_SRP");
    let mut responses = answers.clone();
    responses["USERNAME"] = json!(name);
    responses["SECRET_HASH"] = json!(hash(&name));
    let body = json!({
        "ClientId": CLIENT,
        "ChallengeName": asked.json["ChallengeName"],
        "Session": asked.json["Session"],
        "ChallengeResponses": responses,
    });
    ask(simulator, "RespondToAuthChallenge", &body, now_ms)
}

fn refused(answer: &Answer, name: &str, text: &str) {
    assert_eq!((answer.status, &answer.json), (400, &json!({ "__type": name, "message": text })));
    assert_eq!(answer.head.headers()["x-amzn-errortype"], format!("{name}:"));
}

fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(middle.as_bytes()).unwrap()).unwrap()
}

fn code(simulator: &Simulator, identity: &str, now_ms: i64) -> String {
    let secret = simulator.account_of(identity).unwrap().totp_secret.unwrap();
    code_of(&secret, now_ms)
}

fn code_of(secret: &str, now_ms: i64) -> String {
    let totp = Totp::default();
    totp.code(&base32_key(secret).unwrap(), totp.step(now_ms))
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_sign_in_gives_three_tokens_and_relative_seconds() {
    let simulator = pool().access_life(Duration::from_secs(300)).build();
    let signed_in = sign_in(&simulator, NOW);
    assert_eq!(signed_in.status, 200);
    assert_eq!(members(&signed_in.json), ["AuthenticationResult", "ChallengeParameters"]);
    let result = &signed_in.json["AuthenticationResult"];
    assert_eq!(
        members(result),
        ["AccessToken", "ExpiresIn", "IdToken", "RefreshToken", "TokenType"]
    );
    assert_eq!((&result["ExpiresIn"], &result["TokenType"]), (&json!(300), &json!("Bearer")));
    assert_eq!(signed_in.head.headers()["content-type"], "application/x-amz-json-1.1");
    assert_eq!(signed_in.head.headers()["x-amzn-requestid"].len(), 36);
}

#[test]
fn tokens_have_the_claims_of_the_pool_and_an_internal_name() {
    let simulator = pool().build();
    let signed_in = sign_in(&simulator, NOW);
    let access = claims(&signed_in.text_of("/AuthenticationResult/AccessToken"));
    assert_eq!(access["token_use"], "access");
    assert_eq!(access["client_id"], CLIENT);
    assert_eq!(access["scope"], "aws.cognito.signin.user.admin");
    assert_eq!(access["iss"], "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_CanaryPool");
    assert_eq!((&access["iat"], &access["exp"]), (&json!(NOW / 1000), &json!(NOW / 1000 + 3600)));
    assert_eq!(access["username"], access["sub"]);
    assert_ne!(access["username"], KIM);
    let id = claims(&signed_in.text_of("/AuthenticationResult/IdToken"));
    assert_eq!((&id["token_use"], &id["aud"]), (&json!("id"), &json!(CLIENT)));
    assert_eq!((&id["email"], &id["cognito:username"]), (&json!(KIM), &access["username"]));
    assert_eq!(id["origin_jti"], access["origin_jti"]);
    let typed = pool().names_as_typed().build();
    let token = sign_in(&typed, NOW).text_of("/AuthenticationResult/AccessToken");
    assert_eq!(claims(&token)["username"], KIM);
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_told_apart_unless_hidden() {
    let incorrect = "Incorrect username or password.";
    let simulator = pool().build();
    let wrong = sign_in_as(&simulator, KIM, "wrong", NOW);
    refused(&wrong, "NotAuthorizedException", incorrect);
    let unknown = sign_in_as(&simulator, "who", PASSWORD, NOW);
    refused(&unknown, "UserNotFoundException", "User does not exist.");
    let hiding = pool().hide_unknown_users().build();
    refused(&sign_in_as(&hiding, "who", PASSWORD, NOW), "NotAuthorizedException", incorrect);
    assert_eq!(simulator.totals().refused_of(Operation::SIGN_IN), 2);
}

#[test]
fn users_who_may_not_sign_in_have_exceptions_of_their_own() {
    let simulator = pool().build();
    let user = |name: &str| Account::user(name, PASSWORD);
    for (account, name, text) in [
        (user("a").disabled(), "NotAuthorizedException", "User is disabled."),
        (user("b").unverified(), "UserNotConfirmedException", "User is not confirmed."),
        (
            user("c").attribute("reset_required", "true"),
            "PasswordResetRequiredException",
            "Password reset required for the user",
        ),
        (
            user("d").must_change_password().attribute("temporary_password_until_s", "1893456000"),
            "NotAuthorizedException",
            "Temporary password has expired and must be reset by an administrator.",
        ),
        (
            user("e").attribute("error", "UserLambdaValidationException: PreAuth said no"),
            "UserLambdaValidationException",
            "PreAuth said no",
        ),
    ] {
        let identity = account.identity.clone();
        simulator.add_account(account);
        refused(&sign_in_as(&simulator, &identity, PASSWORD, NOW), name, text);
    }
    let other =
        user("f").attribute("error", "InternalErrorException").attribute("error_on", "GetUser");
    simulator.add_account(other);
    assert_eq!(sign_in_as(&simulator, "f", PASSWORD, NOW).status, 200);
}

#[test]
fn the_fifth_wrong_password_locks_and_each_further_one_twice_as_long() {
    let simulator = pool().build();
    let attempt = |password: &str, now_ms: i64| {
        sign_in_as(&simulator, KIM, password, now_ms).json["message"].as_str().map(str::to_owned)
    };
    let incorrect = Some("Incorrect username or password.".to_owned());
    let exceeded = Some("Password attempts exceeded".to_owned());
    for _ in 0..5 {
        assert_eq!(attempt("wrong", NOW), incorrect);
    }
    assert_eq!(attempt("wrong", NOW + 999), exceeded);
    assert_eq!(attempt(PASSWORD, NOW + 999), exceeded, "the right one is not told either");
    assert_eq!(attempt("wrong", NOW + 1000), incorrect, "what came meanwhile extended nothing");
    assert_eq!(attempt(PASSWORD, NOW + 2999), exceeded);
    assert_eq!(attempt("wrong", NOW + 3000), incorrect);
    assert_eq!(attempt(PASSWORD, NOW + 6999), exceeded);
    assert_eq!(attempt(PASSWORD, NOW + 7000), None);
    assert_eq!(simulator.account().failed_attempts, 0);
}

#[test]
fn a_lockout_ends_after_fifteen_minutes_at_most_and_so_does_the_count() {
    let simulator = pool().build();
    simulator.change_account(KIM, |account| account.failed_attempts = 30);
    let _wrong = sign_in_as(&simulator, KIM, "wrong", NOW);
    assert_eq!(simulator.account().locked_until_ms, Some(NOW + 900_000));
    assert_eq!(sign_in(&simulator, NOW + 899_999).status, 400);
    let _wrong = sign_in_as(&simulator, KIM, "wrong", NOW + 900_000);
    assert_eq!(simulator.account().failed_attempts, 1);
}
