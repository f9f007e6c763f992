//! What is asked of spans without looking at all that they hold.

use ropewalk_core::Result;
use ropewalk_mlflow::json::{Json, parse};

use super::aggregate::{self, Node};
use super::pack::{Unpack, push_number, push_text};
use super::{Span, SpanStatus, get, plain_text};
use crate::keys::attribute;
use crate::otlp::Attributes;
use crate::python::{self, Letters, truncated};

const FORMAT: u8 = 1;
/// The longest name of a model or provider that is counted apart, in characters.
const LONGEST_DIMENSION: usize = 500;

/// A span in short.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) span_id: u64,
    pub(crate) parent_id: Option<u64>,
    pub(crate) name: String,
    /// The type that the client gave, before any translation.
    pub(crate) span_type: Option<String>,
    pub(crate) status: SpanStatus,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<String>,
    /// Token usage, as JSON.
    pub(crate) usage: Option<String>,
    /// Cost, as JSON.
    pub(crate) cost: Option<String>,
}

impl Summary {
    /// A span in short, with its attributes as they were translated.
    pub(crate) fn of(span: &Span, attributes: &Attributes) -> Self {
        let dimension = |name: &str| {
            get(attributes, name)
                .and_then(plain_text)
                .map(|text| truncated(&text, LONGEST_DIMENSION).to_owned())
        };
        let object = |name: &str| {
            aggregate::data(get(attributes, name))
                .map(|data| python::dumps(&Json::Object(data), Letters::Kept))
        };
        Self {
            span_id: span.span_id,
            parent_id: span.parent_id,
            name: span.name.clone(),
            span_type: span.span_type(),
            status: span.status,
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            model: dimension(attribute::MODEL),
            provider: dimension(attribute::PROVIDER),
            usage: object(attribute::USAGE),
            cost: object(attribute::COST),
        }
    }

    /// What the sums of usage need.
    pub(crate) fn usage_node(&self) -> Node {
        self.node(self.usage.as_deref())
    }

    /// What the sums of cost need.
    pub(crate) fn cost_node(&self) -> Node {
        self.node(self.cost.as_deref())
    }

    fn node(&self, json: Option<&str>) -> Node {
        let data = json.and_then(parse).and_then(|value| match value {
            Json::Object(members) => Some(members),
            _ => None,
        });
        Node { span_id: self.span_id, parent_id: self.parent_id, data }
    }

    fn pack(&self, bytes: &mut Vec<u8>) {
        let texts = [&self.span_type, &self.model, &self.provider, &self.usage, &self.cost];
        let mut flags = u8::from(self.parent_id.is_some());
        for (place, text) in texts.iter().enumerate() {
            flags |= u8::from(text.is_some()) << (place + 1);
        }
        bytes.extend([flags, self.status as u8]);
        bytes.extend(self.span_id.to_le_bytes());
        if let Some(parent) = self.parent_id {
            bytes.extend(parent.to_le_bytes());
        }
        bytes.extend(self.start_ns.to_le_bytes());
        bytes.extend(self.end_ns.to_le_bytes());
        push_text(bytes, &self.name);
        for text in texts.into_iter().flatten() {
            push_text(bytes, text);
        }
    }

    fn unpack(packed: &mut Unpack<'_>) -> Result<Self> {
        let flags = packed.byte()?;
        let status = match packed.byte()? {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error,
            _ => SpanStatus::Unset,
        };
        let span_id = packed.fixed()?;
        let parent_id = if flags & 1 == 1 { Some(packed.fixed()?) } else { None };
        let (start_ns, end_ns) = (packed.fixed()? as i64, packed.fixed()? as i64);
        let name = packed.text()?.to_owned();
        let mut text = |place: u8| {
            if flags >> place & 1 == 1 { packed.text().map(|text| Some(text.to_owned())) } else { Ok(None) }
        };
        Ok(Self {
            span_id,
            parent_id,
            name,
            status,
            start_ns,
            end_ns,
            span_type: text(1)?,
            model: text(2)?,
            provider: text(3)?,
            usage: text(4)?,
            cost: text(5)?,
        })
    }
}

/// Packs summaries.
pub(crate) fn pack(summaries: &[Summary]) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    push_number(&mut bytes, summaries.len() as u64);
    for summary in summaries {
        summary.pack(&mut bytes);
    }
    bytes
}

/// The summaries that were packed, in their order.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<Summary>> {
    let mut packed = Unpack(bytes);
    packed.byte()?;
    let count = packed.size()?;
    // A damaged count must not reserve memory: a summary has 26 bytes at least.
    let mut summaries = Vec::with_capacity(count.min(bytes.len() / 26));
    for _ in 0..count {
        summaries.push(Summary::unpack(&mut packed)?);
    }
    Ok(summaries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn summaries() -> impl Strategy<Value = Vec<Summary>> {
        let text = || prop::option::of(".{0,9}");
        let ids = (any::<u64>(), prop::option::of(any::<u64>()), any::<i64>(), any::<i64>());
        let one = (ids, ".{0,9}", text(), text(), text(), text(), text());
        let one = one.prop_map(|(ids, name, span_type, model, provider, usage, cost)| Summary {
            span_id: ids.0,
            parent_id: ids.1,
            start_ns: ids.2,
            end_ns: ids.3,
            name,
            status: SpanStatus::Error,
            span_type,
            model,
            provider,
            usage,
            cost,
        });
        prop::collection::vec(one, 0..5)
    }

    proptest! {
        #[test]
        fn summaries_come_back(summaries in summaries()) {
            prop_assert_eq!(unpack(&pack(&summaries)).unwrap(), summaries);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack(&bytes);
        }
    }
}
