//! Model versions.

use ropewalk_core::{Actor, Error, Result, now_ms};

use super::telling::of_version;
use super::{Models, no_model, no_version};
use crate::model::{ModelVersion, RegisteredModel, VersionSpec};
use crate::rules::check_model_name;
use crate::store::versions::LatestOrder;
use crate::store::{registered, versions as store};

/// The stages that MLflow knows.
const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

impl Models {
    /// A version by number.
    pub async fn get(&self, name: &str, version: i64) -> Result<ModelVersion> {
        check_model_name(name)?;
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, name, version).await?.ok_or_else(|| no_version(name, version))
    }

    /// The version that `NAME@ALIAS`, `NAME/3`, `NAME/latest` or `NAME` means now.
    ///
    /// # Errors
    /// `not_found` when there is no such model, alias or version.
    pub async fn resolve(&self, spec: &str) -> Result<ModelVersion> {
        let spec = VersionSpec::parse(spec)?;
        let name = spec.name();
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        let number = match &spec {
            VersionSpec::Number { version, .. } => *version,
            VersionSpec::Alias { alias, .. } => {
                registered::alias(&mut connection, name, alias).await?.ok_or_else(|| {
                    Error::not_found(format!("{name} has no alias {alias}"))
                        .hint(format!("ropewalk model alias {name} {alias} VERSION"))
                })?
            }
            VersionSpec::Latest { .. } => store::latest(&mut connection, name)
                .await?
                .ok_or_else(|| Error::not_found(format!("{name} has no version")))?,
        };
        store::get(&mut connection, name, number).await?.ok_or_else(|| no_version(name, number))
    }

    /// All versions of a model, the newest first.
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>> {
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        store::of_model(&mut connection, name).await
    }

    /// The newest version of each stage named; of all stages that have one if none is named.
    ///
    /// # Errors
    /// `not_found` when there is no such model; `invalid` for a stage that there is not.
    pub async fn latest_versions(&self, name: &str, stages: &[String]) -> Result<Vec<ModelVersion>> {
        check_model_name(name)?;
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        let wanted = stages.iter().map(|stage| canonical_stage(stage)).collect::<Result<Vec<_>>>()?;
        let mut found = store::latest_by_stage(&mut connection, &[name], LatestOrder::Appearance).await?;
        found.retain(|version| wanted.is_empty() || wanted.contains(&version.stage.as_str()));
        Ok(found)
    }

    /// The newest version of each stage of each model, by model and stage.
    pub async fn latest_of_all(&self, models: &[RegisteredModel]) -> Result<Vec<ModelVersion>> {
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        let mut connection = self.core.database.read().await?;
        store::latest_by_stage(&mut connection, &names, LatestOrder::Stage).await
    }

    /// Changes a version's description.
    pub async fn describe_version(
        &self,
        name: &str,
        version: i64,
        description: Option<&str>,
        actor: &Actor,
    ) -> Result<ModelVersion> {
        check_model_name(name)?;
        let (owned, words) = (name.to_owned(), description.map(str::to_owned));
        let teller = self.teller(actor);
        self.write(move |tx| {
            Box::pin(async move {
                let old =
                    store::get(tx, &owned, version).await?.ok_or_else(|| no_version(&owned, version))?;
                store::describe(tx, &owned, version, words.as_deref(), now_ms()).await?;
                let change = (old.description.unwrap_or_default(), words.unwrap_or_default());
                teller.tell_change(tx, "model.describe", of_version(&owned, version), None, change).await
            })
        })
        .await?;
        self.get(name, version).await
    }

    /// Moves a version to a stage; with `archive_others`, versions there go to `Archived`.
    ///
    /// # Errors
    /// `invalid` for a stage that there is not, or that cannot be cleared; `not_found`.
    pub async fn set_stage(
        &self,
        name: &str,
        version: i64,
        stage: &str,
        archive_others: bool,
        actor: &Actor,
    ) -> Result<ModelVersion> {
        let known = check_stage(stage, archive_others)?;
        check_model_name(name)?;
        let (owned, teller) = (name.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let now = now_ms();
                let old =
                    store::get(tx, &owned, version).await?.ok_or_else(|| no_version(&owned, version))?;
                if archive_others {
                    for other in store::archive_others(tx, &owned, version, known, now).await? {
                        let (subject, change) = (of_version(&owned, other), (known, "Archived"));
                        teller.tell_change(tx, "model.stage", subject, None, change).await?;
                    }
                }
                store::set_stage(tx, &owned, version, known, now).await?;
                registered::touch(tx, &owned, now).await?;
                let (subject, change) = (of_version(&owned, version), (old.stage.as_str(), known));
                teller.tell_change(tx, "model.stage", subject, None, change).await
            })
        })
        .await?;
        self.get(name, version).await
    }

    /// Deletes a version with its tags and aliases; its number is not used again.
    pub async fn delete_version(&self, name: &str, version: i64, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        let (name, teller) = (name.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let old = store::get(tx, &name, version).await?.ok_or_else(|| no_version(&name, version))?;
                store::delete(tx, &name, version).await?;
                registered::touch(tx, &name, now_ms()).await?;
                let facts =
                    serde_json::json!({"source": old.source, "run_id": old.run_id, "aliases": old.aliases});
                teller.tell(tx, "model.delete", of_version(&name, version), facts).await
            })
        })
        .await
    }
}

/// The stage that is meant; refuses to clear one that is not active.
pub(crate) fn check_stage(stage: &str, archive_others: bool) -> Result<&'static str> {
    let known = canonical_stage(stage)?;
    if archive_others && !matches!(known, "Staging" | "Production") {
        return Err(Error::invalid(format!(
            "Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. Valid \
             stages are ['Staging', 'Production']"
        )));
    }
    Ok(known)
}

fn canonical_stage(stage: &str) -> Result<&'static str> {
    STAGES.into_iter().find(|known| known.eq_ignore_ascii_case(stage)).ok_or_else(|| {
        Error::invalid(format!(
            "Invalid Model Version stage: {}. Value must be one of None, Staging, Production, Archived.",
            stage
        ))
    })
}
