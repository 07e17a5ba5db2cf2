//! The binary at a terminal of its own, driven as a person would.

use std::io::{Read, Write};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};

use super::{BINARY, Home};

/// Nothing that a test waits for takes so long; a program that hangs is a failure and not a wait.
const LONGEST: Duration = Duration::from_secs(120);

/// Ctrl-C, as a terminal sends it.
pub(crate) const CTRL_C: &str = "\u{3}";

/// A running program and what it has shown.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    shows: Receiver<Vec<u8>>,
    screen: String,
    /// What of it was waited for already.
    seen: usize,
}

impl Terminal {
    /// Starts the binary.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(50, 200)).unwrap();
        let mut command = home.command(BINARY);
        command.args(arguments);
        let child = Command::from(command).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (show, shows) = channel();
        let reader = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the program is an error of the terminal.
            while let Ok(n @ 1..) = (&*reader).read(&mut bytes) {
                if show.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, pty, shows, screen: String::new(), seen: 0 }
    }

    /// Waits until the screen shows `text`, after what was waited for before.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(at) = self.screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            match self.shows.recv_timeout(LONGEST) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("{text:?} never comes: {}", self.screen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it has ended without {text:?}: {}", self.screen)
                }
            }
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        self.presses(&format!("{line}\n"))
    }

    /// Presses keys.
    pub(crate) fn presses(&mut self, keys: &str) -> &mut Self {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&*self.pty).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// The id of the program's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands after `label` on the line that has just been waited for.
    #[track_caller]
    pub(crate) fn rest_of_line(&mut self, label: &str) -> String {
        self.shows(label);
        let from = self.seen;
        self.shows("\n");
        self.screen[from..self.seen].trim().to_owned()
    }

    /// Waits for the end, and gives everything that was shown.
    #[track_caller]
    pub(crate) fn ends(mut self, code: i32) -> String {
        while let Ok(bytes) = self.shows.recv_timeout(LONGEST) {
            self.screen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{}", self.screen);
        assert!(self.echoes(), "the terminal is left mute");
        std::mem::take(&mut self.screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
