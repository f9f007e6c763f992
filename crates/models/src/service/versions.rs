//! Model versions.

use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Error, Result, now_ms};
use ropewalk_runs::filter::{parse, parse_order};

use super::registered::check_tag;
use super::{Models, no_model, no_version};
use crate::model::{ModelVersion, VersionSpec};
use crate::store::{registered, search, versions as store};

/// The stages that MLflow knows.
const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

impl Models {
    /// A version by number.
    pub async fn get(&self, name: &str, version: i64) -> Result<ModelVersion> {
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
            VersionSpec::Latest { .. } => store::latest(&mut connection, name, None)
                .await?
                .ok_or_else(|| Error::not_found(format!("{name} has no version")))?,
        };
        store::get(&mut connection, name, number).await?.ok_or_else(|| no_version(name, number))
    }

    /// The version that an alias points at; none if there is no such alias.
    pub async fn version_of_alias(&self, name: &str, alias: &str) -> Result<Option<ModelVersion>> {
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        match registered::alias(&mut connection, name, alias).await? {
            None => Ok(None),
            Some(number) => store::get(&mut connection, name, number).await,
        }
    }

    /// All versions of a model, the newest first.
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>> {
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        store::of_model(&mut connection, name).await
    }

    /// The newest version of each stage; of all stages that have one if none is named.
    pub async fn latest_versions(&self, name: &str, stages: &[String]) -> Result<Vec<ModelVersion>> {
        let stages = stages.iter().map(|stage| canonical_stage(stage)).collect::<Result<Vec<_>>>()?;
        let mut connection = self.core.database.read().await?;
        registered::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        let mut found = Vec::new();
        for stage in if stages.is_empty() { STAGES.to_vec() } else { stages } {
            if let Some(number) = store::latest(&mut connection, name, Some(stage)).await? {
                found.extend(store::get(&mut connection, name, number).await?);
            }
        }
        Ok(found)
    }

    /// A page of versions over all models, the last changed first unless `order_by` says otherwise.
    pub async fn search_versions(
        &self,
        filter: &str,
        order_by: &[String],
        limit: u32,
        token: Option<&str>,
    ) -> Result<Paged<ModelVersion>> {
        let comparisons = parse(filter)?;
        let orders = order_by.iter().map(|order| parse_order(order)).collect::<Result<Vec<_>>>()?;
        let offset = decode_offset(token)?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut connection = self.core.database.read().await?;
        let found = search::model_versions(
            &mut connection,
            self.core.database.dialect(),
            &comparisons,
            &orders,
            i64::from(limit) + 1,
            start,
        )
        .await?;
        Ok(Paged::cut(found, offset, limit))
    }

    /// Changes a version's description.
    pub async fn describe_version(
        &self,
        name: &str,
        version: i64,
        description: &str,
    ) -> Result<ModelVersion> {
        self.get(name, version).await?;
        let (owned, words) = (name.to_owned(), description.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move { store::describe(tx, &owned, version, &words, now_ms()).await })
            })
            .await?;
        self.get(name, version).await
    }

    /// Moves a version to a stage; with `archive_others`, versions there go to `Archived`.
    pub async fn set_stage(
        &self,
        name: &str,
        version: i64,
        stage: &str,
        archive_others: bool,
    ) -> Result<ModelVersion> {
        let stage = canonical_stage(stage)?;
        let staged = matches!(stage, "Staging" | "Production");
        if archive_others && !staged {
            return Err(Error::invalid(format!(
                "Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. \
                 Valid stages are ['Staging', 'Production']"
            )));
        }
        self.get(name, version).await?;
        let owned = name.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let now = now_ms();
                    store::set_stage(tx, &owned, version, stage, archive_others, now).await?;
                    registered::touch(tx, &owned, now).await
                })
            })
            .await?;
        self.get(name, version).await
    }

    /// Deletes a version with its tags and aliases; its number is not used again.
    pub async fn delete_version(&self, name: &str, version: i64) -> Result<()> {
        self.get(name, version).await?;
        let name = name.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::delete(tx, &name, version).await?;
                    registered::touch(tx, &name, now_ms()).await
                })
            })
            .await
    }

    /// Sets a tag of a version.
    pub async fn set_version_tag(&self, name: &str, version: i64, key: &str, value: &str) -> Result<()> {
        check_tag(key, value)?;
        self.get(name, version).await?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::set_tag(tx, &name, version, &key, &value).await }))
            .await
    }

    /// Removes a tag of a version.
    pub async fn delete_version_tag(&self, name: &str, version: i64, key: &str) -> Result<()> {
        self.get(name, version).await?;
        let (name, key) = (name.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::delete_tag(tx, &name, version, &key).await }))
            .await
    }
}

fn canonical_stage(stage: &str) -> Result<&'static str> {
    STAGES.into_iter().find(|known| known.eq_ignore_ascii_case(stage)).ok_or_else(|| {
        Error::invalid(format!(
            "Invalid Model Version stage: {stage}. Value must be one of None, Staging, Production, Archived."
        ))
    })
}
