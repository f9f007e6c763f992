//! Versioned datasets.
//!
//! A file is cut into content-defined chunks; chunks that no earlier commit held are compressed
//! where it pays and written together as packs through the blob store; one database transaction
//! then makes the commit visible. Tables get their schema, row count and column statistics at
//! commit.

mod csv;
mod frame;
mod http;
mod model;
mod name;
mod parquet_file;
mod problem;
mod service;
mod store;
mod summary;

pub use frame::{Cell, Column, ColumnKind, Frame};
pub use http::routes;
pub use model::{
    Change, ColumnDiff, Commit, CommitInfo, CommitRequest, Dataset, Diff, FileChange, FileDiff, FileEntry,
    RefInfo, TableDiff, VerifyProblem, VerifyReport,
};
pub use name::{DEFAULT_BRANCH, DatasetSpec};
pub use service::Data;
pub use store::MIGRATIONS;
pub use summary::{ColumnSummary, Frequent, Quantile, TableSummary};
