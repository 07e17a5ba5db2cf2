//! Calls of the authorised resource, as a careful client makes them.

use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{HttpTransport, Rejection, Verdict};
use countersign_runtime::{Authorized, Session};
use http::Method;

use crate::bench::Bench;
use crate::expect::Finding;
use crate::operation::Op;

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The status of the last answer.
    pub status: u16,
    /// How many requests it took: 1, or more after a refusal.
    pub sends: u32,
}

impl Reply {
    /// Whether the API has taken it.
    pub const fn is_good(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

impl Bench {
    /// Calls the resource as `session`. A refusal of the token is told to the session, and the call
    /// is made once more with what it then hands out; where the reason may be the code, with the next
    /// code first.
    ///
    /// # Errors
    /// A finding if there is no authorization, no answer or no resource.
    pub async fn call(&self, session: &Session) -> Result<Reply, Finding> {
        let first = session.authorization().await?;
        let (status, verdict) = self.presented(session, &first).await?;
        let Verdict::Rejected(rejection) = verdict else { return Ok(Reply { status, sends: 1 }) };
        let mut sends = 1;
        let mut used = first;
        if rejection == Rejection::TokenOrCode {
            self.wait_for_next_code(&used).await;
            let next = session.authorization().await?;
            if next.generation() == used.generation() {
                let (status, verdict) = self.presented(session, &next).await?;
                sends += 1;
                if !matches!(verdict, Verdict::Rejected(_)) {
                    return Ok(Reply { status, sends });
                }
            }
            used = next;
        }
        session.reject(used.generation());
        let next = session.authorization().await?;
        if next.generation() == used.generation() {
            return Ok(Reply { status, sends });
        }
        let (status, verdict) = self.presented(session, &next).await?;
        if matches!(verdict, Verdict::Rejected(_)) {
            session.reject(next.generation());
        }
        Ok(Reply { status, sends: sends + 1 })
    }

    /// Calls the resource once with this authorization and tells nobody: the status.
    ///
    /// # Errors
    /// See [`Bench::call`].
    pub async fn present(&self, authorized: &Authorized) -> Result<u16, Finding> {
        Ok(self.send_with(authorized).await?.status().as_u16())
    }

    async fn presented(
        &self,
        session: &Session,
        authorized: &Authorized,
    ) -> Result<(u16, Verdict), Finding> {
        let answer = self.send_with(authorized).await?;
        let verdict = match session.rejects(&answer.head(), None) {
            Verdict::NeedsBody => {
                session.rejects(&answer.head(), Some(answer.body().expose_bytes()))
            }
            verdict => verdict,
        };
        Ok((answer.status().as_u16(), verdict))
    }

    async fn send_with(&self, authorized: &Authorized) -> Result<HttpResponse, Finding> {
        let url = self.server().resource().ok_or_else(|| Finding::new("a resource", "none"))?;
        let mut request = HttpRequest::new(Method::GET, &url)?;
        for (name, value) in authorized.headers() {
            request.set(name.clone(), value.clone());
        }
        self.0.wire.0.names.name(&request, Op::Resource);
        let answer = self.0.wire.send(request).await;
        answer.map_err(|error| Finding::new("an answer of the API", error.to_string()))
    }

    async fn wait_for_next_code(&self, used: &Authorized) {
        let clock = self.clock();
        let left = used.valid_until().since(clock.now()).min(Duration::from_secs(120));
        clock.sleep_until(clock.monotonic().after(left)).await;
    }
}
