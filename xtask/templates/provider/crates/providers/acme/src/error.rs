//! What a failure means: a status that speaks for itself, else operation and status. The code is told, the
//! prose is kept as detail.

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};

use crate::wire::Complaint;

/// The error for an answer that is no success.
pub(crate) fn refused(operation: &Operation, response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let error = response.status_error(now).unwrap_or_else(|| {
        let told = || table(operation.name(), status.as_u16());
        // A page is the word of a gateway, which is no plain no of Acme: it ends no session, and a password may have
        // been refused behind it.
        match operation {
            Operation::Refresh if response.is_html() => gateway(),
            _ if response.is_html() => told().with_certainty(Certainty::Possible),
            _ => told(),
        }
    });
    let complaint: Complaint = response.json().unwrap_or_default();
    error
        .with_status(status)
        .with_code(complaint.code.as_deref().unwrap_or_default())
        .with_detail(complaint.message.as_deref().unwrap_or_default())
}

fn gateway() -> Error {
    Error::new(ErrorKind::Protocol).hint(
        "the answer is a web page: a gateway or a wrong address answers in Acme's place",
    )
}

/// (operation, status) → what happened, how to go on, and what it usually means.
fn table(operation: &str, status: u16) -> Error {
    let refuse = Error::new;
    match (operation, status) {
        ("sign_in", 401) => refuse(ErrorKind::InvalidGrant)
            .hint("the user name or the password is wrong; correct them before trying again"),
        ("sign_in", 403) => refuse(ErrorKind::AccountDisabled)
            .with_certainty(Certainty::Possible)
            .hint("the account may be suspended, or a gateway refuses this network"),

        ("refresh", 400 | 401 | 403) => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::Reauthenticate)
            .hint("the refresh token is expired, revoked or malformed; sign in again"),

        (_, 404 | 405) => {
            refuse(ErrorKind::Protocol).hint("there is no such endpoint at this address; check it")
        }
        _ => refuse(ErrorKind::InvalidRequest)
            .hint("Acme does not take this request; check the address"),
    }
}
