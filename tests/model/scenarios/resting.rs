//! Sessions that were not read yet, or were put to rest, and keepers that only read.

use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_core::{Clock, ErrorKind};
use countersign_model::explore::Scenario;
use shuttle::future::block_on;

use super::{World, ended, scenario};
use crate::{Keeper, Session};

pub(super) const ALL: &[Scenario] = &[
    scenario("opened lazily", opened_lazily),
    scenario("the reader goes away", reader_goes_away),
    scenario("refused before it is read", refused_before_it_is_read),
    scenario("put to rest while it is used", put_to_rest_while_used),
    scenario("put to rest while it is renewed", put_to_rest_while_renewed),
    scenario("only read", only_read),
];

/// A store in which the session is signed in.
fn stored(world: &World) {
    let keeper = world.quiet_host();
    let session = world.signed_in(&keeper);
    assert!(block_on(session.close(Duration::from_secs(1))));
}

/// A session that has read nothing, and signs in by nothing but its name.
fn lazily(world: &World, keeper: &Keeper) -> Session {
    let described = world.described(keeper).reauthentication(Reauthentication::Manual);
    described.open_lazily().unwrap()
}

/// Callers who can wait and callers who cannot meet at a session that has read nothing: it is read for all of
/// them, and each who waits is served without an exchange.
fn opened_lazily() {
    let world = World::new();
    stored(&world);
    let reads = world.store.n_reads();
    let keeper = world.quiet_host();
    let session = lazily(&world, &keeper);
    let looking = world.caller(&session);
    let looker = world.runtime.call(async move { drop(looking.current()) });
    let callers = [0; 4].map(|_| {
        let caller = world.caller(&session);
        world.runtime.call(async move { caller.authorization().await })
    });
    for caller in callers {
        assert_eq!(ended(caller).unwrap().generation().counter, 1);
    }
    ended(looker);
    drop((keeper, session));
    world.runtime.join();
    assert_eq!(world.store.n_reads() - reads, 1);
    assert_eq!(world.server.count("sign_in"), 1);
    world.end();
}

/// The caller who reads for all goes away at any moment: the others are served.
fn reader_goes_away() {
    let world = World::new();
    stored(&world);
    let keeper = world.quiet_host();
    let session = lazily(&world, &keeper);
    let callers = [0; 3].map(|_| {
        let caller = world.caller(&session);
        world.runtime.call(async move { caller.authorization().await })
    });
    callers[0].abort();
    let [_gone, others @ ..] = callers;
    for caller in others {
        ended(caller).unwrap();
    }
    drop((keeper, session));
    assert_eq!(world.server.count("sign_in"), 1);
    world.end();
}

/// The token that the store holds is reported as refused while it is read: whoever asks afterwards gets the
/// next one, bought once.
fn refused_before_it_is_read() {
    let world = World::new();
    stored(&world);
    let other = world.quiet_host();
    let refused = world.open(&other).current().unwrap();
    let keeper = world.quiet_host();
    let session = lazily(&world, &keeper);
    let reading = world.caller(&session);
    let reader = world.runtime.call(async move { reading.authorization().await.map(drop) });
    let caller = world.caller(&session);
    let rejecter = world.runtime.call(async move {
        caller.reject(&refused);
        caller.authorization().await.map(|found| found.generation().counter)
    });
    ended(reader).unwrap();
    assert_eq!(ended(rejecter).unwrap(), 2);
    assert_eq!(world.server.count("refresh"), 1);
    drop((keeper, other, session));
    world.end();
}

/// A host that puts whoever it may to rest whenever it looks.
fn evicting(world: &World) -> Keeper {
    world.builder().pull().evict_idle(Duration::from_secs(0), 0).build().unwrap()
}

