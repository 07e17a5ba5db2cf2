//! A rule about where a name may lead: asked with every address before anything is sent to it.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use countersign_core::Origin;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Says whether a host may be reached at an address. Where addresses of partners are configured by
/// others (many tenants, a form in a browser), this keeps credentials away from internal networks: the
/// name is judged by what it resolves to at the moment of connecting, so that a second resolution
/// cannot slip something else in.
///
/// Any `Fn(&str, IpAddr) -> bool` is one. The host is a name, or the address itself as it was written.
pub trait OriginPolicy: Send + Sync + 'static {
    /// Whether `host` may be reached at `address`.
    fn allows(&self, host: &str, address: IpAddr) -> bool;
}

impl<F: Fn(&str, IpAddr) -> bool + Send + Sync + 'static> OriginPolicy for F {
    fn allows(&self, host: &str, address: IpAddr) -> bool {
        self(host, address)
    }
}

/// The system's resolver, with a policy behind it.
pub(crate) struct Guarded(pub(crate) Arc<dyn OriginPolicy>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || allowed(&host, &*policy)).await;
            let addresses: Addrs = Box::new(found??.into_iter());
            Ok(addresses)
        })
    }
}

fn allowed(host: &str, policy: &dyn OriginPolicy) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<_> =
        (host, 0).to_socket_addrs()?.filter(|address| policy.allows(host, address.ip())).collect();
    if found.is_empty() {
        let kind = io::ErrorKind::PermissionDenied;
        return Err(io::Error::new(kind, "the policy allows no address of this host"));
    }
    Ok(found)
}

/// Whether `policy` lets `origin` pass: an address that is written out is resolved by nobody.
pub(crate) fn permits(policy: &dyn OriginPolicy, origin: &Origin) -> bool {
    let host = origin.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().map_or(true, |address| policy.allows(bare, address))
}
