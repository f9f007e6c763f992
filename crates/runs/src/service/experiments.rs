//! Experiments.

use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Code, Error, Result, now_ms};
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{self, Comparison, Order, Search};

use super::{Runs, no_experiment};
use crate::artifacts::DEFAULT_ROOT;
use crate::artifacts::uri::append;
use crate::experiment_tag::{check_experiment_tag, check_views};
use crate::limits::check_experiment_name;
use crate::model::{Experiment, Lifecycle, Tag, ViewType, experiment_number};
use crate::state::Operation;
use crate::store::{experiments as store, runs};

impl Runs {
    /// The active experiment of this name, created if there is none.
    ///
    /// # Errors
    /// `invalid` when an experiment of this name was deleted.
    pub async fn ensure_experiment(&self, name: &str) -> Result<Experiment> {
        if let Some(found) = self.find_experiment(name).await? {
            return if found.lifecycle_stage == Lifecycle::Active { Ok(found) } else { Err(taken(&found)) };
        }
        match self.create_experiment(name, None, Vec::new()).await {
            Err(error) if error.code() == Code::AlreadyExists => self.get_experiment_by_name(name).await,
            other => other,
        }
    }

    /// Creates an experiment.
    ///
    /// # Errors
    /// `already_exists` when the name is taken, also by a deleted experiment.
    pub async fn create_experiment(
        &self,
        name: &str,
        artifact_location: Option<&str>,
        tags: Vec<Tag>,
    ) -> Result<Experiment> {
        let artifacts = self.artifacts()?;
        let location = artifact_location
            .filter(|location| !location.is_empty())
            .map(|location| artifacts.location(location))
            .transpose()?;
        check_experiment_name(name)?;
        check_views(tags.iter().map(|tag| tag.key.as_str()), None)?;
        for tag in &tags {
            check_experiment_tag(tag)?;
        }
        let now = now_ms();
        let name = name.to_owned();
        let root = artifacts.root.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(found) = store::by_name(tx, &name).await? {
                        return Err(taken(&found));
                    }
                    let number = store::next_number(tx).await?;
                    let mut sorted = tags;
                    sorted.sort_by(|a, b| a.key.cmp(&b.key));
                    let experiment = Experiment {
                        experiment_id: number.to_string(),
                        name,
                        artifact_location: location.unwrap_or_else(|| append(&root, &[&number.to_string()])),
                        lifecycle_stage: Lifecycle::Active,
                        creation_time: now,
                        last_update_time: now,
                        tags: sorted,
                    };
                    store::insert(tx, number, &experiment).await?;
                    for tag in &experiment.tags {
                        store::set_tag(tx, number, tag).await?;
                    }
                    Ok(experiment)
                })
            })
            .await
    }

    /// Lets the experiment that is there from the beginning follow the default artifact root, as long as nothing has been
    /// made. To be called when a server starts.
    ///
    /// # Errors
    /// `invalid` when artifacts cannot be kept where the settings say.
    pub async fn place_first_experiment(&self) -> Result<()> {
        let location = append(&self.artifacts()?.root, &["0"]);
        let usual = append(DEFAULT_ROOT, &["0"]);
        if location == usual {
            return Ok(());
        }
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::place_first(tx, &usual, &location).await }))
            .await
    }

    /// The experiment with this number, active or deleted.
    pub async fn get_experiment(&self, id: &str) -> Result<Experiment> {
        let number = experiment_number(id)?;
        let mut connection = self.core.database.read().await?;
        store::by_number(&mut connection, number).await?.ok_or_else(|| no_experiment(number))
    }

    /// The experiment of this name, active or deleted.
    pub async fn get_experiment_by_name(&self, name: &str) -> Result<Experiment> {
        self.find_experiment(name).await?.ok_or_else(|| {
            Error::not_found(format!("Could not find experiment with name '{name}'"))
                .hint("ropewalk experiment ls")
        })
    }

    async fn find_experiment(&self, name: &str) -> Result<Option<Experiment>> {
        let mut connection = self.core.database.read().await?;
        store::by_name(&mut connection, name).await
    }

    /// A page of experiments; the newest first unless `order_by` says otherwise.
    ///
    /// # Errors
    /// `invalid` for a filter or an order that cannot be read.
    pub async fn search_experiments(
        &self,
        filter: &str,
        view: ViewType,
        order_by: &[String],
        limit: u32,
        page_token: Option<&str>,
    ) -> Result<Paged<Experiment>> {
        let comparisons = filter::parse(Search::Experiments, filter)?;
        let orders = filter::parse_orders(Search::Experiments, order_by)?;
        let offset = decode_offset(page_token)?;
        Ok(self.find_experiments(&comparisons, view, &orders, limit, offset).await?)
    }

    /// As [`Runs::search_experiments`], once filter and orders have been read.
    pub(crate) async fn find_experiments(
        &self,
        comparisons: &[Comparison],
        view: ViewType,
        orders: &[Order],
        limit: u32,
        offset: u64,
    ) -> MlflowResult<Paged<Experiment>> {
        let mut connection = self.core.database.read().await?;
        let found = store::search(
            &mut connection,
            self.core.database.dialect(),
            comparisons,
            view,
            orders,
            i64::from(limit) + 1,
            i64::try_from(offset).unwrap_or(i64::MAX),
        )
        .await?;
        Ok(Paged::cut(found, offset, limit))
    }

    /// Gives an active experiment another name.
    ///
    /// # Errors
    /// `wrong_state` when it is deleted; `already_exists` when the name is taken.
    pub async fn rename_experiment(&self, id: &str, name: &str) -> Result<()> {
        check_experiment_name(name)?;
        let number = experiment_number(id)?;
        let name = name.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let experiment =
                        store::by_number(tx, number).await?.ok_or_else(|| no_experiment(number))?;
                    if experiment.lifecycle_stage != Lifecycle::Active {
                        return Err(Error::new(Code::WrongState, "Cannot rename a non-active experiment."));
                    }
                    if let Some(other) = store::by_name(tx, &name).await?
                        && other.experiment_id != experiment.experiment_id
                    {
                        return Err(taken(&other));
                    }
                    store::update(tx, number, &name, Lifecycle::Active, now_ms()).await
                })
            })
            .await
    }

    /// Deletes an experiment and its runs; both can be restored.
    pub async fn delete_experiment(&self, id: &str) -> Result<()> {
        let number = experiment_number(id)?;
        let run_ids = {
            let mut connection = self.core.database.read().await?;
            runs::active_in(&mut connection, number).await?
        };
        self.set_experiment_lifecycle(id, Lifecycle::Deleted).await?;
        self.tell_deleted(&run_ids).await
    }

    /// Restores a deleted experiment and its runs.
    pub async fn restore_experiment(&self, id: &str) -> Result<()> {
        self.set_experiment_lifecycle(id, Lifecycle::Active).await
    }

    async fn set_experiment_lifecycle(&self, id: &str, lifecycle: Lifecycle) -> Result<()> {
        let number = experiment_number(id)?;
        self.state.ask(Operation::SetExperimentLifecycle { number, lifecycle }).await.map(drop)
    }

    /// Sets a tag of an active experiment.
    pub async fn set_experiment_tag(&self, id: &str, tag: Tag) -> Result<()> {
        check_experiment_tag(&tag)?;
        let number = experiment_number(id)?;
        let experiment = self.get_experiment(id).await?;
        must_be_active(&experiment)?;
        if experiment.tags.iter().all(|known| known.key != tag.key) {
            let keys = experiment.tags.iter().map(|known| known.key.as_str());
            check_views(keys.chain([tag.key.as_str()]), Some(&experiment.experiment_id))?;
        }
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::set_tag(tx, number, &tag).await }))
            .await
    }

    /// Removes a tag of an active experiment.
    pub async fn delete_experiment_tag(&self, id: &str, key: &str) -> Result<()> {
        let number = experiment_number(id)?;
        must_be_active(&self.get_experiment(id).await?)?;
        let owned = key.to_owned();
        let removed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::delete_tag(tx, number, &owned).await }))
            .await?;
        if removed == 0 {
            return Err(Error::not_found(format!("No tag with name: {key} in experiment with id {id}")));
        }
        Ok(())
    }
}

pub(super) fn must_be_active(experiment: &Experiment) -> Result<()> {
    if experiment.lifecycle_stage == Lifecycle::Active {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The experiment {} must be in the 'active' state. Current state is deleted.",
        experiment.experiment_id
    )))
}

fn taken(experiment: &Experiment) -> Error {
    let state = match experiment.lifecycle_stage {
        Lifecycle::Active => "",
        Lifecycle::Deleted => {
            " in deleted state. You can restore the experiment, or permanently delete the experiment to create a new one"
        }
    };
    Error::new(Code::AlreadyExists, format!("Experiment '{}' already exists{state}.", experiment.name))
}
