//! Spans that arrived together, packed: what every question asks of them, and apart from it their whole content,
//! compressed. Bytes that do not fit come from a damaged database, and are told as such.

use std::cell::RefCell;

use ropewalk_core::{Code, Error, Result};

/// Contents of spans compress well even at the lowest level, and hardly better at higher ones.
const LEVEL: i32 = 1;
/// No body is larger than this; a larger figure is a damaged one.
const LARGEST: usize = 1 << 30;

/// Appends a whole number, seven bits a byte, the lowest first.
pub(crate) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Appends a text with its length.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    push_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Reads what was packed, from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpack<'a>(pub(crate) &'a [u8]);

impl<'a> Unpack<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for at in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    pub(crate) fn size(&mut self) -> Result<usize> {
        usize::try_from(self.number()?).ok().filter(|size| *size <= LARGEST).ok_or_else(damaged)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn fixed(&mut self) -> Result<u64> {
        let bytes = self.bytes(8)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let length = self.size()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| damaged())
    }
}

fn damaged() -> Error {
    Error::new(Code::Corrupt, "the stored spans of a trace are damaged").hint("ropewalk doctor")
}

thread_local! {
    /// A compressor is costly to make and serves any number of times.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs the contents of spans.
pub(crate) fn contents<'a>(contents: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    for content in contents {
        push_text(&mut plain, content);
    }
    let mut packed = Vec::new();
    push_number(&mut packed, plain.len() as u64);
    let compressed = COMPRESSOR.with(|cell| {
        let mut kept = cell.borrow_mut();
        let compressor = match kept.take() {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(LEVEL)?,
        };
        kept.insert(compressor).compress(&plain)
    })?;
    packed.extend_from_slice(&compressed);
    Ok(packed)
}

/// The contents of spans, in their order.
pub(crate) fn unpack_contents(packed: &[u8]) -> Result<Vec<String>> {
    let plain = plain(packed)?;
    Ok(split(&plain)?.into_iter().map(str::to_owned).collect())
}

/// The contents of spans in one piece, for [`split`].
pub(crate) fn plain(packed: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Unpack(packed);
    let length = packed.size()?;
    DECOMPRESSOR
        .with(|cell| {
            let mut kept = cell.borrow_mut();
            let decompressor = match kept.take() {
                Some(decompressor) => decompressor,
                None => zstd::bulk::Decompressor::new()?,
            };
            kept.insert(decompressor).decompress(packed.0, length)
        })
        .map_err(|source| damaged().source(source))
}

/// The contents of spans out of one piece, in their order.
pub(crate) fn split(plain: &[u8]) -> Result<Vec<&str>> {
    let mut plain = Unpack(plain);
    let mut contents = Vec::new();
    while !plain.0.is_empty() {
        contents.push(plain.text()?);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn contents_come_back(texts in prop::collection::vec(".*", 0..5)) {
            let packed = contents(texts.iter().map(String::as_str)).unwrap();
            prop_assert_eq!(unpack_contents(&packed).unwrap(), texts);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack_contents(&bytes);
        }
    }
}
