//! Sessions under fire: processes that share a store and are killed, stopped and starved, each experiment
//! a command with a printed seed. `cargo xtask torture` runs them; `cargo xtask torture --help` lists them.
//!
//! This binary starts itself again for every process of an experiment. The server is the simulator of the
//! starting process, and what happened is what it has recorded: a total is never the engine's own word.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is what it is run for"
)]

mod args;
mod asked;
mod child;
mod clock;
mod defect;
mod dice;
mod experiments;
mod findings;
mod kind;
mod phase;
mod plan;
mod process;
mod spoil;
mod stage;
mod steps;

use std::process::ExitCode;

use args::Wish;
use clock::Stopwatch;
use experiments::{Cx, EXPERIMENTS, End, Experiment, Failure, Running};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().map(String::as_str) == Some(process::CHILD) {
        return child::run();
    }
    match args::parse(&args) {
        Ok(Wish::Help) => {
            args::print_help();
            ExitCode::SUCCESS
        }
        Ok(Wish::Run { names, quick, seed, write_docs }) => run(&names, quick, seed, write_docs),
        Err(what) => {
            eprintln!("torture: {what}");
            ExitCode::from(2)
        }
    }
}

fn run(names: &[String], quick: bool, seed: u64, write_docs: bool) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("torture: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let all = Stopwatch::start();
    let (mut held, mut broken, mut skipped) = (0, Vec::new(), 0);
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let chosen: Vec<&Experiment> = EXPERIMENTS.iter().filter(|one| is_wanted(one.name)).collect();
    let cx = Cx { quick, seed, write_docs };
    for beside in chosen.chunk_by(|one, next| one.waits && next.waits) {
        let running: Vec<_> =
            beside.iter().map(|one| runtime.spawn(timed((one.run)(cx)))).collect();
        for (experiment, running) in beside.iter().zip(running) {
            let again = if quick { " --quick" } else { "" };
            println!(
                "\n== {} (cargo xtask torture {}{again} --seed {seed})",
                experiment.about, experiment.name
            );
            let (ended, seconds) = match runtime.block_on(running) {
                Ok(ended) => ended,
                Err(panicked) => (Err(panicked.into()), 0.0),
            };
            match ended {
                Ok(End::Findings(findings)) => {
                    findings.print();
                    held += findings.n_held();
                    skipped += findings.n_left_out();
                    broken.extend(
                        findings.broken().map(|what| format!("{}: {what}", experiment.name)),
                    );
                }
                Ok(End::Skipped(why)) => {
                    skipped += 1;
                    println!("   left out: {why}");
                }
                Err(error) => {
                    broken.push(format!("{}: it could not be run: {error}", experiment.name));
                }
            }
            println!("== {}: {seconds:.0} s", experiment.name);
        }
    }
    let seconds = all.seconds();
    println!(
        "\ntorture: {held} claims held, {} broken, {skipped} left out, seed {seed}, {seconds:.0} s",
        broken.len()
    );
    for what in &broken {
        println!("torture: broken: {what}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What it has found, and the seconds that it took.
async fn timed(running: Running) -> (Result<End, Failure>, f64) {
    let watch = Stopwatch::start();
    let ended = running.await;
    (ended, watch.seconds())
}
