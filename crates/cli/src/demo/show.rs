//! The stage: tells what happens in the form that was asked for, until the totals are told.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use countersign_core::Clock;
use countersign_runtime::SystemClock;
use tokio::sync::mpsc::UnboundedReceiver;

use super::happening::{Happening, What};
use super::json;
use super::player::Player;
use super::view::View;
use crate::output;
use crate::problem::Problem;
use crate::terminal::escape;

/// How often the table is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// An object a line.
    Json,
    /// A sentence a line.
    Lines,
    /// Sentences, and below them a table that lives.
    Table,
}

impl Form {
    /// What fits to the command line and to where standard output goes.
    pub(super) fn fitting(json: bool) -> Self {
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Table,
            (false, false) => Self::Lines,
        }
    }
}

/// Tells everything that comes, up to and with the totals.
///
/// # Errors
/// If standard output cannot be written.
pub(super) async fn show(
    form: Form,
    mut happenings: UnboundedReceiver<Happening>,
    players: &[Player],
    clock: SystemClock,
) -> Result<(), Problem> {
    let mut view = match form {
        // A terminal that does not tell where its cursor is gets lines.
        Form::Table => View::new(players, clock).ok(),
        Form::Json | Form::Lines => None,
    };
    let mut echoes = Echoes::default();
    loop {
        let next = clock.monotonic().after(FRAME);
        let happening = tokio::select! {
            happening = happenings.recv() => match happening {
                Some(happening) => Some(happening),
                None => return Ok(()),
            },
            () = clock.sleep_until(next), if view.is_some() => None,
        };
        let last = matches!(happening, Some(Happening { what: What::Totals(_), .. }));
        if let Some(view) = &mut view {
            match &happening {
                _ if last => view.draw(players).and_then(|()| view.end()),
                Some(happening) if echoes.is_news(happening) => view.tell(happening),
                _ => view.draw(players),
            }
            .map_err(|error| output::unwritable(&error))?;
        }
        match happening {
            Some(happening) if form == Form::Json => output::json(&json::object(&happening))?,
            Some(Happening { what: What::Totals(totals), .. }) => {
                output::data(format!("\n{totals}\n").as_bytes())?;
            }
            Some(happening) if view.is_none() && echoes.is_news(&happening) => {
                output::line(&line(&happening))?;
            }
            _ => {}
        }
        if last {
            return Ok(());
        }
    }
}

/// Keeps from people what is not for them, and what they were told about the same provider just before.
#[derive(Default)]
struct Echoes(HashMap<&'static str, String>);

impl Echoes {
    fn is_news(&mut self, happening: &Happening) -> bool {
        let Happening { who, what, .. } = happening;
        if !what.is_for_people() {
            return false;
        }
        let sentence = what.to_string();
        self.0.get(who) != Some(&sentence) && {
            self.0.insert(who, sentence);
            true
        }
    }
}

fn line(happening: &Happening) -> String {
    let Happening { after, who, what } = happening;
    format!("{:6.2} {who:<10}{}", after.as_secs_f64(), escape(&what.to_string()))
}
