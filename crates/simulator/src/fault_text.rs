//! Faults as text, for a command line: `refresh=delay:500ms*2`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::fault::{Absurd, Fault, RetryAfter, Times};
use crate::gzip;
use crate::operation::{Operation, UnknownOperation};

/// The faults that take no argument.
const PLAIN: &[&str] = &[
    "broken_json",
    "cut",
    "deep_json",
    "duplicate_json",
    "empty",
    "empty_token",
    "endless",
    "hang",
    "html",
    "huge_token",
    "lose_answer",
    "missing_expiry",
    "refuse",
    "status_429",
    "status_500",
    "status_503",
    "token_with_newline",
    "truncate",
    "unauthorized",
];

/// The forms of those that take one.
const FORMS: &[(&str, &str)] = &[
    ("absurd_expiry", "absurd_expiry:float|huge|negative|string|zero"),
    ("delay", "delay:TIME"),
    ("flood", "flood:BYTES"),
    ("gzip_bomb", "gzip_bomb:BYTES (1073741824 at most)"),
    ("redirect", "redirect:URL"),
    ("slow", "slow:BYTES:TIME"),
    ("status_429", "status_429[:SECONDS] or status_429:date|reset:SECONDS"),
    ("wrong_date", "wrong_date:[-]TIME"),
];

/// A fault with its operation and its count, read from `operation=fault[:argument][*times]`.
///
/// Without `*times` it is for ever. The names are those of [`Operation::as_str`], also of an operation that one
/// provider of this crate alone has, and of [`Fault::name`]; times are numbers with `ms` or `s`. Arguments:
/// `absurd_expiry:float|huge|negative|string|zero`, `delay:TIME`, `flood:BYTES`, `gzip_bomb:BYTES`, `redirect:URL`,
/// `slow:BYTES:TIME`, `status_429[:SECONDS]` or `status_429:date|reset:SECONDS`, `wrong_date:[-]TIME`. `gate_until` has no
/// text: a test holds the gate.
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

/// The text is no fault with its operation. As text it says what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadInjection {
    /// There is no `=`.
    Form,
    /// What is behind `*` is no number.
    Times(String),
    /// There is no such operation.
    Operation(UnknownOperation),
    /// There is no fault of this name.
    Fault(String),
    /// The fault of this form lacks its argument, or has one that it cannot take.
    Argument(&'static str),
    /// The fault of this name takes no argument.
    NoArgument(&'static str),
}

impl fmt::Display for BadInjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("a fault is written operation=fault[:argument][*times]"),
            Self::Times(text) => write!(
                f,
                "`{}` is no number of times; write *2, or leave it out for ever",
                text.escape_debug()
            ),
            Self::Operation(unknown) => unknown.fmt(f),
            Self::Fault(name) => {
                let forms = FORMS.iter().map(|(_, form)| *form);
                let there: Vec<&str> = PLAIN.iter().copied().chain(forms).collect();
                let (name, there) = (name.escape_debug(), there.join(", "));
                write!(f, "there is no fault `{name}`; take one of {there}")
            }
            Self::Argument(form) => {
                write!(f, "this fault is written {form}; TIME is a number with ms or s")
            }
            Self::NoArgument(name) => write!(f, "{name} takes no argument; write {name} alone"),
        }
    }
}

impl std::error::Error for BadInjection {}

impl FromStr for Injection {
    type Err = BadInjection;

    fn from_str(text: &str) -> Result<Self, BadInjection> {
        let (operation, rest) = text.split_once('=').ok_or(BadInjection::Form)?;
        let operation = operation.parse().map_err(BadInjection::Operation)?;
        let (fault, times) = match rest.rsplit_once('*') {
            None => (rest, Times::Forever),
            Some((fault, times)) => {
                let number = times.parse().map_err(|_| BadInjection::Times(times.to_owned()))?;
                (fault, Times::Exactly(number))
            }
        };
        Ok(Self { operation, fault: fault_of(fault)?, times })
    }
}

