//! A Redis server that is killed, shut down and started again. It writes every command to its file before it
//! answers, and leaves it to the system when that reaches the disk: a process that is killed loses nothing.

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// So often another port, or the same one again, is tried.
const TRIES: u32 = 8;

/// Ends when it is dropped.
pub(crate) struct Server {
    process: Option<Child>,
    port: u16,
    folder: TempDir,
    /// The port of the server that this one follows.
    follows: Option<u16>,
}

impl Server {
    /// `None` where there is no Redis; under CI that is an error.
    pub(crate) async fn start() -> io::Result<Option<Self>> {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        match there.await {
            Ok(_) => {}
            Err(_) if std::env::var_os("CI").is_none() => return Ok(None),
            Err(missing) => return Err(missing),
        }
        Self::new(None).await.map(Some)
    }

    /// A replica of this one, which takes no writes.
    pub(crate) async fn replica(&self) -> io::Result<Self> {
        Self::new(Some(self.port)).await
    }

    async fn new(follows: Option<u16>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("countersign-torture-").tempdir()?;
        let mut server = Self { process: None, port: 0, folder, follows };
        for _ in 0..TRIES {
            server.port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            if server.try_run().await? {
                return Ok(server);
            }
        }
        Err(io::Error::other("redis-server did not start"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Ends it in order.
    pub(crate) async fn shut_down(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let pid = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM)?;
        }
        process.wait().await.map(drop)
    }

    /// Starts it again, with the same port and what it had on its disk.
    pub(crate) async fn again(&mut self) -> io::Result<()> {
        for _ in 0..TRIES {
            if self.try_run().await? {
                return Ok(());
            }
        }
        Err(io::Error::other("redis-server did not start again"))
    }

    async fn try_run(&mut self) -> io::Result<bool> {
        let mut process = Command::new("redis-server")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let follows = self.follows.map_or_else(String::new, |port| {
            format!("replicaof 127.0.0.1 {port}\nreplica-read-only yes\n")
        });
        let settings = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nsave \"\"\nappendonly yes\nappendfsync no\n\
             repl-diskless-sync-delay 0\n{follows}",
            self.port,
            self.folder.path().display()
        );
        stdin.write_all(settings.as_bytes()).await?;
        drop(stdin);
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if line.contains("Ready to accept connections") {
                // Somebody has to read on, or the server would stop at a full pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                self.process = Some(process);
                return Ok(true);
            }
        }
        process.wait().await?;
        Ok(false)
    }
}
