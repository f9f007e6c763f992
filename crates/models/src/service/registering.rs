//! How a run's bundle becomes a version.

use std::collections::BTreeMap;

use ropewalk_core::database::Connection;
use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Actor, Code, Error, Result, now_ms};
use ropewalk_runs::Run;
use ropewalk_webhooks::Event;
use serde_json::json;

use super::registered::tell_created;
use super::telling::{Teller, of_version};
use super::{Models, no_model, no_version};
use crate::bundle::{BUNDLE_FOLDER, BundleManifest, LoadedBundle, MANIFEST_FILE, bundle_hash};
use crate::gates;
use crate::model::{GateResult, ModelVersion, RegisterRequest};
use crate::rules::{
    IS_PROMPT_TAG, PROMPT_TEXT_TAG, PROMPT_TYPE_TAG, check_model_name, check_version_tag, makes_prompt,
};
use crate::store::{registered, versions};

/// A version that a client makes without a bundle: it names a source.
#[derive(Debug, Clone, Default)]
pub struct NewVersion {
    /// The registered model, which must exist.
    pub name: String,
    /// Where the files come from.
    pub source: String,
    /// Where they lie, if the source is not that.
    pub storage_location: Option<String>,
    /// The run that made them.
    pub run_id: Option<String>,
    /// A link to it.
    pub run_link: Option<String>,
    /// The logged model it is made from.
    pub model_id: Option<String>,
    /// The version of this registry that it is made from.
    pub made_from: Option<Reference>,
    /// Free words.
    pub description: Option<String>,
    /// Tags; of several with one key the last counts.
    pub tags: Vec<(String, String)>,
}

/// What a version is apart from its number.
struct Draft {
    version: ModelVersion,
    create_model: bool,
    inputs: Vec<Reference>,
    facts: serde_json::Value,
}

impl Models {
    /// Registers a run's bundle as the next version of a model, creating the model if it is new. Every gate is evaluated
    /// and kept with the version and in the journal.
    ///
    /// # Errors
    /// `gate_failed` when a gate fails and `force` is not set (the journal keeps what it saw); `not_found` when the run or
    /// its bundle is missing; `invalid` when the bundle contradicts itself.
    pub async fn register(&self, request: RegisterRequest, actor: &Actor) -> Result<ModelVersion> {
        check_model_name(&request.name)?;
        for (key, value) in &request.tags {
            check_version_tag(key, value)?;
        }
        let run = self.runs.get_run(&request.run_id).await?;
        let (manifest_bytes, manifest) = self.run_manifest(&run).await?;
        let weights = self
            .runs
            .read_artifact(&run.info.run_id, &format!("{BUNDLE_FOLDER}/{}", manifest.weights))
            .await?;
        let results = gates::evaluate(&request.gates, &run, &manifest, &self.prep).await?;
        let failed: Vec<&GateResult> = results.iter().filter(|result| !result.passed).collect();
        let mut inputs = vec![
            Reference::new("run", &run.info.run_id),
            Reference::new("pipeline", &manifest.pipeline_hash),
        ];
        if !failed.is_empty() && !request.force {
            return Err(self.refuse(&request, &run, &results, &failed, inputs, actor).await);
        }
        let hash = bundle_hash(&manifest_bytes, &weights);
        // Blobs first: if the program stops before the row is written, nothing refers to them.
        self.core.blobs.put(&blob_path(&hash, &manifest.weights), weights).await?;
        self.core.blobs.put(&blob_path(&hash, MANIFEST_FILE), manifest_bytes).await?;
        if let Some(prepared) = run.tag(gates::PREPARED_TAG) {
            inputs.push(Reference::new("prepared", prepared));
        }
        let now = now_ms();
        let version = ModelVersion {
            name: request.name,
            version: 0,
            created_ms: now,
            updated_ms: now,
            actor: actor.as_str().to_owned(),
            description: Some(request.description).filter(|text| !text.is_empty()),
            source: format!("runs:/{}/{BUNDLE_FOLDER}", run.info.run_id),
            storage_location: Some(format!("{}/{BUNDLE_FOLDER}", run.info.artifact_uri)),
            run_id: Some(run.info.run_id.clone()),
            run_link: None,
            model_id: None,
            stage: "None".to_owned(),
            status: "READY".to_owned(),
            status_message: None,
            tags: request.tags,
            aliases: Vec::new(),
            forced: !failed.is_empty(),
            gates: results,
            bundle_hash: Some(hash.clone()),
        };
        let facts = json!({
            "bundle_hash": hash, "runtime": manifest.runtime, "recipe": manifest.recipe, "params": manifest.params,
            "metrics": run.data.metrics.iter().filter(|m| m.value.is_finite()).map(|m| (m.key.clone(), m.value)).collect::<BTreeMap<_, _>>(),
            "forced": version.forced,
        });
        self.write_version(Draft { version, create_model: true, inputs, facts }, actor).await
    }

