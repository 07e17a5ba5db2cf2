//! What we hold: made by the engine out of an answer and what was there before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{AccessToken, Generation, IdToken, Profile, RefreshToken, TokenResponse};
use crate::capability::FallbackLifetimes;
use crate::error::{Error, ErrorKind};
use crate::jwt;
use crate::time::{Lifetime, Timestamp};

/// No answer makes a token live longer than this from now: ten years, in case of an absurd number.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// One set of tokens with all that the engine knows about it. Made by [`TokenSet::from_response`]
/// only; adapters read it. Clones share it.
#[derive(Clone)]
pub struct TokenSet(Arc<StoredTokens>);

/// The parts of a [`TokenSet`], for the record that a store keeps.
#[derive(Clone)]
pub struct StoredTokens {
    /// Which generation this is.
    pub generation: Generation,
    /// The access token.
    pub access_token: AccessToken,
    /// The refresh token.
    pub refresh_token: Option<RefreshToken>,
    /// The ID token.
    pub id_token: Option<IdToken>,
    /// When the request that bought it was sent.
    pub issued_at: Timestamp,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// How often the refresh token has been used.
    pub refreshes: u32,
    /// Who it is for, as far as the provider says.
    pub subject: Option<Box<str>>,
    /// What the provider told about the account.
    pub profile: Profile,
}

/// What the engine knows when an answer arrives.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    /// When the request was sent, by the local clock.
    pub sent_at: Timestamp,
    /// What the server's clock shows minus ours, in milliseconds, if that is known.
    pub skew_millis: i64,
    /// What to assume where the answer says nothing.
    pub fallback: FallbackLifetimes,
    /// Random tag of the new generation.
    pub tag: u32,
}

/// What an answer showed about the refresh token that bought it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rotation {
    /// The old one stays.
    Kept,
    /// Another one came: the old one is spent.
    Rotated,
}

impl TokenSet {
    /// Makes a token set out of an answer.
    ///
    /// Relative lifetimes count from the moment of *sending*. Instants and `exp` are the server's
    /// clock, corrected by the known skew. The first of these that lies in the future holds: the
    /// lifetime or instant that the answer names, the `exp` of the access token, the fallback. A
    /// token that is no JWT is opaque, never an error. With `previous` (a refresh) a missing refresh
    /// token means: keep the old one and its expiry.
    ///
    /// # Errors
    /// [`ErrorKind::SubjectMismatch`] if the answer is for another subject than `previous`.
    pub fn from_response(
        response: TokenResponse,
        previous: Option<&TokenSet>,
        anchor: Anchor,
    ) -> Result<Self, Error> {
        let old = previous.map(|set| &*set.0);
        if let (Some(new), Some(old)) = (&response.subject, old.and_then(|o| o.subject.as_ref()))
            && new != old
        {
            return Err(Error::new(ErrorKind::SubjectMismatch));
        }
        // Read only where the answer says nothing that can be believed.
        let claimed = || {
            let claims = jwt::Claims::read(response.access_token.secret()).ok()?;
            anchor.instant(Lifetime::Until(claims.expires_at()?))
        };
        let told = response.access_expiry.and_then(|candidate| anchor.instant(candidate));
        let fallback = || anchor.sent_at.after(anchor.fallback.access);
        let expires_at = told.or_else(claimed).unwrap_or_else(fallback);

        let rotated = match (&response.refresh_token, old.and_then(|o| o.refresh_token.as_ref())) {
            (Some(new), Some(old)) => !new.secret().matches(old.secret()),
            (Some(_), None) => true,
            (None, _) => false,
        };
        let named = response.refresh_expiry.and_then(|candidate| anchor.instant(candidate));
        let (refresh_token, refresh_expires_at, refreshes) = if rotated {
            let assumed = anchor.fallback.refresh.map(|life| anchor.sent_at.after(life));
            (response.refresh_token, named.or(assumed), 0)
        } else {
            let kept = old.and_then(|o| o.refresh_token.clone());
            let used = old.map_or(0, |o| o.refreshes.saturating_add(1));
            (kept, named.or(old.and_then(|o| o.refresh_expires_at)), used)
        };
        let counter = old.map_or(0, |o| o.generation.counter).saturating_add(1);
        let profile = if response.profile.is_empty() {
            old.map(|o| o.profile.clone()).unwrap_or_default()
        } else {
            response.profile
        };
        Ok(Self::from_stored(StoredTokens {
            generation: Generation { counter, tag: anchor.tag },
            access_token: response.access_token,
            refresh_token,
            id_token: response.id_token.or_else(|| old.and_then(|o| o.id_token.clone())),
            issued_at: anchor.sent_at,
            expires_at,
            refresh_expires_at,
            refreshes,
            subject: response.subject.or_else(|| old.and_then(|o| o.subject.clone())),
            profile,
        }))
    }

    /// A token set read back from a record.
    pub fn from_stored(stored: StoredTokens) -> Self {
        Self(Arc::new(stored))
    }

    /// The parts, for a record.
    pub fn stored(&self) -> &StoredTokens {
        &self.0
    }

    /// The same tokens counted after `counter`: a new sign-in goes on counting where the record was.
    #[must_use]
    pub fn counted_after(mut self, counter: u64) -> Self {
        Arc::make_mut(&mut self.0).generation.counter = counter.saturating_add(1);
        self
    }

    /// The same tokens with all instants moved: the local clock was set.
    #[must_use]
    pub fn shifted(mut self, by_millis: i64) -> Self {
        if by_millis == 0 {
            // Else what is shared would be copied.
            return self;
        }
        let set = Arc::make_mut(&mut self.0);
        set.issued_at = set.issued_at.shifted(by_millis);
        set.expires_at = set.expires_at.shifted(by_millis);
        set.refresh_expires_at = set.refresh_expires_at.map(|at| at.shifted(by_millis));
        self
    }

    /// Which generation this is.
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.0.access_token
    }

    /// The refresh token.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.0.refresh_token.as_ref()
    }

    /// The ID token.
    pub fn id_token(&self) -> Option<&IdToken> {
        self.0.id_token.as_ref()
    }

    /// When the request that bought it was sent.
    pub fn issued_at(&self) -> Timestamp {
        self.0.issued_at
    }

    /// When the access token ends.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// When the refresh token ends, if that is known.
    pub fn refresh_expires_at(&self) -> Option<Timestamp> {
        self.0.refresh_expires_at
    }

    /// How often the refresh token has been used.
    pub fn refreshes(&self) -> u32 {
        self.0.refreshes
    }

    /// Who it is for, as far as the provider says.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// What the provider told about the account.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }
}

impl Anchor {
    /// The local instant of `lifetime`; `None` if it does not lie after the sending.
    fn instant(&self, lifetime: Lifetime) -> Option<Timestamp> {
        let instant = match lifetime {
            Lifetime::For(span) => self.sent_at.after(span),
            // A skew never makes a token live longer: where the server's clock is behind, its word counts
            // as it is.
            Lifetime::Until(at) => at.shifted(self.skew_millis.max(0).saturating_neg()),
        };
        let instant = instant.min(self.sent_at.after(LONGEST));
        (instant > self.sent_at).then_some(instant)
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("generation", &self.0.generation)
            .field("expires_at", &self.0.expires_at)
            .field("refresh", &self.0.refresh_token.as_ref().map(RefreshToken::fingerprint))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredTokens({})", self.generation)
    }
}
