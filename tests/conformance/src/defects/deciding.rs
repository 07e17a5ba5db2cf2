//! Defects in what is done and in which order: something else in the place of one effect.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_conformance::Engine;
use countersign_core::KeyDigest;
use countersign_core::session::{
    Answer, Appointment, Effect, Event, Grant, Purpose, Report, SignOutEnd, Source, Told, Write,
};
use countersign_core::{Generation, Timestamp};
use countersign_runtime::{EffectFilter, KeeperBuilder};

use super::Defect;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "refused-refresh-wipes-the-session",
        title: "A refused refresh token ends the session as a sign-out does",
        target: "ibex",
        caught_by: "f04-refused-refresh-deletes-nothing",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::RefreshDead) => Effect::Commit(id, Write::Tombstone),
                other => other,
            })
        },
    },
    Defect {
        id: "sign-out-of-one-process",
        title: "A sign-out is written nowhere",
        target: "ibanera",
        caught_by: "f04-sign-out-leaves-a-tombstone",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::Ending | Write::Tombstone) => {
                    Effect::Commit(id, Write::ClearJournal)
                }
                other => other,
            })
        },
    },
    Defect {
        id: "no-mark-before-a-refresh",
        title: "A refresh whose token is spent on use is not journalled before it is sent",
        target: "igny8",
        caught_by: "f05-spent-token-is-never-sent-again",
        engine: || {
            broken(|effect| match effect {
                Effect::Journal(id, Grant::Refresh) => Effect::Journal(id, Grant::Save),
                other => other,
            })
        },
    },
    Defect {
        id: "renewed-in-the-last-second",
        title: "Every token is renewed in its last second",
        target: "cognito",
        caught_by: "f02-spread-over-a-fleet",
        engine: || {
            broken(|effect| match effect {
                Effect::Schedule(Appointment {
                    purpose: purpose @ Purpose::Renew { expires_at, .. },
                    ..
                }) => {
                    let at = Timestamp::from_millis(expires_at.as_millis() - 1000);
                    Effect::Schedule(Appointment { purpose, not_before: at, at_latest: None })
                }
                other => other,
            })
        },
    },
    Defect {
        id: "publish-before-commit",
        title: "A token is handed out before the store has it",
        target: "ibex",
        caught_by: "f09-persisted-before-handed-out",
        engine: || with(Arc::new(PublishFirst::default())),
    },
    Defect {
        id: "event-before-commit",
        title: "Listeners hear of a token before the store has it",
        target: "cognito",
        caught_by: "f26-event-comes-after-the-commit",
        engine: || with(Arc::new(PublishFirst::default())),
    },
    Defect {
        id: "unsaved-is-called-saved",
        title: "A token that could not be written is published as if it were",
        target: "wikimedia",
        caught_by: "f09-failed-write-is-told-and-tried-again",
        engine: || {
            broken(|effect| match effect {
                Effect::Publish { generation, source, .. } => {
                    Effect::Publish { generation, source, saved: true }
                }
                other => other,
            })
        },
    },
    Defect {
        id: "failed-renewal-takes-the-token",
        title: "A renewal that fails throws the good token away",
        target: "igny8",
        caught_by: "f11-good-token-outlives-failed-renewals",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Tell(Told::Stalled(_)) => vec![Effect::Unpublish, Effect::Forget, effect],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "error-kept-for-ever",
        title: "After a failure nothing is tried again by itself",
        target: "ibex_oauth2",
        caught_by: "f12-errors-expire",
        engine: || {
            broken(|effect| match effect {
                Effect::Schedule(Appointment { purpose: Purpose::Retry { .. }, .. }) => {
                    Effect::Unschedule
                }
                other => other,
            })
        },
    },
    Defect {
        id: "refused-secret-forgotten",
        title: "A secret that was refused is not remembered",
        target: "ibex",
        caught_by: "f14-dead-session-is-left-alone",
        engine: || {
            broken(|effect| match effect {
                Effect::Commit(id, Write::Refused(_)) => Effect::Commit(id, Write::ClearJournal),
                other => other,
            })
        },
    },
    Defect {
        id: "sign-out-that-tells-nobody",
        title: "The end of a session is told to nobody",
        target: "cognito",
        caught_by: "events-tell-what-happened",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Tell(Told::SignedOut(_)) => vec![],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "renewal-never-appointed",
        title: "Nothing sees to it that a token is renewed before its end",
        target: "wikimedia",
        caught_by: "status-tells-how-it-stands",
        engine: || {
            broken(|effect| match effect {
                Effect::Schedule(Appointment { purpose: Purpose::Renew { .. }, .. }) => {
                    Effect::Unschedule
                }
                other => other,
            })
        },
    },
    Defect {
        id: "refused-token-handed-out-on",
        title: "A token that the API has refused is handed out until the next one is there",
        target: "ibanera",
        caught_by: "f22-refused-token-is-not-handed-out",
        engine: || {
            broken_up(|effect| match effect {
                Effect::Unpublish => vec![],
                other => vec![other],
            })
        },
    },
    Defect {
        id: "spread-of-an-hour",
        title: "Renewals are spread as if every token lived for an hour",
        target: "ibex",
        caught_by: "f02-spread-grows-with-the-life",
        engine: || {
            broken(|effect| match effect {
                Effect::Schedule(Appointment {
                    purpose: Purpose::Renew { life, expires_at },
                    not_before,
                    at_latest,
                }) => {
                    let purpose = Purpose::Renew { life: life.min(HOUR), expires_at };
                    Effect::Schedule(Appointment { purpose, not_before, at_latest })
                }
                other => other,
            })
        },
    },
    Defect {
        id: "adopted-is-called-unsaved",
        title: "A token that was taken over from the store is told as one that is not written",
        target: "ibex",
        caught_by: "f27-late-writer-adopts",
        engine: || {
            broken(|effect| match effect {
                Effect::Publish { generation, source: source @ Source::Record, .. } => {
                    Effect::Publish { generation, source, saved: false }
                }
                other => other,
            })
        },
    },
    Defect {
        id: "unconfirmed-is-called-local",
        title: "A sign-out whose revocation nobody has confirmed says that there was nothing to revoke",
        target: "ibex",
        caught_by: "sign-out-whose-answer-is-lost",
        engine: || {
            broken(|effect| match effect {
                Effect::Tell(Told::SignedOut(SignOutEnd::Unconfirmed)) => {
                    let end = SignOutEnd::LocalOnly { valid_until: None };
                    Effect::Tell(Told::SignedOut(end))
                }
                other => other,
            })
        },
    },
];

