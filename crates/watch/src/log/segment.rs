//! One file of the buffer: framed records, of which the valid beginning counts.
//!
//! A frame is a length (4 bytes, little-endian), the first 8 bytes of the payload's BLAKE3 hash, and the payload. The
//! process that appends holds the file's lock; a free lock means that nobody will append any more.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ropewalk_core::{Result, new_id};

/// First bytes of a segment.
const MAGIC: &[u8; 8] = b"RWPRED1\n";
const HEADER: usize = 12;
/// Suffix of a segment that may be read.
const SUFFIX: &str = "log";
/// Suffix of one that is being made.
const DRAFT: &str = "new";
/// A draft of this age was left behind.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(600);

/// A segment that is being appended to.
pub(crate) struct Segment {
    file: File,
    path: PathBuf,
    /// Bytes known to be on the disk.
    durable: u64,
    opened: std::time::Instant,
}

impl Segment {
    /// A new, locked, empty segment in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let name = new_id();
        let (draft, path) = (folder.join(format!("{name}.{DRAFT}")), folder.join(format!("{name}.{SUFFIX}")));
        let mut file = OpenOptions::new().create_new(true).read(true).write(true).open(&draft)?;
        // Locked before it gets its name: nobody can take it for one that was left behind.
        file.lock()?;
        file.write_all(MAGIC)?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)?;
        sync_folder(folder)?;
        Ok(Self { file, path, durable: MAGIC.len() as u64, opened: std::time::Instant::now() })
    }

    /// Appends framed bytes and forces them to the disk. After an error nothing of them counts.
    pub(crate) fn append(&mut self, frames: &[u8]) -> std::io::Result<()> {
        let written = self.file.write_all(frames).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.durable += frames.len() as u64,
            Err(_) => {
                // Best effort: a full disk lets a file be cut, and what stays is an incomplete frame at worst.
                let _ = self
                    .file
                    .set_len(self.durable)
                    .and_then(|()| self.file.seek(SeekFrom::Start(self.durable)));
            }
        }
        written
    }

    /// Bytes in it.
    pub(crate) fn size(&self) -> u64 {
        self.durable
    }

    /// Since when it is appended to.
    pub(crate) fn age(&self) -> std::time::Duration {
        self.opened.elapsed()
    }

    /// Whether it holds a record.
    pub(crate) fn has_records(&self) -> bool {
        self.durable > MAGIC.len() as u64
    }

    /// Where it lies.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it: it holds nothing.
    pub(crate) fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes a rename or a removal in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Adds a payload's frame to `out`.
pub(crate) fn frame(payload: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(checksum(payload));
    out.extend(payload);
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&blake3::hash(payload).as_bytes()[..8]);
    short
}

/// What lies behind the last valid frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Clean,
    /// A frame that was being written when the process ended: it was never acknowledged.
    Torn,
    /// A whole frame with a wrong checksum, and more behind it: the disk lost something.
    Damaged,
}

/// The valid frames from the beginning, and what comes after them.
pub(crate) fn frames(bytes: &[u8]) -> (Vec<&[u8]>, Tail) {
    let mut found = Vec::new();
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return (found, if bytes.len() <= MAGIC.len() { Tail::Torn } else { Tail::Damaged });
    };
    while !rest.is_empty() {
        let Some((header, after)) = rest.split_at_checked(HEADER) else { return (found, Tail::Torn) };
        let length = header.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        let Some((payload, next)) = after.split_at_checked(length) else { return (found, Tail::Torn) };
        if header[4..] != checksum(payload) {
            return (found, if next.is_empty() { Tail::Torn } else { Tail::Damaged });
        }
        found.push(payload);
        rest = next;
    }
    (found, Tail::Clean)
}

/// Removes what a process left that ended while it made a segment; nothing was ever appended there.
pub(crate) fn remove_drafts(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|made| made.elapsed().ok());
        if path.extension().is_some_and(|extension| extension == DRAFT)
            && age.is_some_and(|age| age > ABANDONED)
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The segments in `folder`, oldest first.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == SUFFIX) {
            paths.push(path);
        }
    }
    // Names are time-ordered identifiers.
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        payloads.iter().for_each(|payload| frame(payload, &mut bytes));
        bytes
    }

    #[test]
    fn every_cut_keeps_the_whole_frames_before_it() {
        let bytes = written(&[b"one", b"two two", b""]);
        let ends = [8, 8 + 15, 8 + 15 + 19, 8 + 15 + 19 + 12];
        for length in 0..=bytes.len() {
            let (found, tail) = frames(&bytes[..length]);
            assert_eq!(
                found.len(),
                ends.iter().filter(|end| **end <= length).count().saturating_sub(1),
                "{length}"
            );
            assert_eq!(tail == Tail::Clean, ends.contains(&length), "{length}");
            assert_ne!(tail, Tail::Damaged);
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut bytes = written(&[b"one", b"two", b"three"]);
        bytes[8 + 15 + 13] ^= 1;
        let (found, tail) = frames(&bytes);
        assert_eq!((found.len(), tail), (1, Tail::Damaged));
        assert_eq!(frames(b"something else").1, Tail::Damaged);
    }

    #[test]
    fn a_segment_is_locked_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(folder.path()).unwrap();
        let mut bytes = Vec::new();
        frame(b"payload", &mut bytes);
        segment.append(&bytes).unwrap();
        let path = segment.path().to_owned();
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err());
        assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(&path));
        drop(segment);
        other.try_lock().unwrap();
        assert_eq!(frames(&std::fs::read(&path).unwrap()).0, [b"payload"]);
    }
}
