//! A profile as another program opens it, so that it signs in where and as this one does: the conformance
//! suite in front of a live service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::{AuthProvider, CredentialKind, Credentials, Origin, SecretString};
use countersign_runtime::SystemClock;

use crate::opening;
use crate::problem::Problem;
use crate::profile::{self, Profile, ProfileFile};
use crate::source::{ProfileCredentials, Source};

/// A profile that was read, with what its provider's settings make. Nothing was sent, and no secret read.
pub struct Live {
    profile: Profile,
    adapter: Arc<dyn AuthProvider>,
    api_origins: Vec<Origin>,
    account: String,
    source: ProfileCredentials,
}

/// Why a profile cannot be used, with the remedy. Holds no secret.
#[derive(Debug)]
pub struct Refused(Problem);

impl Live {
    /// The profile `name` of the file `config`, or of the file that the program would take.
    ///
    /// # Errors
    /// The file, the profile or one of its keys is wrong, or a secret that the provider needs has no source.
    pub fn open(config: Option<PathBuf>, name: Option<&str>) -> Result<Self, Refused> {
        Self::read(config, name).map_err(Refused)
    }

    fn read(config: Option<PathBuf>, name: Option<&str>) -> Result<Self, Problem> {
        let path = profile::config_file(config, crate::environment)?;
        let profile = ProfileFile::read(&path)?.profile(name)?;
        let built = profile.build()?;
        let source = opening::sources(&profile, &*built.adapter, SystemClock::new())?;
        Ok(Self {
            adapter: built.adapter,
            api_origins: built.api_origins,
            account: profile.account()?.to_owned(),
            source,
            profile,
        })
    }

    /// The profile's name.
    pub fn name(&self) -> &str {
        self.profile.name()
    }

    /// The word of its provider.
    pub fn provider(&self) -> &'static str {
        self.profile.provider()
    }

    /// The adapter, as the profile sets it up.
    pub fn adapter(&self) -> Arc<dyn AuthProvider> {
        Arc::clone(&self.adapter)
    }

    /// Where tokens may be presented beside the adapter's own origins.
    pub fn api_origins(&self) -> &[Origin] {
        &self.api_origins
    }

    /// Whose session it is.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Another secret that `text` names the source of, as a profile would: `env:NAME`, `file:PATH`,
    /// `command:ARGV` or `prompt`. `label` is what a person is asked for, and what errors call it.
    ///
    /// # Errors
    /// It names no source, or the source yields nothing.
    pub async fn secret(&self, label: &str, text: &str) -> Result<SecretString, Refused> {
        let refused = |(what, help): (String, String)| {
            Refused(Problem::usage(format!("{label} {what}"), help))
        };
        let source =
            Source::parse(text, Path::new("")).map_err(|none| refused(none.explain(label)))?;
        let read = source.read(label, &self.source.around).await;
        read.map_err(|refusal| Refused(Problem::usage(refusal.what, refusal.help)))
    }

    /// The secrets as they are now; a person is asked for those whose source is `prompt`.
    ///
    /// # Errors
    /// A source that yields nothing, by its name.
    pub async fn credentials(&self) -> Result<Credentials, Refused> {
        let mut read = self.source.bare();
        for kind in CredentialKind::ALL {
            if let Some(secret) = self.source.secret(kind).await.map_err(|e| Refused(e.into()))? {
                read = crate::source::set(read, kind, secret);
            }
        }
        Ok(read)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.profile.name())
    }
}

impl fmt::Display for Refused {
    /// What the program would print: `error:`, `note:` and `help:` lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.lines().trim_end())
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    const HUB: &str = "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"http://127.0.0.1:1\"\n\
                       identity = \"ops@merchant.example\"\n";

    #[test]
    fn a_profile_becomes_an_adapter_an_account_and_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("hub.txt");
        fs::write(&secret, "canary-live-password\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let path = file(folder.path(), &format!("{HUB}password = \"file:hub.txt\"\n"));
        let live = Live::open(Some(path), Some("hub")).unwrap();
        assert_eq!((live.name(), live.provider()), ("hub", "ibex"));
        assert_eq!(live.account(), "ops@merchant.example");
        assert_eq!(live.adapter().id().as_str(), "ibex");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(live.credentials()).unwrap();
        let expected = Credentials::password(live.account(), "canary-live-password".to_owned());
        let mark = |of: &Credentials| of.fingerprint(b"salt");
        assert_eq!(mark(&read), mark(&expected));
        assert!(!format!("{live:?} {read:?}").contains("canary"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |text: &str, name: &str| {
            let path = file(folder.path(), text);
            Live::open(Some(path), Some(name)).unwrap_err().to_string()
        };
        let said = refused(HUB, "hub");
        assert!(said.contains("`password` is missing\nhelp: say where it comes from"), "{said}");
        let said = refused(HUB, "hob");
        assert!(said.contains("no profile `hob`\nhelp: did you mean `hub`?"), "{said}");
        let path = file(folder.path(), &format!("{HUB}password = \"file:none.txt\"\n"));
        let live = Live::open(Some(path), Some("hub")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let said = runtime.block_on(live.credentials()).unwrap_err().to_string();
        assert!(said.contains("none.txt") && said.contains("help: "), "{said}");
    }
}
