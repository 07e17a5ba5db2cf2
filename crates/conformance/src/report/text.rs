//! Text of others, and spans of time, as every format shows them.

/// Text that no terminal takes for a command and no page for an order of its letters: controls, and the
/// marks that turn the direction of writing, become U+FFFD.
pub(super) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// A span in two units at most: `1.250 s`, `45 min 3 s`, `2 d 4 h`.
#[cfg(feature = "html")]
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (large, large_unit, small, small_unit) = match seconds {
        0..60 => return format!("{}.{:03} s", seconds, ms % 1000),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => (seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => (seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    };
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "html")]
    #[test]
    fn spans_read_in_two_units() {
        let read = [0, 1_250, 60_000, 2_703_000, 3_600_000, 187_200_000].map(span);
        assert_eq!(read, ["0.000 s", "1.250 s", "1 min", "45 min 3 s", "1 h", "2 d 4 h"]);
    }

    #[test]
    fn f49_text_of_others_cannot_command_a_terminal_or_turn_a_line() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\r\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\u{fffd}");
        assert_eq!(plain("käse ✓"), "käse ✓");
    }
}
