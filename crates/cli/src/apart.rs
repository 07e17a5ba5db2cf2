//! Reading and writing what may wait for somebody, on a thread of its own.

use std::io;

use tokio::sync::oneshot;

/// What `work` reads or writes. Whoever waits for it can be called off, as by Ctrl-C or by a deadline: a read that waits
/// cannot be, and its thread does not hold the program's end back.
///
/// # Errors
/// If there is no thread, or it has panicked.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (tell, hear) = oneshot::channel();
    std::thread::Builder::new().name("apart".into()).spawn(move || drop(tell.send(work())))?;
    hear.await.map_err(|_| io::ErrorKind::UnexpectedEof.into())
}
