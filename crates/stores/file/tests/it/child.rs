//! Other processes: this test program started again, with one task each.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

#[cfg(unix)]
use countersign_core::Error;
use countersign_core::{Committed, RecordName, Revision, SecretBytes, SessionStore};
use countersign_store_file::FileStore;
#[cfg(unix)]
use countersign_store_file::KeyProtection;

const TASK: &str = "COUNTERSIGN_TEST_TASK";
const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";
const RECORD: &str = "COUNTERSIGN_TEST_RECORD";
const MARK: &str = "child says: ";

/// Additions that a counting process makes.
pub(crate) const ADDITIONS: u32 = 40;

/// A process that does `task`; ended when it is dropped.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program again.
    pub(crate) fn start(task: &str, folder: &Path, name: &RecordName) -> Self {
        Self::start_as(Command::new(std::env::current_exe().unwrap()), task, folder, name)
    }

    /// Starts `command`, which runs this program with the arguments that are added.
    pub(crate) fn start_as(
        mut command: Command,
        task: &str,
        folder: &Path,
        name: &RecordName,
    ) -> Self {
        let mut child = command
            .args(["--ignored", "--exact", "child::entry", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .env(FOLDER, folder)
            .env(RECORD, name.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says; `None` if it ended without a word.
    pub(crate) fn says(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once(MARK) {
                return Some(said.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    /// Lets a process go on that waits for it.
    pub(crate) fn go_on(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; true if it was a good one.
    pub(crate) fn ends_well(&mut self) -> bool {
        self.go_on();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stdout, reason = "how a process answers the one that started it")]
fn say(what: &str) {
    println!("\n{MARK}{what}");
    std::io::stdout().flush().unwrap();
}

fn wait_for_parent() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
#[ignore = "started by the other tests as a process of its own"]
async fn entry() {
    let task = std::env::var(TASK).expect("only other tests start this");
    let folder = std::env::var(FOLDER).unwrap();
    let name = RecordName::parse(&std::env::var(RECORD).unwrap()).unwrap();
    let store = FileStore::open(folder).unwrap();
    match task.as_str() {
        "hold" => hold(&store, &name).await,
        "count" => count(&store, &name).await,
        "key" => key(&store).await,
        "rotate" => rotate(&store).await,
        "write-64k" => write_long(&store, &name).await,
        "open-default" => match FileStore::open_default() {
            Ok(store) => say(store.folder().to_str().unwrap()),
            Err(error) => say(error.code().unwrap()),
        },
        "use-read-only" => use_read_only(&store, &name).await,
        #[cfg(unix)]
        "add-key-in-vault" => say_code(in_vault(&store).add_key().await),
        #[cfg(unix)]
        "make-key-in-vault" => say_code(in_vault(&store).seal_keys().await),
        #[cfg(unix)]
        "protect-in-vault" => say_code(store.protect(vault_of(&store)).await),
        other => panic!("no task is called {other}"),
    }
}

async fn hold(store: &FileStore, name: &RecordName) {
    let lock = store.lock(name, Duration::from_secs(1), Duration::from_secs(5)).await.unwrap();
    say(&lock.fence().number().to_string());
    wait_for_parent();
    lock.release().await;
}

/// Adds one to a number without a lock.
async fn count(store: &FileStore, name: &RecordName) {
    say("ready");
    wait_for_parent();
    for _ in 0..ADDITIONS {
        loop {
            let record = store.load(name).await.unwrap().unwrap();
            let number: u32 =
                std::str::from_utf8(record.bytes.expose_bytes()).unwrap().parse().unwrap();
            let next = SecretBytes::new((number + 1).to_string().into_bytes());
            let done = store.commit(name, record.revision, None, next).await.unwrap();
            if matches!(done, Committed::Done(_)) {
                break;
            }
        }
    }
}

/// Says a name that only the same key gives.
async fn key(store: &FileStore) {
    say("ready");
    wait_for_parent();
    let sealer = countersign_seal::Sealer::new(store.seal_keys().await.unwrap()).unwrap();
    say(&data_encoding::HEXLOWER.encode(sealer.salt()));
}

/// Replaces keys again and again, and says before each step that it comes.
async fn rotate(store: &FileStore) {
    loop {
        say("add");
        store.add_key().await.unwrap();
        say("reseal");
        assert!(store.reseal().await.unwrap().is_complete());
        say("drop");
        let ids: Vec<u32> = store.seal_keys().await.unwrap().ids().collect();
        for id in ids.into_iter().skip(1).filter(|id| *id != 1) {
            store.drop_key(id).await.unwrap();
        }
    }
}

async fn write_long(store: &FileStore, name: &RecordName) {
    let revision = store.load(name).await.unwrap().map_or(Revision::NONE, |r| r.revision);
    let long = SecretBytes::new(vec![b'x'; 64 * 1024]);
    match store.commit(name, revision, None, long).await {
        Ok(_) => say("written"),
        Err(error) => say(&error.to_string()),
    }
}

#[cfg(unix)]
fn vault_of(store: &FileStore) -> KeyProtection {
    KeyProtection::Vault(super::unsynced::FolderVault::beside(store.folder()))
}

#[cfg(unix)]
fn in_vault(store: &FileStore) -> FileStore {
    FileStore::open_with(store.folder(), vault_of(store)).unwrap()
}

#[cfg(unix)]
fn say_code<T>(end: Result<T, Error>) {
    match end {
        Ok(_) => say("done"),
        Err(error) => say(error.code().unwrap_or("no code")),
    }
}

async fn use_read_only(store: &FileStore, name: &RecordName) {
    let record = store.load(name).await.unwrap().unwrap();
    say(std::str::from_utf8(record.bytes.expose_bytes()).unwrap());
    store.seal_keys().await.unwrap();
    let wait = Duration::from_secs(1);
    let Err(error) = store.lock(name, wait, wait).await else { panic!("it was locked") };
    say(&error.to_string());
    let fresh = RecordName::from_hash([0xee; 16]);
    let Err(error) = store.commit(&fresh, Revision::NONE, None, SecretBytes::default()).await
    else {
        panic!("it was written")
    };
    say(&error.to_string());
    // What is damaged can be read too; its seal would tell.
    let damaged = store.load(&RecordName::from_hash([2; 16])).await.unwrap().unwrap();
    say(if damaged.revision > Revision(1 << 32) { "damaged" } else { "whole" });
    let seen = store.inspect().await.unwrap();
    say(&format!("writable: {}, records: {}", seen.writable, seen.records.len()));
}
