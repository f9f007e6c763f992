//! Evaluation datasets.

use ropewalk_core::page::Paged;
use ropewalk_core::{Error, Result, now_ms};
use ropewalk_mlflow::filter::{self, Search};
use sha2::{Digest, Sha256};

use super::Traces;
use crate::model::{DatasetRecord, EvaluationDataset};
use crate::numbers;
use crate::store::datasets::{self as store, RecordsFrom};

/// What a search for datasets asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct DatasetSearch {
    /// Experiments that they belong to; none for all datasets.
    pub(crate) experiment_ids: Vec<String>,
    /// MLflow's filter grammar; empty means all.
    pub(crate) filter: String,
    /// E.g. `name`; the newest first if nothing is said.
    pub(crate) order_by: Vec<String>,
    /// Page size.
    pub(crate) max_results: u32,
    /// How many to pass over.
    pub(crate) offset: u64,
}

/// The tag that says who does something.
pub(super) const USER: &str = "mlflow.user";

/// A hash as hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What tells one state of a dataset from another.
pub(super) fn digest(name: &str, time_ms: i64) -> String {
    sha256(&format!("{name}:{time_ms}")).chars().take(8).collect()
}

fn no_dataset(id: &str) -> Error {
    Error::not_found(format!("Dataset '{id}' not found"))
}

