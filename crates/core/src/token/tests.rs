//! How an answer becomes a token set.

use std::time::Duration;

use super::*;
use crate::capability::FallbackLifetimes;
use crate::time::{Lifetime, Timestamp};

const SENT: Timestamp = Timestamp::from_seconds(1_000_000);

fn anchor() -> Anchor {
    Anchor { sent_at: SENT, skew_millis: 0, fallback: FallbackLifetimes::default(), tag: 7 }
}

fn response(token: &str) -> TokenResponse {
    TokenResponse::new(AccessToken::new(token.to_owned()).unwrap())
}

/// An unsigned JWT whose payload is `claims`.
fn jwt(claims: &str) -> String {
    let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.c2ln", part(r#"{"alg":"none"}"#), part(claims))
}

fn set(response: TokenResponse, previous: Option<&TokenSet>) -> TokenSet {
    TokenSet::from_response(response, previous, anchor()).unwrap()
}

#[test]
fn f17_a_relative_lifetime_counts_from_the_sending() {
    let mut answer = response("opaque");
    answer.access_expiry = Some(Lifetime::For(Duration::from_secs(60)));
    assert_eq!(set(answer, None).expires_at(), SENT.after(Duration::from_secs(60)));
}

#[test]
fn p01_a_past_instant_falls_back_to_exp_and_then_to_the_declared_life() {
    let mut answer = response(&jwt(r#"{"exp":1000090}"#));
    answer.access_expiry = Some(Lifetime::Until(Timestamp::UNIX_EPOCH));
    assert_eq!(set(answer, None).expires_at(), Timestamp::from_seconds(1_000_090));

    let mut answer = response(&jwt(r#"{"exp":5}"#));
    answer.access_expiry = Some(Lifetime::Until(Timestamp::from_seconds(999_999)));
    assert_eq!(set(answer, None).expires_at(), SENT.after(Duration::from_secs(300)));
}

#[test]
fn f43_an_opaque_token_without_expiry_gets_the_fallback_and_never_for_ever() {
    assert_eq!(set(response("opaque"), None).expires_at(), SENT.after(Duration::from_secs(300)));
}

#[test]
fn f49_an_absurd_lifetime_is_cut_and_does_not_overflow() {
    for life in [Lifetime::For(Duration::MAX), Lifetime::Until(Timestamp::MAX)] {
        let mut answer = response("opaque");
        answer.access_expiry = Some(life);
        assert!(set(answer, None).expires_at() < SENT.after(Duration::from_secs(400_000_000)));
    }
}

#[test]
fn f10_p02_a_missing_refresh_token_keeps_the_old_one_and_its_expiry() {
    let mut first = response("one");
    first.refresh_token = Some(RefreshToken::new("refresh-1".to_owned()).unwrap());
    first.refresh_expiry = Some(Lifetime::For(Duration::from_secs(600)));
    let first = set(first, None);
    let second = set(response("two"), Some(&first));
    assert_eq!(second.refresh_token().unwrap().secret().expose(), "refresh-1");
    assert_eq!(second.refresh_expires_at(), first.refresh_expires_at());
    assert_eq!((second.generation().counter, second.refreshes()), (2, 1));
}

#[test]
fn a_rotated_refresh_token_replaces_the_old_one_and_its_count() {
    let mut first = response("one");
    first.refresh_token = Some(RefreshToken::new("refresh-1".to_owned()).unwrap());
    let first = set(first, None);
    let mut second = response("two");
    second.refresh_token = Some(RefreshToken::new("refresh-2".to_owned()).unwrap());
    let second = set(second, Some(&first));
    assert_eq!(second.refresh_token().unwrap().secret().expose(), "refresh-2");
    assert_eq!(second.refreshes(), 0);
}

#[test]
fn f34_an_answer_for_another_subject_is_refused() {
    let mut first = response("one");
    first.subject = Some("kim".into());
    let first = set(first, None);
    let mut second = response("two");
    second.subject = Some("lee".into());
    let error = TokenSet::from_response(second, Some(&first), anchor()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubjectMismatch);
}

#[test]
fn f17_an_instant_of_a_server_that_is_ahead_is_brought_to_our_clock() {
    let mut answer = response("opaque");
    answer.access_expiry = Some(Lifetime::Until(SENT.after(Duration::from_secs(100))));
    let anchor = Anchor { skew_millis: 40_000, ..anchor() };
    let set = TokenSet::from_response(answer, None, anchor).unwrap();
    assert_eq!(set.expires_at(), SENT.after(Duration::from_secs(60)));
}

#[test]
fn f49_tokens_that_cannot_be_presented_are_refused() {
    for bad in ["", "two words", "line\r\nX-Evil: 1", "caf\u{e9}", &"x".repeat(MAX_TOKEN_BYTES + 1)]
    {
        let error = AccessToken::new(bad.to_owned()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[test]
fn f32_a_token_set_shows_no_token() {
    let shown = format!("{:?} {:?}", set(response("canary"), None), response("canary"));
    assert!(!shown.contains("canary"));
}
