//! Gets one token over a raw socket and prints it: the least program of its kind.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_bench::raw_token()
}
