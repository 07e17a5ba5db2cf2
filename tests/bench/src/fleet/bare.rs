//! The bare client: the same requests of as many different sessions, answers read whole and not looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{ACCEPT, CONTENT_TYPE};
use tokio::task::JoinSet;

use super::{Began, Rate};
use crate::server::{FLEET_PASSWORD, Server, fleet_account};
use crate::subject::client;
use crate::{Error, Result};

/// What it renews: sign-ins of its own, one at every account.
pub(super) struct Bare {
    http: reqwest::Client,
    tokens: Arc<[String]>,
    concurrency: u32,
    /// Whose turn it is.
    next: usize,
}

impl Bare {
    pub(super) async fn signed_in(
        server: &Server,
        sessions: usize,
        concurrency: u32,
    ) -> Result<Self> {
        let http = client()?.plain().clone();
        let url: Arc<str> = format!("{}/auth/signin", server.url()).into();
        let client = http.clone();
        let signed_in = each(sessions, concurrency, move |n| {
            let account = fleet_account(n);
            let sign_in = serde_json::json!({ "email": account, "password": FLEET_PASSWORD });
            let (http, url) = (client.clone(), Arc::clone(&url));
            async move {
                let reply = posted(&http, &url, sign_in.to_string()).await?;
                let reply: serde_json::Value = serde_json::from_slice(&reply)?;
                let token = reply["refreshToken"].as_str();
                Ok(token.ok_or("the bare client was not signed in")?.to_owned())
            }
        });
        Ok(Self { tokens: signed_in.await?.into(), http, concurrency, next: 0 })
    }

    /// Renews the next so many of them.
    pub(super) async fn renews(&mut self, server: &Server, pieces: usize) -> Result<Rate> {
        let url: Arc<str> = format!("{}/auth/refresh-access-token", server.url()).into();
        let (first, of, client) = (self.next, Arc::clone(&self.tokens), self.http.clone());
        self.next = (first + pieces) % of.len();
        let began = Began::now(server)?;
        let answered = each(pieces, self.concurrency, move |n| {
            let token = &of[(first + n) % of.len()];
            let body = serde_json::json!({ "refreshToken": token }).to_string();
            let (http, url) = (client.clone(), Arc::clone(&url));
            async move { posted(&http, &url, body).await.map(drop) }
        });
        let answered = answered.await?.len();
        began.rate(server, answered)
    }
}

async fn posted(http: &reqwest::Client, url: &str, body: String) -> Result<bytes::Bytes> {
    let request = http.post(url).header(CONTENT_TYPE, "application/json");
    let request = request.header(ACCEPT, "application/json").body(body);
    Ok(request.send().await?.error_for_status()?.bytes().await?)
}

/// What `work` makes of the numbers below `pieces`, in any order, so many of them at a time.
async fn each<T: Send + 'static, F: Future<Output = Result<T>> + Send>(
    pieces: usize,
    at_a_time: u32,
    work: impl Fn(usize) -> F + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let (next, work) = (Arc::new(AtomicUsize::new(0)), Arc::new(work));
    let mut workers = JoinSet::new();
    for _ in 0..at_a_time {
        let (next, work) = (Arc::clone(&next), Arc::clone(&work));
        workers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= pieces {
                    return Ok::<_, Error>(made);
                }
                made.push(work(n).await?);
            }
        });
    }
    let mut made = Vec::with_capacity(pieces);
    while let Some(ended) = workers.join_next().await {
        made.extend(ended??);
    }
    Ok(made)
}
