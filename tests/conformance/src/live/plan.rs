//! What a live run is about to do, as it is told before it begins.

use std::fmt::Write as _;

use countersign_conformance::{Decision, Planned};

use crate::args::Live;

/// Refuses an `--allow` that allows nothing.
pub(super) fn check(planned: &[Planned], wanted: &Live) -> Result<(), String> {
    for id in &wanted.allow {
        let found = planned.iter().find(|case| case.id == id);
        let why = match found.map(|case| &case.decision) {
            Some(Decision::NotHere(reason)) => reason,
            Some(_) => continue,
            None => "it is not among the cases that were selected",
        };
        return Err(format!("`{id}` was allowed and cannot be run here: {why}; take it out"));
    }
    Ok(())
}

/// The plan, for a person who may still stop it.
pub(super) fn text(planned: &[Planned], profile: &str, provider: &str, wanted: &Live) -> String {
    let mut out = String::new();
    let of = |so: fn(&Decision) -> bool| -> Vec<&Planned> {
        planned.iter().filter(|case| so(&case.decision)).collect()
    };
    let runs = of(|decision| matches!(decision, Decision::Runs { .. }));
    let most: u64 = runs.iter().map(|case| u64::from(sign_ins(&case.decision))).sum();
    let (n, budget) = (runs.len(), wanted.sign_ins);
    let _ = writeln!(out, "live: the service of profile `{profile}`, {provider}");
    let _ =
        writeln!(out, "will run: {n} cases; sign-ins: {most} at most, of {budget} (--sign-ins)");
    for case in runs {
        let _ = writeln!(out, "  {:<40} {}", case.id, case.title);
    }
    list(&mut out, "not allowed (--allow CASE)", &of(|d| matches!(d, Decision::NotAllowed(_))));
    let unplayed = of(|d| matches!(d, Decision::WithoutFaults));
    list(&mut out, "faults on the way are not played (--faults)", &unplayed);
    list(&mut out, "left out by name (--except CASE)", &of(|d| matches!(d, Decision::Excepted)));
    let elsewhere = of(|d| matches!(d, Decision::NotHere(_))).len();
    if elsewhere > 0 {
        let _ = writeln!(out, "not for this service: {elsewhere} cases; the report says why");
    }
    out
}

fn list(out: &mut String, heading: &str, cases: &[&Planned]) {
    if cases.is_empty() {
        return;
    }
    let _ = writeln!(out, "{heading}: {} cases", cases.len());
    for case in cases {
        let why = match &case.decision {
            Decision::NotAllowed(harm) => harm.as_str(),
            _ => case.title,
        };
        let _ = writeln!(out, "  {:<40} {why}", case.id);
    }
}

const fn sign_ins(decision: &Decision) -> u32 {
    match decision {
        Decision::Runs { sign_ins } => *sign_ins,
        _ => 0,
    }
}
