//! Leave to send, from the budget of origin and client.

use countersign_core::{Error, ErrorKind, Monotonic, Recovery};
use countersign_scheduler::{Admit, Caller, Permit};

use crate::cell::Cell;
use crate::wait::wait;

impl Cell {
    /// Asks the budget of origin and client. Who asks again before its time is told the same instant: a caller
    /// that does not wait pushes nobody else into the future.
    pub(crate) fn ask_leave(&self, caller: Caller, now: Monotonic) -> Admit {
        let told = self.with_awake(|core| core.told_to_wait).flatten();
        let answer = self.shared.admission().admit_again(&self.lane, caller, told, now);
        let told = match &answer {
            Admit::Go(_) => None,
            Admit::Wait { until, .. } => Some(*until),
        };
        self.with_awake(|core| core.told_to_wait = told);
        answer
    }

    /// Waits for leave to send, at most until `deadline`. A keeper that was shut down asks nobody: what
    /// ends a session still goes out.
    pub(crate) async fn leave(&self, deadline: Monotonic) -> Result<Option<Permit>, Error> {
        let shared = &self.shared;
        loop {
            if shared.is_closed() {
                return Ok(None);
            }
            let now = shared.now();
            match self.ask_leave(Caller::Waiting, now.mono) {
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
