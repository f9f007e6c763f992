//! Runs.

use ropewalk_core::journal::Reference;
use ropewalk_core::{Actor, Error, Result, new_id, now_ms};
use serde_json::json;

use super::search::{Body, PageRun};
use super::{Runs, experiments::must_be_active, no_run};
use crate::artifacts::uri::append;
use crate::limits::{PARAMS_PER_BATCH, check_batch};
use crate::model::{Lifecycle, Run, RunInfo, RunLineage, RunLinks, RunStatus, Tag};
use crate::names::run_name;
use crate::state::change::Change;
use crate::state::document::Document;
use crate::state::{Answer, Operation, RunUpdate};
use crate::store::{inputs, runs as store};

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
        let mut tags = tags.to_vec();
        for part in tags.chunks_mut(PARAMS_PER_BATCH) {
            check_batch(&mut [], &mut [], part)?;
        }
        self.create_page_run(experiment_id, name, None, tags, start_ms, actor).await?.into_run()
    }

    /// As [`Runs::create_run`], with the user that a client states, as it is at hand. Like the stock server it takes tags
    /// of any length.
    pub(crate) async fn create_page_run(
        &self,
        experiment_id: &str,
        name: Option<&str>,
        user: Option<&str>,
        mut tags: Vec<Tag>,
        start_ms: i64,
        actor: &Actor,
    ) -> Result<PageRun> {
        let experiment = self.get_experiment(experiment_id).await?;
        must_be_active(&experiment)?;
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
            artifact_uri: append(&experiment.artifact_location, &[&run_id, "artifacts"]),
            run_id,
            experiment_id: experiment.experiment_id,
            run_name: name,
            user_id: user,
            status: RunStatus::Running,
            start_time: start_ms,
            end_time: None,
            lifecycle_stage: Lifecycle::Active,
        };
        let change = Change::new(&[], &[], &tags);
        let mut document = Document::default();
        document.apply(&change);
        let operation = Operation::Create { info: info.clone(), change, actor: actor.as_str().to_owned() };
        self.state.ask(operation).await?;
        Ok(PageRun { info, body: Body::Whole(document), links: RunLinks::default() })
    }

    /// A run with all that it logged, active or deleted.
    pub async fn get_run(&self, id: &str) -> Result<Run> {
        self.page_run(id).await?.into_run()
    }

    /// As [`Runs::get_run`], as it is at hand.
    pub(crate) async fn page_run(&self, id: &str) -> Result<PageRun> {
        let (info, document) = self.state.run(id).await?.ok_or_else(|| no_run(id))?;
        let mut links = RunLinks::default();
        if document.linked {
            let mut connection = self.core.database.read().await?;
            links = inputs::links(&mut connection, &[id.to_owned()]).await?.remove(id).unwrap_or_default();
        }
        Ok(PageRun { info, body: Body::Whole(document), links })
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
        let update = RunUpdate { status: Some(status), end_ms: Some(end_ms), name: None };
        self.change_run(id, update, lineage, actor).await
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
        let end_ms = end_ms.or_else(|| status.filter(|status| status.is_terminal()).map(|_| now_ms()));
        self.update_as_told(id, status, end_ms, name, actor).await
    }

    /// As [`Runs::update_run`], but a run that ends without being told when has no end time, as the stock server has it.
    pub(crate) async fn update_as_told(
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
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self.change_run(id, RunUpdate { status, end_ms, name }, lineage, actor).await
    }

    async fn change_run(
        &self,
        id: &str,
        update: RunUpdate,
        lineage: RunLineage,
        actor: &Actor,
    ) -> Result<RunInfo> {
        let operation = Operation::Update { run_id: id.to_owned(), update, lineage, actor: actor.clone() };
        match self.state.ask(operation).await? {
            Answer::Info(info) => Ok(info),
            other => Err(Error::internal(format!("an update was answered with {other:?}"))),
        }
    }

    /// Deletes a run; it can be restored.
    pub async fn delete_run(&self, id: &str) -> Result<()> {
        self.set_run_lifecycle(id, Lifecycle::Deleted).await?;
        self.tell_deleted(&[id.to_owned()]).await
    }

    /// Restores a deleted run.
    pub async fn restore_run(&self, id: &str) -> Result<()> {
        self.set_run_lifecycle(id, Lifecycle::Active).await
    }

    async fn set_run_lifecycle(&self, id: &str, lifecycle: Lifecycle) -> Result<()> {
        self.state.ask(Operation::SetLifecycle { run_id: id.to_owned(), lifecycle }).await.map(drop)
    }
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
