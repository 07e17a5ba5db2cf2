//! The searcher by itself: what it finds, and what it leaves to chance.

use countersign_tests::canaries::Searcher;

fn forms(secret: &str, content: &str) -> Vec<&'static str> {
    let found = Searcher::new([secret]).search(content.as_bytes());
    found.into_iter().map(|find| find.form).collect()
}

#[test]
fn what_is_not_there_is_not_found() {
    let secret = "canary-0123456789abcdef0123456789abcdef";
    assert!(forms(secret, "canary-0123456 and 89abcdef012345678").is_empty());
    assert!(Searcher::new::<&str>([]).search(secret.as_bytes()).is_empty());
}

#[test]
fn a_code_counts_as_a_whole_number_only() {
    for told in ["otp=081804", "\"081804\"", "081804", "code 081804, again", "%30%38%31804"] {
        assert_eq!(forms("081804", told), ["plain"], "{told}");
    }
    for chance in ["1081804", "0818041", "a081804", "081804Z", "took 3.081804 s", "08 18 04"] {
        assert!(forms("081804", chance).is_empty(), "{chance}");
    }
    assert_eq!(forms("081804", "MDgxODA0"), ["base64"]);
}

#[test]
fn a_long_secret_is_found_cut_off() {
    let secret = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4OTM0NTk2MDB9.c2lnbmF0dXJlLW9mLWl0";
    assert_eq!(forms(secret, "token eyJhbGciOiJIUzI1..."), ["plain, cut off"]);
    assert_eq!(forms(secret, "...YXR1cmUtb2YtaXQ; yc2lnbmF0dXJlLW9mLWl0"), ["plain, cut off"]);
}

#[test]
#[should_panic(expected = "secret 1 is too short")]
fn what_cannot_be_searched_for_is_refused() {
    Searcher::new(["long enough", "short"]);
}
