//! One session on the stage: signs in, is asked for its state, signs out.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Answers, Challenge, ChallengeKind, Clock, Error};
use countersign_runtime::{Authorized, Keeper, Session, SignIn, SignOutOutcome, SystemClock};
use http::StatusCode;

use super::cast::Actor;
use super::happening::{End, Teller, What};
use super::ledger::Ledger;
use crate::exit::Exit;
use crate::problem::{Problem, headline};

/// More challenges in one sign-in than the script has.
const MOST_ROUNDS: usize = 4;

/// How long a provider may take to confirm a sign-out.
const SIGN_OUT: Duration = Duration::from_secs(10);

/// A provider with the session that is kept with it, and the client's books. Cheap to clone.
#[derive(Clone)]
pub(super) struct Player {
    pub(super) actor: Arc<Actor>,
    pub(super) session: Session,
    pub(super) ledger: Arc<Ledger>,
}

impl Player {
    /// Opens the session; nothing is sent.
    pub(super) async fn open(
        keeper: &Keeper,
        actor: Actor,
        ledger: Arc<Ledger>,
    ) -> Result<Self, Problem> {
        let session = keeper
            .session_of(Arc::clone(&actor.adapter), &actor.identity)
            .credentials(actor.purse.clone())
            .api_origins(actor.api_origins.clone())
            .open()
            .await?;
        Ok(Self { actor: Arc::new(actor), session, ledger })
    }

    /// The provider's word.
    pub(super) fn name(&self) -> &'static str {
        self.actor.name
    }

    /// Signs in and answers what the provider asks for on the way.
    pub(super) async fn sign_in(&self, teller: &Teller) -> Result<(), Problem> {
        let name = self.name();
        teller.tell(name, What::SigningIn { with: self.actor.signs_in_with });
        let mut end = self.session.sign_in().await;
        for _ in 0..MOST_ROUNDS {
            let challenge = match end {
                Ok(SignIn::Complete) => return Ok(()),
                Ok(SignIn::Challenge(challenge)) => challenge,
                Ok(_) => break,
                Err(error) => return Err(self.could_not_sign_in().note(headline(&error))),
            };
            teller.tell(name, What::Challenged { name: challenge.name.to_string() });
            end = self.answer(&challenge, teller).await;
        }
        Err(self.could_not_sign_in().note("the provider asks for one proof after another"))
    }

    async fn answer(&self, challenge: &Challenge, teller: &Teller) -> Result<SignIn, Error> {
        let new_password = self.actor.new_password;
        let (answers, with) = match challenge.kind {
            ChallengeKind::NewPassword => {
                (Answers::new_password(new_password.to_owned()), "a new password")
            }
            // The adapters compute one-time codes themselves: nothing else is in the script.
            _ => (Answers::new(), "nothing"),
        };
        teller.tell(self.name(), What::Answered { with });
        let end = self.session.answer(answers).await?;
        self.ledger.answered_challenge();
        if challenge.kind == ChallengeKind::NewPassword {
            self.actor.purse.change_password(new_password);
        }
        Ok(end)
    }

    /// Whether a good token is handed out.
    pub(super) fn is_served(&self) -> bool {
        self.session.status().good
    }

    /// Ends the session, then presents its last token once more: what is said about it must be true.
    pub(super) async fn sign_out(
        &self,
        http: &reqwest::Client,
        clock: &SystemClock,
        teller: &Teller,
    ) -> (End, Option<StatusCode>) {
        // A token that is about to end by itself would prove nothing.
        let last = self.session.authorization_for(Duration::from_secs(1)).await.ok();
        let end = match self.session.sign_out(SIGN_OUT).await {
            SignOutOutcome::Revoked => End::Revoked,
            SignOutOutcome::LocalOnly { valid_until } => {
                let now = clock.now();
                End::LocalOnly { valid_for: valid_until.map(|until| until.since(now)) }
            }
            SignOutOutcome::Unconfirmed => End::Unconfirmed,
        };
        teller.tell(self.name(), What::SignedOut { end });
        let status = match last {
            Some(last) => self.present(http, &last).await,
            None => None,
        };
        if let Some(status) = status {
            self.ledger.probe_answer(status);
            teller.tell(self.name(), What::Presented { status: status.as_u16() });
        }
        (end, status)
    }

    async fn present(&self, http: &reqwest::Client, last: &Authorized) -> Option<StatusCode> {
        let mut request = http.get(&self.actor.resource).build().ok()?;
        last.apply(request.headers_mut());
        http.execute(request).await.ok().map(|answer| answer.status())
    }

    fn could_not_sign_in(&self) -> Problem {
        let what = format!("{} could not sign in", self.name());
        Problem::new(Exit::Refused, what, "this is a defect of the demo; please report it")
    }
}
