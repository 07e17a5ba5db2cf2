//! A process whose disk is spoiled under it: before a renewal, and between the answer and the write.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::child::{Place, call, chain};
use crate::clock::{pause, until};
use crate::phase::Phase;
use crate::plan::{Plan, Report};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How it is spoiled. All but [`Spoil::Limit`] and [`Spoil::Removed`] want a mount of their own.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum Spoil {
    /// There is no space left.
    Full,
    /// No file may be longer than a few bytes (`RLIMIT_FSIZE`).
    Limit,
    /// The file system is read-only.
    ReadOnly,
    /// The folder is gone.
    Removed,
}

/// What a process has to tell about one spoiling.
#[derive(Clone, Default, Serialize, Deserialize, Debug)]
pub(crate) struct Spoilt {
    /// The error of a renewal that began on the spoilt disk, with its causes.
    pub(crate) told: String,
    /// The API was called meanwhile, with the token that was good.
    pub(crate) served: bool,
    /// The renewal came about once the disk was good again.
    pub(crate) healed: bool,
    /// A renewal whose disk was spoiled before its write: it came about, and the token was unsaved.
    /// `None` where that cannot be: no system makes a disk read-only while a lock file is open on it.
    pub(crate) unsaved: Option<bool>,
    /// What the status said then.
    pub(crate) unsaved_told: String,
    /// It was saved once the disk was good again.
    pub(crate) saved: bool,
}

/// Long enough for every retry on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Spoils and heals the disk of `place`, twice.
pub(crate) async fn spoil(place: &Place, plan: &Plan, how: Spoil) -> Result<Spoilt, Failure> {
    let disk = Disk { how, folder: plan.folder.clone() };
    let mut found = Spoilt::default();
    let mut calls = Report::default();
    place.session.authorization().await?;
    disk.spoil()?;
    if let Err(error) = place.session.refresh().await {
        found.told = chain(&error);
    }
    call(&place.api, &place.url, &mut calls).await;
    found.served = calls.ok == 1;
    disk.heal()?;
    for _ in 0..60 {
        found.healed = place.session.refresh().await.is_ok() && place.session.status().saved;
        if found.healed {
            break;
        }
        pause(Duration::from_millis(500)).await;
    }
    if how == Spoil::ReadOnly {
        found.saved = place.session.status().saved;
        return Ok(found);
    }
    let before = place.session.status().generation;
    let session = place.session.clone();
    let renewal = tokio::spawn(async move { session.refresh().await.map(drop) });
    let phase = plan.phase.clone().ok_or("no file for phases")?;
    if !until(PATIENCE, || Phase::of(&phase) == Phase::Sending).await {
        return Err("nothing was sent".into());
    }
    disk.spoil()?;
    let renewed = renewal.await?.is_ok();
    let status = place.session.status();
    found.unsaved = Some(renewed && status.good && !status.saved && status.generation != before);
    found.unsaved_told = status.last_error.map(|error| chain(&error)).unwrap_or_default();
    disk.heal()?;
    found.saved = until(PATIENCE, || place.session.status().saved).await;
    Ok(found)
}

struct Disk {
    how: Spoil,
    folder: PathBuf,
}

impl Disk {
    fn spoil(&self) -> Result<(), Failure> {
        match self.how {
            Spoil::Full => fill(&self.filler()),
            Spoil::Limit => limit(Some(16)),
            Spoil::ReadOnly => remount(&self.folder, "ro"),
            Spoil::Removed => Ok(fs::rename(&self.folder, self.elsewhere())?),
        }
    }

    fn heal(&self) -> Result<(), Failure> {
        match self.how {
            Spoil::Full => Ok(fs::remove_file(self.filler())?),
            Spoil::Limit => limit(None),
            Spoil::ReadOnly => remount(&self.folder, "rw"),
            Spoil::Removed => Ok(fs::rename(self.elsewhere(), &self.folder)?),
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn elsewhere(&self) -> PathBuf {
        self.folder.with_extension("elsewhere")
    }
}

/// Writes until nothing more goes.
fn fill(path: &Path) -> Result<(), Failure> {
    let mut file = fs::File::create(path)?;
    for size in [4096, 1] {
        loop {
            match file.write_all(&vec![0; size]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Files as long as `bytes` at most. The signal that goes with it was ignored by whoever started us.
fn limit(bytes: Option<u64>) -> Result<(), Failure> {
    let maximum = getrlimit(Resource::Fsize).maximum;
    Ok(setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum })?)
}

fn remount(folder: &Path, mode: &str) -> Result<(), Failure> {
    let status =
        Command::new("mount").arg("-o").arg(format!("remount,{mode}")).arg(folder).status()?;
    if status.success() { Ok(()) } else { Err("mount has failed".into()) }
}
