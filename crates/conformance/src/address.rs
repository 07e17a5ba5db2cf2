//! Addresses that tell a secret. Servers, gateways and proxies write down where a request went, with its query.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::{Credentials, SecretString, TokenResponse};

/// What is shorter than this may stand in an address by chance.
const SHORTEST: usize = 8;

/// The secrets that requests are searched for. Clones are one list.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<Mutex<Lists>>);

#[derive(Default)]
struct Lists {
    of_account: Vec<SecretString>,
    tokens: Vec<SecretString>,
}

impl Watched {
    /// What signs the account in.
    pub(crate) fn account(&self, credentials: &Credentials) {
        let password = credentials.expect_password().ok();
        let all = [password, credentials.totp_secret(), credentials.client_secret()];
        self.edit(|lists| lists.of_account.extend(all.into_iter().flatten().cloned()));
    }

    /// What an adapter has read from an answer.
    pub(crate) fn tokens(&self, read: &TokenResponse) {
        let refresh = read.refresh_token.as_ref().map(|token| token.secret().clone());
        let access = read.access_token.secret().clone();
        self.edit(|lists| lists.tokens.extend(refresh.into_iter().chain([access])));
    }

    /// The part of the address that holds one of them. A token in a path is the API's own form, where it is one.
    pub(crate) fn told_by(&self, address: &http::Uri) -> Option<&'static str> {
        let (path, query) = (decoded(address.path()), address.query().map(decoded));
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |text: &[u8], secret: &SecretString| {
            let secret = secret.expose().as_bytes();
            secret.len() >= SHORTEST && text.windows(secret.len()).any(|part| part == secret)
        };
        let mut all = lists.of_account.iter().chain(&lists.tokens);
        if query.is_some_and(|query| all.any(|secret| holds(&query, secret))) {
            return Some("query");
        }
        lists.of_account.iter().any(|secret| holds(&path, secret)).then_some("path")
    }

    fn edit(&self, change: impl FnOnce(&mut Lists)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Without the escapes of an address (RFC 3986 §2.1).
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut left, mut bytes) = (text.as_bytes(), Vec::with_capacity(text.len()));
    while let [first, rest @ ..] = left {
        left = rest;
        let pair = digit(rest.first()).zip(digit(rest.get(1))).filter(|_| *first == b'%');
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                left = &rest[2..];
            }
            None => bytes.push(*first),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use countersign_core::AccessToken;

    use super::*;

    fn told(address: &str) -> Option<&'static str> {
        let known = Watched::default();
        known.account(&Credentials::password("kim", "p4ss word!".to_owned()));
        let token = AccessToken::new("canary-token".to_owned()).unwrap();
        known.tokens(&TokenResponse::new(token));
        known.told_by(&address.parse().unwrap())
    }

    #[test]
    fn a_secret_is_found_in_a_query_and_in_a_path_also_behind_escapes() {
        assert_eq!(told("https://a.example/token?user=kim&p=p4ss%20word!"), Some("query"));
        assert_eq!(told("https://a.example/token?t=canary%2Dtoken"), Some("query"));
        assert_eq!(told("https://a.example/users/kim/p4ss%20word%21"), Some("path"));
        assert_eq!(told("https://a.example/sessions/canary-token"), None);
        assert_eq!(told("https://a.example/token?user=kim%2&%zz=canary"), None);
    }
}
