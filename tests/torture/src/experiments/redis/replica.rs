//! One of the keepers: its own store, connection, clock and transport, and callers on all of its sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Origin, SealKeys, SecretBytes};
use countersign_reqwest::{Client, SessionClient};
use countersign_runtime::{Keeper, Session, SessionEventKind};
use countersign_scheduler::BackoffPolicy;
use countersign_store_redis::RedisStore;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::server::Server;
use super::wire::Wire;
use crate::child::chain;
use crate::clock::pause;
use crate::experiments::Failure;
use crate::kind::{Facts, Kind};

/// Each session of each keeper is called so often, and at once when a wire is whole again.
const BETWEEN_CALLS: Duration = Duration::from_millis(1000);

/// A caller waits longer for a token than any trouble lasts.
const PATIENCE: Duration = Duration::from_secs(60);

const EXCHANGE: Duration = Duration::from_secs(3);

pub(crate) struct Replica {
    pub(crate) wire: Wire,
    keeper: Keeper,
    sessions: Vec<One>,
    doubts: Arc<AtomicU64>,
    /// Raised at each heal: callers call at once.
    heals: watch::Sender<u64>,
    over: Arc<AtomicBool>,
    callers: JoinSet<Load>,
}

struct One {
    session: Session,
    api: SessionClient<Session>,
    url: String,
    /// The heal after which it was served last.
    served: watch::Sender<u64>,
}

/// What callers have met.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) ok: u64,
    pub(crate) failures: Vec<String>,
}

impl Replica {
    pub(crate) async fn open(
        n: usize,
        server: &Server,
        kind: Kind,
        accounts: &[Facts],
    ) -> Result<Self, Failure> {
        let wire = Wire::to(server.port()).await?;
        let keys = SealKeys::new(1, SecretBytes::new(vec![0x5a; 32]));
        let store = RedisStore::builder(&format!("redis://127.0.0.1:{}", wire.port()), keys)?
            .holder(format!("keeper {n}"))
            .build()?;
        let http = Client::new(reqwest::Client::builder())?;
        // Whoever is cut off tries again soon: a second is the longest wait.
        let backoff = BackoffPolicy {
            base: Duration::from_millis(100),
            cap: Duration::from_secs(1),
            max_attempts: 10_000,
            max_elapsed: Duration::from_secs(3600),
            ..BackoffPolicy::default()
        };
        let keeper = Keeper::builder()
            .transport(http.clone())
            .store(store)
            .backoff(backoff)
            .exchange_deadline(EXCHANGE)
            .replica_seed(n as u64)
            .build()?;
        let mut sessions = Vec::new();
        for facts in accounts {
            let session = keeper
                .session_of(kind.adapter(facts)?, &facts.identity)
                .credentials(kind.credentials(facts))
                .api_origins([Origin::parse(&facts.url)?])
                .deadline(PATIENCE)
                .reauthentication(Reauthentication::Automatic { per_day: 10_000 })
                .open()
                .await?;
            let (api, url) = (http.session(session.clone()), facts.resource.clone());
            sessions.push(One { session, api, url, served: watch::Sender::new(0) });
        }
        let doubts = Arc::new(AtomicU64::new(0));
        let (counted, mut events) = (Arc::clone(&doubts), keeper.events());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                // Who finds the mark of another, and who has lost an answer himself.
                let doubt = matches!(
                    event.kind,
                    SessionEventKind::RefreshInDoubt
                        | SessionEventKind::Moved { to: Status::Ambiguous, .. }
                );
                if doubt {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Ok(Self {
            wire,
            keeper,
            sessions,
            doubts,
            heals: watch::Sender::new(0),
            over: Arc::default(),
            callers: JoinSet::new(),
        })
    }

    /// Whether each session answers one call, all within `span`.
    pub(crate) async fn serves_all(&self, span: Duration) -> bool {
        let mut calls = JoinSet::new();
        for one in &self.sessions {
            let (api, url) = (one.api.clone(), one.url.clone());
            calls.spawn(async move { call(&api, &url).await.is_ok() });
        }
        let all = async {
            let mut good = true;
            while let Some(one) = calls.join_next().await {
                good &= one.unwrap_or(false);
            }
            good
        };
        tokio::select! {
            good = all => good,
            () = pause(span) => false,
        }
    }

    /// One caller a session, until the end.
    pub(crate) fn put_under_load(&mut self) {
        for one in &self.sessions {
            let (api, url) = (one.api.clone(), one.url.clone());
            let (served, over) = (one.served.clone(), Arc::clone(&self.over));
            let mut heals = self.heals.subscribe();
            self.callers.spawn(async move {
                let mut load = Load::default();
                while !over.load(Ordering::SeqCst) {
                    let heal = *heals.borrow_and_update();
                    match call(&api, &url).await {
                        // Only a call that began after the heal tells that it is served again.
                        Ok(()) => {
                            load.ok += 1;
                            served.send_replace(heal);
                        }
                        Err(error) => load.failures.push(error),
                    }
                    tokio::select! {
                        _ = heals.changed() => {}
                        () = pause(BETWEEN_CALLS) => {}
                    }
                }
                load
            });
        }
    }

    /// From now on calls count as made after the heal; comes back when each session was served.
    pub(crate) fn all_served_again(&self) -> impl Future<Output = ()> + Send + 'static {
        self.heals.send_modify(|heal| *heal += 1);
        let heal = *self.heals.borrow();
        let served: Vec<_> = self.sessions.iter().map(|one| one.served.subscribe()).collect();
        async move {
            for mut one in served {
                // It fails only if the session has gone, and then nobody waits for it.
                let _ = one.wait_for(|seen| *seen >= heal).await;
            }
        }
    }

    pub(crate) async fn end_load(&mut self) -> Load {
        self.over.store(true, Ordering::SeqCst);
        self.heals.send_modify(|heal| *heal += 1);
        let mut all = Load::default();
        while let Some(load) = self.callers.join_next().await {
            match load {
                Ok(load) => {
                    all.ok += load.ok;
                    all.failures.extend(load.failures);
                }
                Err(lost) => all.failures.push(lost.to_string()),
            }
        }
        all
    }

    /// The generation of the session `n`.
    pub(crate) fn generation(&self, n: usize) -> u64 {
        let status = self.sessions[n].session.status();
        status.generation.map_or(0, |generation| generation.counter)
    }

    /// How often a session did not know whether its refresh token was spent.
    pub(crate) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::SeqCst)
    }

    /// Whether all came to an end and was saved.
    pub(crate) async fn shut_down(&self) -> bool {
        self.keeper.shutdown(PATIENCE).await
    }
}

async fn call(api: &SessionClient<Session>, url: &str) -> Result<(), String> {
    match api.get(url).send().await {
        Ok(reply) if reply.status() == 200 => Ok(()),
        Ok(reply) => Err(format!("status {}", reply.status().as_u16())),
        Err(error) => Err(chain(&error)),
    }
}
