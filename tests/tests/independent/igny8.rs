//! IGNY8 against Django REST framework with SimpleJWT's own views, rotation and blacklist on.

use std::time::Duration;

use countersign_core::{
    Answers, Credentials, ErrorKind, Operation, Origin, Recovery, RefreshSupport, SecretString,
};
use countersign_igny8::Igny8;
use countersign_runtime::{Keeper, Session, SignOutOutcome};
use serde_json::Value;

use crate::bare::Bare;
use crate::behind::Behind;
use crate::load;
use crate::logged::Logged;
use crate::support::{class, client, ok, refused, session, signed_in, var};

const SERVER: &str = "igny8";
const NEW_PASSWORD: &str = "An0ther-canary!";

fn key(name: &str) -> String {
    var(&format!("COUNTERSIGN_IGNY8_{name}"))
}

fn adapter() -> Igny8 {
    Igny8::at(&key("URL")).unwrap().logout_path("/auth/logout/")
}

/// A user of the server and its password.
fn user(name: &str) -> Credentials {
    Credentials::password(format!("{name}@studio.example"), key("PASSWORD"))
}

async fn open(name: &str) -> Session {
    session(adapter(), &format!("{name}@studio.example"), user(name)).await
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_sign_in_by_email_and_its_refusals() {
    let session = open("lee").await;
    signed_in(&session).await;
    let authorized = session.authorization().await.unwrap();
    assert_eq!(authorized.profile().get("email"), Some("lee@studio.example"));
    assert_eq!(authorized.subject(), authorized.profile().get("id"));
    let life = authorized.expires_at().since(authorized.issued_at()).as_secs_f64();
    let wanted: f64 = key("ACCESS_SECONDS").parse().unwrap();
    assert!((life - wanted).abs() <= 1.0, "exp is whole seconds: {life} of {wanted}");

    let api = client().session(session.clone());
    let reply = api.get(key("ECHO")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body["data"]["user"]["email"], "lee@studio.example");

    let named = |identity: &str| Credentials::password(identity, "canary-wrong".to_owned());
    let email = "lee@studio.example";
    let wrong = refused(&crate::support::session(adapter(), email, named(email)).await).await;
    let nobody = "nobody@studio.example";
    let unknown = refused(&crate::support::session(adapter(), nobody, named(nobody)).await).await;
    for error in [&wrong, &unknown] {
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidGrant, Some(401)));
        assert!(error.request_id().is_some(), "the envelope names the request");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
    ok(
        SERVER,
        "sign-in",
        &format!(
            "profile, subject and exp read; wrong password and unknown user: {}; \
             laxer: no cookie is set, no account in the profile",
            class(&wrong)
        ),
    );
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_rotated_refresh_token_is_spent() {
    let bare = Bare::new(adapter(), user("rotate"));
    let first = bare.sign_in().await;
    let second = bare.refresh(&first).await.unwrap();
    let (old, new) = (first.refresh_token().unwrap(), second.refresh_token().unwrap());
    assert!(!old.secret().matches(new.secret()), "another refresh token came");
    let spent = bare.refresh(&first).await.unwrap_err();
    assert_eq!(spent.kind(), ErrorKind::InvalidGrant);
    assert_eq!(spent.recovery(), Recovery::Reauthenticate);
    bare.refresh(&second).await.unwrap();

    let session = open("rotate").await;
    assert_eq!(session.provider().capabilities().refresh, RefreshSupport::Unknown);
    signed_in(&session).await;
    let mut before = session.authorization().await.unwrap();
    for _ in 0..3 {
        let after = session.refresh().await.unwrap();
        assert_eq!(after.generation().counter, before.generation().counter + 1);
        assert!(!after.access_token().secret().matches(before.access_token().secret()));
        before = after;
    }
    ok(
        SERVER,
        "refresh",
        &format!(
            "rotates; the old refresh token is refused: {}; three in a row by the session",
            class(&spent)
        ),
    );
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn tokens_are_renewed_under_load() {
    let session = open("refresh").await;
    let load =
        load::run(&session, &key("ECHO"), Duration::from_secs(13), |body| &body["data"]["jti"])
            .await;
    assert!(load.tokens >= 4 && load.published >= 4, "{load}");
    assert!(load.published <= 9, "{load}");
    ok(SERVER, "renewal under load", &load.to_string());
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_token_refused_with_401_is_refreshed_once_and_the_request_replayed() {
    let log = Logged::new();
    // By its own clock the token is good for an hour more.
    let keeper = Keeper::builder().transport(log.clone()).clock(Behind::an_hour()).build().unwrap();
    let session = keeper.session(adapter(), "lee@studio.example").credentials(user("lee"));
    let session = session.open().await.unwrap();
    signed_in(&session).await;
    let before = session.authorization().await.unwrap();
    let life: u64 = key("ACCESS_SECONDS").parse().unwrap();
    crate::support::pause(Duration::from_secs(life + 1)).await;

    let api = client().session(session.clone());
    let reply = api.post(key("ECHO")).json(&serde_json::json!({"a": 1})).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body["data"]["body"]["a"], 1);
    let after = session.authorization().await.unwrap();
    assert_eq!(after.generation().counter, before.generation().counter + 1);
    assert_eq!(log.last(), Some(("/api/v1/auth/refresh/".to_owned(), 200)));
    assert_eq!(log.count(), 2, "one sign-in, one refresh");
    ok(SERVER, "refused token", "401 token_not_valid, one refresh, one replay of a POST, 200");
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_password_is_changed() {
    let session = open("change").await;
    signed_in(&session).await;
    let change =
        |password: &str| Operation::ChangePassword { new_password: SecretString::new(password) };
    let short = session.perform(change("1234567")).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::PasswordRefused);
    session.perform(change(NEW_PASSWORD)).await.unwrap();

    let email = "change@studio.example";
    let old = refused(&open("change").await).await;
    assert_eq!(old.kind(), ErrorKind::InvalidGrant);
    let with_new = Credentials::password(email, NEW_PASSWORD.to_owned());
    let new = crate::support::session(adapter(), email, with_new).await;
    signed_in(&new).await;
    // The first session still holds the old password, and a token that is good.
    let stale = session.perform(change("Y3t-another-canary!")).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::InvalidGrant);
    ok(
        SERVER,
        "change-password",
        &format!(
            "old_password and new_password; policy: {}; wrong present password: {}; \
             laxer: the field names of the service are not published",
            class(&short),
            class(&stale)
        ),
    );
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_logout_ends_the_refresh_token() {
    let bare = Bare::new(adapter(), user("logout"));
    let (ended, other) = (bare.sign_in().await, bare.sign_in().await);
    bare.run(&Operation::Revoke, Some(&ended)).await.unwrap();
    let dead = bare.refresh(&ended).await.unwrap_err();
    assert_eq!(dead.kind(), ErrorKind::InvalidGrant);
    bare.refresh(&other).await.unwrap();

    let log = Logged::new();
    let keeper = Keeper::builder().transport(log.clone()).build().unwrap();
    let session = keeper.session(adapter(), "logout@studio.example").credentials(user("logout"));
    let session = session.open().await.unwrap();
    signed_in(&session).await;
    let end = session.sign_out(Duration::from_secs(5)).await;
    // What is true: the refresh token is gone, the access token lives to its end.
    assert!(matches!(end, SignOutOutcome::LocalOnly { valid_until: Some(_) }), "{end:?}");
    assert_eq!(log.last(), Some(("/api/v1/auth/logout/".to_owned(), 200)));
    assert!(session.current().is_none());
    ok(
        SERVER,
        "logout",
        "the refresh token is ended, others of the user live; \
         laxer: an access token lives to its end, the body of the service's logout is not published",
    );
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn an_account_is_registered() {
    let email = "new@studio.example";
    let credentials = Credentials::password(email, "Fresh-canary-1!".to_owned());
    let session = session(adapter(), email, credentials).await;
    let attributes = || {
        let named = [("username", "newcomer"), ("first_name", "New"), ("last_name", "Comer")];
        let add = |all: Answers, (name, value)| all.with(name, SecretString::new(value));
        Operation::Register { attributes: named.into_iter().fold(Answers::new(), add) }
    };
    let done = session.perform(attributes()).await.unwrap();
    assert_eq!(done.profile.get("email"), Some(email));
    signed_in(&session).await;
    let twice = session.perform(attributes()).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::InvalidRequest);
    let fields: Vec<_> = twice.fields().iter().map(|field| field.name.to_string()).collect();
    assert!(fields.contains(&"email".to_owned()), "{fields:?}");
    ok(SERVER, "register", &format!("then a sign-in; twice: {}, fields {fields:?}", class(&twice)));
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn a_throttle_is_waited_out_by_everybody() {
    let strict = || Igny8::at(&key("STRICT_URL")).unwrap();
    let bare = Bare::new(strict(), user("strict"));
    bare.sign_in().await;
    bare.sign_in().await;
    let log = Logged::new();
    let keeper = Keeper::builder().transport(log.clone()).build().unwrap();
    let open = |name: &'static str| {
        let session = keeper.session(strict(), &format!("{name}@studio.example"));
        session.credentials(user(name)).deadline(Duration::from_secs(3)).open()
    };
    let first = open("strict").await.unwrap();
    let refusal = refused(&first).await;
    assert_eq!((refusal.kind(), refusal.status()), (ErrorKind::RateLimited, Some(429)));
    let Recovery::WaitUntil(until) = refusal.recovery() else {
        panic!("no time to wait until: {refusal:?}")
    };
    // Another account of the same origin and client is held as well, without a request of its own.
    let second = refused(&open("lee").await.unwrap()).await;
    assert!(second.is_transient(), "{second:?}");
    assert_eq!(log.count(), 1, "one sign-in was throttled, the other never sent: {second:?}");
    ok(
        SERVER,
        "throttle",
        &format!(
            "{}, X-Throttle-Reset read ({until:?}), another session of that origin waits too; 2 a minute here, 20 at the service",
            class(&refusal)
        ),
    );
}

#[tokio::test]
#[ignore = "needs Django REST framework, run by cargo xtask independent"]
async fn wrong_paths_are_told_with_their_remedy() {
    let bare = Bare::new(adapter().login_path("/auth/login"), user("lee"));
    let slashless = bare.run(&Operation::SignIn, None).await.unwrap_err();
    assert_eq!((slashless.kind(), slashless.status()), (ErrorKind::Protocol, Some(301)));
    assert!(slashless.hint_text().contains("slash"));
    let bare = Bare::new(adapter().login_path("/auth/signin/"), user("lee"));
    let page = bare.run(&Operation::SignIn, None).await.unwrap_err();
    assert_eq!((page.kind(), page.status()), (ErrorKind::Protocol, Some(404)));
    let elsewhere = Origin::parse("https://elsewhere.example").unwrap();
    assert!(open("lee").await.check_origin(&elsewhere).is_err());
    ok(
        SERVER,
        "wrong paths",
        &format!("{}; a page of Django's: {}", class(&slashless), class(&page)),
    );
}
