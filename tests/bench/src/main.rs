//! `cargo xtask bench`: the rows, the fleet, the day, and what each feature costs.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_bench::run()
}
