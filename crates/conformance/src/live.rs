//! In front of a live service: what is run there, what needs to be allowed, and what is never run.
//!
//! An account there is somebody's. So cases are run one at a time, only those that say of themselves that
//! they are fit for it, and of these only the harmless ones unless others are allowed by name. Sign-ins are
//! counted against a budget, and after one that was refused none is made any more: what refuses once may
//! lock the account.

use std::time::Duration;

use crate::case::{Case, Harm, Live};
use crate::run::{self, Ran};
use crate::target::{Control, Server, Settings};

/// What may be done at a live service beyond what is harmless.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Permits {
    /// How many sign-ins all cases together may ask for.
    pub sign_ins: usize,
    /// The ids of cases that may do harm.
    pub allow: Vec<String>,
    /// The ids of cases that are not run here for a reason that their owner knows.
    pub except: Vec<String>,
    /// Faults may be played on the way to it.
    pub faults: bool,
}

/// One case with what will become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// Its id.
    pub id: &'static str,
    /// Its sentence.
    pub title: &'static str,
    /// Whether it will be run.
    pub decision: Decision,
}

/// Whether a case is run at a live service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It is, and asks for so many sign-ins at most.
    Runs {
        /// At most.
        sign_ins: u32,
    },
    /// It does this to an account, and was not allowed.
    NotAllowed(Harm),
    /// It plays faults on the way, and they were not asked for.
    WithoutFaults,
    /// It was left out by name.
    Excepted,
    /// It cannot be run there, for this reason.
    NotHere(String),
}

impl Permits {
    /// What is harmless, with a budget of so many sign-ins.
    pub const fn harmless(sign_ins: usize) -> Self {
        Self { sign_ins, allow: Vec::new(), except: Vec::new(), faults: false }
    }

    /// What will become of `case` at this server of the target `name`.
    pub(crate) fn decide(&self, case: &Case, name: &str, server: &dyn Server) -> Decision {
        let not_here = |why: &str| Decision::NotHere(why.to_owned());
        let named = |list: &[String]| list.iter().any(|id| id == case.id);
        if !case.only.is_empty() && !case.only.contains(&name) {
            return Decision::NotHere(format!("the case is for {} alone", case.only.join(", ")));
        }
        if let Some(reason) = case.why_not(server.adapter().capabilities()) {
            return Decision::NotHere(reason);
        }
        if named(&self.except) {
            return Decision::Excepted;
        }
        if case.harm != Harm::None && !named(&self.allow) {
            return Decision::NotAllowed(case.harm);
        }
        let Some(Live { sign_ins, faults }) = case.live else {
            return not_here("it needs a server whose time and faults are in hand");
        };
        if case.settings != Settings::USUAL || case.stage.is_some() {
            return not_here("it needs a server that is made for it");
        }
        let lacks = |control: &&Control| !run::has(server, **control, false);
        if let Some(lack) = case.controls.iter().find(lacks) {
            return Decision::NotHere(format!("the target {}", lack.lack()));
        }
        match faults && !self.faults {
            true => Decision::WithoutFaults,
            false => Decision::Runs { sign_ins },
        }
    }
}

impl Decision {
    /// Why the case is skipped, if it is.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Runs { .. } => None,
            Self::NotAllowed(harm) => Some(format!("not allowed: it {}", harm.as_str())),
            Self::WithoutFaults => {
                Some("it plays faults on the way, which was not asked for".into())
            }
            Self::Excepted => Some("left out by name".into()),
            Self::NotHere(reason) => Some(reason.clone()),
        }
    }
}

/// What has been done to the account so far.
#[derive(Default)]
pub(crate) struct Spent {
    sign_ins: usize,
    refused_in: Option<&'static str>,
}

impl Spent {
    /// Why a case that asks for so many sign-ins is not run now, if it is not.
    pub(crate) fn forbids(&self, wanted: u32, permits: &Permits) -> Option<String> {
        let (used, budget) = (self.sign_ins, permits.sign_ins);
        if let (Some(case), true) = (self.refused_in, wanted > 0) {
            return Some(format!(
                "a sign-in was refused in {case}; no other is made, so that the account is not locked"
            ));
        }
        let enough = used.saturating_add(wanted as usize) <= budget;
        (!enough)
            .then(|| format!("it may ask for {wanted} sign-ins, and {used} of {budget} were made"))
    }

    /// Notes what a case has done.
    pub(crate) fn note(&mut self, case: &Case, ran: &Ran) {
        self.sign_ins += ran.sign_ins;
        // Who was allowed to have secrets refused does so on purpose.
        if ran.refused && case.harm != Harm::Locks {
            self.refused_in.get_or_insert(case.id);
        }
    }

    /// How many sign-ins were asked for.
    pub(crate) const fn sign_ins(&self) -> usize {
        self.sign_ins
    }
}

/// How long to wait after a case, so that the next one's codes are not those of this one.
pub(crate) fn rest(server: &dyn Server) -> Duration {
    let adapter = server.adapter();
    let claims = adapter.capabilities();
    let step = claims.sign_in_code.max(claims.code_per_request).unwrap_or_default();
    match server.account().credentials.totp_secret() {
        Some(_) => step,
        None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_would_exceed_the_budget_is_not_run_and_after_a_refusal_none_signs_in() {
        let permits = Permits::harmless(3);
        let mut spent = Spent { sign_ins: 2, refused_in: None };
        assert_eq!(spent.forbids(1, &permits), None);
        let why = spent.forbids(2, &permits).unwrap();
        assert_eq!(why, "it may ask for 2 sign-ins, and 2 of 3 were made");
        spent.refused_in = Some("sign-in-and-call");
        assert!(spent.forbids(1, &permits).unwrap().contains("was refused in sign-in-and-call"));
        assert_eq!(spent.forbids(0, &permits), None, "what asks for none harms nobody");
    }
}
