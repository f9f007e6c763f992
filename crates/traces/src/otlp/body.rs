//! Compressed bodies.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

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
        "gzip" => unpack_gzip(body, LIMIT).ok_or(Unpackable::Broken("gzip")),
        "deflate" => unpack_deflate(body, true, LIMIT)
            // Some clients leave out the frame.
            .or_else(|| unpack_deflate(body, false, LIMIT))
            .ok_or(Unpackable::Broken("deflate")),
        _ => Err(Unpackable::Unknown),
    }
    .and_then(|whole| if whole.len() as u64 > LIMIT { Err(Unpackable::TooLarge) } else { Ok(whole) })
}

/// Unpacks up to one byte more than the limit; none if it breaks off.
fn unpack_gzip(packed: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    MultiGzDecoder::new(packed).take(limit + 1).read_to_end(&mut whole).ok()?;
    Some(whole)
}

/// As [`unpack_gzip`]; a stream that ends before its end is broken, which a reader would not tell.
fn unpack_deflate(packed: &[u8], framed: bool, limit: u64) -> Option<Vec<u8>> {
    let mut stream = Decompress::new(framed);
    let mut whole = Vec::with_capacity(packed.len().saturating_mul(4).min(1 << 20));
    loop {
        let rest = packed.get(usize::try_from(stream.total_in()).ok()?..)?;
        let before = stream.total_out();
        let status = stream.decompress_vec(rest, &mut whole, FlushDecompress::None).ok()?;
        if status == Status::StreamEnd || stream.total_out() > limit {
            whole.truncate(usize::try_from(limit + 1).unwrap_or(usize::MAX));
            return Some(whole);
        }
        if whole.len() < whole.capacity() && stream.total_out() == before {
            return None;
        }
        whole.reserve(whole.capacity().max(4096));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    #[test]
    fn large_bodies_come_back_whole() {
        let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ n >> 7) as u8).collect();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&body).unwrap();
        assert!(decompress(&zlib.finish().unwrap(), "deflate").unwrap() == body);
    }

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
        for cut in [&b"{\"resourceSpans\""[..], b"", b"x"] {
            assert_eq!(decompress(cut, "deflate"), Err(Unpackable::Broken("deflate")));
        }
        assert_eq!(decompress(b"abc", "br"), Err(Unpackable::Unknown));
    }

    #[test]
    fn a_bomb_does_not_burst() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![0; 1 << 20]).unwrap();
        zlib.write_all(&vec![0; 1 << 20]).unwrap();
        assert_eq!(unpack_gzip(&gzip.finish().unwrap(), 1000).unwrap().len(), 1001);
        assert_eq!(unpack_deflate(&zlib.finish().unwrap(), true, 1000).unwrap().len(), 1001);
    }
}
