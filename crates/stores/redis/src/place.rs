//! Where a server is: an address taken apart, so that no part of it that is secret is ever shown.

use std::fmt;
use std::path::PathBuf;

use countersign_core::{Error, SecretString};
use percent_encoding::percent_decode_str;

use crate::fault;

const PORT: u16 = 6379;

/// The address of one server, without who asks. `Display` is `host:port`, or the path of a socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

/// What stands in an address beside the place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Address {
    pub(crate) place: Option<Place>,
    pub(crate) database: i64,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<SecretString>,
}

impl Address {
    /// Takes `text` apart: `redis://host:port/db`, `rediss://…` for TLS, `unix:///path?db=n`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let url = redis::parse_redis_url(text).ok_or_else(|| wrong("cannot be read"))?;
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| wrong("has a part that is not UTF-8"))
        };
        let mut address = Self::default();
        match url.scheme() {
            "redis" | "rediss" | "valkey" | "valkeys" => {
                let host = url.host_str().filter(|host| !host.is_empty());
                let host = host.ok_or_else(|| wrong("names no host"))?;
                address.place = Some(Place::Tcp {
                    // The address of an IPv6 host stands in brackets.
                    host: host.trim_matches(['[', ']']).to_owned(),
                    port: url.port().unwrap_or(PORT),
                    tls: matches!(url.scheme(), "rediss" | "valkeys"),
                });
                let path = url.path().trim_matches('/');
                address.database = if path.is_empty() { 0 } else { number(path)? };
                if url.query().is_some() || url.fragment().is_some() {
                    return Err(wrong("has a query or a fragment, which mean nothing here"));
                }
            }
            _ => {
                address.place = Some(Place::Unix(PathBuf::from(decoded(url.path())?)));
                for (key, value) in url.query_pairs() {
                    match &*key {
                        "db" => address.database = number(&value)?,
                        _ => return Err(wrong("has a query with more than `db`")),
                    }
                }
            }
        }
        address.user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        address.password = url.password().map(decoded).transpose()?.map(SecretString::new);
        Ok(address)
    }
}

impl Place {
    /// Whether what is said there stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => {
                let loopback = host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
                loopback || host.eq_ignore_ascii_case("localhost")
            }
        }
    }

    pub(crate) const fn has_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

fn number(text: &str) -> Result<i64, Error> {
    let number: u16 = text.parse().map_err(|_| wrong("has no number for its database"))?;
    Ok(number.into())
}

fn wrong(what: &str) -> Error {
    // The address itself is not repeated: a password may stand in it.
    fault::setting(format!(
        "the address of the Redis server {what}; write redis://HOST:PORT/DATABASE, rediss://… for TLS, \
         or unix:///PATH"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn tcp(host: &str, port: u16, tls: bool) -> Option<Place> {
        Some(Place::Tcp { host: host.into(), port, tls })
    }

    #[test]
    fn an_address_is_taken_apart() {
        let address = parsed("redis://writer:canary%2Fpass@cache.example:7000/3");
        assert_eq!(address.place, tcp("cache.example", 7000, false));
        assert_eq!((address.database, address.user.as_deref()), (3, Some("writer")));
        assert!(address.password.unwrap().matches(&"canary/pass".to_owned().into()));
        assert_eq!(parsed("rediss://cache.example").place, tcp("cache.example", 6379, true));
        assert_eq!(parsed("redis://[::1]:7000").place, tcp("::1", 7000, false));
        assert_eq!(parsed("redis://[::1]:7000").place.unwrap().to_string(), "[::1]:7000");
        let socket = parsed("unix:///run/redis.sock?db=2");
        assert_eq!(socket.place, Some(Place::Unix("/run/redis.sock".into())));
        assert_eq!(socket.database, 2);
    }

    #[test]
    fn f32_a_wrong_address_is_not_repeated() {
        for text in [
            "cache.example:canary",
            "http://user:canary@cache.example",
            "redis://user:canary@cache.example/first",
            "redis://user:canary@cache.example/1?timeout=canary",
            "redis://user:canary%ff@cache.example",
            "redis://:canary@",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.kind(), countersign_core::ErrorKind::Configuration, "{text}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let address = parsed("redis://user:canary@cache.example");
        assert!(!format!("{address:?} {}", address.place.as_ref().unwrap()).contains("canary"));
    }

    #[test]
    fn loopback_and_sockets_are_local() {
        for text in ["redis://127.0.0.1", "redis://[::1]", "redis://localhost", "unix:///r.sock"] {
            assert!(parsed(text).place.unwrap().is_local(), "{text}");
        }
        assert!(!parsed("redis://localhost.example").place.unwrap().is_local());
    }
}
