//! CSV in and out.
//!
//! Reads RFC 4180 with what real files do: the delimiter is found among `,` `;` tab and `|`, a byte
//! order mark is skipped, lines end in LF, CRLF or CR. A column is of numbers if each of its values
//! is a number or missing. What would be guesswork is refused with the line that shows it.
//!
//! An empty field is missing; a quoted empty field in a text column is the empty text, as in
//! PostgreSQL's `COPY … CSV`. In a table of one column, where an empty line cannot be told from a
//! missing value, a quoted empty field is the missing value.

use std::collections::HashSet;

use ropewalk_core::{Error, Result};

use crate::column::Column;
use crate::csv_scanner::{Field, Scanner};
use crate::frame::Frame;
use crate::problem::Problem;

const DELIMITERS: [u8; 4] = *b",;\t|";

/// How many records are looked at to find the delimiter.
const SNIFFED_RECORDS: usize = 50;

impl Frame {
    /// Reads CSV text. Invalid, naming the line and what to do, for an empty file, text that is not
    /// UTF-8, a row with more or fewer fields than the header, or wrong quoting.
    pub fn from_csv(bytes: &[u8]) -> Result<Self> {
        parse(bytes).map_err(Problem::into_error)
    }

    /// Writes CSV with a header line; values are quoted only where they must be.
    pub fn to_csv(&self, delimiter: char) -> Result<Vec<u8>> {
        let delimiter = u8::try_from(delimiter)
            .ok()
            .filter(|byte| DELIMITERS.contains(byte))
            .ok_or_else(|| Error::invalid("the delimiter is one of , ; | and tab"))?;
        Ok(write(self, delimiter))
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Frame, Problem> {
    let text = decode(bytes)?;
    let delimiter = sniff(text);
    let mut scanner = Scanner::new(text, delimiter);
    let mut fields = Vec::new();
    if scanner.record(&mut fields)?.is_none() {
        return Err(Problem::new("the file is empty").hint("a table needs a header line"));
    }
    let names = header(&fields)?;
    let body = scanner.clone();

    // First pass: numbers. A column is given up at its first value that is none.
    let mut numbers: Vec<Option<Vec<f64>>> = vec![Some(Vec::new()); names.len()];
    while let Some(line) = scanner.record(&mut fields)? {
        if fields.len() != names.len() {
            return Err(ragged(line, fields.len(), names.len(), delimiter));
        }
        for (slot, field) in numbers.iter_mut().zip(&fields) {
            if let Some(values) = slot {
                match number(field.text) {
                    Some(value) => values.push(value),
                    None => *slot = None,
                }
            }
        }
    }

    // Second pass: the text columns, if there are any.
    let single = names.len() == 1;
    let mut texts: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    if numbers.iter().any(Option::is_none) {
        let mut scanner = body;
        while scanner.record(&mut fields)?.is_some() {
            for ((slot, values), field) in numbers.iter().zip(&mut texts).zip(&fields) {
                if slot.is_none() {
                    values.push(field.value(single));
                }
            }
        }
    }

    let columns = names.into_iter().zip(numbers.into_iter().zip(texts));
    let columns = columns.map(|(name, (numbers, texts))| match numbers {
        Some(values) => (name, Column::Number(values)),
        None => (name, Column::Text(texts)),
    });
    Frame::new(columns.collect()).map_err(|error| Problem::new(error.to_string()))
}

fn decode(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Problem::new("the text is UTF-16, not UTF-8")
            .hint("convert it: iconv -f UTF-16 -t UTF-8 IN.csv > OUT.csv"));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
        Problem::at(line, "the text is not UTF-8")
            .hint("convert it: iconv -f LATIN1 -t UTF-8 IN.csv > OUT.csv")
    })
}

