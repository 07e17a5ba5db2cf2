//! Tokens and documents that no honest server sends.

use std::time::Duration;

use countersign_core::ErrorKind;
use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::reading::fails;
use crate::target::Control;

const GROUP: &str = "hostile answers";
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f49-empty-token",
        "An access token that is the empty string is a protocol error and no token",
        |bench| Box::pin(at_sign_in(bench, Fault::EmptyToken)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-token-of-64-kib",
        "An access token that no header can carry is a protocol error and no token",
        |bench| Box::pin(at_sign_in(bench, Fault::HugeToken)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-token-with-a-line-end",
        "An access token with a line end and a header in it is a protocol error and reaches no request",
        |bench| Box::pin(at_sign_in(bench, Fault::TokenWithNewline)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-duplicate-members",
        "An answer that names its tokens twice is not believed either time",
        |bench| Box::pin(at_sign_in(bench, Fault::DuplicateJson)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-deep-json",
        "A document of a hundred thousand nested arrays is a protocol error",
        |bench| Box::pin(at_sign_in(bench, Fault::DeepJson)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-gzip-bomb",
        "An answer that the transport gave up, as it unpacks to too much, is no answer",
        |bench| Box::pin(at_sign_in(bench, Fault::GzipBomb(64 << 20))),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-endless-body",
        "An answer that the transport gave up, as it does not end, is no answer",
        |bench| Box::pin(at_sign_in(bench, Fault::Flood)),
    )
    .proves(&[Row::F(49)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f49-spoiled-renewals",
        "Renewals that bring tokens and documents of that kind displace no good token, and the session comes back",
        |bench| Box::pin(at_renewals(bench)),
    )
    .proves(&[Row::F(49), Row::F(11)])
    .controls(&[Control::Words, Control::Resource, Control::VirtualTime]),
];

/// The answer that brings the tokens is spoiled; the next one is whole.
async fn at_sign_in(bench: Bench, fault: Fault) -> Result<(), Finding> {
    let last = bench.last_step().await?;
    let session = bench.hasty(&bench.first()?).await?;
    bench.next(last, fault)?;
    let kinds = [ErrorKind::Protocol, ErrorKind::Transport];
    fails("the sign-in", &kinds, session.sign_in().await)?;
    expect::same("a token afterwards", session.current().is_some(), false)?;
    bench.until("a token by the next try", 10 * MINUTE, || session.current().is_some()).await?;
    expect::state(&session, Status::Active)
}

async fn at_renewals(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let faults = [
        Fault::EmptyToken,
        Fault::HugeToken,
        Fault::TokenWithNewline,
        Fault::DuplicateJson,
        Fault::DeepJson,
        Fault::GzipBomb(64 << 20),
        Fault::Flood,
    ];
    for fault in faults {
        let name = fault.name();
        bench.next(bench.renewal(), fault)?;
        let before = session.authorization().await?;
        // What it answers is not the point: the next try may have come through already.
        let _ = session.refresh().await;
        let after = expect::there(&format!("a token after {name}"), session.current())?;
        // Its headers may hold a code, which is over sooner than the token.
        let held = if before.valid_until() > bench.now() { before } else { after };
        expect::same("the token meanwhile", bench.present(&held).await? / 100, 2)?;
        bench.pass(20 * MINUTE).await;
        expect::holds_or(
            &format!("a call after {name}"),
            bench.call(&session).await?.is_good(),
            "a refusal",
        )?;
        // The next renewal may be under way just now.
        let active = || session.state() == Status::Active;
        bench.until("a session that is active", MINUTE, active).await?;
    }
    Ok(())
}
