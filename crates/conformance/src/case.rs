//! One case: a sentence about adapter and engine, and the code that finds out whether it is true.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use countersign_core::Capabilities;

use crate::bench::Bench;
use crate::claims::Claim;
use crate::expect::Finding;
use crate::target::{Control, Server, Settings, Setup, Unavailable};

/// What a case is about to become.
pub type Running = Pin<Box<dyn Future<Output = Result<(), Finding>> + Send>>;

/// How a case gets a server of its own making instead of the target's.
pub type Stage = fn(&Setup) -> Result<Box<dyn Server>, Unavailable>;

/// One case. A plain value: lists of cases are constants.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Case {
    /// Unique and stable: `f07-dropped-caller`.
    pub id: &'static str,
    /// A sentence that is true if the case passes.
    pub title: &'static str,
    /// The column of the matrix: `concurrency`.
    pub group: &'static str,
    /// What it proves.
    pub proves: &'static [Row],
    /// What the adapter must claim; the case then also counts as the proof of these claims.
    pub claims: &'static [Claim],
    /// What the server must be able to do beside its protocol.
    pub controls: &'static [Control],
    /// What it does to an account, should that be a real one.
    pub harm: Harm,
    /// How its server shall be.
    pub settings: Settings,
    /// The targets that it is for; empty for all.
    pub only: &'static [&'static str],
    /// Whether it is for an adapter that claims all that it needs.
    pub applies: fn(&Capabilities) -> Applies,
    /// A server of its own making.
    pub stage: Option<Stage>,
    /// How it behaves in front of a live service; `None` if it needs a server that the suite has in hand.
    pub live: Option<Live>,
    /// The code.
    pub run: fn(Bench) -> Running,
}

impl Case {
    /// A harmless case for every adapter and every server.
    pub const fn new(
        group: &'static str,
        id: &'static str,
        title: &'static str,
        run: fn(Bench) -> Running,
    ) -> Self {
        Self {
            id,
            title,
            group,
            proves: &[],
            claims: &[],
            controls: &[],
            harm: Harm::None,
            settings: Settings::USUAL,
            only: &[],
            applies: |_| Applies::Yes,
            stage: None,
            live: None,
            run,
        }
    }

    /// The rows of `failures.md`, or the sections of a standard, that it proves.
    #[must_use]
    pub const fn proves(mut self, rows: &'static [Row]) -> Self {
        self.proves = rows;
        self
    }

    /// What the adapter must claim.
    #[must_use]
    pub const fn claims(mut self, claims: &'static [Claim]) -> Self {
        self.claims = claims;
        self
    }

    /// What the server must be able to do.
    #[must_use]
    pub const fn controls(mut self, controls: &'static [Control]) -> Self {
        self.controls = controls;
        self
    }

    /// What it does to an account.
    #[must_use]
    pub const fn harm(mut self, harm: Harm) -> Self {
        self.harm = harm;
        self
    }

    /// How its server shall be.
    #[must_use]
    pub const fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// For these targets alone.
    #[must_use]
    pub const fn only(mut self, targets: &'static [&'static str]) -> Self {
        self.only = targets;
        self
    }

    /// For adapters of which this says yes.
    #[must_use]
    pub const fn applies(mut self, applies: fn(&Capabilities) -> Applies) -> Self {
        self.applies = applies;
        self
    }

    /// With a server of its own making.
    #[must_use]
    pub const fn stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Fit for a live service: it takes seconds, asks little, and signs in so often at most. It plays no
    /// fault. The suite holds it to both, whatever it runs against.
    #[must_use]
    pub const fn live(mut self, sign_ins: u32) -> Self {
        self.live = Some(Live { sign_ins, faults: false });
        self
    }

    /// The same for a case that plays faults on the way to the service.
    #[must_use]
    pub const fn live_with_faults(mut self, sign_ins: u32) -> Self {
        self.live = Some(Live { sign_ins, faults: true });
        self
    }
}

impl Case {
    /// Why the case is not for an adapter with these capabilities, if it is not.
    pub fn why_not(&self, capabilities: &Capabilities) -> Option<String> {
        if let Some(missing) = self.claims.iter().find(|claim| !claim.holds(capabilities)) {
            return Some(format!("the adapter does not claim {missing}"));
        }
        match (self.applies)(capabilities) {
            Applies::Yes => None,
            Applies::No(reason) => Some(reason.to_owned()),
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.id)
    }
}

/// What a case does in front of a live service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Live {
    /// How many sign-ins it asks for at most; one more is not sent, and the case fails.
    pub sign_ins: u32,
    /// Whether it plays faults on the way.
    pub faults: bool,
}

/// What a case proves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Row {
    /// A row of the table of failures of token clients in general: `F07`.
    F(u8),
    /// A row of the table of traps of single providers: `P08`.
    P(u8),
    /// A section of a standard: `Rfc("6749 §6")`.
    Rfc(&'static str),
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F(number) => write!(f, "F{number:02}"),
            Self::P(number) => write!(f, "P{number:02}"),
            Self::Rfc(section) => write!(f, "RFC {section}"),
        }
    }
}

/// What a case does to an account that is a real one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Harm {
    /// It signs in, calls, renews and signs out.
    None,
    /// It may lock the account.
    Locks,
    /// It uses up what is counted: refreshes, attempts, a quota.
    Spends,
    /// It changes the account or makes one.
    Changes,
    /// It has mail sent.
    Mails,
    /// It ends sessions of the account that others have.
    Ends,
}

impl Harm {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "harmless",
            Self::Locks => "may lock the account",
            Self::Spends => "spends what is counted",
            Self::Changes => "changes the account",
            Self::Mails => "has mail sent",
            Self::Ends => "ends the account's other sessions",
        }
    }
}

/// Whether a case is for an adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applies {
    /// It is.
    Yes,
    /// It is not, for this reason.
    No(&'static str),
}
