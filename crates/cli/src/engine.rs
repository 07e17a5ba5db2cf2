//! One session of a profile, with the runtime that drives it and the store that keeps it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use countersign_core::{
    Answers, AuthProvider, Challenge, Clock as _, CredentialKind, Credentials, Error, ErrorKind,
    Operation, Timestamp,
};
use countersign_runtime::{Authorized, Keeper, Performed, Session, SignIn, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::exit::Exit;
use crate::keep::Keep;
use crate::opening::{self, Opened, Secrets};
use crate::problem::Problem;
use crate::profile::Profile;
use crate::source::ProfileCredentials;
use crate::transport::LazyTransport;
use crate::{interrupt, output, progress, store};

/// How long the end waits for an exchange that is under way and for its commit.
pub(crate) const CLOSE: Duration = Duration::from_secs(10);

/// A session that is open, with everything under it.
pub(crate) struct Engine {
    profile: Profile,
    adapter: Arc<dyn AuthProvider>,
    transport: LazyTransport,
    clock: SystemClock,
    keeper: Keeper,
    session: Session,
    source: Arc<ProfileCredentials>,
    keep: Keep,
    runtime: Runtime,
}

impl Engine {
    /// Opens the session of a profile to use, renew or end what is there, as `secrets` says; `wait` is for a
    /// token, each time.
    pub(crate) fn open(
        profile: &Profile,
        secrets: Secrets,
        wait: Duration,
    ) -> Result<Self, Problem> {
        Self::on(online()?, profile, secrets, wait, Keep::of(profile, CredentialKind::Password))
    }

    /// The same to do whatever it needs, and new passwords go to `keep`.
    pub(crate) fn keeping(profile: &Profile, wait: Duration, keep: Keep) -> Result<Self, Problem> {
        Self::on(online()?, profile, Secrets::Ahead, wait, keep)
    }

    /// The same for operations that bring their own credentials, such as those of an account that is
    /// still to be made: no source is asked before.
    pub(crate) fn without_secrets(
        profile: &Profile,
        wait: Duration,
        keep: Keep,
    ) -> Result<Self, Problem> {
        Self::on(online()?, profile, Secrets::Never, wait, keep)
    }

    /// Opens it to look at what the store holds: no descriptor for the network or for signals, no
    /// lock, no program started. Nothing can be exchanged.
    fn look(profile: &Profile, secrets: Secrets) -> Result<Self, Problem> {
        let runtime = store::runtime(profile.store())?;
        let keep = Keep::of(profile, CredentialKind::Password);
        Self::on(runtime, profile, secrets, Duration::ZERO, keep)
    }

    /// Shows what the store holds to `see`.
    pub(crate) fn peek<T>(
        profile: &Profile,
        see: impl FnOnce(&Session, Timestamp) -> T,
    ) -> Result<T, Problem> {
        let engine = Self::look(profile, Secrets::Never)?;
        Ok(see(&engine.session, engine.now()))
    }

    /// The authorization that the store holds, if the engine would hand it out at once.
    pub(crate) fn fresh(
        profile: &Profile,
        valid_for: Duration,
    ) -> Result<Option<Authorized>, Problem> {
        let engine = Self::look(profile, Secrets::ForCodes)?;
        if !engine.session.status().good {
            return Ok(None);
        }
        // Asked once and not waited for: what is not there at once needs the network, and whatever the
        // engine has begun for it ends with this runtime before it has run.
        Ok(engine.runtime.block_on(async {
            let mut wanted = pin!(engine.session.authorization_for(valid_for));
            poll_fn(|cx| match wanted.as_mut().poll(cx) {
                Poll::Ready(Ok(authorized)) => Poll::Ready(Some(authorized)),
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
            })
            .await
        }))
    }

    fn on(
        runtime: Runtime,
        profile: &Profile,
        secrets: Secrets,
        wait: Duration,
        keep: Keep,
    ) -> Result<Self, Problem> {
        let clock = SystemClock::new();
        let transport = LazyTransport::default();
        let hearing = store::hearing(profile.store());
        let (keeper, opened) = interrupt::block_on(&runtime, hearing, async {
            let keeper = opening::keeper(profile.store(), &transport, clock).await?;
            let opened =
                opening::session(&keeper, profile, clock, secrets, wait, keep.clone()).await?;
            Ok((keeper, opened))
        })?;
        let profile = profile.clone();
        let Opened { adapter, session, source } = opened;
        Ok(Self { profile, adapter, transport, clock, keeper, session, source, keep, runtime })
    }

    /// The adapter.
    pub(crate) fn adapter(&self) -> &dyn AuthProvider {
        &*self.adapter
    }

    /// The profile's secrets.
    pub(crate) fn source(&self) -> &ProfileCredentials {
        &self.source
    }

    /// Where new passwords go.
    pub(crate) const fn keep(&self) -> &Keep {
        &self.keep
    }

    /// The HTTP client.
    pub(crate) fn client(&self) -> Result<&countersign_reqwest::Client, Problem> {
        Ok(self.transport.client()?)
    }

    /// The hour.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Does something with the session, until it is done or somebody asks the process to end; then
    /// waits for what is under way to be committed.
    pub(crate) fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.runtime.block_on(async {
            let done = tokio::select! {
                // First of all: a signal in the moment of a question must find the terminal set right.
                biased;
                () = interrupt::wait() => Err(interrupted()),
                done = work(&self.session) => done,
                () = progress::tell(&self.session) => Err(interrupted()),
            };
            let saved = self.saved().await;
            if !self.keeper.shutdown(CLOSE).await {
                tracing::warn!("an exchange was still under way; the next command takes it up");
            }
            let kept = self.keep.tell(&self.profile);
            all_told(done, [saved, kept], output::report)
        })
    }

    /// Waits until nothing is under way and the token is in the store.
    ///
    /// # Errors
    /// [`Exit::Store`] if it cannot be written: what the provider gave ends with this process.
    pub(crate) async fn saved(&self) -> Result<(), Problem> {
        self.session.close(CLOSE).await;
        let status = self.session.status();
        if status.saved {
            return Ok(());
        }
        let help = "make the store writable and sign in again; until then the older state of the \
                    session holds";
        let problem = Problem::new(Exit::Store, "the new token could not be saved", help);
        Err(match &status.last_error {
            Some(error) => problem.note(error.to_string()),
            None => problem,
        })
    }

    /// Signs in; a challenge that comes instead is answered by [`Engine::answer`].
    pub(crate) async fn sign_in(&self, session: &Session) -> Result<Option<Challenge>, Problem> {
        self.next(session.sign_in().await)
    }

    /// Answers the pending challenge; another may follow.
    pub(crate) async fn answer(
        &self,
        session: &Session,
        answers: Answers,
    ) -> Result<Option<Challenge>, Problem> {
        self.next(session.answer(answers).await)
    }

    /// Runs an operation beside the life of the token.
    pub(crate) async fn perform(
        &self,
        session: &Session,
        operation: Operation,
        credentials: Credentials,
    ) -> Result<Performed, Problem> {
        session.perform_with(operation, credentials).await.map_err(|error| self.explain(&error))
    }

    /// Runs an operation that this provider alone has.
    pub(crate) async fn extension(
        &self,
        session: &Session,
        name: &str,
        input: Answers,
    ) -> Result<Performed, Problem> {
        let operation = Operation::Extension { name: name.into(), input };
        session.perform(operation).await.map_err(|error| self.explain(&error))
    }

    fn next(&self, end: Result<SignIn, Error>) -> Result<Option<Challenge>, Problem> {
        match end {
            Ok(SignIn::Complete) => Ok(None),
            Ok(SignIn::Challenge(challenge)) => Ok(Some(*challenge)),
            Ok(_) => {
                Err(Problem::new(Exit::Defect, "an end that is not known", "please report it"))
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// An error with the command that helps.
    pub(crate) fn explain(&self, error: &Error) -> Problem {
        let name = self.profile.name();
        let asks_for_sign_in =
            matches!(error.kind(), ErrorKind::NeedsSignIn | ErrorKind::SignedOut);
        match self.session.pending().filter(|_| asks_for_sign_in) {
            Some(challenge) => Problem::new(
                Exit::ChallengePending,
                format!("the provider asks for {}", challenge.name),
                format!("run `countersign login --continue --profile {name}`"),
            ),
            None if asks_for_sign_in => {
                Problem::from(error).help(format!("run `countersign login --profile {name}`"))
            }
            None => self.recall(error),
        }
    }

    /// An error with what came before it: a wait that was in the way hides why it had to be waited.
    fn recall(&self, error: &Error) -> Problem {
        let problem = Problem::from(error);
        let transitions = self.session.status().transitions;
        let earlier = transitions.iter().rev().find_map(|step| step.failure);
        match earlier.filter(|kind| *kind != error.kind()) {
            Some(kind) => problem.note(format!("before that: {kind}")),
            None => problem,
        }
    }
}

/// The first of what went wrong; the rest is told before it. The end of a command finds out things of its own, which are
/// not to be lost because the command had failed already.
fn all_told<T>(
    done: Result<T, Problem>,
    after: [Result<(), Problem>; 2],
    tell: impl Fn(&Problem),
) -> Result<T, Problem> {
    let mut later = after.into_iter().filter_map(Result::err);
    let first = match done {
        Ok(done) => match later.next() {
            None => return Ok(done),
            Some(first) => first,
        },
        Err(first) => first,
    };
    // A command may have looked for itself whether its token is saved.
    later.filter(|more| more.lines() != first.lines()).for_each(|more| tell(&more));
    Err(first)
}

/// Whether the provider has refused for certain: then nothing has changed there. After anything else what
/// was sent may have been done, and what failed may have come after it: a store that does not take what the provider
/// has given, an answer that is for somebody else.
pub(crate) fn is_certain(error: &Error) -> bool {
    let answered = error.status().is_some_and(|status| status < 500);
    let ours = matches!(
        error.kind(),
        ErrorKind::Ambiguous
            | ErrorKind::Configuration
            | ErrorKind::Credentials
            | ErrorKind::Internal
            | ErrorKind::Protocol
            | ErrorKind::Store
            | ErrorKind::SubjectMismatch
            | ErrorKind::TimedOut
            | ErrorKind::Transport
    );
    answered && !ours && !error.is_transient()
}

pub(crate) fn online() -> Result<Runtime, Problem> {
    Builder::new_current_thread().enable_all().build().map_err(no_runtime)
}

pub(crate) fn no_runtime(error: std::io::Error) -> Problem {
    Problem::new(Exit::TryAgain, "the program cannot be started", "check the limits of the system")
        .note(error.to_string())
}

pub(crate) fn interrupted() -> Problem {
    Problem::new(Exit::Interrupted, "interrupted", "")
}

#[cfg(test)]
mod tests {
    use countersign_core::Recovery;
    use http::StatusCode;

    use super::*;

    #[test]
    fn f46_what_the_end_has_found_out_is_told_beside_an_earlier_failure() {
        let wrong = |what: &str| Problem::new(Exit::Store, what, "");
        let told = |done: Result<(), Problem>, saved, kept| {
            let more = std::cell::RefCell::new(String::new());
            let tell = |problem: &Problem| more.borrow_mut().push_str(problem.what());
            let first = all_told(done, [saved, kept], tell).map_err(|p| p.what().to_owned());
            (first.err().unwrap_or_default(), more.into_inner())
        };
        let both = |first: &str, more: &str| (first.to_owned(), more.to_owned());
        assert_eq!(told(Ok(()), Ok(()), Ok(())), both("", ""));
        assert_eq!(told(Ok(()), Ok(()), Err(wrong("kept"))), both("kept", ""));
        assert_eq!(told(Ok(()), Err(wrong("saved")), Err(wrong("kept"))), both("saved", "kept"));
        let failed = || Err(wrong("failed"));
        assert_eq!(told(failed(), Err(wrong("saved")), Ok(())), both("failed", "saved"));
        assert_eq!(told(failed(), Err(wrong("a")), Err(wrong("b"))), both("failed", "ab"));
        assert_eq!(told(failed(), failed(), Ok(())), both("failed", ""), "and nothing twice");
    }

    #[test]
    fn f48_what_was_made_is_given_up_after_a_refusal_of_the_provider_and_nothing_else() {
        let refused = |kind| Error::new(kind).with_status(StatusCode::BAD_REQUEST);
        for kind in [ErrorKind::InvalidRequest, ErrorKind::PasswordRefused, ErrorKind::CodeMismatch]
        {
            let error = refused(kind).with_recovery(Recovery::GiveUp);
            assert!(is_certain(&error), "{kind}");
            assert!(!is_certain(&error.with_recovery(Recovery::Retry)), "{kind}");
            assert!(!is_certain(&Error::new(kind)), "{kind}: nobody has answered");
        }
        for kind in [ErrorKind::Store, ErrorKind::SubjectMismatch, ErrorKind::Protocol] {
            let error = refused(kind).with_recovery(Recovery::GiveUp);
            assert!(!is_certain(&error), "{kind} says nothing of what the provider has done");
        }
        let late = Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp);
        assert!(!is_certain(&late), "the account may be there");
        let broken = Error::new(ErrorKind::InvalidRequest).with_recovery(Recovery::GiveUp);
        assert!(!is_certain(&broken.with_status(StatusCode::BAD_GATEWAY)));
    }
}
