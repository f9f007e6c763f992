//! Saved views of an experiment's runs: which columns, which order, which filter, as the web app keeps them.

use ropewalk_core::{Actor, Error, Result, now_ms};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::limits::check_length;
use crate::model::experiment_number;
use crate::store::views as store;

/// A saved view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct View {
    /// Its name, unique in its experiment.
    pub name: String,
    /// What it shows; only the web app reads it.
    pub view: serde_json::Value,
    /// Milliseconds since 1970.
    pub updated_ms: i64,
    /// Who saved it last.
    pub by: String,
}

/// Bytes of a view at most.
const BYTES: usize = 256 << 10;

impl Runs {
    /// The saved views of an experiment, by name.
    ///
    /// # Errors
    /// `not_found` when there is no such experiment.
    pub async fn views(&self, experiment: &str) -> Result<Vec<View>> {
        let number = experiment_number(&self.experiment_id(experiment).await?)?;
        let mut connection = self.core.database.read().await?;
        store::of_experiment(&mut connection, number).await
    }

    /// Saves a view; one of the same name is replaced.
    ///
    /// # Errors
    /// `invalid` for a name or a view that is too long.
    pub async fn save_view(
        &self,
        experiment: &str,
        name: &str,
        view: serde_json::Value,
        actor: &Actor,
    ) -> Result<View> {
        if name.trim().is_empty() {
            return Err(Error::invalid("a view needs a name"));
        }
        check_length("name", 200, name)?;
        if view.to_string().len() > BYTES {
            return Err(Error::invalid(format!("a view has at most {BYTES} bytes")));
        }
        let number = experiment_number(&self.experiment_id(experiment).await?)?;
        let view = View { name: name.to_owned(), view, updated_ms: now_ms(), by: actor.as_str().to_owned() };
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::put(tx, number, &view).await?;
                    Ok(view)
                })
            })
            .await
    }

    /// Removes a view.
    ///
    /// # Errors
    /// `not_found` when there is none of that name.
    pub async fn delete_view(&self, experiment: &str, name: &str) -> Result<()> {
        let number = experiment_number(&self.experiment_id(experiment).await?)?;
        let owned = name.to_owned();
        let removed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::remove(tx, number, &owned).await }))
            .await?;
        if removed == 0 { Err(Error::not_found(format!("there is no view “{name}”"))) } else { Ok(()) }
    }
}
