//! Questions to a person: to standard error, answered by a line of the terminal at standard input.

use std::io::{self, Read, Write as _};

use countersign_core::SecretString;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::sync::oneshot;

use crate::answer::one_line;
use crate::terminal;

/// What the terminal shows of what is typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Typing {
    /// Nothing: it is a secret.
    Hidden,
    /// Every character.
    Shown,
}

/// No key does what this stands for (`_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

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
    let (tell, hear) = oneshot::channel();
    // A read that waits cannot be called off. A thread of its own does not hold the program's end back.
    std::thread::Builder::new()
        .name("input".into())
        .spawn(move || drop(tell.send(one_line(&mut Input))))?;
    hear.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()))
}

/// Standard input without a buffer, in which secrets would stay and lines for others be lost.
struct Input;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
    }
}

/// The terminal shows nothing of what is typed but the end of the line, and no key stops the program
/// while that is so. Ends when dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        quiet.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to set right.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}
