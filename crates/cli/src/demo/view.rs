//! The live table on a terminal, below the sentences of what happens.

use std::io::{self, Stdout};

use countersign_core::session::Status;
use countersign_core::{Clock, Timestamp};
use countersign_runtime::SystemClock;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, Widget};
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::happening::{Happening, Seconds, What};
use super::player::Player;
use crate::terminal::escape;

const HEADER: [&str; 8] =
    ["", "state", "generation", "ends in", "requests", "failed", "replays", "exchanges"];

const WIDTHS: [u16; 8] = [10, 15, 10, 8, 9, 7, 8, 9];

/// A table in the last lines of the terminal; what was there before stays above it.
pub(super) struct View {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    clock: SystemClock,
}

impl View {
    /// Takes as many lines as the players need.
    ///
    /// # Errors
    /// Where the terminal does not tell where its cursor is.
    pub(super) fn new(players: &[Player], clock: SystemClock) -> io::Result<Self> {
        let height = u16::try_from(players.len() + 2).unwrap_or(u16::MAX);
        let options = TerminalOptions { viewport: Viewport::Inline(height) };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
        Ok(Self { terminal, clock })
    }

    /// Writes what has happened above the table.
    pub(super) fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        let lines = sentence(happening, self.terminal.size()?.width);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        self.terminal
            .insert_before(height, |buffer| Paragraph::new(lines).render(buffer.area, buffer))
    }

    /// Shows the sessions as they are now.
    pub(super) fn draw(&mut self, players: &[Player]) -> io::Result<()> {
        let now = self.clock.now();
        let table = table(players, now);
        self.terminal.draw(|frame| {
            let Rect { x, y, width, height } = frame.area();
            let area = Rect { x, y: y + 1, width, height: height.saturating_sub(1) };
            frame.render_widget(table, area);
        })?;
        Ok(())
    }

    /// Leaves the table as it is and the cursor below it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let area = self.terminal.get_frame().area();
        self.terminal.set_cursor_position((0, area.bottom().saturating_sub(1)))?;
        self.terminal.show_cursor()
    }
}

fn table(players: &[Player], now: Timestamp) -> Table<'static> {
    let rows = players.iter().map(|player| {
        let status = player.session.status();
        let counts = player.ledger.counts();
        let generation = status.generation.map_or_else(String::new, |g| g.counter.to_string());
        let left = status.expires_at.filter(|_| status.good).map(|end| end.since(now));
        let failed = Style::new().fg(if counts.failed > 0 { Color::Red } else { Color::Reset });
        Row::new([
            Cell::from(player.name()).style(Style::new().add_modifier(Modifier::BOLD)),
            Cell::from(status.state.as_str()).style(colour(status.state)),
            right(generation, 2),
            right(left.map_or_else(String::new, |left| Seconds(left).to_string()), 3),
            right(counts.requests.to_string(), 4),
            right(counts.failed.to_string(), 5).style(failed),
            right(counts.replays.to_string(), 6),
            right(counts.exchanges.to_string(), 7),
        ])
    });
    let header = HEADER.iter().enumerate().map(|(column, title)| {
        if column < 2 { Cell::from(*title) } else { right((*title).to_owned(), column) }
    });
    Table::new(rows, WIDTHS.map(Constraint::Length))
        .column_spacing(1)
        .header(Row::new(header).style(Style::new().add_modifier(Modifier::DIM)))
}

fn right(text: String, column: usize) -> Cell<'static> {
    let width = WIDTHS.get(column).copied().map_or(0, usize::from);
    Cell::from(format!("{text:>width$}"))
}

fn colour(state: Status) -> Style {
    let colour = match state {
        Status::Active => Color::Green,
        Status::Authenticating | Status::Refreshing | Status::Revoking => Color::Cyan,
        Status::Degraded | Status::Challenged | Status::Ambiguous => Color::Yellow,
        Status::BackingOff | Status::LockedOut | Status::ReauthRequired => Color::Red,
        _ => Color::Reset,
    };
    Style::new().fg(colour)
}

fn sentence(happening: &Happening, width: u16) -> Vec<Line<'static>> {
    let style = match happening.what {
        What::RequestFailed { .. } => Style::new().fg(Color::Red),
        What::OutageBegins | What::Revoked | What::ThrottleSet { .. } | What::LossSet => {
            Style::new().fg(Color::Yellow)
        }
        _ => Style::new(),
    };
    let after = format!("{:6.2} ", happening.after.as_secs_f64());
    let who = format!("{:<10}", happening.who);
    let margin = after.len() + who.len();
    let room = usize::from(width).saturating_sub(margin).max(20);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for part in wrapped(&escape(&happening.what.to_string()), room) {
        let part = Span::styled(part, style);
        lines.push(if lines.is_empty() {
            let after = Span::styled(after.clone(), Color::DarkGray);
            Line::from(vec![after, Span::styled(who.clone(), Modifier::BOLD), part])
        } else {
            Line::from(vec![Span::raw(" ".repeat(margin)), part])
        });
    }
    lines
}

/// The words of a text in lines of at most `room` characters; a longer word has its own line.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_none_is_lost() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible", 4), ["incomprehensible"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
