//! Tokens: what the wire gave, and what we hold.

mod response;
mod set;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

pub use response::TokenResponse;
pub use set::{Anchor, Rotation, StoredTokens, TokenSet};

use crate::error::{Error, ErrorKind};
use crate::http::BEARER;
use crate::secret::{Fingerprint, SecretString};

/// The longest token that is taken, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $word:literal, $keep:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            secret: SecretString,
            /// Made when it is asked for first.
            print: OnceLock<Fingerprint>,
        }

        impl $name {
            /// A token from the wire or from a record.
            ///
            /// # Errors
            /// [`ErrorKind::Protocol`] if it is empty, longer than [`MAX_TOKEN_BYTES`], or holds
            /// anything but visible ASCII (RFC 6750 §2.1 allows less).
            pub fn new(text: impl Into<SecretString>) -> Result<Self, Error> {
                let text = text.into();
                check(&text, $word)?;
                let keep: fn(SecretString) -> SecretString = $keep;
                Ok(Self { secret: keep(text), print: OnceLock::new() })
            }

            /// The secret itself.
            pub const fn secret(&self) -> &SecretString {
                &self.secret
            }

            /// A name for this token that may be logged and compared.
            pub fn fingerprint(&self) -> Fingerprint {
                *self.print.get_or_init(|| Fingerprint::of($word, b"", self.secret.expose_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

token!(
    /// What is presented to an API (RFC 6749 §1.4).
    AccessToken,
    "access token",
    |text| text.behind(BEARER)
);
token!(
    /// What buys the next access token (RFC 6749 §1.5).
    RefreshToken,
    "refresh token",
    |text| text
);
token!(
    /// Claims about the account (OpenID Connect Core §2), kept and never verified here.
    IdToken,
    "ID token",
    |text| text.behind(BEARER)
);

fn check(text: &SecretString, word: &str) -> Result<(), Error> {
    let fault = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_TOKEN_BYTES {
        "is longer than 16 KiB"
    } else if !is_visible(text.expose_bytes()) {
        "holds characters that no token has"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Protocol).hint(format!("the {word} in the answer {fault}")))
}

/// Without an end before the end, so that many bytes are looked at together.
fn is_visible(text: &[u8]) -> bool {
    text.iter().fold(true, |visible, byte| visible & byte.is_ascii_graphic())
}

/// Counts how often a session got a token, with a random tag: two processes that count to the same
/// number are still told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Generation {
    /// One for the first token of a session.
    pub counter: u64,
    /// Random, drawn with the token.
    pub tag: u32,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.counter, self.tag)
    }
}

/// What a provider tells about the account beside tokens; not secret, but personal: `Debug` shows
/// names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<String, String>);

impl Profile {
    /// An empty profile.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value; at most 64 are kept, each cut to 1 KiB, control characters removed.
    pub fn set(&mut self, name: &str, value: &str) {
        if self.0.len() < 64 || self.0.contains_key(name) {
            let clean = |text: &str, most: usize| -> String {
                text.chars().filter(|c| !c.is_control()).take(most).collect()
            };
            self.0.insert(clean(name, 128), clean(value, 1024));
        }
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}
