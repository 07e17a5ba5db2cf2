//! Somebody who does not read what he is told: nothing else waits for him.

#![expect(clippy::disallowed_methods, reason = "pipes and processes know real time only")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::ended::terminated;
use crate::support::{BINARY, Home, Simulated};
use rustix::io::ioctl_fionread;

/// More than any pipe takes.
const LONG: usize = 1024 * 1024;

/// An API that answers one request, a while after it has come.
fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = caller.read(&mut asked).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n");
        // The program may have gone before it has taken all.
        let _ = caller.write_all(head.as_bytes()).and_then(|()| caller.write_all(&[b'x'; LONG]));
    });
    url
}

fn home(hub: &Simulated, api: &str) -> Home {
    let home = Home::ibex(hub);
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &format!("{plain}api_origins = [\"{api}\"]\n"), 0o644);
    home.run(&["login"]).exits(0);
    home
}

/// A request whose answer nobody reads, once the pipe to the reader is full.
fn stuck(home: &Home, api: &str) -> Child {
    let mut command = home.command(BINARY);
    command.args(["request", "GET", &format!("{api}/long")]).stdout(Stdio::piped());
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let out = child.stdout.as_ref().unwrap();
    let (mut before, mut now) = (0, 0);
    while now == 0 || now != before {
        std::thread::sleep(Duration::from_millis(200));
        (before, now) = (now, ioctl_fionread(out).unwrap());
    }
    child
}

#[test]
fn f28_a_reader_that_does_not_read_keeps_nobody_from_ending_the_program() {
    let hub = Simulated::start(&["ibex"]);
    let api = api();
    let mut child = stuck(&home(&hub, &api), &api);
    let unread = child.stdout.take();
    assert_eq!(terminated(child).code(), Some(130));
    drop(unread);
}

#[test]
fn f28_a_reader_that_does_not_read_keeps_no_lock() {
    let hub = Simulated::start(&["ibex", "--lifetime", "12s", "--fault", "refresh=delay:1s"]);
    let api = api();
    let home = home(&hub, &api);
    // Half of its life is over: the token is good, and renewed beside the request.
    std::thread::sleep(Duration::from_millis(6500));
    let child = stuck(&home, &api);
    home.run(&["refresh", "--wait", "5s"]).exits(0);
    terminated(child);
}
