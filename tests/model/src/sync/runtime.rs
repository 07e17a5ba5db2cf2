//! Runtimes that can be dropped while their tasks are under way.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use shuttle::future::{JoinHandle, block_on};

shuttle::thread_local! {
    static CURRENT: RefCell<Option<Handle>> = RefCell::new(None)
}

/// Names a [`Runtime`] and spawns on it, as [`tokio::runtime::Handle`] does.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    id: u32,
    gone: shuttle::sync::atomic::AtomicBool,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    /// Held to the end: a task that nobody can end any more is a deadlock.
    running: Vec<JoinHandle<Option<()>>>,
    wakers: Vec<Waker>,
}

/// A runtime of the model. Its tasks interleave with those of all others.
#[derive(Debug)]
pub struct Runtime(Handle);

/// There is no runtime where this was asked.
#[derive(Clone, Copy, Debug)]
pub struct NoRuntime;

/// A task that was spawned on this runtime. It goes on by itself.
#[derive(Debug)]
pub struct Spawned(Handle);

impl Spawned {
    /// Where it runs.
    pub fn handle(&self) -> &Handle {
        &self.0
    }
}

impl Handle {
    /// The runtime whose task asks.
    ///
    /// # Errors
    /// [`NoRuntime`] outside of any.
    pub fn try_current() -> Result<Self, NoRuntime> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten().ok_or(NoRuntime)
    }

    /// Its name.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// Starts `task`. On a runtime that has gone, `task` is dropped here and now.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Spawned {
        if self.0.gone.load(Ordering::SeqCst) {
            drop(task);
            return Spawned(self.clone());
        }
        let handle = shuttle::future::spawn(Task { of: self.clone(), inner: Some(Box::pin(task)) });
        self.0.tasks().running.push(handle);
        Spawned(self.clone())
    }

    /// Does `work` when others have had their turn, as a thread for long work would.
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime has gone meanwhile.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, NoRuntime>> + Send {
        let runtime = self.clone();
        async move {
            shuttle::future::yield_now().await;
            match runtime.0.gone.load(Ordering::SeqCst) {
                true => Err(NoRuntime),
                false => Ok(work()),
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.0.id)
    }
}

impl Inner {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime {
    /// A runtime by this name, which no other has.
    pub fn new(id: u32) -> Self {
        let gone = shuttle::sync::atomic::AtomicBool::new(false);
        Self(Handle(Arc::new(Inner { id, gone, tasks: Mutex::default() })))
    }

    /// What the driver sees of it.
    pub fn handle(&self) -> Handle {
        self.0.clone()
    }

    /// From here on the calling task belongs to it.
    pub fn enter(&self) {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.handle()));
    }

    /// A caller on this runtime, who can be aborted and joined; `None` if the runtime has gone first.
    pub fn call<T: Send + 'static>(
        &self,
        caller: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        shuttle::future::spawn(Task { of: self.handle(), inner: Some(Box::pin(caller)) })
    }

    /// How many of its tasks have not ended.
    pub fn n_tasks(&self) -> usize {
        self.0.0.tasks().running.iter().filter(|task| !task.is_finished()).count()
    }

    /// Drops it: its tasks are dropped where they wait, and none is taken any more.
    pub fn shut_down(&self) {
        self.0.0.gone.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut self.0.0.tasks().wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until every task has ended.
    pub fn join(&self) {
        loop {
            let Some(task) = self.0.0.tasks().running.pop() else { return };
            // Nothing of ours aborts such a task.
            drop(block_on(task));
        }
    }
}

struct Task<T> {
    of: Handle,
    inner: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T> Task<T> {
    fn is_over(&mut self) -> bool {
        let over = self.of.0.gone.load(Ordering::SeqCst);
        if over {
            self.inner = None;
        }
        over
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.of.clone()));
        if self.is_over() {
            return Poll::Ready(None);
        }
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        if let Poll::Ready(end) = inner.as_mut().poll(cx) {
            self.inner = None;
            return Poll::Ready(Some(end));
        }
        {
            let mut tasks = self.of.0.tasks();
            if !tasks.wakers.iter().any(|known| known.will_wake(cx.waker())) {
                tasks.wakers.push(cx.waker().clone());
            }
        }
        // It may have gone while this was being polled.
        if self.is_over() { Poll::Ready(None) } else { Poll::Pending }
    }
}
