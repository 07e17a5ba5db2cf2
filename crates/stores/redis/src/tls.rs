//! TLS by rustls: whom we trust, and who we are.

#[cfg(feature = "rustls-no-provider")]
pub(crate) use with::{Tls, TlsSettings, late, refused};
#[cfg(not(feature = "rustls-no-provider"))]
pub(crate) use without::{Tls, TlsSettings, late};

#[cfg(feature = "rustls-no-provider")]
mod with {
    use std::io;
    use std::sync::Arc;

    use countersign_core::{Error, SecretBytes};
    use redis::RedisError;
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt;
    use tokio_rustls::TlsConnector;

    use crate::fault::{self, Next};
    use crate::place::Place;

    /// What the user said.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct TlsSettings {
        pub(crate) roots: Option<Vec<u8>>,
        pub(crate) identity: Option<(Vec<u8>, SecretBytes)>,
    }

    /// What was made of it, once.
    #[derive(Clone, Default)]
    pub(crate) struct Tls(Option<TlsConnector>);

    impl Tls {
        pub(crate) fn connector(&self) -> Result<&TlsConnector, Error> {
            self.0.as_ref().ok_or_else(|| fault::setting("TLS was not set up".into()))
        }
    }

    impl TlsSettings {
        pub(crate) fn is_set(&self) -> bool {
            self.roots.is_some() || self.identity.is_some()
        }

        pub(crate) fn build(self) -> Result<Tls, Error> {
            let builder = ClientConfig::builder_with_provider(provider()?)
                .with_safe_default_protocol_versions()
                .map_err(|_| {
                    bad("the crypto provider of this program has no safe version of TLS")
                })?;
            let builder = match self.roots {
                Some(pem) => builder.with_root_certificates(roots(&pem)?),
                None => builder
                    .with_platform_verifier()
                    .map_err(|_| bad("the certificates that this system trusts cannot be read"))?,
            };
            let config = match self.identity {
                Some((certificate, key)) => {
                    let chain = certificates(&certificate)?;
                    let key = PrivateKeyDer::from_pem_slice(key.expose_bytes())
                        .map_err(|_| bad("the client's key is no private key in PEM"))?;
                    builder
                        .with_client_auth_cert(chain, key)
                        .map_err(|_| bad("the client's key does not fit its certificate"))?
                }
                None => builder.with_no_client_auth(),
            };
            Ok(Tls(Some(TlsConnector::from(Arc::new(config)))))
        }
    }

    /// The handshake failed with `source`: a certificate that is refused stays refused.
    pub(crate) fn refused(place: &Place, source: io::Error) -> (Next, Error) {
        let ours = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match ours {
            Some(rustls::Error::InvalidCertificate(_)) => {
                let hint = format!(
                    "the certificate of Redis at {place} is not trusted, or is for another name; name its \
                     authority with roots_pem()"
                );
                (Next::GiveUp, fault::not_trusted(hint, source))
            }
            Some(rustls::Error::AlertReceived(_)) => ours_refused(place, source),
            _ => (Next::Reconnect, fault::unreachable(place, source)),
        }
    }

    /// The same after the handshake: a server of TLS 1.3 refuses a certificate of ours only then (RFC 8446
    /// §4.4.2.4).
    pub(crate) fn late(place: &Place, error: &RedisError) -> Option<(Next, Error)> {
        let source = std::error::Error::source(error)?;
        let source = source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
        let source = source.downcast_ref::<io::Error>()?;
        match source.get_ref()?.downcast_ref::<rustls::Error>()? {
            alert @ rustls::Error::AlertReceived(_) => {
                Some(ours_refused(place, io::Error::other(alert.clone())))
            }
            _ => None,
        }
    }

    fn ours_refused(place: &Place, source: io::Error) -> (Next, Error) {
        let hint = format!(
            "Redis at {place} refuses our side of TLS; it may ask for a certificate: identity_pem()"
        );
        (Next::GiveUp, fault::not_trusted(hint, source))
    }

    #[cfg(feature = "rustls")]
    #[expect(clippy::unnecessary_wraps, reason = "with another feature there may be none")]
    fn provider() -> Result<Arc<CryptoProvider>, Error> {
        let installed = CryptoProvider::get_default().cloned();
        Ok(installed.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
    }

    #[cfg(not(feature = "rustls"))]
    fn provider() -> Result<Arc<CryptoProvider>, Error> {
        let installed = CryptoProvider::get_default().cloned();
        installed.ok_or_else(|| bad("this program has installed no crypto provider for rustls"))
    }

    fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(|_| bad("a root is no certificate of an authority"))?;
        }
        Ok(roots)
    }

    fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let all = all.map_err(|_| bad("a certificate is not in PEM"))?;
        if all.is_empty() { Err(bad("there is no certificate in PEM")) } else { Ok(all) }
    }

    fn bad(hint: &'static str) -> Error {
        fault::setting(hint.into())
    }
}

#[cfg(not(feature = "rustls-no-provider"))]
mod without {
    use countersign_core::Error;
    use redis::RedisError;

    use crate::fault::Next;
    use crate::place::Place;

    /// There is no TLS that could refuse.
    pub(crate) fn late(_place: &Place, _error: &RedisError) -> Option<(Next, Error)> {
        None
    }

    /// Nothing can be said.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct TlsSettings(());

    /// Nothing came of it.
    #[derive(Clone, Default)]
    pub(crate) struct Tls(());

    impl TlsSettings {
        pub(crate) fn is_set(&self) -> bool {
            false
        }

        pub(crate) fn build(self) -> Result<Tls, Error> {
            Err(crate::fault::setting(
                "rediss:// asks for TLS, and this program was built without; add the feature `rustls` of \
                 countersign-store-redis"
                    .into(),
            ))
        }
    }
}
