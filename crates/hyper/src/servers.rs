//! Who is spoken to: whether a credential may go there is looked at once, since a provider has few origins and is called
//! again and again.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::{Error, ErrorKind, Origin};
use http::{HeaderValue, Uri};

use crate::idle::Idle;

/// So many are known at most; of more, that which was not met for longest is forgotten, and the connections that are kept
/// to it end.
const MOST: usize = 64;

/// One origin that is allowed, and what is kept of it.
pub(crate) struct Server {
    origin: Origin,
    /// Where a connector finds it.
    pub(crate) address: Uri,
    /// What it is called in requests (RFC 9110 §7.2).
    pub(crate) host: HeaderValue,
    pub(crate) idle: Arc<Idle>,
}

/// All that are known; that which was met last is the last.
#[derive(Default)]
pub(crate) struct Servers(Mutex<Vec<Arc<Server>>>);

impl Servers {
    /// The one of `uri`, if a credential may go there: over https, or to loopback.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if not, with the reason and without the address.
    pub(crate) fn of(&self, uri: &Uri) -> Result<Arc<Server>, Error> {
        let refuse = |why| Error::new(ErrorKind::Configuration).hint(why);
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("the address has no host; use an absolute https URL"));
        };
        if authority.as_str().contains('@') {
            return Err(refuse("the address holds a user name or password; take it out"));
        }
        let (host, port) = (authority.host(), authority.port_u16());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|server| server.origin.is(scheme, host, port)) {
            all[at..].rotate_left(1);
            return all.last().cloned().ok_or_else(|| Error::new(ErrorKind::Internal));
        }
        let server = Arc::new(Server::new(Origin::from_parts(scheme, host, port)?)?);
        let forgotten = if all.len() == MOST { Some(all.remove(0)) } else { None };
        all.push(Arc::clone(&server));
        drop(all);
        drop(forgotten);
        Ok(server)
    }
}

impl Server {
    fn new(origin: Origin) -> Result<Self, Error> {
        let odd = || Error::new(ErrorKind::Internal).hint("the address cannot be connected to");
        let address: Uri = origin.as_str().parse().map_err(|_| odd())?;
        let host = address.authority().map(|authority| authority.as_str().parse());
        let host = host.and_then(Result::ok).ok_or_else(odd)?;
        Ok(Self { origin, address, host, idle: Arc::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f33_only_https_and_loopback_are_spoken_to_each_time() {
        let servers = Servers::default();
        let check = |address: &str| servers.of(&address.parse().unwrap());
        for _ in 0..2 {
            for good in ["https://auth.example/token", "http://127.0.0.1:1/", "http://localhost/"] {
                assert!(check(good).is_ok(), "{good}");
            }
            for bad in [
                "http://auth.example/",
                "https://kim:canary@auth.example/",
                "/token",
                "auth.example",
                "ftp://auth.example/",
                // Another port than one that is known, and of another scheme.
                "http://auth.example:443/",
            ] {
                let error = check(bad).map(drop).unwrap_err();
                assert!(!error.hint_text().is_empty(), "{bad}");
                assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
            }
        }
        assert_eq!(servers.0.lock().unwrap().len(), 3);
    }

    #[test]
    fn few_are_known() {
        let servers = Servers::default();
        let of = |n: usize| {
            let address = format!("https://auth{n}.example/");
            servers.of(&address.parse().unwrap()).unwrap()
        };
        let (always, once) = (of(0), of(1));
        for n in 2..2 * MOST {
            of(n);
            assert!(Arc::ptr_eq(&always, &of(0)), "{n}");
        }
        assert_eq!(servers.0.lock().unwrap().len(), MOST);
        assert!(!Arc::ptr_eq(&once, &of(1)));
    }

    #[test]
    fn a_server_is_called_by_its_host_and_a_port_that_is_not_the_usual_one() {
        for (address, host) in [
            ("https://Auth.example/token", "auth.example"),
            ("https://auth.example:443/", "auth.example"),
            ("https://auth.example:8443/", "auth.example:8443"),
            ("http://[::1]:8080/", "[::1]:8080"),
        ] {
            let server = Servers::default().of(&address.parse().unwrap()).unwrap();
            assert_eq!(server.host, host, "{address}");
        }
    }
}
