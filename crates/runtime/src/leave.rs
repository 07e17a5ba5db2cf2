//! Leave to send for what no machine has asked it for: revocations.

use countersign_core::{Error, ErrorKind, Monotonic, Recovery};
use countersign_scheduler::{Admit, Caller, Permit};

use crate::cell::Cell;
use crate::wait::wait;

impl Cell {
    /// Waits for leave to send, at most until `deadline`. A keeper that was shut down asks nobody: what
    /// ends a session still goes out.
    pub(crate) async fn leave(&self, deadline: Monotonic) -> Result<Option<Permit>, Error> {
        let shared = &self.shared;
        loop {
            if shared.is_closed() {
                return Ok(None);
            }
            let now = shared.now();
            let answer = shared.admission().admit(&self.lane, Caller::Waiting, now.mono);
            match answer {
                Admit::Go(permit) => return Ok(Some(permit)),
                Admit::Wait { until, .. } if until <= deadline => {
                    wait(&*shared.clock, std::future::pending::<()>(), until).await;
                }
                Admit::Wait { until, .. } => {
                    return Err(Error::new(ErrorKind::RateLimited)
                        .at(self.provider.id(), "revoke")
                        .with_recovery(Recovery::WaitUntil(now.wall_at(until))));
                }
            }
        }
    }
}
