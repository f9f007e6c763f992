//! Datasets in the words of version control.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::summary::TableSummary;

/// A dataset and where its branches and tags stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    /// The name, unique in the home.
    pub name: String,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Who created it.
    pub created_by: String,
    /// The branches, by name.
    pub branches: Vec<RefInfo>,
    /// The tags, by name.
    pub tags: Vec<RefInfo>,
    /// How many commits, on all branches.
    pub commits: u64,
    /// The newest commit on any branch.
    pub latest: Option<CommitInfo>,
}

/// A branch or a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefInfo {
    /// The name of the branch or tag.
    pub name: String,
    /// The commit that it points to: 64 hexadecimal digits.
    pub commit: String,
    /// When it last moved, in milliseconds since the Unix epoch.
    pub updated_ms: i64,
}

/// A commit without its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommitInfo {
    /// The hash of all that the commit says: 64 hexadecimal digits.
    pub id: String,
    /// The dataset's name.
    pub dataset: String,
    /// The commits that it follows: none for the first, two for a merge.
    pub parents: Vec<String>,
    /// Who committed, as the journal names them.
    pub author: String,
    /// What the author says about it.
    pub message: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The hash of the list of files: equal trees hold equal files.
    pub tree: String,
    /// How many files.
    pub file_count: u64,
    /// Rows of all tables together.
    pub rows: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes that this commit added to the store, after deduplication and compression.
    pub new_bytes: u64,
}

/// A commit and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Commit {
    /// The hash of all that the commit says: 64 hexadecimal digits.
    pub id: String,
    /// The dataset's name.
    pub dataset: String,
    /// The commits that it follows: none for the first, two for a merge.
    pub parents: Vec<String>,
    /// Who committed, as the journal names them.
    pub author: String,
    /// What the author says about it.
    pub message: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The files, by path.
    pub files: Vec<FileEntry>,
    /// Rows of all tables together.
    pub rows: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes that this commit added to the store, after deduplication and compression.
    pub new_bytes: u64,
    /// The files were those of the branch's head already: no commit was made, this is the head.
    #[serde(default)]
    pub unchanged: bool,
}

/// One file of a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FileEntry {
    /// The path within the dataset, with forward slashes.
    pub path: String,
    /// The size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the content: 64 hexadecimal digits.
    pub hash: String,
    /// What the table holds, if the file is one (`.csv`, `.tsv`, `.parquet`).
    pub table: Option<TableSummary>,
}

/// What a commit is to change.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// The dataset; created if there is none.
    pub dataset: String,
    /// The branch; created if there is none.
    pub branch: String,
    /// What to say about the change.
    pub message: String,
    /// The files that are put or removed; all others stay as they are.
    pub files: Vec<FileChange>,
    /// Refuse with a conflict unless the branch stands at this commit. Without it, the changes are
    /// made on top of wherever the branch stands.
    pub expected_head: Option<String>,
    /// Where a branch that is created begins (a branch, tag or commit); by default it begins empty
    /// in a new dataset and at `main` in one that has commits.
    pub create_branch_from: Option<String>,
}

/// One file that a commit puts or removes.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// The path within the dataset, with forward slashes.
    pub path: String,
    /// The new content; nothing removes the file.
    pub content: Option<bytes::Bytes>,
}

/// How two commits differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// The dataset's name.
    pub dataset: String,
    /// The commit that is compared from.
    pub from: String,
    /// The commit that is compared to.
    pub to: String,
    /// The files that differ, by path.
    pub files: Vec<FileDiff>,
    /// Rows that only the later commit has.
    pub rows_added: u64,
    /// Rows that only the earlier commit has.
    pub rows_removed: u64,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the later commit has it.
    Added,
    /// Only the earlier commit has it.
    Removed,
    /// Both have it, with different content.
    Modified,
}

/// How one file differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FileDiff {
    /// The path.
    pub path: String,
    /// What happened to it.
    pub change: Change,
    /// Its size before, in bytes.
    pub bytes_before: u64,
    /// Its size after, in bytes.
    pub bytes_after: u64,
    /// For a table: the rows and columns that differ.
    pub table: Option<TableDiff>,
}

/// How one table differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TableDiff {
    /// Rows before.
    pub rows_before: u64,
    /// Rows after.
    pub rows_after: u64,
    /// Rows that came. A changed row counts as one that came and one that went. Rows are compared
    /// on the columns that both tables have, as a multiset: their order does not matter.
    pub rows_added: u64,
    /// Rows that went.
    pub rows_removed: u64,
    /// The columns that differ.
    pub columns: Vec<ColumnDiff>,
}

/// How one column differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnDiff {
    /// The column's name.
    pub name: String,
    /// What happened to it; modified if its kind or its values differ.
    pub change: Change,
    /// Its kind before.
    pub kind_before: Option<crate::ColumnKind>,
    /// Its kind after.
    pub kind_after: Option<crate::ColumnKind>,
    /// Its mean before, for numbers.
    pub mean_before: Option<f64>,
    /// Its mean after, for numbers.
    pub mean_after: Option<f64>,
    /// Missing values before.
    pub missing_before: u64,
    /// Missing values after.
    pub missing_after: u64,
}

/// What a check of a dataset's stored bytes found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// The dataset's name.
    pub dataset: String,
    /// Whether everything is as it was committed.
    pub ok: bool,
    /// Commits that were checked.
    pub commits: u64,
    /// Distinct files that were checked.
    pub files: u64,
    /// Distinct chunks that were read and hashed again.
    pub chunks: u64,
    /// Packs that were read.
    pub packs: u64,
    /// Bytes that were read from the store.
    pub bytes: u64,
    /// What is not as it was committed.
    pub problems: Vec<VerifyProblem>,
}

/// Something that is not as it was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyProblem {
    /// What was found, in words.
    pub what: String,
    /// The pack concerned.
    pub pack: Option<String>,
    /// The files that cannot be read, as `path@commit` with the commit's first twelve digits.
    pub files: Vec<String>,
}
