//! Aliases.

use ropewalk_core::{Actor, Connection, Error, Result};
use ropewalk_webhooks::Event;
use serde_json::json;

use super::telling::of_version;
use super::{Models, no_model, no_version};
use crate::model::ModelVersion;
use crate::rules::{check_alias_name, check_model_name, check_new_alias, makes_prompt};
use crate::store::{registered as store, versions};

impl Models {
    /// Points an alias at a version, and tells the journal where it pointed before.
    ///
    /// # Errors
    /// `not_found` for an unknown version; `invalid` for a reserved alias.
    pub async fn set_alias(&self, name: &str, alias: &str, version: i64, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        check_new_alias(alias)?;
        let (name, alias, teller) = (name.to_owned(), alias.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                versions::get(tx, &name, version).await?.ok_or_else(|| no_version(&name, version))?;
                let before = store::alias(tx, &name, &alias).await?;
                store::set_alias(tx, &name, &alias, version).await?;
                let (subject, change) = (of_version(&name, version), (before, Some(version)));
                teller.tell_change(tx, "alias", subject, Some(("alias", &alias)), change).await?;
                let prompt = names_prompt(tx, &name).await?;
                let event = if prompt { Event::PromptAliasCreated } else { Event::ModelVersionAliasCreated };
                let data = json!({"name": name, "alias": alias, "version": version.to_string()});
                teller.announce(tx, event, data).await
            })
        })
        .await
    }

    /// Removes an alias; one that is not there is no error.
    pub async fn delete_alias(&self, name: &str, alias: &str, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        check_alias_name(alias)?;
        let (name, alias, teller) = (name.to_owned(), alias.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                store::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                if let Some(before) = store::alias(tx, &name, &alias).await? {
                    store::delete_alias(tx, &name, &alias).await?;
                    let (subject, change) = (of_version(&name, before), (Some(before), None));
                    teller.tell_change(tx, "alias", subject, Some(("alias", &alias)), change).await?;
                }
                let prompt = names_prompt(tx, &name).await?;
                let event = if prompt { Event::PromptAliasDeleted } else { Event::ModelVersionAliasDeleted };
                teller.announce(tx, event, json!({"name": name, "alias": alias})).await
            })
        })
        .await
    }

    /// The version that an alias points at. `latest` is the highest version of all.
    ///
    /// # Errors
    /// `invalid` when there is no such alias; `not_found` when there is no such model, or no version at all.
    pub async fn version_of_alias(&self, name: &str, alias: &str) -> Result<ModelVersion> {
        check_model_name(name)?;
        check_alias_name(alias)?;
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, name).await?.ok_or_else(|| no_model(name))?;
        let number = if alias.to_lowercase() == "latest" {
            versions::latest(&mut connection, name)
                .await?
                .ok_or_else(|| Error::not_found(format!("Latest version not found for model {name}.")))?
        } else {
            store::alias(&mut connection, name, alias)
                .await?
                .ok_or_else(|| Error::invalid(format!("Registered model alias {alias} not found.")))?
        };
        versions::get(&mut connection, name, number).await?.ok_or_else(|| no_version(name, number))
    }
}

/// Whether a name is a prompt's.
pub(super) async fn names_prompt(connection: &mut Connection, name: &str) -> Result<bool> {
    Ok(store::get(connection, name).await?.is_some_and(|model| makes_prompt(&model.tags)))
}
