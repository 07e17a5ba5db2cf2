//! What callers hand in: credentials for one time, answers to challenges.

use countersign_core::session::Reauthentication;
use countersign_core::{Answers, Credentials, ErrorKind};
use countersign_model::explore::Scenario;
use shuttle::future::block_on;

use super::{World, ended, scenario};
use crate::SignIn;

pub(super) const ALL: &[Scenario] = &[
    scenario("two sign-ins", two_sign_ins),
    scenario("credentials for one time", one_time_during_refresh),
    scenario("credentials for one time, joined", one_time_joined),
    scenario("two answers", two_answers),
    scenario("an answer and news", answer_against_news),
];

const NEW: &str = "canary-new-password";

/// Two sign-ins by name at once: both are signed in.
fn two_sign_ins() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let session = session.clone();
            world.runtime.call(async move { session.sign_in().await })
        })
        .collect();
    for caller in callers {
        assert!(matches!(ended(caller), Ok(SignIn::Complete)));
    }
    assert!((1..=2).contains(&world.server.count("sign_in")));
    assert!(session.current().is_some());
    drop((keeper, session));
    world.end();
}

/// Credentials for one time are handed in while a refresh is under way: they are the ones that are
/// sent, whatever the source says.
fn one_time_during_refresh() {
    let world = World::new();
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    world.server.state().password = NEW.into();
    let first = session.current().unwrap();
    let caller = world.caller(&session);
    let refresher = world.runtime.call(async move {
        caller.reject(&first);
        caller.authorization().await
    });
    let comer = {
        let session = session.clone();
        let given = Credentials::password("kim", NEW.to_owned());
        world.runtime.call(async move { session.sign_in_with(given).await })
    };
    let came = ended(comer);
    assert!(matches!(came, Ok(SignIn::Complete)), "{came:?}");
    ended(refresher).unwrap();
    assert_eq!(world.server.count("sign_in"), 2);
    drop((keeper, session));
    world.end();
}

/// Credentials for one time are handed in while a sign-in by name is under way that has asked the
/// source: they are sent all the same.
fn one_time_joined() {
    let world = World::new();
    world.server.state().password = NEW.into();
    let keeper = world.quiet_host();
    let session = world.open(&keeper);
    let first = session.clone();
    let first = world.runtime.call(async move { first.sign_in().await });
    let second = session.clone();
    let given = Credentials::password("kim", NEW.to_owned());
    let second = world.runtime.call(async move { second.sign_in_with(given).await });
    let came = ended(second);
    assert!(matches!(came, Ok(SignIn::Complete)), "{came:?}");
    if let Err(error) = ended(first) {
        assert_eq!(error.kind(), ErrorKind::InvalidGrant);
    }
    assert!(session.current().is_some());
    drop((keeper, session));
    world.end();
}

/// A challenge is answered by two at once: one answer is sent, and it is the one that one of them gave.
fn two_answers() {
    let world = World::new();
    world.server.state().challenges = true;
    let keeper = world.quiet_host();
    let described = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = block_on(described.open()).unwrap();
    assert!(matches!(block_on(session.sign_in()), Ok(SignIn::Challenge(_))));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let session = session.clone();
            world
                .runtime
                .call(async move { session.answer(Answers::code("123456".to_owned())).await })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        match ended(caller) {
            Ok(SignIn::Complete) => answered += 1,
            Ok(SignIn::Challenge(_)) => panic!("the answer was right"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ChallengeExpired, "{error}"),
        }
    }
    assert!(answered >= 1);
    assert_eq!(world.server.count("answer"), 1);
    assert!(session.current().is_some());
    drop((keeper, session));
    world.end();
}

/// An answer is given while a sibling's news is read: it is sent.
fn answer_against_news() {
    let world = World::new();
    world.server.state().challenges = true;
    let keeper = world.quiet_host();
    let described = world.described(&keeper).reauthentication(Reauthentication::Manual);
    let session = block_on(described.open()).unwrap();
    assert!(matches!(block_on(session.sign_in()), Ok(SignIn::Challenge(_))));
    let asking = world.caller(&session);
    let asker = world.runtime.call(async move { asking.authorization().await });
    let reopened = world.described(&keeper);
    let opener = world.runtime.call(async move { reopened.open().await.map(drop) });
    let answering = session.clone();
    let answerer = world
        .runtime
        .call(async move { answering.answer(Answers::code("123456".to_owned())).await });
    let answered = ended(answerer);
    assert!(matches!(answered, Ok(SignIn::Complete)), "{answered:?}");
    ended(opener).unwrap();
    if let Err(error) = ended(asker) {
        assert_eq!(error.kind(), ErrorKind::NeedsSignIn);
    }
    drop((keeper, session));
    world.end();
}
