//! Ctrl-C, the system's request to end, and the end of the terminal.

use std::future::pending;
#[cfg(unix)]
use std::io::{self, IsTerminal};

use tokio::runtime::Runtime;

use crate::engine::interrupted;
use crate::problem::Problem;

/// Who hears a request to end: we, or the system alone, which then ends the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hearing {
    Deaf,
    Hears,
}

/// Does `work` on `runtime`, until it is done or somebody asks the process to end: a question may stand open, and
/// must leave the terminal as it was.
pub(crate) fn block_on<T>(
    runtime: &Runtime,
    hearing: Hearing,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    runtime.block_on(async {
        match hearing {
            Hearing::Deaf => work.await,
            Hearing::Hears => tokio::select! {
                // First of all: a signal in the moment of a question must find the terminal set right.
                biased;
                () = wait() => Err(interrupted()),
                done = work => done,
            },
        }
    })
}

/// Returns when somebody asks the process to end. Where signals cannot be heard it never does, and
/// the system ends the process by itself.
pub(crate) async fn wait() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return pending().await;
        };
        // Heard only where a question may have made a terminal mute: whoever runs without one has perhaps
        // asked for hangups to be ignored (nohup).
        let mut hangup = match io::stdin().is_terminal() {
            true => signal(SignalKind::hangup()).ok(),
            false => None,
        };
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        pending().await
    }
}
