//! An account that makes itself: sign-up, its confirmation, a second factor, and without it again.

use countersign::cognito::SoftwareToken;
use countersign::{Answers, ChallengeKind, ErrorKind, Operation as Op, Session};
use countersign_simulator::Simulator;

use super::{STEP, adapter, challenge, code, complete, credentials, over, works};
use crate::bench::Bench;

/// Nobody has this name yet.
const ADA: &str = "ada@pool.example";
const WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

fn with(inputs: &[(&str, &str)]) -> Answers {
    inputs.iter().fold(Answers::new(), |all, (name, value)| all.with(name, (*value).to_owned()))
}

fn extension(name: &str, inputs: &[(&str, &str)]) -> Op {
    Op::Extension { name: name.into(), input: with(inputs) }
}

async fn refused(session: &Session, operation: Op) -> ErrorKind {
    session.perform(operation).await.expect_err("a refusal").kind()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_sign_up_confirm_enrol_and_disable() {
    let bench = Bench::new(Simulator::cognito().totp_period(STEP).build()).await;
    let credentials = credentials(&bench).with_identity(ADA);
    let session = bench.keeper.session(adapter(&bench), ADA).credentials(credentials);
    let session = session.api_origins([bench.origin()]).deadline(WITHIN).open().await;
    let session = session.expect("the session opens");
    let odd = Op::Register { attributes: with(&[("e-mail", ADA)]) };
    assert_eq!(refused(&session, odd).await, ErrorKind::InvalidRequest);
    let register = || Op::Register { attributes: with(&[("email", ADA)]) };
    let told = session.perform(register()).await.expect("an account").profile;
    assert_eq!(told.get("confirmed"), Some("false"));
    assert!(told.get("subject").is_some() && told.get("destination").is_some(), "{told:?}");
    assert_eq!(refused(&session, register()).await, ErrorKind::InvalidRequest, "the name is taken");

    let unconfirmed = session.sign_in().await.expect_err("a refusal");
    assert_eq!(unconfirmed.kind(), ErrorKind::AccountUnverified, "{unconfirmed:?}");
    let again = session.perform(extension("resend_confirmation_code", &[])).await;
    assert!(again.expect("a code").profile.get("destination").is_some());
    let mailed = bench.simulator.delivered(ADA).expect("a mail");
    session.perform(extension("confirm_sign_up", &[("code", &mailed)])).await.expect("confirmed");
    complete(session.sign_in().await);
    works(&bench, &session).await;

    let associated = session.perform(extension("associate_software_token", &[])).await;
    let associated = associated.expect("a secret").challenge.expect("a challenge");
    assert_eq!(associated.kind, ChallengeKind::Code);
    assert!(session.pending().is_none(), "it is nobody's sign-in");
    let secret = SoftwareToken::of(&associated).expect("a secret").secret().clone();
    let (right, step) = code(&secret);
    let verify = extension("verify_software_token", &[("code", right.expose())]);
    let verified = session.perform(verify).await.expect("the code fits").profile;
    assert_eq!(verified.get("status"), Some("SUCCESS"));
    let prefer = extension("set_user_mfa_preference", &[("software_token", "preferred")]);
    session.perform(prefer).await.expect("preferred");
    session.sign_out(WITHIN).await;

    assert_eq!(&*challenge(session.sign_in().await).name, "SOFTWARE_TOKEN_MFA");
    over(&secret, step).await;
    complete(session.answer(Answers::code(code(&secret).0)).await);
    let disable = extension("set_user_mfa_preference", &[("software_token", "disabled")]);
    session.perform(disable).await.expect("disabled");
    session.sign_out(WITHIN).await;
    complete(session.sign_in().await);
    bench.server.shutdown().await;
}
