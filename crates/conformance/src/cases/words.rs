//! Words of others: what a provider writes reaches no terminal raw and repeats no secret.

use std::time::Duration;

use countersign_core::{Certainty, Error};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::leaks::Search;
use crate::operation::Op;
use crate::reading::{plain, texts};

const MINUTE: Duration = Duration::from_secs(60);

/// The members in which APIs put words, each with what a terminal or a page would obey.
const WORDS: &str = r#"{"status":"0","success":false,
"error":"\u001b[2J\u001b]0;canary\u0007<script>alert(1)</script>",
"error_description":"line\r\nline \u009b31m \u202etxt","message":"\u001b[31mred<img src=x>\u0000",
"detail":"\u001b[2Jgone","reason":"<b>\u0007","code":"\u001b[1m<i>","messageCode":"\u001b[5m<u>",
"request_id":"\u001b[7m<a>","__type":"\u001b[2J#<b>Exception","errors":{"\u001b[1m":["<b>\u0007"]},
"details":{"code":"\u001b[8m","message":"<iframe>"},"fields":[{"name":"\u001b[3m","code":"\r\n"}]}"#;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "hostile answers",
        "f49-words-cannot-steer-a-terminal",
        "Terminal escapes, line ends and markup in a provider's words reach nobody raw, whatever the status",
        |bench| Box::pin(words(bench)),
    )
    .proves(&[Row::F(49)]),
    Case::new(
        "secrets",
        "f32-debug-shows-nothing",
        "What can be printed of a signed-in session, of what it gives out and of its parts holds no secret",
        |bench| Box::pin(debug(bench)),
    )
    .proves(&[Row::F(32)]),
    Case::new(
        "secrets",
        "f32-answers-that-repeat-secrets",
        "An answer that repeats the password that was sent, or the token, leaves it in no error, status or event",
        |bench| Box::pin(repeats(bench)),
    )
    .proves(&[Row::F(32)])
    .harm(Harm::Locks),
    Case::new(
        "secrets",
        "f32-refused-refresh-shows-no-token",
        "A refresh whose answer repeats the refresh token leaves it in no error, status or event",
        |bench| Box::pin(refresh_repeats(bench)),
    )
    .proves(&[Row::F(32)])
    .claims(&[Claim::Refresh]),
];

async fn words(bench: Bench) -> Result<(), Finding> {
    for status in [200, 400, 401, 403, 404, 418, 422, 429, 500, 503] {
        for content_type in ["application/json", "text/html", "text/plain"] {
            let session = bench.hasty(&bench.apart()?).await?;
            let mut events = session.events();
            bench.next(Op::SignIn, Fault::Instead { status, content_type, body: WORDS })?;
            let Err(error) = session.sign_in().await else {
                return Err(Finding::new("a sign-in that fails", format!("success with {status}")));
            };
            plain(&error)?;
            let markup = error.to_string().contains('<');
            expect::same("markup in the message", markup, false)?;
            while let Some(event) = events.try_recv() {
                let shown = format!("{event:?}");
                let raw = shown.chars().any(char::is_control) || shown.contains('<');
                expect::same("something raw in an event", raw, false)?;
            }
            session.sign_out(Duration::ZERO).await;
            bench.next_code().await;
        }
    }
    Ok(())
}

async fn debug(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let mut events = session.events();
    let given = session.authorization().await?;
    session.reject(given.generation());
    bench.pass(15 * MINUTE).await;
    let renewed = session.authorization().await?;
    let mut shown = vec![
        ("a session", format!("{session:?} {session:#?}")),
        ("a status", format!("{:?} {:#?}", session.status(), session.status())),
        ("an account", format!("{:?} {}", session.account(), session.digest())),
        ("an authorization", format!("{given:?} {renewed:#?}")),
        ("its headers", format!("{:?}", renewed.headers())),
        ("a token", format!("{:?}", renewed.access_token())),
        ("a keeper", format!("{:?}", bench.first()?.keeper())),
        ("an adapter", format!("{:?} {:#?}", bench.adapter(), bench.adapter())),
        ("its claims", format!("{:?}", bench.claims())),
        ("credentials", format!("{:#?}", bench.account().credentials)),
        ("a store", format!("{:?}", bench.store().seal_keys().await?)),
    ];
    while let Some(event) = events.try_recv() {
        shown.push(("an event", format!("{event:?}")));
    }
    none_shown(&bench, &shown)
}

async fn repeats(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let mut events = session.events();
    let mut shown = Vec::new();
    for status in [400, 401, 403, 422, 500] {
        bench.next(Op::SignIn, Fault::Echo(status))?;
        if let Err(error) = session.sign_in().await {
            note(&mut shown, &error);
        }
        shown.push(("a status", format!("{:?}", session.status())));
        bench.all_well();
        bench.pass(20 * MINUTE).await;
    }
    while let Some(event) = events.try_recv() {
        shown.push(("an event", format!("{event:?}")));
    }
    expect::same("whether errors came", shown.len() > 10, true)?;
    none_shown(&bench, &shown)
}

async fn refresh_repeats(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let mut events = session.events();
    let mut shown = Vec::new();
    for status in [500, 422, 400] {
        bench.meets(Op::Refresh, Fault::Echo(status), Times::Next(1))?;
        if let Err(error) = session.refresh().await {
            note(&mut shown, &error);
        }
        shown.push(("a status", format!("{:?}", session.status())));
        bench.pass(20 * MINUTE).await;
    }
    while let Some(event) = events.try_recv() {
        shown.push(("an event", format!("{event:?}")));
    }
    none_shown(&bench, &shown)
}

fn note(shown: &mut Vec<(&'static str, String)>, error: &Error) {
    let doubt =
        if error.certainty() == Certainty::Possible { "a doubtful error" } else { "an error" };
    shown.extend(texts(error).into_iter().map(|text| (doubt, text)));
}

/// None of `shown` holds a secret, however it is spelt.
fn none_shown(bench: &Bench, shown: &[(&str, String)]) -> Result<(), Finding> {
    let secrets = bench.secrets();
    expect::holds("secrets to look for", !secrets.is_empty())?;
    let search = Search::of(&secrets);
    for (what, text) in shown {
        expect::same(&format!("a secret in what {what} shows"), search.finds(text), false)?;
    }
    Ok(())
}
