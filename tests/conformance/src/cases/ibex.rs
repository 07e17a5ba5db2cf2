//! What IBEX alone has.

use countersign_conformance::{Bench, Case, Finding, Op, Row, expect};
use countersign_core::ErrorKind;
use http::StatusCode;

use crate::targets::ibex;

const GROUP: &str = "ibex";

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "p04-not-found-is-a-refusal",
    "A sign-in that is answered 404 is a refused password and no wrong address",
    |bench| Box::pin(not_found_is_a_refusal(bench)),
)
.proves(&[Row::P(4)])
.only(&["ibex"])
.stage(|setup| {
    ibex::with(setup, |server| server.wrong_password(StatusCode::NOT_FOUND), |adapter| adapter)
})];

async fn not_found_is_a_refusal(bench: Bench) -> Result<(), Finding> {
    bench.know_password("Wr0ng-canary-p4ssword!".to_owned().into());
    let session = bench.open().await?;
    expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}
