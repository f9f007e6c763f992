//! What request messages consist of, and how a JSON object is read into one. The rules are those of protobuf's JSON
//! form with unknown fields ignored, as MLflow's server applies them: fields are read in the order in which they were
//! sent, and a field that cannot be read ends the reading; what came before it stays.

use crate::fields::{Fields, Value};
use crate::json::Json;
use crate::python;

/// A request message: its fields.
#[derive(Debug)]
pub struct Message(pub &'static [Field]);

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// The name in snake case.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is a list of such values.
    pub many: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number of 32 bits.
    Small,
    /// A number.
    Number,
    /// A truth value.
    Truth,
    /// A word of an enumeration, with its number.
    Word(&'static [(&'static str, i32)]),
    /// A message within.
    Part(&'static Message),
    /// Texts by name.
    Map,
    /// A moment, written as RFC 3339 has it.
    Moment,
    /// A length of time, written as seconds with an `s`.
    Duration,
    /// Any JSON value.
    Any,
}

/// A field of one value.
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, many: false }
}

/// A field that is a list.
pub const fn list(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, many: true }
}

/// A field of text.
pub const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

/// A field of texts.
pub const fn texts(name: &'static str) -> Field {
    list(name, Kind::Text)
}

/// A field with a whole number of 64 bits.
pub const fn integer(name: &'static str) -> Field {
    field(name, Kind::Integer)
}

/// A field with a whole number of 32 bits.
pub const fn small(name: &'static str) -> Field {
    field(name, Kind::Small)
}

/// A field with a number.
pub const fn number(name: &'static str) -> Field {
    field(name, Kind::Number)
}

/// A field with a truth value.
pub const fn truth(name: &'static str) -> Field {
    field(name, Kind::Truth)
}

/// A field with a message within.
pub const fn part(name: &'static str, message: &'static Message) -> Field {
    field(name, Kind::Part(message))
}

/// A field with a list of messages.
pub const fn parts(name: &'static str, message: &'static Message) -> Field {
    list(name, Kind::Part(message))
}

/// That a value could not be read; what was read before it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Message {
    /// The field of a name, in snake or camel case.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.0.iter().find(|field| field.name == name || is_camel(field.name, name))
    }

    /// Reads an object's members into `fields`.
    ///
    /// # Errors
    /// [`Unreadable`] at the first member of the wrong kind.
    pub fn read(&self, value: &Json, fields: &mut Fields) -> Result<(), Unreadable> {
        let members = match value {
            Json::Object(members) => members,
            // Python goes over a text or a list as over names, and finds none that it knows.
            Json::Text(_) => return Ok(()),
            Json::List(items) => {
                let named = items.iter().filter_map(Json::as_text).any(|name| self.field(name).is_some());
                return if named { Err(Unreadable) } else { Ok(()) };
            }
            _ => return Err(Unreadable),
        };
        for (name, value) in members {
            let Some(field) = self.field(name) else { continue };
            if matches!(value, Json::Null) && !matches!(field.kind, Kind::Any) {
                continue;
            }
            if field.many { read_many(field, value, fields)? } else { read_one(field, value, fields)? }
        }
        Ok(())
    }
}

fn read_one(field: &'static Field, value: &Json, fields: &mut Fields) -> Result<(), Unreadable> {
    if let Kind::Part(message) = field.kind {
        let mut within = Fields::default();
        let read = message.read(value, &mut within);
        fields.set(field.name, Value::Part(within));
        return read;
    }
    // Times are messages within: one that cannot be read is there all the same, and says nothing.
    match field.kind {
        Kind::Moment => fields.set(field.name, Value::Moment(0)),
        Kind::Duration => fields.set(field.name, Value::Duration(0)),
        _ => {}
    }
    if let Some(value) = scalar(field.kind, value)? {
        fields.set(field.name, value);
    }
    Ok(())
}

