//! The operations on datasets.

use bytes::Bytes;
use ropewalk_core::{Actor, Core, Error, Result};

use crate::frame::Frame;
use crate::model::{Commit, CommitInfo, CommitRequest, Dataset, Diff, RefInfo, VerifyReport};
use crate::name::DatasetSpec;

/// The datasets of a home.
#[derive(Clone)]
pub struct Data {
    pub(crate) core: Core,
}

fn later<T>() -> Result<T> {
    Err(Error::internal("being written"))
}

impl Data {
    /// Datasets on this core.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
    /// Creates an empty dataset.
    pub async fn create(&self, _name: &str, _actor: &Actor) -> Result<Dataset> {
        later()
    }
    /// All datasets, by name.
    pub async fn list(&self) -> Result<Vec<Dataset>> {
        later()
    }
    /// One dataset.
    pub async fn get(&self, _name: &str) -> Result<Dataset> {
        later()
    }
    /// Commits changes.
    pub async fn commit(&self, _request: CommitRequest, _actor: &Actor) -> Result<Commit> {
        later()
    }
    /// The commit that a reference stands for.
    pub async fn resolve(&self, _name: &str, _reference: &str) -> Result<String> {
        later()
    }
    /// A commit with its files.
    pub async fn show(&self, _spec: &DatasetSpec) -> Result<Commit> {
        later()
    }
    /// The commits that lead to a reference, newest first.
    pub async fn log(&self, _name: &str, _reference: &str) -> Result<Vec<CommitInfo>> {
        later()
    }
    /// Creates a branch.
    pub async fn branch(&self, _name: &str, _branch: &str, _from: &str, _actor: &Actor) -> Result<RefInfo> {
        later()
    }
    /// The branches.
    pub async fn branches(&self, _name: &str) -> Result<Vec<RefInfo>> {
        later()
    }
    /// Creates a tag.
    pub async fn tag(&self, _name: &str, _tag: &str, _reference: &str, _actor: &Actor) -> Result<RefInfo> {
        later()
    }
    /// The tags.
    pub async fn tags(&self, _name: &str) -> Result<Vec<RefInfo>> {
        later()
    }
    /// How two commits differ.
    pub async fn diff(&self, _name: &str, _from: &str, _to: &str) -> Result<Diff> {
        later()
    }
    /// Merges one branch into another.
    pub async fn merge(
        &self,
        _name: &str,
        _from: &str,
        _into: &str,
        _message: &str,
        _actor: &Actor,
    ) -> Result<Commit> {
        later()
    }
    /// One file's bytes.
    pub async fn read(&self, _spec: &DatasetSpec) -> Result<Bytes> {
        later()
    }
    /// The table.
    pub async fn frame(&self, _spec: &DatasetSpec) -> Result<Frame> {
        later()
    }
    /// Checks all stored bytes.
    pub async fn verify(&self, _name: &str) -> Result<VerifyReport> {
        later()
    }
}
