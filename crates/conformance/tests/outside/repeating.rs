//! What a case sends, or what breaks in it, may hold a secret: the report holds none.

use countersign_conformance::report::model::Outcome;
use countersign_conformance::report::{json, table};
use countersign_conformance::{Bench, Case, Finding, How};
use countersign_core::http::HttpRequest;
use http::Method;

use crate::run;

/// Nobody has told the suite of it.
const DRAWN: &str = "q0W9zX8eC7rV6tB5nM4lK3jH2gF1";

async fn sends(bench: &Bench, path: &str) -> Result<(), Finding> {
    let request = HttpRequest::new(Method::DELETE, &format!("https://acme.example/{path}"))?;
    bench
        .transport()
        .send(request)
        .await
        .map(drop)
        .map_err(|error| Finding::new("an answer", error.to_string()))
}

async fn in_paths(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let token = session.authorization().await?.access_token().secret().expose().to_owned();
    sends(&bench, &format!("bot-{token}/sessions")).await?;
    sends(&bench, "sessions/canary-refresh").await?;
    sends(&bench, &format!("sessions/{DRAWN}")).await?;
    bench.mark(format!("{token} was sent"));
    Err(Finding::new("no token", format!("canary-acme-password and {token}")))
}

async fn in_a_panic(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let token = session.authorization().await?;
    // The words of a panic are somebody else's, and go to standard error too.
    std::panic::resume_unwind(Box::new(format!(
        "called `Result::unwrap()` on an `Err` value: {}",
        token.access_token().secret().expose()
    )))
}

#[test]
fn a_report_repeats_no_secret_of_a_path_a_finding_or_a_panic() {
    let cases = [
        Case::new("g", "paths", "t", |bench| Box::pin(in_paths(bench))),
        Case::new("g", "panic", "t", |bench| Box::pin(in_a_panic(bench))),
    ];
    let run = run(cases, 7);
    assert_eq!(run.tally().failed, 2);
    let written = json::write(&run).expect("JSON");
    for text in [&written, &table::write(&run)] {
        for secret in ["canary-a", "canary-refresh", DRAWN] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    for path in ["/.../sessions", "/sessions/...", "/sign_in"] {
        assert!(written.contains(&format!("\"{path}\"")), "{path} in {written}");
    }
    let panicked = run.cases().any(|(_, case)| {
        matches!(&case.outcome, Outcome::Failed { finding } if finding.how == How::Panic)
    });
    assert!(panicked, "{written}");
}
