//! The conformance suite of Countersign: cases that prove an adapter, and the engine below it.
//!
//! What this crate never does: it knows no provider, opens no socket but the proxy's on this machine, writes
//! no file, and repeats no secret. What it runs against comes from outside as a [`Target`]; the engine comes from
//! outside as an [`Engine`].
//!
//! * A [`Case`] is a sentence and the code that finds out whether it is true; [`cases::all`] are those
//!   for any adapter.
//! * A [`Target`] is a provider and a server for it. Each case gets a fresh [`Server`], a store, a
//!   clock and a runtime of its own: order and company change nothing.
//! * A [`Bench`] is what a case holds. Time is virtual: it passes when nothing else can happen.
//! * [`Suite`] runs them and answers a [`report::model::Run`].
//! * [`Suite::permits`] puts a live service in front of it: one case at a time, those that are harmless,
//!   within a budget of sign-ins.
//! * With the feature `proxy`, `Proxy` stands between a real client and a service, and plays faults as bytes on
//!   the client's socket.
//! * With the feature `simulator`, the module `simulated` makes a server of the suite from any simulator of
//!   `countersign-simulator`, also from one of your own.

mod around;
mod bench;
mod call;
mod case;
pub mod cases;
mod claims;
mod clock;
mod coverage;
mod echo;
mod engine;
pub mod expect;
mod fault;
mod leaks;
mod listener;
mod live;
mod made;
mod naming;
mod operation;
mod process;
#[cfg(feature = "proxy")]
mod proxy;
mod purse;
mod random;
mod reading;
pub mod report;
mod run;
mod shelf;
#[cfg(feature = "simulator")]
pub mod simulated;
mod steps;
mod suite;
mod target;
mod timeline;
mod usual;
mod way;
mod wire;

pub use bench::Bench;
pub use call::Reply;
pub use case::{Applies, Case, Harm, Live, Row, Running, Stage};
pub use claims::Claim;
pub use clock::VirtualClock;
pub use engine::{Engine, Unbroken};
pub use expect::{Finding, How};
pub use fault::{Absurd, Fault, Gate, RetryAfter, Times};
pub use live::{Decision, Permits, Planned};
pub use operation::Op;
pub use process::Process;
#[cfg(feature = "proxy")]
pub use proxy::Proxy;
pub use run::Plan;
pub use suite::{Down, Progress, Suite, run_apart};
pub use target::{
    Account, Control, Controls, Presented, RefreshTokens, Seen, Server, Settings, Setup, Target,
    Time, Unavailable,
};
pub use usual::claims_of;
pub use way::Way;
pub use wire::Stray;
