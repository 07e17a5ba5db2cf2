//! What the processes that come next make of it, and what the server's books say of all of them together.

use countersign_simulator::Operation;

use super::{Act, NEW, Scene, WRONG, run};
use crate::experiments::Failure;
use crate::experiments::points::fate::Fate;
use crate::plan::{Report, Task};

type Judged = Result<Fate, Failure>;

const fn other(what: &'static str) -> Judged {
    Ok(Fate::Other(what))
}

fn served(report: &Report) -> bool {
    report.ok == 1 && report.failed == 0 && report.refused.is_none()
}

fn refused_as(report: &Report, kinds: &[&str]) -> bool {
    report.ok == 0 && report.refused_kind.as_ref().is_some_and(|kind| kinds.contains(&&**kind))
}

impl Scene {
    /// What becomes of it, now that the process is dead.
    pub(super) async fn after(&self) -> Judged {
        let fate = match self.act {
            Act::SignIn => self.after_sign_in().await,
            Act::SignInAgain => self.after_sign_in_again(1).await,
            Act::Code => self.after_sign_in_again(0).await,
            Act::Challenge => self.after_challenge().await,
            Act::Answer => self.after_answer().await,
            Act::FirstPassword => self.after_first_password().await,
            Act::ChangePassword => self.after_change().await,
            Act::SignOut | Act::RevokeAll => self.after_end().await,
            Act::Refused => self.after_refusal(WRONG, "InvalidGrant").await,
            Act::Locked => {
                let password = self.stage.facts.password.clone();
                self.after_refusal(&password, "AccountLocked").await
            }
        }?;
        if self.stage.seen().spent_presented > 0 {
            return other("a spent refresh token was sent");
        }
        if self.stage.simulator.count(|record| record.reason == Some("code_reused")) > 0 {
            return other("a used code was sent");
        }
        Ok(fate)
    }

    /// The day allows one sign-in: the dead process has it, or the next one. Then a person says that there may be
    /// more.
    async fn after_sign_in(&self) -> Judged {
        let dead = self.asked(Operation::SIGN_IN);
        let mut plan = self.plan(Task::Use);
        plan.automatic = Some(1);
        let next = run(&plan).await?;
        let sent = self.asked(Operation::SIGN_IN);
        if sent > 1 {
            return other("more sign-ins than the day allows");
        }
        if served(&next) {
            return Ok(if dead == 0 { Fate::Anew } else { Fate::Kept });
        }
        if !refused_as(&next, &["NeedsSignIn"]) || sent != dead {
            return other("the next process is neither served nor told to wait");
        }
        let helped = self.done(Task::Use).await?;
        if !served(&helped) || self.asked(Operation::SIGN_IN) != dead + 1 {
            return other("another sign-in does not help");
        }
        Ok(if dead == 0 { Fate::Counted } else { Fate::OnceMore })
    }

    /// There were `before` sign-ins before it.
    async fn after_sign_in_again(&self, before: u64) -> Judged {
        let dead = self.stage.seen().sign_ins - before;
        let next = self.done(Task::Use).await?;
        let seen = self.stage.seen();
        if !served(&next) || !next.saved {
            return other("the next process is not served");
        }
        if seen.refused > 1 || seen.sign_ins_refused > 0 {
            return other("something was refused twice");
        }
        match (dead, seen.sign_ins - before) {
            (0, 1) => Ok(Fate::Anew),
            (1, 1) => Ok(Fate::Kept),
            (1, 2) => Ok(Fate::OnceMore),
            _ => other("another number of sign-ins"),
        }
    }

    async fn after_challenge(&self) -> Judged {
        let dead = self.asked(Operation::SIGN_IN);
        let next = self.done_by_hand(Task::Answer).await?;
        if self.asked(Operation::SIGN_IN) != dead {
            return other("an answer has signed in anew");
        }
        if next.pending {
            return if served(&next) { Ok(Fate::Resumed) } else { other("it cannot be answered") };
        }
        if !refused_as(&next, &["ChallengeExpired"]) {
            return other("the person is not told that there is no challenge");
        }
        let again = self.done_by_hand(Task::SignInAndAnswer).await?;
        if !served(&again) {
            return other("another sign-in does not help");
        }
        Ok(if dead == 0 { Fate::Anew } else { Fate::OnceMore })
    }

    async fn after_answer(&self) -> Judged {
        let dead = self.asked(Operation::ANSWER);
        let next = self.done_by_hand(Task::Answer).await?;
        let sent = self.asked(Operation::ANSWER);
        if served(&next) {
            return match (dead, sent) {
                (0, 1) if next.pending => Ok(Fate::Resumed),
                (1, 1) => Ok(Fate::Kept),
                _ => other("the answer was sent again"),
            };
        }
        if sent != dead || !refused_as(&next, &["ChallengeExpired"]) {
            return other("the person is not told that the challenge is gone");
        }
        let again = self.done_by_hand(Task::SignInAndAnswer).await?;
        if !served(&again) || self.refused(Operation::ANSWER) > 0 {
            return other("another sign-in does not help");
        }
        Ok(Fate::Gone)
    }

