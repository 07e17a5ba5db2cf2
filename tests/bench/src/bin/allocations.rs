//! Counts what `countersign_bench::count_allocations` allocates: `bench` runs it and reads its output.

use std::alloc::System;
use std::process::ExitCode;

use countersign_bench::Counted;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    countersign_bench::count_allocations(|| {
        let stats = COUNTING.stats();
        Counted {
            allocations: (stats.allocations + stats.reallocations) as u64,
            bytes: stats.bytes_allocated as u64,
        }
    })
}
