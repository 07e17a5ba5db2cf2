//! What a failure of the token endpoint means: the code first, then the status.

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Recovery, Timestamp};

use super::wire::Refused;
use crate::error::{redirected, retry_after};

/// The error for an answer that is no success, or a success status with a failure inside.
pub(super) fn refused(response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let refused = response.json::<Refused>().unwrap_or_default();
    let code = refused.error.unwrap_or_default();
    let error = table(status.as_u16(), &code, response, now).with_status(status).with_code(&code);
    match refused.error_description {
        Some(text) => error.with_detail(&text),
        None => error,
    }
}

/// (status, code) → what happened. The exact bodies of this tenant are not published; the codes are
/// those of RFC 6749 §5.2 and of the software behind the issuer.
fn table(status: u16, code: &str, response: &HttpResponse, now: Timestamp) -> Error {
    let refuse = Error::new;
    match (status, code) {
        (300..=399, _) => redirected(),
        (429, _) | (_, "too_many_requests" | "too_many_attempts") => {
            refuse(ErrorKind::RateLimited)
                .with_recovery(retry_after(response, now))
                .hint("too many token requests; tokens are to be kept until they end")
        }
        (408 | 425 | 500..=599, _) | (_, "server_error" | "temporarily_unavailable") => {
            refuse(ErrorKind::TemporarilyUnavailable)
                .with_recovery(retry_after(response, now))
                .hint("the issuer or a gateway before it fails; the same call can succeed later")
        }
        (_, "invalid_client") => refuse(ErrorKind::InvalidClient)
            .with_recovery(Recovery::AskUser)
            .hint("the client id is unknown at this issuer or the client secret is wrong; check both, and that issuer and client belong together (sandbox or production)"),
        (_, "unauthorized_client") => refuse(ErrorKind::InvalidClient)
            .hint("this client may not use client credentials; ask IBEX to allow the grant"),
        // The software behind the issuer says so to a wrong secret; with 403 it means the audience.
        (401, "access_denied") => refuse(ErrorKind::InvalidClient)
            .with_recovery(Recovery::AskUser)
            .hint("the issuer refuses the client; check the client id and the client secret"),
        (_, "access_denied" | "invalid_target" | "invalid_audience") => {
            refuse(ErrorKind::AccessDenied).hint(
                "the client may not ask for this audience; check the `audience` setting, which keeps the older host name of the hub",
            )
        }
        (_, "invalid_grant") => refuse(ErrorKind::InvalidGrant)
            .hint("the grant is refused; check the client secret"),
        (_, "invalid_request" | "unsupported_grant_type" | "invalid_scope") => {
            refuse(ErrorKind::InvalidRequest)
                .hint("the issuer does not take this request; check the `issuer` and `audience` settings")
        }
        (401, _) => refuse(ErrorKind::InvalidClient)
            .with_recovery(Recovery::AskUser)
            .with_certainty(Certainty::Possible)
            .hint("the issuer refuses the client without saying why; check the client id and the client secret"),
        (403, _) => refuse(ErrorKind::AccessDenied)
            .with_certainty(Certainty::Possible)
            .hint("the issuer refuses without saying why; check that the client may ask for this audience"),
        (404, _) => refuse(ErrorKind::Protocol)
            .hint("there is no token endpoint at this address; check the `issuer` setting"),
        (200..=299, _) => refuse(ErrorKind::Protocol)
            .hint("the answer has a success status and reports a failure"),
        (_, "") => refuse(ErrorKind::Protocol)
            .hint("the refusal has no code: a gateway or a wrong address answers in the issuer's place; check the `issuer` setting"),
        _ => refuse(ErrorKind::InvalidRequest)
            .with_certainty(Certainty::Possible)
            .hint("the issuer does not take this request; check the `issuer` and `audience` settings"),
    }
}
