//! A secret from a program: no shell, no terminal, ten seconds.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Clock, SecretBuffer, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};
#[cfg(unix)]
use tokio::process::Child;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{LONGEST, text};
use crate::protected::Refusal;

/// How long a program may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Starts a program and takes the first line that it writes, without its line end. What it writes to
/// standard error is dropped: it may hold anything. Its environment is ours without `withheld`.
pub(super) async fn first_line(
    words: &[String],
    withheld: &[String],
    clock: &Arc<dyn Clock>,
) -> Result<SecretString, Refusal> {
    let name = words.first().map_or("", String::as_str);
    let deadline = clock.sleep_until(clock.monotonic().after(DEADLINE));
    tokio::select! {
        biased;
        line = run(words, withheld) => line.map_err(|failure| failure.explain(name)),
        () = deadline => Err(Refusal::new(
            format!("the command {name} did not end within {} s; it was stopped", DEADLINE.as_secs()),
            "run it on a terminal to see what it waits for; it has no standard input",
        )),
    }
}

enum Failure {
    Start(io::Error),
    Read(io::Error),
    TooLong,
    NotText,
    Ended(std::process::ExitStatus),
}

async fn run(words: &[String], withheld: &[String]) -> Result<SecretString, Failure> {
    let (program, arguments) = words.split_first().ok_or_else(|| {
        Failure::Start(io::Error::new(io::ErrorKind::InvalidInput, "there is no program"))
    })?;
    // Dropping the child, at the deadline or when the caller leaves, stops it, and on Unix what it has started.
    let mut command = Command::new(program);
    #[cfg(unix)]
    command.process_group(0);
    for name in withheld {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::Start)?;
    #[cfg(unix)]
    let family = Family::of(&child);
    let Some(stdout) = child.stdout.take() else {
        return Err(Failure::Start(io::Error::other("its output was not connected")));
    };
    let line = read_line(stdout).await?;
    let status = child.wait().await.map_err(Failure::Read)?;
    // What it has left running on purpose (an agent) may stay.
    #[cfg(unix)]
    family.let_go();
    if status.success() { Ok(line) } else { Err(Failure::Ended(status)) }
}

/// The process group that a program was started in. Dropped, it is killed as a whole: a program that is
/// stopped alone would leave behind what it waits for.
#[cfg(unix)]
struct Family(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Family {
    /// The group that `child` leads.
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    fn let_go(mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for Family {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end, so that the program can finish, and keeps the first line.
async fn read_line(mut stdout: impl AsyncRead + Unpin) -> Result<SecretString, Failure> {
    let mut content = SecretBuffer::new();
    let (mut kept, mut complete) = (0, false);
    let mut piece = Zeroizing::new([0; 1024]);
    loop {
        let read = stdout.read(&mut piece[..]).await.map_err(Failure::Read)?;
        if read == 0 {
            break;
        }
        if complete {
            continue;
        }
        let fresh = &piece[..read];
        let end = fresh.iter().position(|byte| *byte == b'\n');
        complete = end.is_some();
        let part = &fresh[..end.unwrap_or(read)];
        kept += part.len();
        if kept > LONGEST {
            return Err(Failure::TooLong);
        }
        content.push(part);
    }
    let bytes = content.finish();
    let line = bytes.expose_bytes();
    text(line.strip_suffix(b"\r").unwrap_or(line)).ok_or(Failure::NotText)
}

impl Failure {
    fn explain(self, name: &str) -> Refusal {
        let (what, help) = match self {
            Self::Start(error) => (
                format!("cannot be started: {error}"),
                "check its name and its mode; it is started without a shell",
            ),
            Self::Read(error) => (format!("cannot be read: {error}"), "run it on a terminal"),
            Self::TooLong => (
                format!("wrote a line of more than {LONGEST} bytes"),
                "let it write the secret alone",
            ),
            Self::NotText => {
                ("did not write UTF-8 text".to_owned(), "let it write the secret alone")
            }
            Self::Ended(status) => {
                (format!("failed ({status})"), "run it on a terminal to see why")
            }
        };
        Refusal::new(format!("the command {name} {what}"), help)
    }
}
