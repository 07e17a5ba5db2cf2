//! Answers that a wire, a gateway or a stranger on the way has spoiled: in front of a live service too, where
//! a real client meets them as bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::session::Status;
use countersign_core::transport::{Delivery, TransportError};
use countersign_core::{Capabilities, HttpTransport, RefreshSupport};
use http::Method;

use crate::bench::Bench;
use crate::case::{Applies, Case, Row, Running};
use crate::cases::live::spoiled;
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::target::Control;
use crate::way::Way;

const GROUP: &str = "live";

/// The version, and half of the status.
const IN_THE_STATUS_LINE: usize = 11;
/// No status line is that long, and no head that short.
const IN_THE_HEADERS: usize = 40;
/// Within the name of the first member.
const IN_THE_BODY: usize = 3;
const TOO_MUCH: u64 = 16 << 20;

/// How often it is tried again because the token ended while its answer was cut: a server of others may give short ones.
const TRIES: usize = 3;

/// For every adapter: where there is no refresh, a sign-in renews.
const fn renewal(id: &'static str, title: &'static str, run: fn(Bench) -> Running) -> Case {
    Case::new(GROUP, id, title, run).live_with_faults(3)
}

const fn refresh(id: &'static str, title: &'static str, run: fn(Bench) -> Running) -> Case {
    Case::new(GROUP, id, title, run).claims(&[Claim::Refresh]).live_with_faults(2)
}

pub(crate) const CASES: &[Case] = &[
    refresh(
        "f43-renewal-cut-in-its-status-line",
        "A renewal whose answer breaks off in its status line leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::CutAtByte(IN_THE_STATUS_LINE))),
    )
    .proves(&[Row::F(43), Row::F(6), Row::F(11)]),
    refresh(
        "f43-renewal-cut-in-its-headers",
        "A renewal whose answer breaks off in its headers leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::CutAtByte(IN_THE_HEADERS))),
    )
    .proves(&[Row::F(43), Row::F(6), Row::F(11)]),
    refresh(
        "f43-renewal-cut-in-its-body",
        "A renewal whose answer breaks off in its body leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::CutAt(IN_THE_BODY))),
    )
    .proves(&[Row::F(43), Row::F(6), Row::F(11)]),
    renewal(
        "f43-answer-cut-at-each-of-its-bytes",
        "An answer with tokens that breaks off is no answer to the client, at whichever of its bytes, and the session goes on",
        |bench| Box::pin(at_each_byte(bench)),
    )
    .proves(&[Row::F(43), Row::F(49)])
    .controls(&[Control::Socket]),
    refresh(
        "f43-renewal-with-an-error-inside",
        "A renewal that is answered 200 with an error inside leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, ERROR_INSIDE)),
    )
    .proves(&[Row::F(43), Row::F(42)]),
    refresh(
        "f49-renewal-without-end",
        "A renewal whose answer does not end is given up, and leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::Flood)),
    )
    .proves(&[Row::F(49), Row::F(11)]),
    refresh(
        "f49-renewal-that-unpacks-to-too-much",
        "A renewal whose small answer unpacks to 16 MiB is given up, and leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::GzipBomb(TOO_MUCH))),
    )
    .proves(&[Row::F(49), Row::F(11)]),
    renewal(
        "f43-renewal-byte-by-byte",
        "A renewal whose answer drips in byte by byte is as good as any other",
        |bench| Box::pin(as_good(bench, Fault::Dripping)),
    )
    .proves(&[Row::F(43)]),
    renewal(
        "f06-renewal-that-is-answered-twice",
        "A renewal whose answer is followed by the same answer once more is one renewal",
        |bench| Box::pin(as_good(bench, Fault::AnsweredTwice)),
    )
    .proves(&[Row::F(6)]),
    refresh(
        "f06-renewal-that-arrives-twice",
        "A renewal that a gateway delivers twice is one renewal, where the refresh token is not spent by the first",
        |bench| Box::pin(as_good(bench, Fault::Twice)),
    )
    .proves(&[Row::F(6)])
    .applies(stays),
];

