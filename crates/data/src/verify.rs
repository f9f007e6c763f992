//! Checks every stored byte that a dataset needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ropewalk_core::{Code, Error, Result};

use crate::chunker::Digest;
use crate::committing::commit_id;
use crate::model::{VerifyProblem, VerifyReport};
use crate::objects::{self, Object, pack_path};
use crate::pack::{self, Slot};
use crate::service::Data;
use crate::store;

/// What depends on which content: `path@commit`.
type Users = BTreeMap<String, BTreeSet<String>>;

/// What is to be checked, and what was found wrong on the way there.
#[derive(Default)]
struct Survey {
    report: Vec<VerifyProblem>,
    /// The users of each chunk.
    chunks: HashMap<Digest, BTreeSet<String>>,
    files: u64,
}

impl Data {
    /// Reads every pack that the dataset's commits need and hashes everything again: commits, lists
    /// of files, packs, chunks. What is wrong is told in the report, not as an error.
    pub async fn verify(&self, name: &str) -> Result<VerifyReport> {
        self.get(name).await?;
        let commits = {
            let mut connection = self.core.database.read().await?;
            store::all_commits(&mut connection, name).await?
        };
        let mut survey = Survey::default();
        let mut contents: HashMap<Digest, (Object, BTreeSet<String>)> = HashMap::new();
        for commit in &commits {
            let short = commit.info.id.get(..12).unwrap_or_default().to_owned();
            if commit_id(&commit.info)? != commit.info.id {
                survey.found(format!("commit {short} does not say what it said"), None, &BTreeSet::new());
            }
            let user = format!("(list of files)@{short}");
            contents.entry(commit.tree.hash).or_insert_with(|| (commit.tree, BTreeSet::new())).1.insert(user);
            match self.tree(commit.tree).await {
                Ok(tree) => {
                    for (path, file) in &tree.files {
                        let users = contents
                            .entry(file.object.hash)
                            .or_insert_with(|| (file.object, BTreeSet::new()));
                        users.1.insert(format!("{path}@{short}"));
                    }
                }
                Err(error) if error.code() == Code::Corrupt => {
                    let users = BTreeSet::from([format!("(all files)@{short}")]);
                    survey.found(format!("the files of commit {short} are not known: {error}"), None, &users);
                }
                Err(error) => return Err(error),
            }
        }
        for (object, users) in contents.into_values() {
            survey.files += 1;
            match objects::chunks_of(&self.core, object).await {
                Ok(chunks) => {
                    for chunk in chunks {
                        survey.chunks.entry(chunk).or_default().extend(users.iter().cloned());
                    }
                }
                Err(error) if error.code() == Code::Corrupt => survey.found(error.to_string(), None, &users),
                Err(error) => return Err(error),
            }
        }
        let mut report = self.check_packs(&mut survey).await?;
        report.dataset = name.to_owned();
        report.commits = commits.len() as u64;
        report.files = survey.files;
        report.ok = survey.report.is_empty();
        report.problems = survey.report;
        Ok(report)
    }

    async fn check_packs(&self, survey: &mut Survey) -> Result<VerifyReport> {
        let wanted: Vec<Digest> = survey.chunks.keys().copied().collect();
        let slots = {
            let mut connection = self.core.database.read().await?;
            store::slots(&mut connection, &wanted).await?
        };
        let mut absent = Users::new();
        for chunk in wanted.iter().filter(|chunk| !slots.contains_key(chunk)) {
            absent.insert(chunk.hex(), survey.chunks.get(chunk).cloned().unwrap_or_default());
        }
        for (chunk, users) in absent {
            survey.found(format!("chunk {chunk} is in no pack"), None, &users);
        }
        let mut by_pack: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
        for (pack, slot) in slots.into_values() {
            by_pack.entry(pack).or_default().push(slot);
        }
        let mut report = VerifyReport {
            dataset: String::new(),
            ok: true,
            commits: 0,
            files: 0,
            chunks: wanted.len() as u64,
            packs: by_pack.len() as u64,
            bytes: 0,
            problems: Vec::new(),
        };
        for (id, slots) in by_pack {
            let users_of = |slots: &[Slot]| -> BTreeSet<String> {
                slots.iter().filter_map(|slot| survey.chunks.get(&slot.hash)).flatten().cloned().collect()
            };
            let bytes = match self.core.blobs.get(&pack_path(&id)).await {
                Ok(bytes) => bytes,
                Err(error) if error.code() == Code::NotFound => {
                    let users = users_of(&slots);
                    survey.found("the pack is missing".to_owned(), Some(id), &users);
                    continue;
                }
                Err(error) => return Err(error),
            };
            report.bytes += bytes.len() as u64;
            let (checked, expected) = (slots.clone(), id.clone());
            let (whole, bad) = objects::blocking(move || {
                Ok((check_whole(&bytes, &expected, &checked), bad(&bytes, checked)))
            })
            .await?;
            if let Err(error) = whole {
                let users = users_of(&bad);
                survey.found(error.to_string(), Some(id), &users);
            }
        }
        Ok(report)
    }
}

impl Survey {
    fn found(&mut self, what: String, pack: Option<String>, users: &BTreeSet<String>) {
        self.report.push(VerifyProblem { what, pack, files: users.iter().cloned().collect() });
    }
}

/// The pack as a whole: its name is the hash of its bytes, and its own index says of our chunks what
/// the database says.
fn check_whole(bytes: &[u8], id: &str, slots: &[Slot]) -> Result<()> {
    let corrupt = |what: &str| Err(Error::new(Code::Corrupt, what));
    if Digest::of(bytes).hex() != id {
        return corrupt("the pack's bytes are not those that were written");
    }
    let own: HashMap<Digest, Slot> = pack::index(bytes)?.into_iter().map(|slot| (slot.hash, slot)).collect();
    if slots.iter().any(|slot| own.get(&slot.hash) != Some(slot)) {
        return corrupt("the database's index of the pack is not the pack's own");
    }
    Ok(())
}

/// The chunks that cannot be read any more.
fn bad(bytes: &[u8], slots: Vec<Slot>) -> Vec<Slot> {
    let readable = |slot: &Slot| {
        let start = usize::try_from(slot.offset).unwrap_or(usize::MAX);
        let stored = bytes.get(start..start.saturating_add(slot.stored as usize));
        stored.is_some_and(|stored| slot.open(stored).is_ok())
    };
    slots.into_iter().filter(|slot| !readable(slot)).collect()
}
