//! Why a call came to nothing.

use std::fmt;

use countersign_core::{Error, Origin};
use http::HeaderName;
use reqwest::Url;

/// Why a request has no answer. No text of it holds the query of an address or a header's value.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The session has no authorization to give.
    Auth(Error),
    /// reqwest could not send the request or read the answer; its own address is taken out.
    Http {
        /// Origin and path of the request, where there was one.
        place: Option<Box<str>>,
        /// What reqwest says.
        source: reqwest::Error,
        /// The API has answered the request before, or may have: with a refusal, after which it was sent
        /// again, or with a redirect that was followed.
        answered: bool,
    },
    /// The client's [`OriginPolicy`](crate::OriginPolicy) does not allow the address.
    Address,
    /// Credentials may not go to that address.
    Origin(OriginRefused),
    /// The client would carry these credentials to another host when it follows a redirect.
    RedirectsUnsafe(HeaderName),
    /// The caller's time was over before the request could be sent.
    TimedOut,
    /// More redirects than anybody means to follow.
    TooManyRedirects,
}

impl SendError {
    /// A request that was sent for the first time, or not at all.
    pub(crate) fn http(error: reqwest::Error) -> Self {
        Self::http_when(error, false)
    }

    pub(crate) fn http_when(error: reqwest::Error, answered: bool) -> Self {
        let place = error.url().map(|url| place(url).into());
        Self::Http { place, source: error.without_url(), answered }
    }

    /// Whether the request certainly never reached the API. If it was answered by a redirect or a refusal,
    /// and what followed from that found no connection, it has. On a client that is not ours only one
    /// without redirects (`redirect::Policy::none()`) makes this certain.
    pub fn not_sent(&self) -> bool {
        match self {
            Self::Http { source, answered, .. } => {
                !answered && (source.is_connect() || source.is_builder())
            }
            Self::Address | Self::Origin(_) | Self::RedirectsUnsafe(_) => true,
            Self::Auth(_) | Self::TimedOut | Self::TooManyRedirects => false,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str(
                "the client's policy does not allow this address; check it, or the policy",
            ),
            Self::Auth(_) => f.write_str("the session has no authorization for this request"),
            Self::Http { place, source, answered } => {
                let what = if source.is_timeout() {
                    "no answer in time; allow more time or try again"
                } else if source.is_builder() && !answered {
                    "the request could not be built; check address, headers and body"
                } else if source.is_connect() && !answered {
                    "no connection; check the network, the address and the proxy"
                } else {
                    "the request failed on its way; it may have been acted on"
                };
                match place {
                    Some(place) => write!(f, "{place}: {what}"),
                    None => f.write_str(what),
                }
            }
            Self::Origin(_) => f.write_str("credentials are not sent to this address"),
            Self::RedirectsUnsafe(header) => write!(
                f,
                "a redirect of this client could carry `{header}` to another host: use the session's \
                 own client, or vouch that this one follows redirects to the same origin only"
            ),
            Self::TimedOut => {
                f.write_str("the time of the request is over; allow more time or try again")
            }
            Self::TooManyRedirects => {
                f.write_str("the API redirects in a circle; check the address")
            }
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Auth(error) => Some(error),
            Self::Http { source, .. } => Some(source),
            Self::Origin(refused) => Some(refused),
            Self::Address | Self::RedirectsUnsafe(_) | Self::TimedOut | Self::TooManyRedirects => {
                None
            }
        }
    }
}

impl From<OriginRefused> for SendError {
    fn from(refused: OriginRefused) -> Self {
        Self::Origin(refused)
    }
}

/// Why credentials may not go to an address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginRefused {
    /// It has no scheme, host and port.
    NoOrigin,
    /// It is none of the session's API origins.
    Unknown(Origin),
    /// It is not https, nor http to loopback, or its host has two spellings.
    Unusable(Error),
    /// It holds a user name or a password.
    UserInformation,
}

impl fmt::Display for OriginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrigin => f.write_str("the address has no host; use an absolute https URL"),
            Self::Unknown(origin) => write!(
                f,
                "{origin} is none of the session's API origins; add it to `api_origins` if it is \
                 trusted with the token"
            ),
            Self::Unusable(error) => write!(f, "{}", error.hint_text()),
            Self::UserInformation => {
                f.write_str("the address holds a user name or password; take it out")
            }
        }
    }
}

impl std::error::Error for OriginRefused {}

/// Origin and path of an address: what an error may show of it.
pub(crate) fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