fn read_many(field: &'static Field, value: &Json, fields: &mut Fields) -> Result<(), Unreadable> {
    fields.set(field.name, Value::List(Vec::new()));
    let Json::List(items) = value else { return Err(Unreadable) };
    let mut list = Vec::with_capacity(items.len());
    let mut outcome = Ok(());
    for item in items {
        if matches!(item, Json::Null) {
            // A message for it is there before it is refused.
            if matches!(field.kind, Kind::Part(_)) {
                list.push(Value::Part(Fields::default()));
            }
            outcome = Err(Unreadable);
            break;
        }
        if let Kind::Part(message) = field.kind {
            let mut within = Fields::default();
            outcome = message.read(item, &mut within);
            list.push(Value::Part(within));
        } else {
            match scalar(field.kind, item) {
                Ok(value) => list.extend(value),
                Err(wrong) => outcome = Err(wrong),
            }
        }
        if outcome.is_err() {
            break;
        }
    }
    fields.set(field.name, Value::List(list));
    outcome
}

/// A single value; none for a word that the enumeration does not have, which counts as not sent.
fn scalar(kind: Kind, value: &Json) -> Result<Option<Value>, Unreadable> {
    Ok(Some(match kind {
        Kind::Text => Value::Text(value.as_text().ok_or(Unreadable)?.to_owned()),
        Kind::Integer => Value::Integer(whole(value)?),
        Kind::Small => {
            let number = whole(value)?;
            Value::Integer(i32::try_from(number).map(i64::from).map_err(|_| Unreadable)?)
        }
        Kind::Number => Value::Number(real(value)?),
        Kind::Truth => match value {
            Json::Truth(truth) => Value::Truth(*truth),
            _ => return Err(Unreadable),
        },
        Kind::Word(words) => return word(words, value),
        Kind::Map => {
            let Json::Object(members) = value else { return Err(Unreadable) };
            let pairs = members
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.as_text().ok_or(Unreadable)?.to_owned())))
                .collect::<Result<_, Unreadable>>()?;
            Value::Map(pairs)
        }
        Kind::Moment => Value::Moment(moment(value.as_text().ok_or(Unreadable)?)?),
        Kind::Duration => Value::Duration(duration(value.as_text().ok_or(Unreadable)?)?),
        Kind::Any => Value::Any(value.clone()),
        Kind::Part(_) => return Err(Unreadable),
    }))
}

fn whole(value: &Json) -> Result<i64, Unreadable> {
    match value {
        Json::Integer(number) => Ok(*number),
        Json::Number(number) if number.fract() == 0.0 && (-9.3e18..9.2e18).contains(number) => {
            Ok(*number as i64)
        }
        Json::Text(text) if !text.contains(' ') => {
            let as_real = || python::float(text).and_then(|number| whole(&Json::Number(number)).ok());
            python::whole(text).or_else(as_real).ok_or(Unreadable)
        }
        _ => Err(Unreadable),
    }
}

fn real(value: &Json) -> Result<f64, Unreadable> {
    match value {
        Json::Integer(number) => Ok(*number as f64),
        Json::Huge(digits) => digits.parse().map_err(|_| Unreadable),
        Json::Number(number) if number.is_finite() => Ok(*number),
        Json::Truth(truth) => Ok(f64::from(u8::from(*truth))),
        Json::Text(text) if text != "nan" => python::float(text).ok_or(Unreadable),
        _ => Err(Unreadable),
    }
}

fn word(words: &'static [(&'static str, i32)], value: &Json) -> Result<Option<Value>, Unreadable> {
    let number = match value {
        Json::Text(text) => {
            if let Some((word, _)) = words.iter().find(|(word, _)| word == text) {
                return Ok(Some(Value::Word(word)));
            }
            match python::whole(text) {
                None => return Ok(None),
                Some(number) => number,
            }
        }
        Json::Integer(number) => *number,
        Json::Number(number) if number.is_finite() => *number as i64,
        Json::Truth(truth) => i64::from(*truth),
        _ => return Err(Unreadable),
    };
    match words.iter().find(|(_, known)| i64::from(*known) == number) {
        Some((word, _)) => Ok(Some(Value::Word(word))),
        None => Err(Unreadable),
    }
}

/// Nanoseconds since 1970.
fn moment(text: &str) -> Result<i128, Unreadable> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| Unreadable)?;
    Ok(i128::from(parsed.timestamp()) * 1_000_000_000 + i128::from(parsed.timestamp_subsec_nanos()))
}

