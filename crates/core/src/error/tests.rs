//! What an error shows, and what it never shows.

use super::*;

#[test]
fn an_error_is_one_word_wide_and_can_answer_every_waiter() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    let first = Error::new(ErrorKind::InvalidGrant);
    assert_eq!(first.clone().kind(), first.kind());
}

#[test]
fn display_says_who_what_why_and_what_next() {
    let error = Error::new(ErrorKind::InvalidGrant)
        .at(ProviderId::new("ibex"), "sign_in")
        .with_status(http::StatusCode::FORBIDDEN)
        .with_code("NOPE");
    assert_eq!(
        error.to_string(),
        "ibex sign_in: grant refused (HTTP 403, code NOPE): check the credentials, then sign in again"
    );
}

#[test]
fn f32_what_the_provider_wrote_is_neither_in_display_nor_in_debug() {
    let error = Error::new(ErrorKind::Protocol).with_detail("canary-text for kim@example.org");
    assert!(!format!("{error} {error:?} {error:#?}").contains("canary"));
    assert_eq!(error.detail(), Some("canary-text for kim@example.org"));
}

#[test]
fn f32_a_text_that_repeats_a_token_or_a_hash_is_not_kept() {
    let hash = "JMQt7G5vNKcl3TmTp8wGTDrpg0At1gP1rR2uxshQGGQ=";
    assert_eq!(Error::new(ErrorKind::Protocol).with_detail(hash).detail(), None);
    let error = Error::new(ErrorKind::Protocol).with_detail(&format!("the hash {hash} is wrong"));
    assert_eq!(error.detail(), Some("the hash \u{2026} is wrong"));
}

#[test]
fn f49_codes_fields_and_details_cannot_steer_a_terminal() {
    let error = Error::new(ErrorKind::InvalidRequest)
        .with_code("\u{1b}[31mred")
        .with_request_id("<script>")
        .with_fields([FieldError::new("e\nmail", "\u{7}Required")])
        .with_detail("line\r\nline\u{1b}[2J");
    let shown = format!("{error} {error:?} {:?} {:?}", error.request_id(), error.detail());
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\n', '<']), "{shown:?}");
}

#[test]
fn every_kind_is_listed_once() {
    assert!(ErrorKind::ALL.is_sorted_by_key(|kind| format!("{kind:?}")));
    // The last one of the declaration: one that is added behind it is missing in the list.
    assert_eq!(ErrorKind::ALL.len(), ErrorKind::Unsupported as usize + 1);
}
