//! The keyring of the system as the home of the key that protects those of the store, where this build has one.
//!
//! On macOS and Windows that is two crates, and in. On Linux it is a client of D-Bus with a runtime of its own, fifty
//! crates, so the feature `keyring` asks for it.

use std::sync::Arc;

use countersign_store_file::KeyVault;

#[cfg(any(all(target_os = "linux", feature = "keyring"), target_os = "macos", windows))]
mod desktop;

/// What it is called here; `None` if this build has none.
pub(crate) const NAME: Option<&str> = if cfg!(target_os = "macos") {
    Some("the keychain")
} else if cfg!(windows) {
    Some("the Credential Manager")
} else if cfg!(all(target_os = "linux", feature = "keyring")) {
    Some("the Secret Service")
} else {
    None
};

/// How a build is got that has one.
pub(crate) const HOW_TO_GET_IT: &str =
    "build it with --features keyring (Linux; on macOS and Windows it is in)";

/// The keyring of this system. Nothing is asked of it before a key is needed.
#[cfg(any(all(target_os = "linux", feature = "keyring"), target_os = "macos", windows))]
pub(crate) fn vault() -> Option<Arc<dyn KeyVault>> {
    Some(desktop::vault())
}

/// There is none.
#[cfg(not(any(all(target_os = "linux", feature = "keyring"), target_os = "macos", windows)))]
pub(crate) fn vault() -> Option<Arc<dyn KeyVault>> {
    None
}
