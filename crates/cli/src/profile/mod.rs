//! Profiles: who, where, and where each secret comes from. They hold no secret.

mod help;
mod keys;
mod place;
mod store;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use help::help;
pub(crate) use keys::nearest;
pub(crate) use place::{
    config_file, is_config_named, is_state_named, is_state_there, state_folder,
};
pub(crate) use store::StoreSettings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_core::{CredentialKind, Error, SessionKey};
use toml::{Table, Value};

use crate::problem::Problem;
use crate::protected::{self, Trust};
use crate::providers::{self, Provider};
use crate::source::Source;
use keys::Misfit;

/// The longest profile file that is read.
const LONGEST: usize = 1024 * 1024;

/// A profile file that was read and is well formed; its profiles are checked when they are chosen.
#[derive(Debug)]
pub(crate) struct ProfileFile {
    path: PathBuf,
    profiles: BTreeMap<String, Table>,
    store: StoreSettings,
}

/// One profile: its keys are known and fit its provider, its secrets name their sources.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    path: PathBuf,
    name: String,
    provider: &'static Provider,
    table: Table,
    sources: Vec<(CredentialKind, Source)>,
    withheld: Vec<String>,
    store: StoreSettings,
}

impl ProfileFile {
    /// Reads a profile file, which nobody but its owner may be able to write.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        // Where nobody may look, what is read next says so.
        if let Ok(false) = path.try_exists() {
            return Err(Problem::usage(
                format!("there is no profile file {}", path.display()),
                "create it, with a table [profiles.NAME] that has `provider`, `identity` and \
                 `password = \"env:NAME\"`; or name another by --config FILE",
            ));
        }
        let content = protected::read(path, Trust::Settings, LONGEST)
            .map_err(|refusal| Problem::usage(refusal.what, refusal.help))?;
        let text = std::str::from_utf8(content.expose_bytes()).map_err(|_| {
            Problem::usage(format!("{} is not UTF-8", path.display()), "save it as UTF-8")
        })?;
        Self::parse(path, text)
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Problem> {
        let shown = path.display();
        let mut file: Table = text.parse().map_err(|error| not_toml(path, text, &error))?;
        let profiles = file.remove("profiles");
        let store = match file.remove("store") {
            None => StoreSettings::default(),
            Some(Value::Table(table)) => StoreSettings::parse(path, &table)?,
            Some(_) => {
                let help = "write it as a table [store]";
                return Err(Problem::usage(format!("{shown}: `store` is no table"), help));
            }
        };
        if let Some(other) = file.keys().next() {
            return Err(Problem::usage(
                format!("{shown}: unknown key `{other}`"),
                "write every profile as a table [profiles.NAME]",
            ));
        }
        let profiles = match profiles {
            Some(Value::Table(profiles)) => profiles,
            _ => Table::new(),
        };
        let mut tables = BTreeMap::new();
        for (name, value) in profiles {
            let Value::Table(table) = value else {
                return Err(Problem::usage(
                    format!("{shown}: `profiles.{name}` is no table"),
                    format!("write it as [profiles.{name}]"),
                ));
            };
            tables.insert(name, table);
        }
        let mut file = Self { path: path.to_owned(), profiles: tables, store };
        file.store = file.store.clone().withholding(file.variables());
        Ok(file)
    }

    /// What the keys of the store are under.
    pub(crate) const fn store(&self) -> &StoreSettings {
        &self.store
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The profile called `name`; without a name the only one there is.
    pub(crate) fn profile(&self, name: Option<&str>) -> Result<Profile, Problem> {
        let shown = self.path.display();
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let list = names.join(", ");
        let name = match (name, &names[..]) {
            (_, []) => {
                return Err(Problem::usage(
                    format!("{shown} has no profile"),
                    "add a table [profiles.NAME] with the key `provider`",
                ));
            }
            (Some(name), _) => name.to_owned(),
            (None, [only]) => (*only).to_owned(),
            (None, _) => {
                return Err(Problem::usage(
                    format!("{shown} has several profiles: {list}"),
                    "choose one by --profile NAME",
                ));
            }
        };
        match self.profiles.get(&name) {
            Some(table) => {
                let mut profile = Profile::check(self.path.clone(), name, table.clone())?;
                profile.withheld = self.variables();
                profile.store = self.store.clone();
                Ok(profile)
            }
            None => {
                let nearest = nearest(&name, names.iter().copied()).unwrap_or_default();
                Err(Problem::usage(
                    format!("{shown} has no profile `{name}`"),
                    format!("did you mean `{nearest}`? There are: {list}"),
                ))
            }
        }
    }
}

impl ProfileFile {
    /// The environment variables that any profile names as the source of a secret.
    fn variables(&self) -> Vec<String> {
        let values = self.profiles.values().flat_map(|table| {
            CredentialKind::ALL.into_iter().filter_map(|kind| table.get(kind.as_str()))
        });
        let names = values.filter_map(Value::as_str).filter_map(|text| text.strip_prefix("env:"));
        names.chain(self.store.variable()).map(str::to_owned).collect()
    }
}

impl Profile {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its provider's word.
    pub(crate) fn provider(&self) -> &'static str {
        self.provider.word
    }

