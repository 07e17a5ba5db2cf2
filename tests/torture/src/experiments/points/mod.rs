//! A process dies at every step of what it does through the store, one run for each step: renewals, by the kind
//! of refresh, and everything else (sign-ins, challenges, passwords, ends of sessions, refusals). The steps are
//! counted in a run that lives, not sampled. What the next process makes of it is what `docs/CRASHES.md`
//! promises, which is made here and compared.

mod acts;
mod document;
mod fate;
mod renewals;
mod seams;

use std::path::Path;

use super::{Cx, End, Failure};
use crate::findings::Findings;
use document::Tables;

pub(super) use renewals::counted;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CRASHES.md");

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    // They mostly wait: for a process to begin, for a disk, for the next code.
    let mut further = Findings::default();
    let (renewals, acts) =
        tokio::join!(renewals::run(&mut findings), acts::all(cx.quick, &mut further));
    let (renewals, acts) = (renewals?, acts?);
    findings.append(further);
    findings.note(format!("{} steps", renewals.n_steps() + acts.n_steps()));
    if cx.quick {
        findings.note("left out: deaths at a mere word of the machine, before which nothing was written or sent");
    }
    let text = text(&renewals, &acts);
    let path = Path::new(DOCUMENT);
    if cx.write_docs {
        std::fs::write(path, &text)?;
        findings.note("docs/CRASHES.md is written");
    } else {
        let known = std::fs::read_to_string(path)?;
        let other = difference(&known, &text).unwrap_or_default();
        findings.claim(
            known == text,
            format!("docs/CRASHES.md is what was found{other} (`cargo xtask torture points --write-docs`)"),
        );
    }
    Ok(End::Findings(findings))
}

/// The first line of `known` that was found to be another one.
fn difference(known: &str, found: &str) -> Option<String> {
    let (mut known, mut found) = (known.lines(), found.lines());
    loop {
        match (known.next(), found.next()) {
            (None, None) => return None,
            (known, found) if known == found => {}
            (known, found) => {
                let [known, found] = [known, found].map(|line| line.unwrap_or("(no line)"));
                return Some(format!("; it says {known:?} where {found:?} was found"));
            }
        }
    }
}

fn text(renewals: &Tables<renewals::Outcome>, acts: &Tables<fate::Fate>) -> String {
    format!("{PREFACE}{}{BETWEEN}{}", renewals.text(), acts.text())
}

const PREFACE: &str = "# Crashes

What becomes of a session whose process is killed in the middle of what it does, at each step of it. The tables
are what `cargo xtask torture points` has found: one process killed at each step, and what the next process and
the provider's own books showed. They are compared in CI.

## Renewals, by the kind of refresh

* **renewed**: the dead process has bought nothing, or nothing that counts; the next one buys the next token.
* **kept**: what the dead process has bought is in the store, and the next one goes on from it.
* **sent again**: the answer is lost; the refresh token stays good, and the next process sends it again.
* **replayed in the grace**: the answer is lost and the refresh token is spent; the next process finds the
  mark, sends the token again while the provider still takes it, and has the session. One token is sent at
  most three times by all processes together.
* **ambiguous**: the mark says that the token was about to be sent, and nobody can know whether it was. It is
  never sent again. The access token is served to its end; then the session signs in again, by itself where
  that is allowed, else whoever asks is told `Ambiguous`.
* **repeated**: there is no refresh; the grant is repeated, as at every renewal.

The lock of a process that dies is free at once (file store), or with its lease (stores in a network). A
process that is stopped instead of killed keeps the file store's lock, and others wait, bounded, and are told
its number.

";

const BETWEEN: &str = "
## Everything else

The columns: a *sign-in* by itself, on a day that allows one; a *refused refresh* and the sign-in after it; a
*sign-in with a code*, which the library makes and which is good once; a *sign-in to a challenge*, begun by a person;
the *answer with a code* that a person gives; the *answer with a password*, the first one of an account's own; a
*change of password*; a *sign-out*; a *revocation of all* by a process that has none of the sessions open; a *refused
password* and a *locked account*, met by a sign-in by itself.

In no row was a spent refresh token or a used code sent again, was a password sent that the store knew as refused, or
did a session come back that was ended. What is left to a person is told to whoever asks.

* **anew**: nothing of it has come to the provider, and the next process does it as if for the first time.
* **counted**: the same, and one of the sign-ins that a day allows by themselves is counted and was never sent: where
  there is only one, it is left to a person, or to the next day.
* **once more**: it has come to the provider, and its answer is lost. It is sent once more, within what a day allows
  and with another code; what it bought lives on at the provider to its end, and nobody has it.
* **kept**: its end is in the store, and the next process goes on from it.
* **resumed**: the challenge is in the store, and any process answers it.
* **gone**: the claim on the challenge says that an answer was about to be sent, and nobody can know whether it was.
  It is answered no more: who tries is told `ChallengeExpired`, and another sign-in gets another challenge.
* **the old one, found out**; **the new one, found out**: the new password was in the store before it was sent. The
  next sign-in sends it, and after a refusal the old one: one refused sign-in at most.
* **the new one, told**: the new password holds, and the store knows it: a source that still says the old one has it
  not sent any more, and whoever asks is told to bring the right one.
* **alive**: nothing was written and nothing was asked of the provider; nobody was told of an end.
* **in doubt**: the session has ended for all who share the store, and whether the provider has ended it is not known.
  Its tokens stay in its record, and are used for nothing but to have them revoked by whoever ends it again
  ([decision 34](/docs/decisions/0034-the-end-is-written-before-the-revocation.md)).
* **ended**: it has ended, here and at the provider, and it takes a sign-in by name to have another.
* **spared**: the refusal is in the store, and nobody asks again before its time.

";
