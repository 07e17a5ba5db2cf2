//! The password is proved, not sent.

use countersign::cognito::{FirstFactor, Flow};
use countersign::{Answers, ChallengeKind, ErrorKind};
use countersign_simulator::{Account, AuthFlow, Operation, Simulator};

use super::{
    KIM, PASSWORD, adapter, asked, challenge, complete, credentials, nameless, open,
    open_elsewhere, works,
};
use crate::bench::Bench;

fn kim() -> Account {
    Account::user(KIM, PASSWORD).attribute("user.email", KIM)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p24_a_sign_in_by_srp_with_and_without_leading_zeros() {
    for zeros in [false, true] {
        let simulator = Simulator::cognito();
        let simulator = if zeros { simulator.srp_leading_zeros() } else { simulator };
        let bench = Bench::new(simulator.build()).await;
        bench.simulator.add_account(kim());
        for _ in 0..4 {
            let session = open(&bench, adapter(&bench), credentials(&bench)).await;
            complete(session.sign_in().await);
            works(&bench, &session).await;
            session.sign_out(std::time::Duration::from_secs(20)).await;
        }
        assert_eq!(asked(&bench.simulator, Operation::SIGN_IN), 4);
        assert_eq!(asked(&bench.simulator, Operation::ANSWER), 4, "one proof each");
        bench.server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p21_a_wrong_password_is_refused_at_the_proof_and_not_sent_again() {
    let bench = Bench::new(Simulator::cognito().build()).await;
    bench.simulator.add_account(kim());
    let wrong = nameless(&bench).with_password("Canary-wr0ng-passw0rd!".to_owned());
    let session = open(&bench, adapter(&bench), wrong).await;
    for _ in 0..3 {
        let refused = session.authorization().await.expect_err("a refusal");
        assert_eq!(refused.kind(), ErrorKind::InvalidGrant, "{refused:?}");
    }
    assert_eq!(asked(&bench.simulator, Operation::ANSWER), 1);
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_flow_that_is_not_enabled_names_the_remedy() {
    let bench = Bench::new(Simulator::cognito().flows([AuthFlow::Refresh]).build()).await;
    bench.simulator.add_account(kim());
    let session = open(&bench, adapter(&bench), credentials(&bench)).await;
    let refused = session.sign_in().await.expect_err("a refusal");
    assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused:?}");
    assert!(refused.to_string().contains("ALLOW_USER_SRP_AUTH"), "{refused}");
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_the_first_factor_is_chosen_and_proved_in_one_answer() {
    let simulator = Simulator::cognito().allow(AuthFlow::User).first_factors([
        "PASSWORD",
        "PASSWORD_SRP",
        "EMAIL_OTP",
    ]);
    let bench = Bench::new(simulator.build()).await;
    bench.simulator.add_account(kim());
    let asks = adapter(&bench).flow(Flow::UserAuth(FirstFactor::Any));
    for choice in ["PASSWORD", "PASSWORD_SRP"] {
        let session = open(&bench, asks.clone(), credentials(&bench)).await;
        let asked = challenge(session.sign_in().await);
        assert_eq!(asked.kind, ChallengeKind::Choice);
        assert!(asked.parameters["choices"].contains(choice), "{:?}", asked.parameters);
        complete(session.answer(Answers::new().with("choice", choice.to_owned())).await);
        works(&bench, &session).await;
        session.sign_out(std::time::Duration::from_secs(20)).await;
    }
    // A password that nobody keeps is typed into the answer.
    let session = open_elsewhere(&bench, asks, nameless(&bench)).await;
    challenge(session.sign_in().await);
    let typed = Answers::new().with("choice", "PASSWORD_SRP".to_owned());
    complete(session.answer(typed.with("password", PASSWORD.to_owned())).await);
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_preferred_first_factor_needs_no_password() {
    let simulator =
        Simulator::cognito().allow(AuthFlow::User).first_factors(["PASSWORD_SRP", "EMAIL_OTP"]);
    let bench = Bench::new(simulator.build()).await;
    bench.simulator.add_account(kim());
    let mailed = adapter(&bench).flow(Flow::UserAuth(FirstFactor::EmailOtp));
    let session = open(&bench, mailed, nameless(&bench)).await;
    let asked = challenge(session.sign_in().await);
    assert_eq!((&*asked.name, asked.kind), ("EMAIL_OTP", ChallengeKind::Code));
    // What cannot be a code costs no attempt.
    challenge(session.answer(Answers::code("12 34".to_owned())).await);
    let short = session.status().last_error.expect("a reason");
    assert_eq!(short.kind(), ErrorKind::InvalidRequest, "{short:?}");
    assert_eq!(super::asked(&bench.simulator, Operation::ANSWER), 0);
    let code = bench.simulator.delivered(KIM).expect("a mail");
    complete(session.answer(Answers::code(format!(" {} {}", &code[..3], &code[3..]))).await);
    works(&bench, &session).await;

    let proved = adapter(&bench).flow(Flow::UserAuth(FirstFactor::PasswordSrp));
    let session = open_elsewhere(&bench, proved, credentials(&bench)).await;
    complete(session.sign_in().await);
    bench.server.shutdown().await;
}
