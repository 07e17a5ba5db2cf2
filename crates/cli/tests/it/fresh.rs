//! What a command costs whose token is good: every call that could wait for somebody or begin something, and every
//! file.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{BINARY, Home, Simulated};

/// Calls that open files; not every machine has all.
const OPENING: [&str; 4] = ["open(", "openat(", "openat2(", "creat("];

/// What the machine opens before and around any program of this kind, and why.
const MACHINES: [(&str, &str); 3] = [
    ("/etc/ld.so.cache", "the loader finds libraries by it"),
    (
        "/etc/ld.so.preload",
        "the loader looks for libraries that are to be loaded into every program",
    ),
    (
        "/proc/self/maps",
        "libc finds the end of the stack by it, where Rust's guard against its overflow asks",
    ),
];

/// The libraries that the program is linked with, and for what.
const LIBRARIES: [(&str, &str); 3] = [
    ("libc.so.6", "the system's calls"),
    ("libm.so.6", "the arithmetic of floating point"),
    ("libgcc_s.so.1", "a panic finds its way by it"),
];

/// Where the loader looks for them.
const SHELVES: [&str; 2] = ["/lib", "/usr/lib"];

/// The calls of the program with these arguments, one a line.
fn traced(home: &Home, arguments: &[&str]) -> String {
    let log = home.path("strace.log");
    let traced = home
        .command("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg("-e")
        .arg(
            "trace=socket,socketpair,connect,flock,fcntl,epoll_create1,clone,clone3,openat,?open,?openat2,?creat",
        )
        .arg(BINARY)
        .args(arguments)
        .output()
        .unwrap();
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
    std::fs::read_to_string(log).unwrap()
}

/// The files that were opened or would have been, had they been there, with the line that says so.
fn opened(log: &str) -> Vec<(&str, &str)> {
    let is_opening = |line: &&str| {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        OPENING.iter().any(|opening| call.starts_with(opening))
    };
    let path = |line| str::split(line, '"').nth(1).unwrap_or("a path that strace does not show");
    log.lines().filter(is_opening).map(|line| (path(line), line)).collect()
}

/// Whether every program here opens it.
fn is_the_machines(path: &str) -> bool {
    let is_library = || {
        let path = Path::new(path);
        SHELVES.iter().any(|shelf| path.starts_with(shelf))
            && LIBRARIES.iter().any(|(name, _)| path.ends_with(name))
    };
    MACHINES.iter().any(|(known, _)| *known == path) || is_library()
}

#[test]
fn a_fresh_token_takes_no_lock_opens_no_socket_and_starts_no_thread() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    // The profile, the key, and the records of the session and of its account, each once.
    let records = std::fs::read_dir(home.path("state/records")).unwrap();
    let mut own: Vec<_> = records.map(|record| record.unwrap().path()).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    own.extend(["config.toml", "state/key"].map(|name| home.path(name)));
    own.sort();

    for command in ["token", "headers"] {
        let log = traced(&home, &[command]);
        for call in [
            "socket(",
            "socketpair(",
            "connect(",
            "flock(",
            "F_SETLK",
            "F_OFD_SETLK",
            "epoll_create1(",
            "clone",
        ] {
            assert!(!log.contains(call), "{command} calls {call}:\n{log}");
        }
        let mut ours = Vec::new();
        for (path, line) in opened(&log) {
            assert!(
                line.contains("O_RDONLY") && !line.contains("O_CREAT"),
                "{command} opens {path} to write: {line}"
            );
            if own.iter().any(|known| known == Path::new(path)) {
                ours.push(PathBuf::from(path));
            } else {
                assert!(
                    is_the_machines(path),
                    "{command} opens {path} beside what it needs: {line}"
                );
            }
        }
        ours.sort();
        assert_eq!(ours, own, "{command}: each is opened once");
    }
    // The control: a refresh does all of it, so the trace would show it.
    let log = traced(&home, &["refresh"]);
    assert!(["socket(", "flock(", "clone"].iter().all(|call| log.contains(call)), "{log}");
    let beside = opened(&log).into_iter().filter(|(path, line)| {
        line.contains("O_CREAT")
            || (!is_the_machines(path) && !own.iter().any(|known| known == Path::new(path)))
    });
    assert!(beside.count() > 0, "{log}");
}
