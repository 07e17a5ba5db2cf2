//! One process of a case: a keeper, and the sessions that it keeps.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Answers, ChallengeKind, CredentialSource, Credentials};
use countersign_runtime::{Keeper, Session, SessionBuilder, SignIn};

use crate::bench::Bench;
use crate::expect::Finding;
use crate::target::Control;

/// More proofs than this no sign-in asks for.
const MOST_PROOFS: usize = 6;

/// A keeper on the bench's store. Clones are the same process.
#[derive(Clone)]
pub struct Process {
    pub(crate) bench: Bench,
    pub(crate) keeper: Keeper,
}

impl Process {
    /// The keeper.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The session of the account. Nothing is sent.
    ///
    /// # Errors
    /// What the engine says. So do the others here.
    pub async fn open(&self) -> Result<Session, Finding> {
        self.open_with(|builder| builder).await
    }

    /// The same with other settings.
    pub async fn open_with(
        &self,
        set: impl FnOnce(SessionBuilder) -> SessionBuilder,
    ) -> Result<Session, Finding> {
        self.open_from(Arc::new(self.bench.0.purse.clone()), set).await
    }

    /// The same with another source of credentials.
    pub async fn open_from(
        &self,
        source: Arc<dyn CredentialSource>,
        set: impl FnOnce(SessionBuilder) -> SessionBuilder,
    ) -> Result<Session, Finding> {
        let bench = &self.bench.0;
        let source = bench.engine.source(source);
        let builder = self.describe(&bench.account.identity).credentials_from(source);
        Ok(bench.engine.session(set(builder)).open().await?)
    }

    /// A session of whomever, with these credentials.
    pub async fn open_as(
        &self,
        identity: &str,
        credentials: Credentials,
    ) -> Result<Session, Finding> {
        let engine = &self.bench.0.engine;
        let source = engine.source(Arc::new(credentials));
        let builder = self.describe(identity).credentials_from(source);
        Ok(engine.session(builder).open().await?)
    }

    /// A session without credentials of its own.
    pub async fn open_bare(&self) -> Result<Session, Finding> {
        let bench = &self.bench.0;
        let builder = self.describe(&bench.account.identity);
        Ok(bench.engine.session(builder).open().await?)
    }

    /// The session of the account, signed in; challenges are answered.
    pub async fn sign_in(&self) -> Result<Session, Finding> {
        let session = self.open().await?;
        self.complete(&session, session.sign_in().await?).await?;
        Ok(session)
    }

    /// Answers challenges until the sign-in is complete.
    pub async fn complete(&self, session: &Session, first: SignIn) -> Result<(), Finding> {
        let mut step = first;
        for _ in 0..MOST_PROOFS {
            let challenge = match step {
                SignIn::Challenge(challenge) => challenge,
                _ => return Ok(()),
            };
            let answers = match challenge.kind {
                ChallengeKind::NewPassword => {
                    let password = self.bench.server().next_password();
                    self.bench.know_password(password.clone());
                    Answers::new_password(password)
                }
                _ => {
                    let controls = self.bench.able_to(Control::Mail)?;
                    let identity = &self.bench.account().identity;
                    let code = controls.mail(identity).ok_or_else(|| {
                        Finding::new(
                            "a challenge that the suite can answer",
                            challenge.name.clone(),
                        )
                    })?;
                    Answers::code(code)
                }
            };
            step = session.answer(answers).await?;
        }
        Err(Finding::new("a sign-in that comes to an end", "one proof after another"))
    }

    /// Ends the process in order: exchanges under way are waited for.
    pub async fn shutdown(&self, within: Duration) -> bool {
        self.keeper.shutdown(within).await
    }

    fn describe(&self, identity: &str) -> SessionBuilder {
        let bench = &self.bench.0;
        self.keeper
            .session_of(Arc::clone(&bench.adapter), identity)
            .api_origins(bench.server.api_origins())
    }
}
