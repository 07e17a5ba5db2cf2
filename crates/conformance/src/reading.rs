//! What cases read off a bench: which step buys, what errors say, what events have told.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    AuthProvider, Certainty, CredentialSource, Error, ErrorKind, HttpTransport, SecretString,
};
use countersign_runtime::{Events, Session, SessionBuilder, SessionEventKind};

use crate::bench::Bench;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::process::Process;
use crate::target::Control;

impl Bench {
    /// The last step of a sign-in, whose answer brings the tokens. Found out by a sign-in of a program
    /// elsewhere.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn last_step(&self) -> Result<Op, Finding> {
        self.apart()?.sign_in().await?;
        self.next_code().await;
        Ok(if self.granted(Op::Continue) > 0 { Op::Continue } else { Op::SignIn })
    }

    /// Where sign-ins carry codes: waits until the next code.
    pub async fn next_code(&self) {
        // An account of a real service that has no codes need not wait for one.
        let has_codes = self.account().credentials.totp_secret().is_some();
        if self.is_virtual() || has_codes {
            self.pass(self.claims().sign_in_code.unwrap_or_default()).await;
        }
    }

    /// Every secret that a text of this case must not hold: those of the accounts, the tokens that answers have
    /// brought, and where the server tells them those that it has given out.
    pub fn secrets(&self) -> Vec<SecretString> {
        let told = self.able_to(Control::Secrets).map(|controls| controls.secrets());
        let mut all = self.0.wire.0.names.known().list();
        all.extend(told.unwrap_or_default());
        all
    }
}

/// The error is as sure of a refused secret as the server's answer is.
#[track_caller]
pub(crate) fn as_sure(bench: &Bench, error: &Error) -> Result<(), Finding> {
    let certain = bench.server().refusal_is_certain();
    let expected = if certain { Certainty::Certain } else { Certainty::Possible };
    expect::same("how sure the refusal is", error.certainty(), expected)
}

/// Everything in an error that somebody may print.
pub(crate) fn texts(error: &Error) -> Vec<String> {
    let mut all = vec![error.to_string(), format!("{error:?}"), format!("{error:#?}")];
    all.extend(
        [error.code(), error.request_id(), error.detail()].into_iter().flatten().map(str::to_owned),
    );
    let fields = error.fields().iter();
    all.extend(fields.map(|field| format!("{} {}", field.name, field.code)));
    let mut source = std::error::Error::source(error);
    while let Some(below) = source {
        all.push(format!("{below} {below:?}"));
        source = below.source();
    }
    all
}

/// What a session was told since it was last looked at.
pub(crate) fn told(events: &mut Events) -> Vec<SessionEventKind> {
    std::iter::from_fn(|| events.try_recv()).map(|event| event.kind).collect()
}

/// It failed, with an error of one of these kinds that a terminal can show.
#[track_caller]
pub(crate) fn fails<T>(
    what: &str,
    kinds: &[ErrorKind],
    result: Result<T, Error>,
) -> Result<Error, Finding> {
    let expected = || format!("{what} fails with one of {kinds:?}");
    match result {
        Ok(_) => Err(Finding::new(expected(), "success")),
        Err(error) if !kinds.contains(&error.kind()) => {
            Err(Finding::new(expected(), error.to_string()))
        }
        Err(error) => plain(&error).map(|()| error),
    }
}

/// The error says nothing that could steer a terminal, and is one line.
#[track_caller]
pub(crate) fn plain(error: &Error) -> Result<(), Finding> {
    let raw = |text: &String| text.chars().any(|c| c.is_control() && c != '\n');
    let so = !error.to_string().contains('\n') && !texts(error).iter().any(raw);
    expect::holds("an error of one line without control characters", so)
}

impl Bench {
    /// A session whose callers wait for one exchange and no longer: after a failure they are told so,
    /// and do not wait for the next try.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn hasty(&self, process: &Process) -> Result<Session, Finding> {
        self.hasty_with(process, |builder| builder).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn hasty_with(
        &self,
        process: &Process,
        set: impl FnOnce(SessionBuilder) -> SessionBuilder,
    ) -> Result<Session, Finding> {
        // In real time a proof of the password alone takes longer than that.
        let deadline = Duration::from_millis(if self.is_virtual() { 10 } else { 2_000 });
        process.open_with(|builder| set(builder.deadline(deadline))).await
    }

    /// A source of a case's own, as the engine has it.
    pub(crate) fn source(&self, source: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        self.0.engine.source(source)
    }

    /// An adapter of a case's own, as the engine has it.
    pub(crate) fn as_engine_has(&self, adapter: Arc<dyn AuthProvider>) -> Arc<dyn AuthProvider> {
        self.0.engine.provider(adapter)
    }

    /// A transport of a case's own, as the engine has it.
    pub(crate) fn as_engine_sends(
        &self,
        transport: Arc<dyn HttpTransport>,
    ) -> Arc<dyn HttpTransport> {
        self.0.engine.transport(transport)
    }

    /// Sets the secret that the account's source yields from now on: the password, or the secret of a
    /// client.
    pub fn know_secret(&self, secret: SecretString) {
        let is_password = self.account().credentials.expect_password().is_ok();
        self.0.purse.edit(|credentials| match is_password {
            true => credentials.with_password(secret),
            false => credentials.with_client_secret(secret),
        });
    }

    /// How many requests for `op` the server has refused.
    ///
    /// # Errors
    /// See [`Bench::controls`].
    #[track_caller]
    pub fn n_refused(&self, op: Op) -> Result<usize, Finding> {
        Ok(self.seen(op)?.iter().filter(|seen| !seen.done).count())
    }
}
