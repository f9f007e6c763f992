//! Compressed bodies.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most that a body may become: a few bytes can stand for very many.
const LIMIT: u64 = 256 << 20;

/// Why a body could not be unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpackable {
    /// It is not what it says to be.
    Broken(&'static str),
    /// It becomes too large.
    TooLarge,
    /// It is packed in a way that is not known.
    Unknown,
}

/// A body as it was before it was packed.
pub(crate) fn decompress(body: &[u8], encoding: &str) -> Result<Vec<u8>, Unpackable> {
    match encoding {
        "gzip" => unpack(MultiGzDecoder::new(body), LIMIT).ok_or(Unpackable::Broken("gzip")),
        "deflate" => unpack(ZlibDecoder::new(body), LIMIT)
            // Some clients leave out the frame.
            .or_else(|| unpack(DeflateDecoder::new(body), LIMIT))
            .ok_or(Unpackable::Broken("deflate")),
        _ => Err(Unpackable::Unknown),
    }
    .and_then(|whole| if whole.len() as u64 > LIMIT { Err(Unpackable::TooLarge) } else { Ok(whole) })
}

/// Unpacks up to one byte more than the limit; none if it breaks off.
fn unpack(packed: impl Read, limit: u64) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    packed.take(limit + 1).read_to_end(&mut whole).ok()?;
    Some(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    #[test]
    fn each_packing_is_understood_and_others_are_told() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"spans").unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"spans").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(b"spans").unwrap();
        assert_eq!(decompress(&gzip.finish().unwrap(), "gzip").unwrap(), b"spans");
        assert_eq!(decompress(&zlib.finish().unwrap(), "deflate").unwrap(), b"spans");
        assert_eq!(decompress(&raw.finish().unwrap(), "deflate").unwrap(), b"spans");
        assert_eq!(decompress(b"abc", "gzip"), Err(Unpackable::Broken("gzip")));
        assert_eq!(decompress(b"abc", "br"), Err(Unpackable::Unknown));
    }

    #[test]
    fn a_bomb_does_not_burst() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![0; 1 << 20]).unwrap();
        assert_eq!(unpack(MultiGzDecoder::new(&gzip.finish().unwrap()[..]), 1000).unwrap().len(), 1001);
    }
}
