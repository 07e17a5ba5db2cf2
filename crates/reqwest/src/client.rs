//! One `reqwest::Client`, made safe for credentials.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use countersign_core::{Error, ErrorKind, Origin, Scheme};
use hyper_util::client::proxy::matcher::Matcher;

use crate::address::{Address, Addresses};
use crate::authority::Authority;
use crate::error::OriginRefused;
use crate::policy::{Guarded, OriginPolicy, permits};
use crate::session::SessionClient;

const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// The transport of auth calls and the factory of [`SessionClient`]s, over one pool of connections.
/// Cheap to clone.
///
/// Proxy, TLS, DNS, timeouts and headers are those of the builder it is made from. Always set are: no
/// redirects below us, no resending below us, no log of the bytes that are sent (reqwest's
/// `connection_verbose`), and a `User-Agent` if the builder has none.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    /// For plain http, which is spoken to loopback only.
    bare: reqwest::Client,
    secure: Secure,
    /// Where the builder leaves them in use; `None` if there are no such proxies.
    environment: Option<Box<Environment>>,
    policy: Option<Arc<dyn OriginPolicy>>,
    addresses: Addresses,
}

/// The proxies of the environment.
struct Environment {
    proxies: Matcher,
    /// For what they would take of plain http; it has no proxy.
    direct: reqwest::Client,
}

impl Environment {
    /// Whether a proxy would be asked for `origin`. In doubt it would.
    fn takes(&self, origin: &Origin) -> bool {
        let uri: Result<http::Uri, _> = origin.as_str().parse();
        uri.map_or(true, |uri| self.proxies.intercept(&uri).is_some())
    }
}

impl Client {
    /// A client from the caller's settings, whose TLS is set up when an https address is first called:
    /// reading the system's roots costs several milliseconds and megabytes, which a process that speaks
    /// to loopback, or that finds its token fresh, does not need.
    ///
    /// `make` is called at once, for plain http, and once more for https; it must give the same settings
    /// each time. Share the client, and its TLS is set up once. What is wrong with TLS settings alone is
    /// told by the first call that needs them. For the rest see [`Client::new`].
    ///
    /// ```
    /// use countersign_reqwest::Client;
    /// use std::time::Duration;
    ///
    /// let http = Client::lazy(|| reqwest::Client::builder().connect_timeout(Duration::from_secs(5)))?;
    /// # let _ = http;
    /// # Ok::<(), countersign_core::Error>(())
    /// ```
    ///
    /// # Panics
    /// See [`Client::new`].
    ///
    /// # Errors
    /// See [`Client::new`].
    pub fn lazy(
        make: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::made(make().into_bare(), Some(Box::new(make)), None)
    }

    /// [`Client::lazy`] with a rule about addresses; see [`Client::with_policy`].
    ///
    /// # Errors
    /// See [`Client::new`].
    pub fn lazy_with_policy(
        make: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
        policy: impl OriginPolicy,
    ) -> Result<Self, Error> {
        Self::made(make().into_bare(), Some(Box::new(make)), Some(Arc::new(policy)))
    }

    /// A client from the caller's settings, complete at once.
    ///
    /// Proxies that the builder names are used for everything. Those of the environment
    /// (`HTTPS_PROXY` and its kin) are used as reqwest does, but not for plain http, which is spoken to
    /// loopback only: there they would read passwords and tokens. Where the environment would take
    /// such a call, it goes through a direct client without the other settings of the builder. An
    /// auth call over TLS to loopback is refused where the environment would take it.
    ///
    /// # Panics
    /// As reqwest does: with the feature `rustls-no-provider` the process must have installed a
    /// default provider of rustls before.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the builder cannot be built, or has a cookie store: a session
    /// cookie from an auth call would speak for the account beside the token.
    pub fn new(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        Self::made(builder, None, None)
    }

    /// The same, with a rule about the addresses that hosts may be reached at. It replaces a resolver
    /// that the builder names, and says nothing about what a proxy does.
    ///
    /// # Errors
    /// See [`Client::new`].
    pub fn with_policy(
        builder: reqwest::ClientBuilder,
        policy: impl OriginPolicy,
    ) -> Result<Self, Error> {
        Self::made(builder, None, Some(Arc::new(policy)))
    }

