//! Files that are torn, or have a bit that has flipped: no token comes out of them, nothing is deleted, and
//! the session is one sign-in away.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_reqwest::Client;
use countersign_runtime::Keeper;
use countersign_store_file::FileStore;

use super::{Cx, Failure};
use crate::child::{call, opened};
use crate::dice::Dice;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Plan, Report, Task};
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(3600);

/// Where a file says in which kind its record is, and a session's word for it: after the 29 bytes of the store's
/// header, in the seal's.
const KIND: usize = 29 + 5;
const SESSION: u8 = 1;

/// How a file is damaged.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip { bit: usize },
    Torn { length: usize },
}

pub(super) async fn run(cx: Cx, findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::Reusable, LIFE).await?;
    let plan = stage.plan(Task::Call);
    once(&plan).await.map_err(|error| format!("a good store: {error}"))?;
    let records = records(&stage.store())?;
    let mut dice = Dice::new(cx.seed, "damage");
    let n = if cx.quick { 8 } else { 200 };
    let (mut n_damages, mut n_aside, mut wrong) = (0, 0, Vec::new());
    for record in &records {
        let good = fs::read(record)?;
        let length = good.len() as u64;
        let is_session = is_session(record);
        for round in 0..n {
            let damage = match round % 3 {
                0 => Damage::Torn { length: usize::try_from(dice.below(length))? },
                _ => Damage::Flip { bit: usize::try_from(dice.below(length * 8))? },
            };
            put(record, &damaged(&good, damage))?;
            n_damages += 1;
            let judged = match is_session {
                true => judged_session(&stage, &plan).await,
                false => judged_guards(&stage, &plan, record).await,
            };
            match judged {
                Ok(aside) => n_aside += aside,
                Err(what) => wrong.push(format!("{damage:?}: {what}")),
            }
            // As it was, for the next one.
            put(record, &good)?;
            once(&plan).await.map_err(|error| format!("the store as it was: {error}"))?;
        }
    }
    if let Some(account) = records.iter().find(|record| !is_session(record)) {
        let good = fs::read(account)?;
        fs::remove_file(account)?;
        if let Err(what) = judged_missing(&plan, account).await {
            wrong.push(format!("removed: {what}"));
        }
        put(account, &good)?;
        let signing_in = Plan { task: Task::SignIn, ..plan.clone() };
        once(&signing_in).await.map_err(|error| format!("what was brought back: {error}"))?;
    }
    wrong.truncate(5);
    findings.claim(
        wrong.is_empty() && records.len() == 2,
        format!(
            "{n_damages} damages of {} records: a session is set aside ({n_aside}) and gone on from, what an account must be spared stays and holds every sign-in, and is missed when it is gone {wrong:?}",
            records.len()
        ),
    );
    Ok(())
}

/// The store refuses a file that others could read.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file?.write_all(bytes)
}

fn damaged(good: &[u8], damage: Damage) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match damage {
        Damage::Flip { bit } => bytes[bit / 8] ^= 1 << (bit % 8),
        Damage::Torn { length } => bytes.truncate(length),
    }
    bytes
}

/// The damage of a session is made good by itself, and the bytes are kept; then it goes on.
async fn judged_session(stage: &Stage, plan: &Plan) -> Result<usize, String> {
    let before = n_aside(stage);
    let told = once(plan).await;
    let kept = n_aside(stage) - before;
    match told {
        Ok(()) if kept == 1 => Ok(kept),
        Ok(()) => Err("it was served, and nothing set aside".to_owned()),
        // A version byte that has flipped upwards looks like one of a newer program, which is left alone.
        Err(error) if error.contains("newer version") && kept == 0 => Ok(0),
        Err(error) => Err(format!("{error}, {kept} set aside")),
    }
}

/// What an account must be spared is not forgotten: the session is served, nobody signs in, and the file stays
/// as it is.
async fn judged_guards(stage: &Stage, plan: &Plan, record: &Path) -> Result<usize, String> {
    let bytes = |path: &Path| fs::read(path).map_err(|error| error.to_string());
    let (before, lies) = (n_aside(stage), bytes(record)?);
    once(plan).await.map_err(|error| format!("the session is not served: {error}"))?;
    if bytes(record)? != lies || n_aside(stage) != before {
        return Err("it was touched by a session that is served".to_owned());
    }
    let signing_in = Plan { task: Task::SignIn, ..plan.clone() };
    match once(&signing_in).await {
        Ok(()) => Err("a secret was sent".to_owned()),
        Err(_) if bytes(record)? != lies || n_aside(stage) != before => {
            Err("it was touched by a sign-in".to_owned())
        }
        Err(error) if error.contains("guards_unreadable") => {
            let remedy = error.contains("bring it back") || error.contains("upgrade");
            if remedy { Ok(0) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Nobody who does not know what it held signs in, or writes another one.
async fn judged_missing(plan: &Plan, record: &Path) -> Result<(), String> {
    once(plan).await.map_err(|error| format!("the session is not served: {error}"))?;
    let signing_in = Plan { task: Task::SignIn, ..plan.clone() };
    match once(&signing_in).await {
        Ok(()) => Err("a secret was sent".to_owned()),
        Err(_) if record.exists() => Err("another one was written".to_owned()),
        Err(error) if error.contains("guards_missing") && error.contains("bring it back") => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_session(record: &Path) -> bool {
    fs::read(record).is_ok_and(|bytes| bytes.get(KIND) == Some(&SESSION))
}

fn n_aside(stage: &Stage) -> usize {
    fs::read_dir(stage.store().join("damaged")).map_or(0, |entries| entries.count())
}

/// A process that comes fresh: it opens the session, signs in if it is to, and calls the API.
async fn once(plan: &Plan) -> Result<(), String> {
    let http = Client::new(reqwest::Client::builder()).map_err(|error| error.to_string())?;
    let store = FileStore::open(&plan.folder).map_err(|error| error.to_string())?;
    let keeper = Keeper::builder().transport(http.clone()).store(store).pull().build();
    let keeper = keeper.map_err(|error| error.to_string())?;
    let place = opened(plan, keeper, &http).await.map_err(|error| error.to_string())?;
    if plan.task == Task::SignIn {
        place.session.sign_in().await.map_err(|error| error.to_string())?;
    }
    let mut report = Report::default();
    call(&place.api, &place.url, &mut report).await;
    place.keeper.shutdown(Duration::from_secs(30)).await;
    if report.ok == 1 { Ok(()) } else { Err(report.errors.join("; ")) }
}

fn records(store: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store.join("records"))? {
        found.push(entry?.path());
    }
    found.sort();
    Ok(found)
}
