//! Runs the model's two programs: the driver as it is, and the driver with seeded faults.
//!
//! Each is a program of its own since a test would be compiled with the runtime's own tests in it, and
//! since a schedule that fails leaves its tasks behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![expect(clippy::print_stdout, reason = "the counts are shown by `cargo xtask test`")]

use std::process::Command;

/// The lines that begin with `model:` are shown by `cargo xtask test`.
fn run(program: &str, group: &[&str]) {
    let out = Command::new(program).args(group).env("RUST_BACKTRACE", "0").output().unwrap();
    print!("{}", String::from_utf8_lossy(&out.stdout));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

fn driver(group: &str) {
    run(env!("CARGO_BIN_EXE_model-driver"), &[group]);
}

#[test]
fn a_herd_causes_one_exchange() {
    driver("herd");
}

#[test]
fn what_is_handed_out_is_good() {
    driver("serving");
}

#[test]
fn a_lost_flight_strands_nobody() {
    driver("flights");
}

#[test]
fn an_end_ends_what_is_under_way() {
    driver("ending");
}

#[test]
fn what_a_shutdown_gives_up_strands_nobody() {
    driver("hand-over");
}

#[test]
fn sessions_rest_and_are_read_again() {
    driver("resting");
}

#[test]
fn what_callers_hand_in_is_not_lost() {
    driver("credentials");
}

#[test]
fn hosts_and_standing_tasks_agree() {
    driver("hosts");
}

#[test]
fn small_protocols_hold_in_every_schedule() {
    driver("exhaustive");
}

#[test]
fn every_seeded_fault_is_seen() {
    run(env!("CARGO_BIN_EXE_model-faults"), &[]);
}

/// The files of the driver that are no part of its protocol: stores and clocks behind their seams, and
/// the module that the model replaces.
const NOT_CHECKED: &[&str] = &["clock.rs", "events.rs", "manual.rs", "memory.rs", "sync.rs"];

/// What is taken from anywhere but `crate::sync` is no point of the model, and is not checked.
#[test]
fn the_driver_takes_its_primitives_from_one_place() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/runtime/src");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || name.ends_with("tests.rs") || NOT_CHECKED.contains(&&*name) {
            continue;
        }
        n_files += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let elsewhere = line.contains("tokio::sync")
                || line.contains("tokio::runtime")
                || line.contains("tokio::task")
                || line.contains("arc_swap")
                || (line.contains("std::sync")
                    && ["Mutex", "Atomic", "Once", "Condvar", "RwLock"]
                        .iter()
                        .any(|primitive| line.contains(primitive)));
            assert!(!elsewhere, "{name}:{}: take it from crate::sync: {line}", number + 1);
        }
    }
    assert!(n_files > 20, "{n_files} files");
}
