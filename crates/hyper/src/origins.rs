//! Where an auth call may go: looked at once, since a provider has few origins and is called again and again.

use std::sync::{Mutex, PoisonError};

use countersign_core::{Error, ErrorKind, Origin};
use http::Uri;

/// So many are known at most; of more, those that were met first are forgotten.
const MOST: usize = 16;

/// Origins that are allowed.
#[derive(Default)]
pub(crate) struct Origins(Mutex<Vec<Origin>>);

impl Origins {
    /// Whether a credential may go to `uri`: over https, or to loopback.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if not, with the reason and without the address.
    pub(crate) fn check(&self, uri: &Uri) -> Result<(), Error> {
        let refuse = |why| Error::new(ErrorKind::Configuration).hint(why);
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("the address has no host; use an absolute https URL"));
        };
        if authority.as_str().contains('@') {
            return Err(refuse("the address holds a user name or password; take it out"));
        }
        let (host, port) = (authority.host(), authority.port_u16());
        let known = |all: &[Origin]| all.iter().any(|origin| origin.is(scheme, host, port));
        if known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let origin = Origin::from_parts(scheme, host, port)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MOST {
            all.remove(0);
        }
        all.push(origin);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f33_only_https_and_loopback_are_spoken_to_each_time() {
        let origins = Origins::default();
        let check = |address: &str| origins.check(&address.parse().unwrap());
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
                let error = check(bad).unwrap_err();
                assert!(!error.hint_text().is_empty(), "{bad}");
                assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
            }
        }
        assert_eq!(origins.0.lock().unwrap().len(), 3);
    }

    #[test]
    fn few_are_known() {
        let origins = Origins::default();
        for n in 0..2 * MOST {
            let address = format!("https://auth{n}.example/");
            origins.check(&address.parse().unwrap()).unwrap();
        }
        assert_eq!(origins.0.lock().unwrap().len(), MOST);
    }
}
