//! What is refused, and that every line finds its place in the files as they are today.

use super::name::Name;
use super::plan::plan;
use crate::workspace::root;

fn refusal(word: &str) -> String {
    let name = match Name::parse(word) {
        Ok(name) => name,
        Err(error) => return error.to_string(),
    };
    name.check_free(root()).map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn a_name_is_one_lower_case_word_that_is_free() {
    for (word, why) in [
        ("Acme", "lower-case word"),
        ("acme-hub", "lower-case word"),
        ("acme_hub", "lower-case word"),
        ("../acme", "lower-case word"),
        ("8acme", "lower-case word"),
        ("", "lower-case word"),
        ("a", "2 to 24"),
        ("dyn", "keyword"),
        ("gen", "keyword"),
        ("option", "in scope"),
        ("countersign", "in scope"),
        ("ibex", "crates/providers/ibex"),
        ("totp", "crates/simulator/src/totp.rs"),
        ("runtime", "Cargo.toml has a dependency"),
        ("tokio", "Cargo.toml has a dependency"),
        ("tower", "the facade has a feature"),
        ("keeper", "has the name `Keeper`"),
        ("fault", "crates/simulator/src/fault.rs"),
        ("setup", "has the name `Setup`"),
    ] {
        assert!(refusal(word).contains(why), "{word}: {}", refusal(word));
    }
    for word in ["acme", "igny9", "longnamedpartner", "zz"] {
        assert_eq!(refusal(word), "");
    }
}

#[test]
fn every_line_finds_its_place_whether_first_or_last() {
    for (word, neighbour) in [("aaa", "cognito"), ("zzz", "wikimedia")] {
        let name = Name::parse(word).unwrap();
        let planned = plan(root(), &name).unwrap();
        let text = |path: &str| {
            let file = planned.iter().find(|file| file.path == path).expect(path);
            file.text.clone()
        };
        let near = |path: &str, new: &str, old: &str| {
            let text = text(path);
            let place = |what: &str| {
                let lines = text.lines().position(|line| line.contains(what));
                lines.unwrap_or_else(|| panic!("{path} lacks {what}:\n{text}"))
            };
            let (new, old) = (place(new), place(old));
            assert!(if word == "aaa" { new < old } else { new > old }, "{path}: {new} {old}");
        };
        let say = |form: &str, word: &str| form.replace('@', word);
        for (path, form) in [
            ("Cargo.toml", "\"crates/providers/@\","),
            ("Cargo.toml", "countersign-@ = { path = \"crates/providers/@\", version = \""),
            ("README.md", "| `@` |"),
            ("crates/countersign/Cargo.toml", "@ = [\"dep:countersign-@\"]"),
            ("crates/countersign/Cargo.toml", "countersign-@ = { workspace = true, optional"),
            ("crates/countersign/src/lib.rs", "pub use countersign_@ as @;"),
            ("crates/simulator/src/lib.rs", "mod @;"),
            ("crates/simulator/src/lib.rs", "pub use @::"),
            ("tests/Cargo.toml", "countersign-@.workspace = true"),
            ("tests/conformance/Cargo.toml", "countersign-@.workspace = true"),
            ("tests/conformance/src/targets/mod.rs", "mod @;"),
            ("tests/conformance/src/targets/mod.rs", "InProcess { name: \"@\", open: @::open }"),
            ("tests/src/fixtures/providers/mod.rs", "mod @;"),
            ("tests/src/fixtures/providers/mod.rs", "        @::"),
            ("xtask/expose-allow.txt", "crates/providers/@/src/provider.rs"),
        ] {
            near(path, &say(form, word), &say(form, neighbour));
        }
        let facade = text("crates/countersign/src/lib.rs");
        let gate = format!("#[cfg(feature = \"{word}\")]\npub use countersign_{word} as {word};");
        assert!(facade.contains(&gate), "{facade}");
        assert!(facade.contains(&format!("`{word}`")), "the row of the features");
        let tests = text("tests/Cargo.toml");
        let dev = tests.find("[dev-dependencies]").unwrap();
        assert!(tests.find(&format!("countersign-{word}.workspace")).unwrap() < dev);
        assert!(
            !planned
                .iter()
                .any(|file| file.path.contains("acme") || file.text.contains("countersign-acme"))
        );
    }
}
