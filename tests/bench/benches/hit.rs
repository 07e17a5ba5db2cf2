//! The hit path under the usual harness: `cargo bench --package countersign-bench`.
//!
//! The figures that are judged are those of `cargo xtask bench`; these are for whoever works on one
//! path and wants criterion's comparison with the run before.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign_runtime::{Authorized, Session};
use criterion::{Criterion, criterion_group, criterion_main};
use http::header::AUTHORIZATION;

fn hit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    let _inside = runtime.enter();
    let Ok(session) = Session::fixed(&"a".repeat(1_024)) else { panic!("no session") };
    let mut group = criterion.benchmark_group("hit");
    group.bench_function("current", |bencher| bencher.iter(|| black_box(session.current())));
    group.bench_function("authorization", |bencher| {
        bencher.iter(|| black_box(at_once(&session)));
    });
    group.bench_function("header", |bencher| {
        bencher.iter(|| {
            let authorized = at_once(&session);
            black_box(authorized.header(&AUTHORIZATION).cloned())
        });
    });
    group.finish();
}

/// Polled once and by hand: a runtime's `block_on` takes ten times as long as what is measured.
fn at_once(session: &Session) -> Authorized {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(session.authorization()).poll(&mut cx) {
        Poll::Ready(Ok(authorized)) => authorized,
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => panic!("a token that never ends was waited for"),
    }
}

criterion_group!(benches, hit);
criterion_main!(benches);
