//! The word of a new provider: what it may be, and what is taken.

use std::path::Path;

use crate::Result;

/// Words of the language (Reference, "Keywords"), with those that are reserved.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates and types that are in scope everywhere: a module or a type of that name would hide them.
const IN_SCOPE: &[&str] = &[
    "alloc",
    "clone",
    "copy",
    "core",
    "countersign",
    "debug",
    "default",
    "drop",
    "eq",
    "err",
    "hash",
    "into",
    "iterator",
    "none",
    "ok",
    "option",
    "ord",
    "result",
    "send",
    "some",
    "std",
    "string",
    "sync",
    "test",
    "vec",
];

/// Files whose public names the new type must not meet.
const VOCABULARY: &[&str] =
    &["crates/core/src/lib.rs", "crates/countersign/src/lib.rs", "crates/simulator/src/lib.rs"];

/// One word per provider: folder, crate suffix, feature, module, and, capitalised, type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) word: String,
    pub(super) type_name: String,
}

impl Name {
    /// Reads a word.
    ///
    /// # Errors
    /// If it is not one lower-case word, or means something to the compiler.
    pub(super) fn parse(word: &str) -> Result<Self> {
        let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !plain || !word.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(format!(
                "`{word}` is not one lower-case word: letters and digits, a letter first (`acme`, `igny8`)"
            )
            .into());
        }
        if !(2..=24).contains(&word.len()) {
            return Err(format!("`{word}` has {} letters; take 2 to 24", word.len()).into());
        }
        if KEYWORDS.contains(&word) {
            return Err(
                format!("`{word}` is a keyword of Rust: no module can have that name").into()
            );
        }
        if IN_SCOPE.contains(&word) {
            return Err(format!(
                "`{word}` is the name of a crate or type that is in scope everywhere"
            )
            .into());
        }
        let (first, rest) = word.split_at(1);
        let type_name = format!("{}{rest}", first.to_ascii_uppercase());
        Ok(Self { word: word.to_owned(), type_name })
    }

    /// Whether the workspace at `root` has something of that name.
    ///
    /// # Errors
    /// If it has, saying what.
    pub(super) fn check_free(&self, root: &Path) -> Result<()> {
        let Self { word, type_name } = self;
        for taken in [
            format!("crates/providers/{word}"),
            format!("crates/simulator/src/{word}"),
            format!("crates/simulator/src/{word}.rs"),
            format!("tests/fixtures/{word}"),
        ] {
            if root.join(&taken).exists() {
                return Err(format!("`{word}` is taken: there is {taken}").into());
            }
        }
        let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
        let krate = format!("countersign-{word}");
        let names = |line: &str| line.split([' ', '.', '=']).next().unwrap_or_default() == word;
        if manifest.lines().any(names) || manifest.contains(&format!("{krate} =")) {
            return Err(
                format!("`{word}` is taken: Cargo.toml has a dependency of that name").into()
            );
        }
        let facade = std::fs::read_to_string(root.join("crates/countersign/Cargo.toml"))?;
        if facade.lines().any(names) {
            return Err(format!("`{word}` is taken: the facade has a feature of that name").into());
        }
        for path in VOCABULARY {
            if has_word(&std::fs::read_to_string(root.join(path))?, type_name) {
                return Err(format!("`{word}` is taken: {path} has the name `{type_name}`").into());
            }
        }
        Ok(())
    }

    /// A template with this name in the place of its own.
    pub(super) fn fill(&self, template: &str) -> String {
        template.replace("Acme", &self.type_name).replace("acme", &self.word)
    }
}

/// Whether `text` has `word` with no letter on either side of it.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(joins) && !text[at + word.len()..].starts_with(joins))
}
