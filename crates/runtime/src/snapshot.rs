//! What callers read without a lock: the published token with its finished headers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_core::{
    AccessToken, Authorization, Error, Generation, IdToken, Profile, StoredTokens, Timestamp,
    TokenSet,
};
use countersign_scheduler::Windows;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::{Reading, Until};
use crate::publish::shifted;
use crate::published::Loan;
use crate::shards::Shards;
use crate::sync::AtomicI64;

/// A token that was good when it was handed out, with the headers that present it. Cheap to clone.
///
/// The first few that a thread holds at one time are loans of the publication, which cost no more than
/// the look at it; further ones and clones count.
pub struct Authorized(Loan);

/// One publication. It is replaced and never changed, but for the mark that somebody used it.
pub(crate) struct Snapshot {
    /// That of `tokens`, beside which it would be one step further away: each look would wait for that.
    access_token: AccessToken,
    /// The first one of `authorization`, for the same reason.
    header: Option<(HeaderName, HeaderValue)>,
    pub(crate) tokens: TokenSet,
    /// As the adapter made it; callers take that of their thread.
    pub(crate) authorization: Arc<Authorization>,
    shards: Shards,
    /// Up to here it is handed out without looking any further.
    fresh_until: Until,
    /// From here on somebody has to see to what is due, in pull mode.
    look_at: Timestamp,
    /// From here on callers wait for an exchange that is under way.
    pub(crate) mandatory_at: Timestamp,
    /// At most up to here.
    pub(crate) usable_until: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// And not what stands where nothing is published.
    is_something: bool,
    /// Before this second it is handed out, and known to be used: one look tells both. [`UNUSED`] until somebody asks.
    hit_before: AtomicI64,
}

/// Before every reading of a clock.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// No second of a clock that shows milliseconds.
const UNUSED: i64 = i64::MIN;

impl Snapshot {
    pub(crate) fn new(
        tokens: TokenSet,
        authorization: Arc<Authorization>,
        windows: &Windows,
    ) -> Self {
        Self {
            fresh_until: Until::new(windows.mandatory_at.min(authorization.valid_until())),
            look_at: Timestamp::MAX,
            mandatory_at: windows.mandatory_at,
            usable_until: windows.usable_until,
            expires_at: windows.expires_at,
            is_something: true,
            access_token: tokens.access_token().clone(),
            header: authorization.headers().first().cloned(),
            tokens,
            authorization,
            shards: Shards::new(),
            hit_before: AtomicI64::new(UNUSED),
        }
    }

    /// What stands where nothing is published: its token ended before all time, so that nobody is handed it.
    pub(crate) fn nothing() -> Result<Self, Error> {
        let tokens = TokenSet::from_stored(StoredTokens {
            generation: Generation::default(),
            access_token: AccessToken::new("nothing".to_owned())?,
            refresh_token: None,
            id_token: None,
            issued_at: NEVER,
            expires_at: NEVER,
            refresh_expires_at: None,
            refreshes: 0,
            subject: None,
            profile: Profile::default(),
        });
        Ok(Self {
            access_token: tokens.access_token().clone(),
            header: None,
            tokens,
            authorization: Arc::new(Authorization::new([], NEVER)),
            shards: Shards::new(),
            fresh_until: Until::new(NEVER),
            look_at: NEVER,
            mandatory_at: NEVER,
            usable_until: NEVER,
            expires_at: NEVER,
            is_something: false,
            hit_before: AtomicI64::new(UNUSED),
        })
    }

    #[inline]
    pub(crate) const fn is_something(&self) -> bool {
        self.is_something
    }

    /// The same, so that the next caller looks further.
    pub(crate) fn dozing(&self) -> Self {
        self.until(NEVER)
    }

    /// Whether the next caller looks further.
    pub(crate) fn is_dozing(&self) -> bool {
        self.fresh_until.at() == NEVER
    }

    /// The same, handed out at once until `at` only: then the caller does what is due.
    pub(crate) fn fresh_to(&self, at: Timestamp) -> Self {
        let awake = self.awake();
        Self { look_at: at, ..awake.until(awake.fresh_until.at().min(at)) }
    }

    /// The same, handed out at once again.
    pub(crate) fn awake(&self) -> Self {
        let fresh_until = self.mandatory_at.min(self.authorization.valid_until());
        Self { look_at: Timestamp::MAX, ..self.until(fresh_until) }
    }

    /// The same with headers for another time step.
    pub(crate) fn with_authorization(&self, authorization: Arc<Authorization>) -> Self {
        let fresh_until = self.mandatory_at.min(authorization.valid_until()).min(self.look_at);
        let header = authorization.headers().first().cloned();
        Self { header, authorization, ..self.until(fresh_until) }
    }

    /// The same after the local clock was set.
    pub(crate) fn shifted(&self, tokens: TokenSet, by_millis: i64) -> Self {
        Self {
            tokens,
            authorization: shifted(&self.authorization, by_millis),
            look_at: self.look_at.shifted(by_millis),
            mandatory_at: self.mandatory_at.shifted(by_millis),
            usable_until: self.usable_until.shifted(by_millis),
            expires_at: self.expires_at.shifted(by_millis),
            ..self.until(self.fresh_until.at().shifted(by_millis))
        }
    }

