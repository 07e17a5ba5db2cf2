//! The tables of `docs/CRASHES.md`: a row a step, a column a kind of what the process was at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A word of the document.
pub(super) trait Text: Copy {
    fn text(self) -> &'static str;
}

/// What became of each step, by column.
pub(super) struct Tables<T>(Vec<(&'static str, Vec<(String, T)>)>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Text> Tables<T> {
    pub(super) fn add(&mut self, column: &'static str, steps: Vec<(String, T)>) {
        self.0.push((column, steps));
    }

    pub(super) fn n_steps(&self) -> usize {
        self.0.iter().map(|(_, steps)| steps.len()).sum()
    }

    /// One table of all columns.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("| the process dies |");
        for (column, _) in &self.0 {
            let _ = write!(text, " {column} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(self.0.len()));
        for (step, nth) in self.rows() {
            let _ = write!(text, "| {step}{} |", again(nth));
            for (_, steps) in &self.0 {
                let mut same = steps.iter().filter(|(of, _)| *of == step);
                let _ = write!(text, " {} |", same.nth(nth).map_or("–", |(_, found)| found.text()));
            }
            text.push('\n');
        }
        text
    }

    /// The steps of all columns in one order: those of the first, and each of the others after the one that it
    /// follows.
    fn rows(&self) -> Vec<(String, usize)> {
        let mut rows: Vec<(String, usize)> = Vec::new();
        for (_, steps) in &self.0 {
            let mut last = 0;
            let mut met: BTreeMap<&str, usize> = BTreeMap::new();
            for (step, _) in steps {
                let nth = met.entry(step.as_str()).or_default();
                let row = (step.clone(), *nth);
                *nth += 1;
                match rows.iter().position(|known| *known == row) {
                    Some(at) => last = at + 1,
                    None => {
                        rows.insert(last, row);
                        last += 1;
                    }
                }
            }
        }
        rows
    }
}

fn again(nth: usize) -> &'static str {
    match nth {
        0 => "",
        1 => ", once more",
        2 => ", a third time",
        _ => ", again",
    }
}

/// The steps of two exchanges that follow each other, each for a column of its own. The first lets its lock go while
/// the second begins, so that it is not the order alone that tells them apart.
pub(super) fn apart<T: Text>(steps: Vec<(String, T)>) -> [Vec<(String, T)>; 2] {
    let begins = |(step, _): &(String, T)| step == "the machine has said to get the credentials";
    let second = steps.iter().rposition(begins).unwrap_or(steps.len());
    let mut apart = [Vec::new(), Vec::new()];
    for (n, (step, found)) in steps.iter().enumerate() {
        let same: Vec<usize> = (0..steps.len()).filter(|n| steps[*n].0 == *step).collect();
        let is_of_second = if same.len() > 1 { same[0] != n } else { n >= second };
        apart[usize::from(is_of_second)].push((step.clone(), *found));
    }
    apart
}
