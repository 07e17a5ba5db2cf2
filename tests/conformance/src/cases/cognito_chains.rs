//! The challenges of a Cognito pool, one after another.

use std::time::Duration;

use countersign_cognito::{FirstFactor, Flow, SoftwareToken};
use countersign_conformance::{
    Bench, Case, Claim, Control, Fault, Finding, Harm, Op, Row, Settings, Times, expect,
};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{Answers, Challenge, ChallengeKind, Credentials, ErrorKind, SecretString};
use countersign_runtime::{Session, SignIn};
use countersign_simulator::{Account, AuthFlow, Remembering};

use crate::targets::cognito;

const GROUP: &str = "challenges";
const ONLY: &[&str] = &["cognito"];
const STEP: Duration = Duration::from_secs(30);
const AMZ_JSON: &str = "application/x-amz-json-1.1";
const UNKNOWN: &str = r#"{"ChallengeName":"FAVOURITE_COLOUR","Session":"canary-session-canary-session","ChallengeParameters":{"HINT":"blue"}}"#;
const ONE_MORE: &str = r#"{"ChallengeName":"CUSTOM_CHALLENGE","Session":"canary-session-canary-session","ChallengeParameters":{"USERNAME":"kim"}}"#;
const ANOTHER_CODE: &str = r#"{"ChallengeName":"SOFTWARE_TOKEN_MFA","Session":"canary-session-canary-session","ChallengeParameters":{}}"#;

pub(crate) const CASES: &[Case] = &[
    case(
        "p20-codes-are-answered-alone",
        "A time-based code is sent by the adapter alone, each sign-in in a step of its own",
        |bench| Box::pin(codes_alone(bench)),
    )
        .claims(&[Claim::SignInCode])
        .controls(&[Control::OtherAccount, Control::Records, Control::Resource]),
    case(
        "p20-factor-is-chosen-alone",
        "Among several second factors the one that the credentials can answer is chosen, and else the caller is asked",
        |bench| Box::pin(factor_alone(bench)),
    )
        .controls(&[Control::Mail])
        .stage(|setup| {
            cognito::with_account(setup, |server| server, |adapter| adapter, |account| {
                account.totp_secret = Some("CANARYPOOLCANARYPOOLCANARYPOOLCA".to_owned());
                set(account, &[("mfa", "SELECT_MFA_TYPE"), ("mfa_choices", "EMAIL_OTP,SOFTWARE_TOKEN_MFA"), ("user.email", "kim@pool.example")]);
            })
        }),
    case(
        "p20-first-sign-in-enrols",
        "A first sign-in sets a password, then enrols a second factor with the secret that is handed out",
        |bench| Box::pin(enrols(bench)),
    )
        .harm(Harm::Changes)
        .settings(Settings::USUAL.first_password())
        .stage(|setup| {
            cognito::with_account(setup, |server| server, |adapter| adapter, |account| {
                set(account, &[("mfa", "MFA_SETUP")]);
            })
        }),
    case(
        "p20-first-factor-is-chosen",
        "Where the pool lets the user choose the first factor, the choice and its proof are one answer",
        |bench| Box::pin(chosen(bench)),
    )
        .stage(|setup| {
            cognito::with(
                setup,
                |server| server.allow(AuthFlow::User).first_factors(["PASSWORD", "PASSWORD_SRP"]),
                |adapter| adapter.flow(Flow::UserAuth(FirstFactor::Any)),
            )
        }),
    case(
        "p20-code-by-mail-needs-no-password",
        "With a code by mail as first factor a sign-in needs no password, and what cannot be a code is not sent",
        |bench| Box::pin(by_mail(bench)),
    )
        .controls(&[Control::Mail])
        .stage(|setup| {
            cognito::with_account(
                setup,
                |server| server.allow(AuthFlow::User).first_factors(["PASSWORD_SRP", "EMAIL_OTP"]),
                |adapter| adapter.flow(Flow::UserAuth(FirstFactor::EmailOtp)),
                |account| set(account, &[("user.email", "kim@pool.example")]),
            )
        }),
    case(
        "p20-custom-challenge",
        "A challenge of the pool's owner is shown with its parameters, and a wrong answer may be given again",
        |bench| Box::pin(custom(bench)),
    )
        .stage(|setup| {
            cognito::with_account(
                setup,
                |server| server,
                |adapter| adapter.flow(Flow::Custom),
                |account| set(account, &[("custom_answer", "canary-answer"), ("custom_attempts", "2"), ("custom.hint", "canary-hint")]),
            )
        }),
    case(
        "p20-device-in-the-place-of-a-code",
        "A confirmed device proves itself in the place of a code, also at refreshes",
        |bench| Box::pin(device(bench)),
    )
        .controls(&[Control::Mail, Control::Records])
        .stage(|setup| {
            cognito::with_account(
                setup,
                |server| server.devices(Remembering::Always),
                |adapter| adapter,
                |account| set(account, &[("mfa", "EMAIL_OTP"), ("user.email", "kim@pool.example")]),
            )
        }),
    case(
        "p20-unknown-challenge-of-a-pool",
        "A challenge that nobody knows is told with its name and its parameters",
        |bench| Box::pin(unknown(bench)),
    ),
    case(
        "p20-chain-is-bounded",
        "A pool that asks for challenge after challenge is told so, after a bounded number of answers",
        |bench| Box::pin(bounded(bench)),
    )
        .controls(&[Control::OtherAccount, Control::VirtualTime]),
    case(
        "p20-chain-of-answers-is-bounded",
        "A pool that meets every answer with one more challenge is given up after a bounded number",
        |bench| Box::pin(bounded_by_hand(bench)),
    ),
    case(
        "p20-flow-that-is-off",
        "A flow that the client may not use is a configuration to be mended, named, and no password is sent",
        |bench| Box::pin(flow_off(bench)),
    )
        .controls(&[Control::VirtualTime])
        .stage(|setup| cognito::with(setup, |server| server.flows([AuthFlow::Refresh]), |adapter| adapter)),
];

