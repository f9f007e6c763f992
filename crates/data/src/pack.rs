//! Packs: many chunks in one blob, so that a thousand small files are a few large writes.
//!
//! ```text
//! "ROPEPACK"  format version (u32)
//! the chunks' stored bytes, one after the other
//! index: per chunk  hash (32 bytes)  offset (u64)  stored length (u32)  length (u32)  codec (u8)
//! index offset (u64)  number of chunks (u32)  BLAKE3 of the index (32 bytes)  "ROPEPEND"
//! ```
//!
//! Numbers are little-endian. A pack is named by the BLAKE3 of all its bytes and tells by itself
//! what it holds, so that the database's index of chunks could be built again from the packs.

use bytes::Bytes;
use ropewalk_core::{Code, Error, Result};

use crate::chunker::{Digest, LARGEST};

const BEGIN: &[u8; 8] = b"ROPEPACK";
const END: &[u8; 8] = b"ROPEPEND";
const VERSION: u32 = 1;
const INDEX_ENTRY: usize = 32 + 8 + 4 + 4 + 1;
const TRAILER: usize = 8 + 4 + 32 + 8;

/// A pack is closed once it holds this many stored bytes.
const FULL: usize = 32 << 20;

/// Fast rather than dense: 1 GB/s a core, and the data is mostly cold.
const ZSTD_LEVEL: i32 = 1;

/// How a chunk's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As they are.
    Raw,
    /// One zstd frame.
    Zstd,
}

impl Codec {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
        }
    }

    pub(crate) fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Raw),
            1 => Ok(Self::Zstd),
            _ => Err(corrupt(format!("a chunk has the unknown codec {number}"))),
        }
    }
}

/// Where in a pack a chunk lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) hash: Digest,
    pub(crate) offset: u64,
    pub(crate) stored: u32,
    pub(crate) length: u32,
    pub(crate) codec: Codec,
}

impl Slot {
    /// The chunk's content, from its stored bytes. Corrupt unless it is what was stored.
    pub(crate) fn open(&self, stored: &[u8]) -> Result<Vec<u8>> {
        if self.length as usize > LARGEST {
            return Err(corrupt("a chunk is recorded as larger than any chunk is"));
        }
        let content = match self.codec {
            Codec::Raw => stored.to_vec(),
            Codec::Zstd => zstd::bulk::decompress(stored, self.length as usize)
                .map_err(|source| corrupt("a chunk cannot be decompressed").source(source))?,
        };
        if Digest::of(&content) != self.hash {
            return Err(corrupt(format!("chunk {} is not what was stored", self.hash.hex())));
        }
        Ok(content)
    }
}

/// A pack that is whole, with its name and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Pack {
    pub(crate) id: String,
    pub(crate) bytes: Bytes,
    pub(crate) slots: Vec<Slot>,
}

