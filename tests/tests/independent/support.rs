//! What every case needs: the environment, a client, a keeper, and the line that it prints.

use std::time::Duration;

use countersign_core::{AuthProvider, Credentials, Error};
use countersign_reqwest::Client;
use countersign_runtime::{Keeper, Session, SignIn};

/// What a server said of itself.
pub(crate) fn var(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run this with `cargo xtask independent`"))
}

/// The line of a case that has held.
pub(crate) fn ok(server: &str, case: &str, how: &str) {
    println!("independent: {server} {case}: ok ({how})");
}

/// The line of a case that this server cannot show.
pub(crate) fn left_out(server: &str, case: &str, why: &str) {
    println!("independent: {server} {case}: left out ({why})");
}

/// A client whose plain http to loopback no environment disturbs.
pub(crate) fn client() -> Client {
    Client::new(reqwest::Client::builder().no_proxy()).unwrap()
}

pub(crate) fn keeper() -> Keeper {
    Keeper::builder().transport(client()).build().unwrap()
}

/// A session of `adapter` in a keeper of its own.
pub(crate) async fn session(
    adapter: impl AuthProvider + 'static,
    identity: &str,
    credentials: Credentials,
) -> Session {
    keeper().session(adapter, identity).credentials(credentials).open().await.unwrap()
}

/// Signs in, and expects tokens at once.
pub(crate) async fn signed_in(session: &Session) {
    match session.sign_in().await {
        Ok(SignIn::Complete) => {}
        other => panic!("a sign-in came to {}", told(&other)),
    }
}

/// Signs in, and expects a refusal.
pub(crate) async fn refused(session: &Session) -> Error {
    match session.sign_in().await {
        Err(error) => error,
        other => panic!("a sign-in came to {}", told(&other)),
    }
}

/// An end with what the provider said about it, which `Debug` leaves out.
pub(crate) fn told<T: std::fmt::Debug>(end: &Result<T, Error>) -> String {
    let detail = end.as_ref().err().and_then(Error::detail);
    format!("{end:?}, detail {detail:?}")
}

/// Kind, status and code of a refusal.
pub(crate) fn class(error: &Error) -> String {
    let status = error.status().map(|status| status.to_string());
    format!(
        "{:?}, {} {}",
        error.kind(),
        status.as_deref().unwrap_or("no status"),
        error.code().unwrap_or("without a code")
    )
}

#[expect(clippy::disallowed_methods, reason = "a server of others keeps its own time")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
