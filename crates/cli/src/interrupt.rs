//! Ctrl-C and the system's request to end.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody has pressed Ctrl-C at a question, where the terminal does not make a signal of it.
static AT_A_QUESTION: AtomicBool = AtomicBool::new(false);

/// Remembers that a question was answered by Ctrl-C.
pub(crate) fn at_a_question() {
    AT_A_QUESTION.store(true, Ordering::Relaxed);
}

/// Whether a question was answered by Ctrl-C.
pub(crate) fn was_at_a_question() -> bool {
    AT_A_QUESTION.load(Ordering::Relaxed)
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
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        pending().await
    }
}
