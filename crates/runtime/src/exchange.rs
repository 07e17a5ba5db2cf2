//! One exchange with a provider: build, send, read, and go on where the adapter goes on alone.

use std::pin::pin;
use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{
    Ambient, Challenge, Credentials, Error, ErrorKind, HttpTransport, Lock, Memo, MemoPatch,
    Monotonic, Operation, Outcome, Profile, Recovery, SecretBytes, Seed, Timestamp, TokenResponse,
    TokenSet,
};
use countersign_scheduler::{Now, Settled};

use crate::cell::Cell;
use crate::compute;
use crate::events::SessionEventKind;
use crate::lockout;
use crate::publish::guarded;
use crate::reenter::inside;
use crate::wait::{Waited, wait};

/// How often an adapter may go on alone. The longest honest chain known has ten steps: a device whose
/// proof is refused, the sign-in again without it, two about a second factor, and a new device.
const MOST_ROUNDS: usize = 12;

/// Whoever looks at the clock so long after the deadline was stopped, not waiting: the answer may have come
/// meanwhile, and lie where nobody has read it yet. It would be lost, and a spent token with it.
const STOPPED: Duration = Duration::from_secs(2);
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// Milliseconds that two coarse clocks may be apart by themselves.
const SET_BACK: i64 = 1_000;

/// What one exchange may know.
pub(crate) struct Exchange<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) credentials: &'a Credentials,
    pub(crate) tokens: Option<&'a TokenSet>,
    pub(crate) memo: Memo,
    /// The server's time, read once.
    pub(crate) now: Timestamp,
    /// How long it may take.
    pub(crate) within: Duration,
    /// The lock under which it is sent, where it needs one.
    pub(crate) lock: Option<&'a dyn Lock>,
}

/// How it ended well.
pub(crate) struct Finished {
    pub(crate) reply: Reply,
    pub(crate) memo: Memo,
    /// How what came is dated.
    pub(crate) dates: Dates,
    /// The first answer was the end: the adapter had no step to take alone.
    pub(crate) at_first: bool,
    /// A step has shown that the password which was sent holds.
    pub(crate) proved: bool,
    /// Tells the tokens that came from all others of the same count.
    pub(crate) tag: u32,
}

/// What an answer is dated by, on our clock as it is now: it may have been set back since the request was sent, and what
/// came would seem to live for so much longer.
#[derive(Clone, Copy)]
pub(crate) struct Dates {
    /// When the request that bought this was sent.
    pub(crate) sent_at: Timestamp,
    /// What the server's clock shows minus ours.
    pub(crate) skew_millis: i64,
    /// By so many milliseconds ours was set since the exchange began: never forward, since a machine that slept looks
    /// alike.
    pub(crate) set_by: i64,
}

/// What came.
pub(crate) enum Reply {
    Tokens(Box<TokenResponse>),
    Challenge(Box<Challenge>),
    Done(Profile),
}

/// How it ended badly.
#[derive(Debug)]
pub(crate) struct Ill {
    pub(crate) error: Error,
    /// No answer came, and this is known of the request; `None` if the provider has answered.
    pub(crate) lost: Option<Delivery>,
}

impl Ill {
    /// How the lane sees it.
    pub(crate) fn settled(&self) -> Settled {
        let down =
            matches!(self.error.kind(), ErrorKind::TemporarilyUnavailable | ErrorKind::Transport);
        match self.lost {
            Some(Delivery::NotSent) if !down => Settled::Unused,
            _ if down => Settled::Failed,
            _ => Settled::Answered,
        }
    }

    /// Whether the provider may have set a new password, as far as anybody knows.
    pub(crate) fn may_have_acted(&self) -> bool {
        if let Some(delivery) = self.lost {
            return delivery == Delivery::Unknown;
        }
        let status = self.error.status();
        let failed = status.is_none_or(|status| status >= 500);
        failed
            || match self.error.kind() {
                ErrorKind::Internal => true,
                // A wrong address, or a gateway that lets nobody through, says so with 4xx; 303 points to what
                // came of it.
                ErrorKind::Protocol => matches!(status, Some(200..=299 | 303)),
                // What lies behind the provider failed, wherever it stood. These two decline a request.
                ErrorKind::TemporarilyUnavailable => !matches!(status, Some(408 | 425)),
                _ => false,
            }
    }

    /// Whether what was sent may have been read: a code is used up by that.
    pub(crate) fn may_have_been_read(&self) -> bool {
        self.may_have_acted() || (self.lost.is_none() && self.error.kind() == ErrorKind::Protocol)
    }
}

