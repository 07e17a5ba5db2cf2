//! The names of keys. All of one store lie in one slot of a cluster: the prefix is their hash tag.

use countersign_core::{Error, RecordName, Revision};

use crate::fault;

const LONGEST: usize = 64;

/// Makes the names of one store's keys.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// With its braces.
    root: String,
}

impl Names {
    /// Names that begin with `{prefix}:`.
    pub(crate) fn new(prefix: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b);
        if prefix.is_empty() || prefix.len() > LONGEST || !prefix.bytes().all(plain) {
            return Err(fault::setting(format!(
                "the prefix of the keys is not 1 to {LONGEST} letters, digits or of `_-.:/`"
            )));
        }
        Ok(Self { root: format!("{{{prefix}}}") })
    }

    pub(crate) fn record(&self, name: &RecordName) -> String {
        format!("{}:record:{name}", self.root)
    }

    pub(crate) fn lock(&self, name: &RecordName) -> String {
        format!("{}:lock:{name}", self.root)
    }

    /// Where a record of `revision` is set aside.
    pub(crate) fn aside(&self, name: &RecordName, revision: Revision) -> String {
        format!("{}:aside:{name}:{}", self.root, revision.0)
    }

    /// The highest revision that was ever given.
    pub(crate) fn highest(&self) -> String {
        format!("{}:revision", self.root)
    }

    /// The stream of what was written.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes", self.root)
    }

    /// What SCAN is told to look for. None of its marks is special in a pattern.
    pub(crate) fn all_records(&self) -> String {
        format!("{}:record:*", self.root)
    }

    /// The name of the record that is kept under `key`.
    pub(crate) fn record_name(&self, key: &[u8]) -> Option<RecordName> {
        let key = std::str::from_utf8(key).ok()?;
        RecordName::parse(key.strip_prefix(&self.root)?.strip_prefix(":record:")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_again_in_its_key_and_in_no_other() {
        let (names, name) = (Names::new("countersign").unwrap(), RecordName::from_hash([7; 16]));
        let key = names.record(&name);
        assert_eq!(names.record_name(key.as_bytes()), Some(name.clone()));
        for other in [names.lock(&name), names.changes(), format!("{key}0"), key.to_uppercase()] {
            assert_eq!(names.record_name(other.as_bytes()), None, "{other}");
        }
        let longer = Names::new("countersign:2").unwrap();
        assert_eq!(longer.record_name(key.as_bytes()), None);
    }

    #[test]
    fn a_prefix_that_a_pattern_or_a_hash_tag_could_misread_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        for prefix in ["", "a b", "a*", "a?", "[a]", "{a}", "a\\", "é", &long] {
            assert!(Names::new(prefix).is_err(), "{prefix}");
        }
    }
}
