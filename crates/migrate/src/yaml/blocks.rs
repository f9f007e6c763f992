//! Mappings and lists by their indentation.

use super::{Value, plain, quoted};

/// How deep values may lie in each other.
const DEEP: usize = 64;

/// Reads lines one after the other.
pub(super) struct Reader<'a> {
    lines: Vec<std::borrow::Cow<'a, str>>,
    /// The line that is next.
    at: usize,
    depth: usize,
}

/// What is wrong with a line.
type Fault = String;

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_blank(line: &str) -> bool {
    let plain = line.trim_start_matches([' ', '\t']);
    plain.is_empty() || plain.starts_with('#')
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).into()).collect();
        Self { lines, at: 0, depth: 0 }
    }

    /// The whole document.
    pub(super) fn document(mut self) -> Result<Value, String> {
        self.skip_blank();
        if self.line() == Some("---") {
            self.at += 1;
        }
        let value = self.any(0).and_then(|value| {
            self.skip_blank();
            match self.line() {
                None | Some("...") => Ok(value),
                Some(_) => Err("it does not belong to what stands above it".to_owned()),
            }
        });
        value.map_err(|fault| format!("line {}: {fault}", (self.at + 1).min(self.lines.len())))
    }

    fn line(&self) -> Option<&str> {
        self.lines.get(self.at).map(AsRef::as_ref)
    }

    fn skip_blank(&mut self) {
        while self.line().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// The indentation of the next line that holds something.
    fn next_indent(&mut self) -> Option<usize> {
        self.skip_blank();
        self.line().filter(|line| !matches!(*line, "---" | "...")).map(indent)
    }

    /// The value that begins with the next line, if that is indented by at least `least`; else null.
    fn any(&mut self, least: usize) -> Result<Value, Fault> {
        let Some(own) = self.next_indent().filter(|own| *own >= least) else { return Ok(Value::Null) };
        self.depth += 1;
        if self.depth > DEEP {
            return Err(format!("values lie more than {DEEP} deep in each other"));
        }
        let text = self.line().map(|line| line[own..].to_owned()).unwrap_or_default();
        let value = if is_item(&text) {
            self.list(own)
        } else if text.starts_with("? ") || key(&text)?.is_some() {
            self.map(own)
        } else {
            self.scalar(&text, own.saturating_sub(1), own == 0)
        };
        self.depth -= 1;
        value
    }

    fn list(&mut self, own: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        while self.next_indent() == Some(own) {
            let Some(text) = self.line().map(|line| line[own..].to_owned()).filter(|text| is_item(text))
            else {
                break;
            };
            items.push(self.compact(&text, own)?);
        }
        Ok(Value::List(items))
    }

    /// The value behind a mark (`- `, `? ` or `: `) at the beginning of the next line.
    fn compact(&mut self, text: &str, own: usize) -> Result<Value, Fault> {
        let rest = text[1..].trim_start_matches(' ');
        if is_blank(rest) {
            self.at += 1;
            return self.any(own + 1);
        }
        // What stands behind the mark is read as if the mark were a blank.
        let inner = own + text.len() - rest.len();
        let line = format!("{}{rest}", " ".repeat(inner));
        if let Some(kept) = self.lines.get_mut(self.at) {
            *kept = line.into();
        }
        self.any(inner)
    }

    fn map(&mut self, own: usize) -> Result<Value, Fault> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while self.next_indent() == Some(own) {
            let begin = self.at;
            let text = self.line().map(|line| line[own..].to_owned()).unwrap_or_default();
            if is_item(&text) {
                break;
            }
            let (name, value) = if text.starts_with("? ") {
                let name = self.compact(&text, own)?.as_text().ok_or("a name is no text")?;
                let told = self.next_indent() == Some(own);
                let text = self
                    .line()
                    .map(|line| line.get(own..).unwrap_or_default().to_owned())
                    .unwrap_or_default();
                if told && (text == ":" || text.starts_with(": ")) {
                    (name, self.compact(&text, own)?)
                } else {
                    (name, Value::Null)
                }
            } else {
                let (name, rest) = key(&text)?.ok_or("there is no `name: value`")?;
                (name, self.value(&rest, own)?)
            };
            if members.iter().any(|(known, _)| *known == name) {
                self.at = begin;
                return Err(format!("`{name}` stands twice"));
            }
            members.push((name, value));
        }
        Ok(Value::Map(members))
    }

    /// The value behind `name:`, of which `rest` stands in the same line.
    fn value(&mut self, rest: &str, own: usize) -> Result<Value, Fault> {
        if !is_blank(rest) {
            return self.scalar(rest, own, false);
        }
        self.at += 1;
        match self.next_indent() {
            Some(next) if next > own => self.any(next),
            // A list may stand below its name without more indentation.
            Some(next) if next == own && self.line().is_some_and(|line| is_item(&line[own..])) => {
                self.depth += 1;
                if self.depth > DEEP {
                    return Err(format!("values lie more than {DEEP} deep in each other"));
                }
                let list = self.list(own);
                self.depth -= 1;
                list
            }
            _ => Ok(Value::Null),
        }
    }

    /// A scalar that begins with `first`, the rest of the next line, and goes on in lines that are indented by more than
    /// `own`; at the top of a document in all lines.
    fn scalar(&mut self, first: &str, own: usize, top: bool) -> Result<Value, Fault> {
        match first.chars().next() {
            Some('\'' | '"') => return self.quoted(first),
            Some('{' | '[') => {
                let empty = first.split(" #").next().unwrap_or(first).replace(' ', "");
                let value = match empty.as_str() {
                    "{}" => Value::Map(Vec::new()),
                    "[]" => Value::List(Vec::new()),
                    _ => return Err("only empty collections may stand in one line".to_owned()),
                };
                self.at += 1;
                return Ok(value);
            }
            Some(mark @ ('|' | '>' | '&' | '*' | '!' | '%' | '@' | '`' | ',' | ']' | '}')) => {
                return Err(format!("`{mark}` begins something that MLflow does not write"));
            }
            _ => {}
        }
        let mut text = uncommented(first).to_owned();
        let mut commented = text.len() < first.trim_end().len();
        self.at += 1;
        let mut empty = 0;
        let mut ahead = self.at;
        while let Some(line) = self.lines.get(ahead).filter(|_| !commented) {
            let plain = line.trim_matches([' ', '\t']);
            if plain.is_empty() {
                empty += 1;
                ahead += 1;
                continue;
            }
            let belongs = (indent(line) > own || top)
                && !plain.starts_with('#')
                && !matches!(line.as_ref(), "---" | "...");
            if !belongs {
                break;
            }
            if key(plain)?.is_some() {
                self.at = ahead;
                return Err("a name stands within a text without quotes".to_owned());
            }
            match empty {
                0 => text.push(' '),
                breaks => text.extend(std::iter::repeat_n('\n', breaks)),
            }
            text.push_str(uncommented(plain));
            commented = uncommented(plain).len() < plain.len();
            empty = 0;
            ahead += 1;
            self.at = ahead;
        }
        Ok(plain::value(&text))
    }

    fn quoted(&mut self, first: &str) -> Result<Value, Fault> {
        let mut lines = vec![first];
        lines.extend(self.lines.iter().skip(self.at + 1).map(AsRef::as_ref));
        let (text, place, after) = quoted::read(&lines)?;
        let clean = is_blank(after);
        self.at += place;
        if !clean {
            return Err("something stands behind the closing quote".to_owned());
        }
        self.at += 1;
        Ok(Value::Text(text))
    }
}

