//! Accounts beside each other: whose token is whose.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{ErrorKind, Operation};
use countersign_runtime::Session;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::Control;

const GROUP: &str = "accounts";
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f34-each-account-its-own-token",
        "Two accounts in one process and one store get a token each, renew it and end it each for itself",
        |bench| Box::pin(each_its_own(bench)),
    )
    .proves(&[Row::F(34)])
    .controls(&[Control::OtherAccount, Control::Resource]),
    Case::new(
        GROUP,
        "f34-renewal-for-somebody-else",
        "A renewal that a cache answers with the token of another account is not taken",
        |bench| Box::pin(somebody_else(bench)),
    )
    .proves(&[Row::F(34)])
    .claims(&[Claim::WhoAmI])
    .controls(&[Control::OtherAccount]),
    Case::new(
        GROUP,
        "f34-another-identity-sees-nothing",
        "A session of another identity on the same store finds no token, and sends what it has itself",
        |bench| Box::pin(sees_nothing(bench)),
    )
    .proves(&[Row::F(34), Row::F(35)]),
    Case::new(
        GROUP,
        "f50-refused-account-stops-nobody",
        "An account whose sign-in is refused stops neither its neighbours in the process nor in the store",
        |bench| Box::pin(stops_nobody(bench)),
    )
    .proves(&[Row::F(50)]),
];

/// The account of the bench and the other one, signed in one after the other.
async fn both(bench: &Bench) -> Result<(Session, Session), Finding> {
    let one = bench.sign_in().await?;
    let account = expect::there("another account", bench.server().other_account())?;
    bench.next_code().await;
    let process = bench.first()?;
    let other = process.open_as(&account.identity, account.credentials).await?;
    process.complete(&other, other.sign_in().await?).await?;
    Ok((one, other))
}

async fn each_its_own(bench: Bench) -> Result<(), Finding> {
    let (one, other) = both(&bench).await?;
    let tokens = (one.access_token().await?, other.access_token().await?);
    expect::same("one token for both", tokens.0.secret().matches(tokens.1.secret()), false)?;
    expect::holds("a call of the one", bench.call(&one).await?.is_good())?;
    expect::holds("a call of the other", bench.call(&other).await?.is_good())?;
    let before = other.status().generation;
    bench.next_code().await;
    one.refresh().await?;
    expect::same("the other's token after a renewal", other.status().generation, before)?;
    one.sign_out(MINUTE).await;
    expect::state(&other, Status::Active)?;
    expect::holds("a call of the other", bench.call(&other).await?.is_good())
}

async fn somebody_else(bench: Bench) -> Result<(), Finding> {
    let (one, other) = both(&bench).await?;
    bench.next_code().await;
    one.refresh().await?;
    bench.next_code().await;
    bench.next(bench.renewal(), Fault::Again)?;
    let _ = other.refresh().await;
    let theirs = one.access_token().await?;
    let held = other.access_token().await?;
    expect::same(
        "the token of the one in the other",
        held.secret().matches(theirs.secret()),
        false,
    )?;
    let way = other.status().transitions;
    // Where a refresh token is spent on use the answer to this one has gone to somebody else.
    let kinds = [Some(ErrorKind::SubjectMismatch), Some(ErrorKind::Ambiguous)];
    let loud = way.iter().any(|step| kinds.contains(&step.failure));
    expect::holds_or("a step that tells of the mismatch", loud, format!("{way:?}"))?;
    let told = other.perform(Operation::WhoAmI).await?;
    let identity = other.account().identity().to_lowercase();
    let own = told.profile.iter().any(|(_, value)| value.to_lowercase() == identity);
    expect::holds("a token of the other's own", own)
}

async fn sees_nothing(bench: Bench) -> Result<(), Finding> {
    let one = bench.sign_in().await?;
    bench.next_code().await;
    let name = format!("other-{}", bench.account().identity);
    let credentials = bench.account().credentials.clone().with_identity(&name);
    let stranger = bench.process()?.open_as(&name, credentials).await?;
    expect::same("a token for another identity", stranger.current().is_some(), false)?;
    expect::same("its digest", stranger.digest() == one.digest(), false)?;
    let before = bench.sent(Op::SignIn);
    // By a client id the account is the client's, whatever the session is called.
    let end = stranger.authorization_within(MINUTE).await;
    expect::holds_or("a sign-in of its own", bench.sent(Op::SignIn) > before, "none")?;
    if let Ok(given) = end {
        let other = given.generation() != one.authorization().await?.generation();
        expect::holds("a token of its own", other)?;
    }
    stranger.sign_out(MINUTE).await;
    expect::state(&one, Status::Active)
}

async fn stops_nobody(bench: Bench) -> Result<(), Finding> {
    let process = bench.first()?;
    let wrong = "Wr0ng-canary-p4ssword!".to_owned();
    let credentials = bench.account().credentials.clone().with_client_secret(wrong.clone());
    let credentials = match bench.account().credentials.expect_password() {
        Ok(_) => bench.account().credentials.clone().with_password(wrong),
        Err(_) => credentials,
    };
    let name = format!("other-{}", bench.account().identity);
    let refused = process.open_as(&name, credentials.with_identity(&name)).await?;
    let waiting: Vec<_> = (0..5).map(|_| caller(&refused)).collect();
    bench.settle().await;
    let session = process.sign_in().await?;
    session.authorization().await?;
    for caller in waiting {
        expect::holds("a caller who is refused", done(caller).await?.is_err())?;
    }
    expect::state(&session, Status::Active)
}
