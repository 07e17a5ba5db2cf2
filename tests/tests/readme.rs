//! The README's program is compiled as it stands there, and run with a simulator in the partner's place.
//!
//! Both copies below are compared with the README: whoever changes one changes all.

use std::error::Error;

use countersign_simulator::{Operation, Simulator};

const README: &str = include_str!("../../README.md");
const HERE: &str = include_str!("readme.rs");

/// What the played copy has in place of the README's words.
const PLAYED: [(&str, &str); 5] = [
    ("async fn bill(", "pub(crate) async fn bill(at: &str, account: &Account, folder: &Path, "),
    ("env::var(\"HUB_PASSWORD\")?", "account.password.clone()"),
    ("FileStore::open_default()?", "FileStore::open(folder)?"),
    ("Ibex::sandbox()", "Ibex::at(at)?"),
    ("\"ops@merchant.example\"", "&account.identity"),
];

/// The README's program, to the letter.
#[rustfmt::skip]
#[expect(dead_code, reason = "it speaks to the partner's own address: that it compiles is the test")]
#[expect(clippy::print_stdout, reason = "the README's program tells what it got")]
mod shown {
    // shown begins
    use std::{collections::BTreeMap, env, error::Error, time::Duration};
    use countersign::{Credentials, FileStore, Keeper, ibex::Ibex, reqwest::Client};

    async fn bill(url: &str, invoice: &BTreeMap<&str, u64>) -> Result<(), Box<dyn Error>> {
        let secrets = Credentials::new().with_password(env::var("HUB_PASSWORD")?);
        let http = Client::lazy(reqwest::Client::builder)?; // proxy, TLS and timeouts are yours
        let keeper = Keeper::builder().transport(http.clone()).store(FileStore::open_default()?).build()?;
        let hub = keeper.session(Ibex::sandbox(), "ops@merchant.example").credentials(secrets).open().await?;
        let reply = http.session(hub).post(url).json(invoice).send().await?; // signs in, renews, replays
        println!("{}", reply.status());
        keeper.shutdown(Duration::from_secs(10)).await;
        Ok(())
    }
    // shown ends
}

/// The same, but for [`PLAYED`].
#[rustfmt::skip]
#[expect(clippy::print_stdout, reason = "the README's program tells what it got")]
mod played {
    use std::path::Path;
    use countersign_simulator::Account;
    // played begins
    use std::{collections::BTreeMap, error::Error, time::Duration};
    use countersign::{Credentials, FileStore, Keeper, ibex::Ibex, reqwest::Client};

    pub(crate) async fn bill(at: &str, account: &Account, folder: &Path, url: &str, invoice: &BTreeMap<&str, u64>) -> Result<(), Box<dyn Error>> {
        let secrets = Credentials::new().with_password(account.password.clone());
        let http = Client::lazy(reqwest::Client::builder)?; // proxy, TLS and timeouts are yours
        let keeper = Keeper::builder().transport(http.clone()).store(FileStore::open(folder)?).build()?;
        let hub = keeper.session(Ibex::at(at)?, &account.identity).credentials(secrets).open().await?;
        let reply = http.session(hub).post(url).json(invoice).send().await?; // signs in, renews, replays
        println!("{}", reply.status());
        keeper.shutdown(Duration::from_secs(10)).await;
        Ok(())
    }
    // played ends
}

#[test]
fn the_readme_shows_the_program_that_is_compiled_here() {
    assert_eq!(program_of_the_readme(), copy("shown"));
}

#[test]
fn the_program_that_is_run_differs_in_nothing_but_who_answers() {
    let mut expected = program_of_the_readme().join("\n").replace("env, ", "");
    for (shown, played) in PLAYED {
        assert_eq!(expected.matches(shown).count(), 1, "`{shown}` in the README");
        expected = expected.replace(shown, played);
    }
    assert_eq!(expected, copy("played").join("\n"));
}

#[tokio::test]
async fn the_program_of_the_readme_runs_to_its_end() -> Result<(), Box<dyn Error>> {
    let partner = Simulator::ibex().build();
    let server = partner.serve().await?;
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("sessions");
    let invoice = [("cents", 1200)].into();
    let url = format!("{}/sim/echo", server.url());
    for _ in 0..2 {
        played::bill(&server.url(), &partner.account(), &store, &url, &invoice).await?;
    }
    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (2, 0));
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1, "the second run has the store's token");
    server.shutdown().await;
    Ok(())
}

#[test]
fn a_readme_that_differs_in_a_word_is_noticed() {
    let changed = README.replacen("Ibex::sandbox()", "Ibex::production()", 1);
    assert_ne!(programs(&changed), programs(README));
    assert_eq!(programs("a\n```rust\n    x\n\n      y\n```\n```text\nz\n```"), [["x", "", "  y"]]);
}

fn program_of_the_readme() -> Vec<String> {
    let mut programs = programs(README);
    assert_eq!(programs.len(), 1, "each block of Rust in the README has its copies here");
    programs.remove(0)
}

/// The lines of every block of Rust in a page.
fn programs(page: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines();
    let mut found = Vec::new();
    while lines.by_ref().any(|line| line.starts_with("```rust")) {
        found.push(outdented(lines.by_ref().take_while(|line| !line.starts_with("```"))));
    }
    found
}

/// The lines between two marks of this file.
fn copy(name: &str) -> Vec<String> {
    let (begin, end) = (format!("    // {name} begins"), format!("    // {name} ends"));
    let inside = HERE.lines().skip_while(|line| *line != begin).skip(1);
    outdented(inside.take_while(|line| *line != end))
}

/// The lines without the indentation that all of them share.
fn outdented<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines: Vec<&str> = lines.collect();
    let indents = lines.iter().filter(|line| !line.is_empty());
    let shared = indents.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(shared..).unwrap_or_default().to_owned()).collect()
}
