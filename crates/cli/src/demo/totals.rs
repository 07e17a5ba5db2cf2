//! The end: what the simulators recorded beside what the client counted.

use std::fmt;
use std::time::Duration;

use super::judge::{self, Books, Ending, Row};
use super::player::Player;
use super::seen::Seen;

/// Both sides of the books, and what was found wrong with them.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) took: Duration,
    pub(super) tallies: Vec<Tally>,
    /// What is not as it should be, each in a sentence.
    pub(super) problems: Vec<String>,
}

/// The numbers of one provider.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) name: &'static str,
    pub(super) rows: [Row; 7],
    pub(super) renewals: u64,
    pub(super) challenges: u64,
}

impl Totals {
    /// Takes the books of all players as they are now; nothing may be under way any more.
    pub(super) fn of(players: &[Player], endings: &[Ending], took: Duration) -> Self {
        let books: Vec<Books> = players
            .iter()
            .zip(endings)
            .map(|(player, ending)| Books {
                name: player.name(),
                challenges: player.actor.challenges,
                counts: player.ledger.counts(),
                seen: Seen::by(&player.actor.simulator, ending.mark),
                ending: *ending,
            })
            .collect();
        let tallies = books
            .iter()
            .map(|books| Tally {
                name: books.name,
                rows: books.rows(),
                renewals: books.counts.renewals(),
                challenges: books.counts.challenges,
            })
            .collect();
        Self { took, tallies, problems: judge::problems(&books) }
    }

    /// Whether everything is as it should be.
    pub(super) fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Totals {
    /// A table for people: `n` where both books say n, `client/simulator` where they differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "what the simulators recorded and what the client counted, both:")?;
        let Some(first) = self.tallies.first() else { return Ok(()) };
        write!(f, "{:<12}", "")?;
        for row in &first.rows {
            write!(f, "{:>11}", row.what)?;
        }
        writeln!(f, "{:>11}", "renewals")?;
        for tally in &self.tallies {
            write!(f, "{:<12}", tally.name)?;
            for row in &tally.rows {
                let both = row.client == row.simulator;
                let cell = if both {
                    row.client.to_string()
                } else {
                    format!("{}/{}", row.client, row.simulator)
                };
                write!(f, "{cell:>11}")?;
            }
            writeln!(f, "{:>11}", tally.renewals)?;
        }
        if self.is_ok() {
            let requests: u64 = self.tallies.iter().map(|tally| tally.rows[0].client).sum();
            return write!(
                f,
                "ok: {} sessions, {requests} requests, none failed, in {:.0} s",
                self.tallies.len(),
                self.took.as_secs_f64()
            );
        }
        write!(f, "NOT OK:")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
