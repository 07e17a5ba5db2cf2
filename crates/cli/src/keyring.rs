//! The keyring of the desktop as the home of the key that protects those of the store: the Secret Service on
//! Linux, the keychain on macOS, the Credential Manager on Windows. The kernel's keyring forgets at a reboot, and is not among them.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::{Error, ErrorKind, Recovery, SecretBytes};
use countersign_store_file::{KeyVault, OsKeyring};
use keyring_core::api::CredentialStore;

type Opener = fn() -> keyring_core::Result<Arc<CredentialStore>>;

/// The keyring of this system. Nothing is asked of it before a key is needed.
pub(crate) fn vault() -> Arc<dyn KeyVault> {
    Arc::new(Lazy { open: native, opened: Mutex::default() })
}

#[cfg(target_os = "linux")]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(keyring_core::Error::NoDefaultStore)
}

/// A keyring that is opened with its first use. It is used on threads that may wait.
struct Lazy {
    open: Opener,
    opened: Mutex<Option<OsKeyring>>,
}

impl Lazy {
    fn keyring(&self) -> Result<OsKeyring, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keyring) = &*opened {
            return Ok(keyring.clone());
        }
        let keyring = OsKeyring::new((self.open)().map_err(no_keyring)?)?;
        *opened = Some(keyring.clone());
        Ok(keyring)
    }
}

impl KeyVault for Lazy {
    fn get(&self, entry: &str) -> Result<Option<SecretBytes>, Error> {
        self.keyring()?.get(entry)
    }

    fn set(&self, entry: &str, secret: &SecretBytes) -> Result<(), Error> {
        self.keyring()?.set(entry, secret)
    }

    fn remove(&self, entry: &str) -> Result<(), Error> {
        self.keyring()?.remove(entry)
    }
}

/// What the keyring itself says is not passed on: some of its errors hold what was stored.
fn no_keyring(_: keyring_core::Error) -> Error {
    let hint = if cfg!(target_os = "linux") {
        "no keyring answers: the session bus (DBUS_SESSION_BUS_ADDRESS) or the Secret Service on it (GNOME \
         Keyring, KWallet, KeePassXC) does not run; start it, or put key = \"passphrase\" into [store] and run \
         `countersign sessions protect` where the keyring is; no key was written in the clear"
    } else {
        "the keyring of this system does not answer; unlock it, or put key = \"passphrase\" into [store]; no key \
         was written in the clear"
    };
    Error::new(ErrorKind::Store).with_recovery(Recovery::Retry).with_code("no_keyring").hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lazy(open: Opener) -> Lazy {
        Lazy { open, opened: Mutex::default() }
    }

    #[test]
    fn f31_a_keyring_that_is_not_there_is_an_error_with_the_remedy() {
        let absent = lazy(|| {
            let cause = std::io::Error::other("canary-of-the-bus");
            Err(keyring_core::Error::PlatformFailure(Box::new(cause)))
        });
        let secret = SecretBytes::copy_from(b"canary");
        let errors = [
            absent.get("e").unwrap_err(),
            absent.set("e", &secret).unwrap_err(),
            absent.remove("e").unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), Some("no_keyring"));
            let text = format!("{error} {error:?}");
            assert!(text.contains("passphrase") && !text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn f31_a_keyring_that_forgets_is_refused_also_here() {
        // The mock of the family lasts as long as its process.
        let mock = lazy(|| Ok(keyring_core::mock::Store::new()?));
        assert_eq!(mock.get("e").unwrap_err().code(), Some("keyring_forgets"));
    }
}
