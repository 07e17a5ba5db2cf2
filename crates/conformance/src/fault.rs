//! What may go wrong on the way or at the server, and how often.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tokio::sync::watch;

use crate::expect::Finding;

/// One thing that goes wrong with one request.
///
/// Each says whether the server *acts*, that is carries out what was asked before things go wrong.
/// Those under *on the way* are played by the suite itself, before any server: in memory, or by a
/// [`crate::Way`]; those under *in the server's words* need a server with [`crate::Control::Words`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    // On the way.
    /// No connection comes about; the engine is told that nothing was sent. Does not act.
    Refuse,
    /// The connection ends before the request is read. Does not act, and nobody can know.
    Cut,
    /// The connection ends after the server has acted.
    LoseAnswer,
    /// The connection ends after so many bytes of the answer's body. Acts.
    CutAt(usize),
    /// The connection ends after so many bytes of the answer, counted from the first of its status line. Acts.
    CutAtByte(usize),
    /// The answer's body ends after so many bytes, as if that were all. Acts.
    Shortened(usize),
    /// Neither answer nor end of connection. Does not act.
    Hang,
    /// The answer comes late. Acts at once.
    Delay(Duration),
    /// The answer waits until the gate is opened. Acts at once.
    Held(Gate),
    /// The answer comes one byte after the other. Acts at once.
    Dripping,
    /// The bytes of the answer come twice, the second time behind its end. Acts.
    AnsweredTwice,
    /// A gateway sends the request twice and passes the second answer on. Acts twice.
    Twice,
    /// This status and body in the place of the server's. Does not act.
    Instead {
        /// The status.
        status: u16,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: &'static str,
    },
    /// The same with a body that need not be text.
    Bytes {
        /// The status.
        status: u16,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: &'static [u8],
    },
    /// This status and JSON that repeats what was sent in every member that may hold words. Does not act.
    Echo(u16),
    /// A redirect to this address, with the status 307. Does not act.
    Redirect(&'static str),
    /// A header of the answer is replaced. Acts.
    Header(&'static str, &'static str),
    /// The `Date` header is wrong by that many milliseconds. Acts.
    WrongDate(i64),
    /// More bytes than a transport lets through. Does not act.
    Flood,
    /// 200 and a small body that unpacks to that many bytes. Does not act.
    GzipBomb(u64),
    /// The last good answer to the same operation once more, as from a cache. Does not act, unless
    /// there was none.
    Again,
    /// The transport panics. Does not act.
    Panic,
    /// The adapter panics over the answer. Acts.
    PanicWhenRead,
    /// The `Date` header is wrong by that many milliseconds, and `Age` says that a cache has kept the
    /// answer. Acts.
    KeptDate(i64),

    // In the server's words.
    /// 429 in the provider's own words. Does not act.
    TooManyRequests(RetryAfter),
    /// 500 in the provider's own words. Does not act.
    ServerError,
    /// 503 in the provider's own words. Does not act.
    Unavailable,
    /// A good token is refused as a bad one is. Does not act.
    Unauthorized,
    /// The expiry fields of the answer hold nonsense. Acts.
    AbsurdExpiry(Absurd),
    /// The expiry fields are missing. Acts.
    MissingExpiry,
    /// The access token of the answer is the empty string. Acts.
    EmptyToken,
    /// The access token of the answer has 64 KiB. Acts.
    HugeToken,
    /// The access token of the answer has a line end and a header in it. Acts.
    TokenWithNewline,
    /// Every member of the answer's JSON object twice, with other tokens the second time. Acts.
    DuplicateJson,
    /// 200 with a JSON document of 100,000 nested arrays. Does not act.
    DeepJson,
}

impl Fault {
    /// 502 with the HTML page of a gateway. Does not act.
    pub const GATEWAY_PAGE: Self = Self::Instead {
        status: 502,
        content_type: "text/html",
        body: "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
    };

