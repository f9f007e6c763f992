//! Small values packed into bytes: whole numbers of variable length, texts, numbers. What is read comes from our own
//! database; a byte that does not fit is a damaged one, and said so.

use ropewalk_core::{Code, Error, Result};

/// Appends a whole number, seven bits a byte, the lowest first.
pub(crate) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Appends a whole number with a sign; small ones of either sign are short.
pub(crate) fn push_signed(bytes: &mut Vec<u8>, number: i64) {
    push_number(bytes, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a text with its length.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    push_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Appends the bits of a number.
pub(crate) fn push_real(bytes: &mut Vec<u8>, number: f64) {
    bytes.extend_from_slice(&number.to_bits().to_le_bytes());
}

/// Reads what was packed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpack<'a> {
    rest: &'a [u8],
}

fn damaged() -> Error {
    Error::new(Code::Corrupt, "what is kept of a run cannot be read")
        .why("the packed bytes end too early or say what they cannot")
        .hint("ropewalk doctor")
}

impl<'a> Unpack<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    pub(crate) fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A count of things that take at least a byte each, so that a damaged one reserves no memory.
    pub(crate) fn count(&mut self) -> Result<usize> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|count| *count <= self.rest.len()).ok_or_else(damaged)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        if length > self.rest.len() {
            return Err(damaged());
        }
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| damaged())
    }

    pub(crate) fn real(&mut self) -> Result<f64> {
        let bytes = self.bytes(8)?;
        let mut bits = [0; 8];
        bits.copy_from_slice(bytes);
        Ok(f64::from_bits(u64::from_le_bytes(bits)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(number in any::<u64>(), signed in any::<i64>(), text in ".*", real in any::<f64>()) {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            push_signed(&mut bytes, signed);
            push_text(&mut bytes, &text);
            push_real(&mut bytes, real);
            let mut unpack = Unpack::new(&bytes);
            prop_assert_eq!(unpack.number().unwrap(), number);
            prop_assert_eq!(unpack.signed().unwrap(), signed);
            prop_assert_eq!(unpack.text().unwrap(), text);
            prop_assert_eq!(unpack.real().unwrap().to_bits(), real.to_bits());
            prop_assert!(unpack.is_empty());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut unpack = Unpack::new(&bytes);
            while unpack.text().is_ok() && unpack.number().is_ok() && unpack.real().is_ok() {}
        }
    }
}
