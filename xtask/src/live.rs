//! The live cases of the conformance suite against servers of others: with a profile file of our own and
//! the faults that its proxy plays on the way, within a budget of sign-ins.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Result;
use crate::server::Server;
use crate::workspace::{program, root};

/// How one server is met.
struct Run {
    server: &'static str,
    /// What its keys begin with.
    prefix: &'static str,
    /// The profile: keys, and the key of the server's that holds the value; a word in quotes is itself.
    profile: &'static [(&'static str, &'static str)],
    /// The key of the address that takes good tokens only.
    resource: Option<&'static str>,
    /// Cases that may do harm: its accounts are made anew each time.
    allow: &'static [&'static str],
    /// Cases that this server cannot pass, each for a reason in `tests/independent/README.md`.
    except: &'static [&'static str],
    /// So many cases must pass at least.
    least: u64,
}

const HARMFUL: &[&str] =
    &["f36-refused-secret-is-sent-once", "password-there-and-back", "recovery-is-asked-for-once"];

const RUNS: &[Run] = &[
    Run {
        server: "ministack",
        prefix: "COUNTERSIGN_MINISTACK",
        profile: &[
            ("provider", "\"cognito\""),
            ("endpoint", "URL"),
            ("user_pool_id", "POOL_ID"),
            ("client_id", "CLIENT_ID"),
            ("identity", "\"live\""),
        ],
        resource: None,
        allow: HARMFUL,
        except: &[],
        least: 26,
    },
    Run {
        server: "moto",
        prefix: "COUNTERSIGN_MOTO",
        profile: &[
            ("provider", "\"cognito\""),
            ("endpoint", "URL"),
            ("user_pool_id", "POOL_ID"),
            ("client_id", "CLIENT_ID"),
            ("identity", "\"live\""),
            ("flow", "\"password\""),
            ("refresh_call", "\"initiate_auth\""),
        ],
        resource: None,
        allow: &["f36-refused-secret-is-sent-once", "password-there-and-back"],
        // It has no RevokeToken.
        except: &["signed-out-and-said-so"],
        least: 24,
    },
    Run {
        server: "igny8",
        prefix: "COUNTERSIGN_IGNY8",
        profile: &[
            ("provider", "\"igny8\""),
            ("base_url", "URL"),
            ("logout_path", "\"/auth/logout/\""),
            ("identity", "\"live@studio.example\""),
            ("rotation", "\"on\""),
        ],
        resource: Some("ECHO"),
        allow: &["f36-refused-secret-is-sent-once", "password-there-and-back"],
        except: &[],
        least: 27,
    },
    Run {
        server: "oidc-provider",
        prefix: "COUNTERSIGN_IBEX",
        profile: &[
            ("provider", "\"ibex\""),
            ("flow", "\"client_credentials\""),
            ("base_url", "HUB"),
            ("issuer", "ISSUER"),
            ("audience", "AUDIENCE"),
            ("client_id", "CLIENT_ID"),
        ],
        resource: Some("ECHO"),
        allow: &["f36-refused-secret-is-sent-once"],
        except: &[],
        least: 14,
    },
];

/// Where the secret of an account comes from, by what the profile has.
const SECRETS: &[(&str, &str)] = &[("password", "PASSWORD"), ("client_secret", "CLIENT_SECRET")];

/// Another password for the account, for the case that changes it and changes it back.
const NEXT: (&str, &str) = ("COUNTERSIGN_LIVE_NEXT_PASSWORD", "An0ther-live-canary!");

