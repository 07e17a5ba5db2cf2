//! SRP over vectors that pycognito made (`tests/independent/srp_vectors.py`): what the adapter sends is
//! compared with what pycognito sends, byte for byte.

use std::collections::BTreeMap;

use countersign_cognito::Cognito;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{
    Ambient, AuthProvider, Credentials, Memo, Operation, Outcome, SecretBytes, Seed, Timestamp,
};
use data_encoding::BASE64;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{ok, var};

/// The least that a run must have seen.
const LEAST: usize = 500;

#[derive(Deserialize)]
struct Vector {
    seed: String,
    now: i64,
    identity: String,
    user_id: String,
    password: String,
    client_secret: Option<String>,
    salt: String,
    srp_b: String,
    secret_block: String,
    leading_zeros_in: String,
    auth_parameters: Value,
    challenge_responses: Value,
}

#[test]
#[ignore = "needs vectors of pycognito, made by cargo xtask independent"]
fn p24_vectors_with_leading_zeros_made_by_pycognito_pass() {
    let lines = std::fs::read_to_string(var("COUNTERSIGN_SRP_VECTORS")).unwrap();
    let mut seen = BTreeMap::<String, usize>::new();
    for (number, line) in lines.lines().enumerate() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let what = format!("vector {number}, zeros in {}", vector.leading_zeros_in);
        let (begun, proved) = both_steps(&vector);
        assert_eq!(begun["AuthParameters"], vector.auth_parameters, "{what}");
        assert_eq!(proved["ChallengeResponses"], vector.challenge_responses, "{what}");
        *seen.entry(vector.leading_zeros_in).or_default() += 1;
    }
    let total: usize = seen.values().sum();
    assert!(total >= LEAST, "{total} vectors only");
    assert!(["s", "salt", "srp_b", "u"].iter().all(|kind| seen.contains_key(*kind)), "{seen:?}");
    ok("pycognito", "SRP vectors", &format!("{total} with leading zeros: {seen:?}"));
}

/// The bodies of both requests of a sign-in, as the adapter builds them.
fn both_steps(vector: &Vector) -> (Value, Value) {
    let pool = Cognito::pool("eu-west-1_AbCdEfGhI", "1example23456789").unwrap();
    let seed = Seed::new(SecretBytes::new(BASE64.decode(vector.seed.as_bytes()).unwrap()));
    let credentials = Credentials::password(vector.identity.clone(), vector.password.clone());
    let credentials = match &vector.client_secret {
        Some(secret) => credentials.with_client_secret(secret.clone()),
        None => credentials,
    };
    let ambient = Ambient {
        now: Timestamp::from_seconds(vector.now),
        seed: &seed,
        credentials: &credentials,
        tokens: None,
        memo: &Memo::default(),
    };
    let begun = pool.request(&Operation::SignIn, &ambient).unwrap();
    let asked = json!({
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "USERNAME": vector.user_id,
            "USER_ID_FOR_SRP": vector.user_id,
            "SALT": vector.salt,
            "SRP_B": vector.srp_b,
            "SECRET_BLOCK": vector.secret_block,
        },
    });
    let asked = SecretBytes::new(asked.to_string().into_bytes());
    let asked = HttpResponse::new(StatusCode::OK, HeaderMap::new(), asked);
    let outcome = pool.interpret(&Operation::SignIn, &asked, &ambient).unwrap();
    let Outcome::Continue(continuation, _) = outcome else { panic!("{outcome:?}") };
    let next = Operation::Continue { of: Box::new(Operation::SignIn), continuation };
    let proved = pool.request(&next, &ambient).unwrap();
    (body(&begun), body(&proved))
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().expose_bytes()).unwrap()
}