/// A session is put to rest while callers use it: each of them is served out of the store at the latest, and
/// nothing is bought.
fn put_to_rest_while_used() {
    let world = World::new();
    stored(&world);
    let keeper = evicting(&world);
    let session = lazily(&world, &keeper);
    let callers = [0; 2].map(|_| {
        let caller = world.caller(&session);
        world.runtime.call(async move {
            caller.current();
            for _ in 0..2 {
                caller.authorization().await?;
            }
            Ok::<_, countersign_core::Error>(())
        })
    });
    let looking = keeper.clone();
    let looker = world.runtime.call(async move {
        for _ in 0..3 {
            looking.tick();
            countersign_model::pause().await;
        }
    });
    callers.into_iter().for_each(|caller| ended(caller).unwrap());
    ended(looker);
    world.runtime.join();
    // Nobody is here any more: now it may, and has its next token from a sibling.
    keeper.tick();
    assert!(session.status().resting);
    let other = world.quiet_host();
    let renewed = block_on(world.open(&other).refresh()).unwrap();
    let found = block_on(world.caller(&session).authorization()).unwrap();
    assert_eq!(found.generation(), renewed.generation());
    assert_eq!((world.server.count("sign_in"), world.server.count("refresh")), (1, 1));
    drop((keeper, other, session, renewed, found));
    world.end();
}

/// The same while its token is renewed and the store fails once: what was bought is never lost.
fn put_to_rest_while_renewed() {
    let world = World::rotating();
    stored(&world);
    let keeper = evicting(&world);
    let session = block_on(world.described(&keeper).open()).unwrap();
    // The mark is written; the first try to write the token is not.
    world.store.fail_after(1, 1);
    // Nobody waits for the next one.
    session.reject(session.current().unwrap().generation());
    let looking = keeper.clone();
    let looker = world.runtime.call(async move {
        for _ in 0..4 {
            looking.tick();
            countersign_model::pause().await;
        }
    });
    ended(looker);
    let closing = session.clone();
    let closed = world.runtime.call(async move { closing.close(Duration::from_secs(60)).await });
    world.crank(|| closed.is_finished());
    assert!(ended(closed));
    keeper.tick();
    assert!(session.status().resting);
    let other = world.quiet_host();
    let sibling = world.open(&other);
    assert_eq!(sibling.current().unwrap().generation().counter, 2);
    assert_eq!(world.server.count("refresh"), 1);
    drop((keeper, other, session, sibling));
    world.end();
}

/// A keeper that only reads, while its sibling signs in, renews and is refused: it hands out what the sibling
/// has written, sends nothing, and never takes back what it was told is refused.
fn only_read() {
    let world = World::rotating();
    let host = world.quiet_host();
    let theirs = world.open(&host);
    let reader = world.builder().read_only().build().unwrap();
    let ours = block_on(reader.session(world.provider.clone(), "kim").open()).unwrap();
    let writing = theirs.clone();
    let writer = world.runtime.call(async move {
        writing.authorization().await?;
        writing.refresh().await.map(drop)
    });
    let readers = [0; 2].map(|_| {
        let caller = world.caller(&ours);
        world.runtime.call(async move {
            caller.current();
            caller.authorization().await.map(|found| caller.reject(&found))
        })
    });
    for reader in readers {
        if let Err(error) = ended(reader) {
            assert_eq!(error.kind(), ErrorKind::NeedsSignIn, "{error}");
        }
    }
    ended(writer).unwrap();
    // A moment later whoever asks finds what was written, unless it was refused here.
    world.clock.advance(Duration::from_secs(2));
    let caller = world.caller(&ours);
    let last = world.runtime.call(async move { caller.authorization().await.map(drop) });
    if let Err(error) = ended(last) {
        assert_eq!(error.kind(), ErrorKind::NeedsSignIn, "{error}");
    }
    let asked = ["sign_in", "refresh", "revoke"].map(|path| world.server.count(path));
    assert_eq!(asked, [1, 1, 0]);
    assert!(world.clock.now() > theirs.status().issued_at.unwrap());
    drop((host, reader, theirs, ours));
    world.end();
}
