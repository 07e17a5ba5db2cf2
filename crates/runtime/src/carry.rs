//! A challenge that the caller carries: sealed into a text here, taken up from it in another process
//! that shares no store.

use std::collections::HashSet;

use countersign_core::session::{Answer, Event, Grant, Report};
use countersign_core::{
    Challenge, Error, ErrorKind, Fingerprint, KeyDigest, Memo, SealKeys, Timestamp,
};
use countersign_seal::{PendingChallenge, Sealer, SessionRecord};
use data_encoding::BASE64URL_NOPAD;

use crate::cell::Cell;
use crate::exchange::Ill;
use crate::flight::{Ended, Flight};
use crate::inner::Incoming;
use crate::post::Cargo;
use crate::records::{Records, challenge_view, sealed_text};
use crate::send::unanswered;
use crate::session::Session;
use crate::sign_in::SignIn;

/// No honest text is longer, in bytes.
const LONGEST: usize = 64 * 1024;

impl Session {
    /// The pending challenge as a text (base64url, RFC 4648 §5) that another process can
    /// [`Session::resume`]: for a web login whose second step arrives at another replica, where
    /// replicas share no store. It holds the challenge, the adapter's own facts and a count, and no
    /// token; it opens with `keys` only, for this session only, until the challenge ends.
    ///
    /// The user's browser may carry it, in a form or a cookie. Use keys of its own for this, not those
    /// of a store, and the same ones on all replicas.
    ///
    /// # Errors
    /// [`ErrorKind::ChallengeExpired`] if no challenge waits for an answer, [`ErrorKind::Store`] if a
    /// key is not 32 bytes long or the store cannot be read.
    pub async fn seal_challenge(&self, keys: &SealKeys) -> Result<String, Error> {
        let cell = &self.0;
        let sealer = Sealer::new(keys.clone())?.writing(cell.shared.keys.format);
        self.load().await?;
        let pending = cell.pending_challenge().ok_or_else(|| cell.challenge_over(NONE_PENDING))?;
        let records = cell.in_time(1, Records::load(cell)).await?;
        cell.still_open(&pending, &records)?;
        let record = SessionRecord {
            challenge: Some(PendingChallenge { claimed: None, ..pending }),
            counter: records.session.counter,
            memo: records.session.into_inner().memo,
            ..SessionRecord::default()
        };
        sealed_text(&sealer, &cell.key, &record)
    }

    /// Takes up a challenge from the text that [`Session::seal_challenge`] made of it elsewhere; then
    /// [`Session::answer`] answers it. A challenge that this session had pending is replaced. Nothing is
    /// sent.
    ///
    /// A text is answered once by the processes of one store (in memory: by this process). Where replicas
    /// share none, only the provider can know that another one has answered it already: it refuses the
    /// second answer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if `text` is damaged, or sealed for another session or with another
    /// key; [`ErrorKind::ChallengeExpired`] if its time is over or it was answered here;
    /// [`ErrorKind::AccountLocked`] while the account is; [`ErrorKind::Store`] if a key is not 32 bytes
    /// long or the store fails.
    pub async fn resume(&self, text: &str, keys: &SealKeys) -> Result<Challenge, Error> {
        let cell = &self.0;
        cell.refuse_reentry("resume")?;
        let carried = cell.open_carried(text, keys)?;
        let id = carried.pending.id;
        let records = cell.in_time(1, Records::load(cell)).await?;
        cell.still_open(&carried.pending, &records)?;
        {
            let core = cell.core();
            let known = core.challenge.as_ref().filter(|known| known.id == id);
            match known {
                Some(known) if core.machine.challenge().is_some_and(|wanted| wanted.id == id) => {
                    return Ok(known.challenge.clone());
                }
                Some(_) if core.answers.is_some() => {
                    return Err(cell.challenge_over(ANSWERED));
                }
                _ => {}
            }
        }
        let cargo = Cargo { carried: Some(Box::new(carried)), ..Cargo::default() };
        match cell.asked(Event::SignIn, cargo, "resume").await? {
            SignIn::Challenge(challenge)
                if cell.pending_challenge().is_some_and(|pending| pending.id == id) =>
            {
                Ok(*challenge)
            }
            _ => Err(cell.challenge_over("another sign-in of this session came first")),
        }
    }
}

const NONE_PENDING: &str = "no challenge waits for an answer; begin the sign-in again";
const ANSWERED: &str = "this challenge was answered already; begin the sign-in again";

/// What was in a text.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) pending: PendingChallenge,
    memo: Memo,
    pub(crate) counter: u64,
}

impl Cell {
    /// The challenge that the machine names, with the time when it was claimed.
    pub(crate) fn pending_challenge(&self) -> Option<PendingChallenge> {
        let core = self.core();
        let wanted = core.machine.challenge()?;
        core.challenge.as_deref().filter(|known| known.id == wanted.id).cloned()
    }

