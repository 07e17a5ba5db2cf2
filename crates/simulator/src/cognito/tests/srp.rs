//! Signing in by SRP, with a client's arithmetic of the tests' own.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use num_bigint::BigUint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::timestamp;
use super::{CLIENT, KIM, MFA, NEW, PASSWORD, ask, code, hash, members, refused, respond};
use crate::testing::{Answer, NOW};
use crate::{Account, Simulator};

const INCORRECT: &str = "Incorrect username or password.";
const DAY: i64 = 86_400_000;

/// One client in the middle of a proof, by the formulas of the fact sheet.
pub(super) struct Prover {
    small_a: BigUint,
    large_a: BigUint,
    group: String,
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
}

fn prime() -> BigUint {
    super::super::srp::prime().clone()
}

fn padded(number: &BigUint) -> Vec<u8> {
    let hex = number.to_str_radix(16);
    let even = if hex.len() % 2 == 1 { format!("0{hex}") } else { hex };
    let signed = if "89abcdef".contains(&even[..1]) { format!("00{even}") } else { even };
    data_encoding::HEXLOWER.decode(signed.as_bytes()).unwrap()
}

fn digest(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_be(&Sha256::digest(parts.concat()))
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

impl Prover {
    /// With the second part of the pool's id, or the key of a device's group.
    pub(super) fn new(group: &str) -> Self {
        let small_a = number(&"0123456789abcdef".repeat(16));
        let large_a = BigUint::from(2_u8).modpow(&small_a, &prime());
        Self { small_a, large_a, group: group.to_owned() }
    }

    pub(super) fn srp_a(&self) -> String {
        self.large_a.to_str_radix(16)
    }

    /// The answers to the challenge, signed over the time as the service would write it.
    pub(super) fn answers(&self, asked: &Answer, name: &str, password: &str, time: &str) -> Value {
        let parameter = |name: &str| asked.text_of(&format!("/ChallengeParameters/{name}"));
        let (n, g) = (prime(), BigUint::from(2_u8));
        let (salt, b) = (number(&parameter("SALT")), number(&parameter("SRP_B")));
        let k = digest(&[&padded(&n), &[2]]);
        let u = digest(&[&padded(&self.large_a), &padded(&b)]);
        let inner = Sha256::digest(format!("{}{name}:{password}", self.group));
        let x = digest(&[&padded(&salt), &inner]);
        let base = (b + &n * &k - k * g.modpow(&x, &n)) % &n;
        let shared = base.modpow(&(&self.small_a + &u * x), &n);
        let extracted = mac(&padded(&u), &padded(&shared));
        let key = &mac(&extracted, b"Caldera Derived Key\x01")[..16];
        let block = parameter("SECRET_BLOCK");
        let raw = BASE64.decode(block.as_bytes()).unwrap();
        let signed = [self.group.as_bytes(), name.as_bytes(), &raw, time.as_bytes()].concat();
        json!({
            "PASSWORD_CLAIM_SIGNATURE": BASE64.encode(&mac(key, &signed)),
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "TIMESTAMP": time,
        })
    }
}

/// `USER_SRP_AUTH` of the default pool.
pub(super) fn start(simulator: &Simulator, name: &str, now_ms: i64) -> (Prover, Answer) {
    let prover = Prover::new("CanaryPool");
    let body = json!({
        "AuthFlow": "USER_SRP_AUTH", "ClientId": CLIENT, "AuthParameters":
            { "USERNAME": name, "SRP_A": prover.srp_a(), "SECRET_HASH": hash(name) },
    });
    let asked = ask(simulator, "InitiateAuth", &body, now_ms);
    (prover, asked)
}

/// The proof of that password, given at the right time.
pub(super) fn prove(
    simulator: &Simulator,
    (prover, asked): &(Prover, Answer),
    password: &str,
    now_ms: i64,
) -> Answer {
    prove_at(simulator, (prover, asked), password, &timestamp::at(now_ms), now_ms)
}

/// The same from a device.
pub(super) fn prove_from(
    simulator: &Simulator,
    (prover, asked): &(Prover, Answer),
    password: &str,
    device_key: Option<&str>,
    now_ms: i64,
) -> Answer {
    let name = asked.text_of("/ChallengeParameters/USER_ID_FOR_SRP");
    let mut answers = prover.answers(asked, &name, password, &timestamp::at(now_ms));
    answers["DEVICE_KEY"] = json!(device_key);
    send(simulator, asked, answers, now_ms)
}

fn prove_at(
    simulator: &Simulator,
    (prover, asked): (&Prover, &Answer),
    password: &str,
    time: &str,
    now_ms: i64,
) -> Answer {
    let name = asked.text_of("/ChallengeParameters/USER_ID_FOR_SRP");
    send(simulator, asked, prover.answers(asked, &name, password, time), now_ms)
}

fn send(simulator: &Simulator, asked: &Answer, mut answers: Value, now_ms: i64) -> Answer {
    let name = asked.text_of("/ChallengeParameters/USER_ID_FOR_SRP");
    answers["USERNAME"] = json!(name);
    answers["SECRET_HASH"] = json!(hash(&name));
    let mut body = json!({
        "ClientId": CLIENT, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers,
    });
    if let Some(session) = asked.json.get("Session") {
        body["Session"] = session.clone();
    }
    ask(simulator, "RespondToAuthChallenge", &body, now_ms)
}

#[test]
fn a_password_is_proved_without_being_sent_and_without_a_session() {
    let simulator = Simulator::cognito().build();
    let (prover, asked) = start(&simulator, KIM, NOW);
    assert_eq!(asked.text_of("/ChallengeName"), "PASSWORD_VERIFIER");
    assert_eq!(members(&asked.json), ["ChallengeName", "ChallengeParameters"]);
    let parameters = ["SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"];
    assert_eq!(members(&asked.json["ChallengeParameters"]), parameters);
    let name = asked.text_of("/ChallengeParameters/USERNAME");
    assert_ne!(name, KIM, "the internal name");
    let asked = (prover, asked);
    let signed_in = prove(&simulator, &asked, PASSWORD, NOW);
    assert!(
        signed_in.json["AuthenticationResult"]["AccessToken"].is_string(),
        "{}",
        signed_in.text
    );
    refused(
        &prove(&simulator, &asked, PASSWORD, NOW),
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    );
    let (_, again) = start(&simulator, KIM, NOW);
    let salt = "/ChallengeParameters/SALT";
    assert_eq!(again.text_of(salt), asked.1.text_of(salt), "one salt for one user");
    assert_ne!(
        again.json["ChallengeParameters"]["SRP_B"],
        asked.1.json["ChallengeParameters"]["SRP_B"]
    );
}

#[test]
fn a_wrong_password_is_refused_and_counted_and_the_right_one_still_taken() {
    let simulator = Simulator::cognito().build();
    let asked = start(&simulator, KIM, NOW);
    for _ in 0..4 {
        let wrong = prove(&simulator, &asked, "wrong", NOW);
        refused(&wrong, "NotAuthorizedException", INCORRECT);
    }
    assert_eq!(simulator.account().failed_attempts, 4);
    assert_eq!(prove(&simulator, &asked, PASSWORD, NOW).status, 200);
    assert_eq!(simulator.account().failed_attempts, 0);
}

#[test]
fn a_lockout_holds_for_proofs_too() {
    let simulator = Simulator::cognito().build();
    let asked = start(&simulator, KIM, NOW);
    for _ in 0..5 {
        let _wrong = prove(&simulator, &asked, "wrong", NOW);
    }
    let locked = prove(&simulator, &asked, PASSWORD, NOW + 999);
    refused(&locked, "NotAuthorizedException", "Password attempts exceeded");
    assert_eq!(prove(&simulator, &asked, PASSWORD, NOW + 1000).status, 200);
}

#[test]
fn the_time_is_written_unpadded_and_in_english_and_is_near() {
    let simulator = Simulator::cognito().build();
    // 2 January 2030, a day of one digit.
    let now = NOW + DAY;
    let (prover, asked) = start(&simulator, KIM, now);
    let attempt = |time: &str| prove_at(&simulator, (&prover, &asked), PASSWORD, time, now);
    assert_eq!(timestamp::at(now), "Wed Jan 2 00:00:00 UTC 2030");
    for time in ["Wed Jan 02 00:00:00 UTC 2030", "Tue Jan 2 00:00:00 UTC 2030"] {
        refused(&attempt(time), "NotAuthorizedException", INCORRECT);
    }
    for time in ["2030-01-02T00:00:00Z", "Mi Jan. 2 00:00:00 UTC 2030"] {
        refused(
            &attempt(time),
            "InvalidParameterException",
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
        );
    }
    for seconds in [-181, 181] {
        let far = timestamp::at(now + seconds * 1000);
        refused(&attempt(&far), "NotAuthorizedException", INCORRECT);
    }
    simulator.change_account(KIM, |account| account.failed_attempts = 0);
    simulator.change_account(KIM, |account| account.locked_until_ms = None);
    assert_eq!(attempt(&timestamp::at(now + 180_000)).status, 200);
    let strict = Simulator::cognito().srp_window(Duration::from_secs(5)).build();
    let (prover, asked) = start(&strict, KIM, now);
    let late = timestamp::at(now + 6000);
    let answer = prove_at(&strict, (&prover, &asked), PASSWORD, &late, now);
    refused(&answer, "NotAuthorizedException", INCORRECT);
}

#[test]
fn what_a_proof_lacks_is_named_in_order() {
    let simulator = Simulator::cognito().build();
    let (prover, asked) = start(&simulator, KIM, NOW);
    let name = asked.text_of("/ChallengeParameters/USERNAME");
    let whole = prover.answers(&asked, &name, PASSWORD, &timestamp::at(NOW));
    for lacking in ["TIMESTAMP", "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK"] {
        let mut answers = whole.clone();
        answers[lacking] = Value::Null;
        let text = format!("Missing required parameter {lacking}");
        refused(&send(&simulator, &asked, answers, NOW), "InvalidParameterException", &text);
    }
    let none = json!({ "ClientId": CLIENT, "ChallengeName": "PASSWORD_VERIFIER" });
    refused(
        &ask(&simulator, "RespondToAuthChallenge", &none, NOW),
        "InvalidParameterException",
        "Missing required parameter challenge responses.",
    );
    let mut answers = whole.clone();
    answers["PASSWORD_CLAIM_SIGNATURE"] = json!("no base64!");
    refused(
        &send(&simulator, &asked, answers, NOW),
        "InvalidParameterException",
        "Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.",
    );
    let mut answers = whole;
    answers["PASSWORD_CLAIM_SECRET_BLOCK"] = json!("bmV2ZXIgaXNzdWVk");
    refused(&send(&simulator, &asked, answers, NOW), "NotAuthorizedException", INCORRECT);
}

#[test]
fn a_public_number_is_hex_and_no_multiple_of_the_prime() {
    let simulator = Simulator::cognito().build();
    let with = |srp_a: Value| {
        let body = json!({
            "AuthFlow": "USER_SRP_AUTH", "ClientId": CLIENT,
            "AuthParameters": { "USERNAME": KIM, "SECRET_HASH": hash(KIM), "SRP_A": srp_a },
        });
        ask(&simulator, "InitiateAuth", &body, NOW)
    };
    let name = "InvalidParameterException";
    refused(&with(Value::Null), name, "Missing required parameter SRP_A");
    assert!(with(json!("xyz")).text_of("/message").contains("'xyz' at 'sRPA'"));
    for multiple in ["0".to_owned(), "00".to_owned(), prime().to_str_radix(16)] {
        refused(&with(json!(multiple)), name, "Invalid SRP_A");
    }
}

#[test]
fn an_unknown_user_is_told_or_gets_a_challenge_that_nobody_answers() {
    let simulator = Simulator::cognito().build();
    let (_, asked) = start(&simulator, "who", NOW);
    refused(&asked, "UserNotFoundException", "User does not exist.");
    let hiding = Simulator::cognito().hide_unknown_users().build();
    let (asked, known) = (start(&hiding, "who", NOW), start(&hiding, KIM, NOW));
    assert_eq!(members(&asked.1.json), members(&known.1.json));
    assert_eq!(
        members(&asked.1.json["ChallengeParameters"]),
        members(&known.1.json["ChallengeParameters"])
    );
    let salt = "/ChallengeParameters/SALT";
    assert_eq!(start(&hiding, "who", NOW).1.text_of(salt), asked.1.text_of(salt));
    for password in [PASSWORD, "nobody's", ""] {
        let answer = prove(&hiding, &asked, password, NOW);
        refused(&answer, "NotAuthorizedException", INCORRECT);
    }
}

#[test]
fn users_who_may_not_sign_in_are_told_before_their_proof() {
    let simulator = Simulator::cognito().build();
    for (account, name, text) in [
        (Account::user("a", PASSWORD).disabled(), "NotAuthorizedException", "User is disabled."),
        (
            Account::user("b", PASSWORD).unverified(),
            "UserNotConfirmedException",
            "User is not confirmed.",
        ),
    ] {
        let identity = account.identity.clone();
        simulator.add_account(account);
        refused(&start(&simulator, &identity, NOW).1, name, text);
    }
    simulator.add_account(Account::user("c", PASSWORD).attribute("reset_required", "true"));
    let asked = start(&simulator, "c", NOW);
    refused(&prove(&simulator, &asked, "wrong", NOW), "NotAuthorizedException", INCORRECT);
    refused(
        &prove(&simulator, &asked, PASSWORD, NOW),
        "PasswordResetRequiredException",
        "Password reset required for the user",
    );
}

#[test]
fn challenges_follow_a_proof_with_sessions_of_their_own() {
    let simulator = Simulator::cognito().build();
    let asked = start(&simulator, MFA, NOW);
    let second = prove(&simulator, &asked, "Canary-cognito-mfa-p4ssword!", NOW);
    assert_eq!(second.text_of("/ChallengeName"), "SOFTWARE_TOKEN_MFA");
    let code = code(&simulator, MFA, NOW);
    let done = respond(&simulator, &second, "SOFTWARE_TOKEN_MFA_CODE", &code, NOW);
    assert!(done.json["AuthenticationResult"].is_object());
    let asked = start(&simulator, NEW, NOW);
    let second = prove(&simulator, &asked, "Canary-cognito-t3mporary!", NOW);
    assert_eq!(second.text_of("/ChallengeName"), "NEW_PASSWORD_REQUIRED");
    let done = respond(&simulator, &second, "NEW_PASSWORD", "Canary-ch0sen!", NOW);
    assert!(done.json["AuthenticationResult"].is_object());
    let asked = start(&simulator, NEW, NOW);
    assert_eq!(prove(&simulator, &asked, "Canary-ch0sen!", NOW).status, 200);
}

#[test]
fn a_proof_comes_in_time_or_not_at_all() {
    let simulator = Simulator::cognito().build();
    let asked = start(&simulator, KIM, NOW);
    refused(
        &prove(&simulator, &asked, PASSWORD, NOW + 180_000),
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
    );
    assert_eq!(prove(&simulator, &asked, PASSWORD, NOW + 179_999).status, 200);
}

#[test]
fn a_block_is_of_one_user() {
    let simulator = Simulator::cognito().build();
    let (prover, asked) = start(&simulator, KIM, NOW);
    let (_, other) = start(&simulator, MFA, NOW);
    let name = other.text_of("/ChallengeParameters/USERNAME");
    let answers = prover.answers(&asked, &name, PASSWORD, &timestamp::at(NOW));
    let answer = send(&simulator, &other, answers, NOW);
    refused(&answer, "NotAuthorizedException", "Invalid session for the user.");
}

#[test]
fn values_with_leading_zeros_are_made_on_request() {
    let simulator = Simulator::cognito().srp_leading_zeros().build();
    let asked = start(&simulator, KIM, NOW);
    let told = |asked: &(Prover, Answer), name: &str| {
        asked.1.text_of(&format!("/ChallengeParameters/{name}"))
    };
    assert!(told(&asked, "SALT").len() <= 28);
    let public_b = told(&asked, "SRP_B");
    assert!(public_b.len() == 768 && public_b.starts_with("00"), "{public_b}");
    assert_eq!(prove(&simulator, &asked, PASSWORD, NOW).status, 200);
    let fixed = Simulator::cognito().build();
    fixed.change_account(KIM, |account| {
        account.attributes.insert("srp_salt".to_owned(), "0012".to_owned());
    });
    let asked = start(&fixed, KIM, NOW);
    assert_eq!(told(&asked, "SALT"), "0012");
    assert_eq!(prove(&fixed, &asked, PASSWORD, NOW).status, 200);
}
