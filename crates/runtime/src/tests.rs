//! What only the inside of the driver can show.

use std::time::Duration;

use countersign_core::Origin;
use http::HeaderMap;

use crate::Session;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_get_their_headers_while_somebody_holds_the_sessions_mutex() {
    let session = Session::fixed("canary-token").unwrap();
    let held = session.0.core();
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move {
                let origin = Origin::parse("https://api.example").unwrap();
                let mut headers = HeaderMap::new();
                for _ in 0..100 {
                    session.authorize(&mut headers, &origin).await.unwrap();
                    assert!(session.current().is_some());
                }
                headers["authorization"] == "Bearer canary-token"
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    drop(held);
}

#[tokio::test]
async fn a_fixed_session_never_ends_and_never_asks() {
    let session = Session::fixed("canary-token").unwrap();
    let year = Duration::from_secs(365 * 24 * 3600);
    let authorized = session.authorization_for(year).await.unwrap();
    assert_eq!(authorized.headers().len(), 1);
    session.reject(authorized.generation());
    assert!(session.authorization().await.is_err());
    assert!(!format!("{session:?} {authorized:?} {:?}", session.status()).contains("canary"));
    assert!(Session::fixed("no token").is_err());
}

#[tokio::test]
async fn the_state_of_an_idle_session_is_small() {
    let size = size_of::<crate::cell::Cell>();
    assert!(size <= 144, "{size}");
    let future = size_of_val(&Session::fixed("x").unwrap().authorization());
    assert!(future <= 256, "{future}");
}
