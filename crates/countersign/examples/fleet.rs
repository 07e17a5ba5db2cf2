//! A fleet: thousands of accounts of one partner in one keeper, opened at once from the store. Few are in
//! use; the others must not lose their refresh tokens while nobody asks for them.
//!
//! Eight days pass in seconds: the partner is a simulator without a socket, and time a hand crank.
//!
//! ```text
//! cargo run -p countersign --example fleet --features igny8
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use countersign::core::RefreshSupport;
use countersign::igny8::Igny8;
use countersign::scheduler::{BudgetSettings, LaneLimits};
use countersign::{
    AccountKey, AuthProvider, CredentialSource, Credentials, ErrorKind, Figures, Keeper,
    KeeperBuilder, ManualClock, MemoryStore, Session, SessionBuilder,
};
use countersign_simulator::{Account, Operation, Simulator};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const MINUTE: Duration = Duration::from_secs(60);

/// The life of the partner's access tokens.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Where the passwords are: one source for all, which is told whose is wanted.
struct Vault(HashSet<String>);

#[async_trait::async_trait]
impl CredentialSource for Vault {
    async fn credentials(
        &self,
        account: &AccountKey,
    ) -> std::result::Result<Credentials, countersign::Error> {
        if !self.0.contains(account.identity()) {
            let error = countersign::Error::new(ErrorKind::Credentials);
            return Err(error.hint("the vault has no password of this account"));
        }
        Ok(Credentials::new().with_password(password_of(account.identity())))
    }
}

fn password_of(identity: &str) -> String {
    format!("the password of {identity}")
}

/// So many exchanges a second as renewals need, three times over: to catch up after an outage.
fn budgets(sessions: usize, life: Duration) -> BudgetSettings {
    let needed = sessions as f64 / (0.7 * life.as_secs_f64());
    let limits = LaneLimits {
        interval: Duration::from_secs_f64(1.0 / (3.0 * needed)),
        burst: 32,
        concurrency: 16,
    };
    BudgetSettings { limits, ..BudgetSettings::default() }
}

/// What an operator looks at; a program gives it to its metrics once a minute.
fn show(when: &str, keeper: &Keeper) -> Figures {
    let figures = keeper.figures();
    let late = |share| figures.lateness.quantile(share);
    println!(
        "{when}: {} sessions, {} due and not begun, {} under way; late p50 {:?}, p99 {:?}; {:?}",
        figures.sessions,
        figures.queue_depth,
        figures.under_way,
        late(0.5),
        late(0.99),
        figures.outcomes,
    );
    figures
}

/// The accounts of `names`, all of them described by `describe`.
async fn open(
    keeper: &Keeper,
    provider: &Arc<dyn AuthProvider>,
    names: &[String],
    describe: impl Fn(SessionBuilder) -> SessionBuilder,
) -> Result<Vec<Session>> {
    let opened = keeper.open_many(Arc::clone(provider), names, describe).await?;
    let mut sessions = Vec::with_capacity(opened.len());
    for (name, opened) in names.iter().zip(opened) {
        match opened {
            Ok(session) => sessions.push(session),
            Err(error) => println!("{name} was not opened: {error}"),
        }
    }
    Ok(sessions)
}

/// Tells how far the opening is, which gives way after each batch.
async fn progress(keeper: Keeper, of: usize) {
    let mut told = 0;
    while told < of {
        let figures = keeper.figures();
        let done = (figures.bulk_opened + figures.bulk_failed) as usize;
        if done / 1_000 > told / 1_000 || done >= of {
            println!("{done} of {of} accounts, {} of them not opened", figures.bulk_failed);
            told = done;
        }
        tokio::task::yield_now().await;
    }
}

