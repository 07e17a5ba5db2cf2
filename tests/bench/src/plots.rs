//! `--plot`: cost against load, ours beside the limit.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::report::{Costs, Curve, Picture, drawn};
use crate::rows::{Held, Run, SERVER_MS, Scene, weighed};
use crate::stats::Summary;

const CALLERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const SESSIONS: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 7;

/// Measures and draws; says where the pictures are.
pub(crate) fn plotted(
    folder: &Path,
    run: Run,
    mut told: impl FnMut(String),
) -> Result<Vec<PathBuf>> {
    let callers = callers(&mut told)?;
    let sessions = sessions(run, &mut told)?;
    Ok(vec![
        drawn(
            folder,
            &Picture {
                name: "callers",
                title: "The last caller served, token ended, server takes 50 ms",
                load: "callers at once",
                cost: "ms until it is served",
                costs: Costs::Alike,
                curves: &callers,
            },
        )?,
        drawn(
            folder,
            &Picture {
                name: "sessions",
                title: "Resident memory, tokens of 1,280 B",
                load: "sessions",
                cost: "KiB of the process",
                costs: Costs::Apart,
                curves: &sessions,
            },
        )?,
    ])
}

fn callers(told: &mut impl FnMut(String)) -> Result<[Curve; 3]> {
    let scene = Scene::new()?;
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for callers in CALLERS {
        told(format!("{callers} callers"));
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Who begins changes, as in the rows.
            if round % 2 == 1 {
                there.push(scene.limit(callers)?.last_ms);
            }
            scene.end();
            here.push(scene.ours(callers)?.last_ms);
            if round % 2 == 0 {
                there.push(scene.limit(callers)?.last_ms);
            }
        }
        ours.extend(point(callers, &here));
        limit.extend(point(callers, &there));
    }
    let server =
        [CALLERS[0], CALLERS[CALLERS.len() - 1]].map(|callers| (callers as f64, SERVER_MS as f64));
    Ok([
        Curve { name: "ours", points: ours },
        Curve { name: "a detached exchange and a watch channel", points: limit },
        Curve { name: "the server", points: server.to_vec() },
    ])
}

fn sessions(run: Run, told: &mut impl FnMut(String)) -> Result<[Curve; 2]> {
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    let most = if run.quick { 10_000 } else { 1_000_000 };
    for sessions in SESSIONS.into_iter().filter(|sessions| *sessions <= most) {
        told(format!("{sessions} sessions"));
        let kib = |held| weighed(held, sessions, false).map(|w| w.resident as f64 / 1_024.0);
        ours.push((sessions as f64, kib(Held::Restored)?));
        limit.push((sessions as f64, kib(Held::Arena)?));
    }
    Ok([
        Curve { name: "ours", points: ours },
        Curve { name: "two boxes and a timer", points: limit },
    ])
}

fn point(load: usize, rounds: &[f64]) -> Option<(f64, f64)> {
    Some((load as f64, Summary::of(rounds)?.median))
}
