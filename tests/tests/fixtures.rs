//! Every fixture against its adapter, and every adapter against its own claims.

use countersign_core::{
    Ambient, Answers, Challenge, ChallengeKind, Continuation, Credentials, ErrorKind, Memo,
    Operation, RefreshSupport, RevokeSupport, SecretBytes, SecretString, Seed, Timestamp,
    http::HttpResponse,
};
use countersign_tests::fixtures;
use http::{HeaderMap, StatusCode};

#[test]
fn every_fixture_holds() {
    let cases = match fixtures::load_all(&fixtures::root()) {
        Ok(cases) => cases,
        Err(failures) => panic!("{}", listed(&failures)),
    };
    assert!(!cases.is_empty(), "no fixture was found");
    let failures: Vec<_> = cases.iter().filter_map(|case| case.run().err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} fail\n{}",
        failures.len(),
        cases.len(),
        listed(&failures)
    );
    println!("{} fixtures hold", cases.len());
}

#[test]
fn every_adapter_has_fixtures_and_every_title_is_told_once() {
    let cases = fixtures::load_all(&fixtures::root()).unwrap();
    for entry in fixtures::providers() {
        let mut titles: Vec<_> =
            cases.iter().filter(|case| case.provider == entry.name).map(|c| c.title()).collect();
        assert!(!titles.is_empty(), "{} has no fixtures", entry.name);
        let n_titles = titles.len();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), n_titles, "{}: two cases have one title", entry.name);
    }
}

#[test]
fn an_operation_that_is_not_claimed_answers_unsupported() {
    for entry in fixtures::providers() {
        let adapter = entry.build(serde_json::Map::new()).unwrap();
        let (seed, memo, credentials) = (Seed::default(), Memo::default(), every_credential());
        let ambient = Ambient {
            now: Timestamp::from_seconds(1_800_000_000),
            seed: &seed,
            credentials: &credentials,
            tokens: None,
            memo: &memo,
        };
        let answer = HttpResponse::new(StatusCode::OK, HeaderMap::new(), SecretBytes::default());
        for (operation, claimed) in operations(adapter.capabilities()) {
            let built = adapter.request(&operation, &ambient).err().map(|error| error.kind());
            let read = adapter.interpret(&operation, &answer, &ambient);
            let read = read.err().map(|error| error.kind());
            let what = format!("{} {}", entry.name, operation.name());
            if claimed {
                assert_ne!(built, Some(ErrorKind::Unsupported), "{what} is claimed");
            } else {
                assert_eq!(built, Some(ErrorKind::Unsupported), "the request of {what}");
                assert_eq!(read, Some(ErrorKind::Unsupported), "the answer to {what}");
            }
        }
    }
}

/// Each operation once, with whether the capabilities claim it.
fn operations(can: &countersign_core::Capabilities) -> Vec<(Operation, bool)> {
    let secret = || SecretString::new("N3w-Trickier!");
    let nothing = || Continuation::new(SecretBytes::default());
    let challenge = Challenge::new("NO_SUCH", ChallengeKind::Code, nothing(), Timestamp::MAX);
    let challenged = !can.challenges.answerable.is_empty();
    let mut all = vec![
        (Operation::SignIn, true),
        (Operation::Refresh, can.refresh != RefreshSupport::Absent),
        (Operation::Revoke, can.revoke != RevokeSupport::None),
        (Operation::SignOutEverywhere, can.sign_out_everywhere),
        (Operation::Register { attributes: Answers::new() }, can.register.is_some()),
        (Operation::ChangePassword { new_password: secret() }, can.change_password),
        (Operation::ForgotPassword, can.forgot_password),
        (
            Operation::ConfirmForgotPassword { code: secret(), new_password: secret() },
            can.confirm_forgot_password,
        ),
        (Operation::WhoAmI, can.who_am_i),
        (Operation::Extension { name: "no_such".into(), input: Answers::new() }, false),
        (Operation::Continue { of: Box::new(Operation::WhoAmI), continuation: nothing() }, false),
    ];
    if !challenged {
        let answer = Operation::Answer { challenge: Box::new(challenge), answers: Answers::new() };
        all.push((answer, false));
    }
    all
}

fn every_credential() -> Credentials {
    Credentials::password("kim@example.org", "Tr1cky-Pass!".to_owned())
        .with_totp_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned())
        .with_client_secret("canary-client-secret".to_owned())
}

fn listed(failures: &[fixtures::Failure]) -> String {
    failures.iter().map(ToString::to_string).collect()
}
