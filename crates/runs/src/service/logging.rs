//! What runs log.

use std::collections::BTreeMap;

use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Error, Result, new_id};

use super::Runs;
use super::runs::{NAME_TAG, active};
use crate::limits::{check_batch, check_key, check_length, check_metric};
use crate::model::{DatasetInput, Metric, ModelLink, Param, RunStatus, Tag, experiment_number};
use crate::store::{inputs, logged_models, logging, runs};

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
        let (mut metrics, mut params, mut tags) = (metrics.to_vec(), params.to_vec(), tags.to_vec());
        check_batch(&mut metrics, &mut params, &mut tags)?;
        self.write_batch(run_id, metrics, params, tags).await
    }

    /// Logs one measurement.
    pub async fn log_metric(&self, run_id: &str, mut metric: Metric) -> Result<()> {
        check_metric("", &mut metric)?;
        self.write_batch(run_id, vec![metric], Vec::new(), Vec::new()).await
    }

    /// Logs one parameter.
    pub async fn log_param(&self, run_id: &str, param: Param) -> Result<()> {
        let mut params = [param];
        check_key("key", &params[0].key)?;
        check_batch(&mut [], &mut params, &mut [])?;
        let id = run_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    active(tx, &id).await?;
                    logging::add_params(tx, &id, &params).await?;
                    let [Param { key, value }] = &params;
                    match logging::params(tx, &id, &[key.as_str()]).await?.remove(key) {
                        Some(old) if old != *value => Err(Error::invalid(format!(
                            "Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}' for \
                             run ID='{id}'. Attempted logging new value '{value}'."
                        ))),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    /// Sets one tag.
    pub async fn set_tag(&self, run_id: &str, tag: Tag) -> Result<()> {
        let mut tags = [tag];
        check_key("key", &tags[0].key)?;
        check_batch(&mut [], &mut [], &mut tags)?;
        self.write_batch(run_id, Vec::new(), Vec::new(), tags.to_vec()).await
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// `not_found` when the run has no such tag.
    pub async fn delete_tag(&self, run_id: &str, key: &str) -> Result<()> {
        let (id, key) = (run_id.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    active(tx, &id).await?;
                    if logging::delete_tag(tx, &id, &key).await? == 0 {
                        return Err(Error::not_found(format!("No tag with name: {key} in run with id {id}")));
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn write_batch(
        &self,
        run_id: &str,
        metrics: Vec<Metric>,
        params: Vec<Param>,
        tags: Vec<Tag>,
    ) -> Result<()> {
        let id = run_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut info = active(tx, &id).await?;
                    if !params.is_empty() {
                        // Added first and compared afterwards: of two writers at once, the second waits for the first and
                        // then sees its values. A difference undoes the whole batch.
                        logging::add_params(tx, &id, &params).await?;
                        let keys: Vec<_> = params.iter().map(|param| param.key.as_str()).collect();
                        let logged = logging::params(tx, &id, &keys).await?;
                        check_unchanged(&id, &params, &logged)?;
                    }
                    if !metrics.is_empty() {
                        logging::add_metrics(tx, &id, &metrics).await?;
                        logged_models::add_metrics(tx, &id, &metrics).await?;
                    }
                    if !tags.is_empty() {
                        logging::set_tags(tx, &id, &tags).await?;
                        if let Some(name) =
                            tags.iter().rfind(|tag| tag.key == NAME_TAG && !tag.value.is_empty())
                        {
                            info.run_name.clone_from(&name.value);
                            runs::update(tx, &info).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A page of a metric's measurements in the order of time; all of them when `limit` is none.
    pub async fn metric_history_page(
        &self,
        run_id: &str,
        key: &str,
        limit: Option<u32>,
        page_token: Option<&str>,
    ) -> Result<Paged<Metric>> {
        let offset = decode_offset(page_token)?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        match limit {
            Some(limit) => {
                let found =
                    logging::history(&mut connection, run_id, key, i64::from(limit) + 1, start).await?;
                Ok(Paged::cut(found, offset, limit))
            }
            None => {
                let items = logging::history(&mut connection, run_id, key, i64::MAX, start).await?;
                Ok(Paged { items, next_token: None })
            }
        }
    }

    /// The latest finite metrics of several runs, by run and key; a run that is not there has none.
    pub async fn latest_metrics(
        &self,
        run_ids: &[String],
    ) -> Result<BTreeMap<String, BTreeMap<String, f64>>> {
        let mut connection = self.core.database.read().await?;
        let found = runs::latest_metrics(&mut connection, run_ids).await?;
        let finite = |metrics: Vec<Metric>| {
            metrics
                .into_iter()
                .filter(|metric| metric.value.is_finite())
                .map(|metric| (metric.key, metric.value))
                .collect()
        };
        Ok(found.into_iter().map(|(run, metrics)| (run, finite(metrics))).collect())
    }

    /// All of a metric's measurements in the order of time; none for a run or a metric that is not there.
    pub async fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>> {
        Ok(self.metric_history_page(run_id, key, None, None).await?.items)
    }

    /// Measurements of several runs, thinned to about `max_results` steps in all, always with each run's last step.
    pub async fn metric_sample(
        &self,
        run_ids: &[String],
        key: &str,
        range: Option<(i64, i64)>,
        max_results: usize,
    ) -> Result<Vec<(String, Metric)>> {
        let mut connection = self.core.database.read().await?;
        let by_run = logging::steps(&mut connection, run_ids, key, range).await?;
        let all: std::collections::BTreeSet<i64> = by_run.values().flatten().copied().collect();
        let all: Vec<i64> = all.into_iter().collect();
        let every = all.len().div_ceil(max_results.max(1)).max(1);
        let mut chosen: std::collections::BTreeSet<i64> = all.iter().step_by(every).copied().collect();
        chosen.extend(by_run.values().filter_map(|steps| steps.last()));
        let mut found = Vec::new();
        for (run_id, steps) in &by_run {
            let wanted: Vec<i64> = steps.iter().filter(|step| chosen.contains(step)).copied().collect();
            for metric in logging::at_steps(&mut connection, run_id, key, &wanted, 25_000).await? {
                found.push((run_id.clone(), metric));
            }
        }
        Ok(found)
    }

    /// Notes datasets and logged models that a run read.
    pub async fn log_inputs(
        &self,
        run_id: &str,
        datasets: Vec<DatasetInput>,
        models: Vec<ModelLink>,
    ) -> Result<()> {
        for input in &datasets {
            check_dataset(input)?;
        }
        let id = run_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let info = active(tx, &id).await?;
                    let experiment = experiment_number(&info.experiment_id)?;
                    for input in &datasets {
                        let dataset = inputs::dataset_id(tx, experiment, &input.dataset, &new_id()).await?;
                        inputs::add_input(tx, &id, &dataset, &input.tags).await?;
                    }
                    for link in &models {
                        inputs::add_model(tx, &id, "input", link).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Notes logged models that a run wrote.
    pub async fn log_outputs(&self, run_id: &str, models: Vec<ModelLink>) -> Result<()> {
        let id = run_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let info = active(tx, &id).await?;
                    if info.status.is_terminal() && info.status != RunStatus::Finished {
                        return Err(Error::invalid(format!("The run {id} has ended and takes no outputs.")));
                    }
                    for link in &models {
                        inputs::add_model(tx, &id, "output", link).await?;
                    }
                    Ok(())
                })
            })
            .await
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

fn check_dataset(input: &DatasetInput) -> Result<()> {
    let dataset = &input.dataset;
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

fn check_unchanged(run_id: &str, params: &[Param], logged: &BTreeMap<String, String>) -> Result<()> {
    let changed: Vec<String> = params
        .iter()
        .filter_map(|param| {
            let old = logged.get(&param.key).filter(|old| **old != param.value)?;
            Some(format!("{{'key': '{}', 'old_value': '{old}', 'new_value': '{}'}}", param.key, param.value))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run_id}'.",
        changed.join(", ")
    )))
}
