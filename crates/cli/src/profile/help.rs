//! What a profile file looks like, for `--help`.

use super::keys::COMMON;
use crate::providers;

const EXAMPLE: &str = r#"Profiles, in the file of --config (nobody but you may be able to write it):
  [profiles.hub]
  provider = "ibex"
  base_url = "https://api-sandbox.poweredbyibex.io"
  identity = "ops@merchant.example"
  password = "env:HUB_PASSWORD"

A secret names where it comes from, and is read anew for each exchange:
  env:NAME      an environment variable
  file:PATH     a file of mode 600, relative to the profile file
  command:ARGV  the first line that a program writes; no shell, ten seconds, and
                without the variables that profiles name by env:
  prompt        asked for on a terminal
A new password, or authenticator's secret, goes to the file that the profile
reads it from: to PATH.new before it is sent, to PATH when it is proved.
The store is in $COUNTERSIGN_STATE, else in your folder for state. Its keys are
in a file of mode 600 there, unless a table of the profile file says otherwise:
  [store]
  key = "passphrase"                 (or "file", or "keyring")
  passphrase = "env:STORE_PASSPHRASE"
`sessions protect` brings a store that exists to what is said there; to take a
protection away, key = "file" has to be written.
On Windows a backslash of command: stands for itself unless a quote follows, and
these files and the store have to be below your profile, since there are no
modes; vouched = true in [store] says that a store elsewhere is yours.

Keys of every profile:
"#;

/// An example, the forms of a source, and the keys of each provider.
pub(crate) fn help() -> String {
    let mut text = format!("{EXAMPLE}{}", list(COMMON));
    for provider in providers::ALL {
        text.push_str(&format!("Keys of {}:\n{}", provider.word, list(provider.keys)));
    }
    text
}

/// Words in lines of at most 78 characters.
fn list(words: &[&str]) -> String {
    let mut text = String::from(" ");
    let mut width = 1;
    for word in words {
        if width + 1 + word.len() > 78 {
            text.push_str("\n ");
            width = 1;
        }
        text.push(' ');
        text.push_str(word);
        width += 1 + word.len();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_provider_is_told_in_short_lines() {
        let text = help();
        for key in providers::ALL.iter().flat_map(|provider| provider.keys) {
            assert!(text.contains(&format!(" {key}")), "{key}");
        }
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
