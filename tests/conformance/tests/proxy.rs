//! The proxy before a live service, with the client that users have: what that client meets are bytes on its
//! socket, and nothing of the proxy reaches the service.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::{Fault, Op, Proxy, Stray, Way};
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{Clock, HttpTransport, SecretBytes};
use countersign_reqwest::Client;
use countersign_runtime::SystemClock;
use countersign_simulator::{Running, Simulator};
use http::{HeaderName, HeaderValue, header};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A client that follows redirects strips the first of them by itself, and has never heard of the other.
const WATCHED: [HeaderName; 2] = [header::AUTHORIZATION, HeaderName::from_static("otp")];

/// Who is kept waiting so long has been taken for one of ours.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service, and the proxy before it.
struct Before {
    simulator: Simulator,
    running: Running,
    proxy: Proxy,
}

fn client() -> Arc<dyn HttpTransport> {
    Arc::new(Client::new(reqwest::Client::builder()).expect("a client"))
}

async fn before(client: Arc<dyn HttpTransport>) -> Before {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.expect("a server");
    let clock = Arc::new(SystemClock::new());
    let proxy = Proxy::open(client, self::client(), clock, &WATCHED).await.expect("a proxy");
    Before { simulator, running, proxy }
}

impl Before {
    fn sign_in(&self) -> HttpRequest {
        self.sign_in_at(&self.running.url())
    }

    fn sign_in_at(&self, base: &str) -> HttpRequest {
        let account = self.simulator.account();
        let body = json!({ "email": account.identity, "password": account.password });
        let url = format!("{base}/auth/signin");
        let mut request = HttpRequest::post_json(&url, &body).expect("a request");
        for name in WATCHED {
            request.set(name, HeaderValue::from_static("canary-of-before"));
        }
        request
    }

    async fn meets(&self, fault: Fault) -> Result<HttpResponse, TransportError> {
        self.proxy.send(Op::SignIn, self.sign_in(), Some(&fault)).await
    }

    /// Why the client had no answer, and whether the service has carried the request out.
    async fn lost(&self, fault: Fault) -> (Delivery, Reason, usize) {
        let seen = self.simulator.records().len();
        let error = self.meets(fault).await.map(|answer| answer.status()).expect_err("no answer");
        (error.delivery(), error.reason(), self.simulator.records().len() - seen)
    }
}

#[tokio::test]
async fn what_meets_no_fault_arrives_as_it_was_sent_and_comes_back_as_it_was_answered() {
    let before = before(client()).await;
    let direct = client().send(before.sign_in()).await.expect("an answer");
    let through = before.proxy.send(Op::SignIn, before.sign_in(), None).await.expect("an answer");
    assert_eq!(through.status(), direct.status());
    assert_eq!(through.body().len(), direct.body().len());
    let records = before.simulator.records();
    let names = |n: usize| records[n].header_names.clone();
    assert_eq!(names(0), names(1), "the service sees the same headers");
    assert!(!format!("{records:?}").contains("x-conformance-errand"), "{records:?}");
}

#[tokio::test]
async fn each_loss_is_to_the_client_what_it_says() {
    let before = before(client()).await;
    let unknown = |reason, carried| (Delivery::Unknown, reason, carried);
    let cut = Reason::Interrupted;
    assert_eq!(before.lost(Fault::Refuse).await, (Delivery::NotSent, Reason::Connect, 0));
    assert_eq!(before.lost(Fault::Cut).await, unknown(cut, 0));
    assert_eq!(before.lost(Fault::LoseAnswer).await, unknown(cut, 1));
    for kept in [0, 1, 11, 40] {
        assert_eq!(before.lost(Fault::CutAtByte(kept)).await, unknown(cut, 1), "{kept}");
    }
    assert_eq!(before.lost(Fault::CutAt(5)).await, unknown(cut, 1));
    assert_eq!(before.lost(Fault::Flood).await, unknown(Reason::BodyTooLarge, 0));
    assert_eq!(before.lost(Fault::GzipBomb(8 << 20)).await, unknown(Reason::BodyTooLarge, 0));
}

#[tokio::test]
async fn f43_an_answer_is_heard_whole_or_not_at_all_at_whichever_of_its_bytes_it_ends() {
    let before = before(client()).await;
    let whole = before.proxy.send(Op::SignIn, before.sign_in(), None).await.expect("an answer");
    let mut kept = 0;
    let heard = loop {
        match before.proxy.replay(Op::SignIn, Some(kept)).await {
            Ok(answer) => break answer,
            Err(error) => assert_eq!(error.delivery(), Delivery::Unknown, "{kept}"),
        }
        kept += 1;
    };
    // Not shown where they differ: they hold tokens.
    assert!(heard.body().expose_bytes() == whole.body().expose_bytes(), "another body");
    assert!(kept > whole.body().len() + 40, "{kept} of {}", whole.body().len());
    assert_eq!(before.simulator.records().len(), 1, "the service is asked once");
}

