//! Logged models.

use ropewalk_core::{Connection, Error, Result, now_ms};
use ropewalk_migrate::{LoggedModelRecord, Outcome, Taken};

use super::{Importing, check_id, told};
use crate::logged_model::{LoggedModel, LoggedModelStatus};
use crate::model::{Metric, experiment_number};
use crate::service::{Runs, no_experiment};
use crate::store::logged_models as store;

impl Runs {
    /// Takes in logged models. One that is here gets what it lacks.
    ///
    /// # Errors
    /// As the database's; what is wrong with a model is told with it.
    pub(crate) async fn import_logged_models(
        &self,
        records: Vec<LoggedModelRecord>,
        importing: &Importing,
    ) -> Result<Vec<Taken>> {
        let mut all = Vec::with_capacity(records.len());
        for record in records {
            let id = record.model_id.clone();
            let done = self.import_logged_model(record, importing.dry_run).await;
            all.push(told(&id, done)?);
        }
        Ok(all)
    }

    async fn import_logged_model(&self, record: LoggedModelRecord, dry_run: bool) -> Result<Taken> {
        check_id(&record.model_id)?;
        let Ok(experiment) = self.get_experiment(&record.experiment_id).await else {
            // In a rehearsal the experiment has not been made.
            return if dry_run {
                Ok(Taken::new(&record.model_id, Outcome::Created))
            } else {
                Err(no_experiment(&record.experiment_id))
            };
        };
        let deleted = record.deleted;
        let below = ["models", &record.model_id, "artifacts"];
        let artifact_uri = self.place_of_files(&record.artifact_uri, &experiment, &below)?;
        let number = experiment_number(&experiment.experiment_id)?;
        let model = model(record, experiment.experiment_id, artifact_uri)?;
        let database = &self.core.database;
        if dry_run {
            database.rehearse(move |tx| Box::pin(async move { take(tx, number, model, deleted).await })).await
        } else {
            database.write(move |tx| Box::pin(async move { take(tx, number, model, deleted).await })).await
        }
    }
}

fn model(record: LoggedModelRecord, experiment_id: String, artifact_uri: String) -> Result<LoggedModel> {
    let status = LoggedModelStatus::parse(&record.status)
        .ok_or_else(|| Error::invalid(format!("“{}” is no status of a logged model", record.status)))?;
    let created_ms = if record.created_ms == 0 { now_ms() } else { record.created_ms };
    let metrics = record.metrics.into_iter().map(|metric| Metric {
        key: metric.key,
        value: if metric.value.is_infinite() { f64::MAX.copysign(metric.value) } else { metric.value },
        timestamp: metric.timestamp,
        step: metric.step,
        model_id: Some(record.model_id.clone()),
        dataset_name: metric.dataset_name,
        dataset_digest: metric.dataset_digest,
        run_id: Some(metric.run_id),
    });
    Ok(LoggedModel {
        metrics: metrics.collect(),
        model_id: record.model_id,
        experiment_id,
        name: record.name,
        artifact_uri,
        status,
        status_message: record.status_message,
        created_ms,
        updated_ms: record.updated_ms.max(created_ms),
        model_type: record.model_type,
        source_run_id: record.source_run_id,
        params: record.params,
        tags: record.tags,
    })
}

async fn take(tx: &mut Connection, experiment: i64, mut model: LoggedModel, deleted: bool) -> Result<Taken> {
    let mut taken = Taken::new(&model.model_id, Outcome::Unchanged);
    let id = model.model_id.clone();
    match store::get_any(tx, &id).await? {
        None => {
            taken.outcome = Outcome::Created;
            taken.artifact_uri = Some(model.artifact_uri.clone());
            store::insert(tx, experiment, &model).await?;
            if deleted {
                store::delete(tx, &id, model.updated_ms).await?;
            }
        }
        Some(here) => {
            taken.artifact_uri = Some(here.artifact_uri);
            model.params.retain(|key, _| !here.params.contains_key(key));
            model.tags.retain(|key, _| !here.tags.contains_key(key));
            model.metrics.retain(|metric| !here.metrics.iter().any(|known| same(known, metric)));
            let ready = here.status == LoggedModelStatus::Pending && model.status != here.status;
            if ready {
                store::set_status(tx, &id, model.status, model.updated_ms).await?;
            }
            if !(model.params.is_empty() && model.tags.is_empty() && model.metrics.is_empty()) || ready {
                taken.outcome = Outcome::Completed;
            }
            store::add_params(tx, &id, &model.params).await?;
            store::set_tags(tx, &id, &model.tags).await?;
        }
    }
    taken.added = model.metrics.len();
    // The store writes those of one run at a time.
    model.metrics.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    for metrics in model.metrics.chunk_by(|a, b| a.run_id == b.run_id) {
        let run = metrics.first().and_then(|metric| metric.run_id.clone()).unwrap_or_default();
        store::add_metrics(tx, &run, metrics).await?;
    }
    Ok(taken)
}

/// Whether two measurements of a model are one: of a run, a step and a time there is one only.
fn same(a: &Metric, b: &Metric) -> bool {
    (&a.key, &a.run_id, a.timestamp, a.step) == (&b.key, &b.run_id, b.timestamp, b.step)
}
