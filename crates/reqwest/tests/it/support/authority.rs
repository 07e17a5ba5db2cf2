//! A session made of counters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::ResponseHead;
use countersign_core::{
    Authorization, Clock, Error, ErrorKind, Generation, Monotonic, Origin, Rejection, Timestamp,
    Verdict,
};
use countersign_reqwest::{Authority, Granted, Need, NextCode, Probe, Refusal, Replay};
use http::{HeaderName, HeaderValue, header};

/// What was asked of the authority, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Move {
    Authorize(Duration),
    Reject(u64),
    Report {
        generation: u64,
        replayed: bool,
    },
    NextCode,
    /// The probe has gone.
    Over,
    Accepted,
    Suspect,
}

#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    origins: Vec<Origin>,
    names: Vec<HeaderName>,
    state: Mutex<State>,
}

struct State {
    moves: Vec<Move>,
    /// What `authorization` hands out, and what is current: they differ for a late caller.
    handed: u64,
    current: u64,
    code: u32,
    now: u64,
    reject_takes: u64,
    replay: Replay,
    broken: bool,
    token_at_fault: bool,
}

impl Fake {
    /// A session that may speak to `origins` and presents `authorization`.
    pub(crate) fn bearer(origins: &[Origin]) -> Self {
        Self::with(origins, vec![header::AUTHORIZATION])
    }

    /// The same with a code beside it, in `otp`.
    pub(crate) fn coded(origins: &[Origin]) -> Self {
        Self::with(origins, vec![header::AUTHORIZATION, HeaderName::from_static("otp")])
    }

    fn with(origins: &[Origin], names: Vec<HeaderName>) -> Self {
        let state = State {
            moves: Vec::new(),
            handed: 1,
            current: 1,
            code: 100,
            now: 10_000,
            reject_takes: 0,
            replay: Replay::Now,
            broken: false,
            token_at_fault: false,
        };
        Self(Arc::new(Inner { origins: origins.to_vec(), names, state: Mutex::new(state) }))
    }

    /// Somebody else has renewed the token between the next authorization and its refusal.
    pub(crate) fn overtaken(self) -> Self {
        self.edit(|state| state.current = 2);
        self
    }

    /// The token is past half of its life.
    pub(crate) fn old(self) -> Self {
        self.edit(|state| state.now = 70_000);
        self
    }

    pub(crate) fn refuses_to_replay(self) -> Self {
        self.edit(|state| state.replay = Replay::Never);
        self
    }

    /// Another request has found out that it is the token and not the code.
    pub(crate) fn knows_that_it_is_the_token(self) -> Self {
        self.edit(|state| state.token_at_fault = true);
        self
    }

    pub(crate) fn has_nothing(self) -> Self {
        self.edit(|state| state.broken = true);
        self
    }

    pub(crate) fn takes_to_renew(self, millis: u64) -> Self {
        self.edit(|state| state.reject_takes = millis);
        self
    }

    pub(crate) fn moves(&self) -> Vec<Move> {
        self.0.state.lock().unwrap().moves.clone()
    }

    fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap())
    }

    fn grant(&self, state: &State) -> Granted {
        let mut headers = vec![(header::AUTHORIZATION, format!("Bearer canary-{}", state.handed))];
        if self.0.names.len() > 1 {
            headers.push((HeaderName::from_static("otp"), state.code.to_string()));
        }
        let headers =
            headers.into_iter().map(|(name, value)| (name, HeaderValue::try_from(value).unwrap()));
        let at = Timestamp::from_millis;
        Granted {
            authorization: Arc::new(Authorization::new(headers, at(100_000))),
            generation: Generation { counter: state.handed, tag: 7 },
            issued_at: at(0),
            expires_at: at(100_000),
        }
    }
}

#[async_trait]
impl Authority for Fake {
    async fn authorization(&self, need: Need) -> Result<Granted, Error> {
        self.edit(|state| {
            state.moves.push(Move::Authorize(need.valid_for));
            if state.broken {
                return Err(Error::new(ErrorKind::NeedsSignIn));
            }
            let granted = self.grant(state);
            state.handed = state.current;
            state.code += 1;
            Ok(granted)
        })
    }

    fn current_generation(&self) -> Option<Generation> {
        Some(Generation { counter: self.edit(|state| state.current), tag: 7 })
    }

    async fn reject(&self, refusal: Refusal, _: Need) -> Result<Replay, Error> {
        self.edit(|state| {
            state.moves.push(Move::Reject(refusal.generation.counter));
            state.now += state.reject_takes;
            if state.replay == Replay::Now {
                state.current += 1;
                state.handed = state.current;
            }
            Ok(state.replay)
        })
    }

    fn report(&self, refusal: Refusal) {
        let (generation, replayed) = (refusal.generation.counter, refusal.replayed);
        self.edit(|state| state.moves.push(Move::Report { generation, replayed }));
    }

    fn accepted(&self, _: &Granted) {
        if self.0.names.len() > 1 {
            self.edit(|state| state.moves.push(Move::Accepted));
        }
    }

    async fn next_code(&self, _: &Granted, _: Need) -> Result<NextCode, Error> {
        let granted = self.edit(|state| {
            state.moves.push(Move::NextCode);
            let granted = self.grant(state);
            state.code += 1;
            (!state.token_at_fault).then_some(granted)
        });
        let me = self.clone();
        let over = move || me.edit(|state| state.moves.push(Move::Over));
        Ok(granted.map_or(NextCode::Token, |next| NextCode::Probe(next, Probe::new(over))))
    }

    fn suspect(&self, _: &Granted) {
        self.edit(|state| state.moves.push(Move::Suspect));
    }

    fn verdict(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        match (head.status.as_u16(), body) {
            (401, _) if self.0.names.len() > 1 => Verdict::Rejected(Rejection::TokenOrCode),
            (401, _) => Verdict::Rejected(Rejection::InvalidToken),
            (403, None) => Verdict::NeedsBody,
            (403, Some(b"not signed in")) => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }

    fn may_send_to(&self, origin: &Origin) -> bool {
        self.0.origins.contains(origin)
    }

    fn credential_headers(&self) -> &[HeaderName] {
        &self.0.names
    }

    fn clock(&self) -> &dyn Clock {
        self
    }
}

#[async_trait]
impl Clock for Fake {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.edit(|state| state.now) as i64)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(Duration::from_millis(self.edit(|state| state.now)))
    }

    async fn sleep_until(&self, _: Monotonic) {
        std::future::pending().await
    }
}
