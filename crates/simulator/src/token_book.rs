//! The tokens that a simulator has issued, with their ends.

use std::collections::{HashMap, HashSet};

use crate::limit;

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

/// How long a spent refresh token is still told from one that was never issued, in milliseconds.
const SPENT_MS: i64 = 3_600_000;

/// All tokens of one simulator. Good ones are never forgotten; of those that are over the oldest are, once there are
/// many.
pub struct TokenBook {
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    generations: HashMap<String, u64>,
    families: u64,
    limit: usize,
    /// With how many tokens in the book it is looked through next.
    look_at: usize,
}

impl Default for TokenBook {
    fn default() -> Self {
        Self {
            access: HashMap::new(),
            refresh: HashMap::new(),
            generations: HashMap::new(),
            families: 0,
            limit: limit::USUAL,
            look_at: limit::USUAL,
        }
    }
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

    /// Whether the book still has this access token, good or not.
    #[must_use]
    pub fn has_access(&self, token: &str) -> bool {
        self.access.contains_key(token)
    }

    /// The sign-ins of which the book still has a token, good or not.
    #[must_use]
    pub fn families(&self) -> HashSet<u64> {
        let access = self.access.values().map(|entry| entry.family);
        access.chain(self.refresh.values().map(|entry| entry.family)).collect()
    }

    pub(crate) fn limit(&mut self, tokens: usize) {
        (self.limit, self.look_at) = (tokens, tokens);
    }

    /// Forgets the oldest of the tokens that are over, where there are too many; says whether it has looked.
    pub(crate) fn forget(&mut self, now_ms: i64) -> bool {
        let all = self.access.len() + self.refresh.len();
        if all <= self.look_at {
            return false;
        }
        let access = self.access.iter().filter_map(|(token, entry)| {
            let over = entry.revoked || now_ms >= entry.expires_at_ms;
            over.then(|| (entry.expires_at_ms, token.clone()))
        });
        let refresh = self.refresh.iter().filter_map(|(token, entry)| {
            let spent = entry.spent_at_ms.is_some_and(|at| now_ms >= at.saturating_add(SPENT_MS));
            let over = spent || entry.revoked || now_ms >= entry.expires_at_ms;
            over.then(|| (entry.expires_at_ms, token.clone()))
        });
        let mut over: Vec<(i64, String)> = access.chain(refresh).collect();
        over.sort_unstable();
        for (_, token) in over.into_iter().take(all.saturating_sub(self.limit)) {
            self.access.remove(&token);
            self.refresh.remove(&token);
        }
        // Looked through at every request, a book of good tokens alone would cost its size each time.
        let left = self.access.len() + self.refresh.len();
        self.look_at = left.max(self.limit) + self.limit / 2;
        true
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

#[cfg(test)]
mod tests {
    use super::{SPENT_MS, TokenBook, Worth};

    const LIFE: i64 = 1000;

    fn book(limit: usize) -> TokenBook {
        let mut book = TokenBook::default();
        book.limit(limit);
        book
    }

    #[test]
    fn the_oldest_tokens_that_are_over_are_forgotten_and_good_ones_never() {
        let mut book = book(4);
        for n in 0..5 {
            book.add_access(format!("access-{n}"), "kim", n, i64::try_from(n).unwrap() + LIFE);
        }
        book.add_refresh("refresh".to_owned(), "kim", 0, 100 * LIFE);
        assert!(book.forget(0) && !book.forget(0), "looked through once, and nothing is over");
        assert_eq!(book.families().len(), 5);
        for n in 5..8 {
            book.add_access(format!("access-{n}"), "kim", n, 100 * LIFE);
        }
        // Of nine tokens five are over: with room for six the three oldest of these go, with room for one all five.
        for (room, oldest) in [(6, 3), (1, 5)] {
            book.limit(room);
            assert!(book.forget(10 * LIFE));
            for n in 0..8 {
                assert_eq!(book.has_access(&format!("access-{n}")), n >= oldest, "{n}");
            }
        }
        assert_eq!(book.refresh("refresh", 10 * LIFE).0, Worth::Good);
        assert_eq!(book.families().into_iter().min(), Some(0), "that of the refresh token");
    }

    #[test]
    fn a_spent_refresh_token_is_told_for_an_hour_and_then_forgotten() {
        let mut book = book(1);
        for token in ["first", "second", "third"] {
            book.add_refresh(token.to_owned(), "kim", 1, i64::MAX);
        }
        book.redeem("first", 0, true);
        assert!(book.forget(SPENT_MS - 1));
        assert!(book.refresh("first", 0).1.is_some());
        book.limit(1);
        assert!(book.forget(SPENT_MS));
        assert_eq!(book.refresh("first", 0).0, Worth::Unknown);
        assert_eq!(book.refresh("second", 0).0, Worth::Good);
    }
}
