//! The console of Windows.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::windows::io::AsHandle;

use winapi_util::HandleRef;
use winapi_util::console::{mode, set_mode};

use crate::terminal;

// Of consoleapi.h.
const PROCESSED_INPUT: u32 = 1;
const LINE_INPUT: u32 = 2;
const ECHO_INPUT: u32 = 4;

/// Standard input. A file or a pipe is read without a buffer, in which secrets would stay and lines for others be
/// lost. A console is read by the standard library, which alone knows its text, and keeps the last line that was
/// typed in its buffer.
pub(super) enum Input {
    Console(io::Stdin),
    Other(io::Result<File>),
}

impl Input {
    pub(super) fn new() -> Self {
        let stdin = io::stdin();
        if terminal::is_console() {
            return Self::Console(stdin);
        }
        Self::Other(stdin.as_handle().try_clone_to_owned().map(File::from))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Console(stdin) => stdin.read(buffer),
            Self::Other(Ok(file)) => file.read(buffer),
            Self::Other(Err(error)) => Err(error.kind().into()),
        }
    }
}

/// The console shows nothing of what is typed, and Ctrl-C is still heard. Ends when dropped.
pub(super) struct Quiet {
    before: u32,
}

impl Quiet {
    pub(super) fn begin() -> io::Result<Self> {
        let before = mode(HandleRef::stdin())?;
        set_mode(HandleRef::stdin(), before & !ECHO_INPUT | LINE_INPUT | PROCESSED_INPUT)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The console may be gone; then there is nothing to set right.
        let _ = set_mode(HandleRef::stdin(), self.before);
        // The end of the line was not shown either.
        let _ = writeln!(io::stderr());
    }
}
