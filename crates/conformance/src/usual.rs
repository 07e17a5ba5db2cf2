//! The server of a target as it is usually, looked at before the first case: what the adapter claims, and what
//! may be run there.
//!
//! What opens it is somebody else's code. So it has the time and the runtime that it would have in a case, a
//! deadline, and a thread of its own: one that hangs or panics ends the run with a word, and takes nothing with it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use countersign_core::{Capabilities, Clock};
use countersign_runtime::SystemClock;
use futures_util::FutureExt;

use crate::claims::Claim;
use crate::clock::Stuck;
use crate::run::{self, block_on};
use crate::target::{Server, Settings, Setup, Target, Time, Unavailable};

/// How long code that does not look at its deadline may take beyond it.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// What the adapter of a target claims with its usual settings.
///
/// # Errors
/// Why there is no server, with the remedy.
pub fn claims_of(target: &Arc<dyn Target>) -> Result<(Capabilities, Vec<Claim>), String> {
    let claims = usual(target, Duration::from_secs(120), claims)?;
    let list = Claim::of(&claims);
    Ok((claims, list))
}

/// What the adapter of a server claims.
pub(crate) fn claims(server: &dyn Server) -> Capabilities {
    server.adapter().capabilities().clone()
}

/// What `look` sees at the server of a target as it is usually.
pub(crate) fn usual<T: Send + 'static>(
    target: &Arc<dyn Target>,
    deadline: Duration,
    look: impl FnOnce(&dyn Server) -> T + Send + 'static,
) -> Result<T, String> {
    let name = format!("opening {}", target.name());
    let (tell, hear) = mpsc::channel();
    let opened = Arc::clone(target);
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        // Nobody listens any more if the deadline is over.
        let _ = tell.send(open(&opened, deadline, look));
    });
    thread.map_err(|error| format!("no thread: {error}"))?;
    match hear.recv_timeout(deadline.saturating_add(GRACE)) {
        Ok(seen) => seen,
        Err(RecvTimeoutError::Timeout) => Err(too_slow(deadline)),
        Err(RecvTimeoutError::Disconnected) => Err("what opens its server came to no end".into()),
    }
}

fn open<T>(
    target: &Arc<dyn Target>,
    deadline: Duration,
    look: impl FnOnce(&dyn Server) -> T,
) -> Result<T, String> {
    let real = SystemClock::new();
    let time = target.time();
    let hour = run::hour_of(time, &real);
    let setup = Setup { seed: [0; 32], clock: hour.clock(), settings: Settings::USUAL };
    let over = real.monotonic().after(deadline);
    let work = AssertUnwindSafe(async {
        let server = target.open(&setup).await?;
        Ok((look(&*server), server))
    });
    match block_on(&hour, over, work.catch_unwind())? {
        Ok(Ok(Ok((seen, server)))) => {
            // Outside of the runtime, as that of a case; how it goes is found out there.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop(server)));
            Ok(seen)
        }
        Ok(Ok(Err(Unavailable::NotHere(why) | Unavailable::Down(why)))) => Err(why),
        Ok(Err(panic)) => {
            Err(format!("what opens its server panicked: {}", run::panic_text(&*panic, time)))
        }
        Err(Stuck::TooSlow) => Err(too_slow(deadline)),
        Err(Stuck::Forever) => {
            let hint = if time == Time::Virtual { run::REAL_TIME_HINT } else { "" };
            Err(format!("what opens its server waits for something that can never happen{hint}"))
        }
        Err(Stuck::TooLong) => {
            Err("what opens its server waits for something that did not happen in 40 days".into())
        }
    }
}

fn too_slow(deadline: Duration) -> String {
    format!(
        "its server did not open within {deadline:?}; start what it waits for, or give the suite \
         another deadline"
    )
}
