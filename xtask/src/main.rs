//! The project's own tasks: `cargo xtask TASK`.
//!
//! Each task is one file, and everything it does can be done by hand with cargo. Of other crates
//! it uses only a JSON reader, so that the first `cargo xtask` of a fresh checkout is quick.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task's output is what it is run for"
)]

mod bench;
mod ci;
mod conformance;
mod demo;
mod dist;
mod docs;
mod elsewhere;
mod features;
mod independent;
mod live;
mod msrv;
mod network;
mod new_provider;
mod outside;
mod package;
mod record;
mod server;
mod test;
mod tidy;
mod torture;
mod totals;
mod vectors;
mod walls;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

/// Why a task failed, as a sentence for the person who ran it.
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

struct Task {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "tidy",
        usage: "[--list-expose]",
        about: "rules that no compiler checks: form of files, manifests, links, names",
        run: tidy::run,
    },
    Task {
        name: "walls",
        usage: "[--format json]",
        about: "what each crate may reach, and how much it brings along",
        run: walls::run,
    },
    Task {
        name: "features",
        usage: "",
        about: "cargo check for no feature, each provider alone, all, and each TLS feature",
        run: features::run,
    },
    Task {
        name: "elsewhere",
        usage: "[--run]",
        about: "cargo check for macOS and Windows; with --run, the file store's tests on Wine",
        run: elsewhere::run,
    },
    Task {
        name: "msrv",
        usage: "",
        about: "the workspace's rust-version against that of every dependency",
        run: msrv::run,
    },
    Task {
        name: "package",
        usage: "[--verify]",
        about: "cargo package for every crate that is published",
        run: package::run,
    },
    Task {
        name: "test",
        usage: "[--offline-net]",
        about: "every test that needs no more than Rust; with --offline-net, where there is no network but loopback",
        run: test::run,
    },
    Task {
        name: "conformance",
        usage: "[--help]",
        about: "the conformance suite over all providers; with --self-check, over every defect",
        run: conformance::run,
    },
    Task {
        name: "bench",
        usage: "[ROW...] [--help]",
        about: "what it costs, each row beside its physical limit in the same run (docs/PERFORMANCE.md)",
        run: bench::run,
    },
    Task {
        name: "docs",
        usage: "[--check]",
        about: "write the documents that are made from cases and claims, or compare them",
        run: docs::run,
    },
    Task {
        name: "torture",
        usage: "[EXPERIMENT…] [--quick] [--seed N]",
        about: "sessions under crashes, many processes and broken disks (docs/CRASHES.md)",
        run: torture::run,
    },
    Task {
        name: "independent",
        usage: "[cognito|igny8|ibex] [--live|--prepare]",
        about: "the adapters against servers that nobody of this project wrote; --live: only the suite's cases; --prepare: only what is installed and searched",
        run: independent::run,
    },
    Task {
        name: "new-provider",
        usage: "NAME | --try [NAME]",
        about: "a new adapter with all that goes with it (docs/ADDING_A_PROVIDER.md)",
        run: new_provider::run,
    },
    Task {
        name: "outside",
        usage: "",
        about: "the adapter under tests/outside, a workspace of its own, and the suite that it runs",
        run: outside::run,
    },
    Task {
        name: "demo",
        usage: "",
        about: "the life of five sessions against the simulators (`countersign demo`)",
        run: demo::run,
    },
    Task {
        name: "dist",
        usage: "[--features LIST]",
        about: "the program countersign as it is shipped: small, and what it does often lies together",
        run: dist::run,
    },
    Task {
        name: "ci",
        usage: "",
        about: "all that CI does, cheapest first (.ci/run)",
        run: ci::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        print_help();
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print_help();
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("no task `{name}`");
        print_help();
        return ExitCode::from(2);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_help() {
    println!("cargo xtask TASK\n");
    for task in TASKS {
        let call = format!("{} {}", task.name, task.usage);
        println!("  {:<34} {}", call.trim_end(), task.about);
    }
}

/// Refuses arguments of a task that takes none.
fn no_arguments(args: &[String]) -> Result<()> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(format!("unexpected argument `{arg}`").into()),
    }
}

/// True where a missing tool or a refused right is a failure and not something to leave out.
fn under_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}
