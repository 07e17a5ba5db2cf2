//! The sources of a profile as the engine asks them: again before every exchange.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_core::{
    AccountKey, Clock, CredentialKind, CredentialSource, Credentials, Error, ErrorKind,
    SecretString,
};

use super::{Environment, Source};

/// Who, and where each secret comes from. Holds no secret.
pub(crate) struct ProfileCredentials {
    /// The profile and its file, for messages.
    pub(crate) place: String,
    pub(crate) identity: Option<String>,
    pub(crate) sources: Vec<(CredentialKind, Source)>,
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ProfileCredentials {
    /// Whether every value is at hand: no program is started and nobody is asked.
    pub(crate) fn is_plain(&self) -> bool {
        self.sources.iter().all(|(_, source)| matches!(source, Source::Env(_) | Source::File(_)))
    }
}

#[async_trait]
impl CredentialSource for ProfileCredentials {
    async fn credentials(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        let mut credentials = Credentials::new();
        if let Some(identity) = &self.identity {
            credentials = credentials.with_identity(identity);
        }
        for (kind, source) in &self.sources {
            let label = match &self.identity {
                Some(identity) => format!("{kind} of {identity}"),
                None => kind.to_string(),
            };
            let secret =
                source.read(&label, self.environment, &self.clock).await.map_err(|refusal| {
                    let (what, help) = (refusal.what, refusal.help);
                    Error::new(ErrorKind::Credentials)
                        .hint(format!("{}: `{kind}`: {what}; {help}", self.place))
                })?;
            credentials = set(credentials, *kind, secret);
        }
        Ok(credentials)
    }

    fn interactive(&self) -> bool {
        self.sources.iter().any(|(_, source)| source.is_interactive())
    }
}

fn set(credentials: Credentials, kind: CredentialKind, secret: SecretString) -> Credentials {
    match kind {
        CredentialKind::Password => credentials.with_password(secret),
        CredentialKind::TotpSecret => credentials.with_totp_secret(secret),
        CredentialKind::ClientSecret => credentials.with_client_secret(secret),
        // The identity is no secret: it stands in the profile.
        _ => credentials,
    }
}
