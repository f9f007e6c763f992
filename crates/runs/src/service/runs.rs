//! Runs.

use ropewalk_core::database::Connection;
use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Actor, Error, Result, new_id, now_ms};
use serde_json::json;

use super::{Runs, experiments::must_be_active, no_run};
use crate::filter::{parse, parse_order};
use crate::limits::{SEARCH_RESULTS, check_batch};
use crate::model::{
    Lifecycle, Run, RunData, RunInfo, RunLineage, RunLinks, RunSearch, RunStatus, Tag, experiment_number,
};
use crate::names::run_name;
use crate::store::{logging, runs as store, search};

/// The tag that carries a run's name, for clients that read it there.
pub const NAME_TAG: &str = "mlflow.runName";
/// The tag that names the user.
pub const USER_TAG: &str = "mlflow.user";

impl Runs {
    /// Starts a run in an active experiment. Without a name it gets one made up.
    ///
    /// # Errors
    /// `not_found` for an unknown experiment; `invalid` for a deleted one or for tags beyond the limits.
    pub async fn create_run(
        &self,
        experiment_id: &str,
        name: Option<&str>,
        tags: &[Tag],
        start_ms: i64,
        actor: &Actor,
    ) -> Result<Run> {
        self.create_run_as(experiment_id, name, None, tags, start_ms, actor).await
    }

    /// As [`Runs::create_run`], with the user that a client states.
    pub async fn create_run_as(
        &self,
        experiment_id: &str,
        name: Option<&str>,
        user: Option<&str>,
        tags: &[Tag],
        start_ms: i64,
        actor: &Actor,
    ) -> Result<Run> {
        let experiment = self.get_experiment(experiment_id).await?;
        must_be_active(&experiment)?;
        let mut tags = tags.to_vec();
        for part in tags.chunks_mut(crate::limits::PARAMS_PER_BATCH) {
            check_batch(&mut [], &mut [], part)?;
        }
        let tagged = tags
            .iter()
            .find(|tag| tag.key == NAME_TAG)
            .map(|tag| tag.value.clone())
            .filter(|name| !name.is_empty());
        let name = name.filter(|name| !name.is_empty());
        if let (Some(name), Some(tagged)) = (name, &tagged)
            && name != tagged
        {
            return Err(Error::invalid(format!(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
                 (run_name='{name}', mlflow.runName='{tagged}')."
            )));
        }
        let run_id = new_id();
        let name = name.map(str::to_owned).or(tagged).unwrap_or_else(|| run_name(&run_id));
        if !tags.iter().any(|tag| tag.key == NAME_TAG && tag.value == name) {
            tags.retain(|tag| tag.key != NAME_TAG);
            tags.push(Tag::new(NAME_TAG, name.as_str()));
        }
        let user = user
            .map(str::to_owned)
            .or_else(|| tags.iter().find(|tag| tag.key == USER_TAG).map(|tag| tag.value.clone()))
            .unwrap_or_else(|| actor.as_str().to_owned());
        let info = RunInfo {
            artifact_uri: format!("{}/{run_id}/artifacts", experiment.artifact_location),
            run_id,
            experiment_id: experiment.experiment_id,
            run_name: name,
            user_id: user,
            status: RunStatus::Running,
            start_time: start_ms,
            end_time: None,
            lifecycle_stage: Lifecycle::Active,
        };
        let number = experiment_number(&info.experiment_id)?;
        let actor = actor.as_str().to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::insert(tx, number, &info, &actor).await?;
                    logging::set_tags(tx, &info.run_id, &tags).await?;
                    tags.sort_by(|a, b| a.key.cmp(&b.key));
                    Ok(Run { info, data: RunData { tags, ..RunData::default() }, links: RunLinks::default() })
                })
            })
            .await
    }

    /// A run with all that it logged, active or deleted.
    pub async fn get_run(&self, id: &str) -> Result<Run> {
        let mut connection = self.core.database.read().await?;
        let info = store::get(&mut connection, id).await?.ok_or_else(|| no_run(id))?;
        store::assemble(&mut connection, vec![info]).await?.pop().ok_or_else(|| no_run(id))
    }

    /// A run's own row.
    pub async fn run_info(&self, id: &str) -> Result<RunInfo> {
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, id).await?.ok_or_else(|| no_run(id))
    }

    /// The whole identifier of the one run that begins with `prefix`.
    ///
    /// # Errors
    /// `not_found` when there is none, `invalid` when there are several.
    pub async fn expand_run_id(&self, prefix: &str) -> Result<String> {
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(no_run(prefix));
        }
        let mut connection = self.core.database.read().await?;
        let mut found = store::with_prefix(&mut connection, prefix, 3).await?;
        match found.len() {
            0 => Err(no_run(prefix)),
            1 => Ok(found.remove(0)),
            _ => Err(Error::invalid(format!("several runs begin with {prefix}"))
                .why(found.join(", "))
                .hint("write more of it")),
        }
    }

    /// A page of runs.
    ///
    /// # Errors
    /// `invalid` for a filter or an order that cannot be read.
    pub async fn search_runs(&self, asked: &RunSearch) -> Result<Paged<Run>> {
        let comparisons = parse(&asked.filter)?;
        let orders = asked.order_by.iter().map(|order| parse_order(order)).collect::<Result<Vec<_>>>()?;
        let limit = match asked.max_results {
            0 => 1000,
            number => number.min(SEARCH_RESULTS),
        };
        let offset = decode_offset(asked.page_token.as_deref())?;
        let experiments =
            asked.experiment_ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?;
        let mut connection = self.core.database.read().await?;
        let query = search::Query {
            experiments: &experiments,
            comparisons: &comparisons,
            view: asked.view,
            orders: &orders,
            // One more than the page tells whether there is a next one.
            limit: i64::from(limit) + 1,
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
        };
        let infos = search::search(&mut connection, self.core.database.dialect(), &query).await?;
        let page = Paged::cut(infos, offset, limit);
        Ok(Paged { items: store::assemble(&mut connection, page.items).await?, next_token: page.next_token })
    }

    /// Ends a run and tells the journal what it read and made.
    ///
    /// # Errors
    /// `not_found` for an unknown run; `invalid` for a deleted one or a status that is no end.
    pub async fn finish_run(
        &self,
        id: &str,
        status: RunStatus,
        end_ms: i64,
        lineage: RunLineage,
        actor: &Actor,
    ) -> Result<RunInfo> {
        if !status.is_terminal() {
            return Err(Error::invalid(format!("a run cannot end as {}", status.as_str())));
        }
        self.change_run(id, Some(status), Some(end_ms), None, lineage, actor).await
    }

    /// Changes what a client may change of a run. A status that is an end is told to the journal, with the datasets,
    /// preparations and pipelines that the run's `ropewalk.…` tags name.
    pub async fn update_run(
        &self,
        id: &str,
        status: Option<RunStatus>,
        end_ms: Option<i64>,
        name: Option<&str>,
        actor: &Actor,
    ) -> Result<RunInfo> {
        let lineage = match status {
            Some(status) if status.is_terminal() => lineage_of(&self.get_run(id).await?),
            _ => RunLineage::default(),
        };
        let end_ms = end_ms.or_else(|| status.filter(|status| status.is_terminal()).map(|_| now_ms()));
        self.change_run(id, status, end_ms, name, lineage, actor).await
    }

    async fn change_run(
        &self,
        id: &str,
        status: Option<RunStatus>,
        end_ms: Option<i64>,
        name: Option<&str>,
        lineage: RunLineage,
        actor: &Actor,
    ) -> Result<RunInfo> {
        let id = id.to_owned();
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        let journal = self.core.journal.clone();
        let actor = actor.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut info = active(tx, &id).await?;
                    let was = info.status;
                    info.status = status.unwrap_or(was);
                    info.end_time = end_ms.or(info.end_time);
                    if let Some(name) = name {
                        logging::set_tags(tx, &id, &[Tag::new(NAME_TAG, name.as_str())]).await?;
                        info.run_name = name;
                    }
                    store::update(tx, &info).await?;
                    if info.status.is_terminal() && info.status != was {
                        let entry = NewEntry {
                            actor,
                            verb: "run.finish",
                            subject: Reference::new("run", &id),
                            inputs: lineage.inputs,
                            // What the run made hangs from the run, so the run is always among the outputs.
                            outputs: with_self(lineage.outputs, &id),
                            facts: facts(&info, lineage.facts),
                        };
                        journal.append_in(tx, entry).await?;
                    }
                    Ok(info)
                })
            })
            .await
    }

    /// Deletes a run; it can be restored.
    pub async fn delete_run(&self, id: &str) -> Result<()> {
        self.set_run_lifecycle(id, Lifecycle::Deleted).await
    }

    /// Restores a deleted run.
    pub async fn restore_run(&self, id: &str) -> Result<()> {
        self.set_run_lifecycle(id, Lifecycle::Active).await
    }

    async fn set_run_lifecycle(&self, id: &str, lifecycle: Lifecycle) -> Result<()> {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::get(tx, &id).await?.ok_or_else(|| no_run(&id))?;
                    let deleted_ms = (lifecycle == Lifecycle::Deleted).then(now_ms);
                    store::set_lifecycle(tx, &id, lifecycle, deleted_ms).await
                })
            })
            .await
    }
}

