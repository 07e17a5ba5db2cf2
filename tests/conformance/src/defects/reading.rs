//! Adapters that claim or read something else than their provider means.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, Capabilities, EarliestRefresh, Error,
    Lifetime, MemoPatch, Operation, Outcome, Profile, RefreshSupport, RefreshToken, Rejection,
    RevokeSupport, TokenResponse, TokenSet, Verdict,
};
use http::StatusCode;

use super::Defect;
use super::seams::{self, BrokenAdapter};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "rotation-not-claimed",
        title: "Refresh tokens that are spent on use are claimed to stay",
        target: "cognito",
        caught_by: "f06-maybe-sent-is-not-sent-again",
        engine: || claims(|can| can.refresh = RefreshSupport::Reusable),
    },
    Defect {
        id: "grace-in-minutes",
        title: "A grace in seconds is read as minutes",
        target: "cognito",
        caught_by: "f05-not-replayed-after-the-grace",
        engine: || {
            claims(|can| {
                if let RefreshSupport::Rotating { grace } = &mut can.refresh {
                    *grace *= 60;
                }
            })
        },
    },
    Defect {
        id: "grace-not-claimed",
        title: "A spent refresh token is given up although the provider still takes it",
        target: "cognito",
        caught_by: "f05-replayed-inside-the-grace",
        engine: || claims(|can| can.refresh = RefreshSupport::Rotating { grace: Duration::ZERO }),
    },
    Defect {
        id: "stays-and-is-said-to-be-spent",
        title: "Refresh tokens that stay are treated as if a use spent them",
        target: "wikimedia",
        caught_by: "f06-reusable-is-sent-again",
        engine: || claims(|can| can.refresh = RefreshSupport::Rotating { grace: Duration::ZERO }),
    },
    Defect {
        id: "revocation-that-is-none",
        title: "A revocation is claimed where the provider has none",
        target: "ibanera",
        caught_by: "sign-out-here-alone",
        engine: || claims(|can| can.revoke = RevokeSupport::Family),
    },
    Defect {
        id: "everywhere-is-here",
        title: "Signing out everywhere ends this session alone",
        target: "cognito",
        caught_by: "sign-out-everywhere",
        engine: || seams::adapter(HereAlone),
    },
    Defect {
        id: "early-refreshes",
        title: "Refreshes are sent early although the provider wants them late",
        target: "wikimedia",
        caught_by: "f15-not-before-the-providers-bound",
        engine: || claims(|can| can.earliest_refresh = EarliestRefresh::Anytime),
    },
    Defect {
        id: "revocation-not-claimed",
        title: "A sign-out tells the provider nothing",
        target: "ibex",
        caught_by: "sign-out-revokes",
        engine: || claims(|can| can.revoke = RevokeSupport::None),
    },
    Defect {
        id: "assumes-a-second",
        title: "A token whose end is not known is assumed to live for a second",
        target: "ibex_oauth2",
        caught_by: "f13-born-expired-is-no-loop",
        engine: || claims(|can| can.fallback_lifetimes.access = Duration::from_secs(1)),
    },
    Defect {
        id: "a-margin-of-its-own",
        title: "The adapter takes a minute off every lifetime, beside the engine's own margin",
        target: "ibex_oauth2",
        caught_by: "f13-lives-of-ninety-seconds",
        engine: || {
            tokens(|_, tokens| {
                if let Some(Lifetime::For(life)) = &mut tokens.access_expiry {
                    *life = life.saturating_sub(Duration::from_secs(60));
                }
            })
        },
    },
    Defect {
        id: "lifetime-in-milliseconds",
        title: "A lifetime in seconds is taken for milliseconds",
        target: "wikimedia",
        caught_by: "expiry-is-the-servers",
        engine: || {
            tokens(|_, tokens| {
                if let Some(Lifetime::For(life)) = &mut tokens.access_expiry {
                    *life /= 1000;
                }
            })
        },
    },
    Defect {
        id: "refresh-token-dropped",
        title: "Where the answer omits the refresh token the access token is put in its place",
        target: "wikimedia",
        caught_by: "f10-refresh-token-is-kept",
        engine: || {
            tokens(|operation, tokens| {
                let omitted = *operation && tokens.refresh_token.is_none();
                let again =
                    RefreshToken::new(AccessToken::secret(&tokens.access_token).clone()).ok();
                tokens.refresh_token = again.filter(|_| omitted).or(tokens.refresh_token.take());
            })
        },
    },
    Defect {
        id: "headers-end-early",
        title: "Headers are said to end five minutes before their token",
        target: "cognito",
        caught_by: "f16-handed-out-to-the-end",
        engine: || seams::adapter(EndEarly),
    },
    Defect {
        id: "headers-made-once",
        title: "Headers are made once and shown for ever",
        target: "igny8",
        caught_by: "f20-no-request-carries-an-old-credential",
        engine: || seams::adapter(MadeOnce::default()),
    },
    Defect {
        id: "forbidden-for-unauthorized",
        title: "An answer 403 is treated as 401",
        target: "cognito",
        caught_by: "f23-forbidden-is-no-refusal",
        engine: || seams::adapter(RejectsAt(&[401, 403], Rejection::InvalidToken)),
    },
    Defect {
        id: "outage-for-unauthorized",
        title: "An API that is down is taken for one that refuses the token",
        target: "wikimedia",
        caught_by: "f23-forbidden-is-no-refusal",
        engine: || seams::adapter(RejectsAt(&[401, 500, 503], Rejection::InvalidToken)),
    },
    Defect {
        id: "codes-where-there-are-none",
        title: "Every refusal is said to be perhaps about a code",
        target: "ibex",
        caught_by: "f23-no-third-try",
        engine: || seams::adapter(RejectsAt(&[401], Rejection::TokenOrCode)),
    },
    Defect {
        id: "who-am-i-not-read",
        title: "The answer to who one is, is not read",
        target: "cognito",
        caught_by: "who-am-i",
        engine: || seams::adapter(NotRead),
    },
    Defect {
        id: "error-without-a-status",
        title: "An error of the provider does not name the status that it came with",
        target: "igny8",
        caught_by: "a-failure-tells-why",
        engine: || seams::adapter(NoStatus),
    },
];