    fn made(
        builder: reqwest::ClientBuilder,
        secure: Option<Make>,
        policy: Option<Arc<dyn OriginPolicy>>,
    ) -> Result<Self, Error> {
        // The builder can be asked nothing but its `Debug`, which lists what differs from the usual.
        let settings = format!("{builder:?}");
        if settings.contains("cookie_store: true") {
            return Err(Error::new(ErrorKind::Configuration)
                .hint("auth calls keep no cookies; leave the cookie store of the client off"));
        }
        let own_proxies = settings.contains(" proxies: ");
        let bare = build(guarded(builder, policy.as_ref())).map_err(unbuildable)?;
        let in_use = !own_proxies && uses_environment(&bare);
        let environment = match in_use.then(Matcher::from_system) {
            Some(proxies) if has_any(&proxies) => {
                let direct = reqwest::Client::builder().no_proxy().into_bare();
                let direct = build(guarded(direct, policy.as_ref())).map_err(unbuildable)?;
                Some(Box::new(Environment { proxies, direct }))
            }
            _ => None,
        };
        let secure = match secure {
            Some(make) => Secure::Later { make, made: OnceLock::new(), making: Mutex::new(()) },
            None => Secure::Same,
        };
        let addresses = Addresses::default();
        Ok(Self(Arc::new(Inner { bare, secure, environment, policy, addresses })))
    }

    /// A client that sends as the session behind `authority`.
    pub fn session<A: Authority>(&self, authority: A) -> SessionClient<A> {
        SessionClient::new(self.clone(), authority)
    }

    /// The client below: for calls without credentials. Of a [`Client::lazy`] this sets up TLS; if
    /// that fails, calls over TLS fail too.
    pub fn plain(&self) -> &reqwest::Client {
        self.secure().unwrap_or(&self.0.bare)
    }

    /// A client to build requests with.
    pub(crate) fn bare(&self) -> &reqwest::Client {
        &self.0.bare
    }

    fn secure(&self) -> Result<&reqwest::Client, reqwest::Error> {
        let Secure::Later { make, made, making } = &self.0.secure else { return Ok(&self.0.bare) };
        if let Some(made) = made.get() {
            return Ok(made);
        }
        // Whoever comes meanwhile waits for the milliseconds that it takes, and does not do it again.
        let _making = making.lock().unwrap_or_else(PoisonError::into_inner);
        if made.get().is_none() {
            let _ = made.set(build(guarded(make(), self.0.policy.as_ref()))?);
        }
        Ok(made.get().unwrap_or(&self.0.bare))
    }

    /// `uri` as the parser reads it that sends.
    pub(crate) fn address(&self, uri: &http::Uri) -> Result<Arc<Address>, OriginRefused> {
        self.0.addresses.read(uri)
    }

    /// Whether the policy lets credentials go to `origin`, as far as its address is written out.
    pub(crate) fn permits(&self, origin: &Origin) -> bool {
        self.0.policy.as_deref().is_none_or(|policy| permits(policy, origin))
    }

    /// The client for API calls to `origin`; fails where TLS cannot be set up.
    pub(crate) fn for_api(&self, origin: &Origin) -> Result<&reqwest::Client, reqwest::Error> {
        match (origin.scheme(), &self.0.environment) {
            (Scheme::Http, Some(environment)) if environment.takes(origin) => {
                Ok(&environment.direct)
            }
            (Scheme::Http, _) => Ok(&self.0.bare),
            (Scheme::Https, _) => self.secure(),
        }
    }

