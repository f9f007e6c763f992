//! One logged request as bytes: little-endian, strings and lists led by their length.
//!
//! Numbers keep every bit. The endpoint comes first, then the time, so that a reader can pass over what it does not
//! want without reading it.

use ropewalk_core::{Code, Error, Result};
use ropewalk_data::{Column, Frame};
use ropewalk_serve::PredictionBatch;

/// First byte of every record: the layout below.
const LAYOUT: u8 = 1;
const NUMBER: u8 = 0;
const TEXT: u8 = 1;
/// Length that stands for a missing text.
const MISSING: u32 = u32::MAX;

/// The record of a batch.
pub(crate) fn encode(batch: &PredictionBatch) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + batch.ids.len() * (40 + 9 * batch.inputs.columns().len()));
    out.push(LAYOUT);
    put_text(&mut out, &batch.endpoint);
    out.extend(batch.time_ms.to_le_bytes());
    out.extend(batch.revision.to_le_bytes());
    put_text(&mut out, &batch.model);
    out.extend(batch.version.to_le_bytes());
    out.extend(batch.latency_us.to_le_bytes());
    put_optional(&mut out, batch.error.as_deref());
    put_length(&mut out, batch.ids.len());
    batch.ids.iter().for_each(|id| put_text(&mut out, id));
    put_length(&mut out, batch.scores.len());
    batch.scores.iter().for_each(|score| out.extend(score.to_le_bytes()));
    put_length(&mut out, batch.inputs.columns().len());
    for (name, column) in batch.inputs.iter() {
        put_text(&mut out, name);
        match column {
            Column::Number(values) => {
                out.push(NUMBER);
                put_length(&mut out, values.len());
                values.iter().for_each(|value| out.extend(value.to_le_bytes()));
            }
            Column::Text(values) => {
                out.push(TEXT);
                put_length(&mut out, values.len());
                values.iter().for_each(|value| put_optional(&mut out, value.as_deref()));
            }
        }
    }
    out
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // A request body is limited to far less than 4 GiB.
    out.extend(u32::try_from(length).unwrap_or(MISSING - 1).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_text(out, text),
        None => out.extend(MISSING.to_le_bytes()),
    }
}

/// The batch of a record, if `wanted` says yes to its endpoint and time.
///
/// # Errors
/// `Corrupt` for bytes that are no record.
pub(crate) fn decode_if(
    bytes: &[u8],
    wanted: impl FnOnce(&str, i64) -> bool,
) -> Result<Option<PredictionBatch>> {
    let mut bytes = Bytes(bytes);
    if bytes.byte()? != LAYOUT {
        return Err(corrupt());
    }
    let endpoint = bytes.text()?;
    let time_ms = i64::from_le_bytes(bytes.array()?);
    if !wanted(&endpoint, time_ms) {
        return Ok(None);
    }
    let revision = i64::from_le_bytes(bytes.array()?);
    let model = bytes.text()?;
    let version = i64::from_le_bytes(bytes.array()?);
    let latency_us = u64::from_le_bytes(bytes.array()?);
    let error = bytes.optional()?;
    let ids = bytes.list(4, Bytes::text)?;
    let scores = bytes.list(4, |bytes| Ok(f32::from_le_bytes(bytes.array()?)))?;
    let columns = bytes.list(9, |bytes| {
        let name = bytes.text()?;
        let column = match bytes.byte()? {
            NUMBER => Column::Number(bytes.list(8, |bytes| Ok(f64::from_le_bytes(bytes.array()?)))?),
            TEXT => Column::Text(bytes.list(4, Bytes::optional)?),
            _ => return Err(corrupt()),
        };
        Ok((name, column))
    })?;
    let inputs = Frame::new(columns)?;
    Ok(Some(PredictionBatch {
        endpoint,
        revision,
        model,
        version,
        time_ms,
        latency_us,
        ids,
        inputs,
        scores,
        error,
    }))
}

fn corrupt() -> Error {
    Error::new(Code::Corrupt, "a record of the prediction log cannot be read")
}

/// What is still to be read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> Result<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(corrupt)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| corrupt())
    }

    fn text(&mut self) -> Result<String> {
        self.optional()?.ok_or_else(corrupt)
    }

    fn optional(&mut self) -> Result<Option<String>> {
        match u32::from_le_bytes(self.array()?) {
            MISSING => Ok(None),
            length => {
                let text = std::str::from_utf8(self.take(length as usize)?).map_err(|_| corrupt())?;
                Ok(Some(text.to_owned()))
            }
        }
    }

    /// A list whose elements take at least `least` bytes each: a false length cannot ask for much memory.
    fn list<T>(&mut self, least: usize, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length > self.0.len() / least {
            return Err(corrupt());
        }
        (0..length).map(|_| element(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn batch() -> PredictionBatch {
        PredictionBatch {
            endpoint: "wine".into(),
            revision: 3,
            model: "wine-quality".into(),
            version: 2,
            time_ms: 1_700_000_000_123,
            latency_us: 250,
            ids: vec!["a".into(), "b".into()],
            inputs: Frame::new(vec![
                ("fixed acidity".into(), Column::Number(vec![7.4, f64::NAN])),
                ("colour".into(), Column::Text(vec![None, Some("weiß".into())])),
            ])
            .unwrap(),
            scores: vec![0.25, 0.1],
            error: None,
        }
    }

    #[test]
    fn a_record_reads_back_bit_for_bit() {
        let (bytes, original) = (encode(&batch()), batch());
        let read = decode_if(&bytes, |endpoint, time| endpoint == "wine" && time == original.time_ms)
            .unwrap()
            .unwrap();
        assert_eq!(read.inputs, original.inputs);
        assert_eq!(read.scores, original.scores);
        assert_eq!((read.ids, read.model, read.version, read.revision), (original.ids, original.model, 2, 3));
        assert_eq!((read.latency_us, read.error), (250, None));
        assert!(decode_if(&bytes, |_, _| false).unwrap().is_none());
    }

    #[test]
    fn every_cut_is_an_error_and_no_panic() {
        let bytes = encode(&batch());
        for length in 0..bytes.len() {
            assert!(decode_if(&bytes[..length], |_, _| true).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_if(&bytes, |_, _| true);
        }
    }
}