#[tokio::test]
async fn an_answer_that_drips_or_comes_twice_or_to_two_requests_is_an_answer() {
    let before = before(client()).await;
    for (fault, carried) in [(Fault::Dripping, 1), (Fault::AnsweredTwice, 1), (Fault::Twice, 2)] {
        let (name, seen) = (fault.name(), before.simulator.records().len());
        let answer = before.meets(fault).await.expect(name);
        assert!(answer.status().is_success(), "{name}");
        assert!(answer.json::<serde_json::Value>().is_ok(), "{name}: one document");
        assert_eq!(before.simulator.records().len() - seen, carried, "{name}");
    }
}

/// A client that follows redirects, as most do unless they are told not to.
struct Follows(reqwest::Client);

#[async_trait]
impl HttpTransport for Follows {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.into_inner().map(|body| body.expose_shared());
        let request = reqwest::Request::try_from(request).expect("a request");
        let answer = self.0.execute(request).await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.expect("a body");
        Ok(HttpResponse::new(status, headers, SecretBytes::copy_from(&body)))
    }
}

#[tokio::test]
async fn f33_a_redirect_leads_to_where_somebody_watches_what_is_carried_there() {
    let away = Fault::Redirect("https://elsewhere.example/collect");
    let ours = before(client()).await;
    let answer = ours.meets(away.clone()).await.expect("the redirect itself");
    assert_eq!(answer.status(), 307);
    assert!(ours.proxy.strays().is_empty(), "our client follows none");

    let follows = reqwest::Client::builder().no_proxy().build().expect("a client");
    let theirs = before(Arc::new(Follows(follows))).await;
    theirs.meets(away).await.expect("the answer of elsewhere");
    let strays = theirs.proxy.strays();
    let [Stray { body: true, authority, credential_headers, .. }] = &strays[..] else {
        panic!("{strays:?}")
    };
    assert!(authority.starts_with("127.0.0.1:"), "{authority}");
    assert_eq!(credential_headers, &["otp"]);
    assert!(theirs.simulator.records().is_empty() && ours.simulator.records().is_empty());
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_told_as_such_and_not_as_a_cut_answer() {
    let before = before(client()).await;
    let request = before.sign_in();
    let Before { running, proxy, .. } = before;
    running.shutdown().await;
    let end = proxy.send(Op::SignIn, request, None).await;
    let error = end.map(|answer| answer.status()).expect_err("nobody is there");
    assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
}

#[tokio::test]
async fn a_stranger_on_this_machine_is_sent_nowhere() {
    let before = before(client()).await;
    let shown = format!("{:?}", before.proxy);
    let address = shown.split("address: ").nth(1).and_then(|rest| rest.split(',').next());
    let address = address.expect("an address").trim_end_matches([' ', '}', '.']);
    let mut stranger = TcpStream::connect(address).await.expect("a connection");
    // While one of ours is under way, and with a number that could be one.
    let hanging = before.meets(Fault::Hang);
    let asked = async {
        let get = format!("GET / HTTP/1.1\r\nhost: {address}\r\nx-conformance-errand: 1\r\n\r\n");
        stranger.write_all(get.as_bytes()).await.expect("a request");
        let mut answer = Vec::new();
        stranger.read_to_end(&mut answer).await.expect("the end");
        answer
    };
    let clock = SystemClock::new();
    let answer = tokio::select! {
        answer = asked => answer,
        _ = hanging => panic!("an answer to what hangs"),
        () = clock.sleep_until(clock.monotonic().after(PATIENCE)) => panic!("the stranger was let in"),
    };
    assert!(answer.is_empty() && before.simulator.records().is_empty());
}

/// A port where TLS is spoken for `name`, and what is said there goes on to the service; and its certificate.
async fn with_tls(before: &Before, name: &str) -> (u16, reqwest::Certificate) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, service) =
        (listener.local_addr().expect("its number").port(), before.running.addr());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let accepting = acceptor.accept(stream);
            tokio::spawn(async move {
                // Who does not trust the certificate goes away.
                let Ok(mut stream) = accepting.await else { return };
                let mut onward = TcpStream::connect(service).await.expect("the service");
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (port, reqwest::Certificate::from_der(cert.der()).expect("its certificate"))
}

#[tokio::test]
async fn the_way_on_is_over_tls_and_its_certificates_are_checked() {
    let before = before(client()).await;
    let (port, certificate) = with_tls(&before, "localhost").await;
    let request = || before.sign_in_at(&format!("https://localhost:{port}"));
    let through = |builder: reqwest::ClientBuilder| async {
        let onward = Arc::new(Client::new(builder).expect("a client"));
        let clock = Arc::new(SystemClock::new());
        Proxy::open(client(), onward, clock, &WATCHED).await.expect("a proxy")
    };
    let trusting = through(reqwest::Client::builder().tls_certs_only([certificate])).await;
    let answer = trusting.send(Op::SignIn, request(), None).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), before.simulator.records().len()), (200, 1));
    let cut = trusting.send(Op::SignIn, request(), Some(&Fault::CutAtByte(40))).await;
    assert_eq!(cut.expect_err("half an answer").delivery(), Delivery::Unknown);

    let strict = through(reqwest::Client::builder()).await;
    let end = strict.send(Op::SignIn, request(), None).await;
    let error = end.map(|answer| answer.status()).expect_err("a certificate of nobody");
    assert_eq!((error.delivery(), error.reason()), (Delivery::NotSent, Reason::Connect));
    assert_eq!(before.simulator.records().len(), 2, "nothing went on");
}
