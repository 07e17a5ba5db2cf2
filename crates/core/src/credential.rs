//! What buys the first token: credentials by kind, and where their values come from.

use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind};
use crate::key::AccountKey;
use crate::secret::{Fingerprint, SecretString};

/// One kind of credential.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum CredentialKind {
    /// Who: an e-mail address or a user name. Not secret, but personal.
    Identity,
    /// The password.
    Password,
    /// The shared secret of a TOTP (RFC 6238), as text in the provider's encoding.
    TotpSecret,
    /// The secret of the client (RFC 6749 §2.3.1).
    ClientSecret,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Identity, Self::Password, Self::TotpSecret, Self::ClientSecret];

    /// The word used in profiles: `identity`, `password`, `totp_secret`, `client_secret`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Password => "password",
            Self::TotpSecret => "totp_secret",
            Self::ClientSecret => "client_secret",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which kinds a sign-in needs, and which it can use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialKinds {
    /// Without these there is no sign-in.
    pub required: Vec<CredentialKind>,
    /// Used if given.
    pub optional: Vec<CredentialKind>,
}

impl CredentialKinds {
    /// Kinds from two lists.
    pub fn new(
        required: impl IntoIterator<Item = CredentialKind>,
        optional: impl IntoIterator<Item = CredentialKind>,
    ) -> Self {
        Self { required: required.into_iter().collect(), optional: optional.into_iter().collect() }
    }

    /// Whether a sign-in can use `kind`.
    pub fn uses(&self, kind: CredentialKind) -> bool {
        self.required.contains(&kind) || self.optional.contains(&kind)
    }
}

/// Values for one account. Wiped on drop, never serialised, silent in `Debug`.
#[derive(Clone, Default)]
pub struct Credentials {
    identity: Option<Box<str>>,
    password: Option<SecretString>,
    totp_secret: Option<SecretString>,
    client_secret: Option<SecretString>,
}

impl Credentials {
    /// No credentials yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a person or a service account: identity and password.
    pub fn password(identity: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self::new().with_identity(identity).with_password(password)
    }

    /// Sets the identity.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into().into());
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<SecretString>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the shared secret of a TOTP.
    #[must_use]
    pub fn with_totp_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.totp_secret = Some(secret.into());
        self
    }

    /// Sets the client secret.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Who.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`], naming the kind that is missing. So do the other getters.
    pub fn identity(&self) -> Result<&str, Error> {
        self.identity.as_deref().ok_or_else(|| missing(CredentialKind::Identity))
    }

    /// The password.
    pub fn expect_password(&self) -> Result<&SecretString, Error> {
        self.password.as_ref().ok_or_else(|| missing(CredentialKind::Password))
    }

    /// The shared secret of a TOTP.
    pub fn expect_totp_secret(&self) -> Result<&SecretString, Error> {
        self.totp_secret.as_ref().ok_or_else(|| missing(CredentialKind::TotpSecret))
    }

    /// The shared secret of a TOTP, where it is optional.
    pub fn totp_secret(&self) -> Option<&SecretString> {
        self.totp_secret.as_ref()
    }

    /// The client secret, where it is optional.
    pub fn client_secret(&self) -> Option<&SecretString> {
        self.client_secret.as_ref()
    }

    /// The client secret.
    pub fn expect_client_secret(&self) -> Result<&SecretString, Error> {
        self.client_secret.as_ref().ok_or_else(|| missing(CredentialKind::ClientSecret))
    }

    /// Whether a value of `kind` is there (an empty one is not).
    pub fn has(&self, kind: CredentialKind) -> bool {
        match kind {
            CredentialKind::Identity => self.identity.as_ref().is_some_and(|i| !i.is_empty()),
            CredentialKind::Password => self.password.as_ref().is_some_and(|s| !s.is_empty()),
            CredentialKind::TotpSecret => self.totp_secret.as_ref().is_some_and(|s| !s.is_empty()),
            CredentialKind::ClientSecret => {
                self.client_secret.as_ref().is_some_and(|s| !s.is_empty())
            }
        }
    }

    /// Whether everything that `kinds` requires is there.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`], naming what is missing.
    pub fn check(&self, kinds: &CredentialKinds) -> Result<(), Error> {
        match kinds.required.iter().find(|kind| !self.has(**kind)) {
            Some(kind) => Err(missing(*kind)),
            None => Ok(()),
        }
    }

    /// Names these secrets for the memory of refused ones. `salt` is a secret of the store.
    pub fn fingerprint(&self, salt: &[u8]) -> Fingerprint {
        let secrets = [&self.password, &self.totp_secret, &self.client_secret];
        let [a, b, c] = secrets.map(|secret| {
            let text = secret.as_ref().map_or(&[][..], SecretString::expose_bytes);
            ((text.len() as u64).to_be_bytes(), text)
        });
        let pieces = [&a.0, a.1, &b.0, b.1, &c.0, c.1];
        Fingerprint::of_pieces("countersign credentials", salt, &pieces)
    }
}

impl fmt::Debug for Credentials {
    /// Names the kinds that are there, not even the identity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = CredentialKind::ALL.into_iter().filter(|kind| self.has(*kind));
        f.write_str("Credentials")?;
        f.debug_set().entries(kinds.map(CredentialKind::as_str)).finish()
    }
}

fn missing(kind: CredentialKind) -> Error {
    Error::new(ErrorKind::Credentials)
        .hint(format!("`{kind}` is missing; give it with the credentials or name its source"))
}

/// Where the values come from. Asked when a session opens and again before every exchange that needs
/// them, so that a rotated file or variable is noticed (a source must not cache).
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// The current values for `account`.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`], naming the source and the remedy, never the value.
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error>;

    /// Whether asking may bother a person. An interactive source is asked only inside a call of the
    /// user's that may interact, never in the background.
    fn interactive(&self) -> bool {
        false
    }

    /// What can be had without bothering anybody: everything, unless the source is interactive; then
    /// nothing, unless it knows better. One that asks a person for the password and reads the client
    /// secret from a file gives the latter here, which a refresh needs.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsSignIn`] if a person is needed; else see [`CredentialSource::credentials`].
    async fn at_hand(&self, account: &AccountKey) -> Result<Credentials, Error> {
        if self.interactive() {
            return Err(Error::new(ErrorKind::NeedsSignIn)
                .hint("the credentials come from a person; call sign_in where one can be asked"));
        }
        self.credentials(account).await
    }
}

/// Fixed values are a source too.
#[async_trait]
impl CredentialSource for Credentials {
    async fn credentials(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        Ok(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_credentials_show_kinds_only() {
        let credentials = Credentials::password("canary-name", "canary-password".to_owned());
        assert_eq!(format!("{credentials:?}"), r#"Credentials{"identity", "password"}"#);
    }

    #[test]
    fn a_missing_kind_is_named_with_the_remedy() {
        let kinds =
            CredentialKinds::new([CredentialKind::Identity, CredentialKind::TotpSecret], []);
        let error = Credentials::new().with_identity("kim").check(&kinds).unwrap_err();
        assert!(error.to_string().contains("`totp_secret` is missing"), "{error}");
    }

    #[test]
    fn f36_another_secret_has_another_fingerprint() {
        let print =
            |password: &str| Credentials::password("kim", password.to_owned()).fingerprint(b"salt");
        assert_eq!(print("one"), print("one"));
        assert_ne!(print("one"), print("two"));
    }
}
