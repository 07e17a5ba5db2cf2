//! What every crate of this process logs, at trace level, in memory; and what panics print.
//!
//! reqwest logs through `log`, hyper-util and the crates of this project through `tracing`: both end
//! here, without a filter and without times. (hyper itself, tokio and mio log only when they are built
//! with features that are unstable or off here.)

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LOGS: Mutex<Logs> = Mutex::new(Logs { text: String::new(), crates: BTreeSet::new() });
static PANICS: Mutex<String> = Mutex::new(String::new());

/// Panics of a thread of this name are recorded and not printed.
pub(crate) const QUIET: &str = "planted";

/// So are panics that say this.
pub(crate) const ON_PURPOSE: &str = "a source of a test panics";

struct Logs {
    text: String,
    crates: BTreeSet<String>,
}

/// Begins to record; later calls do nothing.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        tracing::subscriber::set_global_default(Recorder(AtomicU64::new(1))).expect("the first");
        log::set_logger(&Facade).expect("the first");
        log::set_max_level(log::LevelFilter::Trace);
        let printed = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // What the usual hook prints, without its place on the stack.
            let said = format!("{info}\n");
            lock(&PANICS).push_str(&said);
            if std::thread::current().name() != Some(QUIET) && !said.contains(ON_PURPOSE) {
                printed(info);
            }
        }));
    });
}

/// Everything that was logged so far.
pub(crate) fn logs() -> String {
    lock(&LOGS).text.clone()
}

/// The crates that have logged so far.
pub(crate) fn crates() -> BTreeSet<String> {
    lock(&LOGS).crates.clone()
}

/// Everything that panics have printed so far.
pub(crate) fn panics() -> String {
    lock(&PANICS).clone()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(target: &str, line: &str) {
    let mut logs = lock(&LOGS);
    logs.text.push_str(&format!("{target}: {line}\n"));
    let name = target.split("::").next().unwrap_or(target);
    logs.crates.insert(name.to_owned());
}

struct Recorder(AtomicU64);

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }

    // The default would escape it: what is told is searched as it is too.
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!(" {field}={value}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        keep(span.metadata().target(), &line.0);
        Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("span".to_owned());
        values.record(&mut line);
        keep("spans", &line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        keep(event.metadata().target(), &line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Facade;

impl log::Log for Facade {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        keep(record.target(), &format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}
