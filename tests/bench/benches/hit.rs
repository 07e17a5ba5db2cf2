//! The hit path under the usual harness: `cargo bench --package countersign-bench`.
//!
//! The figures that are judged are those of `cargo xtask bench`; these are for whoever works on one
//! path and wants criterion's comparison with the run before.

use std::hint::black_box;

use countersign_runtime::Session;
use criterion::{Criterion, criterion_group, criterion_main};

fn hit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    let _inside = runtime.enter();
    let Ok(session) = Session::fixed(&"a".repeat(1_024)) else { panic!("no session") };
    let mut group = criterion.benchmark_group("hit");
    group.bench_function("current", |bencher| bencher.iter(|| black_box(session.current())));
    group.bench_function("authorization", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(session.authorization())));
    });
    group.finish();
}

criterion_group!(benches, hit);
criterion_main!(benches);
