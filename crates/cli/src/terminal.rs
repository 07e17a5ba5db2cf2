//! What somebody else wrote, made harmless before a person sees it; and whether a person is there.

use std::io::{self, IsTerminal};

/// Text of a provider, a file or an argument for one line of a terminal: everything that could move
/// the cursor, colour, reorder or hide text is shown as an escape instead.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// The same for text of several lines: line ends and tabs stay.
pub(crate) fn escape_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if rest.peek() == Some(&'\n') => {}
            _ => push(&mut out, c),
        }
    }
    out
}

/// Whether a person can be asked: questions go to standard error, answers come from standard input.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && is_console() && io::stderr().is_terminal()
}

/// Whether what is typed can be kept from being shown. The terminals of MSYS (Git Bash) are pipes to a program of
/// Windows, which the standard library takes for terminals.
#[cfg(windows)]
pub(crate) fn is_console() -> bool {
    use winapi_util::{HandleRef, console};

    console::mode(HandleRef::stdin()).is_ok()
}

/// On Unix every terminal can.
#[cfg(not(windows))]
pub(crate) const fn is_console() -> bool {
    true
}

fn push(out: &mut String, c: char) {
    if c.is_control() || reorders_or_hides(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// Characters that print nothing and change how their neighbours are read (UAX #9, UTS #55).
const fn reorders_or_hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f49_terminal_escapes_and_bidi_overrides_are_shown_not_obeyed() {
        assert_eq!(escape("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escape("a\u{9b}31m"), "a\\u{9b}31m");
        assert_eq!(escape("x\u{202e}y\u{2066}z\u{200b}"), "x\\u{202e}y\\u{2066}z\\u{200b}");
        assert_eq!(escape("one\r\ntwo\u{7}"), "one\\u{d}\\u{a}two\\u{7}");
        assert_eq!(escape("Zürich 東京 ok"), "Zürich 東京 ok");
    }

    #[test]
    fn lines_stay_lines_but_a_lone_return_cannot_overwrite_one() {
        assert_eq!(escape_lines("a\r\n\tb\rc\n"), "a\n\tb\\u{d}c\n");
        assert_eq!(escape_lines("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
    }
}