impl Traces {
    /// Makes a dataset that belongs to experiments, which need not exist.
    pub(crate) async fn create_dataset(
        &self,
        name: &str,
        tags: Vec<(String, Option<String>)>,
        experiments: Vec<String>,
    ) -> Result<EvaluationDataset> {
        let now = now_ms();
        let user = tags.iter().find(|(key, _)| key == USER).and_then(|(_, user)| user.clone());
        let dataset = EvaluationDataset {
            dataset_id: format!("d-{}", ropewalk_core::new_id()),
            name: name.to_owned(),
            digest: digest(name, now),
            created_time: now,
            last_update_time: now,
            created_by: user.clone(),
            last_updated_by: user,
            schema: None,
            profile: None,
            tags,
        };
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::insert(tx, &dataset).await?;
                    store::add_experiments(tx, &dataset.dataset_id, &experiments, numbers::next()).await?;
                    Ok(dataset)
                })
            })
            .await
    }

    /// A dataset, without its records.
    pub(crate) async fn dataset(&self, id: &str) -> Result<EvaluationDataset> {
        let mut connection = self.core.database.read().await?;
        let found = store::by_id(&mut connection, id).await?;
        found.ok_or_else(|| Error::not_found(format!("Evaluation dataset with id '{id}' not found")))
    }

    /// Deletes a dataset with its records, if it is there.
    pub(crate) async fn delete_dataset(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.core.database.write(move |tx| Box::pin(async move { store::delete(tx, &id).await })).await
    }

    /// Sets tags of a dataset; those without a value stay as they are.
    pub(crate) async fn set_dataset_tags(&self, id: &str, tags: Vec<(String, Option<String>)>) -> Result<()> {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if !store::hold(tx, &id).await? {
                        let words = format!("Could not find evaluation dataset with ID {id}");
                        return Err(Error::not_found(words));
                    }
                    let set: Vec<_> = tags.into_iter().filter(|(_, value)| value.is_some()).collect();
                    store::set_tags(tx, &id, &set).await
                })
            })
            .await
    }

    /// Removes a tag of a dataset, if it is there.
    pub(crate) async fn delete_dataset_tag(&self, id: &str, key: &str) -> Result<()> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::delete_tag(tx, &id, &key).await }))
            .await
    }

    /// The experiments that a dataset belongs to; none for a dataset that does not exist.
    pub(crate) async fn dataset_experiments(&self, id: &str) -> Result<Vec<String>> {
        let mut connection = self.core.database.read().await?;
        store::experiments(&mut connection, id).await
    }

    /// Adds a dataset to experiments.
    ///
    /// # Errors
    /// `not_found` when the dataset or one of the experiments does not exist.
    pub(crate) async fn add_dataset_to_experiments(
        &self,
        id: &str,
        experiments: Vec<String>,
    ) -> Result<EvaluationDataset> {
        {
            let mut connection = self.core.database.read().await?;
            store::by_id(&mut connection, id).await?.ok_or_else(|| no_dataset(id))?;
        }
        for experiment in &experiments {
            if self.runs.get_experiment(experiment).await.is_err() {
                return Err(Error::not_found(format!("No Experiment with id={experiment}")));
            }
        }
        self.change_experiments(id, experiments, true).await
    }

    /// Takes a dataset out of experiments.
    ///
    /// # Errors
    /// `not_found` when the dataset does not exist.
    pub(crate) async fn remove_dataset_from_experiments(
        &self,
        id: &str,
        experiments: Vec<String>,
    ) -> Result<EvaluationDataset> {
        self.change_experiments(id, experiments, false).await
    }

    async fn change_experiments(
        &self,
        id: &str,
        experiments: Vec<String>,
        add: bool,
    ) -> Result<EvaluationDataset> {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::hold(tx, &id).await?;
                    let mut dataset = store::by_id(tx, &id).await?.ok_or_else(|| no_dataset(&id))?;
                    let changed = if add {
                        store::add_experiments(tx, &id, &experiments, numbers::next()).await?;
                        true
                    } else {
                        store::remove_experiments(tx, &id, &experiments).await? > 0
                    };
                    if changed {
                        dataset.last_update_time = now_ms();
                        store::update(tx, &dataset).await?;
                    }
                    Ok(dataset)
                })
            })
            .await
    }

    /// A page of datasets without their records.
    pub(crate) async fn search_datasets(&self, asked: &DatasetSearch) -> Result<Paged<EvaluationDataset>> {
        let comparisons = filter::parse(Search::EvaluationDatasets, &asked.filter)?;
        let orders = filter::parse_orders(Search::EvaluationDatasets, &asked.order_by)?;
        let query = store::DatasetQuery {
            experiments: &asked.experiment_ids,
            comparisons: &comparisons,
            orders: &orders,
            limit: i64::from(asked.max_results) + 1,
            offset: i64::try_from(asked.offset).unwrap_or(i64::MAX),
        };
        let mut connection = self.core.database.read().await?;
        let dialect = self.core.database.dialect();
        let rows = store::search(&mut connection, dialect, &query).await?;
        Ok(Paged::cut(rows, asked.offset, asked.max_results))
    }

    /// A page of a dataset's records, and whether more follow; none of a dataset that does not exist.
    pub(crate) async fn dataset_records(
        &self,
        id: &str,
        from: &RecordsFrom,
        limit: u32,
    ) -> Result<(Vec<DatasetRecord>, bool)> {
        let mut connection = self.core.database.read().await?;
        let mut found = store::records(&mut connection, id, from, i64::from(limit) + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Ok((found, more))
    }

    /// Deletes records of a dataset; how many.
    pub(crate) async fn delete_dataset_records(&self, id: &str, ids: Vec<String>) -> Result<i64> {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::hold(tx, &id).await?;
                    let deleted = store::delete_records(tx, &id, &ids).await?;
                    if deleted > 0
                        && let Some(mut dataset) = store::by_id(tx, &id).await?
                    {
                        let left = store::count_records(tx, &id).await?;
                        dataset.profile = Some(profile(left).unwrap_or_else(|| "null".to_owned()));
                        store::update(tx, &dataset).await?;
                    }
                    Ok(deleted)
                })
            })
            .await
    }
}

/// How many records there are, as JSON; none for none.
pub(super) fn profile(records: i64) -> Option<String> {
    (records > 0).then(|| format!("{{\"num_records\": {records}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_stock_server() {
        assert_eq!(digest("d", 1_795_621_569_630), "893a59a4");
        assert_eq!(profile(0), None);
        assert_eq!(profile(2).as_deref(), Some("{\"num_records\": 2}"));
    }
}