    /// The same, handed out at once up to `fresh_until`.
    fn until(&self, fresh_until: Timestamp) -> Self {
        let copy = Self {
            access_token: self.access_token.clone(),
            header: self.header.clone(),
            tokens: self.tokens.clone(),
            authorization: Arc::clone(&self.authorization),
            shards: Shards::new(),
            fresh_until: Until::new(fresh_until),
            look_at: self.look_at,
            mandatory_at: self.mandatory_at,
            usable_until: self.usable_until,
            expires_at: self.expires_at,
            is_something: self.is_something,
            hit_before: AtomicI64::new(UNUSED),
        };
        if self.was_used() {
            copy.touch();
        }
        copy
    }

    /// Whether it is handed out at once, and known to be used.
    #[inline]
    pub(crate) fn is_hit(&self, now: Reading) -> bool {
        now.is_before_second(self.hit_before.load(Ordering::Relaxed))
    }

    /// Whether it is handed out at once after all: to the first who asks, or in the last second.
    pub(crate) fn is_hit_after_all(&self, now: Reading) -> bool {
        let fresh = now.is_before(self.fresh_until);
        if fresh {
            self.touch();
        }
        fresh
    }

    /// The token itself is good for `span` more.
    pub(crate) fn good_for(&self, span: Duration, now: Timestamp) -> bool {
        now.after(span) < self.expires_at
    }

    /// The headers are still those of this moment (a one-time code is not for long).
    pub(crate) fn presentable(&self, now: Timestamp) -> bool {
        now < self.authorization.valid_until()
    }

    pub(crate) fn generation(&self) -> Generation {
        self.tokens.generation()
    }

    /// Remembers that somebody asked: one write per publication, so that the line stays shared.
    pub(crate) fn touch(&self) {
        if !self.was_used() {
            self.hit_before.store(self.fresh_until.second(), Ordering::Relaxed);
        }
    }

    /// Whether somebody has asked since this was last called.
    pub(crate) fn take_used(&self) -> bool {
        self.hit_before.swap(UNUSED, Ordering::Relaxed) != UNUSED
    }

    pub(crate) fn was_used(&self) -> bool {
        self.hit_before.load(Ordering::Relaxed) != UNUSED
    }
}

impl Authorized {
    #[inline]
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self(Loan::owned(snapshot))
    }

    /// What `loan` shows, which is something.
    #[inline]
    pub(crate) const fn of(loan: Loan) -> Self {
        Self(loan)
    }

    #[inline]
    pub(crate) fn tokens(&self) -> &TokenSet {
        &self.shown().tokens
    }

    #[inline]
    fn shown(&self) -> &Arc<Snapshot> {
        self.0.shown()
    }

    pub(crate) fn is_good_for(&self, span: Duration, now: Timestamp) -> bool {
        self.shown().good_for(span, now)
    }

    /// Headers and their end, as the adapter made them. Where threads keep taking the same ones, each is given another copy
    /// of them: compare what is in it, and not where it lies.
    pub fn authorization(&self) -> &Arc<Authorization> {
        let shown = self.shown();
        shown.shards.mine(&shown.authorization).unwrap_or(&shown.authorization)
    }

    /// When the request that bought the token was sent.
    pub fn issued_at(&self) -> Timestamp {
        self.shown().tokens.issued_at()
    }

    /// Every header that a request must carry; the values are marked sensitive.
    #[inline]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        self.authorization().headers()
    }

    /// The value of one header, most often `authorization`. Cloning it copies nothing, and threads that keep doing so do
    /// not hold each other up: each has one that is counted apart.
    #[inline]
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let shown = self.shown();
        match (shown.shards.mine(&shown.authorization), &shown.header) {
            (None, Some((first, value))) if first == name => Some(value),
            (mine, _) => mine.unwrap_or(&shown.authorization).header(name),
        }
    }

    /// Writes the headers into a request. There is no check of where the request goes: that is
    /// [`crate::Session::authorize`].
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.authorization().apply(headers);
    }

    /// Until when the headers are good: the end of the token, or of a time step where a code is
    /// needed on every request.
    pub fn valid_until(&self) -> Timestamp {
        self.shown().authorization.valid_until()
    }

    /// When the access token ends.
    pub fn expires_at(&self) -> Timestamp {
        self.shown().expires_at
    }

    /// Which generation this is; give it to [`crate::Session::reject`] if the API refuses it.
    pub fn generation(&self) -> Generation {
        self.shown().generation()
    }

    /// The access token itself.
    #[inline]
    pub fn access_token(&self) -> &AccessToken {
        &self.shown().access_token
    }

    /// The ID token, if there is one.
    pub fn id_token(&self) -> Option<&IdToken> {
        self.shown().tokens.id_token()
    }

    /// Who the token is for, as far as the provider says.
    pub fn subject(&self) -> Option<&str> {
        self.shown().tokens.subject()
    }

    /// What the provider told about the account.
    pub fn profile(&self) -> &Profile {
        self.shown().tokens.profile()
    }
}

impl Clone for Authorized {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(self.shown()))
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("generation", &self.generation())
            .field("authorization", &self.shown().authorization)
            .finish_non_exhaustive()
    }
}
