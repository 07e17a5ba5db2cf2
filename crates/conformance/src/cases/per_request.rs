//! A code that every request needs.

use std::time::Duration;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "codes";
const NEEDS: &[Control] = &[Control::Resource, Control::VirtualTime];
/// Steps until one in ten codes has certainly begun with a zero.
const MANY: usize = 100;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p08-code-of-the-moment",
        "Every call of an hour carries the code of its own time step, and no sign-in is spent on that",
        |bench| Box::pin(of_the_moment(bench)),
    )
    .proves(&[Row::P(8), Row::Rfc("6238 §5.2")])
    .claims(&[Claim::CodePerRequest])
    .controls(NEEDS),
    Case::new(
        GROUP,
        "p08-leading-zeros-stay",
        "Codes that begin with zeros are sent whole",
        |bench| Box::pin(leading_zeros(bench)),
    )
    .proves(&[Row::P(8), Row::Rfc("4226 §5.3")])
    .claims(&[Claim::CodePerRequest])
    .controls(NEEDS),
    Case::new(
        GROUP,
        "p08-young-token-is-tried-with-the-next-code",
        "A refusal of a young token is answered with the next code, and with no sign-in",
        |bench| Box::pin(next_code_first(bench)),
    )
    .proves(&[Row::P(8)])
    .claims(&[Claim::CodePerRequest])
    .controls(&[Control::Resource, Control::VirtualTime, Control::Words]),
    Case::new(
        GROUP,
        "p08-code-goes-to-no-other-origin",
        "Token and code are given for the API's origins, and refused for any other",
        |bench| Box::pin(no_other_origin(bench)),
    )
    .proves(&[Row::P(8)])
    .claims(&[Claim::CodePerRequest]),
];

async fn of_the_moment(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let step = bench.claims().code_per_request.unwrap_or_default();
    let mut changes = 0;
    let mut before = session.authorization().await?;
    for _ in 0..40 {
        bench.pass(step).await;
        // From its beginning to its last moment: forty calls begin at forty places of their step.
        bench.pass(step / 40).await;
        let now = session.authorization().await?;
        changes += usize::from(now.headers() != before.headers());
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        let left = now.valid_until().since(bench.now());
        expect::holds_or("headers that end with their step", left <= step, format!("{left:?}"))?;
        before = now;
    }
    // Two codes of six digits can be the same, once in a million.
    expect::holds_or("another code in each step", changes >= 39, changes)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn leading_zeros(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let step = bench.claims().code_per_request.unwrap_or_default();
    let mut with_zero = 0;
    for _ in 0..MANY {
        let given = session.authorization().await?;
        let begins = |value: &http::HeaderValue| value.as_bytes().first() == Some(&b'0');
        with_zero += usize::from(given.headers().iter().any(|(_, value)| begins(value)));
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(step).await;
    }
    expect::holds_or("codes that begin with a zero", with_zero > 0, with_zero)
}

async fn next_code_first(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.pass(Duration::from_secs(5)).await;
    bench.next(Op::Resource, Fault::Unauthorized)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of the call", (reply.is_good(), reply.sends), (true, 2))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn no_other_origin(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let own = bench.server().api_origins();
    for origin in &own {
        session.check_origin(origin)?;
    }
    for other in ["https://api.other.example", "http://127.0.0.1:1", "http://localhost:4001"] {
        let origin = countersign_core::Origin::parse(other)?;
        let refused = session.check_origin(&origin).is_err();
        expect::holds(&format!("no credentials for {other}"), refused)?;
    }
    Ok(())
}
