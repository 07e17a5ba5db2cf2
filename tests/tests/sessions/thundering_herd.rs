//! Ten thousand callers at once cost one exchange, whether it ends well or not.

use std::time::Duration;

use countersign::ibex::Ibex;
use countersign::{ErrorKind, Keeper, Session};
use countersign_simulator::{Fault, Operation, Simulator};

use crate::bench::Bench;

const CALLERS: usize = 10_000;

async fn volley(session: &Session) -> Vec<Result<(), ErrorKind>> {
    let tasks: Vec<_> = (0..CALLERS)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(
                async move { session.authorization().await.map(drop).map_err(|e| e.kind()) },
            )
        })
        .collect();
    let mut ends = Vec::with_capacity(CALLERS);
    for task in tasks {
        ends.push(task.await.expect("a caller ends"));
    }
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_ten_thousand_callers_share_one_exchange() {
    let simulator = Simulator::ibex().access_life(Duration::from_secs(2)).build();
    let mut bench = Bench::new(simulator).await;
    // No standing task: nothing renews the token while nobody uses the session.
    let pull = Keeper::builder().transport(bench.http.clone()).pull();
    bench.keeper = pull.build().expect("a keeper");
    let session = bench.open(Ibex::at(&bench.server.url()).expect("an address")).await;
    session.authorization().await.expect("a first token");
    #[expect(clippy::disallowed_methods, reason = "a token of a real server ends in real time")]
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let before = bench.simulator.totals();
    bench.simulator.inject(Operation::REFRESH, Fault::Delay(Duration::from_millis(50)), 1);
    let ends = volley(&session).await;
    assert!(ends.iter().all(Result::is_ok));
    let after = bench.simulator.totals();
    let exchanges = |totals: &countersign_simulator::Totals| {
        totals.exchanges_of(Operation::REFRESH) + totals.exchanges_of(Operation::SIGN_IN)
    };
    assert_eq!(exchanges(&after) - exchanges(&before), 1);
    bench.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_f36_a_refusal_is_told_to_all_and_costs_one_exchange_and_it_recovers() {
    let bench = Bench::new(Simulator::ibex().build()).await;
    let identity = bench.simulator.account().identity;
    let right = bench.simulator.account().password;
    let session = bench.open(Ibex::at(&bench.server.url()).expect("an address")).await;
    bench.simulator.change_account(&identity, |account| account.password = "Another-1!".into());
    let ends = volley(&session).await;
    let refused = ends.iter().filter(|end| **end == Err(ErrorKind::InvalidGrant)).count();
    assert_eq!(refused, CALLERS, "equal errors for all");
    assert_eq!(bench.simulator.totals().requests, 1);

    bench.simulator.change_account(&identity, |account| account.password = right);
    session.sign_in().await.expect("an explicit sign-in sends the same secret once more");
    assert!(volley(&session).await.iter().all(Result::is_ok));
    assert_eq!(bench.simulator.totals().requests, 2);
    bench.server.shutdown().await;
}
