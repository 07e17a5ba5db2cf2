//! Many threads at once: no lock is taken twice, nothing is lost, nothing hangs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Weak};
use std::thread;
use std::time::Duration;

use crate::common::{Server, World};
use countersign_core::{Authorization, Clock};
use countersign_runtime::{Keeper, Session, SystemClock};
use http::header::AUTHORIZATION;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_refusals_sign_outs_and_renewals_at_once_end_with_a_good_token() {
    let world = World::new();
    world.server.state().life = Duration::from_millis(300);
    let keepers: Vec<Keeper> = (0..2)
        .map(|n| {
            let builder = Keeper::builder().transport(world.server.clone());
            builder.store(world.store.clone()).replica_seed(n).build().unwrap()
        })
        .collect();
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..32 {
        let keeper = &keepers[n % 2];
        let session = world.described(keeper).open().await.unwrap();
        let over = Arc::clone(&over);
        tasks.spawn(async move {
            let mut turn = 0_u32;
            while !over.load(Ordering::Relaxed) {
                turn += 1;
                match (n, turn % 50) {
                    (0, 7) => drop(session.sign_in().await),
                    (1, 9) => drop(session.refresh().await),
                    (2, 11) => drop(session.sign_out(Duration::from_millis(50)).await),
                    (3, 12) => drop(session.sign_in().await),
                    (4, _) => drop(session.status()),
                    (5, 3) => session.reject(Default::default()),
                    _ => {
                        if let Ok(authorized) = session.authorization().await
                            && n == 6
                            && turn.is_multiple_of(30)
                        {
                            session.reject(authorized.generation());
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
            session
        });
    }
    let clock = SystemClock::new();
    clock.sleep_until(clock.monotonic().after(Duration::from_secs(3))).await;
    over.store(true, Ordering::Relaxed);
    let mut last = None;
    while let Some(session) = tasks.join_next().await {
        last = Some(session.unwrap());
    }
    let session = last.unwrap();
    session.sign_in().await.unwrap();
    session.authorization().await.unwrap();
    for keeper in keepers {
        assert!(keeper.shutdown(Duration::from_secs(5)).await);
    }
    served_by(&world.server);
}

#[tokio::test]
async fn threads_that_crowd_take_headers_counted_apart_and_those_go_with_the_session() {
    const TURNS: usize = 200;
    let world = World::new();
    let session = world.signed_in().await;
    let turn = Arc::new(Barrier::new(2));
    let threads: Vec<_> = [0, 1]
        .map(|mine| {
            let (session, turn) = (session.clone(), Arc::clone(&turn));
            thread::spawn(move || {
                let mut taken = Vec::new();
                for n in 0..2 * TURNS {
                    if n % 2 == mine {
                        taken.push(Taken::from(&session));
                    }
                    turn.wait();
                }
                taken
            })
        })
        .into_iter()
        .collect();
    let mut taken: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let (ones, twos) = (taken.pop().unwrap(), taken.pop().unwrap());

    assert!(ones[0].set.ptr_eq(&twos[0].set), "no two threads crowd by having met once");
    let (one, two) = (ones.last().unwrap(), twos.last().unwrap());
    assert!(!one.set.ptr_eq(&two.set));
    for taken in ones.iter().chain(&twos) {
        assert_eq!(taken.bytes, ones[0].bytes, "they are over the same bytes");
    }
    session.sign_out(Duration::from_secs(5)).await;
    assert!(ones.iter().chain(&twos).all(|taken| taken.set.upgrade().is_none()));
}

/// What a thread took of a session, without holding it.
struct Taken {
    set: Weak<Authorization>,
    bytes: usize,
}

impl Taken {
    fn from(session: &Session) -> Self {
        let authorized = session.current().unwrap();
        let set = authorized.authorization();
        let bytes = set.header(&AUTHORIZATION).unwrap().as_bytes().as_ptr().addr();
        assert_eq!(authorized.header(&AUTHORIZATION).unwrap().as_bytes().as_ptr().addr(), bytes);
        assert_eq!(authorized.headers().len(), 1);
        Self { set: Arc::downgrade(set), bytes }
    }
}

/// The server's own books: every token that lives was bought by an exchange that it has seen.
fn served_by(server: &Server) {
    let bought = server.count("sign_in") + server.count("refresh");
    let tokens = server.state().access_tokens.len();
    assert!(tokens > 0 && tokens <= bought, "{tokens} of {bought}");
}
