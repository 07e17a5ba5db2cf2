//! What an earlier step has won is not lost where the next one cannot be sent.

use crate::common::{PASSWORD, Plain, World, seconds, settle};
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::session::Status;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Continuation, Credentials, Error,
    ErrorKind, MemoPatch, Operation, Outcome, ProviderId, Realm, SecretBytes, TokenSet, Verdict,
};
use countersign_runtime::{ManualClock, Session};
use http::{HeaderMap, StatusCode};

/// Its sign-in buys tokens, and goes on with a step that only confirms something.
#[derive(Debug)]
struct Confirming {
    plain: Plain,
    /// The process is stopped while that step is built; else there is no building it.
    stopped: Option<ManualClock>,
    /// Whether the tokens hold without it.
    holds: bool,
}

impl AuthProvider for Confirming {
    fn id(&self) -> ProviderId {
        self.plain.id()
    }

    fn realm(&self) -> &Realm {
        self.plain.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        self.plain.capabilities()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        match (operation, &self.stopped) {
            (Operation::Continue { .. }, None) => Err(Error::new(ErrorKind::TimedOut)),
            (Operation::Continue { of, .. }, Some(clock)) => {
                clock.advance(seconds(600));
                self.plain.request(of, ambient)
            }
            _ => self.plain.request(operation, ambient),
        }
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::SignIn => {
                let bought = SecretBytes::copy_from(response.body().expose_bytes());
                Ok(Outcome::Continue(Continuation::new(bought), MemoPatch::none()))
            }
            _ => self.plain.interpret(operation, response, ambient),
        }
    }

    fn without_answer(&self, operation: &Operation, ambient: &Ambient<'_>) -> Option<Outcome> {
        let Operation::Continue { continuation, .. } = operation else { return None };
        let bought = SecretBytes::copy_from(continuation.bytes().expose_bytes());
        let answer = HttpResponse::new(StatusCode::OK, HeaderMap::new(), bought);
        self.plain.interpret(&Operation::SignIn, &answer, ambient).ok().filter(|_| self.holds)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.plain.authorize(tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.plain.rejects(head, body)
    }
}

async fn session(world: &World, stopped: Option<ManualClock>, holds: bool) -> Session {
    let provider = Confirming { plain: world.provider.clone(), stopped, holds };
    let credentials = Credentials::password("kim", PASSWORD.to_owned());
    world.keeper().session(provider, "kim").credentials(credentials).open().await.unwrap()
}

/// One sign-in, to its end.
async fn begin(session: &Session) {
    drop(session.authorization_within(seconds(0)).await);
    settle().await;
}

#[tokio::test]
async fn f09_tokens_are_kept_though_the_step_after_them_cannot_be_built() {
    let world = World::new();
    let session = session(&world, None, true).await;
    begin(&session).await;
    assert_eq!(session.state(), Status::Active);
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f09_tokens_are_kept_though_the_step_after_them_has_no_time_left() {
    let world = World::new();
    let session = session(&world, Some(world.clock.clone()), true).await;
    begin(&session).await;
    assert_eq!(session.state(), Status::Active);
    assert_eq!(world.server.total(), 1, "the step was not sent");
}

#[tokio::test]
async fn f09_where_the_next_step_decides_nothing_is_won() {
    let world = World::new();
    let session = session(&world, None, false).await;
    begin(&session).await;
    assert_ne!(session.state(), Status::Active);
}
