//! From what the keeper tells about its sessions to the books and to the stage.

use countersign_core::Clock;
use countersign_runtime::{Events, SessionEvent, SessionEventKind, SystemClock};

use super::happening::{Teller, What};
use super::player::Player;

/// Writes every event down until each session is signed out, or the keeper is gone.
pub(super) async fn listen(
    mut events: Events,
    players: Vec<Player>,
    clock: SystemClock,
    teller: Teller,
) {
    let mut signed_in = players.len();
    while signed_in > 0 {
        let Some(event) = events.recv().await else { return };
        let whose = players.iter().find(|player| player.session.digest() == event.session);
        let Some(player) = whose else { continue };
        if matches!(event.kind, SessionEventKind::SignedOut) {
            signed_in -= 1;
        }
        if let Some(what) = told(player, &event, clock) {
            teller.tell(player.name(), what);
        }
    }
}

fn told(player: &Player, event: &SessionEvent, clock: SystemClock) -> Option<What> {
    match &event.kind {
        SessionEventKind::Published { generation, saved } => {
            // The same token is told again once it is saved.
            let (number, refusals) = player.ledger.published(*generation)?;
            let status = player.session.status();
            let good_for = status.expires_at.map(|end| end.since(clock.now())).unwrap_or_default();
            Some(What::Published { number, good_for, saved: *saved, refusals })
        }
        SessionEventKind::Moved { from, to } => Some(What::Moved { from: *from, to: *to }),
        SessionEventKind::Stalled(error) => {
            let served = player.is_served();
            if served {
                player.ledger.served_on();
            }
            Some(What::Stalled { error: error.clone(), served })
        }
        SessionEventKind::Failed(error) => {
            Some(What::Failed { error: error.clone(), served: player.is_served() })
        }
        // Told by the one who asked: the sign-in, the sign-out, the request.
        _ => None,
    }
}
