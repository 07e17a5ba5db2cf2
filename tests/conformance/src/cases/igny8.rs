//! What IGNY8 alone has.

use std::time::Duration;

use countersign_conformance::{
    Bench, Case, Claim, Control, Fault, Finding, Harm, Op, RefreshTokens, RetryAfter, Row, Times,
    expect,
};
use countersign_core::session::Status;
use countersign_core::{Answers, Credentials, ErrorKind, Operation};
use countersign_simulator::{ExpiryForm, Igny8 as Settings, RefreshAnswer, TokenNames};
use http::StatusCode;

use crate::targets::igny8;

const GROUP: &str = "igny8";
const ONLY: &[&str] = &["igny8"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);
const NEEDS: &[Control] = &[Control::Resource, Control::VirtualTime];

pub(crate) const CASES: &[Case] = &[
    shape("p12-as-in-the-guide", |setup| igny8::with(setup, |server| server, Ok)),
    shape("p12-long-names", |setup| {
        igny8::with(setup, |server| server.token_names(TokenNames::Long), Ok)
    }),
    shape("p12-nested", |setup| igny8::with(setup, |server| server.nested(), Ok)),
    shape("p12-refresh-without-a-refresh-token", |setup| {
        igny8::with(setup, |server| server.refresh_answer(RefreshAnswer::AccessOnly), Ok)
    }),
    shape("p12-expiry-fields", |setup| {
        igny8::with(setup, |server| server.expiry_fields(ExpiryForm::Iso), Ok)
    }),
    shape("p12-another-refresh-path", |setup| {
        let path = "/auth/token/refresh/";
        let field = "refresh_token";
        let server = |server: Settings| server.refresh_path(path).refresh_field(field);
        igny8::with(setup, server, |a| Ok(a.refresh_path(path).refresh_field(field)))
    }),
    Case::new(
        GROUP,
        "p13-envelope-decides",
        "A refusal that comes with the status 200 is a refusal",
        |bench| Box::pin(envelope_decides(bench)),
    )
    .proves(&[Row::P(13)])
    .only(ONLY)
    .stage(|setup| igny8::with(setup, |server| server.errors_with_200(), Ok)),
    Case::new(
        GROUP,
        "p13-pages-of-django",
        "A page of an error is a passing failure, and a page of success is none of the provider's words",
        |bench| Box::pin(pages(bench)),
    )
    .proves(&[Row::P(13)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p13-slashes-and-no-cookies",
        "Every path keeps its slash, and no request brings the cookie of a sign-in back",
        |bench| Box::pin(slashes(bench)),
    )
    .proves(&[Row::P(13)])
    .only(ONLY)
    .controls(&[Control::Records, Control::Resource, Control::VirtualTime]),
    Case::new(
        GROUP,
        "p14-403-not-signed-in",
        "A 403 that says that nobody is signed in costs one refresh and one replay",
        |bench| Box::pin(not_signed_in(bench)),
    )
    .proves(&[Row::P(14)])
    .only(ONLY)
    .controls(&[Control::Resource, Control::Revoke])
    .stage(|setup| igny8::with(setup, |server| server.fall_through(StatusCode::FORBIDDEN), Ok)),
    Case::new(
        GROUP,
        "p14-403-not-permitted",
        "Any other 403 is the API's own answer: nothing is renewed and nothing is sent again",
        |bench| Box::pin(not_permitted(bench)),
    )
    .proves(&[Row::P(14)])
    .only(ONLY)
    .controls(&[Control::Resource]),
    Case::new(
        GROUP,
        "p15-reset-is-a-moment",
        "A throttled sign-in comes again when the named moment has come, for every session of the client",
        |bench| Box::pin(reset_is_a_moment(bench)),
    )
    .proves(&[Row::P(15)])
    .only(ONLY)
    .controls(&[Control::Words, Control::VirtualTime, Control::OtherAccount]),
    Case::new(
        GROUP,
        "p15-throttled-refresh-waits",
        "A refresh that the server's own throttle refuses costs no session: the token is served, and the next one comes at the named moment",
        |bench| Box::pin(throttled_refresh(bench)),
    )
    .proves(&[Row::P(15)])
    .only(ONLY)
    .controls(NEEDS)
    .stage(|setup| {
        let server = |server: Settings| server.general_throttle(1).users_bypass_throttle();
        igny8::with(setup, server, Ok)
    }),
    Case::new(
        GROUP,
        "registered-and-signed-in",
        "A registration with all its attributes makes an account that signs in, and one without them sends nothing",
        |bench| Box::pin(registered(bench)),
    )
    .proves(&[Row::P(12)])
    .claims(&[Claim::Register])
    .harm(Harm::Changes)
    .only(ONLY),
];

const fn shape(id: &'static str, stage: countersign_conformance::Stage) -> Case {
    let title =
        "Whichever of the documented shapes the server has, sign-in, calls and renewals work";
    Case::new(GROUP, id, title, |bench| Box::pin(works(bench)))
        .proves(&[Row::P(12)])
        .only(ONLY)
        .controls(NEEDS)
        .stage(stage)
}

async fn works(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..8 {
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(QUARTER).await;
    }
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let refreshes = bench.sent(Op::Refresh);
    expect::holds_or("a refresh for each life of a token", (7..=14).contains(&refreshes), refreshes)
}

async fn envelope_decides(bench: Bench) -> Result<(), Finding> {
    bench.know_password("wr0ng-canary-password".to_owned().into());
    let session = bench.open().await?;
    expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("a token", session.current().is_some(), false)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn pages(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, Fault::GATEWAY_PAGE)?;
    let session = bench.open().await?;
    session.authorization().await?;
    expect::same("sign-ins with one page of a gateway", bench.sent(Op::SignIn), 2)?;
    let held = session.authorization().await?.generation();
    let body = "<html><body>Welcome to Django</body></html>";
    let page = Fault::Instead { status: 200, content_type: "text/html", body };
    bench.meets(Op::SignIn, page, Times::Always)?;
    expect::holds("a page of success is no sign-in", session.sign_in().await.is_err())?;
    let error = expect::there("an error in the status", session.status().last_error)?;
    expect::same("its kind", error.kind(), ErrorKind::Protocol)?;
    expect::same("the token", session.current().map(|held| held.generation()), Some(held))
}

async fn slashes(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..3 {
        bench.call(&session).await?;
        bench.pass(QUARTER).await;
    }
    for seen in bench.seen(Op::Auth)? {
        expect::holds_or("a path with a slash at its end", seen.path.ends_with('/'), &seen.path)?;
    }
    let cookies = |seen: &&countersign_conformance::Seen| {
        seen.header_names.iter().any(|name| name == "cookie")
    };
    expect::same("requests with a cookie", bench.seen(Op::Any)?.iter().filter(cookies).count(), 0)
}

async fn not_signed_in(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Keep);
    let reply = bench.call(&session).await?;
    expect::same("sends of the call", (reply.is_good(), reply.sends), (true, 2))?;
    expect::same("refreshes", bench.sent(Op::Refresh), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn not_permitted(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let body = r#"{"success":false,"error":"Permission denied","request_id":"r"}"#;
    bench.next(
        Op::Resource,
        Fault::Instead { status: 403, content_type: "application/json", body },
    )?;
    let reply = bench.call(&session).await?;
    expect::same("status and sends", (reply.status, reply.sends), (403, 1))?;
    bench.settle().await;
    expect::same("refreshes", bench.sent(Op::Refresh), 0)?;
    expect::state(&session, Status::Active)
}

async fn reset_is_a_moment(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, Fault::TooManyRequests(RetryAfter::Own(120)))?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let first = session.authorization_within(SECOND).await;
    expect::holds("no authorization at once", first.is_err())?;
    let other = expect::there("another account", bench.server().other_account())?;
    let second = bench.first()?.open_as(&other.identity, other.credentials).await?;
    let end = second.authorization_within(60 * SECOND).await;
    expect::holds("no authorization for another session either", end.is_err())?;
    expect::same("sign-ins in the first minute", bench.sent(Op::SignIn), 1)?;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 3 * MINUTE, signed_in).await?;
    let waited = bench.elapsed();
    expect::holds_or("after two minutes", waited >= 119 * SECOND, format!("{waited:?}"))
}

