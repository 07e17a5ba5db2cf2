//! Whose session it is: the keys under which locks, guards and tokens are kept apart.

mod stored;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::origin::{BaseUrl, Origin};
use crate::provider::ProviderId;

pub use stored::StoredKey;

/// Where a provider value lives: its auth origin, its tenant, its client and its audience.
///
/// This is data of the adapter's settings. One provider value serves all accounts of a tenant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Realm {
    /// Where secrets are sent.
    pub auth_origin: Origin,
    /// Where tokens may be presented, beside what the session adds.
    pub api_origins: Vec<Origin>,
    /// The pool, organisation or other partition of accounts at that origin; empty if there is none.
    pub tenant: Box<str>,
    /// The client id; empty if there is none.
    pub client: Box<str>,
    /// The audience or scope that is asked for; empty if there is none.
    pub audience: Box<str>,
    /// How the provider compares identities.
    pub identity: IdentityRule,
}

impl Realm {
    /// A realm at `auth_origin`, without tenant, client, audience or API origins.
    pub fn new(auth_origin: Origin) -> Self {
        Self {
            auth_origin,
            api_origins: Vec::new(),
            tenant: "".into(),
            client: "".into(),
            audience: "".into(),
            identity: IdentityRule::Exact,
        }
    }

    /// A realm whose API is where the secrets go: tokens may be presented at the origin of `base`, too.
    pub fn at(base: &BaseUrl) -> Self {
        let origin = base.origin().clone();
        Self { api_origins: vec![origin.clone()], ..Self::new(origin) }
    }
}

/// How a provider compares identities.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdentityRule {
    /// As written.
    Exact,
    /// Case does not matter; kept in lower case.
    LowerCase,
}

/// Provider, auth origin, tenant and normalised identity: owns the lock and the guards (refused
/// secrets, lockout, last code step, refresh budget, sign-ins of the day).
///
/// What many accounts have in common is shared, not copied, where they were made [`like`](Self::like)
/// one another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    place: Arc<Place>,
    identity: Box<str>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    provider: ProviderId,
    origin: Origin,
    tenant: Box<str>,
}

impl AccountKey {
    /// The account of `identity` at `realm`.
    pub fn new(provider: ProviderId, realm: &Realm, identity: &str) -> Self {
        let identity = identity.trim();
        let identity = match realm.identity {
            IdentityRule::Exact => identity.into(),
            IdentityRule::LowerCase => identity.to_lowercase().into(),
        };
        let (origin, tenant) = (realm.auth_origin.clone(), realm.tenant.clone());
        Self { place: Arc::new(Place { provider, origin, tenant }), identity }
    }

    /// The same account; what it has in common with `other` takes no space of its own any more.
    #[must_use]
    pub fn like(mut self, other: &Self) -> Self {
        if self.place == other.place {
            self.place = Arc::clone(&other.place);
        }
        self
    }

    /// Which provider.
    pub fn provider(&self) -> ProviderId {
        self.place.provider
    }

    /// Where its secrets are sent.
    pub fn origin(&self) -> &Origin {
        &self.place.origin
    }

    /// The pool, organisation or other partition of accounts at that origin; empty if there is none.
    pub fn tenant(&self) -> &str {
        &self.place.tenant
    }

    /// Who, normalised. Personal: keep it out of logs; [`KeyDigest`] is for those.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What this account's record is bound to.
    pub fn digest(&self) -> KeyDigest {
        let Place { provider, origin, tenant } = &*self.place;
        KeyDigest::of_account([provider.as_str(), origin.as_str(), tenant, &self.identity])
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({} {} {})", self.provider(), self.origin(), self.digest())
    }
}

/// An account, a client and an audience: owns the tokens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    account: AccountKey,
    scope: Arc<Scope>,
}

/// What a session has beside its account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Scope {
    client: Box<str>,
    audience: Box<str>,
}

impl SessionKey {
    /// The session of `identity` at `realm`.
    pub fn new(provider: ProviderId, realm: &Realm, identity: &str) -> Self {
        Self {
            account: AccountKey::new(provider, realm, identity),
            scope: Arc::new(Scope {
                client: realm.client.clone(),
                audience: realm.audience.clone(),
            }),
        }
    }

    /// The account that it belongs to.
    pub const fn account(&self) -> &AccountKey {
        &self.account
    }

    /// The same session; what it has in common with `other` takes no space of its own any more.
    #[must_use]
    pub fn like(mut self, other: &Self) -> Self {
        self.account = self.account.like(&other.account);
        if self.scope == other.scope {
            self.scope = Arc::clone(&other.scope);
        }
        self
    }

    /// The client id; empty if there is none.
    pub fn client(&self) -> &str {
        &self.scope.client
    }

    /// The audience or scope that is asked for; empty if there is none.
    pub fn audience(&self) -> &str {
        &self.scope.audience
    }

    /// What this session's record is bound to.
    pub fn digest(&self) -> KeyDigest {
        let Place { provider, origin, tenant } = &*self.account.place;
        let account = [provider.as_str(), origin.as_str(), tenant, &self.account.identity];
        KeyDigest::of_session(account, &self.scope.client, &self.scope.audience)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account;
        write!(f, "SessionKey({} {} {})", account.provider(), account.origin(), self.digest())
    }
}

/// SHA-256 over the parts of a key, each with its length: what a sealed record is bound to.
///
/// An e-mail address can be guessed from a plain hash; before it names a file or a key in a shared
/// store it is hashed once more with the store's own key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    fn of_account([provider, origin, tenant, identity]: [&str; 4]) -> Self {
        Self::of(&["account", provider, origin, tenant, identity])
    }

    fn of_session(
        [provider, origin, tenant, identity]: [&str; 4],
        client: &str,
        audience: &str,
    ) -> Self {
        Self::of(&["session", provider, origin, tenant, identity, client, audience])
    }

    fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyDigest {
    /// Eight hexadecimal digits, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm() -> Realm {
        Realm::new(Origin::parse("https://auth.example").unwrap())
    }

    #[test]
    fn f34_another_origin_client_or_audience_is_another_session() {
        let id = ProviderId::new("x");
        let base = SessionKey::new(id, &realm(), "kim");
        let mut changed = vec![SessionKey::new(ProviderId::new("y"), &realm(), "kim")];
        for change in [
            |r: &mut Realm| r.auth_origin = Origin::parse("https://auth.example:444").unwrap(),
            |r: &mut Realm| r.tenant = "t".into(),
            |r: &mut Realm| r.client = "c".into(),
            |r: &mut Realm| r.audience = "a".into(),
        ] {
            let mut realm = realm();
            change(&mut realm);
            changed.push(SessionKey::new(id, &realm, "kim"));
        }
        assert!(changed.iter().all(|key| key.digest() != base.digest() && *key != base));
    }

    #[test]
    fn p19_a_provider_that_ignores_case_has_one_account_for_both_spellings() {
        let mut realm = realm();
        realm.identity = IdentityRule::LowerCase;
        let id = ProviderId::new("x");
        let [a, b] =
            ["Kim@Example.org ", "kim@example.org"].map(|i| AccountKey::new(id, &realm, i));
        assert_eq!(a, b);
        assert!(!format!("{a:?}").contains("kim"));
    }
}
