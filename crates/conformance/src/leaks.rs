//! Secrets, in whatever spelling they are written, and texts and addresses that hold one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::{Credentials, SecretString, TokenResponse};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding};

/// What is as short as a code is in too many numbers by chance.
const SHORTEST: usize = 8;

/// More than this nobody can search for in every text.
const MOST: usize = 4_096;

/// A longer part of a path that looks drawn by lot is taken for a secret that nobody has told of.
const LONGEST_WORD: usize = 24;

/// The secrets of a case: of its accounts, and all that answers have brought. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Vec<(SecretString, Barred)>>>);

/// The parts of an address that must not tell a secret: servers, gateways and proxies write down where a request
/// went, with its query.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Barred {
    /// ID tokens: a sign-out names its session by one (OpenID Connect RP-Initiated Logout 1.0 §2).
    Nowhere,
    /// Access and refresh tokens. One in a path is the API's own form, where it is one.
    Query,
    /// What signs an account in.
    PathAndQuery,
}

impl Known {
    /// Another one. One that is known already is barred from all that it was barred from before.
    pub(crate) fn learn(&self, secret: &SecretString, barred: Barred) {
        let mut all = self.all();
        let fits = secret.len() >= SHORTEST && all.len() < MOST;
        match all.iter_mut().rev().find(|(known, _)| known.matches(secret)) {
            Some((_, before)) => *before = barred.max(*before),
            None if fits => all.push((secret.clone(), barred)),
            None => {}
        }
    }

    /// All that sign an account in.
    pub(crate) fn learn_credentials(&self, credentials: &Credentials) {
        let password = credentials.expect_password().ok();
        let all = [password, credentials.totp_secret(), credentials.client_secret()];
        all.into_iter().flatten().for_each(|secret| self.learn(secret, Barred::PathAndQuery));
    }

    /// What an adapter has read from an answer.
    pub(crate) fn learn_tokens(&self, read: &TokenResponse) {
        self.learn(read.access_token.secret(), Barred::Query);
        read.refresh_token.iter().for_each(|token| self.learn(token.secret(), Barred::Query));
        read.id_token.iter().for_each(|token| self.learn(token.secret(), Barred::Nowhere));
    }

    /// Those that are known by now.
    pub(crate) fn list(&self) -> Vec<SecretString> {
        self.all().iter().map(|(secret, _)| secret.clone()).collect()
    }

    /// The part of the address that tells one which is barred from it.
    pub(crate) fn told_by(&self, address: &http::Uri) -> Option<&'static str> {
        let (path, query) = (decoded(address.path()), address.query().map(decoded));
        let all = self.all();
        let holds = |text: &[u8], secret: &SecretString| {
            let secret = secret.expose().as_bytes();
            text.windows(secret.len()).any(|part| part == secret)
        };
        let mut in_query = all.iter().filter(|(_, barred)| *barred != Barred::Nowhere);
        if query.is_some_and(|query| in_query.any(|(secret, _)| holds(&query, secret))) {
            return Some("query");
        }
        let mut in_path = all.iter().filter(|(_, barred)| *barred == Barred::PathAndQuery);
        in_path.any(|(secret, _)| holds(&path, secret)).then_some("path")
    }

    fn all(&self) -> MutexGuard<'_, Vec<(SecretString, Barred)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to search texts for.
pub(crate) struct Search(Vec<String>);

impl Search {
    /// Every spelling of these.
    pub(crate) fn of(secrets: &[SecretString]) -> Self {
        let mut all: Vec<String> =
            secrets.iter().flat_map(|secret| spellings(secret.expose())).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Whether `text` holds one.
    pub(crate) fn finds(&self, text: &str) -> bool {
        self.0.iter().any(|form| text.contains(form.as_str()))
    }

    /// The text, or a word in the place of one that holds a secret.
    pub(crate) fn scrubbed(&self, text: String) -> String {
        match self.finds(&text) {
            true => "words that hold a secret, and are not repeated".to_owned(),
            false => text,
        }
    }

    /// The path with `...` for each part of it that is a secret, or may be one.
    pub(crate) fn scrubbed_path(&self, path: &str) -> String {
        if self.finds(path) || path.split('/').any(may_be_secret) {
            let part = |part| if self.finds(part) || may_be_secret(part) { "..." } else { part };
            let parts: Vec<&str> = path.split('/').map(part).collect();
            let told = parts.join("/");
            // One that has a slash in it is in no single part.
            return if self.finds(&told) { "/...".to_owned() } else { told };
        }
        path.to_owned()
    }
}

/// Whether a part of a path looks drawn by lot.
fn may_be_secret(part: &str) -> bool {
    if part.len() <= LONGEST_WORD {
        return false;
    }
    let has = |so: fn(&u8) -> bool| part.as_bytes().iter().any(so);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    mixed || bits_per_byte(part.as_bytes()) > 4.2
}

fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let n = bytes.len().max(1) as f64;
    let share = |count: u32| f64::from(count) / n;
    counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| -share(count) * share(count).log2())
        .sum()
}

