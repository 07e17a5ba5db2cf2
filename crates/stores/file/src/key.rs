//! The seal keys of a store, in a file that only its owner reads.
//!
//! ```text
//! countersign seal keys, version 1
//! 1 0123456789abcdef…              id and 64 hexadecimal digits; the first key seals, all open
//! ```

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use countersign_core::{Error, ErrorKind, SealKeys, SecretBytes};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::layout::Layout;
use crate::temp::Temp;
use crate::{fault, guard};

const TITLE: &str = "countersign seal keys, version ";
const VERSION: &str = "1";
/// Some hundred keys.
const LONGEST: u64 = 16 * 1024;

/// The keys; a new one if there is none and nothing was sealed yet. Processes that come here at the
/// same time get the same key.
pub(crate) fn seal_keys(layout: &Layout) -> Result<SealKeys, Error> {
    let path = layout.key();
    if let Some(keys) = read(&path)? {
        return Ok(keys);
    }
    if has_records(layout)? {
        // Somebody may have made the key and sealed with it since we looked.
        return read(&path)?.ok_or_else(|| {
            let what = "is missing, and there are records that were sealed with it; bring it back, \
                        or move the folder `records` away and sign in again";
            fault::key(&path, what)
        });
    }
    create(layout, &path)?;
    read(&path)?.ok_or_else(|| fault::key(&path, "was removed; try again"))
}

fn create(layout: &Layout, path: &Path) -> Result<(), Error> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|source| {
        Error::new(ErrorKind::Store)
            .hint("the system gives no random bytes; no key was made")
            .with_source(source)
    })?;
    let digits = Zeroizing::new(HEXLOWER.encode(&*key));
    let text = Zeroizing::new(format!("{TITLE}{VERSION}\n1 {}\n", *digits));
    let mut temp = Temp::new(&layout.temp(), "key")?;
    temp.fill(|file| file.write_all(text.as_bytes()))?;
    temp.publish(path)?;
    guard::sync_folder(layout.root())
}

fn read(path: &Path) -> Result<Option<SealKeys>, Error> {
    // A process that died while it made the key leaves a second name: harmless.
    let Some((file, facts)) = guard::open(path, guard::Links::Any)? else { return Ok(None) };
    if facts.len() > LONGEST {
        return Err(fault::key(path, "is not a key file; bring the right one back"));
    }
    let mut text = Zeroizing::new(String::with_capacity(facts.len() as usize + 1));
    let done = file.take(LONGEST).read_to_string(&mut text);
    done.map_err(|source| fault::io("read", path, source))?;
    parse(path, &text).map(Some)
}

fn parse(path: &Path, text: &str) -> Result<SealKeys, Error> {
    let damaged = || fault::key(path, "is not a key file; bring the right one back");
    let mut lines = text.lines();
    let version = lines.next().and_then(|title| title.strip_prefix(TITLE)).ok_or_else(damaged)?;
    if version != VERSION {
        return Err(fault::newer(path));
    }
    let mut keys: Option<SealKeys> = None;
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let (id, digits) = line.trim().split_once(' ').ok_or_else(damaged)?;
        let id: u32 = id.parse().map_err(|_| damaged())?;
        let bytes = HEXLOWER.decode(digits.trim().as_bytes()).map_err(|_| damaged())?;
        let key = SecretBytes::new(bytes);
        if key.len() != 32 || keys.as_ref().is_some_and(|keys| keys.opening(id).is_some()) {
            return Err(damaged());
        }
        keys = Some(match keys {
            None => SealKeys::new(id, key),
            Some(keys) => keys.also(id, key),
        });
    }
    keys.ok_or_else(damaged)
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
