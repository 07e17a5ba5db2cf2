//! TLS with certificates that each test makes for itself.

use countersign_core::{Revision, SecretBytes, SessionStore};
use countersign_store_redis::{RedisBuilder, RedisStore};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::server::{self, Server, free_port};
use super::{assert_says, name, put, text};

/// An authority with a certificate for the server and one for a client.
struct Papers {
    root: String,
    server: (String, String),
    client: (String, String),
}

impl Papers {
    fn new(host: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Two certificates of one name would be taken for one that vouches for itself.
        params.distinguished_name.push(DnType::CommonName, "an authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let issue = |names: Vec<String>| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(names).unwrap();
            (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        Self { root, server: issue(vec![host.to_owned()]), client: issue(vec!["us".into()]) }
    }

    fn client_key(&self) -> SecretBytes {
        SecretBytes::copy_from(self.client.1.as_bytes())
    }
}

/// A server that speaks TLS alone, and asks for a certificate or not.
fn start(papers: &Papers, clients: &str) -> Option<Server> {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let options = [
        // The port that is there without TLS stays, since the harness counts on it; nobody uses it.
        format!("tls-port {}", free_port()),
        format!("tls-cert-file {}", write("server.pem", &papers.server.0)),
        format!("tls-key-file {}", write("server.key", &papers.server.1)),
        format!("tls-ca-cert-file {}", write("root.pem", &papers.root)),
        format!("tls-auth-clients {clients}"),
    ];
    Server::start(&options.iter().map(String::as_str).collect::<Vec<_>>())
}

fn builder(server: &Server, host: &str) -> RedisBuilder {
    let settings: Vec<String> = server.says("CONFIG GET tls-port");
    RedisStore::builder(&format!("rediss://{host}:{}", settings[1]), server::keys()).unwrap()
}

#[tokio::test]
async fn a_server_with_a_certificate_of_a_named_authority_is_trusted() {
    let papers = Papers::new("localhost");
    let Some(server) = start(&papers, "no") else { return };
    let store = builder(&server, "localhost").roots_pem(papers.root.clone()).build().unwrap();
    countersign_seal::suite::run(&store).await.unwrap();
    put(&store, &name(1), Revision::NONE, "one").await;
    while store.watch().await != Some(name(1)) {}
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_name_is_refused() {
    let papers = Papers::new("cache.example");
    let Some(server) = start(&papers, "no") else { return };
    let others = Papers::new("cache.example");
    for (roots, what) in [(papers.root, "the name"), (others.root, "the authority")] {
        let store = builder(&server, "localhost").roots_pem(roots).build().unwrap();
        let error = store.load(&name(1)).await.unwrap_err();
        assert_says(&error, "not_trusted", "roots_pem");
        assert_eq!(error.recovery(), countersign_core::Recovery::GiveUp, "{what}");
    }
    let error = builder(&server, "localhost").build().unwrap().load(&name(1)).await.unwrap_err();
    assert_says(&error, "not_trusted", "roots_pem");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours() {
    let papers = Papers::new("127.0.0.1");
    let Some(server) = start(&papers, "yes") else { return };
    let known = builder(&server, "127.0.0.1").roots_pem(papers.root.clone());
    let store = known.identity_pem(papers.client.0.clone(), papers.client_key()).build().unwrap();
    put(&store, &name(1), Revision::NONE, "one").await;
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("one"));

    let unknown = builder(&server, "127.0.0.1").roots_pem(papers.root.clone()).build().unwrap();
    let error = unknown.load(&name(1)).await.unwrap_err();
    assert_says(&error, "not_trusted", "identity_pem");
}

#[test]
fn f32_certificates_that_cannot_be_read_are_refused_and_not_repeated() {
    let keys = server::keys;
    let builder = || RedisStore::builder("rediss://cache.example", keys()).unwrap();
    let key = || SecretBytes::copy_from(b"canary");
    let papers = Papers::new("cache.example");
    for settings in [
        builder().roots_pem("canary"),
        builder().roots_pem("-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n"),
        builder().identity_pem("canary", key()),
        builder().identity_pem(papers.client.0.clone(), key()),
        RedisStore::builder("redis://localhost", keys()).unwrap().roots_pem(papers.root.clone()),
    ] {
        assert!(!format!("{settings:?}").contains("canary"));
        let error = settings.build().unwrap_err();
        assert_eq!(error.kind(), countersign_core::ErrorKind::Configuration, "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