const ERROR_INSIDE: Fault = Fault::Instead {
    status: 200,
    content_type: "application/json",
    body: r#"{"error":"temporarily_unavailable","error_description":"try again later"}"#,
};

/// A token that is spent on use must not be presented twice on purpose: its provider may end the family.
fn stays(claims: &Capabilities) -> Applies {
    match claims.refresh {
        RefreshSupport::Reusable => Applies::Yes,
        _ => Applies::No("its refresh tokens may be spent on use"),
    }
}

async fn as_good(bench: Bench, fault: Fault) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let before = session.authorization().await?.generation();
    bench.next_code().await;
    let renewal = bench.renewal();
    let so_far = bench.sent(renewal);
    bench.next(renewal, fault)?;
    let next = session.refresh().await?;
    expect::same("the token of before", next.generation() == before, false)?;
    if bench.server().resource().is_some() {
        expect::same("a call with it", bench.present(&next).await? / 100, 2)?;
    }
    expect::same("renewals", bench.sent(renewal) - so_far, 1)?;
    let signed_in = if renewal == Op::SignIn { 2 } else { 1 };
    expect::same("sign-ins", bench.sent(Op::SignIn), signed_in)
}

/// The last answer to a renewal again and again, each time with one byte more.
struct Growing {
    way: Arc<dyn Way>,
    renewal: Op,
    kept: AtomicUsize,
}

#[async_trait]
impl HttpTransport for Growing {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let kept = self.kept.fetch_add(1, Ordering::SeqCst);
        self.way.replay(self.renewal, Some(kept)).await
    }
}

async fn at_each_byte(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next_code().await;
    session.refresh().await?;
    let renewal = bench.renewal();
    let mut tries = 0..TRIES;
    let (held, before) = loop {
        let before = bench.granted(renewal);
        let held = session.authorization().await?.generation();
        let cut = cut_at_each_byte(&bench).await;
        // A token that ended meanwhile was renewed, and what is cut was another answer from then on.
        if bench.granted(renewal) == before || tries.next().is_none() {
            bench.mark(format!("cut at each of {} bytes", cut?));
            break (held, before);
        }
    };
    // None of that was about the session.
    expect::state(&session, Status::Active)?;
    expect::same("its token", session.authorization().await?.generation(), held)?;
    bench.next_code().await;
    let next = session.refresh().await?;
    if bench.server().resource().is_some() {
        expect::same("a call with the next", bench.present(&next).await? / 100, 2)?;
    }
    expect::same("renewals in all of that", bench.granted(renewal) - before, 1)
}

/// Has the last answer to a renewal come as far as each of its bytes; how many there are.
async fn cut_at_each_byte(bench: &Bench) -> Result<usize, Finding> {
    let (way, renewal) = (bench.way()?, bench.renewal());
    let whole = way.replay(renewal, None).await;
    let whole = whole.map_err(|error| Finding::new("the whole answer", error.to_string()))?;
    let length = whole.body().len();
    expect::holds("an answer with a body", length > 0)?;
    // The client as the engine has it.
    let growing = Arc::new(Growing { way, renewal, kept: AtomicUsize::new(0) });
    let client = bench.as_engine_sends(growing);
    let address = format!("{}/", bench.adapter().realm().auth_origin);
    let mut n_cut = 0;
    let last = loop {
        let sent = client.send(HttpRequest::new(Method::GET, &address)?).await;
        match sent {
            Ok(answer) => break answer,
            Err(error) => {
                let unsure = error.delivery() == Delivery::Unknown;
                expect::holds_or("an error that leaves open what arrived", unsure, n_cut)?;
            }
        }
        n_cut += 1;
    };
    let heard = last.body().expose_bytes() == whole.body().expose_bytes();
    expect::holds_or("no answer but the whole one", heard, format!("one of {n_cut} bytes"))?;
    // Its head has some bytes too.
    expect::holds_or("an error for each byte of it", n_cut > length + IN_THE_HEADERS, n_cut)?;
    Ok(n_cut)
}
