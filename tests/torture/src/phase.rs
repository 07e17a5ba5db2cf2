//! How far a process is in its exchange, written where it can still be read after the process was killed:
//! one byte of a file, written by the seam between machine and driver at each step, and beside it a line
//! for each step: they say which mark a process has written, and which one it has found when it signed in.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::{Effect, Event, Grant, RecordView, Report, Write};
use countersign_core::transport::TransportError;
use countersign_core::{Fingerprint, HttpTransport, KeyDigest};
use countersign_reqwest::Client;
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

/// What the processes of one phase file have written of marks: the journal's own word for why somebody signed in.
#[derive(Default)]
pub(crate) struct Marks {
    /// Each mark with the process that was about to write it.
    pub(crate) written: Vec<(u32, String)>,
    /// The mark that was found under the lock by whoever then signed in; `None` if there was none.
    pub(crate) signed_in_over: Vec<Option<String>>,
}

/// Reads the lines beside the phase file `path`.
pub(crate) fn marks(path: &Path) -> Marks {
    read_marks(&fs::read_to_string(steps_file(path)).unwrap_or_default())
}

fn read_marks(text: &str) -> Marks {
    let mut marks = Marks::default();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(process), Some(what)) = (words.nth(2), words.next()) else { continue };
        let mark = words.next().map(str::to_owned);
        match (what, process.trim_end_matches(':').parse(), mark) {
            (MARKS, Ok(process), Some(mark)) => marks.written.push((process, mark)),
            (SIGNS_IN, _, mark) => marks.signed_in_over.push(mark),
            _ => {}
        }
    }
    marks
}

const MARKS: &str = "marks";
const SIGNS_IN: &str = "signs-in-over";

/// Writes it down.
#[derive(Clone)]
pub(crate) struct Phases(Arc<Inner>);

struct Inner {
    file: File,
    steps: File,
    /// The exchange under way is a refresh.
    refreshes: AtomicBool,
    /// The machine has said to send it.
    to_send: AtomicBool,
    /// The refresh token of the record that was read under the lock, and the mark of it.
    found: Mutex<(Option<Fingerprint>, Option<Fingerprint>)>,
}

impl Phases {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        let steps = OpenOptions::new().create(true).append(true).open(steps_file(path))?;
        let phases = Self(Arc::new(Inner {
            file,
            steps,
            refreshes: AtomicBool::new(false),
            to_send: AtomicBool::new(false),
            found: Mutex::default(),
        }));
        phases.reach(Phase::Idle);
        phases.tell("it begins");
        Ok(phases)
    }

    fn reach(&self, phase: Phase) {
        if let Some((_, code)) = ALL.iter().find(|(known, _)| *known == phase) {
            // A phase that could not be written is a kill that is not counted: the claim is about those
            // that are.
            let _ = self.0.file.write_all_at(&[*code], 0);
        }
    }
}

impl Phases {
    /// A step that is not written is one that nobody can read later, and no more. The machine holds no secret.
    fn tell(&self, what: impl Debug) {
        let line = format!("{} process {}: {what:?}\n", now_ms(), std::process::id());
        let _ = (&self.0.steps).write_all(line.as_bytes());
    }

    /// A line that [`marks`] reads.
    fn tell_mark(&self, what: &str, mark: Option<Fingerprint>) {
        let mark = mark.map(|mark| format!(" {mark:?}")).unwrap_or_default();
        let line = format!("{} process {}: {what}{mark}\n", now_ms(), std::process::id());
        let _ = (&self.0.steps).write_all(line.as_bytes());
    }

    fn find(&self, view: &RecordView) {
        let token = view.tokens.and_then(|held| held.refresh).map(|refresh| refresh.token);
        let mark = view.journal.map(|journal| journal.refresh).filter(|mark| Some(*mark) == token);
        *self.found() = (token, mark);
    }

    fn found(&self) -> MutexGuard<'_, (Option<Fingerprint>, Option<Fingerprint>)> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EffectFilter for Phases {
    fn event(&self, _: KeyDigest, event: &Event) {
        self.tell(event);
        let Event::Flight(_, report) = event else { return };
        if let Report::Locked(view) | Report::Superseded(view) = report {
            self.find(view);
        }
        match report {
            Report::Locked(_) => self.reach(Phase::Locked),
            _ if !self.0.refreshes.load(Ordering::SeqCst) => {}
            Report::Journaled => self.reach(Phase::Journaled),
            Report::Answered(_) => self.reach(Phase::Answered),
            Report::Committed => self.reach(Phase::Committed),
            _ => {}
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        self.tell(effect);
        match &effect {
            Effect::Journal(_, grant) => {
                let refreshes = *grant == Grant::Refresh;
                self.0.refreshes.store(refreshes, Ordering::SeqCst);
                if refreshes {
                    self.tell_mark(MARKS, self.found().0);
                } else {
                    self.reach(Phase::SigningIn);
                }
            }
            Effect::Send(_, Grant::Refresh) => self.0.to_send.store(true, Ordering::SeqCst),
            Effect::Send(_, Grant::SignIn { .. }) => self.tell_mark(SIGNS_IN, self.found().1),
            Effect::Commit(_, Write::Tokens) if self.0.refreshes.load(Ordering::SeqCst) => {
                self.reach(Phase::Committing)
            }
            Effect::Unlock(_) => self.reach(Phase::Idle),
            _ => {}
        }
        vec![effect]
    }
}

/// The client as the transport of auth calls, whose request is on its way from here on: whatever has to be so before
/// a sending was looked at by then.
pub(crate) struct PhasedTransport(pub(crate) Client, pub(crate) Phases);

#[async_trait]
impl HttpTransport for PhasedTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if self.1.0.to_send.swap(false, Ordering::SeqCst) {
            self.1.reach(Phase::Sending);
        }
        HttpTransport::send(&self.0, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_from_among_the_steps() {
        let text = "17 process 4: Flight(ExchangeId(1), Prepared)\n\
                    18 process 4: marks Fingerprint(aa)\n\
                    19 process 5: \"it begins\"\n\
                    20 process 5: signs-in-over Fingerprint(aa)\n\
                    21 process 5: signs-in-over\n";
        let found = read_marks(text);
        assert_eq!(found.written, [(4, "Fingerprint(aa)".to_owned())]);
        assert_eq!(found.signed_in_over, [Some("Fingerprint(aa)".to_owned()), None]);
    }
}
