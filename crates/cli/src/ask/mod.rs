//! Questions to a person: to standard error, answered by a line of the terminal at standard input.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io::{self, Write as _};

use countersign_core::SecretString;
#[cfg(unix)]
use unix::{Input, Quiet};
#[cfg(windows)]
use windows::{Input, Quiet};

use crate::answer::one_line;
use crate::apart::apart;
use crate::terminal;

/// What the terminal shows of what is typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Typing {
    /// Nothing: it is a secret.
    Hidden,
    /// Every character.
    Shown,
}

/// Asks for one line. `label` is escaped. The terminal is as before when this ends, also if it is
/// dropped because somebody has pressed Ctrl-C.
pub(crate) async fn line(label: &str, typing: Typing) -> io::Result<SecretString> {
    // Before the question: nothing typed in answer to it may be seen.
    let _quiet = match typing {
        Typing::Hidden => Some(Quiet::begin()?),
        Typing::Shown => None,
    };
    {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{}: ", terminal::escape(label))?;
        stderr.flush()?;
    }
    input_line().await
}

/// The next line of standard input. Whoever waits for it can be called off, as by Ctrl-C.
pub(crate) async fn input_line() -> io::Result<SecretString> {
    apart(|| one_line(&mut Input::new())).await?
}
