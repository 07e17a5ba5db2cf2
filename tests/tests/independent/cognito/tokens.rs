//! Renewing, revoking, signing out.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_cognito::{Cognito, RefreshCall};
use countersign_core::{
    Clock, Credentials, ErrorKind, Operation, Recovery, RefreshToken, TokenSet,
};
use countersign_runtime::{SignOutOutcome, SystemClock};

use super::Emulator::{self, Ministack, Moto};
use crate::bare::Bare;
use crate::support::{class, pause, signed_in};

pub(super) async fn refresh(at: Emulator) {
    let how = refreshed(at, at.public(), at.user("refresh")).await;
    at.ok("GetTokensFromRefreshToken", &format!("{how}; laxer: never rotates"));
}

pub(super) async fn refresh_the_old_way(at: Emulator) {
    let client = at.public().refresh_call(RefreshCall::InitiateAuth);
    let how = refreshed(at, client, at.user("refresh")).await;
    at.ok("REFRESH_TOKEN_AUTH", &how);
}

pub(super) async fn refresh_with_a_client_secret(at: Emulator) {
    let credentials = || at.secret_user("secret");
    match at {
        Ministack => {
            let how = refreshed(at, at.confidential(), credentials()).await;
            let how = format!("{how}; laxer: ClientSecret is not checked");
            at.ok("GetTokensFromRefreshToken with a client secret", &how);
            let old = at.confidential().refresh_call(RefreshCall::InitiateAuth);
            let how = refreshed(at, old, credentials()).await;
            let wrong = wrong_hash(at).await;
            at.ok("REFRESH_TOKEN_AUTH with a client secret", &format!("{how}; {wrong}"));
        }
        Moto => {
            let how = refreshed(at, at.confidential(), credentials()).await;
            let wrong = wrong_hash(at).await;
            at.ok("REFRESH_TOKEN_AUTH with a client secret", &format!("{how}; {wrong}"));
        }
    }
}

/// A refresh with the hash of another client secret.
async fn wrong_hash(at: Emulator) -> String {
    let client = || at.confidential().refresh_call(RefreshCall::InitiateAuth);
    let tokens = Bare::new(client(), at.secret_user("secret")).sign_in().await;
    let wrong = at.user("secret").with_client_secret("canary-wrong".to_owned());
    let error = Bare::new(client(), wrong).refresh(&tokens).await.unwrap_err();
    let told = match at {
        Ministack => ErrorKind::InvalidClient,
        // The text that would tell is the hash itself here, which an error must not repeat.
        Moto => ErrorKind::InvalidGrant,
    };
    assert_eq!(error.kind(), told, "{error:?}");
    assert!(at == Ministack || error.detail().is_none(), "the text repeats the hash");
    format!("wrong hash: {}", class(&error))
}

/// Two renewals in a row by a session, and a refresh token that never was.
async fn refreshed(at: Emulator, client: Cognito, credentials: Credentials) -> String {
    let session = at.session(client.clone(), credentials.clone()).await;
    signed_in(&session).await;
    let mut before = session.authorization().await.unwrap();
    for _ in 0..2 {
        let after = session.refresh().await.unwrap();
        assert_eq!(after.generation().counter, before.generation().counter + 1);
        assert_eq!(after.subject(), before.subject());
        before = after;
    }
    let bare = Bare::new(client, credentials);
    let mut stored = bare.sign_in().await.stored().clone();
    stored.refresh_token = Some(RefreshToken::new("canary-never-was".to_owned()).unwrap());
    let error = bare.refresh(&TokenSet::from_stored(stored)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidGrant, "{error:?}");
    assert_eq!(error.recovery(), Recovery::Reauthenticate);
    format!("two in a row; a refresh token that never was: {}", class(&error))
}

