//! Signing in by password, and being refused.

use countersign_cognito::{Cognito, Flow, Presented};
use countersign_core::{Certainty, Credentials, Error, ErrorKind};

use super::Emulator::{self, Ministack, Moto};
use crate::bare::Bare;
use crate::support::{class, refused, signed_in};

/// Sign-ins in a row: no two have the same numbers, and some begin with zeros.
pub(super) async fn srp_many(at: Emulator) {
    let bare = Bare::new(at.proving("CLIENT_ID"), at.user("plain"));
    for _ in 0..12 {
        bare.sign_in().await;
    }
    at.ok("USER_SRP_AUTH, many times", "twelve, of another B and another u each");
}

pub(super) async fn password(at: Emulator) {
    three_tokens(at, at.public().flow(Flow::UserPassword)).await;
    at.ok("sign-in", "USER_PASSWORD_AUTH: three tokens, life of an hour, subject");
}

async fn three_tokens(at: Emulator, client: Cognito) {
    let session = at.session(client, at.user("plain")).await;
    signed_in(&session).await;
    let authorized = session.authorization().await.unwrap();
    let header = authorized.header(&http::header::AUTHORIZATION).unwrap();
    let bearer = format!("Bearer {}", authorized.access_token().secret().expose());
    assert_eq!(header.to_str().unwrap(), bearer);
    assert!(authorized.id_token().is_some() && authorized.subject().is_some());
    let life = authorized.expires_at().since(authorized.issued_at());
    assert_eq!(life.as_secs(), 3600);
    assert!(session.status().refresh_expires_at.is_some());
}

pub(super) async fn srp(at: Emulator) {
    three_tokens(at, at.proving("CLIENT_ID")).await;
    let wrong = Credentials::password("plain", "canary-Wr0ng!".to_owned());
    let wrong = at.session(at.proving("CLIENT_ID"), wrong).await;
    match at {
        Ministack => {
            let wrong = refused(&wrong).await;
            assert_eq!(wrong.kind(), ErrorKind::InvalidGrant, "{wrong:?}");
            at.ok("USER_SRP_AUTH", &format!("three tokens; wrong password: {}", class(&wrong)));
        }
        Moto => {
            signed_in(&wrong).await;
            at.ok("USER_SRP_AUTH", "laxer: no proof is checked, the form of both steps is");
        }
    }
}

pub(super) async fn srp_with_a_client_secret(at: Emulator) {
    let session = at.session(at.proving("SECRET_CLIENT_ID"), at.secret_user("secret")).await;
    signed_in(&session).await;
    at.ok("USER_SRP_AUTH with a client secret", "both hashes taken");
}

pub(super) async fn client_secret(at: Emulator) {
    let session = at.session(at.confidential(), at.secret_user("secret")).await;
    signed_in(&session).await;
    let wrong = at.user("secret").with_client_secret("canary-wrong".to_owned());
    let wrong = at.session(at.confidential(), wrong).await;
    let missing = at.session(at.confidential(), at.user("secret")).await;
    match at {
        Ministack => {
            let wrong = refused(&wrong).await;
            assert_eq!(wrong.kind(), ErrorKind::InvalidClient, "{wrong:?}");
            let missing = refused(&missing).await;
            assert_eq!(missing.kind(), ErrorKind::InvalidClient, "{missing:?}");
            let how = format!("hash taken; wrong: {}; missing: {}", class(&wrong), class(&missing));
            at.ok("sign-in with a client secret", &how);
        }
        Moto => {
            signed_in(&wrong).await;
            at.ok("sign-in with a client secret", "laxer: the hash is not checked here");
        }
    }
}

pub(super) async fn refusals(at: Emulator) {
    let fail = async |client: Cognito, credentials: Credentials| {
        let error = refused(&at.session(client, credentials).await).await;
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("canary"), "{shown}");
        error
    };
    let named = |name: &str| Credentials::password(name, "canary-Wr0ng!".to_owned());
    let wrong = fail(at.public(), named("plain")).await;
    let unknown = fail(at.public(), named("nobody")).await;
    for error in [&wrong, &unknown] {
        assert_eq!(error.kind(), ErrorKind::InvalidGrant, "{error:?}");
        assert_eq!((error.certainty(), error.status()), (Certainty::Certain, Some(400)));
    }
    let disabled = fail(at.public(), at.user("disabled")).await;
    assert_eq!(disabled.kind(), ErrorKind::AccountDisabled, "{disabled:?}");
    let client =
        Cognito::pool(&at.key("POOL_ID"), "nosuchclient").unwrap().flow(Flow::UserPassword);
    let client = fail(client.endpoint(&at.key("URL")).unwrap(), at.user("plain")).await;
    assert_eq!(client.kind(), ErrorKind::Configuration, "{client:?}");
    let list = |errors: [(&str, &Error); 4]| {
        errors.map(|(what, error)| format!("{what}: {}", class(error))).join("; ")
    };
    let all = [
        ("wrong password", &wrong),
        ("unknown user", &unknown),
        ("disabled", &disabled),
        ("unknown client", &client),
    ];
    at.ok("refusals", &format!("{}; laxer: no lockout after five", list(all)));
}

pub(super) async fn id_token(at: Emulator) {
    let client = at.public().present(Presented::IdToken);
    let session = at.session(client, at.user("idtoken")).await;
    signed_in(&session).await;
    let authorized = session.authorization().await.unwrap();
    let header = authorized.header(&http::header::AUTHORIZATION).unwrap();
    let id = authorized.id_token().unwrap().secret().expose();
    assert_eq!(header.to_str().unwrap(), format!("Bearer {id}"));
    at.ok("ID token presented", "with the life that its own claims give");
}
