//! Taking turns: every subject is measured once a round, and who is first changes with every round.

use crate::Result;

type Turn<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// Subjects that are measured together, so that a neighbour on the machine meets all of them.
pub(crate) struct Contest<'a> {
    rounds: usize,
    subjects: Vec<Turn<'a>>,
}

/// Every subject's figures, round by round.
pub(crate) struct Figures(Vec<Vec<f64>>);

impl<'a> Contest<'a> {
    pub(crate) fn new(rounds: usize) -> Self {
        Self { rounds, subjects: Vec::new() }
    }

    /// Adds a subject; its figures come under the number of subjects before it.
    #[must_use]
    pub(crate) fn with(mut self, turn: impl FnMut() -> Result<f64> + 'a) -> Self {
        self.subjects.push(Box::new(turn));
        self
    }

    /// Runs all rounds, after one that is not counted.
    pub(crate) fn run(mut self) -> Result<Figures> {
        for subject in &mut self.subjects {
            subject()?;
        }
        let n = self.subjects.len();
        let mut figures: Vec<Vec<f64>> = vec![Vec::with_capacity(self.rounds); n];
        for round in 0..self.rounds {
            for turn in 0..n {
                let subject = (round + turn) % n;
                figures[subject].push(self.subjects[subject]()?);
            }
        }
        Ok(Figures(figures))
    }
}

impl Figures {
    pub(crate) fn of(&self, subject: usize) -> &[f64] {
        &self.0[subject]
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::Contest;

    #[test]
    fn everybody_has_a_turn_in_every_round_and_begins_as_often_as_the_others() {
        let seen = RefCell::new(Vec::new());
        let turn = |name: u8| {
            let seen = &seen;
            move || {
                seen.borrow_mut().push(name);
                Ok(f64::from(name))
            }
        };
        let figures = Contest::new(3).with(turn(0)).with(turn(1)).with(turn(2)).run().unwrap();
        assert_eq!(*seen.borrow(), [0, 1, 2, 0, 1, 2, 1, 2, 0, 2, 0, 1]);
        assert_eq!((figures.of(0), figures.of(2)), (&[0.0; 3][..], &[2.0; 3][..]));
    }

    #[test]
    fn a_subject_that_fails_ends_the_contest() {
        let contest = Contest::new(3).with(|| Ok(1.0)).with(|| Err("no server".into()));
        assert_eq!(contest.run().err().unwrap().to_string(), "no server");
    }
}
