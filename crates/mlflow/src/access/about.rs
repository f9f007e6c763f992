//! What a request is about, by the kind of its route.

use async_trait::async_trait;

use super::asked::{Asked, Found, both, new_in, within};
use super::permission::Action;
use super::resource::ResourceType;
use super::rights::{Needs, Requirement};
use super::{artifact, registry, traces};
use crate::error::{MlflowError, MlflowResult};
use crate::fields::Fields;
use crate::message::{Message, parts, text, texts};

/// What the requests of a route are about that MLflow does not have.
#[async_trait]
pub trait Own: std::fmt::Debug + Send + Sync {
    /// What a request needs where nothing is granted explicitly; no grant is asked for more.
    fn level(&self) -> Action;

    /// What a request needs; none where it is refused whatever the caller may do.
    ///
    /// # Errors
    /// A request that does not say what it is about; a database that does not answer.
    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>>;
}

/// What a route's requests are about, and so what they need.
#[derive(Debug, Clone, Copy)]
pub enum About {
    /// Nothing in particular: whoever may call at all may do this; answers are cut to what the caller may read.
    Anybody,
    /// What only administrators may do.
    Admin,
    /// A new experiment.
    NewExperiment,
    /// One experiment.
    Experiment(Action),
    /// One experiment, by its name.
    ExperimentNamed(Action),
    /// Several experiments, of which every one must allow it.
    Experiments(Action),
    /// One experiment with all that it holds.
    WholeExperiment,
    /// A new run.
    NewRun,
    /// One run.
    Run(Action),
    /// One run, named in the query whatever the method.
    RunInQuery(Action),
    /// Several runs, named in the query under one name.
    RunsInQuery(&'static str),
    /// A run, and the logged model that a metric is about.
    RunMetric,
    /// A run, and the logged models that metrics are about.
    RunBatch,
    /// A run, and the logged models that go into it or come out of it.
    RunModels,
    /// Either a run or a logged model.
    RunOrLoggedModel(Action),
    /// A new logged model.
    NewLoggedModel,
    /// One logged model.
    LoggedModel(Action),
    /// A search of logged models.
    SearchLoggedModels,
    /// A new registered model or prompt.
    NewModel,
    /// One registered model or prompt.
    Model(Action),
    /// One registered model or prompt with all its versions.
    WholeModel,
    /// An alias of a registered model.
    Alias(Action),
    /// A new version.
    NewVersion,
    /// The versions of a registered model are read.
    ReadVersion,
    /// A version.
    Version(Action),
    /// A version's files.
    VersionFile,
    /// A search of versions.
    SearchVersions,
    /// A new trace in an experiment.
    NewTrace,
    /// A new trace, as version 3 says it.
    NewTraceV3,
    /// Spans, in the experiment that a header names.
    Spans,
    /// One trace, named by this.
    Trace(&'static str, Action),
    /// Several traces, each in an experiment of its own.
    SomeTraces,
    /// A search of traces.
    SearchTraces,
    /// A search of traces, as version 3 says it.
    SearchTracesV3,
    /// How often two filters meet.
    TraceCorrelation,
    /// Figures over traces.
    TraceMetrics,
    /// Traces are deleted.
    DeleteTraces,
    /// Traces are linked to a run.
    LinkTraces,
    /// A new assessment of a trace.
    NewAssessment,
    /// An assessment of a trace.
    Assessment(Action),
    /// A new evaluation dataset in experiments.
    NewDataset,
    /// An evaluation dataset.
    Dataset(Action),
    /// An evaluation dataset, and the experiments that it is added to.
    DatasetAndExperiments,
    /// A search of evaluation datasets in experiments.
    SearchDatasets,
    /// A file or folder below the proxied artifacts.
    Artifact(Action),
    /// What MLflow does not have.
    Own(&'static dyn Own),
}

static EXPERIMENT: Message = Message(&[text("experiment_id")]);
static EXPERIMENT_NAME: Message = Message(&[text("experiment_name")]);
static EXPERIMENTS: Message = Message(&[texts("experiment_ids")]);
static MODEL: Message = Message(&[text("model_id")]);
static METRIC: Message = Message(&[text("run_id"), text("run_uuid"), text("model_id")]);
static BATCH: Message = Message(&[text("run_id"), parts("metrics", &MODEL)]);
static MODELS: Message = Message(&[text("run_id"), parts("models", &MODEL)]);
static OWNER: Message = Message(&[text("run_id"), text("model_id")]);
static NEW_LOGGED_MODEL: Message = Message(&[text("experiment_id"), text("source_run_id")]);
static FILTER: Message = Message(&[text("filter")]);
static DATASET: Message = Message(&[text("dataset_id")]);

impl About {
    /// What a request needs where nothing is granted explicitly, and the most that any grant may be asked for.
    #[must_use]
    pub fn levels(self) -> (Action, Action) {
        use Action::{Delete, Manage, Read, Update};
        match self {
            Self::Anybody
            | Self::RunsInQuery(_)
            | Self::ReadVersion
            | Self::VersionFile
            | Self::SomeTraces
            | Self::SearchTraces
            | Self::SearchTracesV3
            | Self::SearchDatasets
            | Self::TraceCorrelation
            | Self::TraceMetrics
            | Self::SearchVersions
            | Self::SearchLoggedModels => (Read, Read),
            Self::Own(own) => (own.level(), own.level()),
            Self::Admin => (Manage, Manage),
            Self::WholeExperiment | Self::WholeModel | Self::DeleteTraces => (Delete, Delete),
            Self::Assessment(Delete) => (Update, Delete),
            Self::Experiment(action)
            | Self::ExperimentNamed(action)
            | Self::Experiments(action)
            | Self::Run(action)
            | Self::RunInQuery(action)
            | Self::RunOrLoggedModel(action)
            | Self::LoggedModel(action)
            | Self::Model(action)
            | Self::Alias(action)
            | Self::Version(action)
            | Self::Trace(_, action)
            | Self::Assessment(action)
            | Self::Dataset(action)
            | Self::Artifact(action) => (action, action),
            _ => (Update, Update),
        }
    }

    /// Whether what it is about stands in the request's body.
    #[must_use]
    pub const fn reads_body(self) -> bool {
        !matches!(
            self,
            Self::Anybody
                | Self::Admin
                | Self::RunInQuery(_)
                | Self::RunsInQuery(_)
                | Self::Spans
                | Self::VersionFile
                | Self::Artifact(_)
        )
    }

    /// What a request needs.
    ///
    /// # Errors
    /// A request that does not say what it is about, in MLflow's words; a database that does not answer.
    pub async fn needs(self, asked: &Asked<'_>) -> Found {
        use ResourceType::{Experiment, LoggedModel, Run};
        let everything = |all: Vec<Requirement>| Ok(Some(Needs::all(all)));
        let experiment = || asked.text("experiment_id", &EXPERIMENT);
        match self {
            Self::Anybody => everything(Vec::new()),
            Self::Admin => Ok(None),
            Self::Own(own) => own.needs(asked).await,
            Self::NewExperiment => {
                everything(vec![Requirement::creates(), Requirement::every(Experiment, Action::NotDenied)])
            }
            Self::Experiment(action) => everything(vec![Requirement::on(Experiment, &experiment()?, action)]),
            Self::ExperimentNamed(action) => {
                let name = asked.text("experiment_name", &EXPERIMENT_NAME)?;
                let found = asked.lookup.experiment_named(&name).await?;
                // What is not there hides nothing: the handler says so in its own words.
                everything(found.iter().map(|id| Requirement::on(Experiment, id, action)).collect())
            }
            Self::Experiments(action) => {
                let ids = asked.fields(&EXPERIMENTS)?.texts("experiment_ids");
                everything(ids.iter().map(|id| Requirement::on(Experiment, id, action)).collect())
            }
            Self::WholeExperiment => {
                let id = experiment()?;
                let mut all = vec![Requirement::on(Experiment, &id, Action::Delete)];
                all.extend(TIERS.map(|tier| {
                    Requirement::every(tier, Action::Delete).or(Experiment, &id, Action::Delete)
                }));
                everything(all)
            }
            Self::NewRun => everything(new_in(&experiment()?, Run)),
            Self::Run(action) => asked.run(&asked.run_id()?, action).await,
            Self::RunInQuery(action) => asked.run(&asked.run_in_query()?, action).await,
            Self::RunsInQuery(name) => some_runs(asked, name).await,
            Self::RunMetric => {
                let fields = asked.fields(&METRIC)?;
                let models = fields.some_text("model_id").map(str::to_owned).into_iter().collect();
                run_and_models(asked, models).await
            }
            Self::RunBatch => {
                let fields = asked.fields(&BATCH)?;
                run_and_models(asked, named(fields.parts("metrics"))).await
            }
            Self::RunModels => {
                let fields = asked.fields(&MODELS)?;
                run_and_models(asked, named(fields.parts("models"))).await
            }
            Self::RunOrLoggedModel(action) => {
                let fields = asked.fields(&OWNER)?;
                match (fields.text("run_id"), fields.text("model_id")) {
                    (run, "") if !run.is_empty() => asked.run(run, action).await,
                    ("", model) if !model.is_empty() => asked.logged_model(model, action).await,
                    _ => Err(MlflowError::invalid("Exactly one of run_id and model_id must be provided.")),
                }
            }
            Self::NewLoggedModel => {
                let fields = asked.fields(&NEW_LOGGED_MODEL)?;
                let new = Needs::all(new_in(fields.text("experiment_id"), LoggedModel));
                match fields.some_text("source_run_id") {
                    Some(run) => Ok(both(Some(new), asked.run(run, Action::Read).await?)),
                    None => Ok(Some(new)),
                }
            }
            Self::LoggedModel(action) => asked.logged_model(&asked.text("model_id", &MODEL)?, action).await,
            Self::SearchLoggedModels => {
                let filter = asked.fields(&FILTER)?;
                everything(veto_if_named(filter.text("filter"), "source_run_id", Run))
            }
            Self::NewDataset | Self::SearchDatasets => {
                let action = if matches!(self, Self::NewDataset) { Action::Update } else { Action::Read };
                let ids = asked.fields(&EXPERIMENTS)?.texts("experiment_ids");
                // Without experiments every dataset of the server would be meant.
                if ids.is_empty() {
                    return Ok(None);
                }
                everything(ids.iter().map(|id| Requirement::on(Experiment, id, action)).collect())
            }
            Self::Dataset(action) => dataset(asked, action).await,
            Self::DatasetAndExperiments => {
                let ids = asked.fields(&EXPERIMENTS)?.texts("experiment_ids");
                let added = ids.iter().map(|id| Requirement::on(Experiment, id, Action::Update)).collect();
                Ok(both(dataset(asked, Action::Update).await?, Some(Needs::all(added))))
            }
            Self::Artifact(action) => Ok(artifact::needs(asked, action)),
            Self::NewModel
            | Self::Model(_)
            | Self::WholeModel
            | Self::Alias(_)
            | Self::NewVersion
            | Self::ReadVersion
            | Self::Version(_)
            | Self::VersionFile
            | Self::SearchVersions => registry::needs(self, asked).await,
            _ => traces::needs(self, asked).await,
        }
    }
}

/// What an experiment holds, and what goes with it.
const TIERS: [ResourceType; 7] = [
    ResourceType::Run,
    ResourceType::Trace,
    ResourceType::LoggedModel,
    ResourceType::Assessment,
    ResourceType::ReviewQueue,
    ResourceType::Scorer,
    ResourceType::ScorerVersion,
];

/// A search that names something by a field tells of it by what it finds, even where the field itself is withheld.
pub(super) fn veto_if_named(filter: &str, field: &str, kind: ResourceType) -> Vec<Requirement> {
    if filter.to_ascii_lowercase().contains(field) {
        vec![Requirement::every(kind, Action::NotDenied)]
    } else {
        Vec::new()
    }
}

fn named<'a>(parts: impl Iterator<Item = &'a Fields>) -> Vec<String> {
    let mut models: Vec<String> =
        parts.filter_map(|part| part.some_text("model_id")).map(str::to_owned).collect();
    models.sort();
    models.dedup();
    models
}

/// A change of a run, and of every logged model that it writes to; each belongs to an experiment of its own.
async fn run_and_models(asked: &Asked<'_>, models: Vec<String>) -> Found {
    let mut needs = asked.run(&asked.run_id()?, Action::Update).await?;
    for model in models {
        needs = both(needs, asked.logged_model(&model, Action::Update).await?);
    }
    Ok(needs)
}

async fn some_runs(asked: &Asked<'_>, name: &str) -> Found {
    let mut all = Vec::new();
    for id in asked.call.query_all(name) {
        // A run that is not there hides nothing: the handler says so.
        if let Some(experiment) = asked.lookup.experiment_of_run(&id).await? {
            all.extend(within(&experiment, ResourceType::Run, Action::Read));
        }
    }
    Ok(Some(Needs::all(all)))
}

async fn dataset(asked: &Asked<'_>, action: Action) -> Found {
    let id = asked.text("dataset_id", &DATASET)?;
    let experiments = asked.lookup.experiments_of_dataset(&id).await?.unwrap_or_default();
    if experiments.is_empty() {
        return Ok(None);
    }
    let all = experiments.iter().map(|id| Requirement::on(ResourceType::Experiment, id, action)).collect();
    Ok(Some(Needs::all(all)))
}
