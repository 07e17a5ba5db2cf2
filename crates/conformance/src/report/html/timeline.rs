//! The exchanges of a case as a picture: two lifelines, time downwards, an arrow a message.

use maud::{Markup, html};

use crate::report::model::Entry;
use crate::report::text::{plain, span};

/// Entries in a picture; of longer ones the beginning and the end are drawn.
const DRAWN: usize = 48;
const WIDTH: u32 = 560;
const CLIENT: u32 = 84;
const SERVER: u32 = 330;
const TOP: u32 = 30;
const STEP: u32 = 30;
/// From this on the lifelines are broken between two entries.
const GAP_MS: u64 = 10_000;

/// One line of the picture.
enum Line<'a> {
    Entry(&'a Entry),
    Gap(String),
}

pub(super) fn picture(entries: &[Entry]) -> Markup {
    let lines = lines(entries);
    let height = TOP + STEP * u32::try_from(lines.len()).unwrap_or(u32::MAX / STEP / 2) + 10;
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
            aria-label={ (entries.len()) " entries: requests to the left, answers to the right" } {
            text.lane x=(CLIENT) y="14" text-anchor="middle" { "client" }
            text.lane x=(SERVER) y="14" text-anchor="middle" { "server" }
            @for (index, line) in (0u32..).zip(&lines) {
                @let y = TOP + STEP * index;
                @match line {
                    Line::Gap(text) => {
                        (lifelines("gap", y))
                        text.lane x=((CLIENT + SERVER) / 2) y=(y + 18) text-anchor="middle" { (text) }
                    }
                    Line::Entry(entry) => {
                        (lifelines("life", y))
                        text.when x=(CLIENT - 10) y=(y + 14) text-anchor="end" { (span(entry.at_ms())) }
                        (drawn(entry, y))
                    }
                }
            }
        }
    }
}

fn lines(entries: &[Entry]) -> Vec<Line<'_>> {
    let left_out = entries.len().saturating_sub(DRAWN);
    let shown = entries
        .iter()
        .enumerate()
        .filter(|(index, _)| left_out == 0 || *index < DRAWN / 2 || *index >= DRAWN / 2 + left_out);
    let mut lines = Vec::new();
    let mut before: Option<(usize, u64)> = None;
    for (index, entry) in shown {
        if let Some((last, at)) = before {
            let passed = entry.at_ms().saturating_sub(at);
            if index > last + 1 {
                lines.push(Line::Gap(format!("{left_out} more, {}", span(passed))));
            } else if passed >= GAP_MS {
                lines.push(Line::Gap(format!("{} pass", span(passed))));
            }
        }
        lines.push(Line::Entry(entry));
        before = Some((index, entry.at_ms()));
    }
    lines
}

fn lifelines(class: &str, y: u32) -> Markup {
    html! {
        @for x in [CLIENT, SERVER] { line class=(class) x1=(x) x2=(x) y1=(y) y2=(y + STEP) {} }
    }
}

fn drawn(entry: &Entry, y: u32) -> Markup {
    match entry {
        Entry::Mark { what, .. } => html! {
            g {
                title { (plain(what)) }
                circle.head cx=(CLIENT) cy=(y + 10) r="3.5" {}
                text.lane x=(CLIENT + 10) y=(y + 14) { (cut(&plain(what), 66)) }
            }
        },
        Entry::Exchange { answered_ms, operation, method, path, status, fault, end, at_ms } => {
            let asked = plain(&format!("{operation} {method} {path}"));
            let class = match status {
                Some(200..=399) => "good",
                Some(_) => "bad",
                None => "lost",
            };
            let mut result = status.map_or_else(|| plain(end), |status| status.to_string());
            if let Some(late) = answered_ms.map(|at| at.saturating_sub(*at_ms)).filter(|ms| *ms > 0)
            {
                result.push_str(&format!(" after {}", span(late)));
            }
            let fault = fault.as_ref().map(|fault| plain(fault));
            html! {
                g {
                    title { (asked) ": " (result) @if let Some(fault) = &fault { ", fault: " (fault) } }
                    text x=(CLIENT + 8) y=(y + 9) { (cut(&asked, 36)) }
                    (arrow("arrow", "head", CLIENT, SERVER, y + 14))
                    @if status.is_some() { (arrow(&format!("arrow {class}"), &format!("head {class}"), SERVER, CLIENT, y + 22)) }
                    @else { line.arrow.lost x1=(SERVER) x2=((CLIENT + SERVER) / 2) y1=(y + 22) y2=(y + 22) {} }
                    text x=(SERVER + 8) y=(y + 12) { (cut(&result, 32)) }
                    @if let Some(fault) = &fault { text.fault x=(SERVER + 8) y=(y + 25) { (cut(fault, 32)) } }
                }
            }
        }
    }
}

fn arrow(line: &str, head: &str, from: u32, to: u32, y: u32) -> Markup {
    let (tip, back) = if to > from { (to - 2, to - 10) } else { (to + 2, to + 10) };
    html! {
        line class=(line) x1=(from) x2=(back) y1=(y) y2=(y) {}
        polygon class=(head) points={ (tip) "," (y) " " (back) "," (y - 3) " " (back) "," (y + 3) } {}
    }
}

/// Text that fits: the rest is in the title.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['\u{2026}']).collect(),
    }
}
