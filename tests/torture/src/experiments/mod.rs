//! The experiments, one file each. To add one: a file with an async `run`, and a line below.

mod defects;
mod disk;
mod guards;
mod kill;
mod points;
mod processes;
mod redis;
mod runtime;
mod stop;
mod walk;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use crate::findings::Findings;

/// How an experiment is run.
#[derive(Clone, Copy)]
pub(crate) struct Cx {
    /// In CI: shorter, with fewer repetitions, and the same claims.
    pub(crate) quick: bool,
    pub(crate) seed: u64,
    /// Write what the documents should say, instead of comparing it.
    pub(crate) write_docs: bool,
}

/// How an experiment ended.
pub(crate) enum End {
    Findings(Findings),
    /// Something of the machine is missing; what, and what to do about it.
    Skipped(String),
}

/// An experiment that could not be run at all.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<End, Failure>> + Send>>;

pub(crate) struct Experiment {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// It mostly waits: those that do and follow each other run side by side.
    pub(crate) waits: bool,
    pub(crate) run: fn(Cx) -> Running,
}

/// All of them, in the order in which they run.
pub(crate) const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "processes",
        about: "eight processes share one store and one rotating account, under load",
        waits: false,
        run: |cx| Box::pin(processes::run(cx)),
    },
    Experiment {
        name: "kill",
        about: "the same with slow exchanges, and processes killed between journal and commit",
        waits: false,
        run: |cx| Box::pin(kill::run(cx)),
    },
    Experiment {
        name: "points",
        about: "a process dies at every step of an exchange, for every kind of refresh",
        waits: false,
        run: |cx| Box::pin(points::run(cx)),
    },
    Experiment {
        name: "runtime",
        about: "a runtime that is dropped between send and commit",
        waits: false,
        run: |cx| Box::pin(runtime::run(cx)),
    },
    Experiment {
        name: "stop",
        about: "processes that are stopped in an exchange, and go on",
        waits: true,
        run: |cx| Box::pin(stop::run(cx)),
    },
    Experiment {
        name: "guards",
        about: "what one process has learned of an account spares it from all others",
        waits: true,
        run: |cx| Box::pin(guards::run(cx)),
    },
    Experiment {
        name: "disk",
        about: "disks that are full, limited, read-only, gone or damaged, and a clock that is set back",
        waits: true,
        run: |cx| Box::pin(disk::run(cx)),
    },
    Experiment {
        name: "redis",
        about: "four keepers on one Redis, wires that are cut, and a Redis that is restarted",
        waits: true,
        run: |cx| Box::pin(redis::run(cx)),
    },
    Experiment {
        name: "defects",
        about: "engines that are broken on purpose are seen to be",
        waits: false,
        run: |cx| Box::pin(defects::run(cx)),
    },
    Experiment {
        name: "walk",
        about: "the machine itself, two hosts over one store, through everything that can happen",
        waits: false,
        run: |cx| Box::pin(walk::run(cx)),
    },
];
