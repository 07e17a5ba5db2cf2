//! The values of a profile by type, each error naming file, profile, key and remedy.

use std::time::Duration;

use toml::Value;

use super::{Profile, nearest};
use crate::duration;
use crate::problem::Problem;

impl Profile {
    /// Whether the profile has `key`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text that is not empty, if it is there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, Problem> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(self.problem(key, "is no text", format!("write {key} = \"…\""))),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, key: &str, example: &str) -> Result<&str, Problem> {
        self.text(key)?.ok_or_else(|| {
            self.problem(key, "is missing", format!("add it, for instance {key} = \"{example}\""))
        })
    }

    /// A path under the base address, if it is there.
    pub(crate) fn path(&self, key: &str) -> Result<Option<&str>, Problem> {
        match self.text(key)? {
            Some(path) if !path.starts_with('/') => {
                Err(self.problem(key, "is no path", "start it with a slash"))
            }
            path => Ok(path),
        }
    }

    /// A list of texts; none is an empty list.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&str>, Problem> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        texts.ok_or_else(|| {
            self.problem(key, "is no list of texts", format!("write {key} = [\"…\", \"…\"]"))
        })
    }

    /// A span of time, if it is there.
    pub(crate) fn span(&self, key: &str) -> Result<Option<Duration>, Problem> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.as_str().and_then(duration::parse) {
            Some(span) => Ok(Some(span)),
            None => {
                let help = format!("write {}, in quotes", duration::FORM);
                Err(self.problem(key, "is no span of time", help))
            }
        }
    }

    /// A span of time longer than nothing, if it is there.
    pub(crate) fn period(&self, key: &str) -> Result<Option<Duration>, Problem> {
        match self.span(key)? {
            Some(Duration::ZERO) => {
                Err(self.problem(key, "is zero", format!("write {}", duration::FORM)))
            }
            period => Ok(period),
        }
    }

    /// A whole number, if it is there.
    pub(crate) fn count(&self, key: &str) -> Result<Option<u32>, Problem> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.as_integer().and_then(|number| u32::try_from(number).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(self.problem(key, "is no whole number", format!("write {key} = 10"))),
        }
    }

    /// One of several words, if it is there.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let chosen = value.as_str().and_then(|word| choices.iter().find(|(name, _)| *name == word));
        match chosen {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let words: Vec<String> =
                    choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                let names = choices.iter().map(|(name, _)| *name);
                let near = value.as_str().and_then(|word| nearest(word, names));
                let near = near.map(|near| format!("did you mean \"{near}\"? "));
                let help = format!("{}write one of {}", near.unwrap_or_default(), words.join(", "));
                Err(self.problem(key, "has no value that is known", help))
            }
        }
    }
}
