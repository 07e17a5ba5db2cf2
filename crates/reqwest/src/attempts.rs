//! How often one request may be sent, and what happens between two sends.

use countersign_core::{Error, Rejection};

use crate::authority::{Authority, Granted, Need, Refusal, Replay};

/// The budget of one request: one replay after a refusal; before that, where the answer does not tell
/// token from code and the token is young, one more send with the next code.
#[derive(Default, Debug)]
pub(crate) struct Attempts {
    replayed: bool,
    stepped: bool,
}

impl Attempts {
    /// What to send next after `used` was refused; `None` if the refusal is the answer.
    pub(crate) async fn after<A: Authority>(
        &mut self,
        authority: &A,
        used: &Granted,
        rejection: Rejection,
        may_replay: bool,
        need: Need,
    ) -> Result<Option<Granted>, Error> {
        let generation = used.generation;
        let refusal = Refusal { generation, rejection, replayed: self.replayed };
        if self.replayed || !may_replay {
            authority.report(refusal);
            return Ok(None);
        }
        if rejection == Rejection::TokenOrCode
            && !self.stepped
            && used.is_young(authority.clock().now())
        {
            self.stepped = true;
            return authority.next_code(used, need).await.map(Some);
        }
        self.replayed = true;
        let replaced = authority.current_generation().is_some_and(|now| now != generation);
        if !replaced && authority.reject(refusal, need).await? == Replay::Never {
            return Ok(None);
        }
        authority.authorization(need).await.map(Some)
    }
}
