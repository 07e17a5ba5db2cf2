//! A command as words, without a shell: quotes and backslashes, no variables, no globs.

/// Splits `text` at blanks. Within `'…'` everything stands for itself; within `"…"` and outside of
/// quotes a backslash makes the next character stand for itself. `None` if a quote is not closed or a
/// backslash is the last character.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
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
                        '\\' => word.push(rest.next()?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

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
                split(text).as_deref(),
                Some(&*words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_open_quote_or_a_last_backslash_is_no_command() {
        for bad in ["a 'b", "a \"b", "a \\", "\"\\"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
