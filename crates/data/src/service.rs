//! The operations on datasets: what other rooms, the command line and HTTP call.
//!
//! Committing and merging are in `committing.rs`, reading in `reading.rs`, comparing in `diff.rs`,
//! checking in `verify.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{Actor, Code, Core, Error, NewEntry, Page, Paged, Reference, Result, now_ms};
use serde_json::json;

use crate::model::{Commit, CommitInfo, Dataset, FileEntry, RefInfo};
use crate::name::{DatasetSpec, check_dataset_name, check_reference_name, is_commit_id, is_hex};
use crate::objects::{self, Object};
use crate::store::{self, RefKind, StoredCommit};
use crate::summary::TableSummary;
use crate::table::Format;
use crate::tree::Tree;

/// The shortest beginning of a commit's hash that names it.
const SHORTEST_PREFIX: usize = 4;

/// How many trees are kept in memory.
const TREES_KEPT: usize = 64;

/// The datasets of a home.
#[derive(Clone)]
pub struct Data {
    pub(crate) core: Core,
    trees: Arc<Mutex<HashMap<String, Arc<Tree>>>>,
    branches: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Data {
    /// The datasets in this core's database and blobs.
    pub fn new(core: Core) -> Self {
        Self { core, trees: Arc::default(), branches: Arc::default() }
    }

    /// Creates a dataset without commits. AlreadyExists if there is one of that name.
    pub async fn create(&self, name: &str, actor: &Actor) -> Result<Dataset> {
        check_dataset_name(name)?;
        let (new, by) = (name.to_owned(), actor.as_str().to_owned());
        let created = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::insert_dataset(tx, &new, &by, now_ms()).await }))
            .await?;
        if !created {
            return Err(Error::new(Code::AlreadyExists, format!("there is a dataset {name} already"))
                .hint(format!("ropewalk data show {name}")));
        }
        self.get(name).await
    }

    /// All datasets, by name.
    pub async fn list(&self) -> Result<Vec<Dataset>> {
        let mut connection = self.core.database.read().await?;
        let mut out = Vec::new();
        for found in store::datasets(&mut connection, None).await? {
            out.push(dataset(&mut connection, found).await?);
        }
        Ok(out)
    }

    /// One dataset. NotFound if there is none of that name.
    pub async fn get(&self, name: &str) -> Result<Dataset> {
        let mut connection = self.core.database.read().await?;
        match store::datasets(&mut connection, Some(name)).await?.pop() {
            Some(found) => dataset(&mut connection, found).await,
            None => Err(unknown_dataset(name)),
        }
    }

    /// The hash of the commit that a reference stands for: a branch, a tag, a commit's hash or at
    /// least four digits of its beginning, each with `~N` for the Nth first parent back.
    pub async fn resolve(&self, name: &str, reference: &str) -> Result<String> {
        Ok(self.find(name, reference).await?.info.id)
    }

    pub(crate) async fn find(&self, name: &str, reference: &str) -> Result<StoredCommit> {
        let (base, back) = match reference.split_once('~') {
            Some((base, back)) => {
                let back = if back.is_empty() { Ok(1) } else { back.parse::<u32>() };
                (base, back.map_err(|_| Error::invalid(format!("{reference:?} is no reference")))?)
            }
            None => (reference, 0),
        };
        let mut connection = self.core.database.read().await?;
        if store::datasets(&mut connection, Some(name)).await?.is_empty() {
            return Err(unknown_dataset(name));
        }
        let id = match store::get_ref(&mut connection, name, RefKind::Branch, base).await? {
            Some(found) => Some(found.commit),
            None => store::get_ref(&mut connection, name, RefKind::Tag, base).await?.map(|tag| tag.commit),
        };
        let id = match id {
            Some(id) => id,
            None if is_commit_id(base) => base.to_owned(),
            None if base.len() >= SHORTEST_PREFIX && base.len() < 64 && is_hex(base) => {
                let found = store::commits_beginning(&mut connection, name, base).await?;
                match <[String; 1]>::try_from(found) {
                    Ok([only]) => only,
                    Err(several) if several.is_empty() => return Err(unknown_reference(name, base)),
                    Err(_) => {
                        return Err(Error::invalid(format!("several commits of {name} begin with {base}"))
                            .hint("give more digits"));
                    }
                }
            }
            None => return Err(unknown_reference(name, base)),
        };
        let mut commit = store::get_commit(&mut connection, name, &id)
            .await?
            .ok_or_else(|| unknown_reference(name, base))?;
        for _ in 0..back {
            let parent = commit.info.parents.first().ok_or_else(|| unknown_reference(name, reference))?;
            commit = store::get_commit(&mut connection, name, parent)
                .await?
                .ok_or_else(|| unknown_reference(name, reference))?;
        }
        Ok(commit)
    }

    /// A commit with its files; with a path in the spec, that file only.
    pub async fn show(&self, spec: &DatasetSpec) -> Result<Commit> {
        let stored = self.find(&spec.name, &spec.reference).await?;
        let mut commit = self.whole(stored).await?;
        if let Some(path) = &spec.path {
            commit.files.retain(|file| file.path == *path);
            if commit.files.is_empty() {
                return Err(unknown_path(spec, path));
            }
        }
        Ok(commit)
    }

    /// The commits that lead to a reference, that one included, newest first; ten thousand at most.
    pub async fn log(&self, name: &str, reference: &str) -> Result<Vec<CommitInfo>> {
        let head = self.find(name, reference).await?;
        let mut connection = self.core.database.read().await?;
        let commits = store::ancestors(&mut connection, &head.info.id, 0, 10_000).await?;
        Ok(commits.into_iter().map(|commit| commit.info).collect())
    }

    /// The same, page by page.
    pub async fn log_page(&self, name: &str, reference: &str, page: &Page) -> Result<Paged<CommitInfo>> {
        let head = self.find(name, reference).await?;
        let (offset, limit) = (page.offset()?, page.limit.clamp(1, 1000));
        let mut connection = self.core.database.read().await?;
        let commits = store::ancestors(&mut connection, &head.info.id, offset, limit + 1).await?;
        Ok(Paged::cut(commits.into_iter().map(|commit| commit.info).collect(), offset, limit))
    }

    /// Creates a branch where `from` stands. AlreadyExists if there is one of that name.
    pub async fn branch(&self, name: &str, branch: &str, from: &str) -> Result<RefInfo> {
        check_reference_name("branch", branch)?;
        let commit = self.resolve(name, from).await?;
        let new = RefInfo { name: branch.to_owned(), commit, updated_ms: now_ms() };
        let (dataset, info) = (name.to_owned(), new.clone());
        let created = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move { store::move_ref(tx, &dataset, RefKind::Branch, None, &info).await })
            })
            .await?;
        if created {
            return Ok(new);
        }
        Err(Error::new(Code::AlreadyExists, format!("{name} has a branch {branch} already"))
            .hint(format!("ropewalk data branch {name}")))
    }

    /// The branches, by name.
    pub async fn branches(&self, name: &str) -> Result<Vec<RefInfo>> {
        Ok(self.get(name).await?.branches)
    }

    /// Gives a commit a name that never moves. The same tag on the same commit is no error; on
    /// another it is AlreadyExists.
    pub async fn tag(&self, name: &str, tag: &str, reference: &str, actor: &Actor) -> Result<RefInfo> {
        check_reference_name("tag", tag)?;
        let commit = self.resolve(name, reference).await?;
        let new = RefInfo { name: tag.to_owned(), commit, updated_ms: now_ms() };
        let subject = Reference::new("dataset", format!("{name}@{}", new.commit));
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "tag",
            subject,
            inputs: Vec::new(),
            outputs: Vec::new(),
            facts: json!({ "dataset": name, "tag": tag, "commit": new.commit }),
        };
        let (dataset, info, journal) = (name.to_owned(), new.clone(), self.core.journal.clone());
        let created = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let created = store::move_ref(tx, &dataset, RefKind::Tag, None, &info).await?;
                    if created {
                        journal.append_in(tx, entry).await?;
                    }
                    Ok(created)
                })
            })
            .await?;
        if created {
            return Ok(new);
        }
        let mut connection = self.core.database.read().await?;
        match store::get_ref(&mut connection, name, RefKind::Tag, tag).await? {
            Some(stands) if stands.commit == new.commit => Ok(stands),
            _ => Err(Error::new(Code::AlreadyExists, format!("{name} has a tag {tag} on another commit"))
                .hint("tags do not move: choose another name")),
        }
    }

    /// The tags, by name.
    pub async fn tags(&self, name: &str) -> Result<Vec<RefInfo>> {
        Ok(self.get(name).await?.tags)
    }

    /// The files of a stored commit.
    pub(crate) async fn tree(&self, object: Object) -> Result<Arc<Tree>> {
        let key = object.hash.hex();
        let kept = self.trees.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(tree) = kept {
            return Ok(tree);
        }
        let bytes = objects::fetch(&self.core, object).await?;
        let tree = Arc::new(objects::blocking(move || Tree::from_bytes(&bytes)).await?);
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() >= TREES_KEPT {
            trees.clear();
        }
        trees.insert(key, tree.clone());
        Ok(tree)
    }

    /// Committers of one process to one branch take turns, rather than trying against each other;
    /// those of several processes meet at the compare-and-swap in the database.
    pub(crate) fn turn(&self, dataset: &str, branch: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.retain(|_, turn| Arc::strong_count(turn) > 1);
        branches.entry(format!("{dataset}@{branch}")).or_default().clone()
    }

    /// A stored commit with its files and what is known of their tables.
    pub(crate) async fn whole(&self, stored: StoredCommit) -> Result<Commit> {
        let tree = self.tree(stored.tree).await?;
        let hashes: Vec<String> = tree
            .files
            .iter()
            .filter(|(path, _)| Format::of(path).is_some())
            .map(|(_, file)| file.object.hash.hex())
            .collect();
        let summaries = {
            let mut connection = self.core.database.read().await?;
            store::tables(&mut connection, &hashes).await?
        };
        let mut files = Vec::with_capacity(tree.files.len());
        for (path, file) in &tree.files {
            let hash = file.object.hash.hex();
            let table = match Format::of(path) {
                Some(format) => summaries
                    .get(&(hash.clone(), format.name().to_owned()))
                    .map(|text| serde_json::from_str::<TableSummary>(text))
                    .transpose()?,
                None => None,
            };
            files.push(FileEntry { path: path.clone(), bytes: file.object.bytes, hash, table });
        }
        let info = stored.info;
        Ok(Commit {
            id: info.id,
            dataset: info.dataset,
            parents: info.parents,
            author: info.author,
            message: info.message,
            time_ms: info.time_ms,
            files,
            rows: info.rows,
            bytes: info.bytes,
            new_bytes: info.new_bytes,
            unchanged: false,
        })
    }
}

async fn dataset(
    connection: &mut ropewalk_core::Connection,
    (name, created_ms, created_by): (String, i64, String),
) -> Result<Dataset> {
    Ok(Dataset {
        created_ms,
        created_by,
        branches: store::refs(connection, &name, RefKind::Branch).await?,
        tags: store::refs(connection, &name, RefKind::Tag).await?,
        commits: store::commit_count(connection, &name).await?,
        latest: store::latest_commit(connection, &name).await?.map(|commit| commit.info),
        name,
    })
}

fn unknown_dataset(name: &str) -> Error {
    Error::not_found(format!("there is no dataset {name:?}")).hint("ropewalk data list")
}

fn unknown_reference(name: &str, reference: &str) -> Error {
    Error::not_found(format!("{name} has no branch, tag or commit {reference:?}"))
        .hint(format!("ropewalk data log {name}"))
}

pub(crate) fn unknown_path(spec: &DatasetSpec, path: &str) -> Error {
    let whole = DatasetSpec::new(&spec.name, &spec.reference);
    Error::not_found(format!("{whole} has no file {path:?}")).hint(format!("ropewalk data show {whole}"))
}
