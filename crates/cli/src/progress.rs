//! What keeps a person waiting, told on a terminal.

use std::future::pending;
use std::io::{self, IsTerminal};

use countersign_runtime::{Session, SessionEventKind};

use crate::output;
use crate::problem::headline;
use crate::terminal::escape;

/// Tells every failure that is tried again by itself. Never returns; off a terminal it says nothing.
pub(crate) async fn tell(session: &Session) {
    if io::stderr().is_terminal() {
        let mut events = session.events();
        while let Some(event) = events.recv().await {
            match event.kind {
                SessionEventKind::Stalled(error) => {
                    output::say(&format!("{}; trying again", escape(&headline(&error))));
                }
                SessionEventKind::WaitCapped { until } => {
                    output::say(&format!("the provider asks for a longer wait than until {until}"));
                }
                _ => {}
            }
        }
    }
    pending().await
}
