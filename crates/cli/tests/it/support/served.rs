//! A simulator in the test's own process, whose accounts the test can change.

use std::sync::mpsc;
use std::thread::JoinHandle;

use countersign_simulator::Simulator;
use tokio::sync::oneshot;

/// A simulator behind a socket; it ends with this value.
pub(crate) struct Served {
    pub(crate) simulator: Simulator,
    pub(crate) url: String,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves it.
    pub(crate) fn start(simulator: Simulator) -> Self {
        let (end, ended) = oneshot::channel();
        let (tell, hear) = mpsc::channel();
        let server = simulator.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let running = server.serve().await.unwrap();
                tell.send(running.url()).unwrap();
                // An error means that the test has gone.
                let _ = ended.await;
                running.shutdown().await;
            });
        });
        Self { simulator, url: hear.recv().unwrap(), end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.end.take());
        let joined = self.thread.take().unwrap().join();
        assert!(joined.is_ok() || std::thread::panicking());
    }
}
