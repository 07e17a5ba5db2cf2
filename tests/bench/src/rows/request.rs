//! W3: what a signed-in request costs over a bare one of the same client.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use countersign_reqwest::{AuthLayer, AuthMiddleware, Redirects, ReplayPolicy, send_with};
use countersign_runtime::Session;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue, Method};
use http_body_util::{BodyExt, Empty};
use reqwest::{Request, Response, Url};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use tokio::task::JoinSet;
use tower_layer::Layer;
use tower_service::Service;

use super::{Run, on_this_thread};
use crate::clocks::{thread_cpu, timed};
use crate::contest::Contest;
use crate::limit::Bare;
use crate::row::{Measure, Row, Target, Unit};
use crate::server::Server;
use crate::subject::{Rfc6749, client, credentials, keeper};
use crate::{Error, Result, allocations};

const CPU: (Measure, Unit) = (Measure::Cpu, Unit::Microseconds);

/// Requests a round, over all tasks.
const REQUESTS: usize = 512;

/// How many are sent at a time, and the microseconds of a bare request then on the machine of the target.
const LOADS: [(usize, f64); 2] = [(1, 19.1), (64, 15.3)];

/// W3, at concurrency 1 and 64.
pub(crate) fn overhead(run: Run) -> Result<Vec<Row>> {
    let runtime = on_this_thread()?;
    let server = Server::start()?;
    // A day: nothing is renewed meanwhile.
    server.set("life_s", 24 * 3_600)?;
    let http = client()?;
    let (session, url) = runtime.block_on(async {
        let keeper = keeper(http.clone())?;
        let provider = Rfc6749::at(server.url())?;
        let session = keeper.session(provider, "one").credentials(credentials()).open().await?;
        session.authorization().await?;
        Ok::<_, Error>((session, Url::parse(&format!("{}/api", server.url()))?))
    })?;
    let signed_in = session.client()?;
    let value = ready(&session)?;
    let plain = http.plain().clone();
    let behind =
        ClientBuilder::new(plain.clone()).with(AuthMiddleware::new(session.clone())).build();
    let behind_nothing = ClientBuilder::new(plain.clone()).with(Nothing).build();
    let mut rows = Vec::new();
    for (tasks, usual) in LOADS {
        let bare = || {
            let (plain, url, value) = (plain.clone(), url.clone(), value.clone());
            async move {
                let request = plain.get(url).header(AUTHORIZATION, value);
                let reply = request.send().await?;
                reply.error_for_status()?.bytes().await?;
                Ok(())
            }
        };
        let by_client = || {
            let (signed_in, url) = (signed_in.clone(), url.clone());
            async move {
                let reply = signed_in.get(url).send().await?;
                reply.error_for_status()?.bytes().await?;
                Ok(())
            }
        };
        let by_send_with = || {
            let (session, plain, url) = (session.clone(), plain.clone(), url.clone());
            async move {
                let request = Request::new(Method::GET, url);
                let policy = ReplayPolicy::default();
                let reply =
                    send_with(&session, &plain, request, Redirects::Unknown, policy).await?;
                reply.error_for_status()?.bytes().await?;
                Ok(())
            }
        };
        let by_service = || {
            let (service, url) = (Bare(plain.clone()), url.clone());
            let value = value.clone();
            async move {
                let request = http::Request::get(url.as_str()).header(AUTHORIZATION, value);
                called(service, request.body(Empty::new())?).await
            }
        };
        let by_layer = || {
            let service = AuthLayer::new(session.clone()).layer(Bare(plain.clone()));
            let url = url.clone();
            async move { called(service, http::Request::get(url.as_str()).body(Empty::new())?).await }
        };
        let by_nothing = || {
            let (behind_nothing, url) = (behind_nothing.clone(), url.clone());
            let value = value.clone();
            async move {
                let request = behind_nothing.get(url).header(AUTHORIZATION, value);
                let reply = request.send().await?;
                reply.error_for_status()?.bytes().await?;
                Ok(())
            }
        };
        let by_middleware = || {
            let (behind, url) = (behind.clone(), url.clone());
            async move {
                let reply = behind.get(url).send().await?;
                reply.error_for_status()?.bytes().await?;
                Ok(())
            }
        };
        let figures = Contest::new(run.rounds(121))
            .with(|| runtime.block_on(per_request(tasks, bare)))
            .with(|| runtime.block_on(per_request(tasks, by_client)))
            .with(|| runtime.block_on(per_request(tasks, by_send_with)))
            .with(|| runtime.block_on(per_request(tasks, by_service)))
            .with(|| runtime.block_on(per_request(tasks, by_layer)))
            .with(|| runtime.block_on(per_request(tasks, by_middleware)))
            .with(|| runtime.block_on(per_request(tasks, by_nothing)))
            .run()?;
        for (n, name) in [(1, "client()"), (2, "send_with")] {
            let row = Row::measured(
                format!("W3/{tasks}/{}", name.trim_end_matches("()")),
                format!(
                    "client CPU of a request, {name}, concurrency {tasks}; limit: bare reqwest"
                ),
                CPU,
                figures.of(n),
                Some(figures.of(0)),
                Target::RatioOr { ratio: 1.02, more: 1.5 },
            );
            rows.extend(row.map(|row| row.set_where_the_limit_takes(usual)));
        }
        rows.extend(Row::measured(
            format!("W3/{tasks}/layer"),
            format!(
                "client CPU of a request, AuthLayer, concurrency {tasks}; limit: the service below"
            ),
            CPU,
            figures.of(4),
            Some(figures.of(3)),
            Target::Ratio(1.05),
        ));
        rows.extend(Row::measured(
            format!("W3/{tasks}/middleware"),
            format!(
                "client CPU of a request, AuthMiddleware, concurrency {tasks}; limit: a middleware that does nothing"
            ),
            CPU,
            figures.of(5),
            Some(figures.of(6)),
            Target::Ratio(1.05),
        ));
        // Over bare reqwest too, and beside each how much of that is there without us.
        for (id, what, nth) in [
            ("layer/bare", "AuthLayer", 4),
            ("layer/floor", "the service below the layer", 3),
            ("middleware/bare", "AuthMiddleware", 5),
            ("middleware/floor", "a middleware that does nothing", 6),
        ] {
            rows.extend(Row::measured(
                format!("W3/{tasks}/{id}"),
                format!("the same, {what}, concurrency {tasks}; limit: bare reqwest"),
                CPU,
                figures.of(nth),
                Some(figures.of(0)),
                Target::None,
            ));
        }
    }
    rows.extend(allocations::rows("W3")?);
    Ok(rows)
}

