//! A body that comes in pieces, on a terminal.

use crate::terminal::escape_lines;

/// Turns pieces of a body into text that cannot steer a terminal. A character or a line end that a
/// piece cuts waits for the next one; bytes that are no UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub(super) struct Screen {
    waiting: Vec<u8>,
}

impl Screen {
    /// The text that is complete now.
    pub(super) fn push(&mut self, piece: &[u8]) -> String {
        self.waiting.extend_from_slice(piece);
        let mut whole = self.waiting.len() - cut_character(&self.waiting);
        if self.waiting[..whole].ends_with(b"\r") {
            whole -= 1;
        }
        let rest = self.waiting.split_off(whole);
        let ready = std::mem::replace(&mut self.waiting, rest);
        escape_lines(&String::from_utf8_lossy(&ready))
    }

    /// What is left at the end.
    pub(super) fn end(self) -> String {
        escape_lines(&String::from_utf8_lossy(&self.waiting))
    }
}

/// How many bytes at the end are the beginning of a character that is not complete.
fn cut_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let needs = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if needs > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f49_no_piece_of_a_body_reaches_the_terminal_raw_wherever_it_is_cut() {
        let body = "ä\r\n東京 \u{1b}[2J\u{202e}x\r\n😀\rend".as_bytes();
        let whole = "ä\n東京 \\u{1b}[2J\\u{202e}x\n😀\\u{d}end";
        for size in 1..=body.len() {
            let mut screen = Screen::default();
            let mut text: String = body.chunks(size).map(|piece| screen.push(piece)).collect();
            text += &screen.end();
            assert_eq!(text, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_marked_and_never_held_back_for_long() {
        let mut screen = Screen::default();
        assert_eq!(
            screen.push(b"a\xff\xfeb\x80\x80\x80\x80"),
            "a\u{fffd}\u{fffd}b".to_owned() + &"\u{fffd}".repeat(4)
        );
        assert_eq!(screen.push(b"\xe6\x9d"), "");
        assert_eq!(screen.end(), "\u{fffd}");
    }
}
