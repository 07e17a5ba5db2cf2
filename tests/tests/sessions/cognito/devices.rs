//! Remembered devices: confirmed in the first sign-in, in the place of a code in the next ones.

use countersign::cognito::Devices;
use countersign::{Answers, Operation as Op};
use countersign_simulator::{Account, Fault, Operation, Remembering, Simulator};

use super::{
    KIM, PASSWORD, STEP, adapter, asked, challenge, complete, credentials, open, refused, works,
};
use crate::bench::Bench;

const WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

fn extension(name: &str) -> Op {
    Op::Extension { name: name.into(), input: Answers::new() }
}

async fn pool(remembering: Remembering) -> Bench {
    let bench =
        Bench::new(Simulator::cognito().totp_period(STEP).devices(remembering).build()).await;
    let kim =
        Account::user(KIM, PASSWORD).attribute("user.email", KIM).attribute("mfa", "EMAIL_OTP");
    bench.simulator.add_account(kim);
    bench
}

/// Signs in; whether a code was asked for.
async fn asks_for_a_code(bench: &Bench, devices: Devices) -> bool {
    let session = open(bench, adapter(bench).devices(devices), credentials(bench)).await;
    let asked = match session.sign_in().await {
        Ok(countersign::SignIn::Complete) => false,
        end => {
            assert_eq!(&*challenge(end).name, "EMAIL_OTP");
            let code = bench.simulator.delivered(KIM).expect("a mail");
            complete(session.answer(Answers::code(code)).await);
            true
        }
    };
    works(bench, &session).await;
    session.refresh().await.expect("a refresh names the device");
    session.sign_out(WITHIN).await;
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_confirmed_device_proves_itself_in_the_place_of_a_code() {
    let bench = pool(Remembering::Always).await;
    assert!(asks_for_a_code(&bench, Devices::Confirm).await, "nothing is known at first");
    assert!(!asks_for_a_code(&bench, Devices::Confirm).await, "the device is known");
    assert!(!asks_for_a_code(&bench, Devices::Confirm).await, "and stays known");
    assert_eq!(refused(&bench.simulator), Vec::<&str>::new());
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_pool_that_leaves_it_to_the_user_remembers_only_by_setting() {
    for (devices, asks) in [(Devices::Confirm, true), (Devices::Remember, false)] {
        let bench = pool(Remembering::OptIn).await;
        assert!(asks_for_a_code(&bench, devices).await);
        assert_eq!(asks_for_a_code(&bench, devices).await, asks, "{devices:?}");
        bench.server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_device_that_is_gone_is_forgotten_and_the_sign_in_goes_on() {
    let bench = pool(Remembering::Always).await;
    assert!(asks_for_a_code(&bench, Devices::Confirm).await);
    let session = open(&bench, adapter(&bench), credentials(&bench)).await;
    complete(session.sign_in().await);
    // Taken back by its owner: here too.
    session.perform(extension("forget_device")).await.expect("the device is forgotten");
    let none = session.perform(extension("forget_device")).await.expect_err("there is none");
    assert_eq!(none.kind(), countersign::ErrorKind::InvalidRequest, "{none:?}");
    session.sign_out(WITHIN).await;
    assert!(asks_for_a_code(&bench, Devices::Confirm).await, "it is a stranger again");
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_a_kept_device_is_confirmed_later() {
    let bench = pool(Remembering::Always).await;
    let keep = adapter(&bench).devices(Devices::Keep);
    let session = open(&bench, keep, credentials(&bench)).await;
    challenge(session.sign_in().await);
    let code = bench.simulator.delivered(KIM).expect("a mail");
    complete(session.answer(Answers::code(code)).await);
    let done = session.perform(extension("confirm_device")).await.expect("it is confirmed");
    assert_eq!(done.profile.get("remembered"), Some("true"));
    session.sign_out(WITHIN).await;
    assert!(!asks_for_a_code(&bench, Devices::Keep).await, "the device is known");
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f09_the_tokens_of_a_sign_in_outlive_a_confirmation_of_the_device_without_an_answer() {
    for fault in [Fault::LoseAnswer, Fault::Cut, Fault::BrokenJson, Fault::Html] {
        let bench = pool(Remembering::OptIn).await;
        let told = fault.clone();
        bench.simulator.inject(Operation::custom("confirm_device"), fault, 1);
        let session = open(&bench, adapter(&bench), credentials(&bench)).await;
        challenge(session.sign_in().await);
        let code = bench.simulator.delivered(KIM).expect("a mail");
        complete(session.answer(Answers::code(code)).await);
        works(&bench, &session).await;
        assert_eq!(session.status().generation.map(|it| it.counter), Some(1), "{told:?}");
        assert_eq!(asked(&bench.simulator, Operation::custom("confirm_device")), 1, "{told:?}");
        session.refresh().await.expect("the refresh token is kept");
        bench.server.shutdown().await;
    }
}
