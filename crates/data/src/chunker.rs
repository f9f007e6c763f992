//! Cuts content into chunks where the content says so, so that an insertion moves few cuts.
//!
//! FastCDC (Xia et al., "The design of fast content-defined chunking for data deduplication based
//! storage systems", 2020) with 16 KiB on average: on a table with 1 % of its rows inserted, small
//! chunks store a third to a half less again than chunks of 256 KiB.

use std::fmt;

use fastcdc::v2020::FastCDC;
use ropewalk_core::{Code, Error, Result};

const SMALLEST: usize = 4 << 10;
const AVERAGE: usize = 16 << 10;

/// No chunk is larger than this, in bytes.
pub(crate) const LARGEST: usize = 64 << 10;

/// The BLAKE3 hash that content is addressed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// Reads 64 hexadecimal digits that the store wrote.
    pub(crate) fn parse(hex: &str) -> Result<Self> {
        blake3::Hash::from_hex(hex)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|source| Error::new(Code::Corrupt, "a stored hash cannot be read").source(source))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.hex())
    }
}

/// The chunks of a content, in order; together they are the content. None for an empty one.
pub(crate) fn chunks(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    FastCDC::new(content, SMALLEST, AVERAGE, LARGEST)
        .filter_map(|chunk| content.get(chunk.offset..chunk.offset + chunk.length))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// Bytes without a pattern, always the same ones.
    pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut out = vec![0; length];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut out);
        out
    }

    #[test]
    fn an_insertion_leaves_most_chunks_as_they_were() {
        let before = noise(2 << 20, 1);
        let mut after = before.clone();
        after.splice(1_000_000..1_000_000, noise(100, 2));
        let old: HashSet<Digest> = chunks(&before).map(Digest::of).collect();
        let new: usize =
            chunks(&after).filter(|chunk| !old.contains(&Digest::of(chunk))).map(<[u8]>::len).sum();
        assert!(new < 3 * LARGEST, "{new} new bytes");
    }

    #[test]
    fn digests_print_and_read() {
        let digest = Digest::of(b"wine");
        assert_eq!(Digest::parse(&digest.hex()).unwrap(), digest);
        assert!(Digest::parse("zz").is_err());
    }

    proptest! {
        #[test]
        fn chunks_make_up_the_content(length in 0_usize..300_000, seed in any::<u64>()) {
            let content = noise(length, seed);
            let cut: Vec<&[u8]> = chunks(&content).collect();
            prop_assert!(cut.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= LARGEST));
            prop_assert_eq!(cut.concat(), content);
        }
    }
}
