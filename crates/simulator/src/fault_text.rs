//! Faults as text, for a command line: `refresh=delay:500ms*2`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::fault::{Absurd, Fault, RetryAfter, Times};
use crate::operation::Operation;

/// A fault with its operation and its count, read from `operation=fault[:argument][*times]`.
///
/// Without `*times` it is for ever. The names are those of [`Operation::as_str`] and [`Fault::name`]; times are
/// numbers with `ms` or `s`. Arguments: `absurd_expiry:float|huge|negative|string|zero`, `delay:TIME`, `flood:BYTES`,
/// `gzip_bomb:BYTES`, `redirect:URL`, `slow:BYTES:TIME`, `status_429[:SECONDS]` or `status_429:reset:SECONDS`,
/// `wrong_date:[-]TIME`. `gate_until` has no text: a test holds the gate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Injection {
    /// What must be asked for.
    pub operation: Operation,
    /// What goes wrong then.
    pub fault: Fault,
    /// How often.
    pub times: Times,
}

/// The text is no fault with its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadInjection {
    /// There is no `=`, or the count after `*` is no number.
    Form,
    /// There is no such operation.
    Operation,
    /// There is no such fault, or its argument is missing or wrong.
    Fault,
}

impl fmt::Display for BadInjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a fault is written operation=fault[:argument][*times]",
            Self::Operation => "unknown operation",
            Self::Fault => "unknown fault, or its argument is missing or wrong",
        })
    }
}

impl std::error::Error for BadInjection {}

impl FromStr for Injection {
    type Err = BadInjection;

    fn from_str(text: &str) -> Result<Self, BadInjection> {
        let (operation, rest) = text.split_once('=').ok_or(BadInjection::Form)?;
        let operation = operation.parse().map_err(|_| BadInjection::Operation)?;
        let (fault, times) = match rest.rsplit_once('*') {
            None => (rest, Times::Forever),
            Some((fault, times)) => {
                (fault, Times::Exactly(times.parse().map_err(|_| BadInjection::Form)?))
            }
        };
        let fault = fault_of(fault).ok_or(BadInjection::Fault)?;
        Ok(Self { operation, fault, times })
    }
}

fn fault_of(text: &str) -> Option<Fault> {
    let (name, argument) = match text.split_once(':') {
        None => (text, None),
        Some((name, argument)) => (name, Some(argument)),
    };
    match argument {
        None => plain(name),
        Some(argument) => with_argument(name, argument),
    }
}

fn plain(name: &str) -> Option<Fault> {
    Some(match name {
        "broken_json" => Fault::BrokenJson,
        "cut" => Fault::Cut,
        "deep_json" => Fault::DeepJson,
        "duplicate_json" => Fault::DuplicateJson,
        "empty" => Fault::Empty,
        "empty_token" => Fault::EmptyToken,
        "endless" => Fault::Endless,
        "hang" => Fault::Hang,
        "html" => Fault::Html,
        "huge_token" => Fault::HugeToken,
        "lose_answer" => Fault::LoseAnswer,
        "missing_expiry" => Fault::MissingExpiry,
        "refuse" => Fault::Refuse,
        "status_429" => Fault::Status429 { retry_after: RetryAfter::None },
        "status_500" => Fault::Status500,
        "status_503" => Fault::Status503,
        "token_with_newline" => Fault::TokenWithNewline,
        "truncate" => Fault::Truncate,
        "unauthorized" => Fault::Unauthorized,
        _ => return None,
    })
}

fn with_argument(name: &str, argument: &str) -> Option<Fault> {
    Some(match name {
        "absurd_expiry" => Fault::AbsurdExpiry(match argument {
            "float" => Absurd::Float,
            "huge" => Absurd::Huge,
            "negative" => Absurd::Negative,
            "string" => Absurd::String,
            "zero" => Absurd::Zero,
            _ => return None,
        }),
        "delay" => Fault::Delay(time(argument)?),
        "flood" => Fault::Flood(argument.parse().ok()?),
        "gzip_bomb" => Fault::GzipBomb(argument.parse().ok()?),
        "redirect" => Fault::Redirect { to: argument.to_owned() },
        "slow" => {
            let (chunk, every) = argument.split_once(':')?;
            Fault::Slow { chunk: chunk.parse().ok()?, every: time(every)? }
        }
        "status_429" => Fault::Status429 {
            retry_after: match argument.strip_prefix("reset:") {
                None => RetryAfter::Seconds(argument.parse().ok()?),
                Some(seconds) => RetryAfter::Reset(seconds.parse().ok()?),
            },
        },
        "wrong_date" => {
            let (sign, size) = argument.strip_prefix('-').map_or((1, argument), |size| (-1, size));
            Fault::WrongDate { offset_ms: sign * i64::try_from(time(size)?.as_millis()).ok()? }
        }
        _ => return None,
    })
}

fn time(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(ms) => Some(Duration::from_millis(ms.parse().ok()?)),
        None => Some(Duration::from_secs(text.strip_suffix('s')?.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadInjection, Injection};
    use crate::fault::Times;
    use crate::operation::Operation;

    #[test]
    fn every_written_form_is_read() {
        let read: Injection = "refresh=delay:500ms*2".parse().unwrap();
        assert_eq!((read.operation, read.times), (Operation::REFRESH, Times::Exactly(2)));
        assert_eq!(format!("{:?}", read.fault), "Delay(500ms)");
        for (text, fault) in [
            ("any=hang", "Hang"),
            ("sign_in=absurd_expiry:huge", "AbsurdExpiry(Huge)"),
            ("sign_in=status_429", "Status429 { retry_after: None }"),
            ("sign_in=status_429:7*1", "Status429 { retry_after: Seconds(7) }"),
            ("sign_in=status_429:reset:7", "Status429 { retry_after: Reset(7) }"),
            ("resource=redirect:http://127.0.0.1:9/a", "Redirect { to: \"http://127.0.0.1:9/a\" }"),
            ("revoke=slow:1:2s", "Slow { chunk: 1, every: 2s }"),
            ("revoke=wrong_date:-1s", "WrongDate { offset_ms: -1000 }"),
            ("revoke=flood:10", "Flood(10)"),
        ] {
            let read: Injection = text.parse().unwrap();
            assert_eq!(format!("{:?}", read.fault), fault);
        }
    }

    #[test]
    fn nonsense_is_refused_by_its_kind() {
        for (text, error) in [
            ("hang", BadInjection::Form),
            ("any=hang*x", BadInjection::Form),
            ("lunch=hang", BadInjection::Operation),
            ("any=explode", BadInjection::Fault),
            ("any=delay", BadInjection::Fault),
            ("any=delay:5", BadInjection::Fault),
        ] {
            assert_eq!(text.parse::<Injection>().unwrap_err(), error, "{text}");
        }
    }
}