    fn open_carried(&self, text: &str, keys: &SealKeys) -> Result<Carried, Error> {
        let sealer = Sealer::new(keys.clone())?;
        let refused = |code: &str, hint| {
            Error::new(ErrorKind::InvalidRequest)
                .at(self.provider.id(), "resume")
                .with_code(code)
                .hint(hint)
        };
        let damaged = || refused("damaged", "the text is damaged; begin the sign-in again");
        if text.len() > LONGEST {
            return Err(damaged());
        }
        let sealed = BASE64URL_NOPAD.decode(text.trim().as_bytes()).map_err(|_| damaged())?;
        let record =
            sealer.open_session(&self.key, &sealed).map_err(|error| match error.code() {
                Some("foreign") => refused(
                    "foreign",
                    "the text belongs to another session or another key; give it to the session \
                     whose challenge it is",
                ),
                Some("unknown_key") => refused(
                    "unknown_key",
                    "the text is sealed with a key that is not among these; give all replicas the \
                     same keys",
                ),
                Some("newer_version") => refused(
                    "newer_version",
                    "the text comes from a newer version; begin the sign-in again",
                ),
                _ => damaged(),
            })?;
        let SessionRecord { challenge, memo, counter, .. } = record;
        let pending = challenge.ok_or_else(|| {
            refused("damaged", "the text holds no challenge; begin the sign-in again")
        })?;
        Ok(Carried { pending, memo, counter })
    }

    /// A challenge can be answered: its time is not over, and no answer was claimed or sent.
    fn still_open(&self, pending: &PendingChallenge, records: &Records) -> Result<(), Error> {
        if pending.challenge.expires_at <= self.shared.clock.now() {
            return Err(self.challenge_over("its time is over; begin the sign-in again"));
        }
        let stored = records.session.challenge.as_ref();
        let same = |stored: &&PendingChallenge| {
            stored.id == pending.id && stored.challenge.expires_at == pending.challenge.expires_at
        };
        let claimed = stored.filter(same).is_some_and(|stored| stored.claimed.is_some());
        if claimed || self.shared.spent().has(&self.mark_of(pending)) {
            return Err(self.challenge_over(ANSWERED));
        }
        Ok(())
    }

    fn challenge_over(&self, hint: &'static str) -> Error {
        Error::new(ErrorKind::ChallengeExpired).at(self.provider.id(), "resume").hint(hint)
    }

    fn mark_of(&self, pending: &PendingChallenge) -> Mark {
        (self.digest, pending.id, pending.challenge.expires_at)
    }
}

impl Flight {
    /// Whether this is no sign-in but a challenge that is taken up.
    pub(crate) fn look_for_carried(&mut self, grant: Grant) {
        if grant == (Grant::SignIn { explicit: true }) {
            self.carried = self.cell.core().carried.clone();
        }
    }

    /// In the place of an answer: what the text holds. Nothing is sent.
    pub(crate) fn answer_carried(&mut self, carried: &Carried) -> Ended {
        self.unknown = false;
        let open = match &self.records {
            Some(records) => self.cell.still_open(&carried.pending, records),
            None => Err(Error::new(ErrorKind::Internal)),
        };
        if let Err(error) = open {
            return unanswered(Ill { error, lost: None });
        }
        let incoming = Incoming {
            challenge: Some(Box::new(carried.pending.clone())),
            memo: Some(carried.memo.clone()),
            ..Incoming::default()
        };
        let answer = Answer::Challenge(challenge_view(&carried.pending));
        (Report::Answered(answer), Cargo { incoming: Some(incoming), ..Cargo::default() })
    }

    /// The answer to the challenge of the record goes out now: no text brings it back in this process.
    pub(crate) fn mark_spent(&self) {
        if let Some(pending) = self.stored_challenge() {
            let now = self.cell.shared.clock.now();
            self.cell.shared.spent().add(self.cell.mark_of(pending), now);
        }
    }

    /// It may be answered again.
    pub(crate) fn unmark_spent(&self) {
        if let Some(pending) = self.stored_challenge() {
            self.cell.shared.spent().remove(&self.cell.mark_of(pending));
        }
    }

    fn stored_challenge(&self) -> Option<&PendingChallenge> {
        self.records.as_ref().and_then(|records| records.session.challenge.as_ref())
    }
}

/// One challenge of one session. A provider may give two challenges the same handle: their ends differ.
type Mark = (KeyDigest, Fingerprint, Timestamp);

/// The challenges that this process has answered, until they end.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    marks: HashSet<Mark>,
    prune_at: usize,
}

impl Spent {
    fn has(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    fn add(&mut self, mark: Mark, now: Timestamp) {
        if self.marks.len() >= self.prune_at {
            self.marks.retain(|(_, _, ends_at)| *ends_at > now);
            self.prune_at = (self.marks.len() * 2).max(64);
        }
        self.marks.insert(mark);
    }

    fn remove(&mut self, mark: &Mark) {
        self.marks.remove(mark);
    }
}
