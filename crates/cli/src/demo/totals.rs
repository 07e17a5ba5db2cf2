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
        write!(f, "{:<9}", "")?;
        for row in &first.rows {
            cell(f, row.what, row.what)?;
        }
        cell(f, "renewals", "renewals")?;
        for tally in &self.tallies {
            write!(f, "\n{:<9}", tally.name)?;
            for row in &tally.rows {
                let both = if row.client == row.simulator {
                    row.client.to_string()
                } else {
                    format!("{}/{}", row.client, row.simulator)
                };
                cell(f, row.what, &both)?;
            }
            cell(f, "renewals", &tally.renewals.to_string())?;
        }
        writeln!(f)?;
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

/// One cell of the column of that title.
fn cell(f: &mut fmt::Formatter<'_>, title: &str, text: &str) -> fmt::Result {
    let width = title.len().max(7);
    write!(f, " {text:>width$}")
}