/// Time passes in steps, so that what falls due in them is done at its time.
async fn pass(clock: &ManualClock, span: Duration, step: Duration) {
    for _ in 0..span.as_millis() / step.as_millis() {
        clock.advance(step);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) async fn run() -> Result {
    let partner = Simulator::igny8().without_throttle().access_life(LIFE).build();
    let clock = ManualClock::default();
    let names: Vec<String> = (0..2_000).map(|n| format!("tenant-{n}@merchant.example")).collect();
    for name in &names {
        partner.add_account(Account::user(name, password_of(name)));
    }
    // One tenant has left: nobody has its password any more.
    let vault: Arc<dyn CredentialSource> = Arc::new(Vault(names[1..].iter().cloned().collect()));
    let rotating = RefreshSupport::Rotating { grace: Duration::ZERO };
    let provider = Igny8::at("https://api.partner.example/api/v1")?.refresh_support(rotating);
    let provider: Arc<dyn AuthProvider> = Arc::new(provider);

    // A file, or Redis, in a program that outlives its process.
    let store = MemoryStore::with_clock(Arc::new(clock.clone()))?;
    let build = || -> KeeperBuilder {
        Keeper::builder()
            .transport(partner.in_process(Arc::new(clock.clone())))
            .store(store.clone())
            .clock(clock.clone())
            .budgets(budgets(names.len(), LIFE))
    };

    // The process of yesterday has signed everybody in, within no budget; what it held is in the store.
    let limits = LaneLimits { interval: Duration::ZERO, ..LaneLimits::default() };
    let unlimited = BudgetSettings { limits, ..BudgetSettings::default() };
    let yesterday = build().budgets(unlimited).build()?;
    let shared = |session: SessionBuilder| session.credentials_from(Arc::clone(&vault));
    for session in open(&yesterday, &provider, &names, shared).await? {
        session.authorization().await?;
    }
    assert!(yesterday.shutdown(MINUTE).await);
    drop(yesterday);
    let signed_in = partner.totals().exchanges_of(Operation::SIGN_IN);
    assert_eq!(signed_in, 1_999);

    // Today's takes them up: a tenth is used all day long, and the rest now and then.
    let keeper = build().workers(64).build()?;
    let (busy, idle) = names.split_at(names.len() / 10);
    let watching = tokio::spawn(progress(keeper.clone(), names.len()));
    let busy = open(&keeper, &provider, busy, |session| shared(session).keep_alive()).await?;
    let idle = open(&keeper, &provider, idle, |session| shared(session).keep_refreshable()).await?;
    watching.await?;
    assert_eq!((busy.len(), idle.len()), (199, 1_800));
    assert_eq!(partner.totals().exchanges_of(Operation::REFRESH), 0, "opening sends nothing");

    pass(&clock, 60 * MINUTE, Duration::from_secs(1)).await;
    let figures = show("after an hour", &keeper);
    assert!(figures.lateness.quantile(0.99) <= Duration::from_secs(2));
    assert!(figures.outcomes.tokens >= 4 * 199 && figures.outcomes.refused == 0);
    assert!(busy.iter().all(|session| session.current().is_some()));

    // The dry run: what if the partner went down now, or at the worst moment of each session?
    let planned = keeper.schedule();
    let survive = |planned: &&countersign::Planned| planned.survives() >= 3 * MINUTE;
    let unnoticed = planned.iter().filter(survive).count();
    println!("an outage of 3 minutes is not noticed by {unnoticed} of {} in use", busy.len());
    assert_eq!(unnoticed, busy.len());

    partner.outage(true);
    pass(&clock, 3 * MINUTE, Duration::from_secs(1)).await;
    show("at the end of an outage", &keeper);
    assert!(busy.iter().all(|session| session.current().is_some()), "nobody has noticed");
    partner.outage(false);
    pass(&clock, 10 * MINUTE, Duration::from_secs(1)).await;
    show("and after it", &keeper);
    assert!(busy.iter().all(|session| session.current().is_some()));
    drop(busy);

    // Refresh tokens end after a week without use. Each is used once shortly before, and moves its end.
    let before = partner.totals().exchanges_of(Operation::REFRESH);
    pass(&clock, 8 * 24 * 60 * MINUTE, MINUTE / 2).await;
    let kept = partner.totals().exchanges_of(Operation::REFRESH) - before;
    println!("{kept} refreshes have kept {} idle sessions for eight days", idle.len());
    assert_eq!(kept, idle.len() as u64);
    idle[0].authorization().await?;
    assert_eq!(
        partner.totals().exchanges_of(Operation::SIGN_IN),
        signed_in,
        "nobody signs in again"
    );

    show("at the end", &keeper);
    assert!(keeper.shutdown(MINUTE).await);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    run().await
}
