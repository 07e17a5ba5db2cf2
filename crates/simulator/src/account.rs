//! The accounts that a simulator knows.

use std::collections::BTreeMap;
use std::fmt;

/// Which kind of principal an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountKind {
    /// An OAuth 2 client: the identity is its `client_id`, the password its `client_secret`.
    Client,
    /// A person or a service with a password.
    #[default]
    User,
}

/// One account with its secrets and its standing, as the server knows it.
///
/// Made by [`Account::user`] or [`Account::client`] and the methods that follow; given to
/// [`Simulator::add_account`](crate::Simulator::add_account). `Debug` shows the kind alone.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Account {
    /// What is typed at sign-in: user name, e-mail address or client id.
    pub identity: String,
    /// The password, or the client secret. Empty means that only the temporary password opens the account.
    pub password: String,
    /// A password that the provider sent by mail, good for one sign-up, recovery or first sign-in.
    pub temporary_password: Option<String>,
    /// The shared secret of the time-based codes, in the form in which the provider hands it out.
    pub totp_secret: Option<String>,
    /// User or client.
    pub kind: AccountKind,
    /// Refused until somebody unlocks it, whatever the password.
    pub locked: bool,
    /// Closed by the provider ("disabled", "blocked", "suppressed", "suspended").
    pub disabled: bool,
    /// Not yet confirmed by its owner or by the provider.
    pub unverified: bool,
    /// The next sign-in must bring a new password.
    pub must_change_password: bool,
    /// Facts that one provider alone uses, by the provider's own names.
    pub attributes: BTreeMap<String, String>,
    /// Failed sign-ins in a row, counted by the server.
    pub failed_attempts: u32,
    /// Until when a lockout lasts, in server milliseconds.
    pub locked_until_ms: Option<i64>,
    /// The last time step whose code was taken at a sign-in.
    pub last_code_step: Option<i64>,
}

impl Account {
    /// A person or service with a password.
    #[must_use]
    pub fn user(identity: impl Into<String>, password: impl Into<String>) -> Self {
        Self { identity: identity.into(), password: password.into(), ..Self::default() }
    }

    /// An OAuth 2 client with its secret.
    #[must_use]
    pub fn client(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self { kind: AccountKind::Client, ..Self::user(client_id, client_secret) }
    }

    /// With the shared secret of its time-based codes.
    #[must_use]
    pub fn totp_secret(mut self, secret: impl Into<String>) -> Self {
        self.totp_secret = Some(secret.into());
        self
    }

    /// With a temporary password from a mail.
    #[must_use]
    pub fn temporary_password(mut self, password: impl Into<String>) -> Self {
        self.temporary_password = Some(password.into());
        self
    }

    /// Locked until somebody unlocks it.
    #[must_use]
    pub fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    /// Closed by the provider.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Not yet confirmed.
    #[must_use]
    pub fn unverified(mut self) -> Self {
        self.unverified = true;
        self
    }

    /// Must bring a new password at the next sign-in.
    #[must_use]
    pub fn must_change_password(mut self) -> Self {
        self.must_change_password = true;
        self
    }

    /// With a fact that one provider alone uses.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Whether a lockout holds at that server time.
    #[must_use]
    pub fn is_locked_out(&self, now_ms: i64) -> bool {
        self.locked || self.locked_until_ms.is_some_and(|until| now_ms < until)
    }

    /// Its owner has chosen this password; a temporary one is over.
    pub(crate) fn choose_password(&mut self, password: &str) {
        password.clone_into(&mut self.password);
        self.temporary_password = None;
        self.must_change_password = false;
    }

    /// Every secret of the account.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.temporary_password, &self.totp_secret];
        optional
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain([self.password.as_str()])
            .filter(|s| !s.is_empty())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// All accounts, by their exact identity.
#[derive(Default)]
pub struct Accounts {
    by_identity: BTreeMap<String, Account>,
    first: Option<String>,
}

impl Accounts {
    /// Adds an account, or replaces the one of the same identity.
    pub fn insert(&mut self, account: Account) {
        self.first.get_or_insert_with(|| account.identity.clone());
        self.by_identity.insert(account.identity.clone(), account);
    }

    /// The account of that identity.
    #[must_use]
    pub fn get(&self, identity: &str) -> Option<&Account> {
        self.by_identity.get(identity)
    }

    /// The account of that identity, to change it.
    pub fn get_mut(&mut self, identity: &str) -> Option<&mut Account> {
        self.by_identity.get_mut(identity)
    }

    /// The account that was added first: the default one.
    #[must_use]
    pub fn first(&self) -> Option<&Account> {
        self.first.as_deref().and_then(|identity| self.get(identity))
    }

    /// All accounts, in the order of their identities.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.by_identity.values()
    }
}
