//! One exchange over a socket that is open: no client, no pool, no header map, no JSON.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::server::head_of;
use crate::subject::{REFRESH_BYTES, token};

/// A connection that stays open.
pub(crate) struct Raw {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Raw {
    /// Connects to a token server.
    pub(crate) async fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let body = format!("grant_type=refresh_token&refresh_token={}", token(0, REFRESH_BYTES));
        let request = format!(
            "POST /token HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(Self { stream, request: request.into_bytes(), answer: Vec::with_capacity(8 * 1_024) })
    }

    /// One exchange: whether it was granted. The answer is read whole.
    pub(crate) async fn exchange(&mut self) -> Result<bool> {
        self.answer.clear();
        self.stream.write_all(&self.request).await?;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server has gone".into());
            }
            if let Some(head) = head_of(&self.answer).filter(|head| self.answer.len() >= head.end())
            {
                return Ok(head.status() == "200");
            }
        }
    }
}
