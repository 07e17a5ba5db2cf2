//! A device that the pool knows: its facts in the memo, and the verifier by which it is confirmed.

use countersign_core::{
    Ambient, Error, ErrorKind, Memo, MemoPatch, SecretBytes, SecretString, Seed,
};
use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::srp::{Party, derived, verifier};
use crate::wire::NewDeviceMetadata;
use crate::wire::account::{ConfirmDevice, DeviceSecretVerifier};

const KEY: &str = "device_key";
const GROUP: &str = "device_group_key";
const PASSWORD: &str = "device_password";

/// So long a key can be in the service model, and a group with it.
const LONGEST_KEY: usize = 128;
const PASSWORD_BYTES: usize = 40;
const SALT_BYTES: usize = 16;

/// What the memo knows of the device.
pub(crate) struct Device {
    pub(crate) key: SecretString,
    pub(crate) group: SecretString,
    /// It is there once the device is confirmed.
    password: Option<SecretString>,
}

impl Device {
    /// The device of the session, if the pool has given it a key.
    pub(crate) fn known(memo: &Memo) -> Option<Self> {
        let (key, group) = (memo.text(KEY)?, memo.text(GROUP)?);
        Some(Self { key, group, password: memo.text(PASSWORD) })
    }

    /// The same, if it was confirmed: then the pool can ask it for its proof.
    pub(crate) fn confirmed(memo: &Memo) -> Option<(Self, SecretString)> {
        let device = Self::known(memo)?;
        let password = device.password.clone()?;
        Some((device, password))
    }

    /// The same.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if there is none.
    pub(crate) fn expect(memo: &Memo) -> Result<Self, Error> {
        Self::known(memo).ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest).hint(
                "this session has no device: the pool gives its key at a sign-in, if it tracks devices",
            )
        })
    }

    pub(crate) fn party(&self) -> Party<'_> {
        Party { realm: self.group.expose(), name: self.key.expose() }
    }

    /// The request that confirms it, written by `send`.
    pub(crate) fn confirmation<T>(
        &self,
        ambient: &Ambient<'_>,
        access_token: &str,
        device_name: Option<&str>,
        send: impl FnOnce(&ConfirmDevice<'_>) -> T,
    ) -> T {
        let salt = derived(ambient.seed, "device salt", SALT_BYTES);
        let kept = verifier(self.party(), &password(ambient.seed), salt.expose_bytes());
        let kept = Zeroizing::new(BASE64.encode(kept.expose_bytes()));
        let salt = BASE64.encode(&unsigned(salt.expose_bytes()));
        send(&ConfirmDevice {
            access_token,
            device_key: self.key.expose(),
            device_name,
            device_secret_verifier_config: DeviceSecretVerifier {
                password_verifier: &kept,
                salt: &salt,
            },
        })
    }
}

/// The pool has given out the key of a device, which is new.
pub(crate) fn introduced(new: &NewDeviceMetadata) -> Option<MemoPatch> {
    let usable = |text: &&String| !text.is_empty() && text.len() <= LONGEST_KEY;
    let key = new.device_key.as_ref().filter(usable)?;
    let group = new.device_group_key.as_ref().filter(usable)?;
    let bytes = |text: &String| SecretBytes::copy_from(text.as_bytes());
    Some(MemoPatch::none().set(KEY, bytes(key)).set(GROUP, bytes(group)).forget(PASSWORD))
}

/// It has been confirmed, with the password that belongs to the seed of this exchange.
pub(crate) fn confirmed(ambient: &Ambient<'_>) -> MemoPatch {
    MemoPatch::none().set(PASSWORD, password(ambient.seed).to_bytes())
}

/// The pool does not know it any more.
pub(crate) fn forgotten() -> MemoPatch {
    MemoPatch::none().forget(KEY).forget(GROUP).forget(PASSWORD)
}

fn password(seed: &Seed) -> SecretString {
    SecretString::new(
        BASE64.encode(derived(seed, "device password", PASSWORD_BYTES).expose_bytes()),
    )
}

/// A number that cannot be read as negative: the clients of AWS send it so.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len())..];
    let zero = bytes.first().is_none_or(|first| first & 0x80 != 0);
    zero.then_some(0).into_iter().chain(bytes.iter().copied()).collect()
}
