//! The seal keys of a store, in one file that only its owner reads.
//!
//! ```text
//! countersign seal keys, version 1
//! 1 0123456789abcdef…              id and 64 hexadecimal digits; the first key seals, all open
//! ```
//!
//! Under a passphrase or a key of a vault these lines are sealed (XChaCha20-Poly1305; title and second line
//! are authenticated), and the second line says under what:
//!
//! ```text
//! countersign seal keys, version 2
//! passphrase m=65536 t=3 p=4 SALT  or  vault ENTRY
//! nonce, ciphertext and tag as hexadecimal digits
//! ```

mod text;
mod wrap;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use countersign_core::{Error, SealKeys, SecretBytes};
use zeroize::Zeroizing;

use crate::layout::Layout;
use crate::lock::{Held, Holder};
use crate::protection::KeyProtection;
use crate::temp::Temp;
use crate::{fault, guard};
use wrap::Wrapping;

const TITLE: &str = "countersign seal keys, version ";
const PLAIN: &str = "1";
const WRAPPED: &str = "2";
/// Some hundred keys.
const LONGEST: u64 = 32 * 1024;
/// Ids above would name nothing: see `countersign_seal::Sealer`.
const HIGHEST: u32 = 0xffff;

/// The keys; a new one if there is none and nothing was sealed yet. Processes that come here at the
/// same time get the same key.
pub(crate) fn seal_keys(layout: &Layout, protection: &KeyProtection) -> Result<SealKeys, Error> {
    let path = layout.key();
    if let Some(keys) = read(&path, protection)? {
        return Ok(keys);
    }
    if has_records(layout)? {
        // Somebody may have made the key and sealed with it since we looked.
        return read(&path, protection)?.ok_or_else(|| {
            let what = "is missing, and there are records that were sealed with it; bring it back, \
                        or move the folder `records` away and sign in again";
            fault::key(&path, what)
        });
    }
    create(layout, &path, protection)?;
    read(&path, protection)?.ok_or_else(|| fault::key(&path, "was removed; try again"))
}

/// The right to change the keys, with our number for those who wait; `None` if somebody has it.
pub(crate) fn try_lock(layout: &Layout) -> Result<Option<Held>, Error> {
    let Some(lock) = Held::try_take(&layout.key_lock())? else { return Ok(None) };
    lock.write(&Holder { pid: std::process::id(), fence: 0 }.to_text())?;
    Ok(Some(lock))
}

/// Puts a new key in front of the others, and says its id.
pub(crate) fn add(layout: &Layout, protection: &KeyProtection, lock: Held) -> Result<u32, Error> {
    seal_keys(layout, protection)?;
    let change = Change::begin(layout, protection, lock)?;
    let id = change.keys.ids().max().unwrap_or(0).saturating_add(1);
    if id > HIGHEST {
        return Err(fault::key(&layout.key(), "has used up its ids; begin a new store"));
    }
    let key = SecretBytes::copy_from(&*wrap::random::<32>()?);
    let mut ids: Vec<u32> = vec![id];
    ids.extend(change.keys.ids());
    let keys = change.keys.clone().also(id, key);
    change.write(protection, &keys, &ids)?;
    Ok(id)
}

/// Takes the key `id` away, if it neither seals nor names.
pub(crate) fn drop_key(
    layout: &Layout,
    protection: &KeyProtection,
    lock: Held,
    id: u32,
) -> Result<(), Error> {
    let change = Change::begin(layout, protection, lock)?;
    check_may_go(&change.keys, id)?;
    let left: Vec<u32> = change.keys.ids().filter(|known| *known != id).collect();
    let keys = change.keys.clone();
    change.write(protection, &keys, &left)
}

/// Whether the key `id` neither seals nor names.
pub(crate) fn check_may_go(keys: &SealKeys, id: u32) -> Result<(), Error> {
    let ids: Vec<u32> = keys.ids().collect();
    let why = if !ids.contains(&id) {
        "is not among the keys of this store"
    } else if ids.first() == Some(&id) {
        "seals what is written; add another key first"
    } else if ids.iter().min() == Some(&id) {
        "names the records and stays for the life of the store"
    } else {
        return Ok(());
    };
    Err(fault::key_needed(id, why))
}

