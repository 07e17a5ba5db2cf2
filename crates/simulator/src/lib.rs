//! Every provider of Countersign as a local server with real state, and faults on demand.
//!
//! It shares no code with the adapters: it has time-based codes, tokens and wire forms of its own, so that a
//! mistake is not made twice. Of `countersign-core` it uses the contracts of a transport and of a clock alone, never
//! its codes, its tokens or its errors of adapters. It verifies no signature, opens no socket but on a loopback
//! address, and holds nothing but what its tests put in.
//!
//! # Use
//!
//! [`Simulator::handle`] is the server without a socket: a request and a time in, a [`Reply`] out.
//! [`Simulator::serve`] puts the same server behind a port of 127.0.0.1, in real time.
//! [`Simulator::in_process`] makes a transport of it, without a socket and in the time of any clock.
//! [`Simulator::inject`] lets requests meet a [`Fault`]; [`Simulator::records`] and [`Simulator::totals`] say what
//! was seen.
//!
//! ```
//! use bytes::Bytes;
//! use countersign_simulator::{Fault, Operation, Reply, Simulator};
//!
//! let hub = Simulator::ibex().access_life(std::time::Duration::from_secs(5)).build();
//! hub.inject(Operation::SIGN_IN, Fault::LoseAnswer, 1);
//! let account = hub.account();
//! let body = format!(r#"{{"email":"{}","password":"{}"}}"#, account.identity, account.password);
//! let request = http::Request::post("/auth/signin")
//!     .header("content-type", "application/json")
//!     .body(Bytes::from(body))?;
//! assert!(matches!(hub.handle(&request, 1_893_456_000_000), Reply::Cut));
//! assert!(matches!(hub.handle(&request, 1_893_456_000_000), Reply::Response(answer) if answer.status() == 200));
//! assert_eq!(hub.totals().exchanges_of(Operation::SIGN_IN), 2);
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # Adding a provider
//!
//! A provider is a folder `src/<word>/` and two lines here (`mod`, and the builder's `pub use`); `cargo xtask
//! new-provider` writes them for an API that is made up. Outside of this crate a [`Behaviour`] is enough:
//! [`Simulator::new`] takes any.
//!
//! 1. `mod.rs`: the builder, a plain type with one documented method a setting and `build(self) -> Simulator`;
//!    `Simulator::<word>()` makes it. `build` calls [`Simulator::new`] with the behaviour and a [`Setup`], then
//!    [`Simulator::add_account`] for the default account, whose secrets are canaries.
//! 2. `server.rs`: the type that implements [`Behaviour`]. `operation` maps a request to an [`Operation`];
//!    `handle` carries it out. What all providers have is in the [`Context`]: the time
//!    (with the server's skew), random values, accounts ([`Accounts`]), tokens ([`TokenBook`]: families,
//!    generations, spending, revoking), mail (`deliver`). What one provider alone has, such as challenge sessions,
//!    is a field of its type.
//! 3. `wire.rs`: bodies of requests and answers, as serde types of the simulator's own; answers are made by
//!    [`wire::json`], [`wire::text`], [`wire::empty`].
//! 4. `tests.rs`: every documented row through [`Simulator::handle`]; time passes by the argument, and
//!    `crate::testing` has short forms.
//!
//! In `handle`: issue tokens by `cx.issue_access` and `cx.issue_refresh`, judge them by `cx.check_access`, name the
//! account by `cx.about`, say `cx.refuse("a_word")` for every refusal (needed where the status is 2xx), keep every
//! code, session and accepted secret by `cx.secret`. `fields` names the JSON members that hold access tokens and
//! expiries (where the tokens alone tell their end, mint it by `cx.expiry_claim`); with these, and with `failure` for the provider's own 401, 429, 500 and 503, all faults work.
//!
//! The authorised resource of a provider is `GET` and `POST` `…/sim/echo` under its API's prefix. It answers
//! [`wire::Echo`].

mod account;
mod behaviour;
mod cognito;
mod context;
mod damage;
mod exchange;
mod fault;
mod fault_text;
mod gate;
mod gzip;
mod ibanera;
mod ibex;
mod igny8;
pub mod jwt;
mod limit;
mod operation;
mod random;
mod record;
mod reply;
mod shell;
mod simulator;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token_book;
pub mod totp;
mod wikimedia;
pub mod wire;

pub use account::{Account, AccountKind, Accounts};
pub use behaviour::{Behaviour, Failure, Fields};
pub use cognito::{AuthFlow, Cognito, HashName, Remembering, ResourceToken};
pub use context::Context;
pub use fault::{Absurd, Fault, RetryAfter, Times};
pub use fault_text::{BadInjection, Injection};
pub use gate::Gate;
pub use ibanera::{Ibanera, SecretEncoding};
pub use ibex::{ErrorBody, HeaderForm, Ibex};
pub use igny8::{ExpiryForm, Igny8, MissingSlash, RefreshAnswer, TokenNames};
pub use operation::{Operation, UnknownOperation};
pub use random::Random;
pub use record::{AuthVerdict, Record, Totals};
pub use reply::Reply;
pub use shell::{InProcess, Running};
pub use simulator::{RefreshTokens, Setup, Simulator};
pub use token_book::{Access, Refresh, TokenBook, Worth};
pub use wikimedia::{InternalForm, Wikimedia};
