//! Secrets come out nowhere: not in logs of any crate at trace level, not in errors, panics, `Debug`,
//! stores or processes; and whoever says so finds every leak that is planted.
//!
//! What the command-line tool prints, reports and starts is searched in its own tests, with the same
//! searcher.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

mod cast;
mod channels;
mod encodings;
mod haul;
mod hostile;
mod life;
mod planted;
mod recorder;
mod searcher;

use haul::Haul;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f32_no_secret_of_five_lives_comes_out_anywhere() {
    recorder::start();
    let haul = Haul::default();
    let mut lives = tokio::task::JoinSet::new();
    for actor in cast::assemble().await {
        let haul = haul.clone();
        lives.spawn(life::live(actor, haul));
    }
    // Panics of a life are those of its assertions.
    while let Some(lived) = lives.join_next().await {
        lived.expect("a life without a failure");
    }
    let mut meetings = tokio::task::JoinSet::new();
    for actor in cast::assemble().await {
        let haul = haul.clone();
        meetings.spawn(async move {
            hostile::meet(&actor, &haul).await;
            actor.running.shutdown().await;
        });
    }
    while let Some(met) = meetings.join_next().await {
        met.expect("a meeting without a failure");
    }

    let crates = recorder::crates();
    for name in ["countersign_runtime", "hyper_util", "reqwest"] {
        assert!(crates.contains(name), "{name} has logged nothing: {crates:?}");
    }
    println!("canaries: {} errors told, logs of {crates:?}", haul.n_errors());
    let (secrets, channels, found) = haul.search();
    let tally = planted::tally();
    println!(
        "canaries: {secrets} secrets, {channels} channels, {} encodings: {} found, {} of {} planted leaks caught",
        tally.encodings,
        found.len(),
        tally.caught(),
        tally.planted,
    );
    assert!(secrets > 50 && haul.n_errors() > 100, "too little has happened");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
