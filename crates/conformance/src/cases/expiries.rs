//! Ends of tokens that make no sense, and answers that name none.
//!
//! An end that is missing, zero or negative is an unknown one, and the token is as good as any: it lives to the end
//! that it names itself, or as long as the adapter declares. What is no whole number may be refused instead.

use std::time::Duration;

use countersign_core::{ErrorKind, Timestamp, jwt};
use countersign_runtime::{Authorized, Session};

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::{Absurd, Fault, Times};
use crate::operation::Op;
use crate::reading::plain;
use crate::target::Control;

const GROUP: &str = "hostile answers";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

const fn case(
    id: &'static str,
    title: &'static str,
    rows: &'static [Row],
    run: fn(Bench) -> crate::case::Running,
) -> Case {
    Case::new(GROUP, id, title, run).proves(rows).controls(&[
        Control::Words,
        Control::Resource,
        Control::VirtualTime,
    ])
}

pub(crate) const CASES: &[Case] = &[
    case(
        "f49-expiry-negative",
        "A negative expiry is an unknown one: the token lives as declared, and is not renewed in a loop",
        &[Row::F(49)],
        |bench| Box::pin(a_day(bench, Fault::AbsurdExpiry(Absurd::Negative))),
    ),
    case(
        "f49-expiry-zero",
        "An expiry of zero is an unknown one: the token lives as declared, and is not renewed in a loop",
        &[Row::F(49), Row::F(43)],
        |bench| Box::pin(a_day(bench, Fault::AbsurdExpiry(Absurd::Zero))),
    ),
    case(
        "f49-expiry-float",
        "An expiry with a fraction is taken or refused, and makes no endless token",
        &[Row::F(49)],
        |bench| Box::pin(a_day(bench, Fault::AbsurdExpiry(Absurd::Float))),
    ),
    case(
        "f49-expiry-string",
        "An expiry that is a word is unknown or a typed error, and makes no endless token",
        &[Row::F(49)],
        |bench| Box::pin(a_day(bench, Fault::AbsurdExpiry(Absurd::String))),
    ),
    case(
        "f49-expiry-huge",
        "An expiry beyond all measure overflows nothing and makes no endless token",
        &[Row::F(49)],
        |bench| Box::pin(a_day(bench, Fault::AbsurdExpiry(Absurd::Huge))),
    ),
    case(
        "f43-no-expiry",
        "An answer without an expiry gives a token the declared life, never an endless one",
        &[Row::F(43), Row::Rfc("6749 §5.1")],
        |bench| Box::pin(a_day(bench, Fault::MissingExpiry)),
    ),
];

/// Every answer of a day has the fault; calls come every five minutes.
async fn a_day(bench: Bench, fault: Fault) -> Result<(), Finding> {
    let last = bench.last_step().await?;
    // What was said to last for ages is cut to ten years and a few days.
    let huge = matches!(fault, Fault::AbsurdExpiry(Absurd::Huge));
    let longest = if huge { 3700 * DAY } else { 2 * DAY };
    let unknown = is_unknown(&fault);
    bench.meets(last, fault.clone(), Times::Always)?;
    if bench.renewal() != last {
        bench.meets(bench.renewal(), fault, Times::Always)?;
    }
    let session = bench.open().await?;
    let before = bench.sent(Op::Auth);
    let (mut refused, mut missed) = (0, 0);
    for _ in 0..288 {
        match session.authorization().await {
            Err(error) if unknown => {
                let expected = "a token, since an unknown end is no error";
                return Err(Finding::new(expected, error.to_string()));
            }
            Err(error) => {
                plain(&error)?;
                expect::same("a defect inside", error.kind() == ErrorKind::Internal, false)?;
                refused += 1;
            }
            Ok(given) => {
                match unknown {
                    true => declared(&bench, &given)?,
                    false => bounded(&session, longest)?,
                }
                let good = bench.call(&session).await.is_ok_and(|reply| reply.is_good());
                missed += u32::from(!good);
            }
        }
        bench.pass(5 * MINUTE).await;
    }
    // A server that ends tokens long before their time is found out by a call now and then.
    let all_day = refused + missed <= 48 || refused == 288;
    expect::holds_or(
        "tokens all day, or none",
        all_day,
        format!("{refused} and {missed} without"),
    )?;
    altered(&bench)?;
    let sent = bench.sent(Op::Auth) - before;
    // One life is five minutes or more, an exchange two requests or less.
    expect::holds_or("at most 900 requests in a day", sent <= 900, sent)
}

/// Whether an end like this says nothing, and is no reason to refuse the token that it comes with.
fn is_unknown(fault: &Fault) -> bool {
    let nothing = [Absurd::Negative, Absurd::Zero];
    match fault {
        Fault::AbsurdExpiry(absurd) => nothing.contains(absurd),
        fault => matches!(fault, Fault::MissingExpiry),
    }
}

/// It ends when it says so itself, or after the life that the adapter declares.
fn declared(bench: &Bench, given: &Authorized) -> Result<(), Finding> {
    let fallback = given.issued_at().after(bench.claims().fallback_lifetimes.access);
    let claims = jwt::Claims::read(given.access_token().secret()).ok();
    let own = claims.and_then(|claims| claims.expires_at());
    let end = given.expires_at();
    // A token counts whole seconds.
    let near = |right: Timestamp| right.since(end).max(end.since(right)) <= 2 * SECOND;
    expect::holds_or(
        "the end that the token names, or the declared life",
        near(fallback) || own.is_some_and(near),
        format!("a life of {:?}", end.since(given.issued_at())),
    )
}

fn bounded(session: &Session, longest: Duration) -> Result<(), Finding> {
    let status = session.status();
    let issued = expect::there("when it was issued", status.issued_at)?;
    let life = expect::there("an end", status.expires_at)?.since(issued);
    let sane = life >= 2 * MINUTE && life <= longest;
    expect::holds_or(&format!("a life of two minutes to {longest:?}"), sane, format!("{life:?}"))
}

/// A fault that found no expiry in any answer has shown nothing. What a server without records did is not known.
fn altered(bench: &Bench) -> Result<(), Finding> {
    if !bench.controls()?.can().contains(&Control::Records) {
        return Ok(());
    }
    let altered = bench.seen(Op::Auth)?.iter().filter(|seen| seen.altered).count();
    expect::holds("an answer whose expiry was altered", altered > 0)
}
