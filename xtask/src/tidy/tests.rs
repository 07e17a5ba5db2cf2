//! Each rule finds what it is for, and the repository itself is tidy.

use super::{
    File, Finding, check, exposure, includes, links, manifests, names, quotes, source, text,
};

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: Some(text.to_owned()) }
}

fn findings_of(rule: fn(&File, &mut Vec<Finding>), path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    rule(&file(path, text), &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

fn findings_over(rule: fn(&[File], &mut Vec<Finding>), files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    rule(files, &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_repository_is_tidy() {
    let files = super::repository().expect("git lists the files");
    assert!(files.iter().any(|file| file.path == "xtask/src/tidy/tests.rs"));
    let findings: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn line_ends_spaces_and_machines_are_found() {
    let path = concat!("see /wo", "rk/x");
    let host = concat!("from pypi", ".org");
    let body = format!("one \r\ntwo \n{path}\n{host}\nlast");
    let found = findings_of(text::check, "docs/A.md", &body);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found[0].starts_with("docs/A.md:1: the line ends with CR LF"));
    assert!(found[1].starts_with("docs/A.md:2: space at the end"));
    assert!(found[2].contains("path of one machine"));
    assert!(found[3].contains("host of a registry"));
    assert!(found[4].starts_with("docs/A.md:5: the last line has no end"));
}

#[test]
fn a_fixture_may_hold_any_bytes_but_no_machine() {
    let found = findings_of(text::check, "tests/fixtures/x/body", "a \r\nb");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn documentation_length_and_unfinished_code_are_found() {
    let unfinished = format!("fn f() {{\n    {}()\n}}\n", concat!("to", "do!"));
    let found = findings_of(source::check, "crates/core/src/a.rs", &unfinished);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("does not begin with"));
    assert!(found[1].starts_with("crates/core/src/a.rs:2:"));

    let long = format!("//! Long.\n{}", "\n".repeat(450));
    let found = findings_of(source::check, "crates/core/src/a.rs", &long);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("451 lines"));
}

#[test]
fn the_clock_is_read_in_few_places() {
    let read = format!("//! A file.\nlet now = {}();\n", concat!("Instant", "::now"));
    let reads = |path| !findings_of(source::check, path, &read).is_empty();
    assert!(reads("crates/core/src/session.rs"));
    assert!(reads("crates/core/src/session/tests.rs"));
    assert!(!reads("crates/runtime/src/clock.rs"));
    assert!(!reads("crates/simulator/src/shell/socket.rs"));
    assert!(!reads("tests/tests/processes.rs"));
    assert!(!reads("crates/runtime/benches/hit.rs"));

    let comment = format!("//! A file.\n// Not {}.\n", concat!("Instant", "::now"));
    assert!(findings_of(source::check, "crates/core/src/a.rs", &comment).is_empty());
}

#[test]
fn a_package_holds_what_it_includes() {
    let body = "//! A file.\n#![doc = include_str!(\"../README.md\")]\n#![doc = include_str!(\"../../../README.md\")]\n";
    let found = findings_of(includes::check, "crates/core/src/lib.rs", body);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(
            "crates/core/src/lib.rs:3: `../../../README.md` is outside of crates/core"
        )
    );
    assert!(findings_of(includes::check, "crates/core/src/totp/tests.rs", body).is_empty());
    assert_eq!(findings_of(includes::check, "crates/core/src/a/b.rs", body).len(), 1);
}

#[test]
fn versions_outside_of_the_workspace_are_found() {
    let good = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n\n\
        [features]\nlayer = [\"dep:b\"]\n\n[dependencies]\nb = { workspace = true, optional = true }\n\
        c.workspace = true\nd = { workspace = true, features = [\n    \"x\",\n] }\n";
    assert_eq!(findings_of(manifests::check, "crates/a/Cargo.toml", good), Vec::<String>::new());

    let bad =
        good.replace("c.workspace = true", "c = \"1\"").replace("license.workspace", "# license");
    let bad = format!(
        "{bad}\n[target.'cfg(unix)'.dependencies]\ne = {{ version = \"1\" }}\n[dev-dependencies.f]\npath = \"../f\"\n"
    );
    let found = findings_of(manifests::check, "crates/a/Cargo.toml", &bad);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].contains("`license` is not inherited"));
    assert!(found[1].contains("`c` is not taken from the workspace"));
    assert!(found[2].contains("`e` is not taken from the workspace"));
    assert!(found[3].contains("`f` has its path here"));

    let found = findings_of(
        manifests::check,
        "crates/a/Cargo.toml",
        &good.replace("[lints]\nworkspace = true", ""),
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_list_of_exposing_files_is_exact() {
    let list = "xtask/expose-allow.txt";
    let code = |path| file(path, "//! A file.\nlet bytes = secret.expose();\n");
    let tree = |text: &str| {
        vec![file(list, text), code("a.rs"), file("b.rs", "//! B.\n"), code("c/tests.rs")]
    };

    assert_eq!(findings_over(exposure::check, &tree("# a list\na.rs\n")), Vec::<String>::new());
    assert_eq!(findings_over(exposure::check, &tree("*\n")), Vec::<String>::new());
    let found = findings_over(exposure::check, &tree("b.rs\n"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("a.rs:2: a secret is exposed here"));
    assert!(found[1].contains("b.rs exposes no secret"));
    assert_eq!(exposure::files_with_calls(&tree("")).collect::<Vec<_>>(), ["a.rs"]);

    let by_name = [file(list, ""), file("d.rs", "//! D.\nlet x = y.map(Secret::expose_bytes);\n")];
    assert_eq!(findings_over(exposure::check, &by_name).len(), 1);
    let other = [file(list, ""), file("d.rs", "//! D.\nlet x = y.exposed(); z.expose_more();\n")];
    assert_eq!(findings_over(exposure::check, &other).len(), 0);
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let from = "# A title\n[b](B.md) [up](../README.md) [h](B.md#the-second-part) [here](#a-title)\n\
        [gone](C.md) [no heading](B.md#third) [out](https://example.org/x) [outside](../../x.md)\n\
        ```\n[in code](nowhere.md)\n```\n`[also](code.md)`\n";
    let files = [
        file("README.md", ""),
        file("docs/A.md", from),
        file("docs/B.md", "# B\n## The second part\n"),
    ];
    let found = findings_over(links::check, &files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`C.md` leads nowhere"));
    assert!(found[1].contains("no such heading"));
}

#[test]
fn a_provider_has_one_word_everywhere() {
    let licences =
        || [file("LICENSE-APACHE", "Apache License"), file("LICENSE-MIT", "MIT License")];
    let tree = |facade: &str, lib: &str| {
        let mut files = vec![
            file("crates/providers/acme/Cargo.toml", "[package]\nname = \"countersign-acme\"\n"),
            file("crates/countersign/Cargo.toml", facade),
            file("crates/countersign/src/lib.rs", lib),
        ];
        files.extend(licences());
        files
    };
    let facade = "[features]\nacme = [\n    \"dep:countersign-acme\",\n]\n[dependencies]\nx = 1\n";
    let lib = "#[cfg(feature = \"acme\")]\npub use countersign_acme as acme;\n";
    assert_eq!(findings_over(names::check, &tree(facade, lib)), Vec::<String>::new());
    let found = findings_over(names::check, &tree("[features]\n", "//! Nothing.\n"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(findings_over(names::check, &[]).iter().all(|found| found.contains("is missing")));

    let stranger =
        facade.replace("[features]\n", "[features]\nbeta = [\"dep:countersign-beta\"]\n");
    let found = findings_over(names::check, &tree(&stranger, lib));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_workspace_of_its_own_inherits_nothing() {
    let text = "[workspace]\n\n[package]\nname = \"x\"\n\n[dependencies]\nhttp = \"1\"\n";
    let path = "tests/outside/Cargo.toml";
    assert_eq!(findings_of(manifests::check, path, text), Vec::<String>::new());
    let of_ours = text.replacen("[workspace]", "", 1);
    assert!(!findings_of(manifests::check, path, &of_ours).is_empty());
}

#[test]
fn a_quotation_that_has_drifted_is_found() {
    let source = "mod m {\n    fn a() {\n        b();\n\n        c();\n    }\n}\n";
    let found = |path: &str, from: &str, code: &str| {
        let text = format!("Text.\n\n{from}\n```rust\n{code}\n```\n");
        findings_over(quotes::check, &[file(path, &text), file("src/a.rs", source)])
    };
    let (guide, from) = ("docs/ADDING_A_PROVIDER.md", "<!-- from src/a.rs -->");
    for code in ["fn a() {\n    b();\n\n    c();\n}", "    b();", "mod m {\n    fn a() {"] {
        assert_eq!(found(guide, from, code), Vec::<String>::new(), "{code}");
    }
    for code in
        ["fn a() {\n    b();\n    c();", "fn a() {\nb();", "b()", "fn a() {\n        b();", ""]
    {
        let found = found(guide, from, code);
        assert!(found.len() == 1 && found[0].contains("not (any more) in src/a.rs"), "{found:?}");
    }
    assert!(found(guide, "<!-- from src/b.rs -->", "b();")[0].contains("no such file"));
    assert!(found(guide, "Otherwise.", "b();")[0].contains("code here is quoted"));
    assert!(found("docs/OTHER.md", "Otherwise.", "b();").is_empty());
}
