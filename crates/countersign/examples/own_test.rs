//! How a program that uses sessions is tested: a partner without a socket, and time by a hand crank.
//!
//! Hours pass in milliseconds. In your crate each function with a long name is a `#[tokio::test]`, and
//! `countersign-simulator` a dev-dependency; here they run one after another:
//!
//! ```text
//! cargo run -p countersign --example own_test --features ibex
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::ibex::Ibex;
use countersign::{Credentials, ErrorKind, Keeper, ManualClock, Origin, Session};
use countersign_simulator::{InProcess, Operation, Simulator};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, StatusCode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is to be tested: asks the partner for news. `Api` is whatever the program sends with.
async fn poll(hub: &Session, api: &impl Api) -> Result<StatusCode> {
    let mut headers = HeaderMap::new();
    hub.authorize(&mut headers, &Origin::parse(HUB)?).await?;
    api.get(headers).await
}

trait Api {
    async fn get(&self, headers: HeaderMap) -> Result<StatusCode>;
}

const HUB: &str = "https://hub.example";

/// The partner as a test has it.
impl Api for InProcess {
    async fn get(&self, headers: HeaderMap) -> Result<StatusCode> {
        let mut request = Request::get(format!("{HUB}/sim/echo")).body(Bytes::new())?;
        *request.headers_mut() = headers;
        Ok(self.call(request).await?.status())
    }
}

/// A partner, its clock, and a session that knows no other time.
async fn stage() -> Result<(Simulator, ManualClock, InProcess, Session)> {
    let (partner, clock) = (Simulator::ibex().build(), ManualClock::default());
    let api = partner.in_process(Arc::new(clock.clone()));
    let keeper = Keeper::builder().transport(api.clone()).clock(clock.clone()).build()?;
    let account = partner.account();
    let secrets = Credentials::new().with_password(account.password);
    let hub = keeper.session(Ibex::at(HUB)?, &account.identity).credentials(secrets);
    Ok((partner, clock, api, hub.open().await?))
}

/// Ten minutes pass, in steps, so that what falls due in them is done at its time.
async fn pass(clock: &ManualClock) {
    for _ in 0..40 {
        clock.advance(Duration::from_secs(15));
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

async fn a_day_of_polling_costs_one_sign_in_and_meets_no_refusal() -> Result {
    let (partner, clock, api, hub) = stage().await?;
    for _ in 0..24 * 6 {
        assert_eq!(poll(&hub, &api).await?, StatusCode::OK);
        pass(&clock).await;
    }
    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (144, 0));
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1);
    // A token lives for an hour.
    assert!((23..=36).contains(&seen.exchanges_of(Operation::REFRESH)), "{seen:?}");
    Ok(())
}

async fn an_outage_is_not_noticed_before_the_token_ends() -> Result {
    let (partner, clock, api, hub) = stage().await?;
    poll(&hub, &api).await?;
    partner.outage(true);
    for _ in 0..5 {
        pass(&clock).await;
        assert_eq!(poll(&hub, &api).await?, StatusCode::OK);
    }
    pass(&clock).await;
    assert!(hub.current().is_none());
    let reason = hub.status().last_error.map(|error| error.kind());
    assert_eq!(reason, Some(ErrorKind::TemporarilyUnavailable));

    partner.outage(false);
    pass(&clock).await;
    assert_eq!(poll(&hub, &api).await?, StatusCode::OK);
    assert_eq!(partner.totals().resource_unauthorized, 0);
    Ok(())
}

async fn headers_are_set_where_no_provider_is_wanted_at_all() -> Result {
    let hub = Session::fixed("token")?;
    let mut headers = HeaderMap::new();
    hub.authorize(&mut headers, &Origin::parse(HUB)?).await?;
    assert_eq!(headers[AUTHORIZATION], "Bearer token");
    Ok(())
}

pub(crate) async fn run() -> Result {
    a_day_of_polling_costs_one_sign_in_and_meets_no_refusal().await?;
    an_outage_is_not_noticed_before_the_token_ends().await?;
    headers_are_set_where_no_provider_is_wanted_at_all().await?;
    println!("three tests, 25 hours");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    run().await
}