/// The delimiter under which most of the first records have as many fields as the header, and
/// among those the one that makes most fields. A comma if nothing divides the header.
fn sniff(text: &str) -> u8 {
    let mut best = (0_usize, 1_usize, b',');
    for delimiter in DELIMITERS {
        let mut scanner = Scanner::new(text, delimiter);
        let mut fields = Vec::new();
        let Ok(Some(_)) = scanner.record(&mut fields) else { continue };
        let width = fields.len();
        if width < 2 {
            continue;
        }
        let mut agreeing = 1;
        for _ in 0..SNIFFED_RECORDS {
            match scanner.record(&mut fields) {
                Ok(Some(_)) if fields.len() == width => agreeing += 1,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        if (agreeing, width) > (best.0, best.1) {
            best = (agreeing, width, delimiter);
        }
    }
    best.2
}

fn header(fields: &[Field<'_>]) -> Result<Vec<String>, Problem> {
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let name = field.unescaped();
        // Tables written with an index have a first column without a name.
        let name = match name.trim() {
            "" => format!("column_{}", at + 1),
            trimmed => trimmed.to_owned(),
        };
        if !seen.insert(name.clone()) {
            return Err(Problem::at(1, format!("two columns have the name {name:?}"))
                .hint("give each column in the header a name of its own"));
        }
        names.push(name);
    }
    Ok(names)
}

fn ragged(line: usize, fields: usize, expected: usize, delimiter: u8) -> Problem {
    let shown = if delimiter == b'\t' { "tab".to_owned() } else { format!("{:?}", delimiter as char) };
    let fault = if fields < expected { "a missing" } else { "an extra" };
    Problem::at(line, format!("{fields} fields where the header has {expected}"))
        .hint(format!("look for {fault} {shown} on line {line}, or quote the field that contains one"))
}

/// A number, NaN for a missing value, or nothing if the text is to be kept as text. Text that
/// would not survive as a number (leading zeros, a leading plus, integers beyond 15 digits: codes
/// and telephone numbers rather than quantities) is no number.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim_matches(' ');
    match text {
        "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL" | "None" => return Some(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'+' | b'-', ..] => return None,
        [b'0', second, ..] if second.is_ascii_digit() => return None,
        _ if digits.len() > 15 && digits.iter().all(u8::is_ascii_digit) => return None,
        _ => {}
    }
    text.parse::<f64>().ok().filter(|value| !value.is_nan())
}

fn write(frame: &Frame, delimiter: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let single = frame.names().len() == 1;
    for (at, name) in frame.names().iter().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        write_text(&mut out, name, delimiter);
    }
    out.push(b'\n');
    for row in 0..frame.rows() {
        for (at, column) in frame.columns().iter().enumerate() {
            if at > 0 {
                out.push(delimiter);
            }
            match column {
                Column::Number(values) => match values.get(row) {
                    Some(value) if !value.is_nan() => write_number(&mut out, *value),
                    _ if single => out.extend_from_slice(b"\"\""),
                    _ => {}
                },
                Column::Text(values) => match values.get(row) {
                    Some(Some(text)) => write_text(&mut out, text, delimiter),
                    _ if single => out.extend_from_slice(b"\"\""),
                    _ => {}
                },
            }
        }
        out.push(b'\n');
    }
    out
}