    /// What its provider's settings make.
    pub(crate) fn build(&self) -> Result<providers::Built, Problem> {
        self.provider.build(self)
    }

    /// Who, if the profile says so.
    pub(crate) fn identity(&self) -> Result<Option<&str>, Problem> {
        self.text("identity")
    }

    /// Whose session it is: the identity, or the client where there is no other.
    pub(crate) fn account(&self) -> Result<&str, Problem> {
        Ok(self.identity()?.or(self.text("client_id")?).unwrap_or_default())
    }

    /// Which session it describes.
    pub(crate) fn session_key(&self) -> Result<SessionKey, Problem> {
        let adapter = self.build()?.adapter;
        Ok(SessionKey::new(adapter.id(), adapter.realm(), self.account()?))
    }

    /// Where each secret comes from.
    pub(crate) fn sources(&self) -> &[(CredentialKind, Source)] {
        &self.sources
    }

    /// Where one secret comes from, if the profile says so.
    pub(crate) fn source(&self, kind: CredentialKind) -> Option<&Source> {
        self.sources.iter().find(|(of, _)| *of == kind).map(|(_, source)| source)
    }

    /// What the keys of the store are under.
    pub(crate) const fn store(&self) -> &StoreSettings {
        &self.store
    }

    /// Environment variables that no program is given which is started for a secret: those that the
    /// profile file names as sources, of all its profiles.
    pub(crate) fn withheld(&self) -> &[String] {
        &self.withheld
    }

    /// The same profile, whose programs are not given these variables either.
    #[must_use]
    pub(crate) fn withholding<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        self.store = self.store.withholding(names.iter().cloned());
        self.withheld.extend(names);
        self
    }

    /// File and profile, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}: profile `{}`", self.path.display(), self.name)
    }

    /// A problem with one key.
    pub(crate) fn problem(&self, key: &str, what: &str, help: impl Into<String>) -> Problem {
        Problem::usage(format!("{}: `{key}` {what}", self.place()), help)
    }

    /// A setting that an adapter refused.
    pub(crate) fn refused(&self, key: &str, error: &Error) -> Problem {
        self.problem(
            key,
            &format!("cannot be used: {}", error.hint_text()),
            "correct it in the profile",
        )
    }

    fn check(path: PathBuf, name: String, table: Table) -> Result<Self, Problem> {
        let place = format!("{}: profile `{name}`", path.display());
        let words = || providers::ALL.iter().map(|provider| provider.word);
        let known = words().collect::<Vec<_>>().join(", ");
        let Some(word) = table.get("provider").and_then(Value::as_str) else {
            return Err(Problem::usage(
                format!("{place}: `provider` is missing"),
                format!("name one of: {known}"),
            ));
        };
        let Some(provider) = providers::ALL.iter().find(|provider| provider.word == word) else {
            return Err(Problem::usage(
                format!("{place}: `provider`: there is no `{word}`"),
                format!(
                    "did you mean `{}`? There are: {known}",
                    nearest(word, words()).unwrap_or_default()
                ),
            ));
        };
        let mut profile = Self {
            path,
            name,
            provider,
            table,
            sources: Vec::new(),
            withheld: Vec::new(),
            store: StoreSettings::default(),
        };
        profile.check_keys()?;
        profile.sources = profile.read_sources()?;
        Ok(profile)
    }

    fn check_keys(&self) -> Result<(), Problem> {
        let (word, own) = (self.provider.word, self.provider.keys);
        for key in self.table.keys() {
            match keys::check(word, own, key) {
                Ok(()) => {}
                Err(Misfit::Elsewhere { providers }) => {
                    let owners = providers.join(", ");
                    return Err(self.problem(
                        key,
                        &format!("is no key of the provider {word}"),
                        format!("it belongs to {owners}; take it out, or change `provider`"),
                    ));
                }
                Err(Misfit::Unknown { nearest }) => {
                    let all =
                        keys::COMMON.iter().chain(own).copied().collect::<Vec<_>>().join(", ");
                    return Err(self.problem(
                        key,
                        "is unknown",
                        format!("did you mean `{nearest}`? Known are: {all}"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn read_sources(&self) -> Result<Vec<(CredentialKind, Source)>, Problem> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut sources = Vec::new();
        for kind in CredentialKind::ALL {
            let key = kind.as_str();
            if kind == CredentialKind::Identity || !self.table.contains_key(key) {
                continue;
            }
            // A number or a list is a literal too, and is not repeated either.
            let text = self.table.get(key).and_then(Value::as_str).unwrap_or_default();
            let source = Source::parse(text, folder).map_err(|none| {
                let (what, help) = none.explain(key);
                self.problem(key, &what, help)
            })?;
            sources.push((kind, source));
        }
        Ok(sources)
    }
}

/// Says where the file stops being TOML, without showing the line: it may hold a secret.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let line = error
        .span()
        .map_or(0, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
    Problem::usage(
        format!("{}:{line}: this is not TOML", path.display()),
        "put texts into quotes, and write each key once; the line is not shown, since it may hold \
         a secret",
    )
}
