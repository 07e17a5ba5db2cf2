//! Operations about the account.

use countersign_core::{Credentials, ErrorKind, Operation, SecretString};

use super::Emulator::{self, Ministack, Moto};
use crate::support::{class, refused, signed_in};

const NEW_PASSWORD: &str = "An0ther-canary!";

pub(super) async fn who_am_i(at: Emulator) {
    let session = at.session(at.public(), at.user("whoami")).await;
    let told = session.perform(Operation::WhoAmI).await.unwrap();
    assert_eq!(told.profile.get("username"), Some("whoami"));
    assert_eq!(told.profile.get("email"), Some("whoami@users.example"));
    assert_eq!(told.profile.get("sub"), session.authorization().await.unwrap().subject());
    at.ok("GetUser", "signed in for it; user name, address and subject told");
}

pub(super) async fn change_password(at: Emulator) {
    let session = at.session(at.public(), at.user("change")).await;
    signed_in(&session).await;
    let change =
        |password: &str| Operation::ChangePassword { new_password: SecretString::new(password) };
    let weak = session.perform(change("canary")).await.unwrap_err();
    assert_eq!(weak.kind(), ErrorKind::PasswordRefused, "{weak:?}");
    session.perform(change(NEW_PASSWORD)).await.unwrap();
    let old = refused(&at.session(at.public(), at.user("change")).await).await;
    assert_eq!(old.kind(), ErrorKind::InvalidGrant, "{old:?}");
    let new = Credentials::password("change", NEW_PASSWORD.to_owned());
    signed_in(&at.session(at.public(), new).await).await;
    // The first session still holds the old password, and a token that is good.
    let stale = session.perform(change("Y3t-another-canary!")).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::InvalidGrant, "{stale:?}");
    at.ok(
        "ChangePassword",
        &format!("weak: {}; wrong present password: {}", class(&weak), class(&stale)),
    );
}

pub(super) async fn forgotten_password(at: Emulator) {
    let session = at.session(at.public(), at.user("forgot")).await;
    let sent = session.perform(Operation::ForgotPassword).await.unwrap();
    let told: Vec<_> = sent.profile.iter().map(|(name, _)| name.to_owned()).collect();
    assert!(!told.is_empty(), "where the code went");
    let confirm = |code: String| Operation::ConfirmForgotPassword {
        code: code.into(),
        new_password: SecretString::new(NEW_PASSWORD),
    };
    let wrong = session.perform(confirm(at.key("WRONG_CODE"))).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::CodeMismatch, "{wrong:?}");
    session.perform(confirm(at.key("RESET_CODE"))).await.unwrap();
    let new = Credentials::password("forgot", NEW_PASSWORD.to_owned());
    signed_in(&at.session(at.public(), new).await).await;
    let old = refused(&at.session(at.public(), at.user("forgot")).await).await;
    assert_eq!(old.kind(), ErrorKind::InvalidGrant, "{old:?}");

    let nobody = Credentials::password("nobody", "canary-N0body!".to_owned());
    let nobody = at.session(at.public(), nobody).await.perform(Operation::ForgotPassword).await;
    let lax = match at {
        Ministack => {
            let error = nobody.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidGrant, "{error:?}");
            format!("unknown user: {}; laxer: the code is always the same", class(&error))
        }
        Moto => {
            nobody.unwrap();
            "unknown user: as if a code was sent; laxer: nearly any code is taken, the policy is not checked".into()
        }
    };
    at.ok(
        "ForgotPassword and ConfirmForgotPassword",
        &format!("told {told:?}; wrong code: {}; {lax}", class(&wrong)),
    );
}
