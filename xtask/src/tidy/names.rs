//! One word for each provider everywhere, and the files that a repository of this kind has.

use std::collections::BTreeSet;

use super::{File, Finding, numbered};

const FACADE: &str = "crates/countersign/Cargo.toml";
const FACADE_LIB: &str = "crates/countersign/src/lib.rs";
const LICENCES: &[(&str, &str)] =
    &[("LICENSE-APACHE", "Apache License"), ("LICENSE-MIT", "MIT License")];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    for (path, title) in LICENCES {
        if !text_of(files, path).is_some_and(|text| text.contains(title)) {
            findings.push(Finding::new(path, 0, format!("the text of the {title} is missing")));
        }
    }
    let (Some(facade), Some(lib)) = (text_of(files, FACADE), text_of(files, FACADE_LIB)) else {
        return;
    };
    let providers = providers(files);
    for provider in &providers {
        check_provider(provider, files, facade, lib, findings);
    }
    for (number, name) in features(facade) {
        let krate = format!("crates/{name}/");
        let is_provider = enables(facade, name)
            .is_some_and(|enabled| enabled.contains(&format!("dep:countersign-{name}\"")));
        let elsewhere = files.iter().any(|file| file.path.starts_with(&krate));
        if is_provider && !elsewhere && !providers.contains(name) && !is_store(files, name) {
            let what =
                format!("the feature `{name}` names a crate that is in no folder of that name");
            findings.push(Finding::new(FACADE, number, what));
        }
    }
}

/// Folder, crate, feature and module of one provider.
fn check_provider(
    provider: &str,
    files: &[File],
    facade: &str,
    lib: &str,
    findings: &mut Vec<Finding>,
) {
    let manifest = format!("crates/providers/{provider}/Cargo.toml");
    let krate = format!("countersign-{provider}");
    let named =
        text_of(files, &manifest).is_some_and(|text| text.contains(&format!("name = \"{krate}\"")));
    if !named {
        findings.push(Finding::new(
            &manifest,
            0,
            format!("the crate of this folder is not named {krate}"),
        ));
    }
    let dependency = format!("\"dep:{krate}\"");
    if !enables(facade, provider).is_some_and(|enabled| enabled.contains(&dependency)) {
        let what = format!("the facade has no feature `{provider} = [{dependency}]`");
        findings.push(Finding::new(FACADE, 0, what));
    }
    let gate = format!("feature = \"{provider}\"");
    let module =
        lib.contains(&format!("mod {provider}")) || lib.contains(&format!(" as {provider};"));
    if !lib.contains(&gate) || !module {
        let what = format!("the facade has no module `{provider}` behind the feature of that name");
        findings.push(Finding::new(FACADE_LIB, 0, what));
    }
}

fn text_of<'a>(files: &'a [File], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path)?.text.as_deref()
}

/// The folders under `crates/providers`.
fn providers(files: &[File]) -> BTreeSet<&str> {
    files
        .iter()
        .filter_map(|file| file.path.strip_prefix("crates/providers/")?.strip_suffix("/Cargo.toml"))
        .collect()
}

fn is_store(files: &[File], feature: &str) -> bool {
    let folder = feature.trim_start_matches("store-");
    files.iter().any(|file| file.path == format!("crates/stores/{folder}/Cargo.toml"))
}

/// The names in a manifest's `[features]`, with their lines.
fn features(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    numbered(manifest).filter_map(move |(number, line)| {
        if line.starts_with('[') {
            inside = line.trim() == "[features]";
            return None;
        }
        let (name, _) = line.split_once('=').filter(|_| inside && !line.starts_with([' ', '#']))?;
        Some((number, name.trim()))
    })
}

/// What a feature enables: its list, which may go over several lines.
fn enables<'a>(manifest: &'a str, feature: &str) -> Option<&'a str> {
    let (first, _) = features(manifest).find(|(_, name)| *name == feature)?;
    let start: usize = manifest.split_inclusive('\n').take(first - 1).map(str::len).sum();
    let rest = manifest.get(start..)?;
    rest.get(..=rest.find(']')?)
}
