//! Plays the script: what the servers do to the sessions, each at its second.

use std::time::Duration;

use countersign_core::session::{Purpose, Status};
use countersign_core::{Clock, Monotonic};
use countersign_runtime::SystemClock;
use countersign_simulator::{Fault, Operation, RefreshTokens, RetryAfter};
use tokio::task::JoinSet;

use super::happening::{DEMO, Teller, What};
use super::player::Player;
use super::scenario::{Act, SCRIPT};

/// A revocation waits so long at most for a moment at which no renewal is near.
const PATIENCE: Duration = Duration::from_secs(3);

/// A renewal that is further off than this would not hide a revocation.
const QUIET: Duration = Duration::from_millis(400);

/// Who plays before whom, and by which clock.
pub(super) struct Director<'a> {
    pub(super) players: &'a [Player],
    pub(super) teller: &'a Teller,
    pub(super) clock: SystemClock,
}

impl Director<'_> {
    /// Plays the whole script, then waits until `length` of load is over.
    pub(super) async fn play(&self, length: Duration) {
        let begun = self.clock.monotonic();
        let mut before = (0, 0);
        for cue in SCRIPT {
            self.clock.sleep_until(begun.after(cue.at)).await;
            match cue.act {
                Act::BeginOutage => {
                    before = self.outage_books();
                    self.each(|player| player.actor.simulator.outage(true));
                    self.teller.tell(DEMO, What::OutageBegins);
                }
                Act::EndOutage => {
                    self.each(|player| player.actor.simulator.outage(false));
                    let after = self.outage_books();
                    let (refused, served) = (after.0 - before.0, after.1 - before.1);
                    self.teller.tell(DEMO, What::OutageEnds { refused, served });
                }
                Act::Throttle { who, seconds } => {
                    let retry_after = RetryAfter::Reset(seconds);
                    let told = What::ThrottleSet { seconds };
                    self.next_renewal(who, Fault::Status429 { retry_after }, told);
                }
                Act::LoseAnswer { who } => {
                    self.next_renewal(who, Fault::LoseAnswer, What::LossSet);
                }
                Act::Revoke => self.revoke().await,
            }
        }
        self.clock.sleep_until(begun.after(length)).await;
    }

    /// Calls that the client has seen refused as unavailable, and requests that it was served.
    fn outage_books(&self) -> (u64, u64) {
        let counts = self.players.iter().map(|player| player.ledger.counts());
        counts.fold((0, 0), |(refused, served), counts| {
            let unavailable = counts.auth_answers.get(&503).copied().unwrap_or(0);
            (refused + unavailable, served + counts.requests - counts.failed)
        })
    }

    fn next_renewal(&self, who: &str, fault: Fault, told: What) {
        if let Some(player) = self.players.iter().find(|player| player.name() == who) {
            player.actor.simulator.inject(Operation::REFRESH, fault, 1);
            self.teller.tell(player.name(), told);
        }
    }

    async fn revoke(&self) {
        let latest = self.clock.monotonic().after(PATIENCE);
        let mut all = JoinSet::new();
        for player in self.players {
            let (player, teller, clock) = (player.clone(), self.teller.clone(), self.clock);
            all.spawn(async move {
                quiet_moment(&player, clock, latest).await;
                player.ledger.expect_refusal();
                let identity = &player.actor.identity;
                player.actor.simulator.revoke_all(identity, RefreshTokens::Keep);
                teller.tell(player.name(), What::Revoked);
            });
        }
        all.join_all().await;
    }

    fn each(&self, act: impl Fn(&Player)) {
        self.players.iter().for_each(act);
    }
}

/// Waits until the next renewal is not so near that the session would drop the token by itself.
async fn quiet_moment(player: &Player, clock: SystemClock, latest: Monotonic) {
    loop {
        let status = player.session.status();
        let far = clock.now().after(QUIET);
        let quiet = match status.next {
            Some((Purpose::Renew { .. }, at)) => at > far,
            _ => false,
        };
        let now = clock.monotonic();
        if (quiet && status.good && status.state == Status::Active) || now >= latest {
            return;
        }
        clock.sleep_until(now.after(Duration::from_millis(20))).await;
    }
}
