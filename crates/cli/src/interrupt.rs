//! Ctrl-C, the system's request to end, and the end of the terminal.

use std::future::pending;
#[cfg(unix)]
use std::io::{self, IsTerminal};

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
