//! What a user asks of a session by name: to sign in, to answer, to renew, to end.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{Event, Failure, SignOutEnd, Status, Told};
use countersign_core::{Answers, Challenge, Credentials, Error, ErrorKind, Timestamp};

use crate::cell::Cell;
use crate::inner::OneTime;
use crate::obtain::closed;
use crate::post::Cargo;
use crate::session::Session;
use crate::snapshot::Authorized;
use crate::told::News;
use crate::wait::wait;

/// How a sign-in ended well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// The session is signed in.
    Complete,
    /// The provider asks for a further proof: [`Session::answer`] it.
    Challenge(Box<Challenge>),
}

/// What is true about the tokens after [`Session::sign_out`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignOutOutcome {
    /// The provider has revoked them.
    Revoked,
    /// They are forgotten here; the access token lives until then.
    LocalOnly {
        /// Its end; `None` if there was none.
        valid_until: Option<Timestamp>,
    },
    /// Revocation was asked for; whether it came about is not known.
    Unconfirmed,
}

impl Session {
    /// Signs in, whatever there is. A source that asks a person is asked here and nowhere else.
    ///
    /// # Errors
    /// What the provider says; after the session's deadline why the last try failed that was to be
    /// repeated, or [`ErrorKind::TimedOut`] if none has ended.
    pub async fn sign_in(&self) -> Result<SignIn, Error> {
        self.0.refuse_reentry("sign_in")?;
        if let Some(source) = self.0.source().filter(|s| s.interactive()) {
            let given = source.credentials(self.0.account()).await?;
            return self.sign_in_with(given).await;
        }
        self.0.asked(Event::SignIn, Cargo::default(), "sign_in").await
    }

    /// Signs in with these credentials for one time; they are wiped once it is decided.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`] if a kind is missing that the provider needs; else see
    /// [`Session::sign_in`].
    pub async fn sign_in_with(&self, credentials: Credentials) -> Result<SignIn, Error> {
        let kinds = &self.0.provider.capabilities().credentials;
        self.0.identified(credentials.clone()).check(kinds)?;
        let given = OneTime { credentials, taken: false };
        let cargo = Cargo { one_time: Some(Box::new(given)), ..Cargo::default() };
        self.0.asked(Event::SignIn, cargo, "sign_in").await
    }

    /// Answers the challenge that is pending. If the provider refuses the answer but takes another one,
    /// this is [`SignIn::Challenge`] again, and the reason is the last error of [`Session::status`].
    ///
    /// # Errors
    /// [`ErrorKind::ChallengeExpired`] if there is none any more, [`ErrorKind::InvalidRequest`] if an
    /// answer is missing that it wants, else what the provider says.
    pub async fn answer(&self, answers: Answers) -> Result<SignIn, Error> {
        self.load().await?;
        let challenge = self.pending().ok_or_else(|| Error::new(ErrorKind::ChallengeExpired))?;
        if let Some(missing) = challenge.wants.iter().find(|name| answers.get(name).is_none()) {
            let name: String = missing.chars().filter(|c| c.is_ascii_graphic()).collect();
            return Err(Error::new(ErrorKind::InvalidRequest)
                .hint(format!("the challenge also wants the answer `{name}`")));
        }
        let cargo = Cargo { answers: Some(Box::new(answers)), ..Cargo::default() };
        self.0.asked(Event::Answer, cargo, "answer").await
    }

    /// Buys another token now, although the one that is held may be good.
    ///
    /// # Errors
    /// See [`Session::authorization`]. The token that is held is handed out on.
    pub async fn refresh(&self) -> Result<Authorized, Error> {
        self.0.asked(Event::Wanted, Cargo::default(), "refresh").await?;
        self.authorization().await
    }

    /// Ends the session: nothing is handed out from now on, the refresh token is revoked where the
    /// provider can, and the store keeps a tombstone. An exchange under way is waited for. After
    /// `within` the rest goes on in the background and the answer is
    /// [`SignOutOutcome::Unconfirmed`].
    pub async fn sign_out(&self, within: Duration) -> SignOutOutcome {
        let cell = &self.0;
        let deadline = cell.shared.clock.monotonic().after(within);
        let _counted = cell.wait_counted();
        let before = cell.core().told.count;
        cell.kick();
        cell.post(Event::SignOut, Cargo::default());
        loop {
            let changed = cell.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            cell.kick();
            let end = cell.core().told.since(before).find_map(|news| match news.told {
                Told::SignedOut(end) => Some(end),
                _ => None,
            });
            match end {
                Some(SignOutEnd::Revoked) => return SignOutOutcome::Revoked,
                Some(SignOutEnd::LocalOnly { valid_until }) => {
                    return SignOutOutcome::LocalOnly { valid_until };
                }
                Some(SignOutEnd::Unconfirmed) => return SignOutOutcome::Unconfirmed,
                // An exchange that waits for this caller ends after it.
                None if cell.waits_for_caller() => return SignOutOutcome::Unconfirmed,
                // What was given up tells nothing any more.
                None if cell.shared.has_given_up() => return SignOutOutcome::Unconfirmed,
                None if cell.shared.clock.monotonic() >= deadline => {
                    return SignOutOutcome::Unconfirmed;
                }
                None => {}
            }
            wait(&*cell.shared.clock, changed, deadline).await;
        }
    }

