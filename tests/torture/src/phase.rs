//! How far a process is in its exchange, written where it can still be read after the process was killed:
//! one byte of a file, written by the seam between machine and driver at each step, and beside it a line
//! for each step, for whoever has to find out what came before a loss.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::KeyDigest;
use countersign_core::session::{Effect, Event, Grant, Report, Write};
use countersign_runtime::EffectFilter;

use crate::clock::now_ms;

/// A step of an exchange that has been reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Idle,
    /// The lock is held, and the record was read.
    Locked,
    /// The mark is in the store.
    Journaled,
    /// The request is handed to the transport.
    Sending,
    /// The answer is here.
    Answered,
    /// The tokens are being written.
    Committing,
    /// They are written.
    Committed,
    /// Not a refresh: the credentials are on their way.
    SigningIn,
}

const ALL: [(Phase, u8); 8] = [
    (Phase::Idle, b'.'),
    (Phase::Locked, b'L'),
    (Phase::Journaled, b'J'),
    (Phase::Sending, b'S'),
    (Phase::Answered, b'A'),
    (Phase::Committing, b'C'),
    (Phase::Committed, b'D'),
    (Phase::SigningIn, b'N'),
];

impl Phase {
    /// The mark of a refresh is written, and nobody has confirmed that its end is.
    pub(crate) fn is_between_journal_and_commit(self) -> bool {
        matches!(self, Self::Journaled | Self::Sending | Self::Answered | Self::Committing)
    }

    /// Where the process of `file` is, or was when it died.
    pub(crate) fn of(file: &Path) -> Self {
        let mut byte = [0];
        let read = File::open(file).and_then(|file| file.read_exact_at(&mut byte, 0));
        let known = ALL.iter().find(|(_, code)| read.is_ok() && *code == byte[0]);
        known.map_or(Self::Idle, |(phase, _)| *phase)
    }
}

/// Where the steps are written of the processes that have come one after the other to the phase file `path`.
fn steps_file(path: &Path) -> PathBuf {
    path.with_extension("steps")
}

/// The steps between two moments that were written beside the phase file `path`, each with its moment.
pub(crate) fn steps(path: &Path, from_ms: i64, to_ms: i64) -> Vec<(i64, String)> {
    let text = fs::read_to_string(steps_file(path)).unwrap_or_default();
    let told = |line: &str| Some((line.split_once(' ')?.0.parse().ok()?, line.to_owned()));
    let told = text.lines().filter_map(told);
    told.filter(|(at, _): &(i64, String)| (from_ms..=to_ms).contains(at)).collect()
}

/// Writes it down.
pub(crate) struct Phases {
    file: File,
    steps: File,
    /// The exchange under way is a refresh.
    refreshes: AtomicBool,
}

impl Phases {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        let steps = OpenOptions::new().create(true).append(true).open(steps_file(path))?;
        let phases = Self { file, steps, refreshes: AtomicBool::new(false) };
        phases.reach(Phase::Idle);
        phases.tell("it begins");
        Ok(phases)
    }

    fn reach(&self, phase: Phase) {
        if let Some((_, code)) = ALL.iter().find(|(known, _)| *known == phase) {
            // A phase that could not be written is a kill that is not counted: the claim is about those
            // that are.
            let _ = self.file.write_all_at(&[*code], 0);
        }
    }
}

impl Phases {
    /// A step that is not written is one that nobody can read later, and no more. The machine holds no secret.
    fn tell(&self, what: impl Debug) {
        let line = format!("{} process {}: {what:?}\n", now_ms(), std::process::id());
        let _ = (&self.steps).write_all(line.as_bytes());
    }
}

impl EffectFilter for Phases {
    fn event(&self, _: KeyDigest, event: &Event) {
        self.tell(event);
        let Event::Flight(_, report) = event else { return };
        match report {
            Report::Locked(_) => self.reach(Phase::Locked),
            _ if !self.refreshes.load(Ordering::SeqCst) => {}
            Report::Journaled => self.reach(Phase::Journaled),
            Report::Answered(_) => self.reach(Phase::Answered),
            Report::Committed => self.reach(Phase::Committed),
            _ => {}
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        self.tell(&effect);
        match &effect {
            Effect::Journal(_, grant) => {
                let refreshes = *grant == Grant::Refresh;
                self.refreshes.store(refreshes, Ordering::SeqCst);
                if !refreshes {
                    self.reach(Phase::SigningIn);
                }
            }
            Effect::Send(_, Grant::Refresh) => self.reach(Phase::Sending),
            Effect::Commit(_, Write::Tokens) if self.refreshes.load(Ordering::SeqCst) => {
                self.reach(Phase::Committing)
            }
            Effect::Unlock(_) => self.reach(Phase::Idle),
            _ => {}
        }
        vec![effect]
    }
}
