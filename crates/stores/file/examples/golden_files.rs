//! Makes a store whose files can be golden ones: for the author of a new format, once. The tests compare with
//! the files under `tests/golden` and never write them.
//!
//! ```text
//! cargo run -p countersign-store-file --example golden_files -- FOLDER
//! ```
//!
//! In the empty folder FOLDER lies then a key file under the passphrase `canary passphrase`, and one record of
//! the name `0707…` with the bytes `canary record`.

use countersign_core::SessionStore;
use countersign_core::{Error, ErrorKind, RecordName, Revision, SecretBytes, SecretString};
use countersign_store_file::{FileStore, KeyProtection, Passphrase};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let folder = std::env::args()
        .nth(1)
        .ok_or_else(|| Error::new(ErrorKind::Configuration).hint("name an empty folder"))?;
    let passphrase = Passphrase::new(SecretString::new("canary passphrase")).with_cost(8, 1);
    let store = FileStore::open_with(folder, KeyProtection::Passphrase(passphrase))?;
    store.seal_keys().await?;
    let name = RecordName::from_hash([7; 16]);
    store.commit(&name, Revision::NONE, None, SecretBytes::copy_from(b"canary record")).await?;
    Ok(())
}
