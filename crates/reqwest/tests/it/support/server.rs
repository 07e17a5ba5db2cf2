//! HTTP/1.1 in its plainest form, over a socket of the system's choice.

use std::io;
use std::sync::{Arc, Mutex};

use countersign_core::Origin;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    /// In lower case, in order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The same without credentials.
    pub(crate) fn without_credentials(&self) -> Self {
        let mut seen = self.clone();
        seen.headers.retain(|(name, _)| name != "authorization" && name != "otp");
        seen
    }
}

pub(crate) struct Reply {
    head: String,
    body: Vec<u8>,
    ending: Ending,
}

enum Ending {
    Keep,
    Hang,
    Close,
    Cut,
    Endless,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { head: format!("HTTP/1.1 {status} X\r\n"), body: Vec::new(), ending: Ending::Keep }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::status(status).header("location", to)
    }

    /// The connection ends without a word.
    pub(crate) fn closed() -> Self {
        Self { ending: Ending::Close, ..Self::status(200) }
    }

    /// Nothing comes, and the connection stays.
    pub(crate) fn hang() -> Self {
        Self { ending: Ending::Hang, ..Self::status(200) }
    }

    /// The connection ends before the last byte of the body that was announced.
    pub(crate) fn cut(self) -> Self {
        Self { ending: Ending::Cut, ..self }
    }

    /// The body is repeated for ever.
    pub(crate) fn endless(self) -> Self {
        Self { ending: Ending::Endless, ..self }
    }
}

/// Ends with its value.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", handler).await
    }

    pub(crate) async fn start_at(
        host: &str,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (record, handler) = (seen.clone(), Arc::new(handler));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, record.clone(), handler.clone()));
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::parse(&self.url("")).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    record: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<impl Fn(&Seen) -> Reply>,
) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(seen)) = read(&mut stream).await {
        record.lock().unwrap().push(seen.clone());
        let Reply { mut head, body, ending } = handler(&seen);
        let done = match ending {
            Ending::Keep => {
                head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
                let whole = [head.as_bytes(), &body].concat();
                stream.write_all(&whole).await.is_err()
            }
            Ending::Close => true,
            Ending::Cut => {
                head.push_str(&format!("content-length: {}\r\n\r\n", body.len() + 1));
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
                true
            }
            Ending::Hang => std::future::pending().await,
            Ending::Endless => {
                head.push_str("\r\n");
                let mut sent = stream.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sent = stream.write_all(&body).await;
                }
                true
            }
        };
        if done {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Seen>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut words = lines[0].split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap();
    let (method, target, version) = (word(), word(), word());
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen { method, target, version, headers, body: Vec::new() };
    if seen.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).await?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await?;
            if size == 0 {
                break;
            }
            seen.body.extend_from_slice(&chunk[..size]);
        }
    } else if let Some(length) = seen.header("content-length") {
        seen.body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut seen.body).await?;
    }
    Ok(Some(seen))
}
