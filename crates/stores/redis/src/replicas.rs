//! Waiting for replicas (WAIT), which stops the connection that all calls share.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::Error;
use redis::Value;
use tokio::sync::Mutex;

use crate::connect::{Wire, WireId};
use crate::fault;
use crate::link::Ask;
use crate::shared::Shared;

/// One WAIT at a time, each for all that was written before it: so no command is behind more than one, and many who
/// write at once wait for two at most.
#[derive(Default)]
pub(crate) struct Waits {
    /// The writes that were answered.
    written: AtomicU64,
    last: Mutex<Option<Last>>,
}

/// The last WAIT that was answered.
struct Last {
    wire: WireId,
    /// The writes that were answered before it was sent.
    written: u64,
    /// So many replicas have them.
    have: i64,
}

impl Waits {
    /// Waits until `wanted` replicas have what was written over `wire`, and answered.
    pub(crate) async fn confirmed(
        &self,
        shared: &Shared,
        wire: &Wire,
        wanted: u32,
    ) -> Result<(), Error> {
        let ours = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        let have = match &*last {
            Some(last) if last.written >= ours && wire.has(&last.wire) => last.have,
            _ => {
                let written = self.written.load(Ordering::SeqCst);
                let have = wait(shared, wire, wanted).await?;
                *last = Some(Last { wire: wire.id(), written, have });
                have
            }
        };
        if have >= i64::from(wanted) {
            Ok(())
        } else {
            Err(fault::not_replicated(&shared.link.place(), wanted, have))
        }
    }
}

async fn wait(shared: &Shared, wire: &Wire, wanted: u32) -> Result<i64, Error> {
    let mut command = redis::cmd("WAIT");
    // Who comes behind it still has the other half of the time in which a connection has to answer. 0 would have
    // no end.
    let limit = (shared.link.answer() / 2).as_millis().max(1);
    command.arg(wanted).arg(u64::try_from(limit).unwrap_or(u64::MAX));
    // Over the same connection: the server counts what was written there. It may end a wait 0.1 s late.
    let until = shared.link.clock().monotonic().after(shared.link.answer().saturating_mul(2));
    match shared.link.ask_over(wire, &Ask::Command(&command), until).await? {
        Value::Int(have) => Ok(have),
        _ => Err(shared.unexpected()),
    }
}
