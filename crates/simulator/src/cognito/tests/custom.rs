//! `CUSTOM_AUTH`, by itself and after a proof of the password.

use serde_json::{Value, json};

use super::super::timestamp;
use super::srp::{Prover, prove};
use super::{CLIENT, KIM, PASSWORD, ask, hash, members, refused, respond};
use crate::Simulator;
use crate::testing::{Answer, NOW};

const INCORRECT: &str = "Incorrect username or password.";

fn with_custom(tries: &str) -> Simulator {
    let simulator = Simulator::cognito().build();
    simulator.change_account(KIM, |account| {
        for (name, value) in [
            ("custom_answer", "canary-answer"),
            ("custom_attempts", tries),
            ("custom.hint", "canary-hint"),
            ("mfa", "SMS_MFA"),
        ] {
            account.attributes.insert(name.to_owned(), value.to_owned());
        }
    });
    simulator
}

fn begin(simulator: &Simulator, mut parameters: Value, name: &str) -> Answer {
    parameters["USERNAME"] = json!(name);
    parameters["SECRET_HASH"] = json!(hash(name));
    let body =
        json!({ "AuthFlow": "CUSTOM_AUTH", "ClientId": CLIENT, "AuthParameters": parameters });
    ask(simulator, "InitiateAuth", &body, NOW)
}

#[test]
fn a_custom_challenge_shows_its_parameters_and_is_tried_as_often_as_set() {
    let simulator = with_custom("2");
    let first = begin(&simulator, json!({}), KIM);
    assert_eq!(first.text_of("/ChallengeName"), "CUSTOM_CHALLENGE");
    assert_eq!(
        members(&first.json["ChallengeParameters"]),
        ["USERNAME", "USER_ID_FOR_SRP", "hint"]
    );
    let second = respond(&simulator, &first, "ANSWER", "no", NOW);
    assert_eq!(second.text_of("/ChallengeName"), "CUSTOM_CHALLENGE");
    assert_ne!(second.json["Session"], first.json["Session"]);
    let used = respond(&simulator, &first, "ANSWER", "canary-answer", NOW);
    assert!(used.text_of("/message").contains("only be used once"));
    refused(
        &respond(&simulator, &second, "ANSWER", "no", NOW),
        "NotAuthorizedException",
        INCORRECT,
    );
    let used = respond(&simulator, &second, "ANSWER", "canary-answer", NOW);
    assert!(used.text_of("/message").contains("only be used once"));
    let again = begin(&simulator, json!({}), KIM);
    let done = respond(&simulator, &again, "ANSWER", "canary-answer", NOW);
    assert!(done.json["AuthenticationResult"].is_object(), "no second factor: the owner decides");
}

#[test]
fn the_password_is_proved_first_where_the_client_says_so() {
    let simulator = with_custom("1");
    let prover = Prover::new("CanaryPool");
    let with_proof = json!({ "CHALLENGE_NAME": "SRP_A", "SRP_A": prover.srp_a() });
    let asked = begin(&simulator, with_proof, KIM);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD_VERIFIER");
    assert!(asked.json["Session"].is_string());
    let name = asked.text_of("/ChallengeParameters/USERNAME");
    let mut answers = prover.answers(&asked, &name, PASSWORD, &timestamp::at(NOW));
    answers["USERNAME"] = json!(name);
    answers["SECRET_HASH"] = json!(hash(&name));
    let body = json!({
        "ClientId": CLIENT, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers,
    });
    refused(
        &ask(&simulator, "RespondToAuthChallenge", &body, NOW),
        "InvalidParameterException",
        "Missing required parameter Session",
    );
    let asked = (prover, asked);
    refused(&prove(&simulator, &asked, "no", NOW), "NotAuthorizedException", INCORRECT);
    let next = prove(&simulator, &asked, PASSWORD, NOW);
    assert_eq!(next.text_of("/ChallengeName"), "CUSTOM_CHALLENGE");
    let done = respond(&simulator, &next, "ANSWER", "canary-answer", NOW);
    assert!(done.json["AuthenticationResult"].is_object());
    let without = begin(&simulator, json!({ "CHALLENGE_NAME": "SRP_A" }), KIM);
    refused(&without, "InvalidParameterException", "Missing required parameter SRP_A");
}

#[test]
fn a_pool_without_custom_challenges_says_so_and_a_hidden_user_is_asked_in_vain() {
    let simulator = Simulator::cognito().build();
    refused(
        &begin(&simulator, json!({}), KIM),
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    );
    let unknown = begin(&simulator, json!({}), "who");
    refused(&unknown, "UserNotFoundException", "User does not exist.");
    let hiding = Simulator::cognito().hide_unknown_users().build();
    let asked = begin(&hiding, json!({}), "who");
    assert_eq!(asked.text_of("/ChallengeName"), "CUSTOM_CHALLENGE");
    let answered = respond(&hiding, &asked, "ANSWER", "anything", NOW);
    refused(&answered, "NotAuthorizedException", INCORRECT);
}
