//! The time in a password claim: English, in UTC, with a day that is not padded.
//!
//! The service reads it leniently and signs over its own rendering (seen at the service by the authors of an emulator),
//! so a padded day or a wrong weekday is read and then fails the signature.

#[cfg(test)]
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// One moment, and how the service writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) at_ms: i64,
    pub(super) canonical: String,
}

/// Reads `EEE MMM d HH:mm:ss z yyyy`.
pub(super) fn read(text: &str) -> Option<Claimed> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [weekday, month, day, clock, zone, year] = parts.as_slice() else { return None };
    let known = |name: &&str| name.eq_ignore_ascii_case(month);
    let month = MONTHS.iter().position(known).and_then(|index| i8::try_from(index + 1).ok())?;
    let clock: Vec<i8> = clock.split(':').map_while(|part| number(part, 2)).collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if weekday.len() != 3 || !is_name(weekday) || !matches!(*zone, "UTC" | "GMT" | "Z") {
        return None;
    }
    let year = Some(year).filter(|year| year.len() == 4)?.parse().ok()?;
    let at = DateTime::new(year, month, number(day, 2)?, *hour, *minute, *second, 0).ok()?;
    let at_ms = at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some(Claimed { at_ms, canonical: written(at) })
}

/// How the service writes this moment.
#[cfg(test)]
pub(super) fn at(ms: i64) -> String {
    written(Timestamp::from_millisecond(ms).unwrap().to_zoned(TimeZone::UTC).datetime())
}

fn written(at: DateTime) -> String {
    let weekday = match at.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let month = usize::try_from(at.month() - 1).ok().and_then(|index| MONTHS.get(index));
    format!(
        "{weekday} {} {} {:02}:{:02}:{:02} UTC {}",
        month.unwrap_or(&""),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.year()
    )
}

fn number(text: &str, digits: usize) -> Option<i8> {
    let fits = !text.is_empty() && text.len() <= digits;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits && digits)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_moment_is_read_and_written_as_the_service_writes_it() {
        let read = read("Tue Mar 4 09:05:07 UTC 2025").unwrap();
        assert_eq!(read.at_ms, 1_741_079_107_000);
        assert_eq!(read.canonical, "Tue Mar 4 09:05:07 UTC 2025");
    }

    #[test]
    fn a_padded_day_and_a_wrong_weekday_are_read_and_written_otherwise() {
        for text in ["Tue Mar 04 09:05:07 UTC 2025", "Fri Mar 4 09:05:07 UTC 2025"] {
            assert_eq!(read(text).unwrap().canonical, "Tue Mar 4 09:05:07 UTC 2025");
        }
    }

    #[test]
    fn what_is_no_such_moment_is_not_read() {
        for text in [
            "",
            "2025-03-04T09:05:07Z",
            "Tue Mar  4 09:05:07 UTC 2025",
            "Di Mär 4 09:05:07 UTC 2025",
            "Tue Feb 30 09:05:07 UTC 2025",
            "Tue Mar 4 09:05 UTC 2025",
            "Tue Mar 4 09:05:07:01 UTC 2025",
            "Tue Mar +4 09:05:07 UTC 2025",
            "Tue Mar 4 09:05:07 CET 2025",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