async fn throttled_refresh(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    session.refresh().await?;
    let held = session.authorization().await?.generation();
    expect::fails("the second", ErrorKind::RateLimited, session.refresh().await)?;
    bench.pass(20 * SECOND).await;
    let asked = session.refresh().await;
    expect::holds("no refresh before its moment", asked.is_err())?;
    expect::same("refreshes in the first minute", bench.sent(Op::Refresh), 2)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
    expect::same("the token", session.current().map(|held| held.generation()), Some(held))?;
    bench.pass(MINUTE).await;
    let refreshes = (bench.sent(Op::Refresh), bench.granted(Op::Refresh));
    expect::same("refreshes, and those that were granted", refreshes, (3, 2))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn registered(bench: Bench) -> Result<(), Finding> {
    let identity = "canary-newcomer@studio.example";
    let credentials = Credentials::password(identity, bench.server().next_password());
    let session = bench.first()?.open_as(identity, credentials).await?;
    let none = Operation::Register { attributes: Answers::new() };
    expect::fails("without attributes", ErrorKind::InvalidRequest, session.perform(none).await)?;
    expect::same("requests without attributes", bench.sent(Op::Any), 0)?;
    let attributes = Answers::new()
        .with("username", "newcomer".to_owned())
        .with("first_name", "New".to_owned())
        .with("last_name", "Comer".to_owned());
    session.perform(Operation::Register { attributes }).await?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}
