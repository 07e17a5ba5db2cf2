//! The one error type: what happened, what may be done next, and how sure that is.

mod kind;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use kind::{Certainty, ErrorKind, Recovery};

use crate::provider::ProviderId;

/// A word that is longer is no word of a sentence.
const LONGEST_WORD: usize = 24;

/// Why an operation failed. One word wide and cheap to clone: one failure answers every waiter.
///
/// `Display` says who refused what, the kind, and the next step; it never holds a secret, a body or
/// text that the provider wrote. That text is in [`Error::detail`], for those who ask for it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    recovery: Recovery,
    certainty: Certainty,
    provider: Option<ProviderId>,
    operation: Option<&'static str>,
    status: Option<u16>,
    code: Option<Box<str>>,
    fields: Vec<FieldError>,
    request_id: Option<Box<str>>,
    hint: Cow<'static, str>,
    detail: Option<Box<str>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A complaint of the provider about one field of the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    /// The field, in the provider's own spelling, made harmless for a terminal.
    pub name: Box<str>,
    /// The provider's code or a short word for what is wrong, made harmless likewise.
    pub code: Box<str>,
}

impl FieldError {
    /// A complaint; both texts are reduced to plain characters and cut to 64.
    pub fn new(name: &str, code: &str) -> Self {
        Self { name: plain(name, 64), code: plain(code, 64) }
    }
}

impl Error {
    /// An error of `kind`, with the recovery that is usual for it, certain.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind,
            recovery: kind.usual_recovery(),
            certainty: Certainty::Certain,
            provider: None,
            operation: None,
            status: None,
            code: None,
            fields: Vec::new(),
            request_id: None,
            hint: Cow::Borrowed(kind.usual_hint()),
            detail: None,
            source: None,
        }))
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What may be done next.
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// Whether the verdict is sure, or may hide something else (an outage behind a refusal).
    pub fn certainty(&self) -> Certainty {
        self.0.certainty
    }

    /// The provider that was asked, if one was.
    pub fn provider(&self) -> Option<ProviderId> {
        self.0.provider
    }

    /// The operation that failed (`sign_in`, `refresh`, …), if it was one.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The provider's own code, if it has one, made harmless for a terminal.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Complaints about single fields of the input.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The provider's id of the request, for its support desk.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What this usually means and what to do next; part of `Display`.
    pub fn hint_text(&self) -> &str {
        &self.0.hint
    }

    /// Text written by the provider, control characters removed. It can name accounts: keep it out of
    /// logs, and escape it before it reaches a page.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Whether the same thing may be tried again by itself, now or later.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.recovery, Recovery::Retry | Recovery::WaitUntil(_))
    }

    /// Sets the recovery.
    #[must_use]
    pub fn with_recovery(self, recovery: Recovery) -> Self {
        self.edit(|inner| inner.recovery = recovery)
    }

    /// Sets the certainty.
    #[must_use]
    pub fn with_certainty(self, certainty: Certainty) -> Self {
        self.edit(|inner| inner.certainty = certainty)
    }

    /// Names the provider and the operation.
    #[must_use]
    pub fn at(self, provider: ProviderId, operation: &'static str) -> Self {
        self.edit(|inner| {
            inner.provider = Some(provider);
            inner.operation = Some(operation);
        })
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn with_status(self, status: http::StatusCode) -> Self {
        self.edit(|inner| inner.status = Some(status.as_u16()))
    }

    /// Sets the provider's code; reduced to plain characters and cut to 64.
    #[must_use]
    pub fn with_code(self, code: &str) -> Self {
        self.edit(|inner| inner.code = Some(plain(code, 64)).filter(|code| !code.is_empty()))
    }

    /// Adds complaints about fields.
    #[must_use]
    pub fn with_fields(self, fields: impl IntoIterator<Item = FieldError>) -> Self {
        self.edit(|inner| inner.fields.extend(fields.into_iter().take(32)))
    }

    /// Sets the provider's request id; reduced to plain characters and cut to 64.
    #[must_use]
    pub fn with_request_id(self, id: &str) -> Self {
        self.edit(|inner| inner.request_id = Some(plain(id, 64)).filter(|id| !id.is_empty()))
    }

    /// Sets the sentence with the documented causes and the next step. Our words only, never those of
    /// a provider, never a value that may be secret.
    #[must_use]
    pub fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.edit(|inner| inner.hint = hint.into())
    }

    /// Keeps text that the provider wrote: control characters are removed, words of more than 24
    /// characters are left out (a server may repeat a token or a hash that it was sent), it is cut to
    /// 512 characters, and it appears neither in `Display` nor in `Debug`.
    #[must_use]
    pub fn with_detail(self, text: &str) -> Self {
        let text: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(4096).collect();
        let short = |word: &str| word.chars().count() <= LONGEST_WORD;
        if !text.split_whitespace().any(short) {
            return self;
        }
        let words = text.split_whitespace().map(|word| if short(word) { word } else { "\u{2026}" });
        let clean: String = words.collect::<Vec<_>>().join(" ").chars().take(512).collect();
        self.edit(|inner| inner.detail = Some(clean.into()))
    }

    /// Drops every word of the provider that `repeats` something secret of the exchange: its code, its
    /// complaints about fields, its request id, its text.
    #[must_use]
    pub(crate) fn without_echoes(self, repeats: impl Fn(&str) -> bool) -> Self {
        self.edit(|inner| {
            for word in [&mut inner.code, &mut inner.request_id, &mut inner.detail] {
                *word = word.take().filter(|word| !repeats(word));
            }
            inner.fields.retain(|field| !repeats(&field.name) && !repeats(&field.code));
        })
    }

    /// Keeps the cause; it is told by [`std::error::Error::source`] and not repeated in `Display`.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match (inner.provider, inner.operation) {
            (Some(provider), Some(operation)) => write!(f, "{provider} {operation}: ")?,
            (Some(provider), None) => write!(f, "{provider}: ")?,
            _ => {}
        }
        write!(f, "{}", inner.kind)?;
        let mut facts = Vec::new();
        if let Some(status) = inner.status {
            facts.push(format!("HTTP {status}"));
        }
        if let Some(code) = &inner.code {
            facts.push(format!("code {code}"));
        }
        if inner.certainty == Certainty::Possible {
            facts.push("may hide another cause".into());
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        if !inner.hint.is_empty() {
            write!(f, ": {}", inner.hint)?;
        }
        for (n, field) in inner.fields.iter().enumerate() {
            let lead = if n == 0 { "; fields: " } else { ", " };
            write!(f, "{lead}{} ({})", field.name, field.code)?;
        }
        if let Recovery::WaitUntil(until) = inner.recovery {
            write!(f, "; not before {until}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("recovery", &self.0.recovery)
            .field("certainty", &self.0.certainty)
            .field("provider", &self.0.provider)
            .field("operation", &self.0.operation)
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("fields", &self.0.fields)
            .field("request_id", &self.0.request_id)
            .field("hint", &self.0.hint)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Letters, digits and a few marks; anything else becomes `?`, so that neither a terminal nor a log
/// can be steered by it.
fn plain(text: &str, most: usize) -> Box<str> {
    text.chars().take(most).map(plain_char).collect::<String>().trim().into()
}

/// What stands for `c` in a word of the provider.
pub(crate) fn plain_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || "_-.:/ ".contains(c) { c } else { '?' }
}
