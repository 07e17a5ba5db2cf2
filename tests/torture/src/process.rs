//! Other processes: this binary started again, with a plan each. What was started is ended.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::clock::{Stopwatch, pause};
use crate::plan::{Plan, Report};

/// The word that makes a process of this binary.
pub(crate) const CHILD: &str = "as-a-process-of-an-experiment";

/// What a process says when its session is open.
pub(crate) const READY: &str = "ready";

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that does its plan; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) async fn start(plan: &Plan) -> io::Result<Self> {
        Self::start_as(Command::new(std::env::current_exe()?), plan).await
    }

    /// Starts `command`, to which the arguments of such a process are added.
    pub(crate) async fn start_as(mut command: Command, plan: &Plan) -> io::Result<Self> {
        let mut child = command
            .arg(CHILD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(io::Error::other("no pipes"));
        };
        let mut text = serde_json::to_string(plan)?;
        text.push('\n');
        stdin.write_all(text.as_bytes()).await?;
        stdin.flush().await?;
        Ok(Self { child, stdin: Some(stdin), lines: BufReader::new(stdout).lines() })
    }

    /// Waits until its session is open; false if it ended without a word.
    pub(crate) async fn is_ready(&mut self) -> io::Result<bool> {
        Ok(self.says().await?.is_some_and(|line| line == READY))
    }

    /// Lets it end, and hears what it has to tell; `None` if it died before.
    pub(crate) async fn report(mut self) -> io::Result<Option<Report>> {
        self.stdin = None;
        let mut report = None;
        while let Some(line) = self.says().await? {
            if let Some(text) = line.strip_prefix("report ") {
                report = Some(serde_json::from_str(text)?);
            }
        }
        self.child.wait().await?;
        Ok(report)
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Stops it as a debugger does.
    pub(crate) fn stop(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = self.pid().ok_or_else(|| io::Error::other("it has ended"))?;
        Ok(kill_process(pid, signal)?)
    }

    async fn says(&mut self) -> io::Result<Option<String>> {
        let watch = Stopwatch::start();
        tokio::select! {
            line = self.lines.next_line() => line,
            () = pause(PATIENCE) => Err(io::Error::other(
                format!("a process has said nothing for {:.0} s", watch.seconds()),
            )),
        }
    }
}
