//! Room on the disk, the kind of the file system, and the clock.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use countersign_core::{Clock as _, Timestamp};
use countersign_runtime::SystemClock;

use super::finding::Findings;

/// A record has some kilobytes, and is written anew before the old one goes.
#[cfg(unix)]
const LEAST_BYTES: u64 = 1024 * 1024;
#[cfg(unix)]
const LEAST_FILES: u64 = 16;
/// Clocks of file systems and of the system differ by less.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The standard library does not tell how much room there is.
#[cfg(not(unix))]
pub(super) fn look(folder: &Path, findings: &mut Findings) {
    let what = format!("how much room {} has is not looked at on this system", folder.display());
    findings.note("room", what, "");
}

/// Whether another record could be written to the file system of `folder`, and whether its locks work.
#[cfg(unix)]
pub(super) fn look(folder: &Path, findings: &mut Findings) {
    let shown = folder.display();
    match rustix::fs::statvfs(folder) {
        Ok(facts) => {
            let bytes = facts.f_bavail.saturating_mul(facts.f_frsize);
            // A file system without a table of files says nothing.
            let no_files = facts.f_files > 0 && facts.f_favail < LEAST_FILES;
            if facts.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
                let help =
                    "move the store to a file system that can be written (COUNTERSIGN_STATE)";
                findings.broken("room", format!("{shown} is on a read-only file system"), help);
            } else if bytes < LEAST_BYTES || no_files {
                let what = format!("{shown} has room for {} KiB and no more", bytes / 1024);
                findings.broken("room", what, "free some space; what is stored stays as it is");
            } else {
                findings.ok("room", format!("{shown} has {} MiB free", bytes / 1024 / 1024));
            }
        }
        Err(error) => {
            let what = format!("{shown} does not tell its free space: {error}");
            findings.note("room", what, "");
        }
    }
    #[cfg(target_os = "linux")]
    if let Some(kind) = remote(folder) {
        findings.broken(
            "store",
            format!("{shown} is on {kind}, where locks between machines are not to be trusted"),
            "move the store to a disk of this machine (COUNTERSIGN_STATE)",
        );
    }
}

/// The name of a file system that is somewhere else.
#[cfg(target_os = "linux")]
fn remote(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // The numbers of linux/magic.h.
    match kind as u32 {
        0x6969 => Some("NFS"),
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => Some("SMB"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0102_1997 => Some("9P"),
        _ => None,
    }
}

/// Whether the clock is behind what was stored.
pub(super) fn look_at_clock(folder: &Path, findings: &mut Findings) {
    let now = SystemClock::new().now();
    let records = fs::read_dir(folder.join("records")).into_iter().flatten().flatten();
    let written = records.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = written.max().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let newest = newest.map(|since| Timestamp::UNIX_EPOCH.after(since));
    match newest.filter(|newest| newest.since(now) > TOLERANCE) {
        Some(newest) => findings.wrong(
            "clock",
            format!("it shows {now}, and a record was written at {newest}: it was set back"),
            "set it right; lifetimes, codes and proofs of passwords go by it",
        ),
        None => findings.ok("clock", format!("it shows {now}, and no record is of later")),
    }
}
