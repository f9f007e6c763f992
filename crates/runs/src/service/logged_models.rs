//! Logged models.

use ropewalk_core::page::Paged;
use ropewalk_core::{Code, Error, Result, new_id, now_ms};
use ropewalk_mlflow::{MlflowResult, python};

use super::{Runs, experiments::must_be_active};
use crate::artifacts::uri::append;
use crate::logged_model::{LoggedModel, LoggedModelStatus, NewLoggedModel};
use crate::model::{Param, Tag, experiment_number};
use crate::names::run_name;
use crate::store::logged_models as store;
pub(crate) use crate::store::logged_models::{LoggedModelOrder, LoggedModelQuery};

impl Runs {
    /// Creates a logged model whose files are yet to come.
    pub async fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel> {
        let experiment = self.get_experiment(&new.experiment_id).await?;
        must_be_active(&experiment)?;
        let number = experiment_number(&experiment.experiment_id)?;
        let id = new_id();
        let name = new.name.filter(|name| !name.is_empty());
        if let Some(name) = &name {
            check_model_name(name)?;
        }
        let now = now_ms();
        let model_id = format!("m-{id}");
        let model = LoggedModel {
            artifact_uri: append(&experiment.artifact_location, &["models", &model_id, "artifacts"]),
            model_id,
            experiment_id: experiment.experiment_id,
            name: name.unwrap_or_else(|| run_name(&id)),
            status: LoggedModelStatus::Pending,
            status_message: None,
            created_ms: now,
            updated_ms: now,
            model_type: new.model_type,
            source_run_id: new.source_run_id,
            params: new.params.into_iter().map(|param| (param.key, param.value)).collect(),
            tags: new.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            metrics: Vec::new(),
        };
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::insert(tx, number, &model).await?;
                    Ok(model)
                })
            })
            .await
    }

    /// A logged model.
    pub async fn get_logged_model(&self, id: &str) -> Result<LoggedModel> {
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, id).await?.ok_or_else(|| no_model(id))
    }

    /// A logged model, also a deleted one if `deleted` says so.
    pub(crate) async fn any_logged_model(&self, id: &str, deleted: bool) -> Result<LoggedModel> {
        if !deleted {
            return self.get_logged_model(id).await;
        }
        let mut connection = self.core.database.read().await?;
        store::get_any(&mut connection, id).await?.ok_or_else(|| no_model(id))
    }

    /// Says that a logged model's files are complete, or not coming.
    ///
    /// Like all that changes logged models, this also works on a deleted one.
    pub async fn finalize_logged_model(&self, id: &str, status: LoggedModelStatus) -> Result<LoggedModel> {
        let owned = id.to_owned();
        let changed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::set_status(tx, &owned, status, now_ms()).await }))
            .await?;
        if changed == 0 { Err(no_model(id)) } else { self.any_logged_model(id, true).await }
    }

    /// Deletes a logged model; its files stay.
    pub async fn delete_logged_model(&self, id: &str) -> Result<()> {
        let owned = id.to_owned();
        let changed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::delete(tx, &owned, now_ms()).await }))
            .await?;
        if changed == 0 { Err(no_model(id)) } else { Ok(()) }
    }

    /// Sets tags of a logged model.
    pub async fn set_logged_model_tags(&self, id: &str, tags: Vec<Tag>) -> Result<LoggedModel> {
        self.any_logged_model(id, true).await?;
        let owned = id.to_owned();
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::set_tags(tx, &owned, &tags).await }))
            .await?;
        self.any_logged_model(id, true).await
    }

    /// Removes a tag of a logged model.
    pub async fn delete_logged_model_tag(&self, id: &str, key: &str) -> Result<()> {
        self.any_logged_model(id, true).await?;
        let (owned, tag) = (id.to_owned(), key.to_owned());
        let removed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::delete_tag(tx, &owned, &tag).await }))
            .await?;
        if removed == 0 {
            Err(Error::not_found(format!("No tag with key '{key}' found for model with ID '{id}'.")))
        } else {
            Ok(())
        }
    }

    /// Adds parameters of a logged model.
    ///
    /// # Errors
    /// `already_exists` for a parameter that it has already.
    pub async fn log_model_params(&self, id: &str, params: Vec<Param>) -> Result<()> {
        self.any_logged_model(id, true).await?;
        let owned = id.to_owned();
        let params = params.into_iter().map(|param| (param.key, param.value)).collect();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(key) = store::first_param(tx, &owned, &params).await? {
                        return Err(Error::new(
                            Code::AlreadyExists,
                            format!("the logged model {owned} has a parameter '{key}' already"),
                        ));
                    }
                    store::add_params(tx, &owned, &params).await
                })
            })
            .await
    }

    /// A page of logged models.
    pub(crate) async fn find_logged_models(
        &self,
        mut query: LoggedModelQuery,
    ) -> MlflowResult<Paged<LoggedModel>> {
        let (offset, limit) = (query.offset, query.limit);
        query.limit += 1;
        let mut connection = self.core.database.read().await?;
        let found = store::search(&mut connection, self.core.database.dialect(), &query).await?;
        Ok(Paged::cut(
            found,
            u64::try_from(offset).unwrap_or_default(),
            u32::try_from(limit).unwrap_or(u32::MAX),
        ))
    }
}

fn check_model_name(name: &str) -> Result<()> {
    if name.contains(['/', ':', '.', '%', '"', '\'']) {
        return Err(Error::invalid(format!(
            "Invalid model name ({}) provided. Model name must be a non-empty string and cannot contain the following \
             characters: ('/', ':', '.', '%', '\"', \"'\")",
            python::repr(name)
        )));
    }
    Ok(())
}

fn no_model(id: &str) -> Error {
    Error::not_found(format!("Logged model with ID '{id}' not found."))
}
