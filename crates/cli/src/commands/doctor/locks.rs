//! Who holds a lock of the store at this moment.

use std::fs;
use std::path::Path;

use super::finding::Findings;

const TOPIC: &str = "locks";

/// Looks at every lock file. A lock that is free is taken for the moment of the look, as a reader.
pub(super) fn look(folder: &Path, findings: &mut Findings) {
    let Ok(entries) = fs::read_dir(folder.join("locks")) else { return };
    let mut n_held = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_lock = path.extension().is_some_and(|extension| extension == "lock");
        if !is_lock || !is_held(&path) {
            continue;
        }
        n_held += 1;
        let text = fs::read_to_string(&path).unwrap_or_default();
        findings.note(
            TOPIC,
            format!("{} is held by {}", path.display(), holder(&text)),
            "an exchange with the provider is under way; if it lasts longer than a minute, end that process",
        );
    }
    if n_held == 0 {
        findings.ok(TOPIC, "nobody holds one");
    }
}

#[cfg(not(windows))]
fn is_held(path: &Path) -> bool {
    use std::fs::{File, TryLockError};

    let Ok(file) = File::open(path) else { return false };
    // Dropped with the file.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Whoever holds it has it open to write, which is not shared with him for this moment.
#[cfg(windows)]
fn is_held(path: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;

    const SHARE_READ_AND_DELETE: u32 = 1 | 4;
    const SHARING_VIOLATION: i32 = 32;
    let opened = fs::File::options().read(true).share_mode(SHARE_READ_AND_DELETE).open(path);
    opened.is_err_and(|fault| fault.raw_os_error() == Some(SHARING_VIOLATION))
}

/// `process 123 (name)`, of what stands in the file.
fn holder(text: &str) -> String {
    let pid = text.strip_prefix("pid ").and_then(|rest| rest.split(' ').next());
    let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok()) else {
        return "a process that has not said its number".to_owned();
    };
    // Elsewhere a file of that name would be anybody's.
    let named = cfg!(target_os = "linux").then(|| fs::read_to_string(format!("/proc/{pid}/comm")));
    match named {
        Some(Ok(name)) => format!("process {pid} ({})", name.trim()),
        _ => format!("process {pid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named_by_its_number() {
        let me = std::process::id();
        assert!(
            holder(&format!("pid {me:010} fence {:020}\n", 7))
                .starts_with(&format!("process {me}"))
        );
        assert_eq!(holder("pid 99999999999 fence 1\n"), "a process that has not said its number");
        assert_eq!(holder(""), "a process that has not said its number");
    }
}
