//! Records that cannot be read are kept for whoever can.

use std::fs;
use std::io;
use std::path::PathBuf;

use countersign_core::{Error, RecordName};

use crate::layout::Layout;
use crate::{fault, guard, system};

/// Moves the record called `name` away. Only under the record's `cas` lock, after it was read under it.
pub(crate) fn set_aside(layout: &Layout, name: &RecordName) -> Result<(), Error> {
    let (record, place) = (layout.record(name), free(layout, name)?);
    guard::rename(&record, &place).map_err(|source| fault::io("set aside", &record, source))?;
    guard::sync_folder(&layout.damaged())?;
    guard::sync_folder(&layout.records())
}

/// Copies it there, since another takes its place at once. Under the same lock.
pub(crate) fn keep(layout: &Layout, name: &RecordName) -> Result<(), Error> {
    let (record, place) = (layout.record(name), free(layout, name)?);
    let copied = || -> io::Result<()> {
        let mut copy = system::create_new(&place)?;
        io::copy(&mut fs::File::open(&record)?, &mut copy)?;
        copy.sync_all()
    };
    copied().map_err(|source| fault::io("set aside", &record, source))?;
    guard::sync_folder(&layout.damaged())
}

/// A place in the folder where nothing is.
fn free(layout: &Layout, name: &RecordName) -> Result<PathBuf, Error> {
    guard::folder(&layout.damaged())?;
    // Nobody else sets this record aside now, so a free number stays free.
    let free = (1..=u32::MAX).map(|n| layout.set_aside(name, n)).find(|path| !path.exists());
    free.ok_or_else(|| fault::unsafe_file(&layout.damaged(), "is full; move its files elsewhere"))
}
