//! Whose record it is, as a store keeps it: for whoever finds a record without having its key.

use std::fmt;

use super::{AccountKey, KeyDigest, Realm, Scope, SessionKey};
use crate::origin::Origin;
use crate::provider::ProviderId;

/// No word for a provider is longer, in bytes.
const LONGEST_WORD: usize = 64;

/// The parts of an [`AccountKey`] or a [`SessionKey`], read back from a record.
///
/// A key names its provider by a [`ProviderId`], which is part of a program. A record that is found in a
/// store may belong to a provider that this program was built without, so its provider is a text. With
/// the provider's realm at hand, [`StoredKey::session_at`] gives the key.
///
/// ```
/// use countersign_core::{Origin, ProviderId, Realm, SessionKey, StoredKey};
///
/// let acme = ProviderId::new("acme");
/// let realm = Realm::new(Origin::parse("https://auth.example")?);
/// let key = SessionKey::new(acme, &realm, "kim@example.org");
/// let stored = StoredKey::from(&key);
/// assert_eq!((stored.provider(), stored.identity()), ("acme", "kim@example.org"));
/// assert_eq!(stored.session_at(acme, &realm), Some(key));
/// assert_eq!(stored.session_at(ProviderId::new("other"), &realm), None);
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredKey {
    provider: Box<str>,
    origin: Origin,
    tenant: Box<str>,
    identity: Box<str>,
    session: Option<Scope>,
}

impl StoredKey {
    /// The parts of an account's key; `None` if they cannot be those of one: a provider that is no word
    /// (lower-case letters, digits, underscores), an origin that is none, an identity with spaces
    /// around it.
    pub fn of_account(provider: &str, origin: &str, tenant: &str, identity: &str) -> Option<Self> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let good = (1..=LONGEST_WORD).contains(&provider.len())
            && provider.bytes().all(is_word)
            && identity == identity.trim();
        good.then_some(())?;
        Some(Self {
            provider: provider.into(),
            origin: Origin::parse(origin).ok()?,
            tenant: tenant.into(),
            identity: identity.into(),
            session: None,
        })
    }

    /// The parts of the key of a session of this account.
    #[must_use]
    pub fn with_session(mut self, client: &str, audience: &str) -> Self {
        self.session = Some(Scope { client: client.into(), audience: audience.into() });
        self
    }

    /// The provider's word.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Where its secrets are sent.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The pool, organisation or other partition of accounts; empty if there is none.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Who, normalised. Personal: keep it out of logs; [`KeyDigest`] is for those.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The client id of a session, which may be empty; `None` for an account.
    pub fn client(&self) -> Option<&str> {
        self.session.as_ref().map(|session| &*session.client)
    }

    /// The audience or scope of a session, which may be empty; `None` for an account.
    pub fn audience(&self) -> Option<&str> {
        self.session.as_ref().map(|session| &*session.audience)
    }

    /// Whether it is the key of a session; else it is that of an account.
    pub const fn is_session(&self) -> bool {
        self.session.is_some()
    }

    /// The account that it belongs to.
    #[must_use]
    pub fn account(&self) -> Self {
        Self { session: None, ..self.clone() }
    }

    /// The key, if it is that of a session with `provider` at `realm`.
    pub fn session_at(&self, provider: ProviderId, realm: &Realm) -> Option<SessionKey> {
        let key = SessionKey::new(provider, realm, &self.identity);
        (Self::from(&key) == *self).then_some(key)
    }

    /// The key, if it is that of an account with `provider` at `realm`.
    pub fn account_at(&self, provider: ProviderId, realm: &Realm) -> Option<AccountKey> {
        let key = AccountKey::new(provider, realm, &self.identity);
        (Self::from(&key) == *self).then_some(key)
    }

    /// What the record is bound to; the same as that of the key.
    pub fn digest(&self) -> KeyDigest {
        let account = [&*self.provider, self.origin.as_str(), &*self.tenant, &*self.identity];
        match &self.session {
            None => KeyDigest::of_account(account),
            Some(session) => KeyDigest::of_session(account, &session.client, &session.audience),
        }
    }
}

impl From<&AccountKey> for StoredKey {
    fn from(key: &AccountKey) -> Self {
        Self {
            provider: key.place.provider.as_str().into(),
            origin: key.place.origin.clone(),
            tenant: key.place.tenant.clone(),
            identity: key.identity.clone(),
            session: None,
        }
    }
}

impl From<&SessionKey> for StoredKey {
    fn from(key: &SessionKey) -> Self {
        Self::from(&key.account).with_session(key.client(), key.audience())
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKey({} {} {})", self.provider, self.origin, self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::IdentityRule;

    fn realm() -> Realm {
        let mut realm = Realm::new(Origin::parse("https://auth.example:8443").unwrap());
        realm.tenant = "pool".into();
        realm.client = "client".into();
        realm.audience = "audience".into();
        realm.identity = IdentityRule::LowerCase;
        realm
    }

    #[test]
    fn f34_a_stored_key_is_bound_to_what_its_key_is_bound_to_and_leads_back_to_it() {
        let id = ProviderId::new("acme");
        let session = SessionKey::new(id, &realm(), " Kim@Example.org");
        let stored = StoredKey::from(&session);
        assert_eq!(stored.digest(), session.digest());
        assert_eq!(stored.account().digest(), session.account().digest());
        assert_eq!(stored.account(), StoredKey::from(session.account()));
        assert_eq!(stored.session_at(id, &realm()).as_ref(), Some(&session));
        assert_eq!(stored.account().account_at(id, &realm()).as_ref(), Some(session.account()));
        assert!(stored.account_at(id, &realm()).is_none());
        assert!(stored.account().session_at(id, &realm()).is_none());
        for change in [
            |r: &mut Realm| r.auth_origin = Origin::parse("https://auth.example").unwrap(),
            |r: &mut Realm| r.tenant = "".into(),
            |r: &mut Realm| r.client = "".into(),
            |r: &mut Realm| r.audience = "".into(),
        ] {
            let mut other = realm();
            change(&mut other);
            assert!(stored.session_at(id, &other).is_none());
        }
        let parts = StoredKey::of_account(
            stored.provider(),
            &stored.origin().to_string(),
            stored.tenant(),
            stored.identity(),
        );
        let parts = parts.unwrap().with_session("client", "audience");
        assert_eq!(parts, stored);
        assert!(!format!("{stored:?}").contains("kim"));
    }

    #[test]
    fn parts_that_no_key_has_are_refused() {
        for (provider, origin, identity) in [
            ("", "https://auth.example", "kim"),
            ("Acme", "https://auth.example", "kim"),
            ("ac me", "https://auth.example", "kim"),
            ("acme", "http://auth.example", "kim"),
            ("acme", "https://auth.example/path", "kim"),
            ("acme", "https://auth.example", " kim"),
        ] {
            assert!(StoredKey::of_account(provider, origin, "", identity).is_none());
        }
        assert!(
            StoredKey::of_account(&"a".repeat(65), "https://auth.example", "", "kim").is_none()
        );
        assert!(StoredKey::of_account("acme", "https://auth.example", "", "kim").is_some());
    }
}
