//! The profile file, its profiles, and the files that secrets come from.

use std::path::Path;

use countersign_core::CredentialKind;

use super::finding::Findings;
use crate::cli::Global;
use crate::keep::beside;
use crate::profile::{self, Profile, ProfileFile};
use crate::protected::{self, Trust};
use crate::source::{LONGEST, Source};

const TOPIC: &str = "profiles";

/// Looks at every profile of the file, which is handed on if it can be read.
pub(super) fn look(global: &Global, findings: &mut Findings) -> Option<ProfileFile> {
    let path = match profile::config_file(global.config.clone(), crate::environment) {
        Ok(path) => path,
        Err(problem) => {
            findings.told(TOPIC, &problem);
            return None;
        }
    };
    let is_named = profile::is_config_named(global.config.as_deref(), crate::environment);
    if let (Ok(false), false) = (path.try_exists(), is_named) {
        let help = "create it, or name another by --config FILE; `countersign --help` shows one";
        findings.note(TOPIC, format!("there is no file {}", path.display()), help);
        return None;
    }
    let file = match ProfileFile::read(&path) {
        Ok(file) => file,
        Err(problem) => {
            findings.told(TOPIC, &problem);
            return None;
        }
    };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    findings.ok(TOPIC, format!("{} has {}", path.display(), names.join(", ")));
    for name in names {
        let profile = file.profile(Some(&name));
        match profile.and_then(|profile| profile.build().map(|_| profile)) {
            Ok(profile) => sources(&profile, findings),
            Err(problem) => findings.told(TOPIC, &problem),
        }
    }
    Some(file)
}

/// Looks at sources as far as that starts no program and asks nobody.
fn sources(profile: &Profile, findings: &mut Findings) {
    let place = profile.place();
    for (kind, source) in profile.sources() {
        match source {
            Source::Env(name) if crate::environment(name).is_none() => findings.wrong(
                TOPIC,
                format!("{place}: `{kind}`: the environment variable {name} is not set"),
                format!("set {name}, and export it to this process"),
            ),
            Source::File(_) if source.is_to_be_made() && *kind == CredentialKind::TotpSecret => {}
            Source::File(path) => {
                if let Err(refusal) = protected::read(path, Trust::Secret, LONGEST) {
                    let what = format!("{place}: `{kind}`: {}", refusal.what);
                    findings.wrong(TOPIC, what, refusal.help);
                }
            }
            Source::Env(_) | Source::Command(_) | Source::Prompt => {}
        }
        if let Source::File(path) = source {
            unsettled(*kind, path, findings);
        }
    }
}

/// A new secret whose fate was never found out.
fn unsettled(kind: CredentialKind, path: &Path, findings: &mut Findings) {
    let new = beside(path);
    if new.exists() {
        let (new, path) = (new.display(), path.display());
        findings.note(
            TOPIC,
            format!("{new} keeps a new {kind} whose end is not known"),
            format!(
                "`countersign login` finds out about a password; else, if it holds, move it to {path}, \
                 and if not, remove it"
            ),
        );
    }
}
