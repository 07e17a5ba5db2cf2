//! The connection that all calls of a store share: made when it is needed, made again when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::{Clock, Error, Monotonic};
use redis::{Cmd, Pipeline, RedisResult, Value};

use crate::connect::{Login, Wire};
use crate::fault::{self, Next};
use crate::place::Place;
use crate::scripts::Call;
use crate::wait::{Pauses, Waited, wait};

/// Pauses between two tries: short, since a caller waits for them and they end with his time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The way to a server.
pub(crate) struct Link {
    /// The servers of which one is the master; at least one.
    places: Vec<Place>,
    login: Login,
    clock: Arc<dyn Clock>,
    /// How long one answer may take before the connection is given up.
    answer: Duration,
    state: Mutex<State>,
    /// Held by the one who connects.
    connecting: tokio::sync::Mutex<()>,
}

struct State {
    wire: Option<Wire>,
    /// Which of the places is asked.
    at: usize,
    pauses: Pauses,
    /// Nobody connects before; and why that is so.
    not_before: Option<(Monotonic, Error)>,
    /// The loss was told.
    told: bool,
}

/// What is asked.
pub(crate) enum Ask<'a> {
    Command(&'a Cmd),
    Commands(&'a Pipeline),
    Script(&'a Call),
}

/// An answer, and how sure it is that it is the only one.
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// An earlier try may have been carried out too.
    pub(crate) again: bool,
    /// Over which connection it came.
    pub(crate) wire: Wire,
}

impl Link {
    pub(crate) fn new(
        places: Vec<Place>,
        login: Login,
        clock: Arc<dyn Clock>,
        answer: Duration,
    ) -> Self {
        let state = State {
            wire: None,
            at: 0,
            pauses: Pauses::new(FIRST_PAUSE, LONGEST_PAUSE),
            not_before: None,
            told: false,
        };
        let connecting = tokio::sync::Mutex::new(());
        Self { places, login, clock, answer, state: Mutex::new(state), connecting }
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) const fn answer(&self) -> Duration {
        self.answer
    }

    /// Asks until there is an answer, an error that another try would not mend, or the time is over.
    pub(crate) async fn ask(&self, ask: Ask<'_>, until: Monotonic) -> Result<Answer, Error> {
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut again = false;
        let mut said = None;
        loop {
            let wire = self.wire(until).await?;
            let answer_by = until.min(self.clock.monotonic().after(self.answer));
            let error = match wait(&*self.clock, wire.ask(&ask), answer_by).await {
                Waited::Came(Ok(value)) => return Ok(Answer { value, again, wire }),
                Waited::Came(Err(error)) => {
                    let (next, error) = fault::of(&self.place(), &error);
                    match next {
                        Next::GiveUp => return Err(error),
                        Next::Again => {}
                        Next::Reconnect => {
                            again = true;
                            self.lost(&wire, &error);
                        }
                    }
                    said = Some(error.clone());
                    error
                }
                Waited::Over => {
                    again = true;
                    let error = fault::late(&self.place());
                    self.lost(&wire, &error);
                    // What the server has said before tells more than the end of the caller's time.
                    said.clone().unwrap_or(error)
                }
            };
            let pause = pauses.next();
            let now = self.clock.monotonic();
            if now.after(pause) >= until {
                return Err(error);
            }
            self.clock.sleep_until(now.after(pause)).await;
        }
    }

    /// Asks once, over `wire`.
    pub(crate) async fn ask_over(
        &self,
        wire: &Wire,
        ask: &Ask<'_>,
        until: Monotonic,
    ) -> Result<Value, Error> {
        let error = match wait(&*self.clock, wire.ask(ask), until).await {
            Waited::Came(Ok(value)) => return Ok(value),
            Waited::Came(Err(error)) => match fault::of(&self.place(), &error) {
                (Next::Reconnect, error) => error,
                (_, error) => return Err(error),
            },
            Waited::Over => fault::late(&self.place()),
        };
        self.lost(wire, &error);
        Err(error)
    }

    /// The connection; a new one if there is none.
    pub(crate) async fn wire(&self, until: Monotonic) -> Result<Wire, Error> {
        loop {
            let gate = match wait(&*self.clock, self.connecting.lock(), until).await {
                Waited::Came(gate) => gate,
                Waited::Over => return Err(self.why()),
            };
            let not_before = {
                let state = self.state();
                if let Some(wire) = &state.wire {
                    return Ok(wire.clone());
                }
                state.not_before.clone()
            };
            let now = self.clock.monotonic();
            if let Some((instant, error)) = not_before.filter(|(instant, _)| *instant > now) {
                drop(gate);
                if instant >= until {
                    return Err(error);
                }
                self.clock.sleep_until(instant).await;
                continue;
            }
            match self.connect(until).await {
                (Next::GiveUp, Err(error)) => return Err(error),
                (_, Ok(wire)) => return Ok(wire),
                (_, Err(error)) if self.clock.monotonic() >= until => return Err(error),
                (_, Err(_)) => {}
            }
        }
    }

    /// One try to connect; the caller holds the gate.
    async fn connect(&self, until: Monotonic) -> (Next, Result<Wire, Error>) {
        let place = self.place();
        let begun = self.clock.monotonic();
        let over = until.min(begun.after(self.answer));
        let made = match wait(&*self.clock, self.login.connect(&place), over).await {
            Waited::Came(made) => made,
            // The caller's time was shorter than a connection may take: that tells nothing of the server.
            Waited::Over if over < begun.after(self.answer) => {
                return (Next::Again, Err(fault::late(&place)));
            }
            Waited::Over => Err((Next::Reconnect, fault::late(&place))),
        };
        let mut state = self.state();
        match made {
            Ok(wire) => {
                if state.told {
                    tracing::info!(redis = %place, "Redis is reached again");
                }
                state.told = false;
                state.wire = Some(wire.clone());
                state.not_before = None;
                (Next::Again, Ok(wire))
            }
            Err((next, error)) => {
                state.tell(&place, &error);
                state.pass_on(&self.places);
                let pause = state.pauses.next();
                state.not_before = Some((self.clock.monotonic().after(pause), error.clone()));
                (next, Err(error))
            }
        }
    }

    /// `wire` is of no use any more.
    pub(crate) fn lost(&self, wire: &Wire, error: &Error) {
        let mut state = self.state();
        if state.wire.as_ref().is_some_and(|there| there.is(wire)) {
            let place = self.places[state.at].clone();
            state.tell(&place, error);
            state.wire = None;
            // A server that fell back to be a replica is reached well and still the wrong one.
            if error.code() == Some("replica") {
                state.pass_on(&self.places);
            }
        }
    }

    /// The next call is made over another connection.
    pub(crate) fn leave(&self) {
        let left = self.state().wire.take();
        drop(left);
    }

    /// A connection of one's own, for waiting on.
    pub(crate) async fn another(&self) -> Result<Wire, Error> {
        let place = self.place();
        let over = self.clock.monotonic().after(self.answer);
        match wait(&*self.clock, self.login.connect(&place), over).await {
            Waited::Came(made) => made.map_err(|(_, error)| error),
            Waited::Over => Err(fault::late(&place)),
        }
    }

    /// The server that is asked now.
    pub(crate) fn place(&self) -> Place {
        self.places[self.state().at].clone()
    }

    /// Why there is no connection.
    fn why(&self) -> Error {
        let why = self.state().not_before.as_ref().map(|(_, error)| error.clone());
        why.unwrap_or_else(|| fault::late(&self.place()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says once that the server is lost.
    fn tell(&mut self, place: &Place, error: &Error) {
        if !self.told {
            tracing::warn!(redis = %place, %error, "Redis is lost");
        }
        self.told = true;
    }

    fn pass_on(&mut self, places: &[Place]) {
        self.at = (self.at + 1) % places.len();
    }
}

impl Wire {
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> RedisResult<Value> {
        match ask {
            Ask::Command(command) => self.send(command).await,
            Ask::Commands(commands) => self.send_all(commands).await.map(Value::Array),
            Ask::Script(call) => match self.send(&call.by_hash()).await {
                Err(error) if error.code() == Some("NOSCRIPT") => self.send(&call.whole()).await,
                answer => answer,
            },
        }
    }
}
