//! What is claimed and what is not.

use countersign_core::{Answers, ErrorKind, Operation, SecretString};

use crate::bench::Bench;
use crate::case::Case;
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;

const GROUP: &str = "claims";

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "unclaimed-is-unsupported",
    "An operation that the adapter does not claim answers that it is unsupported, and nothing is sent",
    |bench| Box::pin(unclaimed(bench)),
)];

async fn unclaimed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let code = || SecretString::new("123456");
    let password = || bench.server().next_password();
    let operations = [
        (Claim::SignOutEverywhere, Operation::SignOutEverywhere),
        (Claim::Register, Operation::Register { attributes: Answers::new() }),
        (Claim::ChangePassword, Operation::ChangePassword { new_password: password() }),
        (Claim::ForgotPassword, Operation::ForgotPassword),
        (
            Claim::ConfirmForgotPassword,
            Operation::ConfirmForgotPassword { code: code(), new_password: password() },
        ),
        (Claim::WhoAmI, Operation::WhoAmI),
        (
            Claim::Extension("no_such_extension"),
            Operation::Extension { name: "no_such_extension".into(), input: Answers::new() },
        ),
    ];
    let before = bench.sent(Op::Any);
    for (claim, operation) in operations {
        if claim.holds(bench.claims()) {
            continue;
        }
        let end = session.perform(operation).await;
        expect::fails(&claim.to_string(), ErrorKind::Unsupported, end)?;
        expect::same("requests", bench.sent(Op::Any), before)?;
    }
    Ok(())
}