    async fn run_manifest(&self, run: &Run) -> Result<(bytes::Bytes, BundleManifest)> {
        let path = format!("{BUNDLE_FOLDER}/{MANIFEST_FILE}");
        let bytes = self.runs.read_artifact(&run.info.run_id, &path).await.map_err(|error| {
            if error.code() == Code::NotFound {
                Error::not_found(format!("run {} has no model bundle", run.info.run_id))
                    .why(format!("there is no {path} among its artifacts"))
                    .hint("register a run that `ropewalk run train` or a sweep has made")
            } else {
                error
            }
        })?;
        let manifest = BundleManifest::parse(&bytes)?;
        Ok((bytes, manifest))
    }

    /// Tells the journal of the failed gates and says what failed.
    async fn refuse(
        &self,
        request: &RegisterRequest,
        run: &Run,
        results: &[GateResult],
        failed: &[&GateResult],
        inputs: Vec<Reference>,
        actor: &Actor,
    ) -> Error {
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "gate",
            subject: Reference::new("run", &run.info.run_id),
            inputs,
            outputs: vec![Reference::new("run", &run.info.run_id)],
            facts: json!({"model": request.name, "passed": false, "gates": results}),
        };
        if let Err(error) = self.core.journal.append(entry).await {
            return error;
        }
        let why: Vec<&str> = failed.iter().map(|result| result.message.as_str()).collect();
        Error::new(Code::GateFailed, format!("run {} does not pass into {}", run.info.run_id, request.name))
            .why(why.join("; "))
            .hint("add --force to register it in spite of that; the version will say so")
    }

    /// Creates a version of an existing model from a source; it has no bundle and cannot be served by this program.
    ///
    /// # Errors
    /// `not_found` when there is no such model; `invalid` for a name or tags that may not be.
    pub async fn create_version(&self, new: NewVersion, actor: &Actor) -> Result<ModelVersion> {
        check_model_name(&new.name)?;
        for (key, value) in &new.tags {
            check_version_tag(key, value)?;
        }
        let now = now_ms();
        let mut inputs: Vec<Reference> = new.run_id.iter().map(|id| Reference::new("run", id)).collect();
        inputs.extend(new.made_from);
        let facts = json!({"source": new.source, "model_id": new.model_id});
        let version = ModelVersion {
            name: new.name,
            version: 0,
            created_ms: now,
            updated_ms: now,
            actor: actor.as_str().to_owned(),
            description: new.description,
            source: new.source,
            storage_location: new.storage_location,
            run_id: new.run_id,
            run_link: new.run_link,
            model_id: new.model_id,
            stage: "None".to_owned(),
            status: "READY".to_owned(),
            status_message: None,
            tags: new.tags.into_iter().collect(),
            aliases: Vec::new(),
            gates: Vec::new(),
            forced: false,
            bundle_hash: None,
        };
        self.write_version(Draft { version, create_model: false, inputs, facts }, actor).await
    }

    async fn write_version(&self, draft: Draft, actor: &Actor) -> Result<ModelVersion> {
        let teller = self.teller(actor);
        self.write(move |tx| Box::pin(async move { write(tx, &teller, draft).await })).await
    }

    /// A version's bundle, checked against its hash.
    ///
    /// # Errors
    /// `invalid` for a version without a bundle; `corrupt` when the stored bytes are not those registered.
    pub async fn bundle(&self, name: &str, version: i64) -> Result<LoadedBundle> {
        let found = self.get(name, version).await?;
        let hash = found.bundle_hash.ok_or_else(|| {
            Error::invalid(format!("{name}/{version} has no bundle that this program could serve"))
                .why("it was registered with a source only, through MLflow's interface")
                .hint("register a run that `ropewalk run train` or a sweep has made")
        })?;
        let manifest_bytes = self.core.blobs.get(&blob_path(&hash, MANIFEST_FILE)).await?;
        let broken = |why: String| {
            Error::new(Code::Corrupt, format!("the bundle of {name}/{version} is damaged")).why(why)
        };
        let manifest = BundleManifest::parse(&manifest_bytes).map_err(|error| broken(error.to_string()))?;
        let weights = self.core.blobs.get(&blob_path(&hash, &manifest.weights)).await?;
        let actual = bundle_hash(&manifest_bytes, &weights);
        if actual != hash {
            return Err(broken(format!("its content hashes to {actual}, registered was {hash}")));
        }
        Ok(LoadedBundle { manifest, weights, hash })
    }
}

