//! Where credentials may go, read by the parser that sends.

use std::borrow::Cow;

use countersign_core::Origin;
use reqwest::Url;

use crate::authority::Authority;
use crate::error::OriginRefused;

/// The origin of an address as reqwest reads it.
///
/// # Errors
/// [`OriginRefused`] if it holds a user name or a password, is neither https nor http to loopback, or
/// has no host. The address is not repeated.
pub fn origin_of(url: &Url) -> Result<Origin, OriginRefused> {
    without_user_information(url)?;
    let host = url.host_str().ok_or(OriginRefused::NoOrigin)?;
    Origin::from_parts(url.scheme(), host, url.port()).map_err(OriginRefused::Unusable)
}

/// Whether that origin is `origin`. Makes nothing.
pub(crate) fn is_at(url: &Url, origin: &Origin) -> bool {
    without_user_information(url).is_ok()
        && url.host_str().is_some_and(|host| origin.is(url.scheme(), host, url.port()))
}

/// The API origin that `url` leads to.
///
/// # Errors
/// As for [`origin_of`], or it is no API origin.
pub(crate) fn api_origin<'a, A: Authority>(
    authority: &'a A,
    url: &Url,
) -> Result<Cow<'a, Origin>, OriginRefused> {
    match authority.find_origin(&|origin| is_at(url, origin)) {
        Some(origin) => Ok(Cow::Borrowed(origin)),
        None => allowed(authority, origin_of(url)?).map(Cow::Owned),
    }
}

/// `origin`, if credentials may go there.
pub(crate) fn allowed<A: Authority>(
    authority: &A,
    origin: Origin,
) -> Result<Origin, OriginRefused> {
    if authority.may_send_to(&origin) { Ok(origin) } else { Err(OriginRefused::Unknown(origin)) }
}

pub(crate) fn without_user_information(url: &Url) -> Result<(), OriginRefused> {
    if url.username().is_empty() && url.password().is_none() {
        Ok(())
    } else {
        Err(OriginRefused::UserInformation)
    }
}

/// A set of origins; few, so a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginSet(Vec<Origin>);

impl OriginSet {
    /// The given origins, each once.
    pub fn new(origins: impl IntoIterator<Item = Origin>) -> Self {
        let mut set = Vec::new();
        for origin in origins {
            if !set.contains(&origin) {
                set.push(origin);
            }
        }
        Self(set)
    }

    /// Whether `origin` is one of them.
    pub fn contains(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }

    /// The origin of `url`, if it is one of them.
    ///
    /// # Errors
    /// [`OriginRefused`]: as for [`origin_of`], or it is another one.
    pub fn check(&self, url: &Url) -> Result<Origin, OriginRefused> {
        let origin = origin_of(url)?;
        if self.contains(&origin) { Ok(origin) } else { Err(OriginRefused::Unknown(origin)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn f33_only_the_same_scheme_host_and_port_is_the_same_origin() {
        let api = Origin::parse("https://api.example").unwrap();
        let set = OriginSet::new([api.clone(), api]);
        assert_eq!(set.iter().count(), 1);
        for good in ["https://api.example/a?b", "https://API.example:443/", "https:api.example"] {
            assert!(set.check(&url(good)).is_ok(), "{good}");
        }
        for bad in [
            "https://api.example:8443/",
            "https://api.example.evil.example/",
            "https://evil.example/api.example",
            "https://api.example./",
            "http://api.example/",
            "ftp://api.example/",
            "data:text/plain,api.example",
        ] {
            assert!(set.check(&url(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn f33_user_information_is_refused_and_not_repeated() {
        let set = OriginSet::new([Origin::parse("https://api.example").unwrap()]);
        for bad in ["https://kim:canary@api.example/", "https://canary@api.example/"] {
            let error = set.check(&url(bad)).unwrap_err();
            assert!(matches!(error, OriginRefused::UserInformation));
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
