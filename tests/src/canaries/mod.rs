//! Finds secrets in what was logged, said or stored, also where they were encoded on the way.
//!
//! # What is found
//!
//! A secret of at least [`SHORTEST`] bytes, anywhere in the content:
//!
//! * as it is, in any case, and cut off: its first or last sixteen bytes if it has thirty-two or more;
//! * in base64 (standard and URL alphabet, with and without padding, broken into lines) and in base32,
//!   at every alignment: also as a part of something longer that was encoded whole;
//! * in hexadecimal of either case, also with blanks, colons or commas between the bytes, and as the
//!   list of decimal numbers that `Debug` makes of bytes;
//! * in any of these under percent-encoding, JSON escapes (`\u00xx`) and Rust's escapes (`\x..`,
//!   `\u{..}`), each up to twice.
//!
//! # Codes
//!
//! A one-time code of six digits is a part of many longer numbers by chance. As it is it counts as a
//! whole number only: with neither a letter nor a digit beside it, and not as the fraction of a number.
//! Its encoded forms have seven characters and more and count anywhere. What is searched should hold no
//! times with a bare fraction of six digits; times that end in `Z` do no harm.

mod forms;
mod views;

use std::collections::{BTreeSet, HashMap};

use forms::{Fold, Needle};

/// Shorter secrets cannot be told from chance and are refused.
pub const SHORTEST: usize = 6;

/// How many bytes of a needle the index looks at first; no needle is shorter.
const START: usize = 6;

/// Secrets to look for, with all their forms laid ready.
#[derive(Default)]
pub struct Searcher {
    n_secrets: usize,
    indexes: [Index; Fold::ALL.len()],
}

/// A secret that was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Find {
    /// Its place among the secrets that were given.
    pub secret: usize,
    /// The form that it was found in.
    pub form: &'static str,
    /// What stands around it, without the secret itself where it stands in the clear.
    pub around: String,
}

#[derive(Default)]
struct Index {
    by_start: HashMap<[u8; START], Vec<Needle>>,
    /// Whether any needle begins with these two bytes: most places are left at once.
    gate: Vec<bool>,
}

impl Searcher {
    /// A searcher for `secrets`; what is given twice counts once.
    ///
    /// # Panics
    /// If a secret is shorter than [`SHORTEST`]: it could not be searched for, and silence about it
    /// would pass for its absence.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut searcher = Self::default();
        let mut seen = BTreeSet::new();
        for (number, secret) in secrets.into_iter().enumerate() {
            let secret = secret.as_ref().as_bytes();
            assert!(secret.len() >= SHORTEST, "secret {number} is too short to be searched for");
            if seen.insert(secret.to_vec()) {
                searcher.n_secrets += 1;
                forms::needles(secret, number, &mut |fold, needle| {
                    searcher.indexes[fold as usize].add(needle);
                });
            }
        }
        searcher
    }

    /// How many different secrets are looked for.
    pub fn n_secrets(&self) -> usize {
        self.n_secrets
    }

    /// Every secret that `content` holds in any form, each form once.
    pub fn search(&self, content: &[u8]) -> Vec<Find> {
        let mut found = BTreeSet::new();
        for view in views::of(content) {
            for fold in Fold::ALL {
                self.indexes[fold as usize].search(&fold.apply(&view), &mut found);
            }
        }
        found.into_iter().collect()
    }
}

impl Index {
    fn add(&mut self, needle: Needle) {
        let Some(start) = needle.text.first_chunk::<START>() else { return };
        self.gate.resize(1 << 16, false);
        self.gate[gate(start[0], start[1])] = true;
        let needles = self.by_start.entry(*start).or_default();
        if needles.iter().all(|known| known.text != needle.text) {
            needles.push(needle);
        }
    }

    fn search(&self, text: &[u8], found: &mut BTreeSet<Find>) {
        if self.gate.is_empty() {
            return;
        }
        for (at, start) in text.windows(START).enumerate() {
            if !self.gate[gate(start[0], start[1])] {
                continue;
            }
            let needles = start.first_chunk().and_then(|start| self.by_start.get(start));
            for needle in needles.into_iter().flatten() {
                if needle.is_at(text, at) {
                    let (secret, form) = (needle.secret, needle.form);
                    if found.iter().all(|known| (known.secret, known.form) != (secret, form)) {
                        let around = around(text, at, needle.text.len());
                        found.insert(Find { secret, form, around });
                    }
                }
            }
        }
    }
}

fn gate(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Sixty bytes before and thirty after, with the find itself left out.
fn around(text: &[u8], at: usize, length: usize) -> String {
    let before = &text[at.saturating_sub(60)..at];
    let after = &text[at + length..text.len().min(at + length + 30)];
    format!("{}[..]{}", String::from_utf8_lossy(before), String::from_utf8_lossy(after))
}
