//! What is claimed and what is not.

use countersign_core::{
    Ambient, Answers, ErrorKind, Memo, Operation, SecretBytes, SecretString, Seed,
};

use crate::bench::Bench;
use crate::case::Case;
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;

const GROUP: &str = "claims";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "unclaimed-is-unsupported",
        "An operation that the adapter does not claim answers that it is unsupported, and nothing is sent",
        |bench| Box::pin(unclaimed(bench)),
    ),
    Case::new(
        GROUP,
        "unclaimed-builds-no-request",
        "The adapter by itself builds no request for an operation that it does not claim",
        |bench| Box::pin(unclaimed_request(bench)),
    )
    .live(0),
];

async fn unclaimed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    // A token of seconds, as some live servers give, may be renewed meanwhile.
    let sent = || bench.sent(Op::Any) - bench.sent(bench.renewal());
    let before = sent();
    for (claim, operation) in unclaimed_operations(&bench) {
        // Those of the life of a token are no operations of a caller.
        if matches!(operation, Operation::Refresh | Operation::Revoke) {
            continue;
        }
        let end = session.perform(operation).await;
        expect::fails(&claim.to_string(), ErrorKind::Unsupported, end)?;
        expect::same("requests", sent(), before)?;
    }
    Ok(())
}

async fn unclaimed_request(bench: Bench) -> Result<(), Finding> {
    let credentials = &bench.account().credentials;
    let (seed, memo) = (Seed::new(SecretBytes::copy_from(&[7; 32])), Memo::default());
    let now = bench.now();
    let ambient = Ambient { now, seed: &seed, credentials, tokens: None, memo: &memo };
    for (claim, operation) in unclaimed_operations(&bench) {
        let built = bench.adapter().request(&operation, &ambient);
        expect::fails(&claim.to_string(), ErrorKind::Unsupported, built)?;
    }
    Ok(())
}

/// Every operation of which the adapter does not claim that it has it.
fn unclaimed_operations(bench: &Bench) -> Vec<(Claim, Operation)> {
    let code = || SecretString::new("123456");
    let new_password = || bench.server().next_password();
    let extension = |name: &'static str| {
        let input = Answers::new();
        (Claim::Extension(name), Operation::Extension { name: name.into(), input })
    };
    let all = [
        (Claim::Refresh, Operation::Refresh),
        (Claim::Revoke, Operation::Revoke),
        (Claim::SignOutEverywhere, Operation::SignOutEverywhere),
        (Claim::Register, Operation::Register { attributes: Answers::new() }),
        (Claim::ChangePassword, Operation::ChangePassword { new_password: new_password() }),
        (Claim::ForgotPassword, Operation::ForgotPassword),
        (
            Claim::ConfirmForgotPassword,
            Operation::ConfirmForgotPassword { code: code(), new_password: new_password() },
        ),
        (Claim::WhoAmI, Operation::WhoAmI),
        extension("no_such_extension"),
        extension(""),
    ];
    all.into_iter().filter(|(claim, _)| !claim.holds(bench.claims())).collect()
}
