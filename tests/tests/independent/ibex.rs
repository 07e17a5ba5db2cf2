//! IBEX's OAuth 2 flow against oidc-provider, with a hub that takes the raw token.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Certainty, Credentials, ErrorKind, Operation, RefreshSupport};
use countersign_ibex::IbexOauth2;
use countersign_runtime::Session;
use serde_json::Value;

use crate::bare::Bare;
use crate::load;
use crate::support::{class, client, ok, refused, session, signed_in, var};

const SERVER: &str = "oidc-provider";

fn key(name: &str) -> String {
    var(&format!("COUNTERSIGN_IBEX_{name}"))
}

fn adapter(audience: &str, client_id: &str) -> IbexOauth2 {
    IbexOauth2::at(&key("HUB"), &key("ISSUER"), audience, client_id).unwrap()
}

async fn open(audience: &str, client_id: &str, secret: &str) -> Session {
    let credentials = Credentials::new().with_client_secret(secret.to_owned());
    session(adapter(audience, client_id), client_id, credentials).await
}

async fn usual() -> Session {
    open(&key("AUDIENCE"), &key("CLIENT_ID"), &key("CLIENT_SECRET")).await
}

#[tokio::test]
#[ignore = "needs oidc-provider, run by cargo xtask independent"]
async fn client_credentials_buy_a_token_that_the_hub_takes_raw() {
    let session = usual().await;
    signed_in(&session).await;
    let authorized = session.authorization().await.unwrap();
    let life = authorized.expires_at().since(authorized.issued_at());
    let wanted: u64 = key("ACCESS_SECONDS").parse().unwrap();
    assert_eq!(life, Duration::from_secs(wanted));

    let api = client().session(session.clone());
    let reply = api.get(key("ECHO")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body["sub"], key("CLIENT_ID"));
    let reply = api.post(key("ECHO")).body("canary-body").send().await.unwrap();
    let body: Value = reply.json().await.unwrap();
    assert_eq!((&body["method"], &body["body"]), (&"POST".into(), &"canary-body".into()));

    // The same token behind the scheme word is refused there.
    let bearer = format!("Bearer {}", authorized.access_token().secret().expose());
    let request = client().plain().get(key("ECHO")).header("authorization", bearer);
    assert_eq!(request.send().await.unwrap().status(), 401);
    ok(
        SERVER,
        "sign-in",
        "client_credentials as a form; the raw token is taken, Bearer is refused; \
         expires_in is its life; laxer: the renamed audience field is not oidc-provider's own",
    );
}

#[tokio::test]
#[ignore = "needs oidc-provider, run by cargo xtask independent"]
async fn the_grant_is_repeated_before_a_token_ends() {
    let session = usual().await;
    assert_eq!(session.provider().capabilities().refresh, RefreshSupport::Absent);
    let load =
        load::run(&session, &key("ECHO"), Duration::from_secs(13), |body| &body["jti"]).await;
    assert!(load.tokens >= 4 && load.published >= 4, "{load}");
    assert!(load.published <= 9, "{load}");
    ok(SERVER, "renewal under load", &load.to_string());
}

#[tokio::test]
#[ignore = "needs oidc-provider, run by cargo xtask independent"]
async fn a_refused_token_is_replaced_once_and_the_request_replayed() {
    let session = usual().await;
    let api = client().session(session.clone());
    let before: Value = api.get(key("ECHO")).send().await.unwrap().json().await.unwrap();
    let control = format!("{}/control/refuse-issued", key("HUB"));
    let mut events = session.events();
    // Other tests share the hub: refusing what it has met costs them one replay each.
    assert_eq!(client().plain().post(control).send().await.unwrap().status(), 204);
    let reply = api.get(key("ECHO")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let after: Value = reply.json().await.unwrap();
    assert_ne!(before["jti"], after["jti"]);
    let mut published = 0;
    while let Some(event) = events.try_recv() {
        published += usize::from(format!("{:?}", event.kind).starts_with("Published"));
    }
    assert_eq!(published, 1);
    ok(SERVER, "refused token", "401, one sign-in, one replay, 200");
}

#[tokio::test]
#[ignore = "needs oidc-provider, run by cargo xtask independent"]
async fn a_wrong_secret_client_or_audience_is_told_apart() {
    let (audience, client_id) = (key("AUDIENCE"), key("CLIENT_ID"));
    let wrong = refused(&open(&audience, &client_id, "canary-wrong").await).await;
    assert_eq!((wrong.kind(), wrong.status()), (ErrorKind::InvalidClient, Some(401)));
    assert_eq!(wrong.certainty(), Certainty::Certain);
    let unknown = refused(&open(&audience, "no-such-client", "canary-wrong").await).await;
    assert_eq!(unknown.kind(), ErrorKind::InvalidClient);
    let secret = key("CLIENT_SECRET");
    let elsewhere = refused(&open("https://elsewhere.example", &client_id, &secret).await).await;
    assert_eq!(elsewhere.kind(), ErrorKind::AccessDenied);
    for error in [&wrong, &unknown, &elsewhere] {
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
    let held = open(&audience, &client_id, "canary-wrong").await;
    refused(&held).await;
    assert_eq!(held.state(), Status::ReauthRequired);
    ok(
        SERVER,
        "refusals",
        &format!(
            "secret {}; client {}; audience {}; other than Auth0, which answers 403 access_denied to the last",
            class(&wrong),
            class(&unknown),
            class(&elsewhere)
        ),
    );
}

#[tokio::test]
#[ignore = "needs oidc-provider, run by cargo xtask independent"]
async fn what_the_flow_lacks_is_unsupported() {
    let client_id = key("CLIENT_ID");
    let credentials = Credentials::new().with_client_secret(key("CLIENT_SECRET"));
    let bare = Bare::new(adapter(&key("AUDIENCE"), &client_id), credentials);
    let tokens = bare.sign_in().await;
    assert!(tokens.refresh_token().is_none() && tokens.id_token().is_none());
    let error = bare.run(&Operation::Refresh, Some(&tokens)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let session = usual().await;
    signed_in(&session).await;
    let end = session.sign_out(Duration::from_secs(5)).await;
    assert!(format!("{end:?}").starts_with("LocalOnly"), "{end:?}");
    ok(
        SERVER,
        "sign-out",
        "no refresh token, nothing to revoke: the sign-out is local and says so",
    );
}
