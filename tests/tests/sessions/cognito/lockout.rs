//! A lockout is known before the pool says it, and is not taken for a wrong password.

use std::time::Duration;

use countersign::{ErrorKind, Recovery};
use countersign_simulator::{Account, Operation, Simulator};

use super::{KIM, PASSWORD, adapter, asked, complete, credentials, nameless, open, pause};
use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p21_no_attempt_is_wasted_inside_a_lockout() {
    let long = Duration::from_secs(3600);
    let bench = Bench::new(Simulator::cognito().lockout(5, long, long).build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD));
    let session = open(&bench, adapter(&bench), credentials(&bench)).await;
    for attempt in 0..5 {
        let wrong = nameless(&bench).with_password(format!("Canary-wr0ng-{attempt}!"));
        let refused = session.sign_in_with(wrong).await.expect_err("a refusal");
        assert_eq!(refused.kind(), ErrorKind::InvalidGrant, "{refused:?}");
    }
    // Our own count: locked for a second, and nothing is sent.
    let sent = asked(&bench.simulator, Operation::SIGN_IN);
    let held = session.sign_in_with(credentials(&bench)).await.expect_err("a lock");
    assert_eq!(held.kind(), ErrorKind::AccountLocked, "{held:?}");
    assert!(matches!(held.recovery(), Recovery::WaitUntil(_)), "{held:?}");
    assert_eq!(asked(&bench.simulator, Operation::SIGN_IN), sent, "no attempt was wasted");

    // The pool locks longer than its documents say: the right password is not taken for a wrong one.
    let locked = loop {
        match session.sign_in_with(credentials(&bench)).await {
            Err(error) if asked(&bench.simulator, Operation::SIGN_IN) == sent => {
                assert_eq!(error.kind(), ErrorKind::AccountLocked, "{error:?}");
                pause().await;
            }
            end => break end.expect_err("still locked"),
        }
    };
    assert_eq!(locked.kind(), ErrorKind::AccountLocked, "{locked:?}");
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p21_a_sign_in_goes_on_when_the_lockout_ends() {
    let bench = Bench::new(Simulator::cognito().build()).await;
    bench.simulator.add_account(Account::user(KIM, PASSWORD));
    let session = open(&bench, adapter(&bench), credentials(&bench)).await;
    for attempt in 0..5 {
        let wrong = nameless(&bench).with_password(format!("Canary-wr0ng-{attempt}!"));
        session.sign_in_with(wrong).await.expect_err("a refusal");
    }
    let end = loop {
        match session.sign_in().await {
            Err(error) if error.kind() == ErrorKind::AccountLocked => pause().await,
            end => break end,
        }
    };
    complete(end);
    bench.server.shutdown().await;
}