const fn case(
    id: &'static str,
    title: &'static str,
    run: fn(Bench) -> countersign_conformance::Running,
) -> Case {
    Case::new(GROUP, id, title, run).proves(&[Row::P(20)]).only(ONLY)
}

fn set(account: &mut Account, attributes: &[(&str, &str)]) {
    for (name, value) in attributes {
        account.attributes.insert((*name).to_owned(), (*value).to_owned());
    }
}

#[track_caller]
fn asked(step: SignIn) -> Result<Challenge, Finding> {
    match step {
        SignIn::Challenge(challenge) => Ok(*challenge),
        _ => Err(Finding::new("a challenge", "a complete sign-in")),
    }
}

#[track_caller]
fn complete(step: SignIn) -> Result<(), Finding> {
    match step {
        SignIn::Challenge(challenge) => {
            Err(Finding::new("a complete sign-in", format!("the challenge {}", challenge.name)))
        }
        _ => Ok(()),
    }
}

pub(super) fn code(bench: &Bench, secret: &SecretString) -> Result<SecretString, Finding> {
    let totp = Totp::new(secret, SecretEncoding::Base32, STEP)?;
    Ok(totp.code(totp.step_at(bench.now())))
}

async fn works(bench: &Bench, session: &Session) -> Result<(), Finding> {
    let reply = bench.call(session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

async fn codes_alone(bench: Bench) -> Result<(), Finding> {
    let other = expect::there("an account with a code", bench.server().other_account())?;
    let session = bench.first()?.open_as(&other.identity, other.credentials).await?;
    for _ in 0..4 {
        // The wait for the next step shall end before the caller's deadline.
        bench.pass(STEP / 3).await;
        complete(session.sign_in().await?)?;
    }
    let refused = bench.seen(Op::Auth)?.iter().filter(|seen| !seen.done).count();
    expect::same("requests that were refused", refused, 0)?;
    expect::same("answers by the caller", bench.sent(Op::Answer), 0)?;
    works(&bench, &session).await
}

async fn factor_alone(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    complete(session.sign_in().await?)?;
    session.sign_out(STEP).await;
    // Without the shared secret somebody must choose.
    let account = bench.account();
    let secret = expect::there("a client secret", account.credentials.client_secret())?.clone();
    let plain =
        Credentials::password(&account.identity, bench.secret()?).with_client_secret(secret);
    let session = bench.process()?.open_as(&account.identity, plain).await?;
    let choice = asked(session.sign_in().await?)?;
    expect::same("its kind", choice.kind, ChallengeKind::Choice)?;
    let mailed = Answers::new().with("choice", "EMAIL_OTP".to_owned());
    expect::same("the next", &*asked(session.answer(mailed).await?)?.name, "EMAIL_OTP")?;
    let code = expect::there("a mail", bench.controls()?.mail(&account.identity))?;
    complete(session.answer(Answers::code(code)).await?)?;
    works(&bench, &session).await
}

async fn enrols(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let first = asked(session.sign_in().await?)?;
    expect::same("the first", first.kind, ChallengeKind::NewPassword)?;
    let password = bench.server().next_password();
    bench.know_password(password.clone());
    let setup = asked(session.answer(Answers::new_password(password)).await?)?;
    expect::same("the second", (&*setup.name, setup.kind), ("MFA_SETUP", ChallengeKind::Code))?;
    let token = expect::there("a shared secret", SoftwareToken::of(&setup))?;
    let shown = format!("{setup:?} {token:?} {:?}", session.status());
    let leaks = shown.contains(token.secret().expose());
    expect::holds("the secret is in no text", !leaks)?;
    let wrong = asked(session.answer(Answers::code("000000".to_owned())).await?)?;
    expect::same("after a wrong code the same once more", &*wrong.name, "MFA_SETUP")?;
    complete(session.answer(Answers::code(code(&bench, token.secret())?)).await?)?;
    works(&bench, &session).await
}

async fn chosen(bench: Bench) -> Result<(), Finding> {
    for choice in ["PASSWORD", "PASSWORD_SRP"] {
        let session = bench.open().await?;
        let first = asked(session.sign_in().await?)?;
        expect::same("its kind", first.kind, ChallengeKind::Choice)?;
        complete(session.answer(Answers::new().with("choice", choice.to_owned())).await?)?;
        works(&bench, &session).await?;
        session.sign_out(STEP).await;
    }
    Ok(())
}

async fn by_mail(bench: Bench) -> Result<(), Finding> {
    let account = bench.account();
    let secret = expect::there("a client secret", account.credentials.client_secret())?.clone();
    let bare = Credentials::new().with_identity(&account.identity).with_client_secret(secret);
    let session = bench.first()?.open_as(&account.identity, bare).await?;
    let first = asked(session.sign_in().await?)?;
    expect::same("the challenge", (&*first.name, first.kind), ("EMAIL_OTP", ChallengeKind::Code))?;
    asked(session.answer(Answers::code("12 34".to_owned())).await?)?;
    expect::same("answers that cannot be codes", bench.sent(Op::Answer), 0)?;
    let code = expect::there("a mail", bench.controls()?.mail(&account.identity))?;
    let (head, tail) = code.expose().split_at(3);
    complete(session.answer(Answers::code(format!(" {head} {tail}"))).await?)?;
    works(&bench, &session).await
}

async fn custom(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let first = asked(session.sign_in().await?)?;
    expect::same("its name", &*first.name, "CUSTOM_CHALLENGE")?;
    let hint = first.parameters.get("hint").map(String::as_str);
    expect::same("its parameter", hint, Some("canary-hint"))?;
    let answer = |text: &str| Answers::new().with("answer", text.to_owned());
    expect::same("again", &*asked(session.answer(answer("no")).await?)?.name, "CUSTOM_CHALLENGE")?;
    complete(session.answer(answer("canary-answer")).await?)?;
    works(&bench, &session).await
}

async fn device(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let first = asked(session.sign_in().await?)?;
    expect::same("at first", &*first.name, "EMAIL_OTP")?;
    let identity = &bench.account().identity;
    let code = expect::there("a mail", bench.controls()?.mail(identity))?;
    complete(session.answer(Answers::code(code)).await?)?;
    for _ in 0..2 {
        session.refresh().await?;
        complete(session.sign_in().await?)?;
        works(&bench, &session).await?;
    }
    let refused = bench.seen(Op::Auth)?.iter().filter(|seen| !seen.done).count();
    expect::same("requests that were refused", refused, 0)?;
    expect::same("answers by the caller", bench.sent(Op::Answer), 1)
}

async fn unknown(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, answer(UNKNOWN))?;
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|builder| builder.reauthentication(manual)).await?;
    let challenge = asked(session.sign_in().await?)?;
    let told = (&*challenge.name, challenge.kind);
    expect::same("name and kind", told, ("FAVOURITE_COLOUR", ChallengeKind::Unsupported))?;
    let hint = challenge.parameters.get("HINT").map(String::as_str);
    expect::same("its parameter", hint, Some("blue"))?;
    expect::same("requests", bench.sent(Op::Any), 1)
}

