//! Taking in registered models and prompts of another store: names and version numbers stay.
//!
//! Aliases are not among it: whoever may point one somewhere does so with the alias's own route.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::journal::Reference;
use ropewalk_core::{Actor, Connection, Error, Result, now_ms};
use ropewalk_migrate::{ModelRecord, Outcome, Taken, VersionRecord};
use serde_json::json;

use super::Models;
use super::registered::tell_created;
use super::registering::announce_created;
use super::telling::{Teller, of_version};
use super::versions::check_stage;
use crate::model::{ModelVersion, RegisteredModel};
use crate::rules::{IS_PROMPT_TAG, check_model_name, check_model_tag, check_version_tag, makes_prompt};
use crate::store::{registered, versions};

/// The statuses of a version.
const STATUSES: [&str; 3] = ["READY", "PENDING_REGISTRATION", "FAILED_REGISTRATION"];

/// How an import is made.
#[derive(Debug, Clone)]
pub(crate) struct Importing {
    /// Where it comes from, in words.
    pub(crate) source: String,
    /// Whether it is only looked what would become of it.
    pub(crate) dry_run: bool,
    /// Who imports.
    pub(crate) actor: Actor,
}

impl Models {
    /// Takes in registered models with their versions, each model whole or not at all. One that is here gets what it
    /// lacks, if it is the same.
    ///
    /// # Errors
    /// As the database's; what is wrong with a model is told with it.
    pub(crate) async fn import_models(
        &self,
        records: Vec<ModelRecord>,
        importing: &Importing,
    ) -> Result<Vec<Taken>> {
        let mut all = Vec::with_capacity(records.len());
        for record in records {
            let name = record.name.clone();
            match self.import_model(record, importing).await {
                Ok(taken) => all.push(taken),
                Err(error) if error.code().status() < 500 => all.push(Taken::refused(name, error.what())),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn import_model(&self, record: ModelRecord, importing: &Importing) -> Result<Taken> {
        check_model_name(&record.name)?;
        let taking = Taking {
            teller: self.teller(&importing.actor),
            source: importing.source.clone(),
            actor: importing.actor.as_str().to_owned(),
            taken: Taken::new(&record.name, Outcome::Unchanged),
        };
        if importing.dry_run {
            let database = &self.core.database;
            let taken =
                database.rehearse(move |tx| Box::pin(async move { taking.take(tx, record).await })).await?;
            return Ok(Taken { made: None, ..taken });
        }
        self.write(move |tx| Box::pin(async move { taking.take(tx, record).await })).await
    }
}

/// A model on its way in.
struct Taking {
    teller: Teller,
    source: String,
    actor: String,
    taken: Taken,
}

impl Taking {
    async fn take(mut self, tx: &mut Connection, mut record: ModelRecord) -> Result<Taken> {
        let name = record.name.clone();
        let tags = self.permitted("", std::mem::take(&mut record.tags), check_model_tag);
        let updated_ms = record.updated_ms.max(record.created_ms);
        let here = match registered::get(tx, &name).await? {
            Some(here) => {
                must_be_same(&here, &record, &tags)?;
                for (key, value) in tags.iter().filter(|(key, _)| !here.tags.contains_key(*key)) {
                    registered::set_tag(tx, &name, key, value).await?;
                    self.completed();
                }
                Some(here)
            }
            None => {
                let created_ms = if record.created_ms == 0 { now_ms() } else { record.created_ms };
                registered::insert(tx, &name, record.description.as_deref(), created_ms).await?;
                for (key, value) in &tags {
                    registered::set_tag(tx, &name, key, value).await?;
                }
                self.taken.outcome = Outcome::Created;
                let kind = if makes_prompt(&tags) { "prompt" } else { "registered_model" };
                self.taken.made = Some(kind.to_owned());
                let description = record.description.as_deref().unwrap_or_default();
                tell_created(tx, &self.teller, &name, description, &tags).await?;
                registered::touch(tx, &name, updated_ms.max(created_ms)).await?;
                None
            }
        };
        let mut last = record.last_version;
        record.versions.sort_by_key(|version| version.version);
        for version in record.versions {
            last = last.max(version.version);
            self.take_version(tx, &name, version).await?;
        }
        registered::raise_last_version(tx, &name, last).await?;
        if let Some(here) = here.filter(|here| self.taken.added > 0 && here.updated_ms < updated_ms) {
            registered::touch(tx, &here.name, updated_ms).await?;
        }
        Ok(self.taken)
    }

    async fn take_version(&mut self, tx: &mut Connection, name: &str, record: VersionRecord) -> Result<()> {
        let number = record.version;
        if number < 1 {
            self.taken.notes.push(format!("version {number}: the number is none of a version"));
            return Ok(());
        }
        let what = format!("version {number}, ");
        if let Some(here) = versions::get(tx, name, number).await? {
            if here.created_ms != record.created_ms || here.run_id.as_deref() != some(&record.run_id) {
                self.taken
                    .notes
                    .push(format!("version {number}: another one has the number here; it was left out"));
                return Ok(());
            }
            for (key, value) in self.permitted(&what, record.tags, check_version_tag) {
                if !here.tags.contains_key(&key) {
                    versions::set_tag(tx, name, number, &key, &value).await?;
                    self.completed();
                }
            }
            return Ok(());
        }
        let tags = self.permitted(&what, record.tags.clone(), check_version_tag);
        let version = self.version(name, record, tags);
        versions::insert(tx, &version).await?;
        self.completed();
        self.taken.added += 1;
        let subject = of_version(name, number);
        let inputs = version.run_id.iter().map(|id| Reference::new("run", id)).collect();
        let facts = json!({"source": version.source, "model_id": version.model_id, "imported": self.source});
        self.teller.tell_made(tx, "register", subject.clone(), inputs, vec![subject], facts).await?;
        announce_created(tx, &self.teller, &version).await
    }

    fn version(&self, name: &str, record: VersionRecord, tags: BTreeMap<String, String>) -> ModelVersion {
        let stage = check_stage(&record.stage, false).unwrap_or("None").to_owned();
        let status = STATUSES.into_iter().find(|status| *status == record.status).unwrap_or("READY");
        ModelVersion {
            name: name.to_owned(),
            version: record.version,
            created_ms: record.created_ms,
            updated_ms: record.updated_ms.max(record.created_ms),
            actor: record.user_id.filter(|user| !user.is_empty()).unwrap_or_else(|| self.actor.clone()),
            description: record.description,
            source: record.source,
            storage_location: record.storage_location,
            run_id: record.run_id.filter(|id| !id.is_empty()),
            run_link: record.run_link.filter(|link| !link.is_empty()),
            model_id: record.model_id.filter(|id| !id.is_empty()),
            stage,
            status: status.to_owned(),
            status_message: record.status_message,
            tags,
            aliases: Vec::new(),
            gates: Vec::new(),
            forced: false,
            bundle_hash: None,
        }
    }

    fn completed(&mut self) {
        if self.taken.outcome == Outcome::Unchanged {
            self.taken.outcome = Outcome::Completed;
        }
    }

    /// The tags that may be; the others are told.
    fn permitted(
        &mut self,
        of: &str,
        mut tags: BTreeMap<String, String>,
        check: fn(&str, &str) -> Result<()>,
    ) -> BTreeMap<String, String> {
        let mut wrong = BTreeSet::new();
        for (key, value) in &tags {
            if let Err(error) = check(key, value) {
                self.taken.notes.push(format!("{of}tag {key}: {}", error.what()));
                wrong.insert(key.clone());
            }
        }
        tags.retain(|key, _| !wrong.contains(key));
        tags
    }
}

fn some(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Refuses a model that only has the name of one that is here.
fn must_be_same(here: &RegisteredModel, record: &ModelRecord, tags: &BTreeMap<String, String>) -> Result<()> {
    let word = |prompt: bool| if prompt { "prompt" } else { "model" };
    let (ours, theirs) = (here.tags.contains_key(IS_PROMPT_TAG), tags.contains_key(IS_PROMPT_TAG));
    if ours == theirs && (here.created_ms == record.created_ms || record.created_ms == 0) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the {} is another one than the {} of that name that is here; rename that one and run it again",
        word(theirs),
        word(ours)
    )))
}
