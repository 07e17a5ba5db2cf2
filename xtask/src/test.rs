//! Every test that needs no more than Rust, and one line of counts at the end.
//!
//! Nextest runs the test binaries where it is installed, `cargo test` where it is not; doc tests
//! always go by `cargo test`. A line that a test prints beginning with `walk:` or `model:` is shown
//! again before the counts: it says how many states and edges of the session machine were visited, and
//! under how many schedules the driver was run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::totals::Totals;
use crate::workspace::{SELECTION, cargo, find_program, output, root, target_dir};
use crate::{Result, network, record};

/// Programs that some tests use and Rust does not bring: what for, and the Debian package.
const OUTSIDE: &[(&str, &str, &str)] = &[
    ("chromedriver", "the page of a conformance report in a browser", "chromium chromium-driver"),
    ("oathtool", "time-based codes computed by others", "oathtool"),
    ("strace", "the system calls of `countersign token`", "strace"),
    ("redis-server", "the Redis store", "redis-server"),
];

/// What one run of the tests came to.
struct Ran {
    totals: Totals,
    said: Vec<String>,
    /// The tests by name, and whether they passed.
    ends: Vec<(String, bool)>,
    succeeded: bool,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => everything(&[]),
        ["--offline-net"] => offline(),
        [network::INSIDE] => {
            network::bring_loopback_up()?;
            everything(&["--offline"])
        }
        _ => Err("usage: cargo xtask test [--offline-net]".into()),
    }
}

/// The test binaries, then the doc tests; `args` are for cargo.
fn everything(args: &[&str]) -> Result<()> {
    let mut ran = binaries(args)?;
    record::write(&ran.ends)?;
    if !ran.succeeded && ran.totals.run() == 0 {
        return Err("the tests were not built; see above".into());
    }
    println!("\ndoc tests");
    let mut docs = cargo();
    docs.arg("test").args(SELECTION).args(["--doc", "--no-fail-fast", "--quiet"]).args(args);
    let docs = stream(&mut docs, Totals::of_libtest)?;
    ran.totals += docs.totals;
    ran.succeeded &= docs.succeeded;

    say_what_was_left_out();
    for line in &ran.said {
        println!("{line}");
    }
    let folder = target_dir()?.join("xtask");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("totals"), format!("{}\n", ran.totals))?;
    println!("{}", ran.totals);
    verdict(&ran)
}

/// The same in a network namespace that holds nothing but loopback, if there may be one: a test that talks to
/// anybody else fails.
fn offline() -> Result<()> {
    let mut build = if nextest() {
        let mut command = cargo();
        command.args(["nextest", "run", "--no-run"]).args(SELECTION);
        command
    } else {
        let mut command = cargo();
        command.args(["test", "--no-run"]).args(SELECTION);
        command
    };
    output(&mut build)?;
    if network::run_without(&["test"])? { Ok(()) } else { everything(&[]) }
}

fn verdict(ran: &Ran) -> Result<()> {
    if ran.totals.failed > 0 {
        Err(format!("{} failed", ran.totals.failed).into())
    } else if !ran.succeeded {
        Err("the test runner ended with an error; see above".into())
    } else if ran.totals.run() == 0 {
        Err("no test was run".into())
    } else {
        Ok(())
    }
}

fn nextest() -> bool {
    find_program("cargo-nextest").is_some()
}

fn binaries(args: &[&str]) -> Result<Ran> {
    if nextest() {
        return with_nextest(args);
    }
    println!(
        "cargo-nextest is not installed: the tests go by `cargo test` (cargo install cargo-nextest)"
    );
    let mut command = cargo();
    command
        .arg("test")
        .args(SELECTION)
        .args(["--lib", "--bins", "--tests", "--no-fail-fast"])
        .args(args)
        .args(["--", "--show-output"]);
    stream(&mut command, Totals::of_libtest)
}

