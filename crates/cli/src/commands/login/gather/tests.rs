//! What is given is used, what is missing is named, and what cannot be right is not sent.

use std::ffi::OsString;

use clap::Parser;
use countersign_core::{Capabilities, Continuation, CredentialKind};

use super::*;
use crate::cli::Cli;
use crate::enrolment::Showing;
use crate::profile::ProfileFile;

fn environment(name: &str) -> Option<OsString> {
    let value = match name {
        "CODE" => "123 456",
        "SHORT" => "1234",
        "WEAK" => "canary",
        "NAME" => "canary-name",
        "TYPE" => "SMS_MFA",
        _ => return None,
    };
    Some(value.into())
}

fn challenge(name: &str, kind: ChallengeKind) -> Challenge {
    let end = Timestamp::from_seconds(784_111_777);
    let mut challenge = Challenge::new(name, kind, Continuation::default(), end);
    challenge.parameters.insert("DESTINATION".into(), "+*\u{202e}78".into());
    challenge.reanswerable = true;
    challenge
}

const POLICY: PasswordPolicy = PasswordPolicy {
    min_length: 8,
    max_length: None,
    upper: false,
    lower: false,
    digit: false,
    symbol: false,
};

async fn answers(options: &[&str], challenge: &Challenge) -> Result<Answers, Problem> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let inputs = Inputs::parse(&options, environment).unwrap();
    let new_password = &Choice::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[profiles.pool]\nprovider = \"ibex\"\n").unwrap();
    let profile = ProfileFile::read(&path).unwrap().profile(None).unwrap();
    let Cli { global, .. } = Cli::parse_from(["countersign", "status"]);
    let showing = &Showing::default();
    let can = Capabilities::default();
    let enrolment = Enrolment::new(&profile, can, showing, None, &global).unwrap();
    let keep = Keep::of(&profile, CredentialKind::Password);
    let profile = "pool";
    Gathering { inputs, new_password, keep, policy: Some(POLICY), profile, enrolment }
        .answers(challenge, None, Timestamp::UNIX_EPOCH)
        .await
}

#[tokio::test]
async fn a_code_is_sent_without_the_blanks_that_an_authenticator_shows() {
    let code = challenge("SOFTWARE_TOKEN_MFA", ChallengeKind::Code);
    let given = answers(&["code=env:CODE"], &code).await.unwrap();
    assert_eq!(given.get("code").unwrap().expose(), "123456");
}

#[tokio::test]
async fn what_cannot_be_right_is_not_sent_and_the_challenge_waits() {
    let code = challenge("SOFTWARE_TOKEN_MFA", ChallengeKind::Code);
    let new = challenge("NEW_PASSWORD_REQUIRED", ChallengeKind::NewPassword);
    for (options, challenge, part) in [
        (["code=env:SHORT"], code, "has six digits; nothing was sent"),
        (["new_password=env:WEAK"], new, "needs at least 8 characters; nothing was sent"),
    ] {
        let problem = answers(&options, &challenge).await.unwrap_err();
        assert_eq!(problem.exit(), Exit::ChallengePending);
        let lines = problem.lines();
        assert!(lines.contains(part) && !lines.contains("canary"), "{lines}");
    }
    // Other codes have lengths of their own.
    let mailed = challenge("EMAIL_OTP", ChallengeKind::Code);
    assert!(answers(&["code=env:SHORT"], &mailed).await.is_ok());
}

#[tokio::test]
async fn attributes_may_come_beside_what_is_wanted() {
    let mut new = challenge("NEW_PASSWORD_REQUIRED", ChallengeKind::NewPassword);
    new.wants = vec!["attribute.name".into()];
    let options = ["attribute.name=env:NAME", "attribute.nickname=env:NAME", "code=env:CODE"];
    let given = answers(&options, &new).await.unwrap();
    assert!(given.iter().map(|(name, _)| name).eq(["attribute.name", "attribute.nickname"]));
}

#[tokio::test]
async fn a_choice_is_one_of_those_that_are_offered_and_the_only_one_needs_no_question() {
    let mut choice = challenge("SELECT_MFA_TYPE", ChallengeKind::Choice);
    choice.parameters.insert("choices".into(), "SMS_MFA,SOFTWARE_TOKEN_MFA".into());
    let given = answers(&["choice=env:TYPE"], &choice).await.unwrap();
    assert_eq!(given.get("choice").unwrap().expose(), "SMS_MFA");
    let wrong = answers(&["choice=env:CODE"], &choice).await.unwrap_err();
    assert!(wrong.lines().contains("SMS_MFA, SOFTWARE_TOKEN_MFA"), "{}", wrong.lines());
    choice.parameters.insert("choices".into(), "SOFTWARE_TOKEN_MFA".into());
    let given = answers(&[], &choice).await.unwrap();
    assert_eq!(given.get("choice").unwrap().expose(), "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn f40_off_a_terminal_a_challenge_stays_pending_with_the_way_on() {
    if terminal::can_ask() {
        return;
    }
    let code = challenge("SMS_MFA", ChallengeKind::Code);
    let problem = answers(&["cod=env:CODE"], &code).await.unwrap_err();
    assert_eq!(problem.exit(), Exit::ChallengePending);
    let lines = problem.lines();
    for part in [
        "asks for SMS_MFA (code)",
        "until 1994-11-06T08:49:37Z",
        "DESTINATION: +*\\u{202e}78",
        "did you mean `code`?",
        "countersign login --continue --profile pool --answer code=env:NAME",
    ] {
        assert!(lines.contains(part), "{part:?} is not in {lines}");
    }
}

#[tokio::test]
async fn p20_an_unknown_challenge_is_named_and_refused() {
    let unknown = challenge("PALM_READING", ChallengeKind::Unsupported);
    let problem = answers(&[], &unknown).await.unwrap_err();
    assert_eq!(problem.exit(), Exit::Refused);
    assert!(problem.lines().contains("asks for PALM_READING, which cannot be answered"));
}
