//! Seal keys as lines of text.

use countersign_core::{SealKeys, SecretBytes};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

/// `ID DIGITS` a line, the sealing key first; `None` if a line is none of that, a key is not 32 bytes long or
/// an id is there twice.
pub(super) fn parse(text: &str) -> Option<SealKeys> {
    let mut keys: Option<SealKeys> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (id, digits) = line.trim().split_once(' ')?;
        let id: u32 = id.parse().ok()?;
        let key = SecretBytes::new(HEXLOWER.decode(digits.trim().as_bytes()).ok()?);
        if key.len() != 32 || keys.as_ref().is_some_and(|keys| keys.opening(id).is_some()) {
            return None;
        }
        keys = Some(match keys {
            None => SealKeys::new(id, key),
            Some(keys) => keys.also(id, key),
        });
    }
    keys
}

/// The lines of `keys` with the given ids, in that order.
pub(super) fn print(keys: &SealKeys, ids: &[u32]) -> Zeroizing<String> {
    // One allocation: a text that grew would leave keys behind.
    let mut text = Zeroizing::new(String::with_capacity(ids.len() * 80));
    for id in ids {
        let Some(key) = keys.opening(*id) else { continue };
        let digits = Zeroizing::new(HEXLOWER.encode(key.expose_bytes()));
        text.push_str(&id.to_string());
        text.push(' ');
        text.push_str(&digits);
        text.push('\n');
    }
    text
}
