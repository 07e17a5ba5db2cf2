//! Headers for what is no plain HTTP client: the metadata of a gRPC call and the upgrade request of a
//! websocket.
//!
//! An interceptor is a function that cannot wait; [`Session::current`] neither waits nor takes a lock
//! while the token is fresh. The partner is played by a simulator without a socket:
//!
//! ```text
//! cargo run -p countersign --example interceptor --features ibex
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::ibex::Ibex;
use countersign::{AuthProvider, Credentials, Generation, Keeper, Origin, Session, SystemClock};
use countersign_simulator::{Operation, RefreshTokens, Simulator};
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, Request, StatusCode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// gRPC's status `UNAVAILABLE`: the caller may try again.
#[derive(Debug)]
struct Unavailable;

/// The interceptor of a gRPC channel that leads to the partner and nowhere else. gRPC metadata are
/// HTTP headers; with tonic, this is `MetadataMap::from_headers`.
fn intercept(
    session: &Session,
    metadata: &mut HeaderMap,
) -> std::result::Result<Generation, Unavailable> {
    let authorized = session.current().ok_or(Unavailable)?;
    authorized.apply(metadata);
    Ok(authorized.generation())
}

/// The request that opens a websocket. Where there is time to wait, [`Session::authorization_for`] has
/// a token that is good for as long as the connection is meant to last.
fn upgrade(session: &Session, api: &Origin) -> Result<Request<Bytes>> {
    session.check_origin(api)?; // the address may come from a setting, and the token goes nowhere else
    let authorized = session.current().ok_or("not signed in; try again")?;
    let mut request = Request::get(format!("{api}/sim/echo"))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==") // that of RFC 6455 §1.3
        .body(Bytes::new())?;
    authorized.apply(request.headers_mut());
    Ok(request)
}

pub(crate) async fn run() -> Result {
    let partner = Simulator::ibex().build();
    let channel = partner.in_process(Arc::new(SystemClock::new()));
    let account = partner.account();
    let keeper = Keeper::builder().transport(channel.clone()).build()?;
    let secrets = Credentials::new().with_password(account.password);
    let hub = keeper.session(Ibex::sandbox(), &account.identity).credentials(secrets);
    let hub = hub.open().await?;

    // Nobody is signed in: the interceptor says so at once, and the sign-in begins behind it.
    assert!(intercept(&hub, &mut HeaderMap::new()).is_err());
    hub.authorization().await?;

    // A call with metadata.
    let mut call = Request::post("https://hub.example/sim/echo").body(Bytes::new())?;
    let generation = intercept(&hub, call.headers_mut()).map_err(|_| "not signed in")?;
    assert_eq!(channel.call(call).await?.status(), StatusCode::OK);

    // The partner ends the token early. Who is refused reports the generation that was presented;
    // the interceptor hands it out no more.
    partner.revoke_all(&account.identity, RefreshTokens::Keep);
    let mut call = Request::post("https://hub.example/sim/echo").body(Bytes::new())?;
    assert_eq!(intercept(&hub, call.headers_mut()).ok(), Some(generation));
    assert_eq!(channel.call(call).await?.status(), StatusCode::UNAUTHORIZED);
    hub.reject(generation);
    assert!(intercept(&hub, &mut HeaderMap::new()).is_err());
    assert!(hub.authorization().await?.generation() > generation);

    // A websocket, to the partner and to nobody else.
    let request = upgrade(&hub, &Ibex::sandbox().realm().api_origins[0])?;
    assert_eq!(channel.call(request).await?.status(), StatusCode::OK);
    assert!(upgrade(&hub, &Origin::parse("https://elsewhere.example")?).is_err());

    assert!(keeper.shutdown(Duration::from_secs(10)).await);
    let seen = partner.totals();
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (2, 1));
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1);
    assert_eq!(seen.exchanges_of(Operation::REFRESH), 1);
    println!("headers for a call and for a websocket, and no client of ours");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    run().await
}
