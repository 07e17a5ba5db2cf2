//! The bare client as a tower service of `http` requests: what a layer is put around.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower_service::Service;

/// Sends requests without a body.
#[derive(Clone)]
pub(crate) struct Bare(pub(crate) reqwest::Client);

impl Service<Request<Empty<Bytes>>> for Bare {
    type Response = Response<reqwest::Body>;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        let client = self.0.clone();
        let (parts, _) = request.into_parts();
        Box::pin(async move {
            let request = Request::from_parts(parts, reqwest::Body::default());
            client.execute(request.try_into()?).await.map(Response::from)
        })
    }
}
