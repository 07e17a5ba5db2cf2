//! Real processes: the built binary, a folder of its own for profiles and store, a simulator.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

pub(crate) mod accounts;
pub(crate) mod ended;
pub(crate) mod pair;
pub(crate) mod served;
pub(crate) mod terminal;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// `countersign simulate …` in a process of its own; it ends with this value.
pub(crate) struct Simulated {
    child: Child,
    said: BufReader<ChildStdout>,
    values: BTreeMap<String, String>,
}

impl Simulated {
    /// Starts it and reads what it prints until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .arg("simulate")
            .args(arguments)
            .args(["--json", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let values = object(&mut said);
        Self { child, said, values }
    }

    /// Waits for the next code or temporary password that it sends: to whom, and what.
    pub(crate) fn mail(&mut self) -> (String, String) {
        let mut mail = object(&mut self.said);
        (mail.remove("mail_to").unwrap(), mail.remove("mail").unwrap())
    }

    /// A value that it printed.
    pub(crate) fn value(&self, key: &str) -> &str {
        &self.values[key]
    }

    /// A value that not every provider prints.
    pub(crate) fn value_or<'a>(&'a self, key: &str, other: &'a str) -> &'a str {
        self.values.get(key).map_or(other, String::as_str)
    }

    /// The address of its authorised resource.
    pub(crate) fn resource(&self) -> String {
        format!("{}{}", self.value("url"), self.value("resource"))
    }
}

fn object(said: &mut impl BufRead) -> BTreeMap<String, String> {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("simulate printed {line:?}: {error}"))
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // Ends its standard input, which is how it is told to end.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// A folder with a profile file and a store, and the environment that points there.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl Home {
    /// With this profile file.
    pub(crate) fn new(config: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
        home.write("config.toml", config, 0o644);
        home
    }

    /// With a profile `hub` for a simulated IBEX.
    pub(crate) fn ibex(hub: &Simulated) -> Self {
        Self::new(&format!(
            "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
             password = \"env:HUB_PASSWORD\"\n",
            hub.value("url"),
            hub.value("identity"),
        ))
        .with("HUB_PASSWORD", hub.value("password"))
    }

    /// With an environment variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets an environment variable from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.into(), value.into());
    }

    /// Takes an environment variable away from now on.
    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file with a mode.
    pub(crate) fn write(&self, name: &str, content: &str, mode: u32) {
        std::fs::write(self.path(name), content).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// The binary with this environment and nothing else of ours.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("COUNTERSIGN_CONFIG", self.path("config.toml"))
            .env("COUNTERSIGN_STATE", self.path("state"))
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(BINARY).args(arguments).output().unwrap())
    }

    /// Runs the binary to its end with this on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(BINARY);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A process that ends without reading is no failure of the test by itself.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ended::of(child.wait_with_output().unwrap())
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that standard error has each of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in: {}", self.err);
        }
        self
    }

    /// Asserts that no canary is anywhere.
    #[track_caller]
    pub(crate) fn keeps_secrets(self) -> Self {
        for text in [&self.out, &self.err] {
            assert!(!text.to_lowercase().contains("canary"), "{text}");
        }
        self
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
