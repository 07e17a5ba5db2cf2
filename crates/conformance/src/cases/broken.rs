//! Answers that are no answers, whatever their status says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::session::Status;
use countersign_core::{Ambient, AuthProvider, Error, ErrorKind, Operation, Outcome};

use crate::around::{Adapter, Around};
use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::made::shortened;
use crate::operation::Op;
use crate::reading::plain;

const GROUP: &str = "hostile answers";

/// Bodies that are no UTF-8: of the wrong bytes alone, and cut within a letter.
pub(crate) const NO_TEXT: [&[u8]; 3] = [
    b"\xff\xfe\x00{",
    b"{\"error\":\"caf\xc3",
    b"{\"access\":\"\xe2\x82\",\"error\":\"\xf0\x9f\"}",
];

macro_rules! letters {
    () => {
        "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€"
    };
}

/// Words of letters of three bytes, from each of the three beginnings: at whichever byte one cuts them, one of them is
/// cut within a letter.
pub(crate) const LONG_LETTERS: &str = concat!(
    r#"{"error":""#,
    letters!(),
    letters!(),
    r#"","message":"a"#,
    letters!(),
    letters!(),
    r#"","error_description":"ab"#,
    letters!(),
    letters!(),
    r#""}"#
);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f43-success-with-a-failure-inside",
        "A success status with an error, a page, bytes that are no text or nothing inside is no sign-in",
        |bench| Box::pin(failure_inside(bench)),
    )
    .proves(&[Row::F(43)]),
    Case::new(
        GROUP,
        "f43-cut-at-every-byte",
        "The answer that brings the tokens brings none when it is cut, at whatever byte",
        |bench| Box::pin(cut(bench)),
    )
    .proves(&[Row::F(43), Row::F(49)]),
];

async fn failure_inside(bench: Bench) -> Result<(), Finding> {
    let json = "application/json";
    let answers = [
        (json, r#"{"error":"invalid_grant"}"#),
        (json, r#"{"success":false,"error":"nope"}"#),
        (json, r#"{"status":"0","details":{}}"#),
        (json, "{}"),
        (json, "[]"),
        (json, "null"),
        (json, "\"token\""),
        (json, ""),
        (json, "{\"access"),
        ("text/html", "<html><body>signed in</body></html>"),
        ("text/plain", "ok"),
    ];
    let answers = answers.map(|(content_type, body)| (content_type, body.as_bytes()));
    for (content_type, body) in answers.into_iter().chain(NO_TEXT.map(|body| (json, body))) {
        let session = bench.hasty(&bench.apart()?).await?;
        bench.next(Op::SignIn, Fault::Bytes { status: 200, content_type, body })?;
        let Err(error) = session.sign_in().await else {
            let body = body.escape_ascii();
            return Err(Finding::new(format!("no sign-in by {body}"), "success"));
        };
        plain(&error)?;
        expect::same("a defect inside", error.kind() == ErrorKind::Internal, false)?;
        expect::same("a token", session.current().is_some(), false)?;
        session.sign_out(Duration::ZERO).await;
        bench.next_code().await;
    }
    let session = bench.apart()?.sign_in().await?;
    expect::state(&session, Status::Active)
}

/// An adapter that reads every answer with tokens also cut at every byte.
struct Cutting {
    real: Arc<dyn AuthProvider>,
    read: Mutex<Read>,
}

/// What came of it.
#[derive(Clone, Copy, Default)]
struct Read {
    n_cuts: usize,
    /// The first cut that was taken for an answer.
    taken: Option<usize>,
    /// The first cut whose error could steer a terminal.
    raw: Option<usize>,
}

impl Around for Cutting {
    fn real(&self) -> &dyn AuthProvider {
        &*self.real
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let whole = self.real.interpret(operation, response, ambient)?;
        if matches!(whole, Outcome::Tokens(..)) {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            for kept in 0..response.body().len() {
                read.n_cuts += 1;
                match self.real.interpret(operation, &shortened(response, kept), ambient) {
                    Ok(_) => drop(read.taken.get_or_insert(kept)),
                    Err(error) if plain(&error).is_err() => drop(read.raw.get_or_insert(kept)),
                    Err(_) => {}
                }
            }
        }
        Ok(whole)
    }
}

async fn cut(bench: Bench) -> Result<(), Finding> {
    let real = Arc::clone(bench.adapter());
    let cutting = Arc::new(Adapter(Cutting { real, read: Mutex::default() }));
    let keeper = bench.first()?.keeper().clone();
    let account = bench.account();
    let described = keeper.session_of(cutting.clone(), &account.identity);
    let session = described.credentials(account.credentials.clone()).open().await?;
    session.authorization().await?;
    let read = *cutting.0.read.lock().unwrap_or_else(PoisonError::into_inner);
    expect::holds_or("an answer of 20 bytes or more", read.n_cuts >= 20, read.n_cuts)?;
    expect::same("a cut that was taken for an answer", read.taken, None)?;
    expect::same("a cut whose error could steer a terminal", read.raw, None)
}
