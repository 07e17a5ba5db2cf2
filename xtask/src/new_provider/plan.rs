//! All that a new provider is: new files from templates, and lines in files that are there.

use std::path::Path;

use super::edits::EDITS;
use super::name::Name;
use crate::Result;
use crate::package::LICENCES;

macro_rules! templates {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../templates/provider/", $path)))),*]
    };
}

/// New files: their path and text, for a provider `acme`.
const TEMPLATES: &[(&str, &str)] = templates![
    "crates/providers/acme/Cargo.toml",
    "crates/providers/acme/src/config.rs",
    "crates/providers/acme/src/error.rs",
    "crates/providers/acme/src/lib.rs",
    "crates/providers/acme/src/provider.rs",
    "crates/providers/acme/src/tests.rs",
    "crates/providers/acme/src/wire.rs",
    "crates/simulator/src/acme/mod.rs",
    "crates/simulator/src/acme/server.rs",
    "crates/simulator/src/acme/tests.rs",
    "crates/simulator/src/acme/wire.rs",
    "tests/conformance/src/targets/acme.rs",
    "tests/fixtures/acme/a-refresh-sends-the-refresh-token-alone/case.json",
    "tests/fixtures/acme/sign-in-401-is-a-refusal/case.json",
    "tests/fixtures/acme/sign-in-buys-two-tokens/case.json",
    "tests/src/fixtures/providers/acme.rs",
];

/// One file as it will be.
pub(super) struct Planned {
    /// From the root of the workspace.
    pub(super) path: String,
    pub(super) text: String,
    /// For a file that is there already: what is put into it.
    pub(super) what: Option<&'static str>,
}

/// Works out every file, and writes none.
///
/// # Errors
/// If a file is there already, or a file that gets lines has no place for them (any more).
pub(super) fn plan(root: &Path, name: &Name) -> Result<Vec<Planned>> {
    let mut planned = Vec::new();
    for (path, text) in TEMPLATES {
        let path = name.fill(path);
        if root.join(&path).exists() {
            return Err(format!("{path} exists; nothing is overwritten").into());
        }
        planned.push(Planned { path, text: name.fill(text), what: None });
    }
    for licence in LICENCES {
        let text = std::fs::read_to_string(root.join(licence))
            .map_err(|error| format!("{licence}: {error}"))?;
        let path = name.fill(&format!("crates/providers/acme/{licence}"));
        planned.push(Planned { path, text, what: None });
    }
    let providers = providers(root)?;
    for edit in EDITS {
        let file = root.join(edit.path);
        let text =
            std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", edit.path))?;
        let text = (edit.change)(&text, name, &providers).ok_or_else(|| {
            format!(
                "{}: no place was found for the {}; xtask/src/new_provider/edits.rs has to be taught how the file looks now",
                edit.path, edit.what
            )
        })?;
        planned.push(Planned { path: edit.path.to_owned(), text, what: Some(edit.what) });
    }
    Ok(planned)
}

/// The words of the providers that are there.
fn providers(root: &Path) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for entry in std::fs::read_dir(root.join("crates/providers"))? {
        words.push(entry?.file_name().to_string_lossy().into_owned());
    }
    words.sort();
    Ok(words)
}
