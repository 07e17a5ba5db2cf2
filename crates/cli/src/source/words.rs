//! A command as words, without a shell: quotes and backslashes, no variables, no globs.

use std::str::Chars;

/// Splits `text` at blanks. Within `'…'` everything stands for itself; within `"…"` and outside of
/// quotes a backslash makes the next character stand for itself. `None` if a quote is not closed or a
/// backslash is the last character. On Windows, where it is in every path, a backslash stands for itself unless a quote
/// follows.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    split_as(text, cfg!(windows))
}

fn split_as(text: &str, windows: bool) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    // What a backslash and the rest after it stand for.
    let escaped = |rest: &mut Chars<'_>| match rest.as_str().starts_with(['"', '\'']) {
        false if windows => Some('\\'),
        _ => rest.next(),
    };
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => word.push(escaped(&mut rest)?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(escaped(&mut rest)?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::{split, split_as};

    #[test]
    fn words_are_split_as_a_person_means_them() {
        for (text, words) in [
            ("pass show hub", vec!["pass", "show", "hub"]),
            ("  pass\t show  ", vec!["pass", "show"]),
            ("a 'b c' \"d e\"", vec!["a", "b c", "d e"]),
            (r#"a "b \" \\ c" d\ e '\'"#, vec!["a", r#"b " \ c"#, "d e", r"\"]),
            ("x''y \"\"", vec!["xy", ""]),
            ("echo $HOME `id` *;|", vec!["echo", "$HOME", "`id`", "*;|"]),
            ("", vec![]),
        ] {
            assert_eq!(
                split_as(text, false).as_deref(),
                Some(&*words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_of_windows_is_a_word() {
        let words = |text| split_as(text, true).unwrap();
        assert_eq!(words(r"C:\tools\pass.exe show hub"), [r"C:\tools\pass.exe", "show", "hub"]);
        assert_eq!(
            words(r#""C:\my tools\pass.exe" \\server\x"#),
            [r"C:\my tools\pass.exe", r"\\server\x"]
        );
        assert_eq!(words(r#"a \"b\" 'c\d' e\"#), ["a", r#""b""#, r"c\d", r"e\"]);
        assert_eq!(split_as(r#""C:\dir\""#, true), None, "the quote is not closed");
    }

    #[test]
    fn this_system_has_its_own_backslash() {
        assert_eq!(split(r"a\b"), split_as(r"a\b", cfg!(windows)));
    }

    #[test]
    fn an_open_quote_or_a_last_backslash_is_no_command() {
        for bad in ["a 'b", "a \"b", "a \\", "\"\\"] {
            assert_eq!(split_as(bad, false), None, "{bad}");
        }
    }
}