    /// The word for it in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refuse => "refused",
            Self::Cut => "cut",
            Self::LoseAnswer => "answer_lost",
            Self::CutAt(_) => "cut_in_the_body",
            Self::CutAtByte(_) => "cut_at_a_byte",
            Self::Shortened(_) => "shortened",
            Self::Hang => "hang",
            Self::Delay(_) => "delay",
            Self::Held(_) => "held",
            Self::Dripping => "dripping",
            Self::AnsweredTwice => "answered_twice",
            Self::Twice => "sent_twice",
            Self::Instead { .. } | Self::Bytes { .. } => "answered_by_a_gateway",
            Self::Echo(_) => "echo",
            Self::Redirect(_) => "redirect",
            Self::Header(..) => "other_header",
            Self::WrongDate(_) => "wrong_date",
            Self::Flood => "flood",
            Self::Again => "answered_from_a_cache",
            Self::Panic => "panic",
            Self::PanicWhenRead => "panic_when_read",
            Self::KeptDate(_) => "date_of_a_cache",
            Self::TooManyRequests(_) => "too_many_requests",
            Self::ServerError => "server_error",
            Self::Unavailable => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::AbsurdExpiry(_) => "absurd_expiry",
            Self::MissingExpiry => "missing_expiry",
            Self::EmptyToken => "empty_token",
            Self::HugeToken => "huge_token",
            Self::TokenWithNewline => "token_with_newline",
            Self::DuplicateJson => "duplicate_json",
            Self::DeepJson => "deep_json",
            Self::GzipBomb(_) => "gzip_bomb",
        }
    }

    /// Whether the suite plays it on the way, before any server.
    pub(crate) const fn is_on_the_way(&self) -> bool {
        matches!(
            self,
            Self::Refuse
                | Self::Cut
                | Self::LoseAnswer
                | Self::CutAt(_)
                | Self::CutAtByte(_)
                | Self::Shortened(_)
                | Self::Dripping
                | Self::AnsweredTwice
                | Self::GzipBomb(_)
                | Self::Hang
                | Self::Delay(_)
                | Self::Held(_)
                | Self::Twice
                | Self::Instead { .. }
                | Self::Bytes { .. }
                | Self::Echo(_)
                | Self::Redirect(_)
                | Self::Header(..)
                | Self::WrongDate(_)
                | Self::Flood
                | Self::Again
                | Self::Panic
                | Self::PanicWhenRead
                | Self::KeptDate(_)
        )
    }
}

impl Fault {
    /// Why it can be played nowhere, if it cannot.
    #[track_caller]
    pub(crate) fn is_impossible(&self) -> Option<Finding> {
        let Self::Header(name, value) = self else { return None };
        let no_name = HeaderName::from_bytes(name.as_bytes()).is_err();
        let wrong = no_name || HeaderValue::from_str(value).is_err();
        wrong.then(|| {
            Finding::new("a fault with a header", format!("{name:?} with the value {value:?}"))
        })
    }

    /// Whether it is one of this process, wherever the server is.
    pub(crate) const fn is_a_panic(&self) -> bool {
        matches!(self, Self::Panic | Self::PanicWhenRead)
    }
}

/// Nonsense in place of an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absurd {
    /// `3600.5`
    Float,
    /// `1e300`
    Huge,
    /// `-1`
    Negative,
    /// `"soon"`
    String,
    /// `0`
    Zero,
}

/// What a 429 says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Silent,
    /// The provider's own header with that many seconds from now; nothing where it has none.
    Own(u64),
    /// `Retry-After` with the date that is so many seconds from now (RFC 9110 §10.2.3).
    Date(u64),
    /// `Retry-After` in seconds.
    Seconds(u64),
}

/// How many requests meet a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next so many.
    Next(u32),
    /// All from now on.
    Always,
}

/// Holds answers until it is opened. Clones are one gate; it opens for good.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<(usize, bool)>>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new((0, false))))
    }

    /// How many answers have come to it. All of their requests were carried out.
    pub fn n_waiting(&self) -> usize {
        self.0.borrow().0
    }

    /// Opens it for those that wait and all that will come.
    pub fn open(&self) {
        self.0.send_modify(|(_, open)| *open = true);
    }

    /// Waits until an answer has come to it.
    pub async fn reached(&self) {
        // The sender lives as long as this gate.
        let _ = self.0.subscribe().wait_for(|(seen, _)| *seen > 0).await;
    }

    pub(crate) async fn pass(&self) {
        self.0.send_modify(|(seen, _)| *seen += 1);
        let _ = self.0.subscribe().wait_for(|(_, open)| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