/// Puts the keys under another protection.
pub(crate) fn protect(
    layout: &Layout,
    from: &KeyProtection,
    to: &KeyProtection,
    lock: Held,
) -> Result<(), Error> {
    let path = layout.key();
    if read(&path, from)?.is_none() && !has_records(layout)? {
        // Made as it is to be: it is under nothing less for a moment, nor after a crash.
        create(layout, &path, to)?;
        if let Ok(Some(_)) = read(&path, to) {
            return Ok(());
        }
        // Somebody else was first.
    }
    seal_keys(layout, from)?;
    let change = Change::begin(layout, from, lock)?;
    let ids: Vec<u32> = change.keys.ids().collect();
    let keys = change.keys.clone();
    change.write(to, &keys, &ids)
}

/// How the key file is protected, in one word; `None` if there is none yet.
pub(crate) fn kind(layout: &Layout) -> Result<Option<&'static str>, Error> {
    let path = layout.key();
    if text_of(&path)?.is_none() {
        return Ok(None);
    }
    Ok(Some(match wrapping(&path)? {
        None => "owner_only",
        Some(Wrapping::Passphrase { .. }) => "passphrase",
        Some(Wrapping::Vault { .. }) => "vault",
    }))
}

/// A change of the key file: the one that is under way.
struct Change<'a> {
    layout: &'a Layout,
    was: &'a KeyProtection,
    keys: SealKeys,
    _lock: Held,
}

impl<'a> Change<'a> {
    fn begin(layout: &'a Layout, was: &'a KeyProtection, lock: Held) -> Result<Self, Error> {
        let path = layout.key();
        let keys = read(&path, was)?;
        let keys = keys.ok_or_else(|| fault::key(&path, "is missing; bring it back"))?;
        Ok(Self { layout, was, keys, _lock: lock })
    }

    /// Writes the keys with these ids. The old file, and what it is under, are there until the new one is whole
    /// on the disk and in its place.
    fn write(self, protection: &KeyProtection, keys: &SealKeys, ids: &[u32]) -> Result<(), Error> {
        let path = self.layout.key();
        let old = wrapping(&path)?;
        let (text, new) = written(&path, protection, &text::print(keys, ids))?;
        if let Err(error) = self.replace(&path, &text) {
            if may_be_in_place(&path, &text) {
                // After a crash either file may be there: what both are under stays.
                return Err(fault::keys_unconfirmed(&path, error));
            }
            if let Some(new) = new {
                new.forget(protection);
            }
            return Err(error);
        }
        if let Some(old) = old {
            old.forget(self.was);
        }
        Ok(())
    }

    fn replace(&self, path: &Path, text: &str) -> Result<(), Error> {
        let mut temp = Temp::new(&self.layout.temp(), "key")?;
        temp.fill(|file| file.write_all(text.as_bytes()))?;
        temp.replace(path)?;
        guard::sync_folder(self.layout.root())
    }
}

fn create(layout: &Layout, path: &Path, protection: &KeyProtection) -> Result<(), Error> {
    let keys = SealKeys::new(1, SecretBytes::copy_from(&*wrap::random::<32>()?));
    let (text, wrapping) = written(path, protection, &text::print(&keys, &[1]))?;
    let made = publish(layout, path, &text);
    let ours = match &made {
        Ok(ours) => *ours,
        Err(_) => may_be_in_place(path, &text),
    };
    if let Some(wrapping) = wrapping.filter(|_| !ours) {
        // Somebody else was first, or nobody was.
        wrapping.forget(protection);
    }
    made.map(|_| ())
}

/// Whether `text` may be the key file, though it could not be put there: that can fail when it is there already,
/// on a disk that does not confirm it.
fn may_be_in_place(path: &Path, text: &str) -> bool {
    text_of(path).map_or(true, |there| there.is_some_and(|there| *there == *text))
}

fn publish(layout: &Layout, path: &Path, text: &str) -> Result<bool, Error> {
    let mut temp = Temp::new(&layout.temp(), "key")?;
    temp.fill(|file| file.write_all(text.as_bytes()))?;
    let made = temp.publish(path)?;
    guard::sync_folder(layout.root())?;
    Ok(made)
}

