//! Versioned datasets.
//!
//! A file is cut into content-defined chunks; chunks that no earlier commit held are compressed
//! where it pays and written together as packs through the blob store; one database transaction
//! then makes the commit visible. Tables get their schema, row count and column statistics at
//! commit.

mod chunker;
mod column;
mod committing;
mod csv;
mod csv_scanner;
mod diff;
mod frame;
mod http;
mod model;
mod name;
mod objects;
mod pack;
mod parquet_file;
mod problem;
mod reading;
mod service;
mod store;
mod summary;
mod table;
mod tree;
mod verify;

pub use column::{Cell, Column, ColumnKind};
pub use frame::Frame;
pub use http::{
    BranchBody, CommitBody, CreateBody, FileBody, MergeBody, RowsBody, RowsColumn, TagBody, routes,
};
pub use model::{
    Change, ColumnDiff, Commit, CommitInfo, CommitRequest, Dataset, Diff, FileChange, FileDiff, FileEntry,
    RefInfo, TableDiff, VerifyProblem, VerifyReport,
};
pub use name::{DEFAULT_BRANCH, DatasetSpec};
pub use service::Data;
pub use store::MIGRATIONS;
pub use summary::{ColumnSummary, Frequent, Quantile, TableSummary};
