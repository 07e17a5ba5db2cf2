//! What the engine says while it works, on standard error; silent unless asked.

use std::io::{self, IsTerminal};
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::problem::Problem;
use crate::source::Environment;

/// The crates of this project begin with this word.
const OURS: &str = "countersign";

/// Starts logging as `--verbose` and `COUNTERSIGN_LOG` ask for it. What other crates say through the `log`
/// crate comes the same way.
pub(crate) fn start(verbose: bool, environment: Environment) -> Result<(), Problem> {
    let wish = environment("COUNTERSIGN_LOG").map(|wish| wish.to_string_lossy().into_owned());
    let Some(targets) = filter(verbose, wish.as_deref())? else { return Ok(()) };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && wants_colours(environment));
    tracing_subscriber::registry().with(targets).with(layer).init();
    Ok(())
}

/// Whether nobody has said that there are to be no colours (no-color.org).
fn wants_colours(environment: Environment) -> bool {
    environment("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A list of `LEVEL` (for the crates of this project) and `TARGET=LEVEL`; `None` if nothing is asked.
fn filter(verbose: bool, wish: Option<&str>) -> Result<Option<Targets>, Problem> {
    let mut ours = verbose.then_some(LevelFilter::from_level(Level::INFO));
    let mut targets = Targets::new();
    let mut asked = false;
    for part in wish.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            None => ours = Some(level(part)?),
            Some((target, word)) => {
                targets = targets.with_target(target, level(word)?);
                asked = true;
            }
        }
    }
    if let Some(level) = ours {
        targets = targets.with_target(OURS, level);
        asked |= level != LevelFilter::OFF;
    }
    Ok(asked.then_some(targets))
}

fn level(word: &str) -> Result<LevelFilter, Problem> {
    LevelFilter::from_str(word).map_err(|_| {
        Problem::usage(
            format!("COUNTERSIGN_LOG: `{word}` is no level"),
            "write off, error, warn, info, debug or trace; TARGET=LEVEL for another crate",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_unless_asked_and_only_our_crates_unless_named() {
        assert!(filter(false, None).unwrap().is_none());
        assert!(filter(false, Some("off")).unwrap().is_none());
        let verbose = filter(true, None).unwrap().unwrap();
        assert!(verbose.would_enable("countersign_runtime::session", &Level::INFO));
        assert!(!verbose.would_enable("countersign_runtime", &Level::DEBUG));
        assert!(!verbose.would_enable("hyper", &Level::ERROR));
        let wished = filter(true, Some("trace, hyper=debug")).unwrap().unwrap();
        assert!(wished.would_enable("countersign_core", &Level::TRACE));
        assert!(wished.would_enable("hyper::proto", &Level::DEBUG));
    }

    #[test]
    fn colours_are_off_where_somebody_has_said_so() {
        assert!(wants_colours(|_| None) && wants_colours(|_| Some("".into())));
        assert!(!wants_colours(|name| (name == "NO_COLOR").then(|| "1".into())));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        assert!(filter(false, Some("loud")).unwrap_err().lines().contains("`loud` is no level"));
    }
}
