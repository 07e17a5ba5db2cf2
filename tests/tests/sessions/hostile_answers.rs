//! Answers that no server should give: a clear error, bounded memory, nothing lost.

use std::time::Duration;

use countersign::ErrorKind;
use countersign::ibex::Ibex;
use countersign_simulator::{Absurd, Fault, Operation, Simulator};

use crate::bench::Bench;

/// The kind of error that a first sign-in ends with when its answer meets `fault`.
async fn sign_in_meets(fault: Fault) -> Result<(), ErrorKind> {
    let bench = Bench::new(Simulator::ibex().build()).await;
    bench.simulator.inject(Operation::SIGN_IN, fault, 1_000);
    let session = bench.open(Ibex::at(&bench.server.url()).expect("an address")).await;
    let within = Duration::from_secs(3);
    let end = session.authorization_within(within).await.map(drop).map_err(|e| e.kind());
    bench.server.shutdown().await;
    match end {
        // The time can be over while yet another try is under way: what the tries met counts.
        Err(ErrorKind::TimedOut) => {
            Err(session.status().last_error.map_or(ErrorKind::TimedOut, |error| error.kind()))
        }
        end => end,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f49_broken_tokens_and_bodies_are_protocol_errors() {
    for fault in [
        Fault::EmptyToken,
        Fault::HugeToken,
        Fault::TokenWithNewline,
        Fault::BrokenJson,
        Fault::Empty,
        Fault::DeepJson,
        Fault::DuplicateJson,
        Fault::AbsurdExpiry(Absurd::String),
        Fault::AbsurdExpiry(Absurd::Float),
        Fault::AbsurdExpiry(Absurd::Huge),
    ] {
        let name = format!("{fault:?}");
        assert_eq!(sign_in_meets(fault).await, Err(ErrorKind::Protocol), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f49_negative_numbers_are_unknown_expiries_and_give_the_declared_life() {
    for absurd in [Absurd::Negative, Absurd::Zero] {
        let name = format!("{absurd:?}");
        assert_eq!(sign_in_meets(Fault::AbsurdExpiry(absurd)).await, Ok(()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f49_a_gibibyte_an_endless_body_and_a_bomb_are_cut_off() {
    for fault in [Fault::Flood(1 << 30), Fault::Endless, Fault::GzipBomb(1 << 26)] {
        let name = format!("{fault:?}");
        let end = sign_in_meets(fault).await;
        let known = matches!(end, Err(ErrorKind::Protocol | ErrorKind::Transport));
        assert!(known, "{name}: {end:?}");
    }
}
