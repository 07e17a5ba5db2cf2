//! The ways on which a secret can get out, each with a way to send something through it for real.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign::core::http::HttpRequest;
use countersign::core::transport::{Delivery, Reason, TransportError};
use countersign::{Error, ErrorKind};

use crate::recorder;

/// A way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Channel {
    /// A `tracing` event: a message and a field.
    Event,
    /// A `tracing` span's field.
    Span,
    /// A record of `log`.
    Log,
    /// An error's own words.
    Display,
    /// The `Debug` of an error, plain and alternate.
    ErrorDebug,
    /// An error's chain of causes.
    Cause,
    /// The text of a provider.
    Detail,
    /// What a panic prints.
    Panic,
    /// The `Debug` of a public type.
    Debug,
    /// A report in JSON.
    Report,
    /// A file of the store.
    File,
    /// The arguments of a process.
    Arguments,
    /// The environment of a process.
    Environment,
}

impl Channel {
    pub(crate) const ALL: [Self; 13] = [
        Self::Event,
        Self::Span,
        Self::Log,
        Self::Display,
        Self::ErrorDebug,
        Self::Cause,
        Self::Detail,
        Self::Panic,
        Self::Debug,
        Self::Report,
        Self::File,
        Self::Arguments,
        Self::Environment,
    ];

    /// How many of them a session uses: reports, arguments and environments are of the command-line
    /// tool, whose own tests search them.
    pub(crate) const LIVE: usize = Self::ALL.len() - 3;

    /// Lets `text` out here, and answers what the search is given of this channel.
    pub(crate) fn leak(self, text: &str) -> Vec<u8> {
        match self {
            Self::Event => after(recorder::logs, || {
                tracing::trace!(target: "planted", field = text, "a planted leak");
            }),
            Self::Span => after(recorder::logs, || {
                let _span = tracing::trace_span!(target: "planted", "planted", text).entered();
            }),
            Self::Log => after(recorder::logs, || log::trace!(target: "planted", "{text}")),
            Self::Display => told(&Error::new(ErrorKind::Protocol).hint(text.to_owned())),
            Self::ErrorDebug => {
                // As one would who derives it.
                told_of(&io::Error::other(text.to_owned()), false)
            }
            Self::Cause => {
                let cause = io::Error::other(text.to_owned());
                let lost = TransportError::new(Delivery::Unknown, Reason::Interrupted);
                told(&Error::new(ErrorKind::Transport).with_source(lost.with_source(cause)))
            }
            Self::Detail => {
                // Long words are left out of it, so that the leak comes in short ones.
                let short: Vec<_> = text.chars().collect();
                let short: Vec<String> =
                    short.chunks(20).map(|part| part.iter().collect()).collect();
                let error = Error::new(ErrorKind::Protocol).with_detail(&short.join(" "));
                let joined = error.detail().unwrap_or_default().replace(' ', "");
                [told(&error), joined.into_bytes()].concat()
            }
            Self::Panic => after(recorder::panics, || {
                let text = text.to_owned();
                let thread = std::thread::Builder::new().name(recorder::QUIET.to_owned());
                let panics = thread.spawn(move || panic!("{text}")).expect("a thread");
                panics.join().expect_err("it panics");
            }),
            Self::Debug => debug(&HttpRequestShown { request: text }),
            Self::Report => serde_json::to_vec(&serde_json::json!({ "why": text })).expect("JSON"),
            Self::File => {
                let folder = tempfile::tempdir().expect("a folder");
                fs::create_dir(folder.path().join("records")).expect("a folder");
                fs::write(folder.path().join("records/planted.rec"), text).expect("a file");
                files(folder.path())
            }
            Self::Arguments => process(Command::new("cat").args(["--", text]), "cmdline"),
            Self::Environment => process(Command::new("cat").env("PLANTED", text), "environ"),
        }
    }
}

/// As if [`HttpRequest`] derived its `Debug`.
#[derive(Debug)]
#[expect(dead_code, reason = "shown by Debug alone")]
struct HttpRequestShown<'a> {
    request: &'a str,
}

/// `Debug` in both forms.
pub(crate) fn debug(value: &dyn std::fmt::Debug) -> Vec<u8> {
    format!("{value:?}\n{value:#?}\n").into_bytes()
}

/// All that an error tells: its words, its `Debug` in both forms, its causes, and the provider's text.
pub(crate) fn told(error: &Error) -> Vec<u8> {
    let mut told = told_of(error, true);
    told.extend_from_slice(error.detail().unwrap_or_default().as_bytes());
    told.push(b'\n');
    told
}

/// The same for any error.
pub(crate) fn told_of(error: &dyn std::error::Error, causes: bool) -> Vec<u8> {
    let mut told = format!("{error}\n{error:#}\n{error:?}\n{error:#?}\n");
    let mut cause = error.source().filter(|_| causes);
    while let Some(source) = cause {
        told.push_str(&format!("{source}\n{source:?}\n{source:#?}\n"));
        cause = source.source();
    }
    told.into_bytes()
}

/// Names and contents of all files below `folder`.
pub(crate) fn files(folder: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        content.extend_from_slice(format!("\n{}\n", path.display()).as_bytes());
        if path.is_dir() {
            content.extend(files(&path));
        } else {
            content.extend(fs::read(&path).expect("a file"));
        }
    }
    content
}

/// What `read` has more after `act` than before.
fn after(read: fn() -> String, act: impl FnOnce()) -> Vec<u8> {
    let before = read().len();
    act();
    read().into_bytes().split_off(before)
}

/// What the system shows of a process, as the process itself reads it.
fn process(command: &mut Command, what: &str) -> Vec<u8> {
    // The planted argument is no file: the complaint about it is dropped.
    let output = command.arg(format!("/proc/self/{what}")).stderr(Stdio::null()).output();
    output.expect("cat is everywhere").stdout
}

/// Keeps the type that [`HttpRequestShown`] stands for in view.
#[test]
fn the_real_request_shows_neither_query_nor_body() {
    let url = "http://127.0.0.1/a?secret=canary-query";
    let request = HttpRequest::post_json(url, &"canary-body").expect("an address");
    assert_eq!(String::from_utf8(debug(&request)).expect("text").matches("canary").count(), 0);
    assert!(std::error::Error::source(&Error::new(ErrorKind::Protocol)).is_none());
}
