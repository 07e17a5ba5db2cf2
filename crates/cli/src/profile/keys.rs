//! Which keys a profile may have, and the nearest one to a mistyped word.

use crate::providers;

/// Keys that every profile may have, beside those of its provider.
pub(crate) const COMMON: &[&str] =
    &["provider", "api_origins", "identity", "reauthentication", "sign_ins_per_day"];

/// What is wrong with a key.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Misfit {
    /// No provider has it; this one is the nearest that fits the profile.
    Unknown { nearest: &'static str },
    /// Other providers have it.
    Elsewhere { providers: Vec<&'static str> },
}

/// Whether profiles of `provider` may have `key`.
pub(super) fn check(provider: &str, own: &[&'static str], key: &str) -> Result<(), Misfit> {
    if COMMON.contains(&key) || own.contains(&key) {
        return Ok(());
    }
    let elsewhere: Vec<&str> = providers::ALL
        .iter()
        .filter(|other| other.word != provider && other.keys.contains(&key))
        .map(|other| other.word)
        .collect();
    if !elsewhere.is_empty() {
        return Err(Misfit::Elsewhere { providers: elsewhere });
    }
    let known = COMMON.iter().chain(own).copied();
    Err(Misfit::Unknown { nearest: nearest(key, known).unwrap_or("provider") })
}

/// The word of `known` that takes the fewest slips of a typing hand to become `word`.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    known.into_iter().max_by(|a, b| {
        let near = |other: &str| {
            strsim::normalized_damerau_levenshtein(&word, &other.to_ascii_lowercase())
        };
        near(a).total_cmp(&near(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[&str] = &["base_url", "password", "client_secret", "client_id"];

    #[test]
    fn a_mistyped_key_is_answered_by_the_nearest_known_one() {
        for (typed, nearest) in [
            ("pasword", "password"),
            ("baseurl", "base_url"),
            ("Base-Url", "base_url"),
            ("client_sercet", "client_secret"),
            ("indentity", "identity"),
            ("api_origin", "api_origins"),
        ] {
            assert_eq!(check("x", OWN, typed), Err(Misfit::Unknown { nearest }), "{typed}");
        }
        assert_eq!(nearest("emial_otp", ["SMS_MFA", "EMAIL_OTP"]), Some("EMAIL_OTP"));
        assert_eq!(check("x", OWN, "password"), Ok(()));
        assert_eq!(check("x", OWN, "provider"), Ok(()));
    }

    #[test]
    fn a_key_of_another_provider_is_told_as_such() {
        let Err(Misfit::Elsewhere { providers }) = check("ibex", OWN, "user_pool_id") else {
            panic!("it is a key of cognito")
        };
        assert_eq!(providers, ["cognito"]);
    }
}
