//! The small programs that are started and measured from outside, and the one that starts them.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use countersign_reqwest::Client;
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use crate::clocks::ended_children_cpu;
use crate::limit::Raw;
use crate::subject::{Rfc6749, credentials, keeper};
use crate::{Error, Result};

/// What a program has used from its start to its end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) cpu_us: i64,
    pub(crate) peak_kib: i64,
}

/// The least program that gets a token: the server's address is its argument.
pub fn raw_token() -> ExitCode {
    ended(on_one_thread(async |url: String| {
        let mut raw = Raw::to(url.trim_start_matches("http://").parse()?).await?;
        if !raw.exchange().await? {
            return Err("the server refused".into());
        }
        Ok("granted".to_owned())
    }))
}

/// A keeper over reqwest that signs in: the server's address is its argument.
pub fn token() -> ExitCode {
    ended(on_one_thread(async |url: String| {
        // As the facade's documentation has it: what TLS needs is not read for plain http.
        let http = Client::lazy(|| reqwest::Client::builder().no_proxy())?;
        let keeper = keeper(http)?;
        let session = keeper.session(Rfc6749::at(&url)?, "one").credentials(credentials());
        let session = session.open().await?;
        session.authorization().await?;
        Ok("granted".to_owned())
    }))
}

/// Runs the program of the arguments and prints what it has used. A program of its own and a small one:
/// a child's peak is at least that of whoever starts it.
pub fn spent() -> ExitCode {
    let run = || {
        let mut words = std::env::args_os().skip(1);
        let program = words.next().ok_or("a program to run is wanted")?;
        let status = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("the program ended with {status}").into());
        }
        let cpu_us = i64::try_from(ended_children_cpu()?.as_micros())?;
        let peak_kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
        Ok(serde_json::to_string(&Spent { cpu_us, peak_kib })?)
    };
    ended(run())
}

fn on_one_thread(work: impl AsyncFnOnce(String) -> Result<String>) -> Result<String> {
    let url = std::env::args().nth(1).ok_or("the address of a server is wanted")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work(url))
}

fn ended(said: Result<String>) -> ExitCode {
    let told = said.and_then(|said| writeln!(std::io::stdout(), "{said}").map_err(Error::from));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever reads it sees the exit code too.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
