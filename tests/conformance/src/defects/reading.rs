//! Adapters that claim or read something else than their provider means.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_conformance::Engine;
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, EarliestRefresh, Error, Lifetime, MemoPatch,
    Operation, Outcome, Profile, RefreshSupport, RefreshToken, Rejection, RevokeSupport, TokenSet,
    Verdict,
};
use http::StatusCode;

use super::Defect;
use super::seams::{self, BrokenAdapter};
use super::simple::{asks, claims, judges, reads, shows, tokens};

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
        engine: || {
            asks(|real, operation, ambient| match operation {
                Operation::SignOutEverywhere => real.request(&Operation::Revoke, ambient),
                _ => real.request(operation, ambient),
            })
        },
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
            tokens(|_, _, _, tokens| {
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
            tokens(|_, _, _, tokens| {
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
            tokens(|operation, _, _, tokens| {
                let refresh = matches!(operation, Operation::Refresh);
                let omitted = refresh && tokens.refresh_token.is_none();
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
        engine: || {
            shows(|real, tokens, ambient| {
                let right = real.authorize(tokens, ambient)?;
                let end = right.valid_until().before(Duration::from_secs(300));
                Ok(Authorization::new(right.headers().iter().cloned(), end))
            })
        },
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
        engine: || rejects_at(&[401, 403], Rejection::InvalidToken),
    },
    Defect {
        id: "outage-for-unauthorized",
        title: "An API that is down is taken for one that refuses the token",
        target: "wikimedia",
        caught_by: "f23-forbidden-is-no-refusal",
        engine: || rejects_at(&[401, 500, 503], Rejection::InvalidToken),
    },
    Defect {
        id: "codes-where-there-are-none",
        title: "Every refusal is said to be perhaps about a code",
        target: "ibex",
        caught_by: "f23-no-third-try",
        engine: || rejects_at(&[401], Rejection::TokenOrCode),
    },
    Defect {
        id: "who-am-i-not-read",
        title: "The answer to who one is, is not read",
        target: "cognito",
        caught_by: "who-am-i",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::WhoAmI if response.status() == StatusCode::OK => {
                    Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "error-without-a-status",
        title: "An error of the provider does not name the status that it came with",
        target: "igny8",
        caught_by: "a-failure-tells-why",
        engine: || {
            reads(|_, _, _, outcome| {
                outcome.map_err(|error| {
                    Error::new(error.kind())
                        .with_recovery(error.recovery())
                        .with_certainty(error.certainty())
                })
            })
        },
    },
];

/// An adapter to which every answer with one of these statuses is a refusal, and no other.
fn rejects_at(statuses: &'static [u16], rejection: Rejection) -> Arc<dyn Engine> {
    judges(move |_, head, _| match statuses.contains(&head.status.as_u16()) {
        true => Verdict::Rejected(rejection),
        false => Verdict::Accepted,
    })
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
