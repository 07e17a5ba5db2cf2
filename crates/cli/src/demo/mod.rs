//! `demo`: the whole life of five sessions against simulators of this process, in seconds.
//!
//! Everything is real but the providers: sockets on loopback, the HTTP client, the file store, the
//! clock. The client counts what it does; the simulators record what they see; in the end both must
//! say the same.

mod cast;
mod director;
mod happening;
mod json;
mod judge;
mod ledger;
mod listen;
mod load;
mod meter;
mod player;
mod scenario;
mod seen;
mod show;
mod totals;
mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use countersign_core::Clock;
use countersign_reqwest::Client;
use countersign_runtime::{Keeper, SystemClock};
use countersign_scheduler::{BackoffPolicy, BudgetSettings};
use countersign_store_file::FileStore;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::Global;
use crate::exit::Exit;
use crate::interrupt;
use crate::problem::Problem;
use director::Director;
use happening::{DEMO, Teller, What};
use judge::Ending;
use ledger::Ledger;
use load::Load;
use meter::MeteredTransport;
use player::Player;
use show::Form;
use totals::Totals;

/// How long the end waits for what is under way.
const CLOSE: Duration = Duration::from_secs(10);

/// How long to run.
#[derive(Args, Debug)]
#[command(after_long_help = json::FIELDS)]
pub(crate) struct Arguments {
    /// How many seconds of load; the script takes 20, and what is more goes on without incidents
    #[arg(long, value_name = "N", default_value_t = scenario::SECONDS,
          value_parser = clap::value_parser!(u64).range(scenario::SECONDS..=3600))]
    seconds: u64,
}

/// Runs the demo; [`Exit::Refused`] if anything was not as it should be.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        let help = "check the limits of the system";
        Problem::new(Exit::TryAgain, "the demo cannot be started", help).note(error.to_string())
    })?;
    let form = Form::fitting(global.json);
    runtime.block_on(async {
        tokio::select! {
            ended = perform(arguments, form) => ended,
            () = interrupt::wait() => Err(Problem::new(Exit::Interrupted, "interrupted", "")),
        }
    })
}

async fn perform(arguments: &Arguments, form: Form) -> Result<Exit, Problem> {
    let clock = SystemClock::new();
    let (sender, happenings) = mpsc::unbounded_channel();
    let teller = Teller::new(clock, sender);
    let folder = tempfile::tempdir().map_err(|error| {
        let help = "make the folder for temporary files writable, or set TMPDIR";
        Problem::new(Exit::Store, "no folder for the store", help).note(error.to_string())
    })?;
    // The store makes its own folder, which nobody else can look into.
    let store = FileStore::open(folder.path().join("sessions"))?;
    let client = Client::new(reqwest::Client::builder())?;

    // A record each: the load, as much again for replays, and the calls for tokens.
    let records = usize::try_from(arguments.seconds * scenario::PACE * 4).unwrap_or(usize::MAX);
    let cast = cast::assemble(records.max(100_000)).await?;
    let mut ledgers = HashMap::new();
    for actor in &cast {
        let place = actor.running.addr().to_string();
        ledgers.insert(place, Arc::new(Ledger::default()));
    }
    let keeper = Keeper::builder()
        .transport(MeteredTransport::new(client.clone(), ledgers.clone()))
        .store(store)
        .clock(clock)
        .backoff(backoff())
        .budgets(budgets())
        .build()?;
    let mut players = Vec::new();
    for actor in cast {
        teller.tell(actor.name, What::Serving { url: actor.running.url() });
        let ledger = ledgers.remove(&actor.running.addr().to_string()).unwrap_or_default();
        players.push(Player::open(&keeper, actor, ledger).await?);
    }

    let play = play(&keeper, &players, &client, clock, &teller, arguments.seconds);
    let shown = show::show(form, happenings, &players, clock);
    tokio::pin!(shown);
    let ended = tokio::select! {
        ended = play => ended,
        // Nobody can be told anything any more.
        closed = &mut shown => return closed.map(|()| Exit::Refused),
    };
    let ok = ended?;
    shown.await?;
    Ok(if ok { Exit::Success } else { Exit::Refused })
}

/// The play from the first sign-in to the totals; whether everything was as it should be.
async fn play(
    keeper: &Keeper,
    players: &[Player],
    client: &Client,
    clock: SystemClock,
    teller: &Teller,
    seconds: u64,
) -> Result<bool, Problem> {
    let listener =
        tokio::spawn(listen::listen(keeper.events(), players.to_vec(), clock, teller.clone()));
    let mut signing_in = JoinSet::new();
    for player in players {
        let (player, teller) = (player.clone(), teller.clone());
        signing_in.spawn(async move { player.sign_in(&teller).await });
    }
    for signed_in in signing_in.join_all().await {
        signed_in?;
    }

    let (stop, stopped) = watch::channel(false);
    let mut loads = JoinSet::new();
    for player in players {
        let load =
            Load { player: player.clone(), client: client.clone(), clock, teller: teller.clone() };
        loads.spawn(load.run(stopped.clone()));
    }
    teller.tell(DEMO, What::Load { per_second: scenario::PACE });
    Director { players, teller, clock }.play(Duration::from_secs(seconds)).await;
    // The receivers may be gone only if every load has ended by itself.
    let _ = stop.send(true);
    loads.join_all().await;
    let requests = players.iter().map(|player| player.ledger.counts().requests).sum();
    teller.tell(DEMO, What::LoadOver { requests });

    let endings = sign_out(players, client, clock, teller).await;
    keeper.shutdown(CLOSE).await;
    let patience = clock.monotonic().after(CLOSE);
    tokio::select! {
        _ = listener => {}
        () = clock.sleep_until(patience) => {}
    }
    let totals = Totals::of(players, &endings, teller.elapsed());
    let ok = totals.is_ok();
    teller.tell(DEMO, What::Totals(Box::new(totals)));
    Ok(ok)
}

async fn sign_out(
    players: &[Player],
    client: &Client,
    clock: SystemClock,
    teller: &Teller,
) -> Vec<Ending> {
    let mut endings = Vec::new();
    for player in players {
        let mark = player.actor.simulator.totals().requests;
        let (end, presented) = player.sign_out(client.plain(), &clock, teller).await;
        endings.push(Ending { end, presented, mark });
    }
    endings
}

/// As short as the lives of the tokens; the usual policy reckons with minutes.
fn backoff() -> BackoffPolicy {
    BackoffPolicy {
        base: Duration::from_millis(250),
        cap: Duration::from_secs(1),
        max_attempts: 1000,
        ..BackoffPolicy::default()
    }
}

/// A circuit that opens for a second at most, for the same reason.
fn budgets() -> BudgetSettings {
    BudgetSettings {
        open_for: Duration::from_millis(500),
        open_cap: Duration::from_secs(1),
        ..BudgetSettings::default()
    }
}