impl Exchange<'_> {
    /// Runs `operation` to its end, at most until the exchange's deadline.
    pub(crate) async fn run(mut self, mut operation: Operation) -> Result<Finished, Ill> {
        let name = operation.name();
        let (deadline, begun) = (self.deadline(), self.cell.shared.lately());
        // What the adapter says of instants is said on the server's clock, as it was told.
        let skew = self.cell.site.skew_millis();
        let (seed, tag) = drawn().map_err(|error| self.not_sent(error, name))?;
        let (mut acted, mut proved) = (false, false);
        for round in 0..MOST_ROUNDS {
            let request = self.build(&operation, &seed, deadline).await;
            // What is bought from here on is dated by the clock as it is now: a jump is counted before, so that
            // whoever holds something older hears of it before it hears of this.
            crate::steps::beat(&self.cell.shared);
            let request = request.and_then(|request| self.in_time(deadline).map(|()| request));
            let sent_at = self.cell.shared.lately();
            let sent = match request {
                Ok(request) => self.send(request, deadline).await.map_err(|error| {
                    let delivery = error.delivery();
                    self.lost(error, delivery, name)
                }),
                Err(error) => Err(self.not_sent(error, name)),
            };
            let dates = self.dates(begun, sent_at, skew);
            // From an instant of the server's clock to the same of ours.
            let to_ours = dates.set_by.saturating_sub(skew);
            let outcome = match sent {
                Ok(response) => {
                    acted = true;
                    self.measure(&response, dates.sent_at);
                    let outcome = self.read(&operation, &response, &seed);
                    let outcome = outcome.map_err(|error| Ill {
                        error: self.judged(error, name, to_ours),
                        lost: None,
                    })?;
                    proved |= self.proves_password(&operation, &outcome);
                    outcome
                }
                Err(ill) if !acted => return Err(ill),
                Err(ill) => match self.won(&operation, &seed) {
                    Some(outcome) => outcome,
                    // What an earlier round has done is not known.
                    None => return Err(Ill { lost: Some(Delivery::Unknown), ..ill }),
                },
            };
            let (reply, patch) = match outcome {
                Outcome::Continue(continuation, patch) => {
                    self.memo.apply(patch);
                    // Every step names the operation that began it, however many there were.
                    let of = match operation {
                        Operation::Continue { of, .. } => of,
                        first => Box::new(first),
                    };
                    operation = Operation::Continue { of, continuation };
                    continue;
                }
                Outcome::Tokens(response, patch) => (Reply::Tokens(response), patch),
                Outcome::Challenge(mut challenge, patch) => {
                    challenge.expires_at = challenge.expires_at.shifted(to_ours);
                    (Reply::Challenge(challenge), patch)
                }
                Outcome::Done(profile, patch) => (Reply::Done(profile), patch),
                // Whatever a later version of the contract adds.
                _ => (Reply::Done(Profile::new()), MemoPatch::none()),
            };
            self.memo.apply(patch);
            let at_first = round == 0;
            return Ok(Finished { reply, memo: self.memo, dates, at_first, proved, tag });
        }
        let error = Error::new(ErrorKind::Protocol).hint("the provider asks for step after step");
        Err(Ill { error: self.named(error, name), lost: None })
    }

    fn deadline(&self) -> Monotonic {
        self.cell.shared.clock.monotonic_coarse().after(self.within)
    }

    fn ambient<'b>(&'b self, seed: &'b Seed) -> Ambient<'b> {
        Ambient {
            now: self.now,
            seed,
            credentials: self.credentials,
            tokens: self.tokens,
            memo: &self.memo,
        }
    }

    /// Where it is arithmetic it may have to queue for a thread: not beyond the exchange's deadline.
    async fn build(
        &self,
        operation: &Operation,
        seed: &Seed,
        deadline: Monotonic,
    ) -> Result<HttpRequest, Error> {
        let ambient = self.ambient(seed);
        let building = compute::build(&self.cell.provider, operation, &ambient);
        match wait(&*self.cell.shared.clock, building, deadline).await {
            Waited::Came(built) => built,
            Waited::Over => Err(too_busy()),
        }
    }

    /// Looked at last before each sending: what is built may have queued, or the process been stopped,
    /// until the deadline or the lease was over.
    fn in_time(&self, deadline: Monotonic) -> Result<(), Error> {
        let now = self.cell.shared.clock.monotonic();
        if now >= deadline {
            return Err(too_busy());
        }
        match self.lock {
            Some(lock) if !lock.held_for(deadline.since(now)) => Err(lock_lost()),
            _ => Ok(()),
        }
    }

    fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        seed: &Seed,
    ) -> Result<Outcome, Error> {
        let ambient = self.ambient(seed);
        let read = guarded(|| self.cell.provider.interpret(operation, response, &ambient));
        ambient.without_echoes(operation, read)
    }

    fn proves_password(&self, operation: &Operation, outcome: &Outcome) -> bool {
        let asked = guarded(|| Ok(self.cell.provider.proves_password(operation, outcome)));
        asked.unwrap_or(false)
    }

    /// What earlier steps have won, where this one got no answer or could not be sent.
    fn won(&self, operation: &Operation, seed: &Seed) -> Option<Outcome> {
        let ambient = self.ambient(seed);
        let won = guarded(|| Ok(self.cell.provider.without_answer(operation, &ambient)));
        won.ok().flatten().filter(|won| !matches!(won, Outcome::Continue(..)))
    }

    async fn send(
        &self,
        request: HttpRequest,
        deadline: Monotonic,
    ) -> Result<HttpResponse, TransportError> {
        let shared = &self.cell.shared;
        let clock = &*shared.clock;
        let sending = inside(self.cell, HttpTransport::send(&*shared.transport, request));
        let mut sending = pin!(sending);
        if let Waited::Came(result) = wait(clock, sending.as_mut(), deadline).await {
            return result;
        }
        let now = clock.monotonic();
        let stopped = now.since(deadline) > STOPPED;
        if stopped && let Waited::Came(result) = wait(clock, sending, now.after(SECOND_LOOK)).await
        {
            return result;
        }
        Err(TransportError::new(Delivery::Unknown, Reason::TimedOut))
    }

    /// How what has come is dated. `skew` is that of before.
    fn dates(&self, begun: Now, sent_at: Now, skew: i64) -> Dates {
        // Whoever holds something older hears of a jump before it hears of this.
        crate::steps::beat(&self.cell.shared);
        let now = self.cell.shared.lately();
        let set_by = |since: Now| {
            let unset = since.wall.after(now.mono.since(since.mono));
            let back = unset.as_millis().saturating_sub(now.wall.as_millis());
            if back > SET_BACK { back.saturating_neg() } else { 0 }
        };
        let skew_millis = match set_by(begun) {
            0 => self.cell.site.skew_millis(),
            // What was known was forgotten with the jump, and is known all the same.
            back => skew.saturating_sub(back),
        };
        let sent_at = sent_at.wall.shifted(set_by(sent_at));
        Dates { sent_at, skew_millis, set_by: set_by(begun) }
    }

    /// The server's clock, from answers that nobody has kept and no gateway has made.
    fn measure(&self, response: &HttpResponse, sent_at: Timestamp) {
        if response.status().is_server_error() || response.headers().contains_key("age") {
            return;
        }
        let Some(date) = response.header("date") else { return };
        let received_at = self.cell.shared.clock.now();
        if let Some(skew) = self.cell.site.observe(date, sent_at, received_at) {
            self.cell.report_skew(skew);
        }
    }

    fn named(&self, error: Error, operation: &'static str) -> Error {
        match error.provider() {
            Some(_) => error,
            None => error.at(self.cell.provider.id(), operation),
        }
    }

    fn not_sent(&self, error: Error, operation: &'static str) -> Ill {
        Ill { error: self.named(error, operation), lost: Some(Delivery::NotSent) }
    }

    fn lost(&self, error: TransportError, delivery: Delivery, operation: &'static str) -> Ill {
        let hint = match error.reason() {
            Reason::Forbidden => "the address of the provider is not allowed; check the settings",
            Reason::TimedOut => "the provider did not answer in time",
            _ => "check the network and the address",
        };
        let error = Error::new(ErrorKind::Transport).hint(hint).with_source(error);
        Ill { error: self.named(error, operation), lost: Some(delivery) }
    }

    /// The provider's own verdict, with its wishes cut to what is obeyed and told to everybody who
    /// shares origin and client. Moved by `ours`, an instant of the server's clock is one of ours.
    fn judged(&self, error: Error, operation: &'static str, ours: i64) -> Error {
        let error = self.named(error, operation);
        let Recovery::WaitUntil(wish) = error.recovery() else { return error };
        let wish = wish.shifted(ours);
        let shared = &self.cell.shared;
        let now = shared.now();
        let (until, capped) = if error.kind() == ErrorKind::RateLimited {
            let throttled = shared.admission().throttle(&self.cell.lane, wish, now);
            (throttled.until, throttled.capped)
        } else {
            let latest = now.wall.after(self.longest_wait(error.kind()));
            (wish.min(latest), wish > latest)
        };
        if capped {
            let kind = SessionEventKind::WaitCapped { until };
            self.cell.trace(&kind);
            self.cell.emit(kind, now.wall);
        }
        error.with_recovery(Recovery::WaitUntil(until))
    }

    /// A lockout of a day may be true; anything else of that length is absurd.
    fn longest_wait(&self, kind: ErrorKind) -> Duration {
        let cap = self.cell.shared.policy.backoff.hint_cap;
        if kind == ErrorKind::AccountLocked { lockout::longest(cap) } else { cap }
    }
}

/// Nothing was sent, since there was no time left to build it.
pub(crate) fn too_busy() -> Error {
    Error::new(ErrorKind::TimedOut)
        .hint("the request could not be built in time; this machine is too busy or was stopped")
}

/// Nothing was sent, since somebody else may hold the lock by now.
pub(crate) fn lock_lost() -> Error {
    Error::new(ErrorKind::Store).hint("the account's lock was lost before anything was sent")
}

/// What one exchange needs of the system's random bytes, in one draw: a seed of 32 for the adapter, and a tag.
fn drawn() -> Result<(Seed, u32), Error> {
    let mut bytes = vec![0; 36];
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::new(ErrorKind::Internal).hint("the system gives no random bytes"))?;
    let tag = bytes.split_off(32);
    let tag = tag.iter().fold(0, |tag, byte| tag << 8 | u32::from(*byte));
    Ok((Seed::new(SecretBytes::new(bytes)), tag))
}