    /// Waits until no exchange of this session is under way and its token is saved, at most `within`;
    /// whether that came about. What is not done then is journalled and taken up by the next process.
    pub async fn close(&self, within: Duration) -> bool {
        let cell = &self.0;
        let deadline = cell.shared.clock.monotonic().after(within);
        loop {
            let changed = cell.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            cell.kick();
            cell.post_if_due();
            let (busy, due) = {
                let core = cell.core();
                let unsaved = core.held.is_some() && !core.saved;
                let due = core.appointment.map(|(_, _, due)| due).filter(|_| unsaved);
                (!core.flights.is_empty() || unsaved, due)
            };
            if !busy {
                return true;
            }
            if cell.waits_for_caller() || cell.shared.clock.monotonic() >= deadline {
                return false;
            }
            wait(&*cell.shared.clock, changed, due.map_or(deadline, |d| d.min(deadline))).await;
        }
    }
}

impl Cell {
    /// Posts what the user asks for and waits for what comes of it.
    pub(crate) async fn asked(
        self: &Arc<Self>,
        event: Event,
        cargo: Cargo,
        name: &'static str,
    ) -> Result<SignIn, Error> {
        self.refuse_reentry(name)?;
        if self.shared.is_closed() {
            return Err(closed());
        }
        self.refuse_to_write(name)?;
        self.kick();
        let _counted = self.wait_counted();
        let deadline = self.shared.clock.monotonic().after(self.settings.deadline);
        if !matches!(event, Event::SignIn) {
            self.read_first(deadline).await?;
        }
        let Some(mut heard) = self.post_asked(event, cargo) else {
            return Err(Error::new(ErrorKind::ChallengeExpired));
        };
        // Why it is tried again: says more than that the time is over.
        let mut stalled = None;
        loop {
            let changed = self.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            self.kick();
            self.post_if_due();
            let (news, due) = {
                let core = self.core();
                let news: Vec<News> = core.told.since(heard).cloned().collect();
                heard = core.told.count;
                (news, core.appointment.map(|(_, _, due)| due))
            };
            // A keeper that was shut down tries nothing again.
            let fits = due.is_some_and(|due| due <= deadline) && !self.shared.is_closed();
            for news in news {
                if let Told::Stalled(failure) = news.told {
                    stalled = Some(self.refusal(failure, news.error.clone(), name));
                }
                if let Some(end) = self.ended(news, fits, name) {
                    return end;
                }
            }
            if self.shared.has_given_up() {
                return Err(stalled.unwrap_or_else(closed));
            }
            if self.shared.clock.monotonic() >= deadline {
                return Err(stalled.unwrap_or_else(|| self.timed_out(name)));
            }
            let until = due.map_or(deadline, |due| due.min(deadline));
            wait(&*self.shared.clock, changed, until).await;
        }
    }

    fn ended(
        self: &Arc<Self>,
        news: News,
        fits: bool,
        name: &'static str,
    ) -> Option<Result<SignIn, Error>> {
        let News { told, error, status } = news;
        match told {
            // A refresh that was under way has ended; what was asked for has only begun.
            Told::Tokens | Told::Stalled(_) | Told::Failed(_)
                if status == Status::Authenticating =>
            {
                None
            }
            Told::Tokens => Some(Ok(SignIn::Complete)),
            Told::Challenge => Some(match Session(Arc::clone(self)).pending() {
                Some(challenge) => Ok(SignIn::Challenge(Box::new(challenge))),
                None => Err(self.challenged()),
            }),
            Told::Stalled(_) if fits => None,
            Told::Stalled(failure) | Told::Failed(failure) => {
                Some(Err(self.refusal(failure, error, name)))
            }
            Told::SignedOut(_) if status == Status::Authenticating => None,
            Told::SignedOut(_) => Some(Err(Error::new(ErrorKind::SignedOut))),
        }
    }
    fn refusal(&self, failure: Failure, error: Option<Error>, name: &'static str) -> Error {
        let error = error.unwrap_or_else(|| self.error(failure));
        match error.provider() {
            Some(_) => error,
            None => error.at(self.provider.id(), name),
        }
    }
}
