//! `register`: making the account that the profile describes, and confirming it.

mod attributes;

use clap::Args;
use countersign_core::{
    Answers, CredentialKind, Credentials, Operation, PasswordPolicy, SecretString,
};
use countersign_runtime::{Performed, Session};

use crate::ask::Typing;
use crate::cli::Global;
use crate::engine::{Engine, is_certain};
use crate::exit::Exit;
use crate::inputs::{self, Inputs};
use crate::keep::Keep;
use crate::new_password::{self, Choice};
use crate::offer::Offer;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;
use crate::source::Source;
use attributes::Attributes;

/// Who is made, or which step of that is taken.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Something else about the account, such as email=kim@example.org; may be given several times. What
    /// is required and not given is asked for on a terminal
    #[arg(long, value_name = "NAME=VALUE", conflicts_with_all = ["confirm", "resend"])]
    attribute: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    /// Confirm the account with the code that was sent
    #[arg(long, conflicts_with_all = ["resend", "generate", "write_to", "print"])]
    confirm: bool,
    /// Have the code sent again
    #[arg(long, conflicts_with_all = ["generate", "write_to", "print"])]
    resend: bool,
    /// `NAME=SOURCE` for an attribute that is secret, `new_password=SOURCE` for another password than the
    /// profile's, `code=SOURCE` with --confirm; SOURCE is env:NAME, file:PATH, fd:NUMBER, or - for a line
    /// of standard input
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
}

/// Registers, confirms, or has the code sent again.
pub(crate) fn run(
    profile: Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let mut inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    let profile = profile.withholding(inputs.variables());
    if arguments.confirm {
        return confirm(&profile, &mut inputs, global);
    }
    if arguments.resend {
        return resend(&profile, &inputs, global);
    }
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::Register.demand(&profile, &can)?;
    let Some(register) = can.register else { return Ok(Exit::Defect) };
    let mut attributes = Attributes::parse(&arguments.attribute, register)?;
    inputs.only(attributes.names().chain([new_password::KEY]))?;
    let keep = arguments.choice.keep(&profile, global)?;
    let engine = Engine::without_secrets(&profile, global.wait, keep)?;
    engine.run(async |session| {
        let attributes = attributes.complete(&mut inputs).await?;
        let credentials =
            credentials(&engine, &profile, &arguments.choice, &mut inputs, can.password_policy);
        let (credentials, new) = credentials.await?;
        let operation = Operation::Register { attributes };
        let done = send(&engine, session, operation, credentials, new.as_ref()).await?;
        let words = if done.signed_in {
            "registered, and signed in".to_owned()
        } else if report::delivery(&done).is_empty() {
            format!("registered; sign in with `countersign login --profile {}`", profile.name())
        } else {
            format!("registered; a code is on its way{}", report::delivery(&done))
        };
        report::done(&profile, global, "register", &done, &words)?;
        if done.profile.get("confirmed") == Some("false") {
            let next = profile.name();
            output::say(&format!("go on with `countersign register --confirm --profile {next}`"));
        }
        Ok(Exit::Success)
    })
}

/// Sends it. A password that the profile's source does not hold is kept before.
async fn send(
    engine: &Engine,
    session: &Session,
    operation: Operation,
    credentials: Credentials,
    new: Option<&SecretString>,
) -> Result<Performed, Problem> {
    if let Some(password) = new {
        engine.keep().pending(password).map_err(inputs::refused)?;
    }
    let settle = |holds| {
        if let Some(password) = new {
            engine.keep().settled(password, holds);
        }
    };
    match session.perform_with(operation, credentials).await {
        Ok(done) => {
            settle(true);
            Ok(done)
        }
        Err(error) => {
            // Only a refusal says for certain that there is no account with this password.
            if is_certain(&error) {
                settle(false);
            }
            Err(engine.explain(&error))
        }
    }
}

/// Who is to be made, with the password that it gets: the profile's, unless another one is asked for,
/// which is then told beside.
async fn credentials(
    engine: &Engine,
    profile: &Profile,
    choice: &Choice,
    inputs: &mut Inputs,
    policy: Option<PasswordPolicy>,
) -> Result<(Credentials, Option<SecretString>), Problem> {
    let found = engine.source();
    let label = found.label(CredentialKind::Password);
    let others = choice.generates() || inputs.has(new_password::KEY);
    let known = match profile.source(CredentialKind::Password) {
        None | Some(Source::Prompt) => None,
        Some(_) if others => None,
        Some(_) => found.secret(CredentialKind::Password).await?,
    };
    let credentials = client(engine).await?;
    if let Some(password) = known {
        new_password::check(policy, &password)?;
        return Ok((credentials.with_password(password), None));
    }
    let password = choice.make(inputs, engine.keep(), policy, &label).await?;
    Ok((credentials.with_password(password.clone()), Some(password)))
}

fn confirm(profile: &Profile, inputs: &mut Inputs, global: &Global) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::ConfirmRegistration.demand(profile, &can)?;
    inputs.only(["code"])?;
    let engine = extension_engine(profile, global)?;
    engine.run(async |session| {
        let code = inputs.get("code", "code that was sent", Typing::Hidden).await?;
        let input = Answers::new().with("code", code);
        let operation = Operation::Extension { name: "confirm_sign_up".into(), input };
        let credentials = client(&engine).await?;
        let done = engine.perform(session, operation, credentials).await?;
        report::done(profile, global, "confirm_sign_up", &done, "confirmed; sign in now")?;
        Ok(Exit::Success)
    })
}

fn resend(profile: &Profile, inputs: &Inputs, global: &Global) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::ResendConfirmation.demand(profile, &can)?;
    inputs.only([])?;
    let engine = extension_engine(profile, global)?;
    engine.run(async |session| {
        let name = "resend_confirmation_code".into();
        let operation = Operation::Extension { name, input: Answers::new() };
        let credentials = client(&engine).await?;
        let done = engine.perform(session, operation, credentials).await?;
        let words = format!("another code is on its way{}", report::delivery(&done));
        report::done(profile, global, "resend_confirmation_code", &done, &words)?;
        Ok(Exit::Success)
    })
}

fn extension_engine(profile: &Profile, global: &Global) -> Result<Engine, Problem> {
    let keep = Keep::of(profile, CredentialKind::Password);
    Engine::without_secrets(profile, global.wait, keep)
}

/// Who it is, and the secret of the client where there is one.
async fn client(engine: &Engine) -> Result<Credentials, Problem> {
    let found = engine.source();
    let secret = found.secret(CredentialKind::ClientSecret).await?;
    Ok(match secret {
        Some(secret) => found.bare().with_client_secret(secret),
        None => found.bare(),
    })
}
