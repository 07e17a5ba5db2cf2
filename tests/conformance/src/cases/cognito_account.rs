//! What the owner of an account does by himself at a Cognito pool.

use std::time::Duration;

use countersign_cognito::{Devices, SoftwareToken};
use countersign_conformance::{Bench, Case, Claim, Control, Finding, Harm, Op, Row, expect};
use countersign_core::session::Status;
use countersign_core::{Answers, ChallengeKind, ErrorKind, Operation};
use countersign_runtime::SignIn;
use countersign_simulator::Remembering;

use super::cognito_chains::code;
use crate::targets::cognito;

const GROUP: &str = "self-service";
const ONLY: &[&str] = &["cognito"];
const STEP: Duration = Duration::from_secs(30);
/// Nobody has this name yet.
const ADA: &str = "ada@pool.example";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "sign-up-is-confirmed",
        "An account that was made is opened by the code that was sent, and not before",
        |bench| Box::pin(sign_up(bench)),
    )
    .proves(&[Row::P(21), Row::P(22)])
    .claims(&[
        Claim::Register,
        Claim::Extension("confirm_sign_up"),
        Claim::Extension("resend_confirmation_code"),
    ])
    .controls(&[Control::Mail])
    .harm(Harm::Changes)
    .only(ONLY),
    Case::new(
        GROUP,
        "second-factor-by-oneself",
        "A second factor is set up, asked for at the next sign-in, and switched off again",
        |bench| Box::pin(second_factor(bench)),
    )
    .proves(&[Row::P(20)])
    .claims(&[
        Claim::Extension("associate_software_token"),
        Claim::Extension("verify_software_token"),
        Claim::Extension("set_user_mfa_preference"),
    ])
    .controls(&[Control::VirtualTime])
    .harm(Harm::Changes)
    .only(ONLY),
    Case::new(
        GROUP,
        "device-is-confirmed-and-forgotten",
        "A device is confirmed by its owner, is a stranger again once it was forgotten, and cannot be forgotten twice",
        |bench| Box::pin(device(bench)),
    )
    .proves(&[Row::P(20)])
    .claims(&[Claim::Extension("confirm_device"), Claim::Extension("forget_device")])
    .harm(Harm::Changes)
    .only(ONLY)
    .stage(|setup| {
        cognito::with(
            setup,
            |server| server.devices(Remembering::Always),
            |adapter| adapter.devices(Devices::Keep),
        )
    }),
];

fn extension(name: &str, inputs: &[(&str, &str)]) -> Operation {
    let given = |all: Answers, (name, value): &(&str, &str)| all.with(name, (*value).to_owned());
    Operation::Extension { name: name.into(), input: inputs.iter().fold(Answers::new(), given) }
}

async fn sign_up(bench: Bench) -> Result<(), Finding> {
    let credentials = bench.account().credentials.clone().with_identity(ADA);
    let credentials = credentials.with_password(bench.server().next_password());
    let session = bench.first()?.open_as(ADA, credentials).await?;
    let odd = Operation::Register { attributes: Answers::new().with("e-mail", ADA.to_owned()) };
    expect::fails("an odd attribute", ErrorKind::InvalidRequest, session.perform(odd).await)?;
    expect::same("requests with an odd attribute", bench.sent(Op::Any), 0)?;
    let attributes = Answers::new().with("email", ADA.to_owned());
    let told = session.perform(Operation::Register { attributes }).await?.profile;
    expect::same("confirmed", told.get("confirmed"), Some("false"))?;
    let early = session.sign_in().await;
    expect::fails("a sign-in before that", ErrorKind::AccountUnverified, early)?;
    session.perform(extension("resend_confirmation_code", &[])).await?;
    let mailed = expect::there("a mail", bench.controls()?.mail(ADA))?;
    session.perform(extension("confirm_sign_up", &[("code", mailed.expose())])).await?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn second_factor(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let done = session.perform(extension("associate_software_token", &[])).await?;
    let challenge = expect::there("a challenge", done.challenge)?;
    expect::same("its kind", challenge.kind, ChallengeKind::Code)?;
    expect::holds("it is nobody's sign-in", session.pending().is_none())?;
    let token = expect::there("a shared secret", SoftwareToken::of(&challenge))?;
    let right = code(&bench, token.secret())?;
    session.perform(extension("verify_software_token", &[("code", right.expose())])).await?;
    let prefer = extension("set_user_mfa_preference", &[("software_token", "preferred")]);
    session.perform(prefer).await?;
    session.sign_out(STEP).await;
    bench.pass(STEP).await;
    let SignIn::Challenge(asked) = session.sign_in().await? else {
        return Err(Finding::new("a second factor", "a complete sign-in"));
    };
    expect::same("the factor", &*asked.name, "SOFTWARE_TOKEN_MFA")?;
    session.answer(Answers::code(code(&bench, token.secret())?)).await?;
    expect::state(&session, Status::Active)?;
    let disable = extension("set_user_mfa_preference", &[("software_token", "disabled")]);
    session.perform(disable).await?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn device(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let done = session.perform(extension("confirm_device", &[])).await?;
    expect::same("remembered", done.profile.get("remembered"), Some("true"))?;
    session.refresh().await?;
    session.perform(extension("forget_device", &[])).await?;
    let none = session.perform(extension("forget_device", &[])).await;
    expect::fails("a second time", ErrorKind::InvalidRequest, none)?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}
