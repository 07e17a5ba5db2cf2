//! Days of ordinary use with ordinary trouble.

use std::time::Duration;

use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::random::Random;
use crate::target::Control;

const GROUP: &str = "soak";
const DAYS: u32 = 5;
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "soak-five-days",
    "In five days with a fault every few hours every call is taken, and little is sent in vain",
    |bench| Box::pin(five_days(bench)),
)
.proves(&[Row::F(11), Row::F(12), Row::F(14), Row::F(42)])
.harm(Harm::Spends)
.controls(&[Control::Resource, Control::VirtualTime, Control::Records])];

async fn five_days(bench: Bench) -> Result<(), Finding> {
    let mut random = Random::new(bench.seed());
    let session = bench.sign_in().await?;
    let (mut n_faults, mut n_calls) = (0, 0);
    for _ in 0..DAYS * 24 {
        // What nobody has met by now is over: one trouble at a time.
        bench.all_well();
        if random.next().is_multiple_of(4) {
            bench.next(Op::Auth, trouble(random.next()))?;
            n_faults += 1;
        }
        for _ in 0..4 {
            let reply = bench.call(&session).await?;
            expect::holds_or("a call that is taken", reply.is_good(), reply.status)?;
            n_calls += 1;
            bench.pass(15 * MINUTE - Duration::from_secs(random.next() % 20)).await;
        }
    }
    expect::state(&session, Status::Active)?;
    expect::same("calls that were sent", bench.sent(Op::Resource), n_calls)?;
    let spent = bench.seen(Op::Refresh)?.iter().filter(|seen| seen.spent_refresh_token).count();
    expect::same("spent refresh tokens that were sent", spent, 0)?;
    let (sent, granted) = (bench.sent(Op::Auth), bench.granted(Op::Auth));
    let vain = sent - granted.min(sent);
    expect::holds_or("no more than two exchanges in vain a fault", vain <= 2 * n_faults, vain)?;
    let life = session.status().expires_at.zip(session.status().issued_at);
    let life = expect::there("a lifetime", life.map(|(end, begin)| end.since(begin)))?;
    let needed = (MINUTE * 60 * 24 * DAYS).as_secs() / life.as_secs().max(1);
    let most = usize::try_from(2 * needed).unwrap_or_default() + n_faults + 4;
    expect::holds_or("no more than two exchanges a lifetime", granted <= most, granted)
}

/// What happens on the way between two machines.
fn trouble(number: u64) -> Fault {
    match number % 6 {
        0 => Fault::Refuse,
        1 => Fault::Cut,
        2 => Fault::LoseAnswer,
        3 => Fault::GATEWAY_PAGE,
        4 => Fault::Shortened(20),
        _ => Fault::Delay(Duration::from_secs(20)),
    }
}