fn claims(change: fn(&mut Capabilities)) -> Arc<dyn countersign_conformance::Engine> {
    seams::adapter(Claims(change))
}

/// `change` is told whether the tokens come of a refresh.
fn tokens(change: fn(&bool, &mut TokenResponse)) -> Arc<dyn countersign_conformance::Engine> {
    seams::adapter(Tokens(change))
}

#[derive(Clone)]
struct Claims(fn(&mut Capabilities));

impl BrokenAdapter for Claims {
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        let mut changed = real.clone();
        (self.0)(&mut changed);
        changed
    }
}

#[derive(Clone)]
struct Tokens(fn(&bool, &mut TokenResponse));

impl BrokenAdapter for Tokens {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut outcome = real.interpret(operation, response, ambient)?;
        if let Outcome::Tokens(tokens, _) = &mut outcome {
            (self.0)(&matches!(operation, Operation::Refresh), tokens);
        }
        Ok(outcome)
    }
}

#[derive(Clone)]
struct EndEarly;

impl BrokenAdapter for EndEarly {
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        let right = real.authorize(tokens, ambient)?;
        let end = right.valid_until().before(Duration::from_secs(300));
        Ok(Authorization::new(right.headers().iter().cloned(), end))
    }
}

#[derive(Clone, Default)]
struct MadeOnce(Arc<Mutex<Option<Authorization>>>);

impl BrokenAdapter for MadeOnce {
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        let right = real.authorize(tokens, ambient)?;
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = made.get_or_insert(right);
        Ok(Authorization::new(first.headers().iter().cloned(), tokens.expires_at()))
    }
}

#[derive(Clone)]
struct RejectsAt(&'static [u16], Rejection);

impl BrokenAdapter for RejectsAt {
    fn rejects(&self, _: &dyn AuthProvider, head: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        match self.0.contains(&head.status.as_u16()) {
            true => Verdict::Rejected(self.1),
            false => Verdict::Accepted,
        }
    }
}

#[derive(Clone)]
struct HereAlone;

impl BrokenAdapter for HereAlone {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        match operation {
            Operation::SignOutEverywhere => real.request(&Operation::Revoke, ambient),
            _ => real.request(operation, ambient),
        }
    }
}

#[derive(Clone)]
struct NotRead;

impl BrokenAdapter for NotRead {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::WhoAmI if response.status() == StatusCode::OK => {
                Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
            }
            _ => real.interpret(operation, response, ambient),
        }
    }
}

#[derive(Clone)]
struct NoStatus;

impl BrokenAdapter for NoStatus {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        real.interpret(operation, response, ambient).map_err(|error| {
            Error::new(error.kind())
                .with_recovery(error.recovery())
                .with_certainty(error.certainty())
        })
    }
}