fn with_nextest(args: &[&str]) -> Result<Ran> {
    // Nextest keeps its reports here, wherever cargo builds.
    let report = root().join("target/nextest/default/junit.xml");
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut command = cargo();
    command
        .args(["nextest", "run", "--no-fail-fast", "--color", "never"])
        .args(SELECTION)
        .args(["--status-level", "slow", "--final-status-level", "slow"])
        .args(["--config-file", "xtask/nextest.toml"])
        .args(args);
    // Nextest reports on standard error.
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut totals = Totals::default();
    if let Some(lines) = child.stderr.take() {
        for line in BufReader::new(lines).lines() {
            let line = line?;
            println!("{line}");
            if let Some(found) = Totals::of_nextest(&line) {
                totals = found;
            }
        }
    }
    let succeeded = child.wait()?.success();
    let (said, ends) = match report.exists() {
        true => (said_in(&report)?, record::of_nextest(&report)?),
        false => (Vec::new(), Vec::new()),
    };
    Ok(Ran { totals, said, ends, succeeded })
}

/// The lines that nextest's report kept and that are shown again.
fn said_in(report: &Path) -> Result<Vec<String>> {
    Ok(std::fs::read_to_string(report)?
        .lines()
        .filter_map(told_line)
        .map(|line| {
            line.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&amp;", "&")
        })
        .collect())
}

/// What a line begins with that is shown again.
const SHOWN_AGAIN: &[&str] = &["walk: ", "model: "];

/// The part of a line from `walk:` or `model:` on, if that begins it or follows an XML tag or libtest's
/// dots.
fn told_line(line: &str) -> Option<&str> {
    let at = SHOWN_AGAIN.iter().find_map(|word| line.find(word))?;
    let before = line[..at].trim_end();
    let begins = before.is_empty() || before.ends_with('>') || before.ends_with("...");
    begins.then(|| line[at..].split("</").next().unwrap_or_default().trim_end())
}

/// Runs cargo's own test runner; what passing tests print is kept back, but for those lines.
fn stream(command: &mut Command, read: fn(&str) -> Option<Totals>) -> Result<Ran> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let (totals, said, ends) = (Totals::default(), Vec::new(), Vec::new());
    let mut ran = Ran { totals, said, ends, succeeded: false };
    let mut of_passing_tests = false;
    if let Some(lines) = child.stdout.take() {
        for line in BufReader::new(lines).lines() {
            let line = line?;
            match line.trim() {
                "successes:" => of_passing_tests = true,
                "failures:" => of_passing_tests = false,
                _ => {}
            }
            if let Some(found) = read(&line) {
                ran.totals += found;
                of_passing_tests = false;
            }
            ran.ends.extend(record::of_libtest(&line));
            if let Some(told) = told_line(&line) {
                ran.said.push(told.to_owned());
            }
            if !of_passing_tests && !says_nothing(&line) {
                println!("{line}");
            }
        }
    }
    ran.succeeded = child.wait()?.success();
    Ok(ran)
}

/// Whether a line tells only that there was nothing to run.
fn says_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || line == "running 0 tests"
        || line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored")
}

fn say_what_was_left_out() {
    println!("\nleft out: servers of others (cargo xtask independent)");
    for (program, what, package) in OUTSIDE {
        let wanted = *program != "redis-server" || root().join("crates/stores/redis").exists();
        if wanted && find_program(program).is_none() {
            println!("left out: {what}: {program} is not installed (apt-get install {package})");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::told_line;

    #[test]
    fn what_is_shown_again_is_found_in_either_runners_output() {
        assert_eq!(told_line("walk: 12 states"), Some("walk: 12 states"));
        assert_eq!(
            told_line("        <system-out>walk: 12 states</system-out>"),
            Some("walk: 12 states")
        );
        assert_eq!(told_line("test machine ... walk: 12 states"), Some("walk: 12 states"));
        assert_eq!(told_line("model: herd: 5 scenarios"), Some("model: herd: 5 scenarios"));
        assert_eq!(told_line("the walk: a summary"), None);
    }
}
