//! The lines that a new provider needs in files that are there already.

use super::lines::{Part, between, insert};
use super::name::Name;

/// A change to one file. Without its place in the file, `None`.
pub(super) struct Edit {
    pub(super) path: &'static str,
    /// What is put there, for the person who reads the list.
    pub(super) what: &'static str,
    pub(super) change: fn(&str, &Name, &[String]) -> Option<String>,
}

const fn edit(
    path: &'static str,
    what: &'static str,
    change: fn(&str, &Name, &[String]) -> Option<String>,
) -> Edit {
    Edit { path, what, change }
}

/// Every change. Each function gets the text, the new name, and the words of the providers that are there.
pub(super) const EDITS: &[Edit] = &[
    edit("Cargo.toml", "workspace member and dependency", workspace),
    edit("README.md", "row of the feature", readme),
    edit("crates/countersign/Cargo.toml", "feature and dependency of the facade", facade_manifest),
    edit("crates/countersign/src/lib.rs", "module and row of the facade", facade_lib),
    edit("crates/simulator/src/lib.rs", "module and builder of the simulator", simulator),
    edit("tests/Cargo.toml", "dependency of the fixtures' runner", tests_manifest),
    edit("tests/conformance/Cargo.toml", "dependency of the conformance runner", tests_manifest),
    edit("tests/conformance/src/targets/mod.rs", "target of the conformance runner", targets),
    edit("tests/src/fixtures/providers/mod.rs", "entry of the fixtures' registry", registry),
    edit("xtask/expose-allow.txt", "the file that puts secrets into requests", expose),
];

fn workspace(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let member = name.fill("    \"crates/providers/acme\",");
    let key_of = |line| between(line, "    \"crates/providers/", "\"");
    let text = insert(text, None, &member, &name.word, key_of)?;
    let dependency = name
        .fill("countersign-acme = { path = \"crates/providers/acme\", version = \"0.1.0\" }")
        .replace("0.1.0", version(&text)?);
    let part = Part::table("[workspace.dependencies]");
    insert(&text, part, &dependency, &name.word, |line| between(line, "countersign-", " "))
}

/// The version that all crates share, without what is said of a build.
fn version(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find_map(|line| between(line, "version = \"", "\""))?;
    line.split('+').next()
}

fn readme(text: &str, name: &Name, providers: &[String]) -> Option<String> {
    let row = name.fill("| `acme` | Acme |");
    insert(text, None, &row, &name.word, |line| one_of(providers, between(line, "| `", "`")?))
}

fn facade_manifest(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let documented = name.fill("\"acme\", \"reqwest\"");
    let text: String = text
        .split_inclusive('\n')
        .map(|line| match line.starts_with("features = [") {
            true => line.replacen("\"reqwest\"", &documented, 1),
            false => line.to_owned(),
        })
        .collect();
    let feature = name.fill("acme = [\"dep:countersign-acme\"]");
    let text = insert(&text, Part::table("[features]"), &feature, &name.word, |line| {
        let (word, enabled) = line.split_once(" = ")?;
        (enabled == format!("[\"dep:countersign-{word}\"]")).then_some(word)
    })?;
    let dependency = name.fill("countersign-acme = { workspace = true, optional = true }");
    insert(&text, Part::table("[dependencies]"), &dependency, &name.word, our_dependency)
}

fn facade_lib(text: &str, name: &Name, providers: &[String]) -> Option<String> {
    const ROW: &str = " | the module of that name with the adapter of that provider |";
    let row = text.lines().find(|line| line.ends_with(ROW))?;
    let mut words: Vec<String> =
        row.split('`').skip(1).step_by(2).map(str::to_owned).chain([name.word.clone()]).collect();
    words.sort();
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let text = text.replacen(row, &format!("//! | {}{ROW}", words.join(", ")), 1);
    let module = name.fill(
        "/// Acme: password sign-in and refresh.\n#[cfg(feature = \"acme\")]\npub use countersign_acme as acme;",
    );
    insert(&text, None, &module, &name.word, |line| {
        one_of(providers, between(line, "pub use countersign_", " as ")?)
    })
}

fn simulator(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let text = insert(text, None, &name.fill("mod acme;"), &name.word, module)?;
    let reexport = name.fill("pub use acme::Acme;");
    insert(&text, None, &reexport, &name.word, |line| between(line, "pub use ", "::"))
}

fn tests_manifest(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let dependency = name.fill("countersign-acme.workspace = true");
    insert(text, Part::table("[dependencies]"), &dependency, &name.word, our_dependency)
}

fn registry(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let text = insert(text, None, &name.fill("mod acme;"), &name.word, module)?;
    let entry = name.fill("        acme::ENTRY,");
    let list = Some(Part { begins: "    vec![", ends: "    ]" });
    insert(&text, list, &entry, &name.word, |line| between(line.trim_start(), "", "::"))
}

fn targets(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let text = insert(text, None, &name.fill("pub(crate) mod acme;"), &name.word, module)?;
    let entry = name.fill("    InProcess { name: \"acme\", open: acme::open },");
    insert(&text, None, &entry, &name.word, |line| between(line, "    InProcess { name: \"", "\""))
}

fn expose(text: &str, name: &Name, _: &[String]) -> Option<String> {
    let path = name.fill("crates/providers/acme/src/provider.rs");
    insert(text, None, &path, &path, |line| (!line.starts_with('#')).then_some(line))
}

fn module(line: &str) -> Option<&str> {
    let visibilities = ["", "pub ", "pub(crate) "];
    let name = visibilities.iter().find_map(|v| line.strip_prefix(v)?.strip_prefix("mod "))?;
    name.strip_suffix(';')
}

/// The word of a dependency on one of our crates.
fn our_dependency(line: &str) -> Option<&str> {
    line.strip_prefix("countersign-")?.split([' ', '.']).next()
}

fn one_of<'a>(providers: &[String], word: &'a str) -> Option<&'a str> {
    providers.iter().any(|known| known == word).then_some(word)
}
