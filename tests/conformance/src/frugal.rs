//! Servers that have what a case names and nothing else: whatever the case asks for beyond that is a panic.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::report::model::Outcome;
use countersign_conformance::{
    Account, Case, Control, Controls, Engine, Fault, How, Op, Plan, RefreshTokens, Seen, Server,
    Setup, Target, Time, Times, Unavailable, Unbroken, run_apart,
};
use countersign_core::{AuthProvider, HttpTransport, Origin, SecretString};

use crate::{cases, defects, select, targets};

/// A target for one case.
struct Frugal {
    real: Arc<dyn Target>,
    can: &'static [Control],
}

/// Its server.
struct Spare {
    real: Box<dyn Server>,
    can: &'static [Control],
}

#[async_trait]
impl Target for Frugal {
    fn name(&self) -> &str {
        self.real.name()
    }

    fn time(&self) -> Time {
        self.real.time()
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        Ok(Box::new(Spare { real: self.real.open(setup).await?, can: self.can }))
    }
}

impl Spare {
    fn has(&self, control: Control) -> bool {
        self.can.contains(&control)
    }

    #[track_caller]
    fn of(&self, control: Control) -> &dyn Controls {
        assert!(self.has(control), "{control:?} is called, and the case does not name it");
        self.real.controls().expect("a simulator has controls")
    }
}

impl Server for Spare {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        self.real.adapter()
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        self.real.transport()
    }

    fn account(&self) -> Account {
        self.real.account()
    }

    fn other_account(&self) -> Option<Account> {
        let named = self.has(Control::OtherAccount) || self.has(Control::CodeAccount);
        self.real.other_account().filter(|_| named)
    }

    fn api_origins(&self) -> Vec<Origin> {
        self.real.api_origins()
    }

    fn resource(&self) -> Option<String> {
        self.real.resource().filter(|_| self.has(Control::Resource))
    }

    fn next_password(&self) -> SecretString {
        self.real.next_password()
    }

    fn access_life(&self) -> Option<Duration> {
        self.real.access_life()
    }

    fn refusal_is_certain(&self) -> bool {
        self.real.refusal_is_certain()
    }

    fn controls(&self) -> Option<&dyn Controls> {
        Some(self)
    }
}

impl Controls for Spare {
    fn can(&self) -> &[Control] {
        self.can
    }

    fn say(&self, op: Op, fault: &Fault, times: Times) -> Result<(), Unavailable> {
        self.of(Control::Words).say(op, fault, times)
    }

    fn clear(&self) {
        self.of(Control::Words).clear();
    }

    fn outage(&self, on: bool) {
        self.of(Control::Words).outage(on);
    }

    fn revoke(&self, identity: &str, refresh_tokens: RefreshTokens) {
        self.of(Control::Revoke).revoke(identity, refresh_tokens);
    }

    fn expire(&self, identity: &str) {
        self.of(Control::Expire).expire(identity);
    }

    fn set_password(&self, identity: &str, password: &SecretString) {
        self.of(Control::Password).set_password(identity, password);
    }

    fn lock(&self, identity: &str, locked: bool) {
        self.of(Control::Lock).lock(identity, locked);
    }

    fn shift_clock(&self, by_millis: i64) {
        self.of(Control::Clock).shift_clock(by_millis);
    }

    fn mail(&self, identity: &str) -> Option<SecretString> {
        self.of(Control::Mail).mail(identity)
    }

    fn seen(&self) -> Vec<Seen> {
        let mut all = self.of(Control::Records).seen();
        // A word for a refusal is not promised.
        all.iter_mut().for_each(|seen| seen.reason = None);
        all
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.of(Control::Secrets).secrets()
    }
}

/// A sentence for each case that fails with the target `name` once it has nothing but what the case names.
fn wanting(name: &str) -> Vec<String> {
    let of_target =
        |case: &Case| case.stage.is_none() && (case.only.is_empty() || case.only == [name]);
    let mut wanting = Vec::new();
    for case in cases::all().into_iter().filter(of_target) {
        let real = targets::named(name).expect("a target");
        if let Outcome::Failed { finding } = outcome(case, real, Arc::new(Unbroken)) {
            wanting.push(format!("{name} {}: {finding}", case.id));
        }
    }
    wanting
}

fn outcome(case: Case, real: Arc<dyn Target>, engine: Arc<dyn Engine>) -> Outcome {
    let target = Arc::new(Frugal { real, can: case.controls });
    let plan = Plan { target, engine, seed: 7, deadline: Duration::from_secs(120) };
    run_apart(case, plan).expect("a server").outcome
}

#[test]
fn a_defect_is_found_although_the_server_has_no_word_for_a_refusal_and_tells_no_secrets() {
    let ids = [
        "code-kept-for-a-minute",
        "sent-code-not-noted",
        "code-of-the-step-after-answered",
        "secret-in-debug",
        "basic-header-in-the-message",
        "refused-refresh-in-the-message",
    ];
    let such = defects::all().into_iter().filter(|defect| ids.contains(&defect.id));
    let mut tried = 0;
    for defect in such {
        let case = select::case(defect.caught_by).expect("a case");
        let real = targets::named(defect.target).expect("a target");
        let end = outcome(case, real, (defect.engine)());
        let by_a_check =
            |end: &Outcome| matches!(end, Outcome::Failed { finding } if finding.how == How::Check);
        assert!(by_a_check(&end), "{}: {end:?}", defect.id);
        tried += 1;
    }
    assert_eq!(tried, ids.len());
}

#[test]
fn a_case_uses_what_it_names_and_nothing_else_with_a_password_and_a_refresh() {
    assert_eq!(wanting("ibex"), Vec::<String>::new());
}

#[test]
fn a_case_uses_what_it_names_and_nothing_else_with_challenges_and_mail() {
    assert_eq!(wanting("cognito"), Vec::<String>::new());
}

#[test]
fn a_case_uses_what_it_names_and_nothing_else_with_codes_and_no_refresh() {
    assert_eq!(wanting("ibanera"), Vec::<String>::new());
}

#[test]
fn a_case_uses_what_it_names_and_nothing_else_with_two_accounts() {
    assert_eq!(wanting("igny8"), Vec::<String>::new());
}
