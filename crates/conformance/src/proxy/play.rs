//! What the client finds on its socket.

use std::io;

use countersign_core::SecretBytes;
use countersign_core::http::{HttpRequest, HttpResponse};
use http::Uri;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;

use super::errand::{Errand, Wanted};
use super::{Shared, bytes};
use crate::fault::Fault;
use crate::made;
use crate::operation::Op;

/// Answers one request; the end of it is the end of the connection.
///
/// # Errors
/// The client has gone.
pub(super) async fn play(
    shared: &Shared,
    errand: &Errand,
    request: HttpRequest,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let fault = match &errand.wanted {
        Wanted::Sent(fault) => fault.as_ref(),
        Wanted::Replayed(kept) => return replay(shared, errand.op, *kept, write).await,
    };
    let Some(fault) = fault else {
        return match onward(shared, errand, request).await {
            Some(answer) => whole(&answer, write).await,
            None => Ok(()),
        };
    };
    match fault {
        Fault::Refuse | Fault::Cut => Ok(()),
        Fault::Hang => std::future::pending().await,
        Fault::Flood => flood(write).await,
        Fault::GzipBomb(total) => write.write_all(bytes::bomb(*total)?.expose_bytes()).await,
        Fault::Redirect(to) => whole(&made::redirect(&led_away(shared, to)), write).await,
        Fault::Instead { .. } | Fault::Bytes { .. } | Fault::Echo(_) => {
            match made::instead(fault, &request) {
                Some(answer) => whole(&answer, write).await,
                None => Ok(()),
            }
        }
        Fault::Again if shared.errands.last(errand.op).is_some() => {
            replay(shared, errand.op, None, write).await
        }
        Fault::Twice => {
            // What became of the first nobody learns.
            let _ = onward(shared, errand, request.clone()).await;
            match onward(shared, errand, request).await {
                Some(answer) => whole(&answer, write).await,
                None => Ok(()),
            }
        }
        _ => match onward(shared, errand, request).await {
            Some(answer) => spoiled(shared, fault, &answer, write).await,
            None => Ok(()),
        },
    }
}

/// An answer that the service has given, and what becomes of it.
async fn spoiled(
    shared: &Shared,
    fault: &Fault,
    answer: &HttpResponse,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let kept = |most: usize| most.min(bytes::of(answer).len());
    match fault {
        Fault::LoseAnswer => Ok(()),
        Fault::CutAt(most) => part(answer, kept(bytes::head_of(answer) + most), write).await,
        Fault::CutAtByte(most) => part(answer, kept(*most), write).await,
        Fault::AnsweredTwice => {
            whole(answer, write).await?;
            whole(answer, write).await
        }
        Fault::Dripping => {
            for byte in bytes::of(answer).expose_bytes() {
                write.write_all(std::slice::from_ref(byte)).await?;
                // The client shall see each of them alone.
                tokio::task::yield_now().await;
            }
            Ok(())
        }
        Fault::Delay(span) => {
            shared.clock.sleep_until(shared.clock.monotonic().after(*span)).await;
            whole(answer, write).await
        }
        Fault::Held(gate) => {
            gate.pass().await;
            whole(answer, write).await
        }
        _ => whole(&made::changed(fault, answer, shared.clock.now()), write).await,
    }
}

/// Asks the service, and keeps what it says.
async fn onward(shared: &Shared, errand: &Errand, request: HttpRequest) -> Option<HttpResponse> {
    match shared.onward.send(request).await {
        Ok(answer) => {
            if answer.status().is_success() && Op::Auth.covers(errand.op) {
                shared.errands.keep(errand.op, &bytes::of(&answer));
            }
            Some(answer)
        }
        Err(error) => {
            errand.fail(error);
            None
        }
    }
}

async fn replay(
    shared: &Shared,
    op: Op,
    kept: Option<usize>,
    write: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let answer = shared.errands.last(op).unwrap_or_default();
    let all: &[u8] = answer.expose_bytes();
    write.write_all(&all[..kept.unwrap_or(all.len()).min(all.len())]).await
}

async fn whole(answer: &HttpResponse, write: &mut OwnedWriteHalf) -> io::Result<()> {
    write.write_all(bytes::of(answer).expose_bytes()).await
}

async fn part(answer: &HttpResponse, kept: usize, write: &mut OwnedWriteHalf) -> io::Result<()> {
    let answer: SecretBytes = bytes::of(answer);
    write.write_all(&answer.expose_bytes()[..kept]).await
}

async fn flood(write: &mut OwnedWriteHalf) -> io::Result<()> {
    write.write_all(bytes::endless().expose_bytes()).await?;
    loop {
        write.write_all(&[b' '; 64 * 1024]).await?;
    }
}

/// A redirect leads to where somebody watches.
fn led_away(shared: &Shared, to: &str) -> String {
    let to = to.parse::<Uri>().ok();
    let path = to.as_ref().and_then(Uri::path_and_query).map_or("/", |path| path.as_str());
    format!("http://{}{path}", shared.elsewhere)
}
