//! Who has headers of its own, and who has not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_core::Timestamp;
use http::header::AUTHORIZATION;

use super::*;

/// Which publications of the process have sets is one count for all tests.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TEST: Mutex<()> = Mutex::new(());
    TEST.lock().unwrap_or_else(PoisonError::into_inner)
}

fn made() -> Authorization {
    let value = HeaderValue::from_static("Bearer canary");
    Authorization::new([(AUTHORIZATION, value)], Timestamp::MAX)
}

fn threads<const N: usize>() -> [Thread; N] {
    [(); N].map(|()| Thread::new())
}

fn many(n: usize) -> Vec<Shards> {
    (0..n).map(|_| Shards::new()).collect()
}

fn with_sets(publications: &[Shards]) -> usize {
    publications.iter().filter(|shards| shards.sets.get().is_some()).count()
}

/// Each of `publications` is taken by each of `threads` in turn, `times` over.
fn in_turn(times: usize, threads: &[Thread], publications: &[Shards]) {
    let made = made();
    for _ in 0..times {
        for shards in publications {
            for thread in threads {
                shards.of(thread, &made);
            }
        }
    }
}

const OFTEN: usize = super::OFTEN as usize;

#[test]
fn a_thread_alone_takes_what_the_adapter_made_however_many_publications_there_are() {
    let _alone = one_at_a_time();
    let (made, thread) = (made(), Thread::new());
    // In one place, as an allocator gives it again and again.
    let mut shards = Shards::new();
    for _ in 0..3 * OFTEN {
        for _ in 0..10 {
            assert!(shards.of(&thread, &made).is_none());
        }
        shards = Shards::new();
    }
}

#[test]
fn only_what_was_taken_after_another_thread_counts() {
    let _alone = one_at_a_time();
    let (made, threads, shards) = (made(), threads::<2>(), Shards::new());
    for _ in 0..OFTEN - usize::from(SELDOM) {
        for thread in &threads {
            for _ in 0..10 {
                assert!(shards.of(thread, &made).is_none());
            }
        }
    }
}

#[test]
fn threads_that_crowd_around_one_publication_have_a_set_each_over_the_same_bytes() {
    let _alone = one_at_a_time();
    let (made, threads, shards) = (made(), threads::<3>(), Shards::new());
    for _ in 0..OFTEN + 2 * usize::from(SELDOM) {
        for thread in &threads[..2] {
            shards.of(thread, &made);
        }
    }
    // The third one comes late, and need not wait as long as these.
    let sets: Vec<_> = threads.iter().map(|thread| shards.of(thread, &made).unwrap()).collect();
    for (n, set) in sets.iter().enumerate() {
        assert!(Arc::ptr_eq(set, shards.of(&threads[n], &made).unwrap()));
        assert!(sets[..n].iter().all(|other| !Arc::ptr_eq(set, other)));
        assert_eq!((set.headers(), set.valid_until()), (made.headers(), made.valid_until()));
        let [mine, of_all] = [set, &made].map(|set| &set.headers()[0].1);
        assert!(mine.is_sensitive());
        assert_eq!(mine.as_bytes().as_ptr(), of_all.as_bytes().as_ptr());
    }
}

#[test]
fn many_sessions_in_use_have_no_sets_and_are_not_written_to() {
    let _alone = one_at_a_time();
    let (threads, publications) = (threads::<2>(), many(1_000));
    in_turn(50, &threads, &publications);
    assert_eq!(with_sets(&publications), 0);
    let before: Vec<_> =
        publications.iter().map(|shards| shards.taken_by.load(Ordering::Relaxed)).collect();
    in_turn(1, &threads, &publications);
    let written = publications.iter().zip(before);
    let written = written.filter(|(shards, by)| shards.taken_by.load(Ordering::Relaxed) != *by);
    assert_eq!(written.count(), 0);
}

#[test]
fn what_is_taken_often_among_many_has_sets_and_so_have_as_many_as_a_thread_knows() {
    let _alone = one_at_a_time();
    let threads = threads::<2>();
    let (busy, publications) = (many(1), many(1_000));
    for part in publications.chunks(2).cycle().take(2 * OFTEN) {
        in_turn(1, &threads, part);
        in_turn(2, &threads, &busy);
    }
    assert_eq!((with_sets(&busy), with_sets(&publications)), (1, 0));

    let (threads, known) = (self::threads::<2>(), many(KNOWN));
    in_turn(2 * OFTEN, &threads, &known);
    assert_eq!(with_sets(&known), KNOWN);
    let (threads, more) = (self::threads::<2>(), many(KNOWN + 1));
    in_turn(2 * OFTEN, &threads, &more);
    assert_eq!(with_sets(&more), 0);
}

#[test]
fn one_after_the_other_so_many_have_sets_and_the_next_when_one_of_them_is_gone() {
    let _alone = one_at_a_time();
    let threads = threads::<2>();
    // What was often before has to be forgotten first, by one thread after the other.
    let (most, enough) = (MOST as usize, 4 * OFTEN);
    let mut publications = many(most + 20);
    for shards in &publications {
        in_turn(enough, &threads, std::slice::from_ref(shards));
    }
    assert_eq!(with_sets(&publications), most);
    assert_eq!(with_sets(&publications[..most]), most);
    // Whom all of them have met last is not written down again and again.
    let [next, ..] = &publications[most..] else { panic!("there are more") };
    in_turn(enough, &threads, std::slice::from_ref(next));
    let before = next.taken_by.load(Ordering::Relaxed);
    for thread in &threads {
        next.of(thread, &made());
        assert_eq!(next.taken_by.load(Ordering::Relaxed), before);
    }
    drop(publications.drain(..1));
    in_turn(enough, &threads, &publications[most..=most]);
    assert_eq!(with_sets(&publications), most);
}
