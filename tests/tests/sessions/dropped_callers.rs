//! Callers come and go; the exchange and its commit go on.

use std::time::Duration;

use countersign::Session;
use countersign::ibex::Ibex;
use countersign_simulator::{Fault, Gate, Operation, Simulator};

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_dropped_callers_do_not_abort_the_exchange_or_its_commit() {
    let bench = Bench::new(Simulator::ibex().build()).await;
    let gate = Gate::new();
    bench.simulator.inject(Operation::SIGN_IN, Fault::GateUntil(gate.clone()), 1);
    let session: Session = bench.open(Ibex::at(&bench.server.url()).expect("an address")).await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.authorization().await.map(drop) })
        })
        .collect();
    gate.wait_until_seen().await;
    for caller in &callers {
        caller.abort();
    }
    for caller in callers {
        assert!(caller.await.expect_err("gone").is_cancelled());
    }
    gate.release();
    for _ in 0..200 {
        if session.status().good {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "the answer crosses a real socket")]
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = session.status();
    assert!(status.good && status.saved, "{status:?}");
    session.authorization().await.expect("served");
    assert_eq!(bench.simulator.totals().requests, 1, "without another exchange");
    bench.server.shutdown().await;
}
