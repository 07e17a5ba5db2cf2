//! The two streams: data to standard output, words to standard error.

use std::io::{self, Write};

use crate::apart::apart;
use crate::exit::Exit;
use crate::problem::Problem;

/// Writes data, all of it, or says why not.
pub(crate) fn data(bytes: &[u8]) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| unwritable(&error))
}

/// The same where something else goes on meanwhile, such as a renewal that holds a lock, or somebody who may ask the
/// program to end: whoever reads may take his time.
pub(crate) async fn data_apart(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<(), Problem> {
    apart(move || data(bytes.as_ref())).await.unwrap_or_else(|error| Err(unwritable(&error)))
}

/// Why standard output ended.
pub(crate) fn unwritable(error: &io::Error) -> Problem {
    Problem::new(
        Exit::Refused,
        "standard output cannot be written",
        "check what reads it, and the disk that it goes to",
    )
    .note(error.to_string())
}

/// Writes one line of data.
pub(crate) fn line(text: &str) -> Result<(), Problem> {
    data(format!("{text}\n").as_bytes())
}

/// Writes one JSON object on a line of its own.
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Problem> {
    line(&value.to_string())
}

/// Tells the person something. A closed standard error is not worth failing for.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Shows a problem.
pub(crate) fn report(problem: &Problem) {
    let _ = io::stderr().lock().write_all(problem.lines().as_bytes());
}