/// What a middleware costs that does nothing: a boxed future and a request that is built by another crate.
struct Nothing;

#[async_trait]
impl Middleware for Nothing {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        next.run(request, extensions).await
    }
}

/// One call of a tower service, its answer read whole.
async fn called<S, B>(mut service: S, request: http::Request<Empty<Bytes>>) -> Result<()>
where
    S: Service<http::Request<Empty<Bytes>>, Response = http::Response<B>>,
    S::Error: Into<Error>,
    B: http_body::Body<Error: Into<Error>>,
{
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
    let reply = service.call(request).await.map_err(Into::into)?;
    if !reply.status().is_success() {
        return Err(format!("the server answered with {}", reply.status()).into());
    }
    reply.into_body().collect().await.map_err(Into::into)?;
    Ok(())
}

/// What the bare client sends: the same header, ready.
fn ready(session: &Session) -> Result<HeaderValue> {
    let authorized = session.current().ok_or("a fresh session showed no token")?;
    let value = authorized.header(&AUTHORIZATION).ok_or("an authorization without its header")?;
    Ok(value.clone())
}

/// CPU microseconds a request; all tasks share this thread.
async fn per_request<F>(tasks: usize, request: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let start = thread_cpu();
    if tasks == 1 {
        for _ in 0..REQUESTS {
            request().await?;
        }
    } else {
        let mut flying = JoinSet::new();
        for _ in 0..REQUESTS {
            if flying.len() == tasks
                && let Some(ended) = flying.join_next().await
            {
                ended??;
            }
            flying.spawn(request());
        }
        while let Some(ended) = flying.join_next().await {
            ended??;
        }
    }
    Ok(micros(thread_cpu() - start) / REQUESTS as f64)
}

pub(crate) fn micros(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6
}

/// Kept beside `per_request` so that both divide alike.
pub(crate) fn timed_micros(piece: impl FnOnce() -> Result<()>, pieces: usize) -> Result<f64> {
    let (spent, made) = timed(thread_cpu, piece);
    made?;
    Ok(micros(spent) / pieces as f64)
}
