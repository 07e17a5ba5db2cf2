//! Runs a program and prints what it has used; see `countersign_bench::spent`.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_bench::spent()
}
