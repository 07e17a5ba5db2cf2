//! From a token set to what callers read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use countersign_core::{
    Ambient, Authorization, Credentials, Error, ErrorKind, Memo, Seed, Timestamp, TokenSet,
};

use crate::cell::{Cell, Codes};
use crate::snapshot::Snapshot;

/// Tokens with the headers that present them, made before the mutex is taken.
#[derive(Clone)]
pub(crate) struct Bundle {
    pub(crate) tokens: TokenSet,
    /// `None` where they cannot be made, or not yet: whoever asks for them makes them, or hears why not.
    pub(crate) authorization: Option<Arc<Authorization>>,
}

impl Bundle {
    /// The same after the local clock was set.
    pub(crate) fn shifted(&self, by_millis: i64) -> Self {
        let authorization = self.authorization.as_deref();
        Self {
            tokens: self.tokens.clone().shifted(by_millis),
            authorization: authorization.map(|made| shifted(made, by_millis)),
        }
    }
}

/// Headers after the local clock was set.
pub(crate) fn shifted(authorization: &Authorization, by_millis: i64) -> Arc<Authorization> {
    let headers = authorization.headers().iter().cloned();
    Arc::new(Authorization::new(headers, authorization.valid_until().shifted(by_millis)))
}

impl Cell {
    /// Makes the headers of `tokens` if anybody wants them; those that are handed out already are not made again.
    pub(crate) fn bundle(&self, tokens: TokenSet) -> Bundle {
        let shown = self.snapshot.load();
        let shown = shown.get();
        if let Some(shown) = shown
            && shown.generation() == tokens.generation()
        {
            let authorization = Some(Arc::clone(&shown.authorization));
            return Bundle { tokens: shown.tokens.clone(), authorization };
        }
        let authorization = match self.wants_headers(shown) {
            true => self.authorization_of(&tokens).ok(),
            false => None,
        };
        Bundle { tokens, authorization }
    }

    /// Where nobody has asked since the last ones went, headers wait for whoever does.
    pub(crate) fn wants_headers(&self, shown: Option<&Arc<Snapshot>>) -> bool {
        shown.is_some() || self.is_waited_for() || self.shared.policy.pull
    }

    /// Asks the adapter; a panic in it is an error.
    pub(crate) fn authorization_of(&self, tokens: &TokenSet) -> Result<Arc<Authorization>, Error> {
        let codes = self.codes();
        let (nothing, no_memo) = (Credentials::new(), Memo::default());
        let skew = self.site.skew_millis();
        let ambient = Ambient {
            now: self.shared.clock.now().shifted(skew),
            seed: &Seed::default(),
            credentials: codes.as_ref().map_or(&nothing, |codes| &codes.credentials),
            tokens: Some(tokens),
            memo: codes.as_ref().map_or(&no_memo, |codes| &codes.memo),
        };
        let made = guarded(|| self.provider.authorize(tokens, &ambient))
            .map_err(|error| error.at(self.provider.id(), "authorize"))?;
        // A code ends with its step, and steps are counted on the server's clock.
        let stepped = self.provider.capabilities().code_per_request.is_some();
        let until = if stepped {
            made.valid_until().shifted(skew.saturating_neg()).min(tokens.expires_at())
        } else {
            made.valid_until()
        };
        if until == made.valid_until() {
            return Ok(Arc::new(made));
        }
        Ok(Arc::new(Authorization::new(made.headers().iter().cloned(), until)))
    }

    /// Remembers what codes are made of, where every request needs one.
    pub(crate) fn remember_codes(&self, credentials: &Credentials, memo: &Memo) {
        let Some(secret) = credentials.totp_secret() else { return };
        if self.provider.capabilities().code_per_request.is_some() {
            // The shared secret alone: a password is not kept for this.
            let credentials = Credentials::new()
                .with_identity(self.account().identity())
                .with_totp_secret(secret.clone());
            self.keep_codes(Codes { credentials, memo: memo.clone() });
        }
    }

    /// Hands `bundle` out from now on.
    pub(crate) fn hand_out(&self, bundle: &Bundle) {
        let tokens = &bundle.tokens;
        let windows = self.planner().windows(tokens.issued_at(), tokens.expires_at());
        let snapshot = bundle.authorization.as_ref().map(|authorization| {
            Arc::new(Snapshot::new(tokens.clone(), Arc::clone(authorization), &windows))
        });
        match snapshot {
            Some(snapshot) => {
                crate::idle::watch(self);
                self.snapshot.store(snapshot);
            }
            None => drop(self.snapshot.take(&self.shared.nothing)),
        }
    }

    /// The same token with headers for this moment. Several callers may do it at once; each result is
    /// right, and a newer publication is never replaced.
    pub(crate) fn represent(
        &self,
        old: &Arc<Snapshot>,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, Error> {
        let authorization = self.authorization_of(&old.tokens)?;
        let new = Arc::new(old.with_authorization(authorization));
        if !new.presentable(now) {
            return Err(self.already_over());
        }
        self.snapshot.replace(old, Arc::clone(&new));
        Ok(new)
    }

    /// Headers that nobody may be given: what is wrong with the adapter.
    pub(crate) fn already_over(&self) -> Error {
        Error::new(ErrorKind::Internal)
            .at(self.provider.id(), "authorize")
            .hint("the adapter made headers that are already over")
    }
}

/// Runs a piece of an adapter; a panic becomes [`ErrorKind::Internal`].
pub(crate) fn guarded<T>(piece: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(piece)).unwrap_or_else(|_| Err(panicked("an adapter")))
}

/// What a panic of somebody else's code is for the session.
pub(crate) fn panicked(whose: &'static str) -> Error {
    Error::new(ErrorKind::Internal).hint(format!("{whose} panicked; the session goes on"))
}
