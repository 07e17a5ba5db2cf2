//! The script: what happens to the sessions, and when. All times count from the start of the load.

use std::time::Duration;

/// How long access tokens live, but those of a provider that is asked late.
pub(super) const LIFE: Duration = Duration::from_secs(6);

/// How long they live where the provider allows a renewal only shortly before the end.
pub(super) const SHORTER_LIFE: Duration = Duration::from_secs(4);

/// The time step of one-time codes.
pub(super) const CODE_PERIOD: Duration = Duration::from_secs(2);

/// How long a spent refresh token is still taken by the provider that rotates.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// Requests a second and session.
pub(super) const PACE: u64 = 20;

/// The load lasts so long unless more is asked for.
pub(super) const SECONDS: u64 = 20;

/// Fewer renewals of one session are not what was promised.
pub(super) const LEAST_RENEWALS: u64 = 3;

/// Fewer calls that an outage refused show nothing.
pub(super) const LEAST_REFUSED: u64 = 5;

/// One line of the script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cue {
    pub(super) at: Duration,
    pub(super) act: Act,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Every authentication server answers 503.
    BeginOutage,
    /// They work again.
    EndOutage,
    /// This provider's next renewal is answered with 429 and the moment to come back.
    Throttle { who: &'static str, seconds: u64 },
    /// This provider's next renewal is carried out, and its answer lost.
    LoseAnswer { who: &'static str },
    /// Every server ends all access tokens that it gave, between two renewals.
    Revoke,
}

/// What happens, in its order.
pub(super) const SCRIPT: [Cue; 5] = [
    Cue { at: Duration::from_secs(5), act: Act::BeginOutage },
    Cue { at: Duration::from_secs(9), act: Act::EndOutage },
    Cue { at: Duration::from_millis(10_500), act: Act::Throttle { who: "igny8", seconds: 2 } },
    Cue { at: Duration::from_millis(11_500), act: Act::LoseAnswer { who: "cognito" } },
    Cue { at: Duration::from_millis(15_500), act: Act::Revoke },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(act: Act) -> Duration {
        SCRIPT.iter().find(|cue| cue.act == act).unwrap().at
    }

    #[test]
    fn the_script_is_in_order_and_leaves_time_to_recover() {
        assert!(SCRIPT.is_sorted_by_key(|cue| cue.at));
        let last = SCRIPT.last().unwrap().at;
        assert!(last + Duration::from_secs(4) < Duration::from_secs(SECONDS));
    }

    #[test]
    fn the_outage_outlasts_the_advisory_window_of_every_token() {
        // Of so short a life the advisory window is the second half.
        let outage = at(Act::EndOutage) - at(Act::BeginOutage);
        assert!(outage > LIFE / 2 && outage > SHORTER_LIFE / 2);
    }
}
