//! Many threads at once: no lock is taken twice, nothing is lost, nothing hangs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{Server, World};
use countersign_core::{Authorization, Clock};
use countersign_runtime::{Authorized, Keeper, Session, SystemClock};
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
                        if let Ok(authorized) = session.authorization().await {
                            presents_its_token(&authorized);
                            if n == 6 && turn.is_multiple_of(30) {
                                session.reject(authorized.generation());
                            }
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
async fn threads_that_crowd_take_headers_counted_apart_and_those_go_with_the_token() {
    const TURNS: usize = 1_100;
    let world = World::new();
    let session = world.signed_in().await;
    // If one of them ends early, the other one hears of it.
    let ((to_one, of_one), (to_two, of_two)) = (mpsc::channel(), mpsc::channel());
    to_one.send(()).unwrap();
    let threads = [(of_one, to_two), (of_two, to_one)].map(|(turn, next)| {
        let session = session.clone();
        thread::spawn(move || {
            let mut taken = Vec::new();
            for _ in 0..TURNS {
                turn.recv().unwrap();
                taken.push(Taken::from(&session));
                if next.send(()).is_err() {
                    break;
                }
            }
            taken
        })
    });
    let [ones, twos] = threads.map(|thread| thread.join().unwrap());

    assert!(ones[0].set.ptr_eq(&twos[0].set), "no two threads crowd by having met once");
    let (one, two) = (ones.last().unwrap(), twos.last().unwrap());
    assert!(!one.set.ptr_eq(&two.set));
    for taken in ones.iter().chain(&twos) {
        assert_eq!(taken.bytes, ones[0].bytes, "they are over the same bytes");
    }
    session.refresh().await.unwrap();
    assert_ne!(Taken::from(&session).bytes, one.bytes, "it is another token's");
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
        presents_its_token(&authorized);
        Self { set: Arc::downgrade(set), bytes }
    }
}

/// Whichever thread asks: a header is that of the token it came with.
fn presents_its_token(authorized: &Authorized) {
    let header = authorized.header(&AUTHORIZATION).unwrap().as_bytes();
    let (scheme, token) = header.split_at("Bearer ".len());
    assert_eq!(scheme, b"Bearer ");
    assert!(token == authorized.access_token().secret().expose_bytes(), "another token's header");
}

/// The server's own books: every token that lives was bought by an exchange that it has seen.
fn served_by(server: &Server) {
    let bought = server.count("sign_in") + server.count("refresh");
    let tokens = server.state().access_tokens.len();
    assert!(tokens > 0 && tokens <= bought, "{tokens} of {bought}");
}
