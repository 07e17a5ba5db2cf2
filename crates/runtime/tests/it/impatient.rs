//! Whoever asks again and again while everybody has to wait takes nobody's place.

use crate::common::store::Flaky;
use crate::common::{Act, PASSWORD, World, ended, seconds, settle, shown};
use countersign_core::session::Status;
use countersign_core::{Clock, Credentials, ErrorKind, Operation, SecretString};
use countersign_runtime::{Keeper, Session};
use countersign_seal::suite::Through;
use serde_json::json;

async fn session_of(world: &World, keeper: &Keeper, identity: &str) -> Session {
    let password = Credentials::password(identity, PASSWORD.to_owned());
    let described = keeper.session(world.provider.clone(), identity).credentials(password);
    described.auth_limit(20, seconds(60)).open().await.unwrap()
}

/// A server that wants everybody to wait for a quarter of an hour.
async fn throttled(world: &World, session: &Session) {
    let until = world.clock.now().after(seconds(900)).as_millis();
    world.server.next("sign_in", Act::Say(429, json!({ "until": until })));
    assert_eq!(session.sign_in().await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(world.server.count("sign_in"), 1);
}

#[tokio::test]
async fn f50_p15_one_that_asks_each_second_does_not_push_the_others_into_the_future() {
    let world = World::new();
    let keeper = world.keeper();
    let impatient = session_of(&world, &keeper, "kim").await;
    let other = session_of(&world, &keeper, "lee").await;
    throttled(&world, &impatient).await;
    for _ in 0..600 {
        world.clock.advance(seconds(1));
        assert_eq!(impatient.sign_in().await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(world.server.count("sign_in"), 1, "nothing is sent meanwhile");
    world.pass(seconds(330)).await;
    settle().await;
    assert_eq!((impatient.state(), other.state()), (Status::Active, Status::Active));
    assert!(shown(&other).is_some());
    assert_eq!(world.server.count("sign_in"), 3);
}

#[tokio::test]
async fn f50_p15_nor_does_one_whose_operations_are_tried_each_second() {
    let world = World::new();
    let keeper = world.keeper();
    let impatient = session_of(&world, &keeper, "kim").await;
    impatient.authorization().await.unwrap();
    let other = session_of(&world, &keeper, "lee").await;
    let until = world.clock.now().after(seconds(900)).as_millis();
    let change =
        || Operation::ChangePassword { new_password: SecretString::new("canary-new-password") };
    world.server.next("change_password", Act::Say(429, json!({ "until": until })));
    for _ in 0..600 {
        world.clock.advance(seconds(1));
        let error = impatient.perform(change()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
    assert_eq!(world.server.count("change_password"), 1);
    assert_eq!(other.authorization().await.unwrap_err().kind(), ErrorKind::RateLimited);
    world.pass(seconds(330)).await;
    assert_eq!(other.state(), Status::Active);
}

#[tokio::test]
async fn a_caller_waits_no_longer_for_a_look_at_the_store_than_it_wants_to() {
    let world = World::new();
    let store = Flaky::new(world.store.clone());
    let keeper = world.keeper_builder().store(Through(store.clone())).build().unwrap();
    let session = session_of(&world, &keeper, "kim").await;
    session.authorization().await.unwrap();
    session.sign_out(seconds(10)).await;
    world.pass(seconds(2)).await;
    store.stall_next_read();
    let asking = session.clone();
    let asking = tokio::spawn(async move { asking.authorization_within(seconds(1)).await });
    settle().await;
    assert!(!asking.is_finished(), "somebody may have signed in since");
    world.pass(seconds(2)).await;
    assert_eq!(ended(asking).await.unwrap_err().kind(), ErrorKind::SignedOut);
}
