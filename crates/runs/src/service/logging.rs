//! What runs log.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::{ErrorCode, MlflowError, MlflowResult};

use super::Runs;
use crate::limits::{check_batch, check_key, check_length, check_metric, check_param};
use crate::model::{DatasetInput, Metric, ModelLink, Param, Tag, experiment_number};
use crate::state::change::Change;
use crate::state::{Answer, Operation};
use crate::store::{inputs, logged_models};

impl Runs {
    /// Logs a batch: all of it, or nothing.
    ///
    /// # Errors
    /// `not_found` for an unknown run; `invalid` for a deleted one, for anything beyond the limits, and for a parameter
    /// that was logged with another value.
    pub async fn log_batch(
        &self,
        run_id: &str,
        metrics: &[Metric],
        params: &[Param],
        tags: &[Tag],
    ) -> Result<()> {
        Ok(self.log_owned(run_id, metrics.to_vec(), params.to_vec(), tags.to_vec()).await?)
    }

    /// As [`Runs::log_batch`], of values that are its own.
    pub(crate) async fn log_owned(
        &self,
        run_id: &str,
        mut metrics: Vec<Metric>,
        mut params: Vec<Param>,
        mut tags: Vec<Tag>,
    ) -> MlflowResult<()> {
        check_batch(&mut metrics, &mut params, &mut tags)?;
        self.log(run_id, metrics, &params, &tags, false).await
    }

    /// Logs one measurement.
    pub async fn log_metric(&self, run_id: &str, metric: Metric) -> Result<()> {
        Ok(self.log_one(run_id, metric).await?)
    }

    /// As [`Runs::log_metric`], with an error that the stock server would answer with.
    pub(crate) async fn log_one(&self, run_id: &str, mut metric: Metric) -> MlflowResult<()> {
        check_metric("", &mut metric)?;
        self.log(run_id, vec![metric], &[], &[], false).await
    }

    /// Logs one parameter.
    pub async fn log_param(&self, run_id: &str, param: Param) -> Result<()> {
        let mut param = param;
        check_param("key", &mut param)?;
        Ok(self.log(run_id, Vec::new(), &[param], &[], true).await?)
    }

    /// Sets one tag.
    pub async fn set_tag(&self, run_id: &str, tag: Tag) -> Result<()> {
        let mut tags = [tag];
        check_key("key", &tags[0].key)?;
        check_batch(&mut [], &mut [], &mut tags)?;
        Ok(self.log(run_id, Vec::new(), &[], &tags, true).await?)
    }

    async fn log(
        &self,
        run_id: &str,
        mut metrics: Vec<Metric>,
        params: &[Param],
        tags: &[Tag],
        single: bool,
    ) -> MlflowResult<()> {
        let change = Change::new(&metrics, params, tags);
        metrics.retain(|metric| metric.model_id.is_some());
        if !metrics.is_empty() {
            self.must_know_models(&metrics).await?;
        }
        let operation = Operation::Log { run_id: run_id.to_owned(), change, model_metrics: metrics, single };
        self.state.ask(operation).await?;
        Ok(())
    }

    /// Refuses measurements of logged models that are not there.
    async fn must_know_models(&self, metrics: &[Metric]) -> MlflowResult<()> {
        let ids: BTreeSet<&str> = metrics.iter().filter_map(|metric| metric.model_id.as_deref()).collect();
        let mut connection = self.core.database.read().await?;
        let known = logged_models::known(&mut connection, &ids).await?;
        match ids.iter().find(|id| !known.contains(**id)) {
            // The stock server lets its database refuse it.
            Some(id) => Err(MlflowError::new(
                ErrorCode::BadRequest,
                format!("a metric names the logged model {id}, which does not exist"),
            )),
            None => Ok(()),
        }
    }

    /// Adds a model's description to the list that a tag holds.
    pub(crate) async fn note_model(&self, run_id: &str, key: &str, model: serde_json::Value) -> Result<()> {
        let run = self.get_run(run_id).await?;
        let mut models: Vec<serde_json::Value> =
            run.tag(key).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        models.push(model);
        self.set_tag(run_id, Tag::new(key, serde_json::Value::from(models).to_string())).await
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// `not_found` when the run has no such tag.
    pub async fn delete_tag(&self, run_id: &str, key: &str) -> Result<()> {
        let operation = Operation::DeleteTag { run_id: run_id.to_owned(), key: key.to_owned() };
        self.state.ask(operation).await.map(drop)
    }

    /// The latest finite metrics of several runs, by run and key; a run that is not there has none.
    pub async fn latest_metrics(
        &self,
        run_ids: &[String],
    ) -> Result<BTreeMap<String, BTreeMap<String, f64>>> {
        let documents = self.state.documents(run_ids).await?;
        let finite = |metrics: BTreeMap<String, crate::state::document::Summary>| {
            metrics
                .into_iter()
                .map(|(key, summary)| (key, summary.last.value))
                .filter(|(_, value)| value.is_finite())
                .collect()
        };
        Ok(documents.into_iter().map(|(run_id, document)| (run_id, finite(document.metrics))).collect())
    }

    /// Notes datasets and logged models that a run read.
    pub async fn log_inputs(
        &self,
        run_id: &str,
        datasets: Vec<DatasetInput>,
        models: Vec<ModelLink>,
    ) -> Result<()> {
        for (index, input) in datasets.iter().enumerate() {
            check_dataset(index, input)?;
        }
        self.link(run_id, datasets, models, Vec::new()).await
    }

    /// Notes logged models that a run wrote.
    pub async fn log_outputs(&self, run_id: &str, models: Vec<ModelLink>) -> Result<()> {
        self.link(run_id, Vec::new(), Vec::new(), models).await
    }

    async fn link(
        &self,
        run_id: &str,
        datasets: Vec<DatasetInput>,
        inputs: Vec<ModelLink>,
        outputs: Vec<ModelLink>,
    ) -> Result<()> {
        let operation = Operation::Link { run_id: run_id.to_owned(), datasets, inputs, outputs };
        match self.state.ask(operation).await? {
            Answer::Done => Ok(()),
            other => Err(Error::internal(format!("a link was answered with {other:?}"))),
        }
    }

    /// Name, digest and context of the datasets that experiments' runs read.
    pub async fn dataset_summaries(
        &self,
        experiment_ids: &[String],
    ) -> Result<Vec<(i64, String, String, Option<String>)>> {
        let experiments =
            experiment_ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?;
        let mut connection = self.core.database.read().await?;
        inputs::summaries(&mut connection, &experiments, 1000).await
    }
}

fn check_dataset(index: usize, input: &DatasetInput) -> Result<()> {
    let dataset = &input.dataset;
    let _ = index;
    check_length("name", 500, &dataset.name)?;
    check_length("digest", 36, &dataset.digest)?;
    check_length("source", 65_535, &dataset.source)?;
    check_length("schema", 1_048_575, dataset.schema.as_deref().unwrap_or_default())?;
    check_length("profile", 16_777_215, dataset.profile.as_deref().unwrap_or_default())?;
    for tag in &input.tags {
        check_length("key", 255, &tag.key)?;
        check_length("value", 500, &tag.value)?;
    }
    Ok(())
}
