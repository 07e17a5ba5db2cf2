//! Where a credential may go: scheme, host and port, and base addresses under them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, ErrorKind};

/// The two schemes that HTTP has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// Without TLS; allowed for loopback only.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of an address that names none: 80 or 443.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port (RFC 6454 §4): the unit in which credentials are bound.
///
/// A plain `http` origin exists only for a literal loopback address and for `localhost`. Hosts are
/// kept in lower case; a name outside ASCII must be written in its `xn--` form, so that there is one
/// spelling to compare.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// As it is written, in the one spelling that there is: keys and records name it so.
    text: Box<str>,
    scheme: Scheme,
    /// Where the host ends in the text.
    host_ends: usize,
    port: u16,
}

impl Origin {
    /// Reads `https://host[:port]`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if there is a path, a query, user information, an unknown scheme,
    /// a host that is no plain name or address, or `http` to a host that is not loopback.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let base = BaseUrl::parse(text)?;
        if !base.path.is_empty() {
            return Err(refuse("an origin is scheme, host and port; leave the path out"));
        }
        Ok(base.origin)
    }

    /// An origin from the parts that another parser has read (the one that sends).
    ///
    /// # Errors
    /// As for [`Origin::parse`].
    pub fn from_parts(scheme: &str, host: &str, port: Option<u16>) -> Result<Self, Error> {
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(refuse("only https (and http to loopback) is spoken")),
        };
        let host = host.to_ascii_lowercase();
        check_host(&host)?;
        if scheme == Scheme::Http && !is_loopback(&host) {
            return Err(refuse(
                "plain http is allowed only to a literal loopback address or localhost; use https",
            ));
        }
        let port = port.unwrap_or(scheme.default_port());
        let mut text = format!("{}://{host}", scheme.as_str());
        let host_ends = text.len();
        if port != scheme.default_port() {
            text.push_str(&format!(":{port}"));
        }
        Ok(Self { text: text.into(), scheme, host_ends, port })
    }

    /// Whether [`Origin::from_parts`] would make this very origin of these parts. Makes nothing.
    pub fn is(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        self.scheme.as_str() == scheme
            && self.port == port.unwrap_or(self.scheme.default_port())
            // Nearly always written alike, which is known at once.
            && (self.host() == host || self.host().eq_ignore_ascii_case(host))
    }

    /// As it is written: `https://host[:port]`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        let starts = self.scheme.as_str().len() + "://".len();
        &self.text[starts..self.host_ends]
    }

    /// The port, also where it is the scheme's own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether this is a literal loopback address or `localhost`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An origin and a path under which an API lives; paths are appended as they are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    origin: Origin,
    path: Box<str>,
}

impl BaseUrl {
    /// Reads `https://host[:port][/path]`. One trailing slash is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`], naming what is wrong; the address itself is not repeated, since
    /// people paste passwords into it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') || !text.is_ascii()
        {
            return Err(refuse("it may hold visible ASCII only; write other hosts as xn--"));
        }
        if text.contains(['?', '#']) {
            return Err(refuse("it may not have a query or a fragment"));
        }
        let uri: http::Uri = text.parse().map_err(|_| refuse("it is no absolute URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("it is no absolute URL; start it with https://"));
        };
        if authority.as_str().contains('@') {
            return Err(refuse("it may not hold a user name or password"));
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none() {
            return Err(refuse("its port is not a number up to 65535"));
        }
        let origin = Origin::from_parts(scheme, authority.host(), authority.port_u16())?;
        let path = uri.path().strip_suffix('/').unwrap_or(uri.path());
        if path.split('/').any(|part| part == "." || part == "..") {
            return Err(refuse("its path may not hold `.` or `..`"));
        }
        Ok(Self { origin, path: path.into() })
    }

    /// The origin.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The address of `path` (which starts with a slash) under this base; slashes are kept.
    pub fn join(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        [self.origin.as_str(), &self.path, slash, path].concat()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn check_host(host: &str) -> Result<(), Error> {
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().map(drop).map_err(|_| refuse("its IPv6 address is not one"));
    }
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if host.is_empty() || host.len() > 253 || !plain {
        return Err(refuse("its host is neither a plain name nor an address"));
    }
    // A last label of digits makes other parsers read an address (`127.1`, `0x7f.1`): one spelling only.
    let last = host.rsplit('.').find(|label| !label.is_empty()).unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(refuse("its host looks like an IPv4 address but is not written as a.b.c.d"));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn refuse(why: &str) -> Error {
    Error::new(ErrorKind::Configuration).hint(format!("the address is not usable: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_by_scheme_host_and_port() {
        let a = Origin::parse("https://API.example:443").unwrap();
        assert_eq!(a, Origin::parse("https://api.example").unwrap());
        assert_ne!(a, Origin::parse("https://api.example:8443").unwrap());
        assert_eq!(a.to_string(), "https://api.example");
    }

    #[test]
    fn an_origin_is_written_in_one_spelling_and_taken_apart_again() {
        for (written, text, host, port) in [
            ("https://API.example:443", "https://api.example", "api.example", 443),
            ("https://api.example:8443", "https://api.example:8443", "api.example", 8443),
            ("http://[::1]:80", "http://[::1]", "[::1]", 80),
            ("http://[::1]:443", "http://[::1]:443", "[::1]", 443),
        ] {
            let origin = Origin::parse(written).unwrap();
            assert_eq!((origin.as_str(), origin.host(), origin.port()), (text, host, port));
            assert!(origin.is(origin.scheme().as_str(), host, Some(port)), "{written}");
        }
    }

    #[test]
    fn f33_plain_http_is_for_loopback_only() {
        for good in ["http://127.0.0.1:4001", "http://localhost", "http://[::1]:80"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://127.1",
            "http://0x7f000001",
            "http://2130706433",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_that_two_parsers_could_read_differently_are_refused_without_being_repeated() {
        for bad in [
            "https://user:canary@api.example",
            "https://api.example@evil.example",
            "https://api.example\\@evil.example",
            "https://api.example/a/../b",
            "https://api.example/?q",
            "https://api.example/#f",
            "https://api example",
            "https://bücher.example",
            "https://api.example:99999",
            "ftp://api.example",
            "api.example",
            "",
        ] {
            let error = BaseUrl::parse(bad).expect_err(bad);
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn p13_slashes_of_a_path_are_kept() {
        let base = BaseUrl::parse("https://api.igny8.com/api/v1/").unwrap();
        assert_eq!(base.join("/auth/login/"), "https://api.igny8.com/api/v1/auth/login/");
    }
}
