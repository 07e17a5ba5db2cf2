//! The whole suite with Acme; and with an Acme that is broken, which it must find out.

mod acme;

use std::sync::Arc;
use std::time::Duration;

use acme_adapter::Acme;
use async_trait::async_trait;
use countersign_conformance::report::model::{CaseReport, Outcome, Run};
use countersign_conformance::report::table;
use countersign_conformance::simulated::{ADDRESS, Simulated, refuse};
use countersign_conformance::{Down, Server, Setup, Suite, Target, Unavailable, cases};
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, Lifetime, Operation,
    Outcome as Read, ProviderId, Realm, TokenSet,
};
use countersign_simulator::Setup as Simulation;

const MINUTE: u64 = 60;

/// Acme over its simulator. The adapter is made anew for each case.
struct Over<A>(fn(Acme) -> A);

#[async_trait]
impl<A: AuthProvider + 'static> Target for Over<A> {
    fn name(&self) -> &str {
        "acme"
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        let settings = &setup.settings;
        refuse(settings, true, false)?;
        if settings.rotation.is_some_and(|grace| !grace.is_zero()) {
            return Err(Unavailable::NotHere("a token of Acme's is spent at once".into()));
        }
        let life = settings.access_life.unwrap_or(Duration::from_secs(30 * MINUTE));
        if !life.as_secs().is_multiple_of(MINUTE) || life.is_zero() {
            return Err(Unavailable::NotHere("Acme tells lifetimes in whole minutes".into()));
        }
        let renewable = settings.refresh_life.unwrap_or(acme::RENEWABLE);
        let mut simulation = Simulation::default();
        simulation.seed = Some(setup.seed);
        simulation.skew_ms = settings.server_ahead_ms;
        let simulator = acme::server(life, renewable, simulation);
        Simulated::new(setup, simulator, Acme::at(ADDRESS).map(self.0)).map(Simulated::boxed)
    }
}

/// Acme, but for the lifetimes: seconds are taken for milliseconds, and all last a thousand times too long.
#[derive(Debug)]
struct Slow(Acme);

impl AuthProvider for Slow {
    fn id(&self) -> ProviderId {
        self.0.id()
    }

    fn realm(&self) -> &Realm {
        self.0.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.0.request(operation, ambient)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Read, Error> {
        let mut outcome = self.0.interpret(operation, response, ambient)?;
        if let Read::Tokens(tokens, _) = &mut outcome
            && let Some(Lifetime::For(life)) = tokens.access_expiry
        {
            tokens.access_expiry = Some(Lifetime::For(life * 1000));
        }
        Ok(outcome)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.0.authorize(tokens, ambient)
    }
}

fn run<A: AuthProvider + 'static>(adapter: fn(Acme) -> A) -> Result<Run, Down> {
    // Acme renews by presenting the old token, which that case forbids to everybody else.
    let cases = cases::all().into_iter().filter(|case| case.id != "f25-token-calls-carry-no-token");
    let suite = Suite::new(cases, [Arc::new(Over(adapter)) as Arc<dyn Target>], 0x5eed);
    suite.run(|_| {})
}

#[test]
fn acme_conforms() {
    let run = run(|acme| acme).unwrap();
    println!("{}", table::write(&run));
    assert!(run.conforms(), "{}", table::write(&run));
    assert!(run.tally().passed > run.tally().skipped, "most of the suite is for Acme");
}

#[test]
fn milliseconds_for_seconds_do_not_conform() {
    let run = run(Slow).unwrap();
    assert!(!run.conforms());
    let failed = |case: &CaseReport| matches!(case.outcome, Outcome::Failed { .. });
    let ids: Vec<&str> =
        run.providers[0].cases.iter().filter(|case| failed(case)).map(|case| &*case.id).collect();
    assert!(ids.contains(&"refresh-in-the-background"), "{ids:?}");
}
