//! A server's process, as whoever measures holds it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::head_of;
use crate::Result;

/// A server that runs. It ends with this.
pub(crate) struct Server {
    child: Child,
    url: String,
    /// Where it tells what it saw, and hears how to behave.
    control: String,
}

impl Server {
    /// The server that grants tokens.
    pub(crate) fn start() -> Result<Self> {
        Self::started(&["serve"])
    }

    /// A hidden command of this program that prints its address, perhaps another one for what it is asked here,
    /// and serves until its input ends.
    pub(crate) fn started(command: &[&str]) -> Result<Self> {
        // The program that counts allocations starts servers too.
        let mut child = Command::new(std::env::current_exe()?.with_file_name("bench"))
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let mut addresses = line.split_whitespace().map(str::to_owned);
        let url = addresses.next().unwrap_or_default();
        let control = addresses.next().unwrap_or_else(|| url.clone());
        let server = Self { child, url, control };
        if server.url.is_empty() {
            return Err("the server did not start".into());
        }
        Ok(server)
    }

    /// Without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        address(&self.url)
    }

    /// Sets how it behaves.
    pub(crate) fn set(&self, key: &str, value: u64) -> Result<()> {
        self.ask(&format!("/set/{key}/{value}")).map(drop)
    }

    /// How many token requests came so far.
    pub(crate) fn exchanges(&self) -> Result<u64> {
        Ok(self.ask("/exchanges")?.parse()?)
    }

    /// What its process has used, where it tells that.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(Duration::from_micros(self.ask("/cpu_us")?.parse()?))
    }

    fn ask(&self, target: &str) -> Result<String> {
        let mut stream = TcpStream::connect(address(&self.control)?)?;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\n\r\n")?;
        let mut answer = Vec::new();
        loop {
            let mut piece = [0; 1_024];
            let n = stream.read(&mut piece)?;
            answer.extend_from_slice(&piece[..n]);
            if let Some(head) = head_of(&answer).filter(|head| answer.len() >= head.end()) {
                if head.status() != "200" {
                    return Err(
                        format!("the server answered {target} with {}", head.status()).into()
                    );
                }
                return Ok(String::from_utf8(answer[head.body_at..head.end()].to_vec())?);
            }
            if n == 0 {
                return Err(format!("the server did not answer {target}").into());
            }
        }
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    Ok(url.trim_start_matches("http://").parse()?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input ends, and so does it; a server that hangs is ended.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
