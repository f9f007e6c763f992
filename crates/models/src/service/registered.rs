//! Registered models and aliases.

use std::collections::BTreeMap;

use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Actor, Code, Error, Result, now_ms};
use ropewalk_runs::filter::{parse, parse_order};
use serde_json::json;

use super::{Models, no_model, no_version};
use crate::model::{RegisteredModel, check_alias, check_model_name};
use crate::store::{registered as store, search, versions};

impl Models {
    /// Creates an empty model.
    ///
    /// # Errors
    /// `already_exists` when the name is taken.
    pub async fn create_model(
        &self,
        name: &str,
        description: Option<&str>,
        tags: BTreeMap<String, String>,
    ) -> Result<RegisteredModel> {
        check_model_name(name)?;
        let (owned, words) = (name.to_owned(), description.map(str::to_owned));
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if !store::insert(tx, &owned, words.as_deref(), now_ms()).await? {
                        return Err(Error::new(
                            Code::AlreadyExists,
                            format!("Registered Model (name={owned}) already exists."),
                        ));
                    }
                    for (key, value) in &tags {
                        store::set_tag(tx, &owned, key, value).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.model(name).await
    }

    /// A registered model.
    pub async fn model(&self, name: &str) -> Result<RegisteredModel> {
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, name).await?.ok_or_else(|| no_model(name))
    }

    /// All registered models, by name.
    pub async fn list(&self) -> Result<Vec<RegisteredModel>> {
        let mut connection = self.core.database.read().await?;
        search::registered(&mut connection, self.core.database.dialect(), &[], &[], i64::MAX, 0).await
    }

    /// A page of registered models.
    pub async fn search_models(
        &self,
        filter: &str,
        order_by: &[String],
        limit: u32,
        token: Option<&str>,
    ) -> Result<Paged<RegisteredModel>> {
        let comparisons = parse(filter)?;
        let orders = order_by.iter().map(|order| parse_order(order)).collect::<Result<Vec<_>>>()?;
        let offset = decode_offset(token)?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let found = search::registered(
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

    /// Changes a model's description.
    pub async fn describe_model(&self, name: &str, description: Option<&str>) -> Result<RegisteredModel> {
        self.model(name).await?;
        let (owned, words) = (name.to_owned(), description.map(str::to_owned));
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move { store::describe(tx, &owned, words.as_deref(), now_ms()).await })
            })
            .await?;
        self.model(name).await
    }

    /// Gives a model another name; versions, tags and aliases go with it.
    pub async fn rename_model(&self, name: &str, new_name: &str) -> Result<RegisteredModel> {
        check_model_name(new_name)?;
        self.model(name).await?;
        if name != new_name {
            let (old, new) = (name.to_owned(), new_name.to_owned());
            self.core
                .database
                .write(move |tx| {
                    Box::pin(async move {
                        if store::get(tx, &new).await?.is_some() {
                            return Err(Error::new(
                                Code::AlreadyExists,
                                format!("Registered Model (name={new}) already exists."),
                            ));
                        }
                        store::rename(tx, &old, &new, now_ms()).await
                    })
                })
                .await?;
        }
        self.model(new_name).await
    }

    /// Deletes a model with all its versions.
    pub async fn delete_model(&self, name: &str) -> Result<()> {
        self.model(name).await?;
        let owned = name.to_owned();
        self.core.database.write(move |tx| Box::pin(async move { store::delete(tx, &owned).await })).await
    }

    /// Sets a tag of a model.
    pub async fn set_model_tag(&self, name: &str, key: &str, value: &str) -> Result<()> {
        check_tag(key, value)?;
        self.model(name).await?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::set_tag(tx, &name, &key, &value).await }))
            .await
    }

    /// Removes a tag of a model.
    pub async fn delete_model_tag(&self, name: &str, key: &str) -> Result<()> {
        self.model(name).await?;
        let (name, key) = (name.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::delete_tag(tx, &name, &key).await }))
            .await
    }

    /// Points an alias at a version, and tells the journal where it pointed before.
    ///
    /// # Errors
    /// `not_found` for an unknown version; `invalid` for a reserved alias.
    pub async fn set_alias(&self, name: &str, alias: &str, version: i64, actor: &Actor) -> Result<()> {
        check_alias(alias)?;
        let (name, alias, actor) = (name.to_owned(), alias.to_owned(), actor.clone());
        let journal = self.core.journal.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                    versions::get(tx, &name, version).await?.ok_or_else(|| no_version(&name, version))?;
                    let before = store::alias(tx, &name, &alias).await?;
                    store::set_alias(tx, &name, &alias, version).await?;
                    store::touch(tx, &name, now_ms()).await?;
                    if before != Some(version) {
                        let subject = Reference::new("model", format!("{name}/{version}"));
                        let facts = json!({"alias": alias, "previous": before, "now": version});
                        journal
                            .append_in(
                                tx,
                                NewEntry {
                                    actor,
                                    verb: "alias",
                                    subject,
                                    inputs: Vec::new(),
                                    outputs: Vec::new(),
                                    facts,
                                },
                            )
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Removes an alias; one that is not there is no error.
    pub async fn delete_alias(&self, name: &str, alias: &str, actor: &Actor) -> Result<()> {
        let (name, alias, actor) = (name.to_owned(), alias.to_owned(), actor.clone());
        let journal = self.core.journal.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                    let Some(before) = store::alias(tx, &name, &alias).await? else { return Ok(()) };
                    store::delete_alias(tx, &name, &alias).await?;
                    let subject = Reference::new("model", format!("{name}/{before}"));
                    let facts = json!({"alias": alias, "previous": before, "now": null});
                    journal
                        .append_in(
                            tx,
                            NewEntry {
                                actor,
                                verb: "alias",
                                subject,
                                inputs: Vec::new(),
                                outputs: Vec::new(),
                                facts,
                            },
                        )
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

pub(super) fn check_tag(key: &str, value: &str) -> Result<()> {
    ropewalk_runs::limits::check_key("key", key)?;
    ropewalk_runs::limits::check_length("value", 100_000, value)
}
