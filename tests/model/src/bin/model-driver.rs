//! The runtime's own files over the primitives of the model: `model-driver` runs all scenarios under many
//! schedules, `model-driver NAME` one of them or one group, `model-driver exhaustive` the small ones under all.

// In a build for tests the runtime's own tests would be in its files.
#![cfg(not(test))]
#![allow(
    dead_code,
    unreachable_pub,
    unnameable_types,
    reason = "the runtime's face is its own affair"
)]
#![expect(clippy::unwrap_used, reason = "a model that cannot be set up fails")]
#![expect(clippy::print_stdout, reason = "the counts are the result")]

mod sync {
    pub(crate) use countersign_model::sync::*;
}

#[path = "../../scenarios/mod.rs"]
mod scenarios;

include!(concat!(env!("OUT_DIR"), "/driver.rs"));

/// More schedules than this are not tried where all are.
const MOST: usize = 200_000;

fn main() {
    let wanted = std::env::args().nth(1);
    let wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let mut found = false;
    for (group, scenarios) in scenarios::GROUPS {
        let chosen = scenarios.iter().filter(|scenario| wanted(group) || wanted(scenario.name));
        let counts: Vec<usize> = chosen.map(|scenario| scenario.explore()).collect();
        if !counts.is_empty() {
            found = true;
            let schedules: usize = counts.iter().sum();
            println!("model: {group}: {} scenarios, {schedules} schedules", counts.len());
        }
    }
    for scenario in scenarios::SMALL.iter().filter(|_| wanted("exhaustive")) {
        found = true;
        let all = scenario.exhaust(MOST);
        let all =
            all.unwrap_or_else(|| panic!("`{}` has more than {MOST} schedules", scenario.name));
        println!("model: {}: all of its {all} schedules", scenario.name);
    }
    assert!(found, "there is no such scenario");
}
