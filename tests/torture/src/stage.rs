//! Where an experiment takes place: a server of some kind on loopback, a folder, and plans for processes
//! that use both.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use countersign_simulator::{Operation, Running, Simulator};
use tempfile::TempDir;

use crate::kind::{Facts, Kind};
use crate::plan::{Person, Plan, Task};

pub(crate) struct Stage {
    pub(crate) kind: Kind,
    pub(crate) simulator: Simulator,
    pub(crate) facts: Facts,
    pub(crate) folder: TempDir,
    _server: Running,
}

/// What the server has recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    /// Sign-ins that were carried out.
    pub(crate) sign_ins: u64,
    /// Refreshes that were carried out.
    pub(crate) refreshes: u64,
    /// How often a refresh token was presented that had been spent.
    pub(crate) spent_presented: u64,
    /// Refreshes that were refused.
    pub(crate) refused: u64,
    /// Sign-ins that were refused.
    pub(crate) sign_ins_refused: u64,
    /// Calls of the API that were carried out.
    pub(crate) calls: u64,
    /// Calls of the API that were refused as unauthorised.
    pub(crate) unauthorized: u64,
}

impl Seen {
    pub(crate) fn exchanges(self) -> u64 {
        self.sign_ins + self.refreshes
    }
}

impl Stage {
    /// A server whose access tokens live for `life`, and an empty store.
    pub(crate) async fn new(kind: Kind, life: Duration) -> io::Result<Self> {
        let simulator = kind.simulator(life);
        let server = simulator.serve().await?;
        let facts = kind.facts(&simulator, &server.url());
        let folder = tempfile::Builder::new().prefix("countersign-torture-").tempdir()?;
        Ok(Self { kind, simulator, facts, folder, _server: server })
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn phase_file(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("phase-{n}"))
    }

    /// A plan with the usual patience.
    pub(crate) fn plan(&self, task: Task) -> Plan {
        Plan {
            task,
            kind: self.kind,
            facts: self.facts.clone(),
            folder: self.store(),
            automatic: Some(10_000),
            exchange_deadline_ms: None,
            caller_deadline_ms: 60_000,
            phase: None,
            counts_steps: false,
            defect: None,
            dies_at: None,
            person: Person::default(),
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        let totals = self.simulator.totals();
        Seen {
            sign_ins: totals.exchanges_of(Operation::SIGN_IN),
            refreshes: totals.exchanges_of(Operation::REFRESH),
            spent_presented: totals.spent_refresh_token_presented,
            refused: totals.refused_of(Operation::REFRESH),
            sign_ins_refused: totals.refused_of(Operation::SIGN_IN),
            calls: totals.resource_ok,
            unauthorized: totals.resource_unauthorized,
        }
    }
}
