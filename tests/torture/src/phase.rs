//! How far a process is in its exchange, written where it can still be read after the process was killed:
//! one byte of a file, written by the seam between machine and driver at each step.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::KeyDigest;
use countersign_core::session::{Effect, Event, Grant, Report, Write};
use countersign_runtime::EffectFilter;

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

/// Writes it down.
pub(crate) struct Phases {
    file: File,
    /// The exchange under way is a refresh.
    refreshes: AtomicBool,
}

impl Phases {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        let phases = Self { file, refreshes: AtomicBool::new(false) };
        phases.reach(Phase::Idle);
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

impl EffectFilter for Phases {
    fn event(&self, _: KeyDigest, event: &Event) {
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
