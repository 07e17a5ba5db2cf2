//! The end of a program that may hang.

use std::process::{Child, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// So often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);
/// Nothing that a test waits for takes so many looks; a program that hangs is a failure and not a wait.
const MOST_LOOKS: u32 = 600;
/// Somebody who asks again and again is heard before.
const MOST_ASKS: u32 = 150;

/// Waits for the end of `child`.
pub(crate) fn end_of(child: Child) -> ExitStatus {
    ended(child, MOST_LOOKS, None)
}

/// Asks `child` to end, again and again, as somebody does who is not heard.
pub(crate) fn terminated(child: Child) -> ExitStatus {
    ended(child, MOST_ASKS, Some(Signal::TERM))
}

fn ended(mut child: Child, looks: u32, asking: Option<Signal>) -> ExitStatus {
    let id = Pid::from_child(&child);
    let (tell, hear) = channel();
    std::thread::spawn(move || tell.send(child.wait()));
    for _ in 0..looks {
        match hear.recv_timeout(LOOK) {
            Ok(status) => return status.unwrap(),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(signal) = asking {
            // It may have ended in this moment.
            let _ = kill_process(id, signal);
        }
    }
    kill_process(id, Signal::KILL).unwrap();
    panic!("it could not be called off");
}
