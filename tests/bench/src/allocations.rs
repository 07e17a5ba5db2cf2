//! Allocations a call, counted by a program of its own: its allocator counts, which the clocks of the
//! others must not pay for.

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use countersign_runtime::Session;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::limit::Ready;
use crate::row::{Row, Target};
use crate::server::Server;
use crate::subject::{
    HOUR, Minting, Rfc6749, ShiftClock, Sleepers, client, keeper, keeper_at, signed_in,
};

/// What an allocator has counted since the program began.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// How often it was asked for memory, also to make a piece larger.
    pub allocations: u64,
    /// For how many bytes.
    pub bytes: u64,
}

/// One way, walked many times.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Found {
    row: String,
    /// What tells it from the others of its row.
    name: String,
    what: String,
    allocations: f64,
    bytes: f64,
    /// So many there must be.
    exactly: Option<f64>,
}

const NO_ALLOCATIONS: Option<f64> = Some(0.0);

/// Every way is walked so often, after it was walked a few times.
const CALLS: u32 = 1_000;

/// The rows of a group, by the beginning of its name. The counting program lies beside this one.
pub(crate) fn rows(group: &str) -> Result<Vec<Row>> {
    static FOUND: OnceLock<Vec<Found>> = OnceLock::new();
    let found = match FOUND.get() {
        Some(found) => found,
        None => {
            let found = count_elsewhere()?;
            FOUND.get_or_init(|| found)
        }
    };
    let of_group = found.iter().filter(|found| found.row == group);
    Ok(of_group
        .map(|found| {
            let target = found.exactly.map_or(Target::None, Target::Exactly);
            let row = Row::counted(
                format!("{}/allocations/{}", found.row, found.name),
                format!("allocations of {}", found.what),
                found.allocations,
                target,
            );
            if found.bytes > 0.0 && found.exactly.is_none() {
                row.noted(format!("{:.0} B a call", found.bytes))
            } else {
                row
            }
        })
        .collect())
}

fn count_elsewhere() -> Result<Vec<Found>> {
    let program = std::env::current_exe()?.with_file_name("bench-allocations");
    let output = Command::new(&program)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("the counting program ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The counting program: walks every way under the allocator behind `counted` and prints what it found.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is run for")]
pub fn run(counted: fn() -> Counted) -> ExitCode {
    match found(counted).and_then(|found| Ok(serde_json::to_string(&found)?)) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-allocations: {error}");
            ExitCode::FAILURE
        }
    }
}

fn found(counted: fn() -> Counted) -> Result<Vec<Found>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let keeper = keeper(Minting::new(Duration::from_secs(24 * 3_600)))?;
        let provider = Arc::new(Rfc6749::at("http://127.0.0.1:9")?);
        let session = signed_in(&keeper, provider, "one").await?;
        let ready = Ready::new()?;
        let mut found = Vec::new();

        // What must allocate: a counter that counts nothing would find this.
        let before = counted();
        black_box(Box::new([0_u8; 64]));
        if counted().allocations == before.allocations {
            return Err("the allocator does not count".into());
        }

        let spent = each(counted, async || {
            black_box(session.authorization().await?);
            Ok(())
        });
        found.push(spent.await?.of("W1a", "hit", "authorization()", NO_ALLOCATIONS));
        let spent = each(counted, async || {
            let authorized = session.authorization().await?;
            black_box(authorized.header(&AUTHORIZATION).cloned());
            Ok(())
        });
        found.push(spent.await?.of(
            "W1a",
            "clone",
            "authorization() and a clone of its header",
            NO_ALLOCATIONS,
        ));
        let spent = each(counted, async || {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, ready.header());
            black_box(headers);
            Ok(())
        });
        found.push(spent.await?.of("W1a", "limit", "a ready header into an empty map", None));
        let spent = each(counted, async || {
            let mut headers = HeaderMap::new();
            session.authorization().await?.apply(&mut headers);
            black_box(headers);
            Ok(())
        });
        found.push(spent.await?.of("W1a", "apply", "authorization() into an empty map", None));
        let spent = each(counted, async || {
            black_box(session.current());
            Ok(())
        });
        found.push(spent.await?.of("W1b", "look", "current()", NO_ALLOCATIONS));
        let what = "headers for each of two threads that take turns, counted apart from each other";
        found.push(crowd(counted, &session)?.of("W1a", "apart", what, Some(7.0)));
        requests(counted, &mut found).await?;
        Ok(found)
    })
}

/// What it takes until two threads that take turns have headers of their own: room for sets, and for each of the two a set
/// of one header, with a counter that is not that of the others.
fn crowd(counted: fn() -> Counted, session: &Session) -> Result<Spent> {
    const TURNS: u32 = 5_000;
    let (turn, has_begun) = (AtomicU32::new(0), AtomicBool::new(false));
    let take = |mine: u32| {
        for n in (mine..TURNS).step_by(2) {
            while turn.load(Ordering::Acquire) != n {
                thread::yield_now();
            }
            let authorized = session.current();
            black_box(authorized.as_ref().and_then(|shown| shown.header(&AUTHORIZATION)));
            turn.store(n + 1, Ordering::Release);
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            // What a thread needs once for all sessions.
            drop(session.current());
            has_begun.store(true, Ordering::Release);
            take(1);
        });
        while !has_begun.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let before = counted();
        take(0);
        other.join().map_err(|_| "a thread that takes turns ended early")?;
        let after = counted();
        Ok(Spent {
            allocations: (after.allocations - before.allocations) as f64,
            bytes: (after.bytes - before.bytes) as f64,
        })
    })
}

/// What needs a server: requests and refreshes.
async fn requests(counted: fn() -> Counted, found: &mut Vec<Found>) -> Result<()> {
    let server = Server::start()?;
    let (http, clock) = (client()?, ShiftClock::new());
    let keeper = keeper_at(http.clone(), &clock)?;
    let session = signed_in(&keeper, Arc::new(Rfc6749::at(server.url())?), "one").await?;
    let signed_in = session.client()?;
    let url = format!("{}/api", server.url());
    let authorized = session.authorization().await?;
    let value = authorized.header(&AUTHORIZATION).ok_or("an authorization without its header")?;

    let spent = each(counted, async || {
        let request = http.plain().get(&url).header(AUTHORIZATION, value.clone());
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(())
    });
    found.push(spent.await?.of("W3", "limit", "a bare request", None));
    let spent = each(counted, async || {
        signed_in.get(&url).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    });
    found.push(spent.await?.of("W3", "client", "a request with client()", None));
    let spent = each(counted, async || {
        clock.pass(HOUR, Sleepers::Left);
        session.authorization().await?;
        Ok(())
    });
    found.push(spent.await?.of("W4b", "refresh", "a refresh, engine and client", None));
    Ok(())
}

/// What one way costs, a call.
struct Spent {
    allocations: f64,
    bytes: f64,
}

impl Spent {
    fn of(&self, row: &str, name: &str, what: &str, exactly: Option<f64>) -> Found {
        Found {
            row: row.into(),
            name: name.into(),
            what: what.into(),
            allocations: self.allocations,
            bytes: self.bytes,
            exactly,
        }
    }
}

async fn each(counted: fn() -> Counted, call: impl AsyncFn() -> Result<()>) -> Result<Spent> {
    for _ in 0..10 {
        call().await?;
    }
    let before = counted();
    for _ in 0..CALLS {
        call().await?;
    }
    let after = counted();
    let share = |after: u64, before: u64| (after - before) as f64 / f64::from(CALLS);
    Ok(Spent {
        allocations: share(after.allocations, before.allocations),
        bytes: share(after.bytes, before.bytes),
    })
}
