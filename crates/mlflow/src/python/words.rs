//! Texts cut into words as Python cuts them.

use super::characters::is_space;

/// The words of a line, as Python's `shlex.split` cuts them; none if a quote is not closed.
pub fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(characters.next()?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            kept @ ('"' | '\\') => word.push(kept),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// Python's `str.split` without arguments.
pub fn words(text: &str) -> Vec<&str> {
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shell_words_are_cut_as_python_cuts_them() {
        let cut = |text: &str| shell_words(text).map(|words| words.join("|"));
        assert_eq!(cut("metrics.\"a b\" DESC").unwrap(), "metrics.a b|DESC");
        assert_eq!(cut(r#"a\ b "c\"d\e" 'f\g'"#).unwrap(), r#"a b|c"d\e|f\g"#);
        assert_eq!(cut("'' \"\"").unwrap(), "|");
        assert_eq!(cut("a'b"), None);
        assert_eq!(cut("a\\"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[('\"\\\\,)a-c0-9.xé_ \n]{0,24}") {
            let _ = shell_words(&text);
        }
    }
}
