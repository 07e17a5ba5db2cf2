//! Running a task where there is no network but loopback.
//!
//! `unshare -n` gives a process a network namespace of its own, in which nothing exists but a
//! loopback interface that is down.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::workspace::{find_program, succeed};
use crate::{Result, under_ci};

/// The argument by which a task knows that it runs inside the namespace.
pub(crate) const INSIDE: &str = "--inside-net";

/// Without `ip`, loopback is brought up by the same call that `ip` makes: SIOCSIFFLAGS with IFF_UP.
const BRING_UP: &str = "\
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))
";

/// Runs `cargo xtask TASK` again inside a namespace of its own.
///
/// Where the system does not permit one, says so and answers false; under CI that is an error.
pub(crate) fn run_without(task: &[&str]) -> Result<bool> {
    let Some(flags) = permitted() else {
        let why = "no network namespace of our own is permitted here (unshare -n, unshare -rn)";
        if under_ci() {
            return Err(why.into());
        }
        println!("left out: {why}; as root it works");
        return Ok(false);
    };
    let mut again = Command::new("unshare");
    succeed(again.arg(flags).arg(std::env::current_exe()?).args(task).arg(INSIDE))?;
    Ok(true)
}

/// Brings loopback up, then shows that it works and that there is nothing else.
pub(crate) fn bring_loopback_up() -> Result<()> {
    if find_program("ip").is_some() {
        succeed(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    } else if find_program("python3").is_some() {
        succeed(Command::new("python3").args(["-c", BRING_UP]))?;
    } else {
        return Err(
            "loopback cannot be brought up without ip or python3 (apt-get install iproute2)".into(),
        );
    }
    let others = interfaces()?;
    if !others.is_empty() {
        return Err(format!("there is a network beside loopback: {}", others.join(", ")).into());
    }
    loopback_carries()?;
    println!("no network but loopback");
    Ok(())
}

/// The flags with which `unshare` may be called, if any.
fn permitted() -> Option<&'static str> {
    ["-n", "-rn"].into_iter().find(|flags| {
        Command::new("unshare")
            .args([flags, "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// The names of all interfaces but loopback.
fn interfaces() -> Result<Vec<String>> {
    Ok(std::fs::read_to_string("/proc/self/net/dev")?
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| name != "lo")
        .collect())
}

fn loopback_carries() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    sender.write_all(b"x")?;
    let mut byte = [0];
    receiver.read_exact(&mut byte)?;
    Ok(())
}
