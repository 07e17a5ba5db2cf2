//! How often one request may be sent, and what happens between two sends.

use countersign_core::{Error, Rejection, Verdict};
use http::StatusCode;

use crate::authority::{Authority, Granted, Need, Refusal, Replay, granted};
use crate::probe::{NextCode, Probe};

/// The budget of one request: one replay after a refusal; before that, where the answer does not tell
/// token from code and the token is young, one more send with the next code.
#[derive(Default, Debug)]
pub(crate) struct Attempts {
    replayed: bool,
    stepped: bool,
    /// Others wait for the end of this request.
    probe: Option<Probe>,
}

impl Attempts {
    /// `used` was not refused. What a failing server or a gateway answers says nothing about it.
    pub(crate) fn accepted<A: Authority>(
        &mut self,
        authority: &A,
        used: &Granted,
        status: StatusCode,
    ) {
        if !status.is_server_error() {
            authority.accepted(used);
        }
        self.probe = None;
    }

    /// What to send next after an answer with this `verdict` on `used`; `None` if that is the caller's.
    pub(crate) async fn next<A: Authority>(
        &mut self,
        authority: &A,
        used: &Granted,
        (verdict, status): (Verdict, StatusCode),
        may_replay: bool,
        need: Need,
    ) -> Result<Option<Granted>, Error> {
        match verdict {
            Verdict::Rejected(rejection) => {
                // Rare, and boxed so that it does not weigh on every call.
                Box::pin(self.after(authority, used, rejection, may_replay, need)).await
            }
            Verdict::Accepted => {
                self.accepted(authority, used, status);
                Ok(None)
            }
            // A body that could not be judged says nothing about it.
            Verdict::NeedsBody => {
                self.probe = None;
                Ok(None)
            }
        }
    }

    /// What to send next after `used` was refused; `None` if the refusal is the answer.
    async fn after<A: Authority>(
        &mut self,
        authority: &A,
        used: &Granted,
        rejection: Rejection,
        may_replay: bool,
        need: Need,
    ) -> Result<Option<Granted>, Error> {
        let generation = used.generation;
        let refusal = Refusal { generation, rejection, replayed: self.replayed };
        let may_be_the_code = rejection == Rejection::TokenOrCode
            && !self.stepped
            && !self.replayed
            && used.is_young(authority.clock().now());
        if may_be_the_code && !may_replay {
            authority.suspect(used);
            return Ok(None);
        }
        if self.replayed || !may_replay {
            authority.report(refusal);
            return Ok(None);
        }
        if may_be_the_code {
            self.stepped = true;
            match authority.next_code(used, need).await? {
                NextCode::Probe(next, probe) => {
                    self.probe = Some(probe);
                    return Ok(Some(next));
                }
                NextCode::Replay(next) => return Ok(Some(next)),
                NextCode::Token => {}
            }
        }
        self.replayed = true;
        let replaced = authority.current_generation().is_some_and(|now| now != generation);
        let replay = match replaced {
            true => Replay::Now,
            false => authority.reject(refusal, need).await?,
        };
        self.probe = None;
        match replay {
            Replay::Now => granted(authority, need).await.map(Some),
            Replay::Never => Ok(None),
        }
    }
}