/// Runs the live cases against each of `servers`: side by side, since they wait for codes and lives of tokens.
pub(crate) fn run(servers: &[Server], home: &Path) -> Result<()> {
    let of = |run: &'static Run| {
        let server = servers.iter().find(|server| server.name() == run.server)?;
        Some((run, &server.values))
    };
    let met: Vec<_> = RUNS.iter().filter_map(of).collect();
    let ended: Vec<(&Run, Result<String, String>)> = std::thread::scope(|scope| {
        let begin = |(run, values): &(&'static Run, _)| {
            let (run, values) = (*run, *values);
            let folder = home.join("live").join(run.server);
            (run, scope.spawn(move || against(run, values, &folder).map_err(|e| e.to_string())))
        };
        let running: Vec<_> = met.iter().map(begin).collect();
        let end = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("a panic in what runs it".to_owned()))
        };
        running.into_iter().map(|(run, thread)| (run, end(thread))).collect()
    });
    let mut wrong = Vec::new();
    for (run, ended) in ended {
        match ended {
            Ok(line) => println!("independent: {} live: {line}", run.server),
            Err(error) => wrong.push(format!("{}: {error}", run.server)),
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}

/// What it says at its end is shown in one piece.
fn against(run: &Run, values: &BTreeMap<String, String>, folder: &Path) -> Result<String> {
    std::fs::create_dir_all(folder)?;
    let config = folder.join("config.toml");
    std::fs::write(&config, profile(run, values)?)?;
    let mut command = Command::new(program("conformance")?);
    command.current_dir(root());
    command.args(["--live", "--faults", "--profile", run.server, "--sign-ins", "60"]);
    command.arg("--config").arg(&config);
    command.args(["--format", "json", "--out"]).arg(folder);
    command.args(["--next-password", &format!("env:{}", NEXT.0)]);
    for (option, cases) in [("--allow", run.allow), ("--except", run.except)] {
        command.args(cases.iter().flat_map(|case| [option, *case]));
    }
    if let Some(key) = run.resource {
        command.args(["--resource", value(run, values, key)?]);
    }
    let ended = command.envs(values).env(NEXT.0, NEXT.1).output()?;
    let shown = [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text));
    println!("{}{}", shown[0], shown[1]);
    let report = std::fs::read(folder.join("conformance.json"))?;
    let line = counted(&serde_json::from_slice(&report)?, run)?;
    match ended.status.success() {
        true => Ok(line),
        false => Err(format!("{line}; the live cases end with {}", ended.status).into()),
    }
}

fn profile(run: &Run, values: &BTreeMap<String, String>) -> Result<String> {
    let mut text = format!("[profiles.{}]\n", run.server);
    for (key, from) in run.profile {
        let line = match from.starts_with('"') {
            true => format!("{key} = {from}\n"),
            false => format!("{key} = {:?}\n", value(run, values, from)?),
        };
        text.push_str(&line);
    }
    // No secret is in the file: it names the variable.
    let owned = |(_, name): &&(&str, &str)| values.contains_key(&format!("{}_{name}", run.prefix));
    let (kind, name) = SECRETS.iter().find(owned).ok_or("a server without a secret")?;
    text.push_str(&format!("{kind} = \"env:{}_{name}\"\n", run.prefix));
    Ok(text)
}

fn value<'a>(run: &Run, values: &'a BTreeMap<String, String>, key: &str) -> Result<&'a str> {
    let key = format!("{}_{key}", run.prefix);
    Ok(values.get(&key).ok_or_else(|| format!("{} does not tell {key}", run.server))?)
}

/// The counts of a report; that too few cases have passed is an error.
fn counted(report: &Value, run: &Run) -> Result<String> {
    let cases: Vec<&Value> = report["providers"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|provider| provider["cases"].as_array().into_iter().flatten())
        .collect();
    let count = |so: &dyn Fn(&Value) -> bool| {
        u64::try_from(cases.iter().filter(|case| so(case)).count()).unwrap_or(u64::MAX)
    };
    let ended = |word: &str| count(&|case| case["outcome"] == word);
    let because =
        |word: &str| count(&|case| case["reason"].as_str().is_some_and(|r| r.starts_with(word)));
    let (passed, failed) = (ended("passed"), ended("failed"));
    let spent = because("it may ask for") + because("a sign-in was refused");
    if passed < run.least || spent > 0 {
        return Err(format!(
            "{passed} cases passed, of at least {}; {spent} were not run any more",
            run.least
        )
        .into());
    }
    let others = ended("skipped");
    let forbidden = because("not allowed");
    let excepted = because("left out by name");
    let rest = others - forbidden - excepted;
    Ok(format!(
        "{passed} passed, {failed} failed, {forbidden} not allowed, {excepted} left out by name, \
         {rest} not for it"
    ))
}

#[cfg(test)]
mod tests {
    use super::{RUNS, counted};

    #[test]
    fn too_few_cases_or_a_spent_budget_is_an_error() {
        let case = |outcome: &str, reason: &str| serde_json::json!({ "outcome": outcome, "reason": reason });
        let report = |cases: Vec<serde_json::Value>| serde_json::json!({ "providers": [{ "cases": cases }] });
        let run = &RUNS[0];
        let least = usize::try_from(run.least).expect("a count");
        let mut cases = vec![case("passed", ""); least];
        cases.push(case("skipped", "not allowed: it has mail sent"));
        cases.push(case("skipped", "left out by name"));
        cases.push(case("skipped", "the case is for ibex alone"));
        let line = counted(&report(cases.clone()), run).expect("enough");
        let rest = "0 failed, 1 not allowed, 1 left out by name, 1 not for it";
        assert_eq!(line, format!("{least} passed, {rest}"));
        cases.push(case("skipped", "it may ask for 2 sign-ins, and 60 of 60 were made"));
        assert!(counted(&report(cases), run).is_err());
        assert!(counted(&report(vec![case("passed", "")]), run).is_err());
    }
}
