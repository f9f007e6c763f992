//! Protobuf's wire format: fields of a message, one after the other.

use super::Malformed;

/// A field's value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// A message's fields in their order. Groups, which nobody sends any more, are passed over.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and value; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let (number, kind) = self.tag()?;
            if kind == 3 {
                self.skip_group(number, 0)?;
                continue;
            }
            return Ok(Some((number, self.value(kind)?)));
        }
    }

    fn tag(&mut self) -> Result<(u32, u8), Malformed> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let number = tag >> 3;
        if number == 0 { Err(Malformed) } else { Ok((number, (tag & 7) as u8)) }
    }

    fn value(&mut self, kind: u8) -> Result<Value<'a>, Malformed> {
        Ok(match kind {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Malformed),
        })
    }

    fn skip_group(&mut self, group: u32, depth: usize) -> Result<(), Malformed> {
        if depth > 100 {
            return Err(Malformed);
        }
        loop {
            let (number, kind) = self.tag()?;
            match kind {
                3 => self.skip_group(number, depth + 1)?,
                4 if number == group => return Ok(()),
                4 => return Err(Malformed),
                other => {
                    self.value(other)?;
                }
            }
        }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_come_in_order_and_groups_are_passed_over() {
        let message = [0x08, 0x96, 0x01, 0x13, 0x08, 0x01, 0x14, 0x12, 0x01, b'x', 0x1d, 1, 0, 0, 0];
        let mut fields = Fields::new(&message);
        assert_eq!(fields.next().unwrap(), Some((1, Value::Varint(150))));
        assert_eq!(fields.next().unwrap(), Some((2, Value::Bytes(b"x"))));
        assert_eq!(fields.next().unwrap(), Some((3, Value::Fixed32(1))));
        assert_eq!(fields.next().unwrap(), None);
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        for wrong in
            [&[0x08][..], &[0x0a, 5, 1], &[0x09, 1, 2], &[0x00, 1], &[0x0f], &[0xff; 11], &[0x13, 0x08]]
        {
            assert_eq!(Fields::new(wrong).next(), Err(Malformed), "{wrong:?}");
        }
    }
}
