//! One detached exchange whose result everybody who waits is told: a mutex, a channel and nothing that
//! decides anything.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use tokio::sync::watch;

use super::Raw;
use crate::Result;

/// What came of an exchange.
#[derive(Clone)]
enum Told {
    Nothing,
    Granted(HeaderValue),
    Refused,
}

/// A token that is bought once for all who ask.
#[derive(Clone)]
pub(crate) struct Flight(Arc<Inner>);

struct Inner {
    raw: Arc<tokio::sync::Mutex<Raw>>,
    value: HeaderValue,
    held: ArcSwapOption<HeaderValue>,
    running: Mutex<Option<watch::Receiver<Told>>>,
}

impl Flight {
    /// Over one connection to a token server.
    pub(crate) async fn to(address: SocketAddr) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            raw: Arc::new(tokio::sync::Mutex::new(Raw::to(address).await?)),
            value: HeaderValue::from_static("Bearer"),
            held: ArcSwapOption::empty(),
            running: Mutex::new(None),
        })))
    }

    /// The token has ended.
    pub(crate) fn forget(&self) {
        self.0.held.store(None);
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The header, or `None` if the server refuses.
    pub(crate) async fn header(&self) -> Option<HeaderValue> {
        if let Some(held) = &*self.0.held.load() {
            return Some(HeaderValue::clone(held));
        }
        let mut told = self.joined();
        let ended = told.wait_for(|told| !matches!(told, Told::Nothing)).await;
        match ended.as_deref() {
            Ok(Told::Granted(value)) => Some(value.clone()),
            Ok(Told::Refused | Told::Nothing) | Err(_) => None,
        }
    }

    fn joined(&self) -> watch::Receiver<Told> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = &*running {
            return told.clone();
        }
        let (tell, told) = watch::channel(Told::Nothing);
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let granted = inner.raw.lock().await.exchange().await;
            let end = match granted {
                Ok(true) => {
                    inner.held.store(Some(Arc::new(inner.value.clone())));
                    Told::Granted(inner.value.clone())
                }
                Ok(false) | Err(_) => Told::Refused,
            };
            // Whoever waited may have gone.
            let _ = tell.send(end);
        });
        *running = Some(told.clone());
        told
    }
}
