//! What is not as it should be: the two sides of the books against each other, and both against the
//! script. Pure, so that each finding can be provoked by a test.

use http::StatusCode;

use super::happening::End;
use super::ledger::{Answers, Counts};
use super::scenario::{Act, LEAST_REFUSED, LEAST_RENEWALS, SCRIPT};
use super::seen::Seen;

/// How one session ended: what the client says, and what the API said to the old token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) end: End,
    pub(super) presented: Option<StatusCode>,
    /// The number of the last request that the simulator saw before the sign-out.
    pub(super) mark: u64,
}

/// Everything that is known about one session in the end.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) name: &'static str,
    /// How many challenges the sign-in has.
    pub(super) challenges: u64,
    pub(super) counts: Counts,
    pub(super) seen: Seen,
    pub(super) ending: Ending,
}

/// One number, counted twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) client: u64,
    pub(super) simulator: u64,
}

/// What is wrong with the whole, each in a sentence.
pub(super) fn problems(all: &[Books]) -> Vec<String> {
    let mut problems: Vec<String> = all.iter().flat_map(Books::problems).collect();
    let refused: u64 = all.iter().map(|books| books.seen.outage).sum();
    if refused < LEAST_REFUSED {
        problems.push(format!("the outage refused {refused} calls, fewer than {LEAST_REFUSED}"));
    }
    if all.iter().all(|books| books.counts.served_on == 0) {
        problems.push("no token was served on while the auth servers were down".to_owned());
    }
    problems
}

impl Books {
    /// The numbers that both sides counted, each by its own means.
    pub(super) fn rows(&self) -> [Row; 7] {
        let Self { counts, seen, .. } = self;
        let row = |what, client, simulator| Row { what, client, simulator };
        [
            row("requests", counts.requests, seen.served + seen.failed),
            row("failed", counts.failed, seen.failed),
            row("replays", counts.replays, seen.sends - seen.served - seen.failed),
            row("refused", counts.refused(), seen.refused()),
            row("exchanges", counts.exchanges, seen.exchanges),
            row("lost", counts.lost, seen.lost),
            row("tokens", counts.generations.len() as u64, seen.tokens),
        ]
    }

    fn problems(&self) -> Vec<String> {
        let mut wrong = self.differences();
        let Self { counts, seen, .. } = self;
        if seen.incomplete {
            wrong.push("the simulator has forgotten its first records".to_owned());
        }
        if counts.failed > 0 {
            wrong.push(format!("{} requests failed", counts.failed));
        }
        let renewals = counts.renewals();
        if renewals < LEAST_RENEWALS {
            wrong.push(format!("{renewals} renewals, fewer than {LEAST_RENEWALS}"));
        }
        if counts.challenges != self.challenges {
            let (answered, wanted) = (counts.challenges, self.challenges);
            wrong.push(format!("{answered} challenges were answered, not {wanted}"));
        }
        wrong.extend(SCRIPT.iter().filter_map(|cue| self.unmet(cue.act)).map(str::to_owned));
        wrong.extend(self.untrue().map(str::to_owned));
        wrong.into_iter().map(|text| format!("{}: {text}", self.name)).collect()
    }

    /// Where the two sides do not say the same.
    fn differences(&self) -> Vec<String> {
        let numbers = self.rows().into_iter().filter(|row| row.client != row.simulator);
        let numbers = numbers.map(|Row { what, client, simulator }| {
            format!("{what}: the client says {client}, the simulator {simulator}")
        });
        let Self { counts, seen, .. } = self;
        let answers = [
            ("API answers", &counts.api_answers, &seen.api_answers),
            ("API answers after the sign-out", &counts.probe_answers, &seen.probe_answers),
            ("auth answers", &counts.auth_answers, &seen.auth_answers),
        ];
        let answers = answers.into_iter().filter(|(_, client, simulator)| client != simulator);
        let answers = answers.map(|(what, client, simulator)| {
            format!("{what}: the client says {}, the simulator {}", list(client), list(simulator))
        });
        numbers.chain(answers).collect()
    }

    /// What the script had for this provider and did not come about.
    fn unmet(&self, act: Act) -> Option<&'static str> {
        let Self { counts, seen, .. } = self;
        let mine = |who: &str| who == self.name;
        match act {
            Act::BeginOutage if seen.outage == 0 => Some("no call met the outage"),
            Act::Revoke if counts.refused() == 0 => Some("the revoked token met no 401"),
            Act::Throttle { who, seconds } if mine(who) => match seen.throttled {
                None => Some("no call met the throttle"),
                Some((_, Some(next))) if next < reset(seen, seconds) => {
                    Some("the throttle was not obeyed")
                }
                Some(_) => None,
            },
            Act::LoseAnswer { who } if mine(who) && seen.lost_after_acting == 0 => {
                Some("no answer was lost")
            }
            Act::LoseAnswer { who } if mine(who) && seen.spent_again == 0 => {
                Some("the refresh token of the lost answer was not sent again")
            }
            Act::BeginOutage
            | Act::EndOutage
            | Act::Throttle { .. }
            | Act::LoseAnswer { .. }
            | Act::Revoke => None,
        }
    }

    /// What the client says about the token after the sign-out, and the API does not confirm.
    fn untrue(&self) -> Option<&'static str> {
        let Some(presented) = self.ending.presented else {
            return Some("the old token could not be presented after the sign-out");
        };
        match self.ending.end {
            End::Revoked if presented.is_success() => Some("the revoked token is still taken"),
            End::LocalOnly { valid_for: None } if presented.is_success() => {
                Some("a token is taken that should not be there")
            }
            End::Unconfirmed => Some("the sign-out was not confirmed"),
            End::Revoked | End::LocalOnly { .. } => None,
        }
    }
}

/// The moment that the 429 named: its header tells whole seconds.
fn reset(seen: &Seen, seconds: u64) -> i64 {
    let at = seen.throttled.map_or(0, |(at, _)| at.div_euclid(1000));
    at.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)).saturating_mul(1000)
}

fn list(answers: &Answers) -> String {
    let each: Vec<String> =
        answers.iter().map(|(status, times)| format!("{times} of {status}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(" and ") }
}

#[cfg(test)]
mod tests;
