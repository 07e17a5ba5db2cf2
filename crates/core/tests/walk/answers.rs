//! What the provider answers, and what it must never be asked.

use countersign_core::session::{Answer, ChallengeView, Effect, Failure, Grant};
use countersign_core::transport::Delivery;
use countersign_core::{Certainty, ErrorKind, Recovery, RefreshSupport};

use crate::defect::Defect;
use crate::model::{LOCKOUT, Record, name};
use crate::world::{Broken, Outcome, World};

impl World {
    pub(crate) fn send(
        &mut self,
        n: usize,
        grant: Grant,
        outcome: Outcome,
        defect: Defect,
    ) -> Result<Answer, Broken> {
        let transport = Failure::new(ErrorKind::Transport);
        if outcome == Outcome::NotSent || (grant != Grant::Revoke && !self.fenced(n, defect)) {
            return Ok(Answer::Lost(Delivery::NotSent, transport));
        }
        if outcome == Outcome::LostRequest {
            return Ok(Answer::Lost(Delivery::Unknown, transport));
        }
        let lost = outcome == Outcome::LostAnswer;
        if lost && defect.clears_the_journal() {
            self.store.record.journal = None;
        }
        let locked = self.hosts[n].flight.as_ref().is_some_and(|flight| flight.locked);
        if grant != Grant::Revoke && !locked {
            return Err("lock-before-send".into());
        }
        let (now, held, counter) = (self.time(), self.hosts[n].held, self.store.record.counter);
        let counter = counter.max(held.map_or(0, |held| held.generation.counter));
        let provider = &mut self.provider;
        if let Some(answer) = plain_failure(outcome) {
            return Ok(answer);
        }
        let tokens = match grant {
            Grant::Refresh => {
                let Some(refresh) = held.and_then(|held| held.refresh) else {
                    return Err("refresh: there is something to send".into());
                };
                if provider.refused_refresh == Some(refresh) {
                    return Err("dead-stays-dead: a refused refresh token is not sent again".into());
                }
                match outcome {
                    Outcome::RefusedCertainly => {
                        provider.revoke();
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Possible));
                    }
                    _ => {}
                }
                if provider.spent_for_good(refresh, now) {
                    return Err("never-twice: a spent refresh token is never sent again".into());
                }
                if !provider.takes(refresh, now) {
                    return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                }
                let journaled = self.hosts[n].flight.as_ref().is_some_and(|f| f.journaled);
                if matches!(provider.refresh, RefreshSupport::Rotating { .. }) && !journaled {
                    return Err("journal-before-send".into());
                }
                provider.give(counter, Some(refresh), now)
            }
            Grant::SignIn { explicit } => {
                if provider.locked_until.is_some_and(|until| until > now) {
                    return Err("lockout: no sign-in before its end".into());
                }
                if provider.refused_password && !explicit {
                    return Err("refused-secret: not sent again by itself, by anyone".into());
                }
                match outcome {
                    Outcome::RefusedCertainly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::InvalidGrant, Certainty::Possible));
                    }
                    Outcome::Locked => {
                        let until = now.after(second() * LOCKOUT as u32);
                        let recovery = Recovery::WaitUntil(until);
                        return Ok(Answer::Refused(Failure {
                            recovery,
                            ..Failure::new(ErrorKind::AccountLocked)
                        }));
                    }
                    Outcome::Challenge => {
                        provider.challenges += 1;
                        provider.answers = 0;
                        let id = name(200 + provider.challenges);
                        let expires_at = now.after(second() * 3);
                        let view =
                            ChallengeView { id, expires_at, claimed: false, reanswerable: true };
                        self.hosts[n].seen.challenge = Some(view);
                        return Ok(Answer::Challenge(view));
                    }
                    _ => {}
                }
                provider.give(counter, None, now)
            }
            Grant::Answer => {
                match outcome {
                    Outcome::RefusedCertainly => {
                        return Ok(refused(ErrorKind::CodeMismatch, Certainty::Certain));
                    }
                    Outcome::RefusedPossibly => {
                        return Ok(refused(ErrorKind::ChallengeExpired, Certainty::Certain));
                    }
                    _ => {}
                }
                provider.answers += 1;
                if provider.answers > 1 {
                    return Err("one-answer: exactly one good answer is sent".into());
                }
                provider.give(counter, None, now)
            }
            Grant::Revoke => {
                if self.hosts[n].flight.as_ref().is_some_and(|flight| !flight.buried) {
                    return Err("end-before-revoke: a crash must not bring it back".into());
                }
                provider.revoke();
                provider.revoked_to = u32::from(provider.given);
                return Ok(if lost {
                    Answer::Lost(Delivery::Unknown, transport)
                } else {
                    Answer::Done
                });
            }
            Grant::Save => return Err("save: nothing is sent".into()),
        };
        if lost {
            return Ok(Answer::Lost(Delivery::Unknown, transport));
        }
        self.hosts[n].answer = Some(tokens);
        self.hosts[n].attempted = false;
        Ok(Answer::Tokens { held: tokens.held(&Record::default()), progress: true })
    }
}

pub(crate) fn second() -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

fn refused(kind: ErrorKind, certainty: Certainty) -> Answer {
    Answer::Refused(Failure { certainty, ..Failure::new(kind) })
}

fn plain_failure(outcome: Outcome) -> Option<Answer> {
    (outcome == Outcome::Unavailable)
        .then(|| Answer::Refused(Failure::new(ErrorKind::TemporarilyUnavailable)))
}

/// What can go wrong with a step.
pub(crate) fn faults_of(step: &Effect, challenges: u8) -> &'static [Outcome] {
    use Outcome::*;
    match step {
        Effect::Send(_, Grant::SignIn { .. }) if challenges == 0 => &[
            FlightLost,
            NotSent,
            LostRequest,
            LostAnswer,
            Unavailable,
            RefusedCertainly,
            RefusedPossibly,
            Locked,
            Challenge,
        ],
        Effect::Send(_, Grant::SignIn { .. }) => &[LostAnswer, RefusedCertainly, Locked],
        Effect::Send(_, Grant::Revoke) => &[FlightLost, NotSent, LostAnswer],
        Effect::Send(..) => &[
            FlightLost,
            NotSent,
            LostRequest,
            LostAnswer,
            Unavailable,
            RefusedCertainly,
            RefusedPossibly,
        ],
        Effect::Prepare(..) => &[Waits, Fails, FlightLost],
        _ => &[Fails, FlightLost],
    }
}