pub(super) async fn revoke(at: Emulator) {
    let bare = Bare::new(at.public(), at.user("revoke"));
    let (dead, other) = (bare.sign_in().await, bare.sign_in().await);
    bare.run(&Operation::Revoke, Some(&dead)).await.unwrap();
    let refresh = bare.refresh(&dead).await.unwrap_err();
    assert_eq!(refresh.kind(), ErrorKind::InvalidGrant, "{refresh:?}");
    let access = bare.run(&Operation::WhoAmI, Some(&dead)).await.unwrap_err();
    assert_eq!(access.kind(), ErrorKind::InvalidToken, "{access:?}");
    bare.run(&Operation::WhoAmI, Some(&other)).await.unwrap();
    bare.refresh(&other).await.unwrap();
    // What is gone already is gone: no failure.
    bare.run(&Operation::Revoke, Some(&dead)).await.unwrap();

    let session = at.session(at.public(), at.user("revoke")).await;
    signed_in(&session).await;
    assert_eq!(session.sign_out(Duration::from_secs(5)).await, SignOutOutcome::Revoked);
    assert!(session.current().is_none());
    let secret = at.session(at.confidential(), at.secret_user("secret")).await;
    signed_in(&secret).await;
    assert_eq!(secret.sign_out(Duration::from_secs(5)).await, SignOutOutcome::Revoked);
    at.ok(
        "RevokeToken",
        &format!(
            "refresh token: {}; its access token: {}; other sign-ins live; twice is done; \
             laxer: ClientSecret is not checked",
            class(&refresh),
            class(&access)
        ),
    );
}

pub(super) async fn sign_out_without_revocation(at: Emulator) {
    let session = at.session(at.public(), at.user("revoke")).await;
    signed_in(&session).await;
    let end = session.sign_out(Duration::from_secs(5)).await;
    assert_ne!(end, SignOutOutcome::Revoked);
    assert!(session.current().is_none());
    at.ok("sign-out", &format!("RevokeToken is absent (500): {end:?}, and nothing is handed out"));
}

pub(super) async fn sign_out_everywhere(at: Emulator) {
    let bare = Bare::new(at.public(), at.user("global"));
    let elsewhere = bare.sign_in().await;
    bare.run(&Operation::WhoAmI, Some(&elsewhere)).await.unwrap();
    let session = at.session(at.public(), at.user("global")).await;
    signed_in(&session).await;
    session.perform(Operation::SignOutEverywhere).await.unwrap();
    let refresh = bare.refresh(&elsewhere).await.unwrap_err();
    assert_eq!(refresh.kind(), ErrorKind::InvalidGrant, "{refresh:?}");
    let access = bare.run(&Operation::WhoAmI, Some(&elsewhere)).await.unwrap_err();
    assert_eq!(access.kind(), ErrorKind::InvalidToken, "{access:?}");
    let token = elsewhere.access_token().secret().expose();
    assert!(!access.detail().unwrap_or_default().contains(token), "the text repeats the token");
    at.ok(
        "GlobalSignOut",
        &format!("another sign-in's refresh: {}, its GetUser: {}", class(&refresh), class(&access)),
    );
}

/// Tokens of a few seconds, each shown to the server by a GetUser while it is handed out.
pub(super) async fn renewal_under_load(at: Emulator) {
    let life: u64 = at.key("SHORT_LIFE").parse().unwrap();
    assert!(life <= 10, "the short client's tokens live {life} s");
    let session = at.session(at.client("SHORT_CLIENT_ID"), at.user("plain")).await;
    signed_in(&session).await;
    let clock = SystemClock::new();
    let until = clock.monotonic().after(Duration::from_secs(2 * life + 3));
    let bare = Bare::new(at.client("SHORT_CLIENT_ID"), at.user("plain"));
    let mut stored = bare.sign_in().await.stored().clone();
    let (mut generations, mut calls) = (BTreeSet::new(), 0);
    while clock.monotonic() < until {
        let authorized = session.authorization().await.unwrap();
        generations.insert(authorized.generation().counter);
        stored.access_token = authorized.access_token().clone();
        let tokens = TokenSet::from_stored(stored.clone());
        bare.run(&Operation::WhoAmI, Some(&tokens)).await.unwrap();
        calls += 1;
        pause(Duration::from_millis(100)).await;
    }
    assert!((4..=7).contains(&generations.len()), "{generations:?}");
    at.ok(
        "renewal of short tokens",
        &format!(
            "{} generations of {life} s, {calls} calls, none refused; laxer: the service's shortest life is five minutes",
            generations.len()
        ),
    );
}
