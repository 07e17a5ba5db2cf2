//! The order of system calls of a renewal, as traced: the mark is on the disk before the request leaves,
//! and each record is synced before it takes its name, and its folder after (F30).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Failure;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::Task;
use crate::process::Process;
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(3600);
const CALLS: &str =
    "trace=openat,write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2";

/// What a traced process has done, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Deed {
    /// A new file for a record, which nobody else may read.
    Created,
    Written,
    Synced,
    Renamed,
    FolderSynced,
    /// The request of the renewal.
    Sent,
    /// The token is presented to the API.
    Used,
}

pub(super) async fn run(findings: &mut Findings) -> Result<(), Failure> {
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if !works.is_ok_and(|status| status.success()) {
        findings.left_out("the order of system calls: strace is missing, or may not trace here");
        return Ok(());
    }
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    Process::start(&stage.plan(Task::Call)).await?.report().await?;
    let file = stage.folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-y", "-s", "256", "-e", CALLS, "-o"])
        .arg(&file)
        .arg(std::env::current_exe()?);
    let report = Process::start_as(strace, &stage.plan(Task::Renew)).await?.report().await?;
    let renewed = report.is_some_and(|report| report.refused.is_none() && report.ok == 1);
    let text = std::fs::read_to_string(&file)?;
    let api = stage.facts.resource.strip_prefix(&stage.facts.url).unwrap_or_default();
    let deeds = deeds(&text, &stage.store(), &format!("GET {api} "));
    let order: Vec<String> = deeds.iter().map(|deed| format!("{deed:?}")).collect();
    use Deed::{Created, FolderSynced, Renamed, Sent, Synced, Used, Written};
    let write = [Created, Written, Synced, Renamed, FolderSynced];
    // The mark before it is sent, and the commit before anybody has the token.
    let expected: Vec<Deed> = [&write[..], &[Sent], &write[..], &[Used]].concat();
    findings.claim(
        renewed && deeds == expected,
        format!("the order of system calls of a renewal: {}", order.join(", ")),
    );
    Ok(())
}

/// The deeds in a trace, in their order; runs of one and the same are one.
fn deeds(trace: &str, store: &Path, call_of_the_api: &str) -> Vec<Deed> {
    let (temp, records) = (store.join("tmp"), store.join("records"));
    let (temp, records) = (temp.display().to_string(), records.display().to_string());
    let mut unfinished: BTreeMap<&str, String> = BTreeMap::new();
    let mut found: Vec<Deed> = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        // A call that another thread has interrupted is told in two pieces.
        let whole = if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, begun.to_owned());
            continue;
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            unfinished.remove(thread).unwrap_or_default() + rest
        } else {
            call.to_owned()
        };
        let deed = deed(&whole, &temp, &records, call_of_the_api);
        if let Some(deed) = deed
            && found.last() != Some(&deed)
        {
            found.push(deed);
        }
    }
    found
}

fn deed(call: &str, temp: &str, records: &str, call_of_the_api: &str) -> Option<Deed> {
    let name = call.split_once('(')?.0;
    let of_temp = call.contains(&format!("<{temp}/"));
    match name {
        "openat" if call.contains(&format!("\"{temp}/")) && call.contains("O_EXCL") => {
            call.contains("0600").then_some(Deed::Created)
        }
        "write" | "writev" | "pwrite64" if of_temp => Some(Deed::Written),
        "fsync" | "fdatasync" if of_temp => Some(Deed::Synced),
        "fsync" | "fdatasync" if call.contains(&format!("<{records}>")) => Some(Deed::FolderSynced),
        "rename" | "renameat" | "renameat2" if call.contains(records) => Some(Deed::Renamed),
        "write" | "writev" | "sendto" | "sendmsg"
            if call.to_lowercase().contains("gettokensfromrefreshtoken") =>
        {
            Some(Deed::Sent)
        }
        "write" | "writev" | "sendto" | "sendmsg" if call.contains(call_of_the_api) => {
            Some(Deed::Used)
        }
        _ => None,
    }
}