/// Bundles lie by content: the same bundle registered twice is stored once, and a renamed model keeps its own.
fn blob_path(hash: &str, file: &str) -> String {
    format!("models/{hash}/{file}")
}

async fn write(tx: &mut Connection, teller: &Teller, draft: Draft) -> Result<ModelVersion> {
    let Draft { mut version, create_model, inputs, facts } = draft;
    if create_model && registered::insert(tx, &version.name, Some(""), version.created_ms).await? {
        tell_created(tx, teller, &version.name, "", &BTreeMap::new()).await?;
    }
    let number = registered::next_version(tx, &version.name, version.created_ms).await?;
    version.version = number.ok_or_else(|| no_model(&version.name))?;
    versions::insert(tx, &version).await?;
    let subject = of_version(&version.name, version.version);
    let outputs = vec![subject.clone()];
    teller.tell_made(tx, "register", subject.clone(), inputs, outputs, facts).await?;
    if !version.gates.is_empty() {
        let passed = version.gates.iter().all(|gate| gate.passed);
        let facts = json!({"passed": passed, "forced": version.forced, "gates": version.gates});
        teller.tell(tx, "gate", subject, facts).await?;
    }
    announce_created(tx, teller, &version).await?;
    versions::get(tx, &version.name, version.version)
        .await?
        .ok_or_else(|| no_version(&version.name, version.version))
}

/// Tells the webhooks of a version; of a prompt's, its text, and none of the tags that make it a prompt.
pub(super) async fn announce_created(
    tx: &mut Connection,
    teller: &Teller,
    version: &ModelVersion,
) -> Result<()> {
    let description = version.description.as_deref().filter(|text| !text.is_empty());
    let number = version.version.to_string();
    if makes_prompt(&version.tags) {
        let hidden = [IS_PROMPT_TAG, PROMPT_TYPE_TAG, PROMPT_TEXT_TAG];
        let tags: BTreeMap<_, _> =
            version.tags.iter().filter(|(key, _)| !hidden.contains(&key.as_str())).collect();
        let data = json!({
            "name": version.name, "version": number, "template": version.tags.get(PROMPT_TEXT_TAG), "tags": tags,
            "description": description,
        });
        return teller.announce(tx, Event::PromptVersionCreated, data).await;
    }
    let data = json!({
        "name": version.name, "version": number, "source": version.source, "run_id": version.run_id, "tags": version.tags,
        "description": description,
    });
    teller.announce(tx, Event::ModelVersionCreated, data).await
}
