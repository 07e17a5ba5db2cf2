//! Records that cannot be read are kept for whoever can.

use std::fs;
use std::path::PathBuf;

use countersign_core::{Error, RecordName};

use crate::layout::Layout;
use crate::{fault, guard};

/// Moves the record called `name` away and says where to. Only under the record's `cas` lock, after it
/// was found damaged under that lock.
pub(crate) fn set_aside(layout: &Layout, name: &RecordName) -> Result<PathBuf, Error> {
    guard::folder(&layout.damaged())?;
    let record = layout.record(name);
    // Nobody else sets this record aside now, so a free number stays free.
    let free = (1..=u32::MAX).map(|n| layout.set_aside(name, n)).find(|path| !path.exists());
    let Some(place) = free else {
        return Err(fault::unsafe_file(&layout.damaged(), "is full; move its files elsewhere"));
    };
    fs::rename(&record, &place).map_err(|source| fault::io("set aside", &record, source))?;
    guard::sync_folder(&layout.damaged())?;
    guard::sync_folder(&layout.records())?;
    Ok(place)
}