/// A pack that is being filled.
pub(crate) struct Packer {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        let mut bytes = BEGIN.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        Self { bytes, slots: Vec::new() }
    }

    /// Adds a chunk, compressed where that saves at least a sixteenth.
    pub(crate) fn add(&mut self, hash: Digest, content: &[u8]) {
        let compressed = zstd::bulk::compress(content, ZSTD_LEVEL)
            .ok()
            .filter(|compressed| compressed.len() <= content.len() - content.len() / 16);
        let (codec, stored) = match &compressed {
            Some(compressed) => (Codec::Zstd, compressed.as_slice()),
            None => (Codec::Raw, content),
        };
        self.slots.push(Slot {
            hash,
            offset: self.bytes.len() as u64,
            // Chunks are at most `LARGEST` bytes.
            stored: stored.len() as u32,
            length: content.len() as u32,
            codec,
        });
        self.bytes.extend_from_slice(stored);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// The whole pack; nothing if no chunk was added.
    pub(crate) fn finish(mut self) -> Option<Pack> {
        if self.slots.is_empty() {
            return None;
        }
        let index_offset = self.bytes.len();
        for slot in &self.slots {
            self.bytes.extend_from_slice(slot.hash.bytes());
            self.bytes.extend_from_slice(&slot.offset.to_le_bytes());
            self.bytes.extend_from_slice(&slot.stored.to_le_bytes());
            self.bytes.extend_from_slice(&slot.length.to_le_bytes());
            self.bytes.push(slot.codec.number());
        }
        let index_hash = Digest::of(self.bytes.get(index_offset..).unwrap_or_default());
        self.bytes.extend_from_slice(&(index_offset as u64).to_le_bytes());
        self.bytes.extend_from_slice(&(self.slots.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(index_hash.bytes());
        self.bytes.extend_from_slice(END);
        Some(Pack { id: Digest::of(&self.bytes).hex(), bytes: self.bytes.into(), slots: self.slots })
    }
}

/// What a pack says it holds. Corrupt if it is not a whole pack; never panics, whatever the bytes.
pub(crate) fn index(bytes: &[u8]) -> Result<Vec<Slot>> {
    let whole = || corrupt("a pack is not whole");
    let body = bytes.strip_suffix(END).ok_or_else(whole)?;
    let body = body.strip_prefix(BEGIN).ok_or_else(whole)?;
    let version = u32::from_le_bytes(field(body, 0)?);
    if version != VERSION {
        return Err(corrupt(format!("a pack has the unknown format version {version}")));
    }
    let trailer = bytes.len().checked_sub(TRAILER).ok_or_else(whole)?;
    let start = usize::try_from(u64::from_le_bytes(field(bytes, trailer)?)).map_err(|_| whole())?;
    let count = u32::from_le_bytes(field(bytes, trailer + 8)?) as usize;
    let hash = Digest::from_bytes(field(bytes, trailer + 12)?);
    let index = bytes.get(start..trailer).ok_or_else(whole)?;
    if Digest::of(index) != hash || Some(index.len()) != count.checked_mul(INDEX_ENTRY) {
        return Err(corrupt("a pack's index is not what was stored"));
    }
    index
        .chunks_exact(INDEX_ENTRY)
        .map(|entry| {
            let slot = Slot {
                hash: Digest::from_bytes(field(entry, 0)?),
                offset: u64::from_le_bytes(field(entry, 32)?),
                stored: u32::from_le_bytes(field(entry, 40)?),
                length: u32::from_le_bytes(field(entry, 44)?),
                codec: Codec::from_number(i64::from(field::<1>(entry, 48)?[0]))?,
            };
            let end = slot.offset.checked_add(u64::from(slot.stored));
            let inside = end.is_some_and(|end| end <= start as u64) && slot.length as usize <= LARGEST;
            if inside { Ok(slot) } else { Err(corrupt("a pack's index points outside it")) }
        })
        .collect()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    at.checked_add(N)
        .and_then(|end| bytes.get(at..end))
        .and_then(|slice| slice.try_into().ok())
        .ok_or_else(|| corrupt("a pack is not whole"))
}

fn corrupt(what: impl Into<String>) -> Error {
    Error::new(Code::Corrupt, what)
        .hint("ropewalk data verify NAME  # then put the damaged pack back from a backup")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn packed(contents: &[Vec<u8>]) -> Option<Pack> {
        let mut packer = Packer::new();
        for content in contents {
            packer.add(Digest::of(content), content);
        }
        packer.finish()
    }

    fn stored<'a>(pack: &'a [u8], slot: &Slot) -> &'a [u8] {
        &pack[slot.offset as usize..slot.offset as usize + slot.stored as usize]
    }

    #[test]
    fn text_is_compressed_and_noise_is_not() {
        let mut noise = vec![0; 20_000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        let pack = packed(&[b"7.4;0.7;0;1.9\n".repeat(1000), noise]).unwrap();
        assert_eq!(pack.slots[0].codec, Codec::Zstd);
        assert!(pack.slots[0].stored < 1000);
        assert_eq!(pack.slots[1].codec, Codec::Raw);
        assert!(packed(&[]).is_none());
    }

    #[test]
    fn equal_chunks_make_equal_packs() {
        let contents = [b"a".to_vec(), b"b".to_vec()];
        assert_eq!(packed(&contents).unwrap().id, packed(&contents).unwrap().id);
    }

    proptest! {
        #[test]
        fn a_pack_gives_back_what_was_put_in(
            contents in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..3000),
                    (any::<u8>(), 0_usize..LARGEST).prop_map(|(byte, length)| vec![byte; length]),
                ],
                1..20,
            ),
        ) {
            let pack = packed(&contents).unwrap();
            let slots = index(&pack.bytes).unwrap();
            prop_assert_eq!(&slots, &pack.slots);
            for (slot, content) in slots.iter().zip(&contents) {
                prop_assert_eq!(&slot.open(stored(&pack.bytes, slot)).unwrap(), content);
            }
        }

        #[test]
        fn a_flipped_byte_is_never_served(
            contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..500), 1..6),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..,
        ) {
            let pack = packed(&contents).unwrap();
            let mut bytes = pack.bytes.to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_ne!(Digest::of(&bytes).hex(), pack.id);
            for (slot, content) in pack.slots.iter().zip(&contents) {
                if let Ok(opened) = slot.open(stored(&bytes, slot)) {
                    prop_assert_eq!(&opened, content);
                }
            }
        }

        #[test]
        fn foreign_bytes_do_not_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(index(&bytes).is_err());
            let framed = [&BEGIN[..], &VERSION.to_le_bytes(), &bytes, END].concat();
            let _ = index(&framed);
        }
    }
}
