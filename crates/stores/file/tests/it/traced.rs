//! The order of system calls of a commit, as strace sees it.

use std::path::Path;
use std::process::Command;

use super::child::Process;
use super::{Place, name};

const CALLS: &str = "trace=openat,open,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2";

#[tokio::test]
async fn f30_a_commit_is_a_new_file_written_synced_renamed_and_its_folder_synced() {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        eprintln!("left out: strace is not there, or may not trace");
        return;
    }
    let place = Place::new();
    let log = place.path("").with_file_name("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", CALLS, "-o"]).arg(&log);
    command.arg(std::env::current_exe().unwrap());
    let mut child = Process::start_as(command, "write-64k", place.store.folder(), &name(1));
    assert_eq!(child.says().as_deref(), Some("written"));
    assert!(child.ends_well());
    let trace = std::fs::read_to_string(&log).unwrap();
    let steps = steps(&trace, place.store.folder());
    let order = [
        // Who waits for it is told whose write it is.
        "write cas",
        // No other process saw it before it was whole, and it was never readable by others.
        "create 0600 tmp",
        "write tmp",
        "sync tmp",
        // The revision is never given twice, also if we die before the rename.
        "write cas",
        "rename tmp to record",
        "sync records",
    ];
    assert_eq!(steps, order, "{trace}");
}

/// What happened to the record and to what becomes it, without repetitions.
fn steps(trace: &str, folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let (temp, record) = (format!("{folder}/tmp/{}.", name(1)), format!("{folder}/records"));
    let cas = format!("{folder}/locks/{}.cas", name(1));
    let mut steps: Vec<String> = Vec::new();
    for line in trace.lines() {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let call = call.rsplit(' ').next().unwrap_or_default();
        let first = rest.split(',').next().unwrap_or_default();
        let step = match call {
            "openat" | "open" if rest.contains(&temp) && rest.contains("O_CREAT") => {
                let safe = rest.contains("O_EXCL") && rest.contains("O_NOFOLLOW");
                let mode = if rest.contains(", 0600)") && safe { "0600" } else { "unsafe" };
                format!("create {mode} tmp")
            }
            "write" | "pwrite64" if first.contains(&temp) => "write tmp".into(),
            "write" | "pwrite64" if first.contains(&cas) => "write cas".into(),
            "fsync" | "fdatasync" if rest.contains(&temp) => "sync tmp".into(),
            "fsync" | "fdatasync" if rest.contains(&format!("{record}>")) => "sync records".into(),
            "rename" | "renameat" | "renameat2" if rest.contains(&temp) => {
                let target = format!("\"{record}/{}.rec\"", name(1));
                let place = if rest.contains(&target) { "record" } else { "elsewhere" };
                format!("rename tmp to {place}")
            }
            _ => continue,
        };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}
