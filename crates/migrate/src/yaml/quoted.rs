//! Scalars in quotes. A line break in one is a blank, and each empty line is a line break.

/// The text between quotes and where, in which of the lines, it goes on after them. The first line begins with the quote.
pub(super) fn read<'a>(lines: &[&'a str]) -> Result<(String, usize, &'a str), String> {
    let quote = lines.first().and_then(|line| line.chars().next()).unwrap_or('"');
    let mut text = String::new();
    // What stays when trailing blanks of a line are dropped: escaped ones are no blanks.
    let mut kept = 0;
    let mut line = lines.first().map_or("", |line| &line[1..]);
    let mut place = 0;
    loop {
        let mut rest = line;
        let (mut joined, mut broken) = (false, false);
        while let Some(next) = rest.chars().next() {
            let after = &rest[next.len_utf8()..];
            broken &= matches!(next, ' ' | '\t');
            match next {
                '\'' if quote == '\'' && after.starts_with('\'') => {
                    text.push('\'');
                    kept = text.len();
                    rest = &after[1..];
                }
                _ if next == quote => return Ok((text, place, after)),
                '\\' if quote == '"' => {
                    if after.is_empty() {
                        joined = true;
                    }
                    rest = escape(after, &mut text)?;
                    kept = text.len();
                }
                ' ' | '\t' => {
                    text.push(next);
                    rest = after;
                }
                // These two are line breaks of their own, which stay; what follows them is indentation.
                '\u{2028}' | '\u{2029}' => {
                    text.push(next);
                    kept = text.len();
                    broken = true;
                    rest = after.trim_start_matches([' ', '\t']);
                }
                other => {
                    text.push(other);
                    kept = text.len();
                    rest = after;
                }
            }
        }
        text.truncate(kept);
        let mut empty = 0;
        loop {
            place += 1;
            line = lines
                .get(place)
                .map(|line| line.trim_start_matches([' ', '\t']))
                .ok_or("a quote is not closed")?;
            if !line.is_empty() {
                break;
            }
            empty += 1;
        }
        match empty + usize::from(broken) {
            0 if !joined => text.push(' '),
            breaks => text.extend(std::iter::repeat_n('\n', breaks)),
        }
        kept = text.len();
    }
}

/// Reads what follows a backslash; what is left of the line.
fn escape<'a>(after: &'a str, text: &mut String) -> Result<&'a str, String> {
    let Some(mark) = after.chars().next() else { return Ok("") };
    let rest = &after[mark.len_utf8()..];
    let digits = match mark {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let code = rest.get(..digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        let Some(mut code) = code else {
            return Err(format!("`\\{mark}` is not followed by {digits} digits"));
        };
        let mut rest = &rest[digits..];
        // A character beyond the first plane may be written as two halves.
        if let (0xd800..=0xdbff, Some(low)) = (code, rest.strip_prefix("\\u").and_then(|low| low.get(..4))) {
            let low = u32::from_str_radix(low, 16).unwrap_or_default();
            if (0xdc00..=0xdfff).contains(&low) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                rest = &rest[6..];
            }
        }
        text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
        return Ok(rest);
    }
    text.push(match mark {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' => mark,
        other => return Err(format!("`\\{other}` is no escape")),
    });
    Ok(rest)
}