fn write_text(out: &mut Vec<u8>, text: &str, delimiter: u8) {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    // A field of blanks alone is quoted, lest it look like the end of the file.
    if text.trim_matches(' ').is_empty() || text.bytes().any(special) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The shortest text that reads back as the same number; whole numbers without a point.
fn write_number(out: &mut Vec<u8>, value: f64) {
    let text = if value.fract() == 0.0 && value.abs() < 1e15 {
        // Exact: such values fit an i64.
        format!("{}", value as i64)
    } else {
        format!("{value:?}")
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn quoted_semicolon_header_as_in_the_wine_tables() {
        let text = "\"fixed acidity\";\"pH\";\"quality\"\n7.4;3.51;5\n7.8;3.2;6\n";
        let frame = Frame::from_csv(text.as_bytes()).unwrap();
        assert_eq!(frame.names(), ["fixed acidity", "pH", "quality"]);
        assert_eq!(frame.number("pH").unwrap(), [3.51, 3.2]);
    }

    #[test]
    fn finds_each_delimiter() {
        for delimiter in [',', ';', '\t', '|'] {
            let text = format!("a{delimiter}b\n1{delimiter}x\n2{delimiter}y, z; w\n");
            let text = if delimiter == ',' { text.replace("y, z; w", "\"y, z; w\"") } else { text };
            let text = if delimiter == ';' { text.replace("y, z; w", "\"y, z; w\"") } else { text };
            let frame = Frame::from_csv(text.as_bytes()).unwrap();
            assert_eq!(frame.number("a").unwrap(), [1.0, 2.0]);
            assert_eq!(frame.text("b").unwrap()[1].as_deref(), Some("y, z; w"));
        }
    }

    #[test]
    fn ragged_rows_name_their_line() {
        let short = refused("a,b,c\n1,2,3\n1,2\n");
        assert!(short.contains("line 3") && short.contains("2 fields"), "{short}");
        let long = refused("a,b\n\"x\ny\",2\n\n1,2,3\n");
        assert!(long.contains("line 5") && long.contains("3 fields"), "{long}");
    }

    #[test]
    fn wrong_quoting_names_its_line() {
        assert!(refused("a,b\n1,\"two\n3,4\n").contains("line 2"));
        assert!(refused("a,b\n1,\"t\"wo\n").contains("line 2"));
        assert!(refused("a;b\n1;2\n7.4\";2\n").contains("line 3"));
        assert!(parse(b"a\tb\n1\t5\" pipe\n").is_ok());
    }

    #[test]
    fn empty_files_and_foreign_encodings_are_refused() {
        for text in ["", "\n\n", "  ", "\u{feff}"] {
            assert!(refused(text).contains("empty"), "{text:?}");
        }
        assert!(parse(b"a,b\n1,caf\xe9\n").unwrap_err().to_string().contains("line 2"));
        assert!(parse(b"\xff\xfea\0").unwrap_err().to_string().contains("UTF-16"));
        assert!(refused("a,a\n1,2\n").contains("two columns"));
    }

    #[test]
    fn missing_values_and_kinds() {
        let text = "\u{feff}n,t,zip,empty\r\n1,x,02134,\r\nNA,,10115,\r\n,\"\",20095,\r\n";
        let frame = Frame::from_csv(text.as_bytes()).unwrap();
        assert_eq!(frame.column("n").unwrap().missing(), 2);
        let texts = frame.text("t").unwrap();
        assert_eq!(texts, [Some("x".to_owned()), None, Some(String::new())]);
        assert_eq!(frame.text("zip").unwrap()[0].as_deref(), Some("02134"));
        assert_eq!(frame.column("empty").unwrap().missing(), 3);
    }

    #[test]
    fn a_header_alone_is_a_table_without_rows() {
        assert_eq!(Frame::from_csv(b"a,b\n").unwrap().rows(), 0);
        assert_eq!(Frame::from_csv(b",b\n0,1").unwrap().names(), ["column_1", "b"]);
    }

    fn cell() -> impl Strategy<Value = Option<String>> {
        // Texts begin with a letter, so that none of them is a number.
        proptest::option::of("x[a-z\",;\t|\n\r é]{0,12}")
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => any::<f64>(),
            4 => -1e6..1e6_f64,
            1 => Just(f64::NAN),
            2 => (-1000_i32..1000).prop_map(f64::from),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec((value(), cell(), value()), 1..30),
            delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        ) {
            let mut texts: Vec<Option<String>> = rows.iter().map(|row| row.1.clone()).collect();
            texts[0] = Some("x".into());
            let frame = Frame::new(vec![
                ("first".into(), Column::Number(rows.iter().map(|row| row.0).collect())),
                ("a \"quoted\" name".into(), Column::Text(texts)),
                ("last".into(), Column::Number(rows.iter().map(|row| row.2).collect())),
            ]).unwrap();
            let written = frame.to_csv(delimiter).unwrap();
            prop_assert_eq!(Frame::from_csv(&written).unwrap(), frame);
        }

        #[test]
        fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a1\",;\t|\n\r é]{0,60}") {
            if let Ok(frame) = parse(text.as_bytes()) {
                let again = parse(&write(&frame, b',')).unwrap();
                prop_assert_eq!(again.rows(), frame.rows());
            }
        }
    }
}