/// A whole key file with `lines`, and what it is under. An entry of a vault is made anew for each file, so
/// that the old file and its entry are right until the new file is in its place.
fn written(
    path: &Path,
    protection: &KeyProtection,
    lines: &str,
) -> Result<(Zeroizing<String>, Option<Wrapping>), Error> {
    let Some((wrapping, key)) = Wrapping::new(path, protection)? else {
        return Ok((Zeroizing::new(format!("{TITLE}{PLAIN}\n{lines}")), None));
    };
    let front = format!("{TITLE}{WRAPPED}\n{}\n", wrapping.to_line());
    let sealed = wrap::seal(&key, &front, lines)?;
    Ok((Zeroizing::new(format!("{front}{sealed}\n")), Some(wrapping)))
}

fn read(path: &Path, protection: &KeyProtection) -> Result<Option<SealKeys>, Error> {
    let Some(mut text) = text_of(path)? else { return Ok(None) };
    loop {
        let keys = keys_in(path, &text, protection);
        let Err(error) = keys else { return keys.map(Some) };
        // The entry of a file that was replaced since we read it is gone.
        match text_of(path)? {
            Some(newer) if *newer != *text => text = newer,
            _ => return Err(error),
        }
    }
}

fn keys_in(path: &Path, text: &str, protection: &KeyProtection) -> Result<SealKeys, Error> {
    let damaged = || fault::key(path, "is not a key file; bring the right one back");
    let (title, rest) = text.split_once('\n').ok_or_else(damaged)?;
    match title.strip_prefix(TITLE).ok_or_else(damaged)? {
        PLAIN if matches!(protection, KeyProtection::OwnerOnly) => {
            text::parse(rest).ok_or_else(damaged)
        }
        PLAIN => Err(fault::unprotected(path)),
        WRAPPED => {
            let (line, digits) = rest.split_once('\n').ok_or_else(damaged)?;
            let wrapping = Wrapping::parse(line).ok_or_else(damaged)?;
            let key = wrapping.key(path, protection)?;
            let front = format!("{title}\n{line}\n");
            let lines = wrap::open(&key, &front, digits.trim()).ok_or_else(|| match wrapping {
                Wrapping::Passphrase { .. } => fault::wrong_passphrase(path),
                Wrapping::Vault { .. } => damaged(),
            })?;
            text::parse(&lines).ok_or_else(damaged)
        }
        _ => Err(fault::newer(path)),
    }
}

/// What the key file is under; `None` if under nothing.
fn wrapping(path: &Path) -> Result<Option<Wrapping>, Error> {
    let damaged = || fault::key(path, "is not a key file; bring the right one back");
    let text = text_of(path)?.ok_or_else(damaged)?;
    let mut lines = text.lines();
    match lines.next().and_then(|title| title.strip_prefix(TITLE)).ok_or_else(damaged)? {
        PLAIN => Ok(None),
        WRAPPED => lines.next().and_then(Wrapping::parse).ok_or_else(damaged).map(Some),
        _ => Err(fault::newer(path)),
    }
}

fn text_of(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    // A process that died while it made the key leaves a second name: harmless.
    let Some((file, facts)) = guard::open(path, guard::Links::Any)? else { return Ok(None) };
    if facts.len() > LONGEST {
        return Err(fault::key(path, "is not a key file; bring the right one back"));
    }
    let mut text = Zeroizing::new(String::with_capacity(facts.len() as usize + 1));
    let done = file.take(LONGEST).read_to_string(&mut text);
    done.map_err(|source| fault::io("read", path, source))?;
    Ok(Some(text))
}

fn has_records(layout: &Layout) -> Result<bool, Error> {
    let folder = layout.records();
    match fs::read_dir(&folder) {
        Ok(mut entries) => Ok(entries.any(|entry| {
            entry.is_ok_and(|e| e.file_name().to_str().and_then(Layout::record_name).is_some())
        })),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(fault::io("list", &folder, source)),
    }
}
