//! The sources of a profile as the engine asks them: again before every exchange.

use async_trait::async_trait;
use countersign_core::{
    AccountKey, CredentialKind, CredentialSource, Credentials, Error, ErrorKind, SecretString,
};

use super::{Source, Surroundings};

/// Who, and where each secret comes from. Holds no secret.
pub(crate) struct ProfileCredentials {
    /// The profile and its file, for messages.
    pub(crate) place: String,
    pub(crate) identity: Option<String>,
    pub(crate) sources: Vec<(CredentialKind, Source)>,
    /// Kinds that a sign-in can do without.
    pub(crate) optional: Vec<CredentialKind>,
    pub(crate) around: Surroundings,
}

impl ProfileCredentials {
    /// Whether every value is at hand: no program is started and nobody is asked.
    pub(crate) fn is_plain(&self) -> bool {
        self.sources.iter().all(|(_, source)| matches!(source, Source::Env(_) | Source::File(_)))
    }

    /// What a person is asked for.
    pub(crate) fn label(&self, kind: CredentialKind) -> String {
        match &self.identity {
            Some(identity) => format!("{kind} of {identity}"),
            None => kind.to_string(),
        }
    }

    /// The secret of one kind as it is now; `None` if the profile names no source for it, or one that
    /// is still to be made.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`], naming profile, key and remedy.
    pub(crate) async fn secret(&self, kind: CredentialKind) -> Result<Option<SecretString>, Error> {
        let Some((_, source)) = self.sources.iter().find(|(of, _)| *of == kind) else {
            return Ok(None);
        };
        if self.optional.contains(&kind) && source.is_to_be_made() {
            tracing::warn!(%kind, "the file of an optional secret is not there");
            return Ok(None);
        }
        let read = source.read(&self.label(kind), &self.around).await;
        read.map(Some).map_err(|refusal| {
            let (what, help) = (refusal.what, refusal.help);
            Error::new(ErrorKind::Credentials)
                .hint(format!("{}: `{kind}`: {what}; {help}", self.place))
        })
    }

    /// Nothing but who it is.
    pub(crate) fn bare(&self) -> Credentials {
        match &self.identity {
            Some(identity) => Credentials::new().with_identity(identity),
            None => Credentials::new(),
        }
    }
}

#[async_trait]
impl CredentialSource for ProfileCredentials {
    async fn credentials(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        let mut credentials = self.bare();
        for (kind, _) in &self.sources {
            if let Some(secret) = self.secret(*kind).await? {
                credentials = set(credentials, *kind, secret);
            }
        }
        Ok(credentials)
    }

    fn interactive(&self) -> bool {
        self.sources.iter().any(|(_, source)| source.is_interactive())
    }

    async fn at_hand(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        let mut credentials = self.bare();
        for (kind, _) in self.sources.iter().filter(|(_, source)| !source.is_interactive()) {
            if let Some(secret) = self.secret(*kind).await? {
                credentials = set(credentials, *kind, secret);
            }
        }
        Ok(credentials)
    }
}

/// The credentials with one more.
pub(crate) fn set(
    credentials: Credentials,
    kind: CredentialKind,
    secret: SecretString,
) -> Credentials {
    match kind {
        CredentialKind::Password => credentials.with_password(secret),
        CredentialKind::TotpSecret => credentials.with_totp_secret(secret),
        CredentialKind::ClientSecret => credentials.with_client_secret(secret),
        // The identity is no secret: it stands in the profile.
        _ => credentials,
    }
}
