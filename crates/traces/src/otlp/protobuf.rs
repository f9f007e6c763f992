//! The export request in protobuf. Only what is kept of a span is read.

use ropewalk_mlflow::Json;

use super::wire::{Fields, Value};
use super::{Attributes, Bytes, ExportedEvent, ExportedLink, ExportedSpan, Malformed, ResourceSpans, set};

/// Values nested deeper than this are refused, as protobuf's own parsers do.
const DEPTH: usize = 90;

/// Reads an `ExportTraceServiceRequest`.
pub(crate) fn read(message: &[u8]) -> Result<Vec<ResourceSpans>, Malformed> {
    let mut all = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(part)) = field {
            all.push(resource_spans(part)?);
        }
    }
    Ok(all)
}

fn resource_spans(message: &[u8]) -> Result<ResourceSpans, Malformed> {
    let mut read = ResourceSpans::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(part)) => {
                let mut within = Fields::new(part);
                while let Some(field) = within.next()? {
                    if let (1, Value::Bytes(part)) = field {
                        attribute(part, Bytes::Shown, &mut read.resource)?;
                    }
                }
            }
            (2, Value::Bytes(part)) => {
                let mut within = Fields::new(part);
                while let Some(field) = within.next()? {
                    if let (2, Value::Bytes(part)) = field {
                        read.spans.push(span(part)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(read)
}

fn span(message: &[u8]) -> Result<ExportedSpan, Malformed> {
    let mut read = ExportedSpan::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(id)) => read.trace_id = id.to_vec(),
            (2, Value::Bytes(id)) => read.span_id = id.to_vec(),
            (4, Value::Bytes(id)) => read.parent_span_id = id.to_vec(),
            (5, Value::Bytes(name)) => read.name = text(name)?,
            (6, Value::Varint(kind)) => read.kind = kind as i32,
            (7, Value::Fixed64(time)) => read.start_ns = time,
            (8, Value::Fixed64(time)) => read.end_ns = time,
            (9, Value::Bytes(part)) => attribute(part, Bytes::Shown, &mut read.attributes)?,
            (11, Value::Bytes(part)) => read.events.push(event(part)?),
            (13, Value::Bytes(part)) => read.links.push(link(part)?),
            (15, Value::Bytes(part)) => status(part, &mut read)?,
            _ => {}
        }
    }
    Ok(read)
}

fn event(message: &[u8]) -> Result<ExportedEvent, Malformed> {
    let mut read = ExportedEvent::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Fixed64(time)) => read.time_ns = time,
            (2, Value::Bytes(name)) => read.name = text(name)?,
            (3, Value::Bytes(part)) => attribute(part, Bytes::Shown, &mut read.attributes)?,
            _ => {}
        }
    }
    Ok(read)
}

fn link(message: &[u8]) -> Result<ExportedLink, Malformed> {
    let mut read = ExportedLink::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(id)) => read.trace_id = id.to_vec(),
            (2, Value::Bytes(id)) => read.span_id = id.to_vec(),
            (4, Value::Bytes(part)) => attribute(part, Bytes::Base64, &mut read.attributes)?,
            _ => {}
        }
    }
    Ok(read)
}

fn status(message: &[u8], span: &mut ExportedSpan) -> Result<(), Malformed> {
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (2, Value::Bytes(message)) => span.status_message = text(message)?,
            (3, Value::Varint(code)) => span.status_code = code as i32,
            _ => {}
        }
    }
    Ok(())
}

fn attribute(message: &[u8], bytes: Bytes, attributes: &mut Attributes) -> Result<(), Malformed> {
    let (name, value) = pair(message, bytes, 0)?;
    set(attributes, name, value);
    Ok(())
}

fn pair(message: &[u8], bytes: Bytes, depth: usize) -> Result<(String, Json), Malformed> {
    let (mut name, mut read) = (String::new(), Json::Null);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(key)) => name = text(key)?,
            (2, Value::Bytes(part)) => read = value(part, bytes, depth + 1)?,
            _ => {}
        }
    }
    Ok((name, read))
}

fn value(message: &[u8], bytes: Bytes, depth: usize) -> Result<Json, Malformed> {
    if depth > DEPTH {
        return Err(Malformed);
    }
    let mut read = Json::Null;
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        read = match field {
            (1, Value::Bytes(content)) => Json::Text(text(content)?),
            (2, Value::Varint(truth)) => Json::Truth(truth != 0),
            (3, Value::Varint(number)) => Json::Integer(number as i64),
            (4, Value::Fixed64(number)) => Json::Number(f64::from_bits(number)),
            (5, Value::Bytes(part)) => Json::List(list(part, bytes, depth)?),
            (6, Value::Bytes(part)) => Json::Object(object(part, bytes, depth)?),
            (7, Value::Bytes(content)) => bytes.to_json(content),
            _ => continue,
        };
    }
    Ok(read)
}

fn list(message: &[u8], bytes: Bytes, depth: usize) -> Result<Vec<Json>, Malformed> {
    let mut items = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(part)) = field {
            items.push(value(part, bytes, depth + 1)?);
        }
    }
    Ok(items)
}

fn object(message: &[u8], bytes: Bytes, depth: usize) -> Result<Vec<(String, Json)>, Malformed> {
    let mut members = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(part)) = field {
            let (name, value) = pair(part, bytes, depth + 1)?;
            set(&mut members, name, value);
        }
    }
    Ok(members)
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// A field with bytes, for tests.
    pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut message = vec![number << 3 | 2];
        let mut length = content.len();
        while length >= 0x80 {
            message.push(length as u8 | 0x80);
            length >>= 7;
        }
        message.push(length as u8);
        message.extend_from_slice(content);
        message
    }

    #[test]
    fn a_request_is_read() {
        let value = field(2, &field(5, &[field(1, &field(1, "é".as_bytes())), field(1, &[])].concat()));
        let attribute = [field(1, b"k"), value].concat();
        let mut span = [field(1, &[1; 16]), field(2, &[2; 8]), field(5, b"root"), vec![6 << 3, 2]].concat();
        span.extend([7 << 3 | 1, 5, 0, 0, 0, 0, 0, 0, 0]);
        span.extend(field(9, &attribute));
        span.extend(field(15, &[3 << 3, 2]));
        let request = field(1, &field(2, &field(2, &span)));
        let read = read(&request).unwrap();
        let span = &read[0].spans[0];
        assert_eq!((span.name.as_str(), span.kind, span.start_ns, span.status_code), ("root", 2, 5, 2));
        let list = Json::List(vec![Json::Text("é".into()), Json::Null]);
        assert_eq!(span.attributes, [("k".to_owned(), list)]);
    }

    #[test]
    fn what_is_no_text_or_too_deep_is_refused() {
        let span = field(5, &[0xff]);
        assert_eq!(read(&field(1, &field(2, &field(2, &span)))), Err(Malformed));
        let mut value = field(1, b"x");
        for _ in 0..200 {
            value = field(5, &field(1, &value));
        }
        let span = field(9, &[field(1, b"k"), field(2, &value)].concat());
        assert_eq!(read(&field(1, &field(2, &field(2, &span)))), Err(Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&field(1, &field(2, &field(2, &bytes))));
        }
    }
}
