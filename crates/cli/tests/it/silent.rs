//! Secrets that do not come: whoever waits for them can be called off.

#![expect(clippy::disallowed_methods, reason = "pipes and processes know real time only")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::ended::{end_of, terminated};
use crate::support::{BINARY, Home, Simulated};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};

/// The writing end of the pipe `path`, once `child` reads there.
fn writer(path: &Path, child: &mut Child) -> File {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    loop {
        match options.open(path) {
            Ok(file) => return file,
            Err(_) => assert!(child.try_wait().unwrap().is_none(), "it did not read the pipe"),
        }
        std::thread::yield_now();
    }
}

/// Makes a pipe that the next reader finds at `path`; who reads the one of before goes on with that.
fn renew(path: &Path) {
    let next = path.with_extension("next");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&next).status().unwrap().success());
    std::fs::rename(next, path).unwrap();
}

/// Gives the next reader of `path` what it asks for.
fn tell(path: &Path, child: &mut Child, secret: &str) {
    let mut told = writer(path, child);
    renew(path);
    told.write_all(secret.as_bytes()).unwrap();
}

#[test]
fn f28_a_pipe_in_the_place_of_a_secret_is_read_and_can_be_called_off() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::new(&format!(
        "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
         password = \"file:pipe\"\n",
        hub.value("url"),
        hub.value("identity"),
    ));
    let pipe = home.path("pipe");
    let start = || {
        renew(&pipe);
        let mut command = home.command(BINARY);
        command.arg("login").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    // It is read when the session is opened, and again for the sign-in.
    let mut child = start();
    tell(&pipe, &mut child, hub.value("password"));
    let silent = writer(&pipe, &mut child);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(end_of(child).code(), Some(130));
    drop(silent);

    let mut child = start();
    (0..2).for_each(|_| tell(&pipe, &mut child, hub.value("password")));
    assert_eq!(end_of(child).code(), Some(0));
}

#[test]
fn f28_a_body_that_does_not_come_can_be_called_off() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    let asked = home.path("asked");
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    // With a program to be asked, signals are heard from the opening of the store on.
    let table = format!(
        "[store]\nkey = \"passphrase\"\npassphrase = \"command:sh -c 'touch {}; echo canary-store'\"\n",
        asked.display()
    );
    home.write("config.toml", &format!("{plain}{table}"), 0o644);
    home.run(&["login"]).exits(0);
    std::fs::remove_file(&asked).unwrap();

    let mut command = home.command(BINARY);
    command.args(["request", "POST", &hub.resource(), "-d", "-"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let body = child.stdin.take().unwrap();
    for _ in 0..100 {
        if asked.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    if asked.exists() {
        // Until the store is open it would be heard.
        std::thread::sleep(Duration::from_secs(5));
    }
    assert_ne!(terminated(child).code(), Some(0));
    drop(body);
}