async fn bounded(bench: Bench) -> Result<(), Finding> {
    let other = expect::there("an account with a code", bench.server().other_account())?;
    bench.meets(Op::Continue, answer(ANOTHER_CODE), Times::Always)?;
    let session = bench.first()?.open_as(&other.identity, other.credentials).await?;
    let end = session.sign_in().await;
    expect::holds("an end that is no success", !matches!(end, Ok(SignIn::Complete)))?;
    bench.settle().await;
    let sent = bench.sent(Op::Continue);
    expect::holds_or("at most forty answers", sent <= 40, sent)?;
    expect::holds("the session is not signed in", session.state() != Status::Active)
}

async fn bounded_by_hand(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, answer(ONE_MORE))?;
    bench.meets(Op::Answer, answer(ONE_MORE), Times::Always)?;
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|builder| builder.reauthentication(manual)).await?;
    let mut step = session.sign_in().await;
    for _ in 0..40 {
        if !matches!(step, Ok(SignIn::Challenge(_))) {
            break;
        }
        step = session.answer(Answers::new().with("answer", "no".to_owned())).await;
    }
    expect::fails("the end", ErrorKind::Protocol, step.map(|_| ()))?;
    let sent = bench.sent(Op::Answer);
    expect::holds_or("at most twenty answers", sent <= 20, sent)
}

async fn flow_off(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let error = expect::fails("the sign-in", ErrorKind::Configuration, session.sign_in().await)?;
    expect::holds("the remedy is named", error.to_string().contains("ALLOW_USER_SRP_AUTH"))?;
    bench.pass(Duration::from_secs(3600)).await;
    expect::same("requests", bench.sent(Op::Any), 1)
}

const fn answer(body: &'static str) -> Fault {
    Fault::Instead { status: 200, content_type: AMZ_JSON, body }
}
