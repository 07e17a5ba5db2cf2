//! Second factors: set up in the first sign-in, answered alone, never twice in one time step.

use countersign::cognito::SoftwareToken;
use countersign::{Answers, ChallengeKind, SealKeys, SecretBytes};
use countersign_core::SecretString;
use countersign_simulator::{Account, Operation, Simulator};

use super::{
    KIM, PASSWORD, STEP, adapter, asked, challenge, code, complete, credentials, nameless, open,
    open_elsewhere, over, refused, works,
};
use crate::bench::Bench;

const TEMPORARY: &str = "Canary-t3mporary!";
const SECRET: &str = "CANARYPOOLCANARYPOOLCANARYPOOLCA";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_first_sign_in_sets_a_password_and_enrols_over_two_processes() {
    let bench = Bench::new(Simulator::cognito().totp_period(STEP).build()).await;
    let invited = Account::user(KIM, "").temporary_password(TEMPORARY).must_change_password();
    bench.simulator.add_account(invited.attribute("mfa", "MFA_SETUP"));
    let temporary = nameless(&bench).with_password(TEMPORARY.to_owned());
    let session = open(&bench, adapter(&bench), temporary.clone()).await;
    let first = challenge(session.sign_in().await);
    assert_eq!(first.kind, ChallengeKind::NewPassword);
    let enrolment = challenge(session.answer(Answers::new_password(PASSWORD.to_owned())).await);
    assert_eq!((&*enrolment.name, enrolment.kind), ("MFA_SETUP", ChallengeKind::Code));
    let token = SoftwareToken::of(&enrolment).expect("a shared secret");
    let secret = token.secret().clone();
    let shown = format!("{enrolment:?} {token:?} {:?}", session.status());
    let told = enrolment.parameters.values().any(|value| value.contains(secret.expose()));
    assert!(!told && !shown.contains(secret.expose()), "{shown}");
    assert!(token.uri("Pool", KIM).expose().starts_with("otpauth://totp/Pool:kim%40pool.example?"));

    // Another process goes on, with nothing but the sealed text.
    let keys = SealKeys::new(1, SecretBytes::new(vec![9; 32]));
    let text = session.seal_challenge(&keys).await.expect("a text");
    let other = open_elsewhere(&bench, adapter(&bench), temporary).await;
    let resumed = other.resume(&text, &keys).await.expect("the challenge");
    assert!(SoftwareToken::of(&resumed).is_some_and(|token| token.secret().matches(&secret)));
    let wrong = match code(&secret).0.expose() {
        "000000" => "111111",
        _ => "000000",
    };
    challenge(other.answer(Answers::code(wrong.to_owned())).await);
    let (right, step) = code(&secret);
    complete(other.answer(Answers::code(right)).await);
    works(&bench, &other).await;

    // From now on the adapter answers alone.
    over(&secret, step).await;
    let enrolled = credentials(&bench).with_totp_secret(secret);
    let session = open_elsewhere(&bench, adapter(&bench), enrolled).await;
    complete(session.sign_in().await);
    works(&bench, &session).await;
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f38_a_code_is_not_used_twice_by_sessions_of_one_account() {
    let bench = Bench::new(Simulator::cognito().totp_period(STEP).build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD).totp_secret(SECRET));
    let own = credentials(&bench).with_totp_secret(SECRET.to_owned());
    for _ in 0..3 {
        let session = open(&bench, adapter(&bench), own.clone()).await;
        complete(session.sign_in().await);
        session.sign_out(std::time::Duration::from_secs(20)).await;
    }
    assert_eq!(refused(&bench.simulator), Vec::<&str>::new(), "no step was used twice");
    assert_eq!(asked(&bench.simulator, Operation::SIGN_IN), 3);
    bench.server.shutdown().await;
}

/// They share a software token and no store: the second one learns from the pool that the code is used up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f38_who_meets_a_used_code_takes_the_next_one() {
    let bench = Bench::new(Simulator::cognito().totp_period(STEP).build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD).totp_secret(SECRET));
    let own = credentials(&bench).with_totp_secret(SECRET.to_owned());
    let one = open_elsewhere(&bench, adapter(&bench), own.clone()).await;
    let two = open_elsewhere(&bench, adapter(&bench), own).await;
    // Both fall into one step.
    let secret = SecretString::new(SECRET);
    over(&secret, code(&secret).1).await;
    complete(one.sign_in().await);
    two.authorization().await.expect("a token by the next code");
    assert_eq!(refused(&bench.simulator).len(), 1, "one code was used up");
    works(&bench, &two).await;
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_the_software_token_is_chosen_alone_among_factors() {
    let bench = Bench::new(Simulator::cognito().totp_period(STEP).build()).await;
    let account = Account::user(KIM, PASSWORD).totp_secret(SECRET);
    let account = account.attribute("mfa", "SELECT_MFA_TYPE");
    bench.simulator.add_account(
        account
            .attribute("mfa_choices", "EMAIL_OTP,SOFTWARE_TOKEN_MFA")
            .attribute("user.email", KIM),
    );
    let own = credentials(&bench).with_totp_secret(SECRET.to_owned());
    let session = open(&bench, adapter(&bench), own).await;
    complete(session.sign_in().await);

    let session = open_elsewhere(&bench, adapter(&bench), credentials(&bench)).await;
    let choice = challenge(session.sign_in().await);
    assert_eq!(choice.kind, ChallengeKind::Choice);
    let mailed = Answers::new().with("choice", "email_otp".to_owned());
    assert_eq!(&*challenge(session.answer(mailed).await).name, "EMAIL_OTP");
    let code = bench.simulator.delivered(KIM).expect("a mail");
    complete(session.answer(Answers::code(code)).await);
    bench.server.shutdown().await;
}
