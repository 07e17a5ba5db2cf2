//! What an experiment has found: figures, and claims that hold or are broken.

use std::fmt::Display;

#[derive(Default)]
pub(crate) struct Findings {
    lines: Vec<String>,
    broken: Vec<String>,
    held: usize,
    left_out: usize,
}

impl Findings {
    /// A figure, for the reader.
    pub(crate) fn note(&mut self, what: impl Display) {
        self.lines.push(format!("   {what}"));
    }

    /// A claim; `what` says it with the figures that it rests on.
    pub(crate) fn claim(&mut self, holds: bool, what: impl Display) {
        if holds {
            self.held += 1;
            self.lines.push(format!("   held: {what}"));
        } else {
            self.lines.push(format!("   BROKEN: {what}"));
            self.broken.push(what.to_string());
        }
    }

    /// Something that this machine does not let us do; what and why.
    pub(crate) fn left_out(&mut self, what: impl Display) {
        self.left_out += 1;
        self.lines.push(format!("   left out: {what}"));
    }

    /// What another part of the same experiment has found.
    pub(crate) fn append(&mut self, further: Self) {
        self.lines.extend(further.lines);
        self.broken.extend(further.broken);
        self.held += further.held;
        self.left_out += further.left_out;
    }

    pub(crate) fn n_left_out(&self) -> usize {
        self.left_out
    }

    pub(crate) fn print(&self) {
        for line in &self.lines {
            println!("{line}");
        }
    }

    pub(crate) fn n_held(&self) -> usize {
        self.held
    }

    pub(crate) fn broken(&self) -> impl Iterator<Item = &str> {
        self.broken.iter().map(String::as_str)
    }
}
