//! The one place where the store of this user is opened.

use std::sync::Arc;

use countersign_runtime::SystemClock;
use countersign_store_file::{FileStore, KeyProtection, Passphrase};
use tokio::runtime::{Builder, Runtime};

use crate::engine::{no_runtime, online};
use crate::inputs;
use crate::interrupt::Hearing;
use crate::problem::Problem;
use crate::profile::{self, StoreSettings};
use crate::source::Surroundings;

/// What a person is asked for.
const LABEL: &str = "passphrase of the store";

/// The store in the folder of `COUNTERSIGN_STATE`, else in the user's folder for state, with its keys under
/// what `settings` say.
///
/// # Errors
/// [`crate::exit::Exit::Store`] with the remedy; [`crate::exit::Exit::Usage`] if the passphrase cannot be had.
pub(crate) async fn open(settings: &StoreSettings) -> Result<FileStore, Problem> {
    open_under(settings, protection(settings).await?)
}

/// The same with its keys under `protection`.
///
/// # Errors
/// [`crate::exit::Exit::Store`] with the remedy.
pub(crate) fn open_under(
    settings: &StoreSettings,
    protection: KeyProtection,
) -> Result<FileStore, Problem> {
    let folder = profile::state_folder(crate::environment)?;
    let opened = match settings.vouched() {
        true => FileStore::open_vouched(folder, protection),
        false => FileStore::open_with(folder, protection),
    };
    // Nothing else goes on in this process while it reads.
    opened.map(FileStore::reading_in_place).map_err(|error| match error.code() {
        Some("foreign_place") => {
            Problem::from(&error).note("in the profile file: vouched = true in the table [store]")
        }
        _ => Problem::from(&error),
    })
}

/// What the keys are to be under.
pub(crate) async fn protection(settings: &StoreSettings) -> Result<KeyProtection, Problem> {
    if let Some(vault) = crate::keyring::vault().filter(|_| settings.keyring()) {
        return Ok(KeyProtection::Vault(vault));
    }
    let Some(source) = settings.passphrase() else { return Ok(KeyProtection::OwnerOnly) };
    let around = Surroundings {
        environment: crate::environment,
        withheld: settings.withheld().to_vec(),
        clock: Arc::new(SystemClock::new()),
    };
    let passphrase = source.read(LABEL, &around).await.map_err(|refusal| {
        let what = format!("`store.passphrase`: {}", refusal.what);
        inputs::refused(crate::protected::Refusal::new(what, refusal.help))
    })?;
    Ok(KeyProtection::Passphrase(Passphrase::new(passphrase)))
}

/// A runtime to look at what the store holds: no descriptor for the network or for signals, unless the
/// passphrase has to be got by a program or a person.
pub(crate) fn runtime(settings: &StoreSettings) -> Result<Runtime, Problem> {
    if settings.is_plain() {
        Builder::new_current_thread().enable_time().build().map_err(no_runtime)
    } else {
        online()
    }
}

/// How the process is asked to end while the store is opened. A keyring that waits for somebody cannot be called off:
/// there the system ends the process, as where nobody is asked.
pub(crate) const fn hearing(settings: &StoreSettings) -> Hearing {
    if settings.is_plain() || settings.keyring() { Hearing::Deaf } else { Hearing::Hears }
}