/// The run, if it is active.
pub(super) async fn active(tx: &mut Connection, id: &str) -> Result<RunInfo> {
    let info = store::get(tx, id).await?.ok_or_else(|| no_run(id))?;
    if info.lifecycle_stage == Lifecycle::Active {
        return Ok(info);
    }
    Err(Error::invalid(format!("The run {id} must be in the 'active' state. Current state is deleted.")))
}

fn with_self(mut outputs: Vec<Reference>, id: &str) -> Vec<Reference> {
    let own = Reference::new("run", id);
    if !outputs.contains(&own) {
        outputs.insert(0, own);
    }
    outputs
}

fn facts(info: &RunInfo, given: serde_json::Value) -> serde_json::Value {
    let mut facts = json!({
        "name": info.run_name, "experiment_id": info.experiment_id, "status": info.status,
        "seconds": info.end_time.map(|end| (end - info.start_time) as f64 / 1000.0),
    });
    if let (Some(facts), serde_json::Value::Object(given)) = (facts.as_object_mut(), given) {
        facts.extend(given);
    }
    facts
}

/// What a run's tags and metrics tell of its lineage.
fn lineage_of(run: &Run) -> RunLineage {
    let named = [
        ("ropewalk.dataset", "dataset"),
        ("ropewalk.prepared", "prepared"),
        ("ropewalk.pipeline", "pipeline"),
    ];
    let inputs =
        named.iter().filter_map(|(tag, kind)| run.tag(tag).map(|id| Reference::new(kind, id))).collect();
    let metrics: serde_json::Map<_, _> = run
        .data
        .metrics
        .iter()
        .map(|metric| (metric.key.clone(), crate::number::to_json(metric.value)))
        .collect();
    RunLineage { inputs, outputs: Vec::new(), facts: json!({"metrics": metrics}) }
}
