//! Registered models.

use std::collections::BTreeMap;

use ropewalk_core::{Actor, Code, Connection, Error, Result, now_ms};
use ropewalk_mlflow::python::repr;
use ropewalk_webhooks::Event;
use serde_json::json;

use super::telling::{Teller, of_model, of_version};
use super::{Models, no_model};
use crate::model::RegisteredModel;
use crate::rules::{
    IS_PROMPT_TAG, PROMPT_TYPE_TAG, check_model_name, check_model_tag, check_new_model_name, makes_prompt,
};
use crate::store::{registered as store, versions};

/// What makes a registered model.
#[derive(Debug, Clone, Default)]
pub struct NewModel {
    /// Its name.
    pub name: String,
    /// Free words.
    pub description: String,
    /// Tags; of several with one key the last counts.
    pub tags: Vec<(String, String)>,
}

impl Models {
    /// Creates an empty model.
    ///
    /// # Errors
    /// `already_exists` when the name is taken; `invalid` for a name or tags that may not be.
    pub async fn create_model(&self, new: NewModel, actor: &Actor) -> Result<RegisteredModel> {
        check_model_name(&new.name)?;
        for (key, value) in &new.tags {
            check_model_tag(key, value)?;
        }
        let NewModel { name, description, tags } = new;
        let tags: BTreeMap<String, String> = tags.into_iter().collect();
        let (owned, teller) = (name.clone(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                if !store::insert(tx, &owned, Some(&description), now_ms()).await? {
                    let taken = store::get(tx, &owned).await?;
                    let by_prompt = taken.is_some_and(|model| model.tags.contains_key(IS_PROMPT_TAG));
                    return Err(name_taken(&owned, by_prompt, tags.contains_key(IS_PROMPT_TAG)));
                }
                for (key, value) in &tags {
                    store::set_tag(tx, &owned, key, value).await?;
                }
                tell_created(tx, &teller, &owned, &description, &tags).await
            })
        })
        .await?;
        self.model(&name).await
    }

    /// A registered model.
    ///
    /// # Errors
    /// `not_found`; `invalid` for what cannot be a name.
    pub async fn model(&self, name: &str) -> Result<RegisteredModel> {
        check_model_name(name)?;
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, name).await?.ok_or_else(|| no_model(name))
    }

    /// Changes a model's description.
    pub async fn describe_model(
        &self,
        name: &str,
        description: &str,
        actor: &Actor,
    ) -> Result<RegisteredModel> {
        check_model_name(name)?;
        let (owned, words, teller) = (name.to_owned(), description.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let old = store::get(tx, &owned).await?.ok_or_else(|| no_model(&owned))?;
                store::describe(tx, &owned, Some(&words), now_ms()).await?;
                let change = (old.description.unwrap_or_default(), words);
                teller.tell_change(tx, "model.describe", of_model(&owned), None, change).await
            })
        })
        .await?;
        self.model(name).await
    }

    /// Gives a model another name; versions, tags and aliases go with it.
    ///
    /// # Errors
    /// `already_exists` when the new name is taken.
    pub async fn rename_model(&self, name: &str, new_name: &str, actor: &Actor) -> Result<RegisteredModel> {
        check_new_model_name(new_name)?;
        check_model_name(name)?;
        let (old, new, teller) = (name.to_owned(), new_name.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                store::get(tx, &old).await?.ok_or_else(|| no_model(&old))?;
                if old != new && store::get(tx, &new).await?.is_some() {
                    return Err(Error::new(
                        Code::AlreadyExists,
                        format!("Registered Model (name={new}) already exists. Error: the name is taken"),
                    ));
                }
                store::rename(tx, &old, &new, now_ms()).await?;
                if old == new { Ok(()) } else { tell_renamed(tx, &teller, &old, &new).await }
            })
        })
        .await?;
        self.model(new_name).await
    }

    /// Deletes a model with all its versions.
    pub async fn delete_model(&self, name: &str, actor: &Actor) -> Result<()> {
        check_model_name(name)?;
        let (name, teller) = (name.to_owned(), self.teller(actor));
        self.write(move |tx| {
            Box::pin(async move {
                let model = store::get(tx, &name).await?.ok_or_else(|| no_model(&name))?;
                let versions = versions::numbers(tx, &name).await?.len();
                store::delete(tx, &name).await?;
                let facts = json!({"versions": versions, "last_version": model.latest_version});
                teller.tell(tx, "model.delete", of_model(&name), facts).await
            })
        })
        .await
    }
}

/// Tells that a model was created.
pub(super) async fn tell_created(
    tx: &mut Connection,
    teller: &Teller,
    name: &str,
    description: &str,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    let facts = json!({"description": description, "tags": tags});
    teller.tell(tx, "model.create", of_model(name), facts).await?;
    let prompt = makes_prompt(tags);
    let told: BTreeMap<_, _> = tags
        .iter()
        .filter(|(key, _)| !prompt || !matches!(key.as_str(), IS_PROMPT_TAG | PROMPT_TYPE_TAG))
        .collect();
    let event = if prompt { Event::PromptCreated } else { Event::RegisteredModelCreated };
    teller.announce(tx, event, json!({"name": name, "tags": told, "description": description})).await
}

/// Tells the journal that a model has another name: of the model, and of each version, so that lineage leads on.
async fn tell_renamed(tx: &mut Connection, teller: &Teller, old: &str, new: &str) -> Result<()> {
    let facts = json!({"previous": old, "now": new});
    let mut pairs = vec![(of_model(old), of_model(new))];
    for number in versions::numbers(tx, new).await? {
        pairs.push((of_version(old, number), of_version(new, number)));
    }
    for (from, to) in pairs {
        let outputs = vec![to.clone()];
        teller.tell_made(tx, "model.rename", to, vec![from], outputs, facts.clone()).await?;
    }
    Ok(())
}

/// The words for a name that is taken. Models and prompts share their names.
fn name_taken(name: &str, by_prompt: bool, for_prompt: bool) -> Error {
    let word = |prompt: bool| if prompt { "Prompt" } else { "Registered Model" };
    let what = if by_prompt == for_prompt {
        format!("{} (name={name}) already exists.", word(for_prompt))
    } else {
        format!(
            "Tried to create a {} with name {}, but the name is already taken by a {}. MLflow does not allow creating a model \
             and a prompt with the same name.",
            word(for_prompt).to_lowercase(),
            repr(name),
            word(by_prompt).to_lowercase()
        )
    };
    Error::new(Code::AlreadyExists, what)
}