    /// The client for auth calls to `origin`; `None` if a proxy of the environment would be asked for
    /// loopback.
    pub(crate) fn for_auth(
        &self,
        origin: &Origin,
    ) -> Option<Result<&reqwest::Client, reqwest::Error>> {
        let over_tls_to_loopback = origin.scheme() == Scheme::Https && origin.is_loopback();
        match &self.0.environment {
            Some(environment) if over_tls_to_loopback && environment.takes(origin) => None,
            _ => Some(self.for_api(origin)),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // reqwest's own shows default headers, and they may hold keys.
        f.write_str("Client")
    }
}

/// Makes the settings of the caller.
type Make = Box<dyn Fn() -> reqwest::ClientBuilder + Send + Sync>;

/// What speaks TLS.
enum Secure {
    /// The one client that there is.
    Same,
    /// One of its own, made for the first address that needs it.
    Later { make: Make, made: OnceLock<reqwest::Client>, making: Mutex<()> },
}

trait Bare {
    /// The same without the roots that TLS would have to read: for plain http.
    fn into_bare(self) -> Self;
}

impl Bare for reqwest::ClientBuilder {
    fn into_bare(self) -> Self {
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
        return self.tls_certs_only([]);
        #[cfg(not(any(
            feature = "rustls",
            feature = "rustls-no-provider",
            feature = "native-tls"
        )))]
        self
    }
}

fn guarded(
    builder: reqwest::ClientBuilder,
    policy: Option<&Arc<dyn OriginPolicy>>,
) -> reqwest::ClientBuilder {
    let names_agent = format!("{builder:?}").contains("\"user-agent\":");
    let builder = if names_agent { builder } else { builder.user_agent(USER_AGENT) };
    match policy {
        Some(policy) => builder.dns_resolver(Arc::new(Guarded(Arc::clone(policy)))),
        None => builder,
    }
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, reqwest::Error> {
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // It logs every byte of a connection, passwords and tokens among them.
        .connection_verbose(false)
        .build()
        .map_err(reqwest::Error::without_url)
}

fn unbuildable(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Configuration)
        .hint("the HTTP client cannot be built; check its TLS settings and certificates")
        .with_source(error)
}

/// Whether a client built without proxies of its own has those of the environment: it has none where
/// its builder said `no_proxy`. In doubt it has.
fn uses_environment(built: &reqwest::Client) -> bool {
    let settings = format!("{built:?}");
    settings.contains(" proxies: ") || !settings.contains(" default_headers: ")
}

/// Whether there is a proxy among `proxies`, whatever its exceptions. In doubt there is.
fn has_any(proxies: &Matcher) -> bool {
    // It can be asked for an address only, and the exceptions may name any; its `Debug` lists the proxies.
    format!("{proxies:?}").contains("http")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_reqwests_debug_is_still_there() {
        let plain = format!("{:?}", reqwest::Client::builder());
        assert!(plain.contains(" default_headers: ") && !plain.contains(" proxies: "));
        assert!(!plain.contains("\"user-agent\":"));
        let proxy = reqwest::Proxy::all("http://127.0.0.1:1").unwrap();
        let full = reqwest::Client::builder().proxy(proxy).user_agent("mine");
        let full = format!("{full:?}");
        assert!(full.contains(" proxies: ") && full.contains("\"user-agent\":"), "{full}");

        let none = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(!uses_environment(&none));
        assert!(uses_environment(&reqwest::Client::builder().build().unwrap()));
    }

    #[test]
    fn f52_a_proxy_is_found_behind_its_exceptions_and_asked_for_the_address_itself() {
        let none = || Matcher::builder().no("localhost,127.0.0.1,[::1]");
        assert!(!has_any(&none().build()));
        let proxy = "http://127.0.0.1:1";
        for proxies in [none().http(proxy), none().https(proxy), none().all(proxy)] {
            assert!(has_any(&proxies.build()));
        }
        let direct = reqwest::Client::builder().no_proxy().build().unwrap();
        let environment = Environment { proxies: none().http(proxy).build(), direct };
        let takes = |origin| environment.takes(&Origin::parse(origin).unwrap());
        assert!(takes("http://127.0.0.2:4001"));
        for excepted in ["http://127.0.0.1:4001", "http://localhost", "https://127.0.0.2"] {
            assert!(!takes(excepted), "{excepted}");
        }
    }

    #[test]
    fn f32_debug_shows_no_default_header() {
        let headers = http::HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            http::HeaderValue::from_static("canary"),
        )]);
        let client = Client::new(reqwest::Client::builder().default_headers(headers)).unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
