//! `doctor`: whether files, locks, room and clock are as they must be. It asks nobody, starts no program and
//! changes nothing.

mod finding;
mod locks;
mod profiles;
mod room;
mod store;

use std::path::Path;

use crate::cli::Global;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::profile::{self, ProfileFile};
use finding::Findings;

/// Looks at everything; the exit code says whether something has to be done.
pub(crate) fn run(global: &Global) -> Result<Exit, Problem> {
    let mut findings = Findings::default();
    let file = profiles::look(global, &mut findings);
    match profile::state_folder(crate::environment) {
        Ok(folder) => look_at_store(&folder, file.as_ref(), &mut findings),
        Err(problem) => findings.told("store", &problem),
    }
    findings.print(global.json)?;
    Ok(findings.exit())
}

fn look_at_store(folder: &Path, file: Option<&ProfileFile>, findings: &mut Findings) {
    store::keyring(findings);
    let folder = &std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let is_there = match profile::is_state_there(folder) {
        Ok(is_there) => is_there,
        Err(problem) => return findings.told("store", &problem),
    };
    if !is_there {
        let what =
            format!("nothing is stored yet; {} is made by the first login", folder.display());
        findings.note("store", what, "");
        let above = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
        #[cfg(windows)]
        store::look_at_place(above, file, findings);
        room::look(above, findings);
        return;
    }
    if store::look(folder, file, findings) {
        locks::look(folder, findings);
    }
    room::look(folder, findings);
    room::look_at_clock(folder, findings);
}
