//! A server of others as a child process: started, asked for its keys, ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::Result;

/// How long a server may take until it is ready: a slow machine, a cold disk.
const START: Duration = Duration::from_secs(90);
/// How long it may take to end once its standard input is closed.
const END: Duration = Duration::from_secs(8);

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    name: String,
    child: Child,
    lines: Receiver<String>,
    /// What it said of itself, as `KEY=value` lines.
    pub(crate) values: BTreeMap<String, String>,
}

impl Server {
    /// What it said of `key`.
    pub(crate) fn value(&self, key: &str) -> Result<&str> {
        let value = self.values.get(key).ok_or(format!("{} does not say its {key}", self.name))?;
        Ok(value)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts a server and waits until it has said the value of the key `last`.
    ///
    /// What it writes on standard error goes to `NAME.log` in `logs`, and the end of that is
    /// part of the error if it does not become ready.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        logs: &Path,
        last: &str,
    ) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().ok_or("a server without standard output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Self { name: name.to_owned(), child, lines, values: BTreeMap::new() };
        server.wait_until_ready(&log, last)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, log: &PathBuf, last: &str) -> Result<()> {
        loop {
            let line = self.lines.recv_timeout(START).map_err(|error| {
                let why = match error {
                    RecvTimeoutError::Timeout => {
                        format!("was not ready after {} s", START.as_secs())
                    }
                    RecvTimeoutError::Disconnected => "ended before it was ready".to_owned(),
                };
                format!("{} {why}:\n{}", self.name, end_of(log))
            })?;
            let Some((key, value)) = line.trim_end().split_once('=') else { continue };
            self.values.insert(key.to_owned(), value.to_owned());
            if key == last {
                return Ok(());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input closed is what tells it to end; its standard output closed says it has.
        drop(self.child.stdin.take());
        loop {
            match self.lines.recv_timeout(END) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    println!("{} did not end by itself and was killed", self.name);
                    // It may have ended in this moment; then there is nothing to kill.
                    let _ = self.child.kill();
                    break;
                }
            }
        }
        let _ = self.child.wait();
    }
}

fn end_of(log: &PathBuf) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::Server;
    use std::process::Command;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn keys_are_read_until_it_is_ready_and_it_is_ended() {
        let logs = std::env::temp_dir();
        let script =
            "echo A_URL=http://127.0.0.1:1/?a=b; echo noise; echo READY=yes; cat >/dev/null";
        let name = format!("xtask-server-{}", std::process::id());
        let server = Server::start(&name, &mut shell(script), &logs, "READY").expect("it is ready");
        assert_eq!(server.values["A_URL"], "http://127.0.0.1:1/?a=b");
        let pid = server.child.id();
        drop(server);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        std::fs::remove_file(logs.join(format!("{name}.log"))).expect("its log was written");
    }

    #[test]
    fn one_that_ends_early_is_an_error_with_its_last_words() {
        let logs = std::env::temp_dir();
        let name = format!("xtask-broken-{}", std::process::id());
        let error =
            Server::start(&name, &mut shell("echo no such module >&2; exit 3"), &logs, "READY")
                .err()
                .expect("it is not ready");
        assert!(error.to_string().contains("no such module"), "{error}");
        std::fs::remove_file(logs.join(format!("{name}.log"))).expect("its log was written");
    }
}