/// An engine that does something else in the place of an effect.
pub(super) fn broken(instead: fn(Effect) -> Effect) -> Arc<dyn Engine> {
    with(Arc::new(Instead(move |effect| vec![instead(effect)])))
}

/// The same with any number of effects.
pub(super) fn broken_up(instead: fn(Effect) -> Vec<Effect>) -> Arc<dyn Engine> {
    with(Arc::new(Instead(instead)))
}

fn with(filter: Arc<dyn EffectFilter>) -> Arc<dyn Engine> {
    Arc::new(Filtered(filter))
}

struct Filtered(Arc<dyn EffectFilter>);

impl Engine for Filtered {
    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        builder.effect_filter(Shared(Arc::clone(&self.0)))
    }
}

struct Shared(Arc<dyn EffectFilter>);

impl EffectFilter for Shared {
    fn event(&self, session: KeyDigest, event: &Event) {
        self.0.event(session, event);
    }

    fn effect(&self, session: KeyDigest, effect: Effect) -> Vec<Effect> {
        self.0.effect(session, effect)
    }
}

struct Instead<F>(F);

impl<F: Fn(Effect) -> Vec<Effect> + Send + Sync + 'static> EffectFilter for Instead<F> {
    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        (self.0)(effect)
    }
}

/// Remembers which generation has come.
#[derive(Default)]
struct PublishFirst(Mutex<Option<Generation>>);

impl EffectFilter for PublishFirst {
    fn event(&self, _: KeyDigest, event: &Event) {
        if let Event::Flight(_, Report::Answered(Answer::Tokens { held, .. })) = event {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.generation);
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        let come = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&effect, come) {
            (Effect::Commit(_, Write::Tokens), Some(generation)) => {
                let publish = Effect::Publish { generation, source: Source::Answer, saved: true };
                vec![publish, effect]
            }
            _ => vec![effect],
        }
    }
}
