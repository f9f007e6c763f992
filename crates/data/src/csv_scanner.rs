//! Takes CSV text apart into records and fields, and knows on which line it is.

use crate::problem::Problem;

/// A field as it stands in the file: without its outer quotes, inner quotes still doubled.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) text: &'a str,
    quoted: bool,
    doubled: bool,
}

impl Field<'_> {
    pub(crate) fn unescaped(&self) -> String {
        if self.doubled { self.text.replace("\"\"", "\"") } else { self.text.to_owned() }
    }

    /// The text; nothing for a missing value.
    pub(crate) fn value(&self, single_column: bool) -> Option<String> {
        if self.text.is_empty() && (!self.quoted || single_column) {
            return None;
        }
        Some(self.unescaped())
    }
}

/// Reads record after record and counts lines.
#[derive(Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    delimiter: u8,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, delimiter: u8) -> Self {
        Self { text, at: 0, line: 1, delimiter }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads the next record into `fields` and gives the line it begins on; nothing at the end.
    /// Blank lines are passed over.
    pub(crate) fn record(&mut self, fields: &mut Vec<Field<'a>>) -> Result<Option<usize>, Problem> {
        fields.clear();
        while let Some(b'\n' | b'\r') = self.peek() {
            self.line_end();
        }
        if self.text.as_bytes().get(self.at..).unwrap_or_default().iter().all(|byte| *byte == b' ') {
            return Ok(None);
        }
        let line = self.line;
        loop {
            let field = if self.peek() == Some(b'"') { self.quoted()? } else { self.plain()? };
            fields.push(field);
            match self.peek() {
                Some(byte) if byte == self.delimiter => self.at += 1,
                Some(_) => {
                    self.line_end();
                    return Ok(Some(line));
                }
                None => return Ok(Some(line)),
            }
        }
    }

    /// Steps over LF, CRLF or CR.
    fn line_end(&mut self) {
        if self.peek() == Some(b'\r') {
            self.at += 1;
            if self.peek() == Some(b'\n') {
                self.at += 1;
            }
        } else {
            self.at += 1;
        }
        self.line += 1;
    }

    fn plain(&mut self) -> Result<Field<'a>, Problem> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'\r' => break,
                _ if byte == self.delimiter => break,
                // Files divided by tabs or bars often know no quoting at all: there it is a character.
                b'"' if matches!(self.delimiter, b',' | b';') => {
                    return Err(Problem::at(self.line, "a quote inside a field that is not quoted")
                        .hint("put the whole field in quotes and double each quote inside it"));
                }
                _ => self.at += 1,
            }
        }
        Ok(Field { text: self.slice(start, self.at), quoted: false, doubled: false })
    }

    fn quoted(&mut self) -> Result<Field<'a>, Problem> {
        let opened = self.line;
        self.at += 1;
        let start = self.at;
        let mut doubled = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    let end = self.at;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"') => {
                            doubled = true;
                            self.at += 1;
                        }
                        None | Some(b'\n' | b'\r') => {
                            return Ok(Field { text: self.slice(start, end), quoted: true, doubled });
                        }
                        Some(next) if next == self.delimiter => {
                            return Ok(Field { text: self.slice(start, end), quoted: true, doubled });
                        }
                        Some(_) => {
                            return Err(Problem::at(self.line, "text after a closing quote")
                                .hint("double each quote that belongs to the field's text"));
                        }
                    }
                }
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        Err(Problem::at(opened, "a quote opens here and never closes")
            .hint(format!("close the quote on line {opened}, or double it if it belongs to the text")))
    }

    /// Bounds always stand at ASCII bytes, hence at character boundaries.
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}