    /// The source still says the temporary password.
    async fn after_first_password(&self) -> Judged {
        let dead = self.done_at_server(Operation::ANSWER);
        let next = self.done(Task::Use).await?;
        if served(&next) {
            let sent = self.done_at_server(Operation::ANSWER);
            let signed_in = self.asked(Operation::SIGN_IN);
            return match (dead, sent, signed_in) {
                (1, 1, 1) => Ok(Fate::Kept),
                (1, 1, 2) => Ok(Fate::NewHolds),
                _ => other("it was done again"),
            };
        }
        if !refused_as(&next, &["NeedsSignIn", "ChallengeExpired"]) {
            return other("the program is not told to ask a person");
        }
        let person = self.done(Task::Answer).await?;
        if served(&person) {
            return Ok(Fate::Resumed);
        }
        if !refused_as(&person, &["ChallengeExpired"]) {
            return other("the person is not told that the challenge is gone");
        }
        let again = self.done(Task::SignInAndAnswer).await?;
        if !served(&again) || self.refused(Operation::SIGN_IN) > 1 {
            return other("another sign-in does not help");
        }
        Ok(if dead == 0 { Fate::Gone } else { Fate::NewHolds })
    }

    /// The source still says the old password, and the tokens are over.
    async fn after_change(&self) -> Judged {
        let account = self.stage.simulator.account_of(&self.stage.facts.identity);
        let new_holds = account.is_some_and(|account| account.password == NEW);
        self.end_tokens();
        let before = self.asked(Operation::SIGN_IN);
        let next = self.done(Task::Buy).await?;
        let (sent, refused) =
            (self.asked(Operation::SIGN_IN) - before, self.refused(Operation::SIGN_IN));
        if served(&next) {
            return match (new_holds, sent, refused) {
                (false, 1, 0) => Ok(Fate::Anew),
                (false, 2, 1) => Ok(Fate::OldHolds),
                (true, 1, 0) => Ok(Fate::NewHolds),
                _ => other("another number of sign-ins"),
            };
        }
        let told = next.refused.as_ref().is_some_and(|text| text.contains("the right ones"));
        if !new_holds || sent != 0 || !refused_as(&next, &["InvalidGrant"]) || !told {
            return other("the next process is neither served nor told what helps");
        }
        let mut plan = self.plan(Task::Use);
        plan.facts.password = NEW.to_owned();
        if served(&run(&plan).await?) { Ok(Fate::Told) } else { other("the new one does not help") }
    }

    async fn after_end(&self) -> Judged {
        let dead = self.done_at_server(Operation::REVOKE);
        let next = self.done(Task::Use).await?;
        if served(&next) {
            let untouched = self.stage.seen().exchanges() == 1 && dead == 0;
            return if untouched { Ok(Fate::Alive) } else { other("it has come back") };
        }
        if !refused_as(&next, &["SignedOut"]) {
            return other("the next process is not told that it has ended");
        }
        // Whoever asks for the end once more hears what is true.
        let again = self.done(self.act.task()).await?;
        let revoked = self.done_at_server(Operation::REVOKE);
        if revoked == 0 || self.stage.seen().exchanges() != 1 {
            return other("its tokens live on at the provider");
        }
        let sent_again = self.asked(Operation::REVOKE) > usize::try_from(dead)?;
        let fate = match (self.act, &*again.said) {
            (Act::SignOut, "revoked") if sent_again => Fate::InDoubt,
            (Act::SignOut, "local only") if dead == 1 => Fate::Ended,
            (Act::RevokeAll, "complete: Revoked") if sent_again => Fate::InDoubt,
            (Act::RevokeAll, "complete: AlreadyEnded") if dead == 1 => Fate::Ended,
            _ => return other("it is not told what is true of the end"),
        };
        let back = self.done(Task::SignIn).await?;
        if served(&back) { Ok(fate) } else { other("a sign-in does not help") }
    }

    /// `password` is refused with `kind`, and sent by the dead process and one more at most.
    async fn after_refusal(&self, password: &str, kind: &str) -> Judged {
        let dead = self.asked(Operation::SIGN_IN);
        let mut plan = self.plan(Task::Use);
        plan.facts.password = password.to_owned();
        plan.automatic = Some(2);
        let next = run(&plan).await?;
        let sent = self.asked(Operation::SIGN_IN);
        let third = run(&plan).await?;
        if !refused_as(&next, &[kind]) || !refused_as(&third, &[kind]) {
            return other("the next process is not told what was refused");
        }
        if self.asked(Operation::SIGN_IN) != sent {
            return other("what was refused was sent again");
        }
        if self.act == Act::Locked {
            let identity = self.stage.facts.identity.clone();
            self.stage
                .simulator
                .change_account(&identity, |account| account.locked_until_ms = None);
        } else if !served(&self.done(Task::Use).await?) {
            return other("the right password does not help");
        }
        match (dead, sent) {
            (0, 1) => Ok(Fate::Anew),
            (1, 2) => Ok(Fate::OnceMore),
            (1, 1) => Ok(Fate::Spared),
            _ => other("another number of sign-ins"),
        }
    }

    /// A process that signs in by name alone: a person sits before it.
    async fn done_by_hand(&self, task: Task) -> Result<Report, Failure> {
        let mut plan = self.plan(task);
        plan.automatic = None;
        run(&plan).await
    }
}
