//! Names of the log's Parquet files, which tell what is in them without opening them.
//!
//! `predictions/ENDPOINT/YYYY-MM-DD/HH/MIN-MAX-ROWS-SEGMENT.parquet`, with the times of the oldest and the newest row
//! in milliseconds since the Unix epoch.

use ropewalk_core::{format_utc, now_ms};

const DAY_MS: i64 = 86_400_000;

/// A file's place and what its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParquetPath {
    pub(crate) path: String,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) rows: usize,
}

impl ParquetPath {
    /// The file for an endpoint's rows of one hour out of one segment.
    pub(crate) fn new(endpoint: &str, times_ms: &[i64], segment: &str) -> Self {
        let min_ms = times_ms.iter().copied().min().unwrap_or_default();
        let max_ms = times_ms.iter().copied().max().unwrap_or_default();
        let rows = times_ms.len();
        let (day, hour) = day_and_hour(min_ms);
        let path = format!("{}/{day}/{hour}/{min_ms}-{max_ms}-{rows}-{segment}.parquet", folder(endpoint));
        Self { path, min_ms, max_ms, rows }
    }

    /// What a name tells; `None` for a foreign file.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?.strip_suffix(".parquet")?;
        let mut parts = name.splitn(4, '-');
        let min_ms = parts.next()?.parse().ok()?;
        let max_ms = parts.next()?.parse().ok()?;
        let rows = parts.next()?.parse().ok()?;
        parts.next()?;
        Some(Self { path: path.to_owned(), min_ms, max_ms, rows })
    }
}

/// Where an endpoint's files lie.
pub(crate) fn folder(endpoint: &str) -> String {
    format!("predictions/{endpoint}")
}

/// Where an endpoint's files of today lie.
pub(crate) fn today(endpoint: &str) -> String {
    format!("{}/{}", folder(endpoint), day_and_hour(now_ms()).0)
}

/// The hour that a time falls in, counted from the Unix epoch.
pub(crate) fn hour_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS / 24)
}

fn day_and_hour(time_ms: i64) -> (String, String) {
    let text = format_utc(time_ms.max(0));
    let (day, clock) = text.split_once('T').unwrap_or((text.as_str(), "00"));
    (day.to_owned(), clock.chars().take(2).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_tells_what_it_holds() {
        let file = ParquetPath::new("wine", &[1_700_000_000_000, 1_700_000_000_500], "abc");
        assert_eq!(file.path, "predictions/wine/2023-11-14/22/1700000000000-1700000000500-2-abc.parquet");
        assert_eq!(ParquetPath::parse(&file.path).unwrap(), file);
        assert_eq!(ParquetPath::parse("predictions/wine/notes.txt"), None);
        assert_eq!(ParquetPath::parse("predictions/wine/a-b-c-d.parquet"), None);
    }
}