fn fault_of(text: &str) -> Result<Fault, BadInjection> {
    let (name, argument) = match text.split_once(':') {
        None => (text, None),
        Some((name, argument)) => (name, Some(argument)),
    };
    let fault = match argument {
        None => plain(name),
        Some(argument) => with_argument(name, argument),
    };
    fault.ok_or_else(|| {
        let form = FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| *form);
        let alone = PLAIN.iter().find(|known| **known == name);
        match (form, alone) {
            (Some(form), _) => BadInjection::Argument(form),
            (None, Some(name)) => BadInjection::NoArgument(name),
            (None, None) => BadInjection::Fault(name.to_owned()),
        }
    })
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
        "gzip_bomb" => Fault::GzipBomb(argument.parse().ok().filter(|total| *total <= gzip::MOST)?),
        "redirect" => Fault::Redirect { to: argument.to_owned() },
        "slow" => {
            let (chunk, every) = argument.split_once(':')?;
            Fault::Slow { chunk: chunk.parse().ok()?, every: time(every)? }
        }
        "status_429" => Fault::Status429 {
            retry_after: match argument.split_once(':') {
                None => RetryAfter::Seconds(argument.parse().ok()?),
                Some(("date", seconds)) => RetryAfter::Date(seconds.parse().ok()?),
                Some(("reset", seconds)) => RetryAfter::Reset(seconds.parse().ok()?),
                Some(_) => return None,
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
    use super::{FORMS, Injection, PLAIN, plain, with_argument};
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
            ("sign_in=status_429:date:7", "Status429 { retry_after: Date(7) }"),
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
    fn an_operation_of_one_provider_is_named_too() {
        for name in ["auth", "confirm_device", "associate_software_token", "confirm_user"] {
            let read: Injection = format!("{name}=hang").parse().unwrap();
            assert_eq!(read.operation.as_str(), name);
        }
    }

    #[test]
    fn what_is_refused_is_named_with_what_there_is() {
        for (text, told) in [
            ("hang", "a fault is written operation=fault[:argument][*times]"),
            ("any=hang*x", "`x` is no number of times; write *2, or leave it out for ever"),
            ("any=delay", "this fault is written delay:TIME; TIME is a number with ms or s"),
            ("any=delay:5", "this fault is written delay:TIME; TIME is a number with ms or s"),
            ("any=hang:5s", "hang takes no argument; write hang alone"),
        ] {
            assert_eq!(text.parse::<Injection>().unwrap_err().to_string(), told, "{text}");
        }
        let lunch = "lunch=hang".parse::<Injection>().unwrap_err().to_string();
        assert!(
            lunch.starts_with("there is no operation `lunch`; take one of answer, any, auth, ")
        );
        assert!(lunch.contains(", confirm_device, ") && lunch.contains(", confirm_user, "));
        let explode = "any=explode".parse::<Injection>().unwrap_err().to_string();
        assert!(explode.starts_with("there is no fault `explode`; take one of broken_json, cut, "));
        assert!(explode.contains(", delay:TIME, ") && !explode.contains("gate_until"));
    }

    #[test]
    fn every_name_that_is_told_is_taken() {
        for name in PLAIN {
            assert_eq!(plain(name).map(|fault| fault.name()), Some(*name));
        }
        for (name, argument) in [
            ("absurd_expiry", "zero"),
            ("delay", "1s"),
            ("flood", "1"),
            ("gzip_bomb", "1"),
            ("redirect", "http://127.0.0.1:9/a"),
            ("slow", "1:1s"),
            ("status_429", "1"),
            ("wrong_date", "1s"),
        ] {
            assert!(FORMS.iter().any(|(known, form)| *known == name && form.starts_with(name)));
            assert_eq!(with_argument(name, argument).map(|fault| fault.name()), Some(name));
        }
    }

    #[test]
    fn a_bomb_that_could_not_be_built_is_refused_with_the_bound() {
        assert!("any=gzip_bomb:1073741824".parse::<Injection>().is_ok());
        let told = "any=gzip_bomb:1073741825".parse::<Injection>().unwrap_err().to_string();
        assert!(told.contains("gzip_bomb:BYTES (1073741824 at most)"), "{told}");
        assert_eq!(crate::gzip::MOST, 1_073_741_824);
    }
}
