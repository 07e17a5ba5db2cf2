//! Reading what may wait for somebody, on a thread of its own.

use std::io;

use tokio::sync::oneshot;

/// What `read` reads. Whoever waits for it can be called off, as by Ctrl-C or by a deadline: a read that waits cannot
/// be, and its thread does not hold the program's end back.
///
/// # Errors
/// If there is no thread, or it has panicked.
pub(crate) async fn apart<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (tell, hear) = oneshot::channel();
    std::thread::Builder::new().name("input".into()).spawn(move || drop(tell.send(read())))?;
    hear.await.map_err(|_| io::ErrorKind::UnexpectedEof.into())
}
