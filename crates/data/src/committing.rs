//! Commits and merges: how a branch moves.
//!
//! First the chunks that the store lacks are written as packs and forced to the disk; then one
//! transaction makes packs, summaries, commit, the branch's new head and the journal's entry stand
//! together. A process that dies in between leaves a pack that nobody refers to, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Actor, Code, Error, NewEntry, Reference, Result, now_ms};
use serde_json::json;

use crate::chunker::Digest;
use crate::model::{Commit, CommitInfo, CommitRequest, FileChange, RefInfo};
use crate::name::{DEFAULT_BRANCH, check_dataset_name, check_path, check_reference_name};
use crate::objects::{self, Object, Staged};
use crate::service::Data;
use crate::store::{self, RefKind, StoredCommit};
use crate::summary::TableSummary;
use crate::table::Format;
use crate::tree::{self, Tree, TreeFile};

/// How often a commit is put on top of a branch that others keep moving.
const ATTEMPTS: u32 = 60;

/// Larger content is written before the committer's turn comes, so that it holds nobody up.
const LARGE: usize = 1 << 20;

/// How many changed paths a journal entry names.
const PATHS_NAMED: usize = 20;

/// Summaries, as JSON, by content and format.
type Summaries = BTreeMap<(String, &'static str), String>;

/// A file that is put, looked at but not yet stored.
struct Put {
    path: String,
    content: Bytes,
    hash: Digest,
    rows: Option<u64>,
}

/// A commit that is ready to be written.
struct Draft<'a> {
    dataset: &'a str,
    branch: &'a str,
    /// Where the branch must stand still; nothing if it is to be created.
    head: Option<String>,
    parents: Vec<&'a StoredCommit>,
    tree: &'a Tree,
    message: &'a str,
    verb: &'static str,
    facts: serde_json::Value,
}

impl Data {
    /// Puts and removes files on a branch, all in one commit. Dataset and branch are created if they
    /// are missing. If nothing changes, no commit is made and the head comes back as `unchanged`.
    ///
    /// Invalid for unsafe names or paths and for tables that cannot be read; NotFound for the
    /// removal of a file that is not there; Conflict if the branch is not at `expected_head`.
    pub async fn commit(&self, request: CommitRequest, actor: &Actor) -> Result<Commit> {
        check_dataset_name(&request.dataset)?;
        check_reference_name("branch", &request.branch)?;
        let (puts, removals, summaries) = look_at(request.files).await?;
        let (dataset, branch) = (request.dataset.as_str(), request.branch.as_str());

        let mut staged = Staged::default();
        let mut stored: BTreeMap<Digest, Object> = BTreeMap::new();
        if puts.iter().map(|put| put.content.len()).sum::<usize>() > LARGE {
            let kept = self.base(dataset, branch, request.create_branch_from.as_deref()).await.ok();
            let kept = kept.map(|(_, _, tree)| tree).unwrap_or_default();
            self.store(&puts, &kept, &mut stored, &mut staged).await?;
        }
        let turn = self.turn(dataset, branch);
        let _turn = turn.lock().await;
        for attempt in 0..ATTEMPTS {
            let (head, base, old) = self.base(dataset, branch, request.create_branch_from.as_deref()).await?;
            check_expected(dataset, branch, request.expected_head.as_deref(), head.as_deref())?;
            self.store(&puts, &old, &mut stored, &mut staged).await?;
            let new = changed(&old, &puts, &removals, &stored)?;
            if new.same_content(&old) {
                let Some(base) = base else {
                    return Err(Error::invalid("there is nothing to commit").hint("name at least one file"));
                };
                if head.is_none() {
                    self.branch(dataset, branch, &base.info.id).await?;
                }
                return Ok(Commit { unchanged: true, ..self.whole(base).await? });
            }
            let draft = Draft {
                dataset,
                branch,
                head,
                parents: base.iter().collect(),
                tree: &new,
                message: &request.message,
                verb: "commit",
                facts: json!({ "changed": changed_paths(&old, &new) }),
            };
            if let Some(commit) = self.write(draft, &mut staged, &summaries, actor).await? {
                return self.whole(commit).await;
            }
            back_off(attempt).await;
        }
        Err(too_busy(dataset, branch))
    }

