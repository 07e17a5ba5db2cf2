//! The contract of an adapter: plain functions from data to data.

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::capability::Capabilities;
use crate::credential::Credentials;
use crate::error::{Error, ErrorKind};
use crate::http::{HttpRequest, HttpResponse, ResponseHead};
use crate::key::Realm;
use crate::operation::{Memo, Operation, Outcome};
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;
use crate::token::{RefreshToken, TokenSet};

/// One word per provider: folder, crate suffix, feature, module, and this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(&'static str);

impl ProviderId {
    /// The id `word`: lower case, letters, digits and underscores.
    pub const fn new(word: &'static str) -> Self {
        Self(word)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How one provider says it.
///
/// An adapter builds requests and reads answers. It does no IO, reads no clock, logs nothing and keeps
/// nothing between two calls; everything it may know comes in the [`Ambient`]. An operation that its
/// capabilities do not claim answers [`crate::ErrorKind::Unsupported`].
pub trait AuthProvider: fmt::Debug + Send + Sync {
    /// Which provider this is.
    fn id(&self) -> ProviderId;

    /// Where it lives: origins, tenant, client, audience.
    fn realm(&self) -> &Realm;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Builds the request of `operation`.
    ///
    /// # Errors
    /// What is wrong; the engine names provider and operation where an error does not. `Unsupported`, `Credentials` if a needed value is missing, `InvalidRequest` if what the caller
    /// supplied cannot be right. Nothing has been sent.
    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error>;

    /// Reads the answer to `operation`. A success status is no proof of success.
    ///
    /// # Errors
    /// What the provider says, classified by operation, status, code and text in one table.
    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error>;

    /// What holds although the step `operation`, an [`Operation::Continue`], got no answer. A step that
    /// only rounds off what an earlier one has won (a device that is confirmed after the tokens have come)
    /// answers with that here, so that it is not lost; every other step answers `None`, and the operation
    /// has failed. It builds no request and asks for no further step.
    fn without_answer(&self, operation: &Operation, ambient: &Ambient<'_>) -> Option<Outcome> {
        let _ = (operation, ambient);
        None
    }

    /// Whether `outcome`, to which the step `operation` has come well, shows that the password of
    /// [`Ambient::credentials`] holds. What a lost change of password has left open is settled by that. It is
    /// `false` for a step that was taken without the password, or before the provider has judged it.
    fn proves_password(&self, operation: &Operation, outcome: &Outcome) -> bool {
        let _ = (operation, outcome);
        true
    }

    /// Whether building the request of `operation` takes milliseconds of arithmetic (a proof of a
    /// password): then a driver does it off the threads on which it waits.
    fn computes(&self, operation: &Operation) -> bool {
        let _ = operation;
        false
    }

    /// What a request to the API must carry.
    ///
    /// # Errors
    /// `Credentials` if a code is needed on every request and its secret is missing.
    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error>;

    /// Whether an answer of the API says that what [`AuthProvider::authorize`] made is not accepted.
    /// Without `body` the answer may be [`Verdict::NeedsBody`]; with it, it may not.
    ///
    /// Unless an adapter knows better it is 401 alone (RFC 6750 §3.1); 403 is a missing right, which
    /// another token would not cure.
    fn rejects(&self, head: &ResponseHead<'_>, _body: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

/// All that an adapter may know in one exchange.
#[derive(Debug)]
pub struct Ambient<'a> {
    /// The server's time as well as it is known: the local clock corrected by the measured skew.
    pub now: Timestamp,
    /// Random bytes of the system for this exchange, the same in all its steps.
    pub seed: &'a Seed,
    /// The credentials, where the operation needs them and they could be had.
    pub credentials: &'a Credentials,
    /// The tokens that are held, if any.
    pub tokens: Option<&'a TokenSet>,
    /// The adapter's own durable facts.
    pub memo: &'a Memo,
}

impl<'a> Ambient<'a> {
    /// The access token that is held.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsSignIn`] if there is none. So does the other getter.
    pub fn expect_access_token(&self) -> Result<&'a SecretString, Error> {
        let tokens = self.tokens.ok_or_else(|| Error::new(ErrorKind::NeedsSignIn))?;
        Ok(tokens.access_token().secret())
    }

    /// The refresh token that is held.
    pub fn expect_refresh_token(&self) -> Result<&'a SecretString, Error> {
        let token = self.tokens.and_then(TokenSet::refresh_token);
        token.map(RefreshToken::secret).ok_or_else(|| {
            Error::new(ErrorKind::NeedsSignIn).hint("there is no refresh token; sign in")
        })
    }
}

/// 32 random bytes for one exchange. Never journalled, never shown.
#[derive(Clone, Default)]
pub struct Seed(SecretBytes);

impl Seed {
    /// A seed from the system's random source.
    pub const fn new(bytes: SecretBytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &SecretBytes {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed([redacted])")
    }
}

/// What a request to the API must carry, as data: headers, and how long they are good.
#[derive(Clone)]
pub struct Authorization {
    headers: Vec<(HeaderName, HeaderValue)>,
    valid_until: Timestamp,
}

impl Authorization {
    /// Headers that are good until `valid_until`, by the clock of [`Ambient::now`]. Every value is marked sensitive.
    pub fn new(
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        valid_until: Timestamp,
    ) -> Self {
        let headers = headers
            .into_iter()
            .map(|(name, mut value)| {
                value.set_sensitive(true);
                (name, value)
            })
            .collect();
        Self { headers, valid_until }
    }

    /// The headers.
    #[inline]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The value of one header.
    #[inline]
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Until when they are good; for a token that is its end, for a code the end of its time step.
    pub const fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Writes the headers into a request, replacing those of the same name.
    pub fn apply(&self, headers: &mut http::HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("valid_until", &self.valid_until)
            .finish()
    }
}

/// What an answer of the API says about the authorization that was presented.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Nothing against it, whatever else is wrong.
    Accepted,
    /// The reason is in the body, which has not been read.
    NeedsBody,
    /// It is not accepted.
    Rejected(Rejection),
}

/// Why an authorization is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The access token is missing, expired, revoked or malformed (`invalid_token`, RFC 6750 §3.1).
    InvalidToken,
    /// Token or one-time code: the answer does not tell. A young token is presented once more with
    /// the next code before it is given up.
    TokenOrCode,
}
