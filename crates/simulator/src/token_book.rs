//! The tokens that a simulator has issued, with their ends.

use std::collections::HashMap;

/// One access token as the server knows it.
#[derive(Clone)]
pub struct Access {
    /// Whose it is.
    pub account: String,
    /// The count of access tokens of that account: 1 for the first.
    pub generation: u64,
    /// Its end, in server milliseconds.
    pub expires_at_ms: i64,
    /// The sign-in that it descends from.
    pub family: u64,
    /// Ended by the server.
    pub revoked: bool,
}

/// One refresh token as the server knows it.
#[derive(Clone)]
pub struct Refresh {
    /// Whose it is.
    pub account: String,
    /// Its end, in server milliseconds.
    pub expires_at_ms: i64,
    /// The sign-in that it descends from.
    pub family: u64,
    /// Ended by the server or by its owner.
    pub revoked: bool,
    /// With rotation: when it was first redeemed, in server milliseconds.
    pub spent_at_ms: Option<i64>,
    /// How often it was redeemed.
    pub uses: u32,
}

/// What a presented access token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Past its end.
    Expired,
    /// Known, in time and not revoked.
    Good,
    /// Ended by the server.
    Revoked,
    /// Never issued here.
    Unknown,
}

/// All tokens of one simulator.
#[derive(Default)]
pub struct TokenBook {
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    generations: HashMap<String, u64>,
    families: u64,
}

impl TokenBook {
    /// A number for a new sign-in and all that descends from it.
    pub fn new_family(&mut self) -> u64 {
        self.families += 1;
        self.families
    }

    /// Notes an access token and answers its generation.
    pub fn add_access(
        &mut self,
        token: String,
        account: &str,
        family: u64,
        expires_at_ms: i64,
    ) -> u64 {
        let count = self.generations.entry(account.to_owned()).or_default();
        *count += 1;
        let generation = *count;
        let entry = Access {
            account: account.to_owned(),
            generation,
            expires_at_ms,
            family,
            revoked: false,
        };
        self.access.insert(token, entry);
        generation
    }

    /// Notes a refresh token.
    pub fn add_refresh(&mut self, token: String, account: &str, family: u64, expires_at_ms: i64) {
        let account = account.to_owned();
        let entry =
            Refresh { account, expires_at_ms, family, revoked: false, spent_at_ms: None, uses: 0 };
        self.refresh.insert(token, entry);
    }

    /// The access token with its worth at that server time.
    #[must_use]
    pub fn access(&self, token: &str, now_ms: i64) -> (Worth, Option<&Access>) {
        match self.access.get(token) {
            None => (Worth::Unknown, None),
            Some(entry) if entry.revoked => (Worth::Revoked, Some(entry)),
            Some(entry) if now_ms >= entry.expires_at_ms => (Worth::Expired, Some(entry)),
            Some(entry) => (Worth::Good, Some(entry)),
        }
    }

    /// The refresh token with its worth at that server time. Whether a spent one is still taken is the provider's rule.
    #[must_use]
    pub fn refresh(&self, token: &str, now_ms: i64) -> (Worth, Option<&Refresh>) {
        match self.refresh.get(token) {
            None => (Worth::Unknown, None),
            Some(entry) if entry.revoked => (Worth::Revoked, Some(entry)),
            Some(entry) if now_ms >= entry.expires_at_ms => (Worth::Expired, Some(entry)),
            Some(entry) => (Worth::Good, Some(entry)),
        }
    }

    /// Counts one redemption of a refresh token; with `spend`, it is from now on a spent one.
    pub fn redeem(&mut self, token: &str, now_ms: i64, spend: bool) {
        if let Some(entry) = self.refresh.get_mut(token) {
            entry.uses += 1;
            if spend {
                entry.spent_at_ms.get_or_insert(now_ms);
            }
        }
    }

    /// Ends all tokens of one sign-in.
    pub fn revoke_family(&mut self, family: u64) {
        self.revoke_where(true, |_, of| of == family);
    }

    /// Ends all access tokens of an account, and with `refresh_too` its refresh tokens.
    pub fn revoke_account(&mut self, account: &str, refresh_too: bool) {
        self.revoke_where(refresh_too, |of, _| of == account);
    }

    /// Lets all access tokens of an account be past their end.
    pub fn expire_access(&mut self, account: &str) {
        for entry in self.access.values_mut().filter(|entry| entry.account == account) {
            entry.expires_at_ms = i64::MIN;
        }
    }

    /// How many access tokens the account was given.
    #[must_use]
    pub fn generation(&self, account: &str) -> u64 {
        self.generations.get(account).copied().unwrap_or(0)
    }

    fn revoke_where(&mut self, refresh_too: bool, which: impl Fn(&str, u64) -> bool) {
        for entry in self.access.values_mut() {
            entry.revoked |= which(&entry.account, entry.family);
        }
        if refresh_too {
            for entry in self.refresh.values_mut() {
                entry.revoked |= which(&entry.account, entry.family);
            }
        }
    }
}
