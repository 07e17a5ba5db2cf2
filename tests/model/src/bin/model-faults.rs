//! Copies of the runtime's files with faults written into them, and primitives that can be faulty: each
//! fault must make its scenario fail. `model-faults` shows all of them, `model-faults NAME` one.

// In a build for tests the runtime's own tests would be in its files.
#![cfg(not(test))]
#![allow(
    dead_code,
    unreachable_pub,
    unnameable_types,
    reason = "the runtime's face is its own affair"
)]
#![expect(clippy::unwrap_used, reason = "a model that cannot be set up fails")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what was seen is the result")]

mod sync {
    pub(crate) use countersign_model::faults::active as seeded;
    pub(crate) use countersign_model::sync::*;
}

#[path = "../../scenarios/mod.rs"]
mod scenarios;

include!(concat!(env!("OUT_DIR"), "/faulty_driver.rs"));

use std::process::ExitCode;

use countersign_model::faults;
use countersign_model::seeds::SEEDS;

/// Faults whose place in the runtime's files has changed: `src/seeds.rs` must follow.
const MISFITS: &[&str] = include!(concat!(env!("OUT_DIR"), "/misfits.rs"));

/// Which scenario shows which fault.
const SHOWN_BY: &[(&str, &str)] = &[
    (faults::LOOKS_BEFORE_LISTENING, "one exchange"),
    (faults::ONE_IS_TOLD, "one exchange"),
    (faults::FLAG_IN_TWO_STEPS, "standing tasks"),
    (faults::SWAP_WITHOUT_COMPARING, "headers of an old token"),
    ("nobody hears that the slot is free", "changes are heard"),
    ("a lost flight is not reported", "runtime gone"),
    ("nobody hears of a landing", "shutdown"),
    ("published when the mutex is free again", "refused while read"),
    ("the mutex is let go between look and event", "one exchange"),
    ("an appointment is cleared before the machine is told", "outage"),
    ("the ticker is not told of an earlier appointment", "renewed by itself"),
    ("what is about to fly is counted too late", "unsaved"),
    ("an operation looks before it is counted", "shutdown and an operation"),
    ("whoever found nothing asks, although it is there by now", "one exchange"),
    ("anybody's news wipes the credentials for one time", "credentials for one time"),
    (
        "credentials for one time are joined to a sign-in that has taken others",
        "credentials for one time, joined",
    ),
    ("an answer is told although no challenge waits", "two answers"),
    ("a waiter hears the last end only", "sign-out beats refresh"),
    ("changes count from the first poll on", "changes are heard"),
    ("a step starts another flight", "one exchange"),
    ("a panic takes the flight along", "panicking transport"),
    ("an unsaved session is not kept", "unsaved and let go"),
    ("a lost write counts as a failed one", "runtime gone"),
    ("every caller reads", "opened lazily"),
    ("who waits is told that the reader goes before it has gone", "the reader goes away"),
    ("a refusal of what was not read is forgotten", "refused before it is read"),
    ("what was refused is handed out until the machine hears of it", "refused before it is read"),
    ("an exchange under way does not keep its session awake", "put to rest while it is renewed"),
    ("what the store has not taken may rest", "put to rest while it is renewed"),
    ("a session that rests hands out what it had", "put to rest while it is used"),
    ("a keeper that only reads has the rules of one that writes", "only read"),
    ("a reader that has found nothing has it bought", "only read"),
    ("what is given up keeps its lock", "given up and taken over"),
    ("nobody is woken by what is given up", "given up before a sign-in"),
    ("what begins after the end flies on", "given up and taken over"),
    ("who gives way is not woken", "one exchange"),
];

/// So many seeds are tried before a fault counts as missed.
const SEEDS_TRIED: u64 = 3;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let mut green = 0;
    for name in MISFITS {
        println!(
            "model: fault `{name}` fits nowhere any more: src/seeds.rs must follow the driver"
        );
        green += 1;
    }
    for seed in SEEDS.iter().filter(|seed| SHOWN_BY.iter().all(|(name, _)| *name != seed.name)) {
        println!("model: fault `{}` is shown by no scenario", seed.name);
        green += 1;
    }
    let mut red = 0;
    for (fault, scenario) in SHOWN_BY {
        if wanted.as_ref().is_some_and(|wanted| wanted != fault) {
            continue;
        }
        let check = scenarios::find(scenario).unwrap();
        // A fault that only a rare schedule shows must not hang on the luck of one seed.
        let red_after = || (0..SEEDS_TRIED).find_map(|seed| check.fails_after(seed));
        match faults::with(fault, red_after) {
            Some(n) => {
                eprintln!("model: fault `{fault}`: red in schedule {n} of `{scenario}`");
                red += 1;
            }
            None => {
                println!("model: fault `{fault}` is not seen by `{scenario}`");
                green += 1;
            }
        }
    }
    println!("model: {red} seeded faults of the driver seen, {green} missed");
    if green == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