/// A plain text without the comment behind it.
fn uncommented(text: &str) -> &str {
    text.find(" #").map_or(text, |at| &text[..at]).trim_end_matches([' ', '\t'])
}

/// The name that a line begins with and what follows its colon; none if it begins with none.
fn key(text: &str) -> Result<Option<(String, String)>, Fault> {
    if text.starts_with(['\'', '"']) {
        let Ok((name, 0, after)) = quoted::read(&[text]) else { return Ok(None) };
        let Some(rest) = after.trim_start_matches(' ').strip_prefix(':') else { return Ok(None) };
        if !rest.is_empty() && !rest.starts_with(' ') {
            return Err("there is no blank behind a colon".to_owned());
        }
        return Ok(Some((name, rest.trim_start_matches(' ').to_owned())));
    }
    let uncommented = uncommented(text);
    let at = match uncommented.find(": ") {
        Some(at) => at,
        None if uncommented.ends_with(':') => uncommented.len() - 1,
        None => return Ok(None),
    };
    let name = text[..at].trim_end_matches(' ');
    if name.is_empty() || name.starts_with(['{', '[', '&', '*', '!', '|', '>']) {
        return Err("a name begins with a mark that MLflow does not write".to_owned());
    }
    Ok(Some((name.to_owned(), text[at + 1..].trim_start_matches(' ').to_owned())))
}