/// How a secret may be written: as it is, in JSON, in a URL, as bytes in hexadecimal or decimal digits, and inside
/// of base64 and base32, wherever in them it begins.
fn spellings(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let json = serde_json::Value::from(secret).to_string();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{:?}", secret.as_bytes());
    let mut all = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        percent(secret, |byte| format!("%{byte:02X}")),
        percent(secret, |byte| format!("%{byte:02x}")),
        hex.to_uppercase(),
        hex,
        decimal.trim_matches(['[', ']']).to_owned(),
    ];
    for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
        all.extend((0..3).filter_map(|before| inside(&encoding, 6, before, secret)));
    }
    for before in 0..5 {
        let upper = inside(&BASE32_NOPAD, 5, before, secret);
        all.extend(upper.as_deref().map(str::to_lowercase));
        all.extend(upper);
    }
    all
}

fn percent(secret: &str, escaped: fn(u8) -> String) -> String {
    let spelt = |byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => escaped(byte),
    };
    secret.bytes().map(spelt).collect()
}

/// What of an encoding is the secret's alone, if so many bytes stand before it and others behind it.
fn inside(encoding: &Encoding, bits: usize, before: usize, secret: &str) -> Option<String> {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(secret.as_bytes());
    let encoded = encoding.encode(&bytes);
    let (first, end) = ((8 * before).div_ceil(bits), 8 * bytes.len() / bits);
    encoded.get(first..end).filter(|own| own.len() >= SHORTEST).map(str::to_owned)
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
    use countersign_core::{AccessToken, IdToken};

    use super::*;

    const SECRET: &str = "canary/Tr1cky+Pass?";

    fn search() -> Search {
        Search::of(&[SecretString::new(SECRET)])
    }

    #[test]
    fn a_secret_is_found_in_every_spelling_wherever_it_stands() {
        let search = search();
        for before in ["", "i", "id", "id:", "kim:", "kim@m", "kim@me"] {
            for behind in ["", ".", ":x", "..."] {
                let whole = format!("{before}{SECRET}{behind}");
                let bytes = whole.as_bytes();
                for text in [
                    whole.clone(),
                    data_encoding::BASE64.encode(bytes),
                    BASE64URL_NOPAD.encode(bytes),
                    data_encoding::BASE32.encode(bytes),
                    BASE32_NOPAD.encode(bytes).to_lowercase(),
                    data_encoding::HEXLOWER.encode(bytes),
                    data_encoding::HEXUPPER.encode(bytes),
                    format!("{bytes:?}"),
                    whole.replace('/', "%2F").replace('+', "%2B").replace('?', "%3F"),
                    whole.replace('/', "%2f").replace('+', "%2b").replace('?', "%3f"),
                ] {
                    assert!(search.finds(&format!("told: {text}.")), "{text}");
                }
            }
        }
        for other in ["canary/Tr1cky", "Y2FuYXJ5L1RyMWNr", "nothing at all"] {
            assert!(!search.finds(other), "{other}");
        }
    }

    #[test]
    fn what_is_as_short_as_a_code_is_not_searched_for() {
        assert!(!Search::of(&[SecretString::new("123456")]).finds("at 123456 ms"));
    }

    #[test]
    fn a_path_is_told_without_what_is_or_may_be_a_secret() {
        let search =
            Search::of(&[SecretString::new("canary-token"), SecretString::new("two/parts")]);
        for (path, told) in [
            ("/bot-canary-token/getMe", "/.../getMe"),
            ("/sessions/canary-token", "/sessions/..."),
            ("/of/two/parts", "/..."),
            ("/sessions/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9", "/sessions/..."),
            ("/sessions/qWzXeCrVtBnMlKjHgFdSaPoIuYtR", "/sessions/..."),
            (
                "/auth/confirm-forgot-password-with-a-code",
                "/auth/confirm-forgot-password-with-a-code",
            ),
            ("/api/v1/public/auth/login", "/api/v1/public/auth/login"),
        ] {
            assert_eq!(search.scrubbed_path(path), told);
        }
    }

    fn told(address: &str) -> Option<&'static str> {
        let known = Known::default();
        known.learn_credentials(&Credentials::password("kim", "p4ss word!".to_owned()));
        let mut tokens = TokenResponse::new(AccessToken::new("canary-token".to_owned()).unwrap());
        tokens.id_token = Some(IdToken::new("canary-hint".to_owned()).unwrap());
        known.learn_tokens(&tokens);
        known.told_by(&address.parse().unwrap())
    }

    #[test]
    fn a_secret_that_is_learnt_twice_is_barred_as_by_the_stricter_one() {
        let (known, secret) = (Known::default(), SecretString::new("canary-twice"));
        for barred in [Barred::Nowhere, Barred::PathAndQuery, Barred::Query] {
            known.learn(&secret, barred);
        }
        assert_eq!(known.told_by(&"https://a.example/canary-twice".parse().unwrap()), Some("path"));
        assert_eq!(known.list().len(), 1);
    }

    #[test]
    fn a_secret_is_found_in_a_query_and_in_a_path_also_behind_escapes() {
        assert_eq!(told("https://a.example/token?user=kim&p=p4ss%20word!"), Some("query"));
        assert_eq!(told("https://a.example/token?t=canary%2Dtoken"), Some("query"));
        assert_eq!(told("https://a.example/users/kim/p4ss%20word%21"), Some("path"));
        assert_eq!(told("https://a.example/sessions/canary-token"), None);
        assert_eq!(told("https://a.example/logout?id_token_hint=canary-hint"), None);
        assert_eq!(told("https://a.example/token?user=kim%2&%zz=canary"), None);
    }
}