    /// Merges a reference into a branch, file by file: what only one side changed since their
    /// common ancestor is taken. Conflict, naming the paths, if both changed a file differently. If
    /// the branch has everything already, its head comes back as `unchanged`.
    pub async fn merge(
        &self,
        name: &str,
        from: &str,
        into: &str,
        message: &str,
        actor: &Actor,
    ) -> Result<Commit> {
        check_reference_name("branch", into)?;
        let theirs = self.find(name, from).await?;
        let their_tree = self.tree(theirs.tree).await?;
        let turn = self.turn(name, into);
        let _turn = turn.lock().await;
        let mut staged = Staged::default();
        for attempt in 0..ATTEMPTS {
            let (head, ours, our_tree) = self.base(name, into, None).await?;
            let (Some(head), Some(ours)) = (head, ours) else {
                return Err(Error::not_found(format!("{name} has no branch {into}"))
                    .hint(format!("ropewalk data branch {name}")));
            };
            let common = {
                let mut connection = self.core.database.read().await?;
                store::merge_base(&mut connection, &ours.info.id, &theirs.info.id).await?
            };
            if common.as_deref() == Some(theirs.info.id.as_str()) {
                return Ok(Commit { unchanged: true, ..self.whole(ours).await? });
            }
            let base_tree = match &common {
                Some(id) => self.tree(self.find(name, id).await?.tree).await?,
                None => Arc::default(),
            };
            let merged = tree::merge(&base_tree, &our_tree, &their_tree).map_err(|paths| {
                Error::conflict(format!("{from} and {into} both changed {}", paths.join(", ")))
                    .why("both sides differ from their common ancestor in these files")
                    .hint(format!(
                        "commit the wanted version of them to {from}, made from {into}, and merge again"
                    ))
            })?;
            merged.check()?;
            let message =
                if message.is_empty() { format!("Merge {from} into {into}") } else { message.to_owned() };
            let draft = Draft {
                dataset: name,
                branch: into,
                head: Some(head),
                parents: vec![&ours, &theirs],
                tree: &merged,
                message: &message,
                verb: "merge",
                facts: json!({ "from": from, "changed": changed_paths(&our_tree, &merged) }),
            };
            if let Some(commit) = self.write(draft, &mut staged, &Summaries::new(), actor).await? {
                return self.whole(commit).await;
            }
            back_off(attempt).await;
        }
        Err(too_busy(name, into))
    }

    /// Where a branch stands: its head if it exists, the commit that a new commit follows, and the
    /// files of that.
    async fn base(
        &self,
        dataset: &str,
        branch: &str,
        create_from: Option<&str>,
    ) -> Result<(Option<String>, Option<StoredCommit>, Arc<Tree>)> {
        let (head, main) = {
            let mut connection = self.core.database.read().await?;
            let head = store::get_ref(&mut connection, dataset, RefKind::Branch, branch).await?;
            let main = store::get_ref(&mut connection, dataset, RefKind::Branch, DEFAULT_BRANCH).await?;
            (head.map(|head| head.commit), main.map(|main| main.commit))
        };
        let reference = match (&head, create_from) {
            (Some(head), _) => Some(head.as_str()),
            (None, Some(from)) => Some(from),
            (None, None) => main.as_deref(),
        };
        let Some(reference) = reference else { return Ok((None, None, Arc::default())) };
        let base = self.find(dataset, reference).await?;
        let tree = self.tree(base.tree).await?;
        Ok((head, Some(base), tree))
    }

    /// Stores the contents that neither the tree nor an earlier attempt has.
    async fn store(
        &self,
        puts: &[Put],
        tree: &Tree,
        stored: &mut BTreeMap<Digest, Object>,
        staged: &mut Staged,
    ) -> Result<()> {
        for file in tree.files.values() {
            stored.entry(file.object.hash).or_insert(file.object);
        }
        let lacking: BTreeMap<Digest, Bytes> = puts
            .iter()
            .filter(|put| !stored.contains_key(&put.hash))
            .map(|put| (put.hash, put.content.clone()))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let objects = objects::stage(&self.core, lacking.into_values().collect(), staged).await?;
        stored.extend(objects.into_iter().map(|object| (object.hash, object)));
        Ok(())
    }

