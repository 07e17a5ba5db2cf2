//! Code that a session waits for must not wait for that session: it is told so at once.

use std::ptr;

use countersign_core::{Error, ErrorKind};

use crate::cell::Cell;

crate::sync::task_local! {
    /// The session whose exchange waits for the code that runs now, by its address: a session of the
    /// same key in another keeper is another one.
    static WAITED_FOR_BY: usize;
}

/// Runs `piece`, which is somebody else's code, for an exchange of `cell`.
pub(crate) fn inside<F: Future>(cell: &Cell, piece: F) -> impl Future<Output = F::Output> + use<F> {
    WAITED_FOR_BY.scope(ptr::from_ref(cell).addr(), piece)
}

impl Cell {
    /// Whether an exchange of this session waits for whoever asks. A task that the asking code has
    /// started is not seen: it waits out its deadline.
    pub(crate) fn waits_for_caller(&self) -> bool {
        let me = ptr::from_ref(self).addr();
        WAITED_FOR_BY.try_with(|session| *session == me).unwrap_or(false)
    }

    /// Refuses to let such a caller wait.
    pub(crate) fn refuse_reentry(&self, operation: &'static str) -> Result<(), Error> {
        if self.waits_for_caller() {
            return Err(reentry().at(self.provider.id(), operation));
        }
        Ok(())
    }
}

fn reentry() -> Error {
    Error::new(ErrorKind::Configuration).hint(
        "a credential source, a sink or a transport asks the very session whose exchange waits for \
         it; give it another session or a plain client",
    )
}
