//! Instants and lifetimes. Nothing here reads a clock: time is an argument everywhere.

use std::fmt;
use std::time::Duration;

/// An instant on the wall clock, in milliseconds since the Unix epoch.
///
/// The providers speak in whole seconds (RFC 7519 §2, `NumericDate`); milliseconds are ours, so that
/// a simulated second can be cut. Arithmetic saturates: no absurd answer of a server overflows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last instant that can be written.
    pub const MAX: Self = Self(i64::MAX);
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `self + span`, saturating.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// `self - span`, saturating.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// `self` moved by signed milliseconds, saturating.
    pub const fn shifted(self, by_millis: i64) -> Self {
        Self(self.0.saturating_add(by_millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// Reads an RFC 3339 instant (`2026-01-02T03:04:05Z`).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        Some(Self(instant.as_millisecond()))
    }

    /// Reads an HTTP date (RFC 9110 §5.6.7): the preferred form (`Sun, 06 Nov 1994 08:49:37 GMT`), and the two
    /// older ones, which every recipient must accept.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
            return Some(Self(zoned.timestamp().as_millisecond()));
        }
        let older = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
        let read = |form: &str| jiff::civil::DateTime::strptime(form, text).ok();
        let civil = older.into_iter().find_map(read)?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; an instant beyond year 9999 prints as seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => write!(f, "@{}s", self.as_seconds()),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point on the monotonic clock: time since the clock's own start. Never stored, never compared
/// between processes; it does not jump when the wall clock is set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// `elapsed` after the clock's start.
    pub const fn from_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Time since the clock's start.
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// `self + span`, saturating.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// How a provider says when something ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// So long after the request was sent (`expires_in`, RFC 6749 §5.1).
    For(Duration),
    /// At an instant of the provider's clock (`exp`, RFC 7519 §4.1.4).
    Until(Timestamp),
}

impl Lifetime {
    /// So many seconds. Zero and less, which servers send where they know nothing, is `None`.
    pub fn seconds(seconds: i64) -> Option<Self> {
        let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
        Some(Self::For(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f17_arithmetic_saturates_and_negative_elapsed_is_zero() {
        assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_seconds(i64::MAX), Timestamp::MAX);
        let (early, late) = (Timestamp::from_seconds(5), Timestamp::from_seconds(9));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.since(early), Duration::from_secs(4));
    }

    #[test]
    fn f43_a_lifetime_of_no_seconds_is_not_known() {
        assert_eq!(Lifetime::seconds(5), Some(Lifetime::For(Duration::from_secs(5))));
        assert_eq!([0, -1, i64::MIN].map(Lifetime::seconds), [None; 3]);
    }

    #[test]
    fn dates_are_read_in_the_two_forms_that_servers_send() {
        let expected = Some(Timestamp::from_seconds(784_111_777));
        assert_eq!(Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(Timestamp::parse_rfc3339("1994-11-06T08:49:37Z"), expected);
        assert_eq!(Timestamp::parse_http_date("yesterday"), None);
    }

    #[test]
    fn the_two_older_forms_of_an_http_date_are_read_too() {
        // The examples of RFC 9110 §5.6.7.
        let expected = Some(Timestamp::from_seconds(784_111_777));
        assert_eq!(Timestamp::parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
        assert_eq!(Timestamp::parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
        let later = Some(Timestamp::from_seconds(1_893_456_000));
        assert_eq!(Timestamp::parse_http_date("Tuesday, 01-Jan-30 00:00:00 GMT"), later);
        assert_eq!(Timestamp::parse_http_date("Tue Jan  1 00:00:00 2030"), later);
        for odd in ["Sunday, 06-Nov-94 08:49:37", "Sun Nov 6", "Sunday, 66-Nov-94 08:49:37 GMT", ""]
        {
            assert_eq!(Timestamp::parse_http_date(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_instant_prints_as_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(784_111_777).to_string(), "1994-11-06T08:49:37Z");
    }
}
