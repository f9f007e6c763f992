//! Tags of models and of versions.

use ropewalk_core::{Actor, Result};
use ropewalk_webhooks::Event;
use serde_json::json;

use super::aliases::names_prompt;
use super::telling::{of_model, of_version};
use super::{Models, no_model, no_version};
use crate::rules::{check_model_name, check_model_tag, check_tag_key, check_version_tag};
use crate::store::{registered, versions};

const VERB: &str = "model.tag";

impl Models {
    /// Sets a tag of a model.
    pub async fn set_model_tag(&self, name: &str, key: &str, value: &str, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        check_model_tag(key, value)?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        let teller = self.teller(actor);
        self.write(move |tx| {
            Box::pin(async move {
                let model = registered::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                registered::set_tag(tx, &name, &key, &value).await?;
                let change = (model.tags.get(&key), Some(&value));
                teller.tell_change(tx, VERB, of_model(&name), Some(("key", &key)), change).await?;
                if names_prompt(tx, &name).await? {
                    let data = json!({"name": name, "key": key, "value": value});
                    teller.announce(tx, Event::PromptTagSet, data).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Removes a tag of a model; one that is not there is no error.
    pub async fn delete_model_tag(&self, name: &str, key: &str, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        check_tag_key(key)?;
        let (name, key, teller) = (name.to_owned(), key.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let model = registered::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                registered::delete_tag(tx, &name, &key).await?;
                let change = (model.tags.get(&key), None);
                teller.tell_change(tx, VERB, of_model(&name), Some(("key", &key)), change).await?;
                if names_prompt(tx, &name).await? {
                    teller.announce(tx, Event::PromptTagDeleted, json!({"name": name, "key": key})).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Sets a tag of a version.
    pub async fn set_version_tag(
        &self,
        name: &str,
        version: i64,
        key: &str,
        value: &str,
        actor: &Actor,
    ) -> Result<()> {
        check_model_name(name)?;
        check_version_tag(key, value)?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        let teller = self.teller(actor);
        self.write(move |tx| {
            Box::pin(async move {
                let old =
                    versions::get(tx, &name, version).await?.ok_or_else(|| no_version(&name, version))?;
                versions::set_tag(tx, &name, version, &key, &value).await?;
                let (subject, change) = (of_version(&name, version), (old.tags.get(&key), Some(&value)));
                teller.tell_change(tx, VERB, subject, Some(("key", &key)), change).await?;
                let prompt = names_prompt(tx, &name).await?;
                let event = if prompt { Event::PromptVersionTagSet } else { Event::ModelVersionTagSet };
                let data = json!({"name": name, "version": version.to_string(), "key": key, "value": value});
                teller.announce(tx, event, data).await
            })
        })
        .await
    }

    /// Removes a tag of a version; one that is not there is no error.
    pub async fn delete_version_tag(&self, name: &str, version: i64, key: &str, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        check_tag_key(key)?;
        let (name, key, teller) = (name.to_owned(), key.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let old =
                    versions::get(tx, &name, version).await?.ok_or_else(|| no_version(&name, version))?;
                versions::delete_tag(tx, &name, version, &key).await?;
                let (subject, change) = (of_version(&name, version), (old.tags.get(&key), None));
                teller.tell_change(tx, VERB, subject, Some(("key", &key)), change).await?;
                let prompt = names_prompt(tx, &name).await?;
                let event =
                    if prompt { Event::PromptVersionTagDeleted } else { Event::ModelVersionTagDeleted };
                let data = json!({"name": name, "version": version.to_string(), "key": key});
                teller.announce(tx, event, data).await
            })
        })
        .await
    }
}