    /// Writes the commit; nothing if the branch has moved meanwhile.
    async fn write(
        &self,
        draft: Draft<'_>,
        staged: &mut Staged,
        summaries: &Summaries,
        actor: &Actor,
    ) -> Result<Option<StoredCommit>> {
        let bytes = Bytes::from(draft.tree.to_bytes()?);
        let tree = objects::stage(&self.core, vec![bytes], staged)
            .await?
            .pop()
            .ok_or_else(|| Error::internal("a list of files was not stored"))?;
        let now = now_ms();
        let parents: Vec<String> = draft.parents.iter().map(|parent| parent.info.id.clone()).collect();
        let info = CommitInfo {
            id: String::new(),
            dataset: draft.dataset.to_owned(),
            parents: parents.clone(),
            author: actor.as_str().to_owned(),
            message: draft.message.to_owned(),
            time_ms: now,
            tree: tree.hash.hex(),
            file_count: draft.tree.files.len() as u64,
            rows: draft.tree.rows(),
            bytes: draft.tree.bytes(),
            new_bytes: staged.bytes(),
        };
        let info = CommitInfo { id: commit_id(&info)?, ..info };
        let generation = draft.parents.iter().map(|parent| parent.generation).max().unwrap_or(0) + 1;
        let reference = |id: &String| Reference::new("dataset", format!("{}@{id}", draft.dataset));
        let mut facts = json!({
            "dataset": draft.dataset, "branch": draft.branch, "commit": info.id, "message": info.message,
            "files": info.file_count, "rows": info.rows, "bytes": info.bytes, "new_bytes": info.new_bytes,
        });
        if let (Some(facts), serde_json::Value::Object(more)) = (facts.as_object_mut(), draft.facts) {
            facts.extend(more);
        }
        let entry = NewEntry {
            actor: actor.clone(),
            verb: draft.verb,
            subject: reference(&info.id),
            inputs: parents.iter().map(reference).collect(),
            outputs: Vec::new(),
            facts,
        };
        let new = StoredCommit { info, tree, generation };
        let head = RefInfo { name: draft.branch.to_owned(), commit: new.info.id.clone(), updated_ms: now };
        let (commit, expected) = (new.clone(), draft.head);
        let (packs, summaries, journal) =
            (staged.packs.clone(), summaries.clone(), self.core.journal.clone());
        let written = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let info = &commit.info;
                    store::insert_dataset(tx, &info.dataset, &info.author, now).await?;
                    let dataset = info.dataset.as_str();
                    if !store::move_ref(tx, dataset, RefKind::Branch, expected.as_deref(), &head).await? {
                        // An error, so that nothing of the transaction stands.
                        return Err(Error::conflict("the branch has moved"));
                    }
                    store::insert_packs(tx, &packs, now).await?;
                    store::insert_tables(tx, &summaries).await?;
                    store::insert_commit(tx, &commit).await?;
                    journal.append_in(tx, entry).await?;
                    Ok(())
                })
            })
            .await;
        match written {
            Ok(()) => Ok(Some(new)),
            Err(error) if error.code() == Code::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The hash of all that a commit says.
pub(crate) fn commit_id(info: &CommitInfo) -> Result<String> {
    let said = (&info.dataset, &info.parents, &info.tree, &info.author, &info.message, info.time_ms);
    Ok(Digest::of(&serde_json::to_vec(&said)?).hex())
}

/// Hashes the files and reads those that are tables.
async fn look_at(files: Vec<FileChange>) -> Result<(Vec<Put>, Vec<String>, Summaries)> {
    let mut seen = BTreeSet::new();
    for file in &files {
        check_path(&file.path)?;
        if !seen.insert(file.path.clone()) {
            return Err(Error::invalid(format!("{:?} comes twice in one commit", file.path)));
        }
    }
    objects::blocking(move || {
        let (mut puts, mut removals, mut summaries) = (Vec::new(), Vec::new(), Summaries::new());
        for file in files {
            let Some(content) = file.content else {
                removals.push(file.path);
                continue;
            };
            let hash = Digest::of(&content);
            let mut rows = None;
            if let Some(format) = Format::of(&file.path) {
                let summary = TableSummary::of(&format.read(&file.path, &content)?);
                rows = Some(summary.rows);
                summaries.insert((hash.hex(), format.name()), serde_json::to_string(&summary)?);
            }
            puts.push(Put { path: file.path, content, hash, rows });
        }
        Ok((puts, removals, summaries))
    })
    .await
}

fn changed(old: &Tree, puts: &[Put], removals: &[String], stored: &BTreeMap<Digest, Object>) -> Result<Tree> {
    let mut tree = old.clone();
    for path in removals {
        if tree.files.remove(path).is_none() {
            return Err(Error::not_found(format!("there is no file {path:?} to remove")));
        }
    }
    for put in puts {
        let object = *stored
            .get(&put.hash)
            .ok_or_else(|| Error::internal(format!("{:?} was not stored", put.path)))?;
        tree.files.insert(put.path.clone(), TreeFile { object, rows: put.rows });
    }
    tree.check()?;
    Ok(tree)
}

fn changed_paths(old: &Tree, new: &Tree) -> Vec<String> {
    let differs = |path: &&String| old.files.get(*path) != new.files.get(*path);
    let paths: BTreeSet<&String> = old.files.keys().chain(new.files.keys()).filter(differs).collect();
    paths.into_iter().take(PATHS_NAMED).cloned().collect()
}

fn check_expected(dataset: &str, branch: &str, expected: Option<&str>, head: Option<&str>) -> Result<()> {
    match expected {
        Some(expected) if head != Some(expected) => {
            Err(Error::conflict(format!("{dataset}@{branch} is not at {expected}"))
                .why(match head {
                    Some(head) => format!("it is at {head}: someone else committed"),
                    None => "the branch has no commits".to_owned(),
                })
                .hint(format!("ropewalk data log {dataset}@{branch}")))
        }
        _ => Ok(()),
    }
}

/// Waits a little, longer each time, and not as long as others who wait too.
async fn back_off(attempt: u32) {
    let longest = 2_u64 << attempt.min(7);
    let spread = u64::from_le_bytes(*ropewalk_core::new_id().as_bytes().last_chunk::<8>().unwrap_or(&[0; 8]));
    tokio::time::sleep(Duration::from_millis(1 + spread % longest)).await;
}

fn too_busy(dataset: &str, branch: &str) -> Error {
    Error::conflict(format!("{dataset}@{branch} moves faster than this commit can follow"))
        .hint("try again, or commit to a branch of your own and merge it")
}
