//! Which files are tables, and how they are read.

use bytes::Bytes;
use ropewalk_core::Result;

use crate::csv;
use crate::frame::Frame;
use crate::parquet_file;

/// A format that is read as a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// By the ending of the path; nothing for a file that is not a table.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Reads the table; Invalid, naming the file, if it is none.
    pub(crate) fn read(self, path: &str, content: &Bytes) -> Result<Frame> {
        let read = match self {
            Self::Csv => csv::parse(content),
            Self::Parquet => parquet_file::parse(content.clone()),
        };
        read.map_err(|problem| problem.in_file(path))
    }
}