/// Nanoseconds.
fn duration(text: &str) -> Result<i128, Unreadable> {
    let number = text.strip_suffix('s').ok_or(Unreadable)?;
    let (sign, plain) = match number.strip_prefix('-') {
        Some(plain) => (-1, plain),
        None => (1, number),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return Err(Unreadable);
    }
    let seconds: i128 = whole.parse().map_err(|_| Unreadable)?;
    let nanoseconds: i128 = format!("{fraction:0<9}").parse().map_err(|_| Unreadable)?;
    // 10,000 years, protobuf's own limit.
    if seconds > 315_576_000_000 {
        return Err(Unreadable);
    }
    Ok(sign * (seconds * 1_000_000_000 + nanoseconds))
}

/// Whether `name` is the camel case of `snake`.
pub(crate) fn is_camel(snake: &str, name: &str) -> bool {
    let mut name = name.bytes();
    let mut raise = false;
    for byte in snake.bytes() {
        if byte == b'_' {
            raise = true;
            continue;
        }
        let wanted = if raise { byte.to_ascii_uppercase() } else { byte };
        raise = false;
        if name.next() != Some(wanted) {
            return false;
        }
    }
    name.next().is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::json::parse;

    static TAG: Message = Message(&[text("key"), text("value")]);
    static RUN: Message = Message(&[
        text("run_id"),
        integer("start_time"),
        small("max_results"),
        number("value"),
        truth("ascending"),
        parts("tags", &TAG),
        texts("run_ids"),
        field("status", Kind::Word(&[("RUNNING", 1), ("FINISHED", 3)])),
        field("request_time", Kind::Moment),
        field("execution_duration", Kind::Duration),
        field("metadata", Kind::Map),
    ]);

    fn read(json: &str) -> (Fields, bool) {
        let mut fields = Fields::default();
        let read = RUN.read(&parse(json).unwrap(), &mut fields);
        (fields, read.is_ok())
    }

    #[test]
    fn both_cases_and_all_kinds_of_number_are_read() {
        let (fields, whole) = read(
            r#"{"runId":"r","startTime":"12","max_results":3.0,"value":"1_0.5","status":3,"future":{},"ascending":null}"#,
        );
        assert!(whole);
        assert_eq!(fields.text("run_id"), "r");
        assert_eq!(fields.integer("start_time"), Some(12));
        assert_eq!(fields.integer("max_results"), Some(3));
        assert_eq!(fields.number("value"), Some(10.5));
        assert_eq!(fields.word("status"), Some("FINISHED"));
        assert!(!fields.has("ascending"));
    }

    #[test]
    fn what_came_before_a_wrong_value_stands() {
        let (fields, whole) = read(r#"{"run_id":"r","value":NaN,"start_time":7}"#);
        assert!(!whole);
        assert_eq!(fields.text("run_id"), "r");
        assert!(!fields.has("value") && !fields.has("start_time"));
        let (fields, whole) = read(r#"{"tags":[{"key":"a","value":"1"},{"key":"b","value":2},{"key":"c"}]}"#);
        assert!(!whole);
        let tags: Vec<_> = fields.parts("tags").map(|tag| tag.text("key").to_owned()).collect();
        assert_eq!(tags, ["a", "b"]);
    }

    #[test]
    fn unknown_words_count_as_not_sent_and_unknown_numbers_as_wrong() {
        let (fields, whole) = read(r#"{"status":"SLEEPING","run_id":"r"}"#);
        assert!(whole && !fields.has("status") && fields.has("run_id"));
        assert!(!read(r#"{"status":9}"#).1);
    }

    #[test]
    fn moments_and_durations_are_exact() {
        let (fields, _) =
            read(r#"{"request_time":"2025-01-01T00:00:00.123456789Z","execution_duration":"-1.5s"}"#);
        assert_eq!(fields.moment("request_time"), Some(1_735_689_600_123_456_789));
        assert_eq!(fields.duration("execution_duration"), Some(-1_500_000_000));
        for wrong in
            [r#"{"execution_duration":"5"}"#, r#"{"request_time":"yesterday"}"#, r#"{"metadata":{"a":1}}"#]
        {
            assert!(!read(wrong).1, "{wrong}");
        }
    }

    #[test]
    fn camel_case_is_told() {
        assert!(is_camel("run_id", "runId") && is_camel("a_b_c", "aBC") && is_camel("name", "name"));
        assert!(
            !is_camel("run_id", "run_id") && !is_camel("run_id", "runID") && !is_camel("run_id", "runIdx")
        );
    }
}
