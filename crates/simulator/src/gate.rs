//! A gate that a test holds: the server has acted, its answer waits.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone, Copy)]
struct State {
    seen: usize,
    open: bool,
}

/// Holds answers until the test opens it; tells the test when a request has arrived.
///
/// Cheap to clone: all clones are one gate. It opens for good.
#[derive(Clone)]
pub struct Gate {
    state: Arc<watch::Sender<State>>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State { seen: 0, open: false })) }
    }

    /// How many requests have come to the gate so far. All of them were carried out.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.state.borrow().seen
    }

    /// Waits until a request has come to the gate.
    pub async fn wait_until_seen(&self) {
        self.wait(|state| state.seen > 0).await;
    }

    /// Opens the gate for those that wait and all that will come.
    pub fn release(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Whether it was opened.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.state.borrow().open
    }

    /// Waits until the gate is open. For shells.
    pub async fn released(&self) {
        self.wait(|state| state.open).await;
    }

    pub(crate) fn arrive(&self) {
        self.state.send_modify(|state| state.seen += 1);
    }

    async fn wait(&self, until: impl FnMut(&State) -> bool) {
        let mut states = self.state.subscribe();
        // The sender lives as long as this gate, so the only answer is that the state was reached.
        let _ = states.wait_for(until).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("seen", &self.seen())
            .field("open", &self.is_released())
            .finish()
    }
}
