//! Who holds a lock of the store at this moment.

use std::fs;
use std::path::Path;

use countersign_store_file::{FileStore, LockFacts, LockKind};

use super::finding::Findings;

const TOPIC: &str = "locks";

/// Looks at every lock. One that is free is taken for the moment of the look, as a reader.
pub(super) fn look(folder: &Path, findings: &mut Findings) {
    let locks = match FileStore::locks_in(folder) {
        Ok(locks) => locks,
        Err(error) => return findings.told(TOPIC, &error.into()),
    };
    let held: Vec<&LockFacts> = locks.iter().filter(|lock| lock.held).collect();
    for lock in &held {
        let what = format!("{} is held by {}", lock.path.display(), holder(lock.pid));
        findings.note(TOPIC, what, meaning(&lock.lock));
    }
    if held.is_empty() {
        findings.ok(TOPIC, "nobody holds one");
    }
}

/// What its holder does, and what to do if it does not end.
fn meaning(lock: &LockKind) -> &'static str {
    match lock {
        LockKind::Write(_) => {
            "a record is being written, which takes a moment; if it lasts, continue that process if it was stopped, \
             else end it"
        }
        LockKind::Keys => {
            "the keys of the store are being changed; if it lasts longer than a minute, end that process and give the \
             command again"
        }
        _ => {
            "an exchange with the provider is under way; if it lasts longer than a minute, end that process"
        }
    }
}

/// `process 123 (name)`.
fn holder(pid: Option<u32>) -> String {
    let Some(pid) = pid else { return "a process that has not said its number".to_owned() };
    // Elsewhere a file of that name would be anybody's.
    let named = cfg!(target_os = "linux").then(|| fs::read_to_string(format!("/proc/{pid}/comm")));
    match named {
        Some(Ok(name)) => format!("process {pid} ({})", name.trim()),
        _ => format!("process {pid}"),
    }
}
