//! Addresses of auth calls: read once, since a provider has few and calls them again and again.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::Origin;
use http::Uri;
use reqwest::Url;

use crate::error::OriginRefused;
use crate::origins::origin_of;

/// So many are known at most; of more, those that were met first are forgotten.
const MOST: usize = 16;

/// An address as the parser reads it that sends.
pub(crate) struct Address {
    uri: Uri,
    pub(crate) url: Url,
    pub(crate) origin: Origin,
}

/// What was read. It says nothing about what is allowed.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<Vec<Arc<Address>>>);

impl Addresses {
    /// `uri` as an address.
    ///
    /// # Errors
    /// As for [`origin_of`].
    pub(crate) fn read(&self, uri: &Uri) -> Result<Arc<Address>, OriginRefused> {
        let known = |of: &[Arc<Address>]| of.iter().find(|known| known.uri == *uri).cloned();
        if let Some(known) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let url = Url::parse(&uri.to_string()).map_err(|_| OriginRefused::NoOrigin)?;
        let origin = origin_of(&url)?;
        let read = Arc::new(Address { uri: uri.clone(), url, origin });
        if uri.query().is_some() {
            // Different each time, and it may hold what is not to be kept.
            return Ok(read);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MOST {
            all.remove(0);
        }
        all.push(Arc::clone(&read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(addresses: &Addresses, text: &str) -> Result<Arc<Address>, OriginRefused> {
        addresses.read(&text.parse().unwrap())
    }

    #[test]
    fn an_address_is_read_once_and_few_are_known() {
        let addresses = Addresses::default();
        let first = read(&addresses, "https://auth.example/token").unwrap();
        let again = read(&addresses, "https://auth.example/token").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(read(&addresses, "https://auth.example/token?canary").is_ok());
        assert_eq!(addresses.0.lock().unwrap().len(), 1);
        for n in 0..2 * MOST {
            let url = format!("https://auth.example/{n}");
            assert_eq!(read(&addresses, &url).unwrap().url.as_str(), url);
        }
        assert_eq!(addresses.0.lock().unwrap().len(), MOST);
    }

    #[test]
    fn f33_what_is_refused_is_refused_each_time() {
        let addresses = Addresses::default();
        for _ in 0..2 {
            for bad in ["https://kim:canary@auth.example/", "http://auth.example/", "/token"] {
                assert!(read(&addresses, bad).is_err(), "{bad}");
            }
        }
        assert!(addresses.0.lock().unwrap().is_empty());
    }
}
