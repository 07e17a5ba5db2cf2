//! Signs in with a keeper over reqwest and prints the token: what a program of a user does first.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_bench::token()
}
