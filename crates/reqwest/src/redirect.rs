//! Which redirects are followed, and with what.

use countersign_core::Origin;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use reqwest::Url;

use crate::origins::origin_of;

/// So many redirects are followed for one request.
pub(crate) const MAX_HOPS: u32 = 10;

/// Headers that speak of a body and go with it (RFC 9110 §15.4, the last list).
const OF_THE_BODY: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
];

/// The next request of a redirect.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The body goes along; else it and its headers are dropped.
    pub(crate) keeps_body: bool,
}

/// Where an answer sends the request, if that is the same origin.
///
/// Another origin is never followed: the answer is handed to the caller as it is. So is a 301 or 302 to a
/// POST. RFC 9110 §15.4 lets it become a GET; but Django answers so where the slash at the end is missing,
/// and what the GET finds there would pass for the success of the POST. On 303 everything but GET and HEAD
/// becomes a GET, and else the method stays.
pub(crate) fn hop(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    url: &Url,
    origin: &Origin,
) -> Option<Hop> {
    let to_get = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if *method == Method::POST => {
            return None;
        }
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => false,
        StatusCode::SEE_OTHER => *method != Method::GET && *method != Method::HEAD,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return None,
    };
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let next = url.join(location).ok()?;
    if origin_of(&next).ok()? != *origin {
        return None;
    }
    let method = if to_get { Method::GET } else { method.clone() };
    Some(Hop { method, url: next, keeps_body: !to_get })
}

/// Takes out what belongs to a body that is not sent.
pub(crate) fn drop_body_headers(headers: &mut HeaderMap) {
    for name in &OF_THE_BODY {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(status: u16, method: Method, location: &str) -> Option<(Method, String, bool)> {
        let url = Url::parse("https://api.example/a/b?q").unwrap();
        let origin = origin_of(&url).unwrap();
        let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        let hop = hop(status, &headers, &method, &url, &origin)?;
        Some((hop.method, hop.url.into(), hop.keeps_body))
    }

    #[test]
    fn f33_only_the_same_origin_is_followed() {
        for location in ["/c", "c", "https://api.example:443/c", "//api.example/c"] {
            assert!(next(302, Method::GET, location).is_some(), "{location}");
        }
        for location in [
            "https://evil.example/",
            "//evil.example/",
            "http://api.example/",
            "https://api.example:444/",
            "https://api.example@evil.example/",
            "https://user@api.example/",
            "\\\\evil.example/",
            "file:///etc/passwd",
        ] {
            assert!(next(302, Method::GET, location).is_none(), "{location}");
        }
    }

    #[test]
    fn p13_no_post_becomes_a_get_unless_the_api_asks_for_one() {
        let to = |status, method| next(status, method, "/c").map(|(m, _, body)| (m, body));
        for status in [301, 302] {
            assert_eq!(to(status, Method::POST), None);
            for method in [Method::GET, Method::PUT] {
                assert_eq!(to(status, method.clone()), Some((method, true)));
            }
        }
        assert_eq!(to(303, Method::POST), Some((Method::GET, false)));
        assert_eq!(to(303, Method::DELETE), Some((Method::GET, false)));
        assert_eq!(to(303, Method::HEAD), Some((Method::HEAD, true)));
        for status in [307, 308] {
            assert_eq!(to(status, Method::POST), Some((Method::POST, true)));
        }
        for status in [200, 300, 304, 305, 401] {
            assert_eq!(to(status, Method::GET), None);
        }
    }
}
