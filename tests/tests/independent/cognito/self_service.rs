//! What a user does alone: signing up, and a second factor.

use countersign_cognito::SoftwareToken;
use countersign_core::{Answers, Credentials, Error, ErrorKind, Operation, Profile};
use countersign_runtime::Session;

use super::Emulator::{self, Ministack, Moto};
use super::challenges::{away_from_the_end_of_a_step, challenged, code_now};
use crate::support::{class, refused, signed_in};

const CHOSEN: &str = "Chosen-canary-1!";

pub(super) async fn sign_up(at: Emulator) {
    let newcomer = || Credentials::password("newcomer", CHOSEN.to_owned());
    let session = at.session(at.public(), newcomer()).await;
    let attributes = || Answers::new().with("email", "newcomer@users.example".to_owned());
    let register = || Operation::Register { attributes: attributes() };
    let made = session.perform(register()).await.unwrap().profile;
    assert_eq!(made.get("confirmed"), Some("false"));
    assert!(made.get("subject").is_some());
    let twice = session.perform(register()).await.unwrap_err();
    assert_eq!(twice.code(), Some("UsernameExistsException"), "{twice:?}");
    let early = refused(&session).await;
    assert_eq!(early.kind(), ErrorKind::AccountUnverified, "{early:?}");
    // Neither sends a message.
    let code = |code: &str| Answers::new().with("code", code.to_owned());
    let lax = match at {
        Ministack => {
            let wrong = extension(&session, "confirm_sign_up", code("000000")).await.unwrap_err();
            assert_eq!(wrong.kind(), ErrorKind::CodeMismatch, "{wrong:?}");
            let resent = extension(&session, "resend_confirmation_code", Answers::new()).await;
            let resent = if resent.is_ok() { "resent" } else { "not resent" };
            format!("wrong code: {}; {resent}; laxer: the code is always the same", class(&wrong))
        }
        Moto => "laxer: any code is taken".to_owned(),
    };
    extension(&session, "confirm_sign_up", code("123456")).await.unwrap();
    signed_in(&at.session(at.public(), newcomer()).await).await;
    at.ok(
        "SignUp and ConfirmSignUp",
        &format!("twice: {}; early: {}; {lax}", class(&twice), class(&early)),
    );
}

pub(super) async fn second_factor(at: Emulator) {
    let session = at.session(at.public(), at.user("enrol")).await;
    signed_in(&session).await;
    let begin =
        Operation::Extension { name: "associate_software_token".into(), input: Answers::new() };
    let asked = session.perform(begin).await.unwrap().challenge.expect("a code is asked for");
    let secret = SoftwareToken::of(&asked).expect("the shared secret").secret().expose().to_owned();
    away_from_the_end_of_a_step().await;
    let code = Answers::code(code_now(&secret));
    let verified = extension(&session, "verify_software_token", code).await.unwrap();
    assert_eq!(verified.get("status"), Some("SUCCESS"));
    let prefer = |how: &str| Answers::new().with("software_token", how.to_owned());
    extension(&session, "set_user_mfa_preference", prefer("preferred")).await.unwrap();
    let again = at.session(at.public(), at.user("enrol")).await;
    assert_eq!(&*challenged(&again).await.name, "SOFTWARE_TOKEN_MFA");
    away_from_the_end_of_a_step().await;
    let enrolled = at.user("enrol").with_totp_secret(secret);
    signed_in(&at.session(at.public(), enrolled).await).await;
    let off = extension(&session, "set_user_mfa_preference", prefer("disabled")).await;
    off.unwrap();
    let after = at.session(at.public(), at.user("enrol")).await;
    signed_in(&after).await;
    let lax = if at == Moto { "; laxer: one secret for everybody" } else { "" };
    let how = "associated, verified, preferred, asked for, switched off again";
    at.ok("a second factor", &format!("{how}{lax}"));
}

async fn extension(session: &Session, name: &str, input: Answers) -> Result<Profile, Error> {
    let operation = Operation::Extension { name: name.into(), input };
    Ok(session.perform(operation).await?.profile)
}
