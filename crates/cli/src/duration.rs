//! Spans of time as people write them: `500ms`, `5s`, `15m`, `1h`, `7d`.

use std::time::Duration;

/// What a span looks like, for messages.
pub(crate) const FORM: &str = "a number with its unit: 500ms, 5s, 15m, 1h or 7d";

/// Reads a span; `None` if it is not one, or longer than can be counted.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    // A signed 64-bit count of milliseconds is what instants are kept in.
    number.checked_mul(seconds).filter(|s| *s <= i64::MAX as u64 / 1000).map(Duration::from_secs)
}

/// The same, for the command line.
///
/// # Errors
/// What a span looks like.
pub(crate) fn argument(text: &str) -> Result<Duration, String> {
    parse(text).ok_or_else(|| format!("write {FORM}"))
}

/// A span in whole units, the two largest: `1h 5m`, `42s`.
pub(crate) fn words(span: Duration) -> String {
    let mut rest = span.as_secs();
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_units_and_never_overflow() {
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for bad in
            ["", "5", "s", "-5s", "1.5s", "5 s", "5w", "99999999999999999999s", "9999999999999999d"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_are_told_in_two_units() {
        for (seconds, text) in [(0, "0s"), (42, "42s"), (3905, "1h 5m"), (604_799, "6d 23h")] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
    }
}
