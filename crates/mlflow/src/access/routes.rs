//! MLflow's routes: what each is about, and what is done with its answer.

use super::about::About;
use super::about::About::*;
use super::answer::{Rows, Then};
use super::permission::Action::{Delete, Manage, Read, Update};
use super::resource::ResourceType;

/// What a route's requests need, and what comes after.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What its requests are about.
    pub about: About,
    /// Whether changing it is an operator's work: a scientist's role allows no more than to read it.
    pub operates: bool,
    /// A search within `experiment_ids`, for things of this kind: experiments that the caller may not read are taken
    /// out of the question.
    pub scope: Option<ResourceType>,
    /// What is done with a good answer.
    pub then: &'static [Then],
}

/// A route and its rule.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, without `/api` or `/ajax-api` if it has both; `{name}` is one segment, `{*name}` all that follow.
    pub path: &'static str,
    /// What it needs.
    pub rule: Rule,
}

impl Route {
    /// A route that is about something.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str, about: About) -> Self {
        Self { method, path, rule: Rule { about, operates: false, scope: None, then: &[] } }
    }

    /// Changing it is an operator's work.
    #[must_use]
    pub const fn operates(mut self) -> Self {
        self.rule.operates = true;
        self
    }

    /// It searches things of a kind within experiments.
    #[must_use]
    pub const fn within(mut self, kind: ResourceType) -> Self {
        self.rule.scope = Some(kind);
        self
    }

    /// What is done with a good answer.
    #[must_use]
    pub const fn then(mut self, then: &'static [Then]) -> Self {
        self.rule.then = then;
        self
    }
}

const fn get(path: &'static str, about: About) -> Route {
    Route::new("GET", path, about)
}

const fn post(path: &'static str, about: About) -> Route {
    Route::new("POST", path, about)
}

const fn patch(path: &'static str, about: About) -> Route {
    Route::new("PATCH", path, about)
}

const fn delete(path: &'static str, about: About) -> Route {
    Route::new("DELETE", path, about)
}

const LOGGED_MODEL: ResourceType = ResourceType::LoggedModel;
const RUN: ResourceType = ResourceType::Run;

/// Names of logged models in runs.
const IN_RUNS: &[Then] = &[Then::Withhold(&[(LOGGED_MODEL, &["model_inputs", "model_outputs", "model_id"])])];
/// Names of logged models in metrics.
const IN_METRICS: &[Then] = &[Then::Withhold(&[(LOGGED_MODEL, &["model_id"])])];
/// Names of runs in logged models.
const IN_LOGGED_MODELS: &[Then] = &[Then::Withhold(&[(RUN, &["run_id", "source_run_id"])])];
/// What of runs and logged models stands in versions.
const VERSION_FIELDS: Then = Then::Withhold(&[
    (RUN, &["run_id", "run_link"]),
    (LOGGED_MODEL, &["model_id", "model_params", "model_metrics"]),
]);
const IN_VERSIONS: &[Then] = &[VERSION_FIELDS];
const IN_MODELS: &[Then] = &[Then::WithholdVersions, VERSION_FIELDS];
/// What of runs, logged models and assessments stands in traces.
const TRACE_FIELDS: Then = Then::Withhold(&[
    (RUN, &["mlflow.sourceRun"]),
    (LOGGED_MODEL, &["mlflow.modelId"]),
    (ResourceType::Assessment, &["assessments"]),
]);
const IN_TRACES: &[Then] = &[TRACE_FIELDS];

/// MLflow's own routes.
pub static MLFLOW: &[Route] = &[
    post("/2.0/mlflow/experiments/create", NewExperiment).then(&[Then::OwnExperiment]),
    get("/2.0/mlflow/experiments/search", Anybody).then(SEARCHED_EXPERIMENTS),
    post("/2.0/mlflow/experiments/search", Anybody).then(SEARCHED_EXPERIMENTS),
    get("/2.0/mlflow/experiments/get", Experiment(Read)),
    get("/2.0/mlflow/experiments/get-by-name", ExperimentNamed(Read)),
    post("/2.0/mlflow/experiments/delete", WholeExperiment),
    post("/2.0/mlflow/experiments/restore", WholeExperiment),
    post("/2.0/mlflow/experiments/update", Experiment(Update)),
    post("/2.0/mlflow/experiments/set-experiment-tag", Experiment(Update)),
    post("/2.0/mlflow/experiments/delete-experiment-tag", Experiment(Update)),
    post("/2.0/mlflow/experiments/search-datasets", Experiments(Read)),
    post("/2.0mlflow/experiments/search-datasets", Experiments(Read)),
    post("/2.0/mlflow/runs/create", NewRun),
    get("/2.0/mlflow/runs/get", Run(Read)).then(IN_RUNS),
    post("/2.0/mlflow/runs/search", Anybody).within(RUN).then(IN_RUNS),
    post("/2.0/mlflow/runs/update", Run(Update)),
    post("/2.0/mlflow/runs/delete", Run(Delete)),
    post("/2.0/mlflow/runs/restore", Run(Delete)),
    post("/2.0/mlflow/runs/log-metric", RunMetric),
    post("/2.0/mlflow/runs/log-batch", RunBatch),
    post("/2.0/mlflow/runs/log-inputs", RunModels),
    post("/2.0/mlflow/runs/outputs", RunModels),
    post("/2.0/mlflow/runs/log-model", Run(Update)),
    post("/2.0/mlflow/runs/log-parameter", Run(Update)),
    post("/2.0/mlflow/runs/set-tag", Run(Update)),
    post("/2.0/mlflow/runs/delete-tag", Run(Update)),
    get("/2.0/mlflow/metrics/get-history", Run(Read)).then(IN_METRICS),
    get("/2.0/mlflow/metrics/get-history-bulk", RunsInQuery("run_id")),
    get("/2.0/mlflow/metrics/get-history-bulk-interval", RunsInQuery("run_ids")),
    get("/2.0/mlflow/artifacts/list", Run(Read)),
    post("/2.0/mlflow/artifacts/presigned-download-url", Run(Read)),
    post("/2.0/mlflow/artifacts/presigned-upload-url", RunOrLoggedModel(Update)),
    post("/2.0/mlflow/upload-artifact", RunInQuery(Update)),
    get("/get-artifact", RunInQuery(Read)),
    post("/2.0/mlflow/logged-models", NewLoggedModel).then(IN_LOGGED_MODELS),
    post("/2.0/mlflow/logged-models/search", SearchLoggedModels).within(LOGGED_MODEL).then(IN_LOGGED_MODELS),
    get("/2.0/mlflow/logged-models/{model_id}", LoggedModel(Read)).then(IN_LOGGED_MODELS),
    patch("/2.0/mlflow/logged-models/{model_id}", LoggedModel(Update)).then(IN_LOGGED_MODELS),
    delete("/2.0/mlflow/logged-models/{model_id}", LoggedModel(Delete)),
    post("/2.0/mlflow/logged-models/{model_id}/params", LoggedModel(Update)),
    patch("/2.0/mlflow/logged-models/{model_id}/tags", LoggedModel(Update)).then(IN_LOGGED_MODELS),
    delete("/2.0/mlflow/logged-models/{model_id}/tags/{tag_key}", LoggedModel(Delete)),
    get("/2.0/mlflow/logged-models/{model_id}/artifacts/directories", LoggedModel(Read)),
    get("/2.0/mlflow/logged-models/{model_id}/artifacts/files", LoggedModel(Read)),
    post("/2.0/mlflow/registered-models/create", NewModel).then(&[Then::OwnModel]),
    get("/2.0/mlflow/registered-models/get", Model(Read)).then(IN_MODELS),
    patch("/2.0/mlflow/registered-models/update", Model(Update)).then(IN_MODELS),
    post("/2.0/mlflow/registered-models/rename", Model(Update)).then(&[
        Then::RenameModel,
        Then::WithholdVersions,
        VERSION_FIELDS,
    ]),
    delete("/2.0/mlflow/registered-models/delete", WholeModel).then(&[Then::ForgetModel]),
    get("/2.0/mlflow/registered-models/search", Anybody).then(&[
        Then::Keep("registered_models", Rows::Models),
        Then::WithholdVersions,
        VERSION_FIELDS,
    ]),
    get("/2.0/mlflow/registered-models/get-latest-versions", ReadVersion).then(IN_VERSIONS),
    post("/2.0/mlflow/registered-models/get-latest-versions", ReadVersion).then(IN_VERSIONS),
    post("/2.0/mlflow/registered-models/set-tag", Model(Update)),
    delete("/2.0/mlflow/registered-models/delete-tag", Model(Update)),
    get("/2.0/mlflow/registered-models/alias", ReadVersion).then(IN_VERSIONS),
    post("/2.0/mlflow/registered-models/alias", Alias(Update)).operates(),
    delete("/2.0/mlflow/registered-models/alias", Alias(Delete)).operates(),
    post("/2.0/mlflow/model-versions/create", NewVersion).then(IN_VERSIONS),
    get("/2.0/mlflow/model-versions/get", ReadVersion).then(IN_VERSIONS),
    patch("/2.0/mlflow/model-versions/update", Version(Update)).then(IN_VERSIONS),
    delete("/2.0/mlflow/model-versions/delete", Version(Delete)),
    post("/2.0/mlflow/model-versions/set-tag", Version(Update)),
    delete("/2.0/mlflow/model-versions/delete-tag", Version(Delete)),
    post("/2.0/mlflow/model-versions/transition-stage", Version(Update)).then(IN_VERSIONS),
    get("/2.0/mlflow/model-versions/get-download-uri", ReadVersion),
    get("/2.0/mlflow/model-versions/search", SearchVersions)
        .then(&[Then::Keep("model_versions", Rows::Versions), VERSION_FIELDS]),
    get("/model-versions/get-artifact", VersionFile),
    get("/2.0/mlflow/webhooks", Admin),
    post("/2.0/mlflow/webhooks", Admin),
    get("/2.0/mlflow/webhooks/{webhook_id}", Admin),
    patch("/2.0/mlflow/webhooks/{webhook_id}", Admin),
    delete("/2.0/mlflow/webhooks/{webhook_id}", Admin),
    post("/2.0/mlflow/webhooks/{webhook_id}/test", Admin),
    post("/2.0/mlflow/traces", NewTrace).then(IN_TRACES),
    get("/2.0/mlflow/traces", SearchTraces).then(IN_TRACES),
    post("/2.0/mlflow/traces/delete-traces", DeleteTraces),
    post("/2.0/mlflow/traces/link-to-run", LinkTraces),
    post("/2.0/mlflow/traces/link-prompts", Trace("trace_id", Update)),
    patch("/2.0/mlflow/traces/{request_id}", Trace("request_id", Update)).then(IN_TRACES),
    get("/2.0/mlflow/traces/{request_id}/info", Trace("request_id", Read)).then(IN_TRACES),
    patch("/2.0/mlflow/traces/{request_id}/tags", Trace("request_id", Update)),
    delete("/2.0/mlflow/traces/{request_id}/tags", Trace("request_id", Update)),
    get("/2.0/mlflow/get-trace-artifact", Trace("request_id", Read)),
    get("/3.0/mlflow/get-trace-artifact", Trace("request_id", Read)),
    post("/3.0/mlflow/traces", NewTraceV3).then(IN_TRACES),
    post("/3.0/mlflow/traces/search", SearchTracesV3).then(IN_TRACES),
    get("/3.0/mlflow/traces/get", Trace("trace_id", Read)).then(IN_TRACES),
    get("/3.0/mlflow/traces/batchGet", SomeTraces).then(&[Then::Keep("traces", Rows::Traces), TRACE_FIELDS]),
    post("/3.0/mlflow/traces/batchGetInfos", SomeTraces)
        .then(&[Then::Keep("trace_infos", Rows::TraceInfos), TRACE_FIELDS]),
    post("/3.0/mlflow/traces/calculate-filter-correlation", TraceCorrelation),
    post("/3.0/mlflow/traces/metrics", TraceMetrics),
    post("/3.0/mlflow/traces/delete-traces", DeleteTraces),
    get("/3.0/mlflow/traces/{trace_id}", Trace("trace_id", Read)).then(IN_TRACES),
    patch("/3.0/mlflow/traces/{trace_id}/tags", Trace("trace_id", Update)),
    delete("/3.0/mlflow/traces/{trace_id}/tags", Trace("trace_id", Update)),
    post("/3.0/mlflow/traces/{trace_id}/assessments", NewAssessment),
    get("/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", Assessment(Read)),
    patch("/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", Assessment(Update)),
    delete("/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", Assessment(Delete)),
    post("/v1/traces", Spans),
    post("/3.0/mlflow/datasets/create", NewDataset),
    get("/3.0/mlflow/datasets/search", SearchDatasets),
    post("/3.0/mlflow/datasets/search", SearchDatasets),
    get("/3.0/mlflow/datasets/{dataset_id}", Dataset(Read)),
    delete("/3.0/mlflow/datasets/{dataset_id}", Dataset(Delete)),
    patch("/3.0/mlflow/datasets/{dataset_id}/tags", Dataset(Update)),
    delete("/3.0/mlflow/datasets/{dataset_id}/tags/{key}", Dataset(Update)),
    get("/3.0/mlflow/datasets/{dataset_id}/records", Dataset(Read)),
    post("/3.0/mlflow/datasets/{dataset_id}/records", Dataset(Update)),
    delete("/3.0/mlflow/datasets/{dataset_id}/records", Dataset(Update)),
    get("/3.0/mlflow/datasets/{dataset_id}/experiment-ids", Dataset(Read)),
    post("/3.0/mlflow/datasets/{dataset_id}/add-experiments", DatasetAndExperiments),
    post("/3.0/mlflow/datasets/{dataset_id}/remove-experiments", Dataset(Update)),
    get("/2.0/mlflow-artifacts/artifacts", Artifact(Read)).then(&[Then::HideRuns]),
    get("/2.0/mlflow-artifacts/artifacts/{*path}", Artifact(Read)),
    Route::new("PUT", "/2.0/mlflow-artifacts/artifacts/{*path}", Artifact(Update)),
    delete("/2.0/mlflow-artifacts/artifacts/{*path}", Artifact(Manage)),
    post("/2.0/mlflow-artifacts/mpu/create/{*path}", Artifact(Update)),
    post("/2.0/mlflow-artifacts/mpu/complete/{*path}", Artifact(Update)),
    post("/2.0/mlflow-artifacts/mpu/abort/{*path}", Artifact(Update)),
    get("/2.0/mlflow-artifacts/presigned/{*path}", Artifact(Read)),
    // These look at the caller's rights themselves.
    get("/graphql", Anybody),
    post("/graphql", Anybody),
    get("/2.0/mlflow/users/{*rest}", Anybody),
    post("/2.0/mlflow/users/{*rest}", Anybody),
    patch("/2.0/mlflow/users/{*rest}", Anybody),
    delete("/2.0/mlflow/users/{*rest}", Anybody),
    get("/3.0/mlflow/users/{*rest}", Anybody),
    post("/3.0/mlflow/users/{*rest}", Anybody),
    get("/3.0/mlflow/roles/{*rest}", Anybody),
    post("/3.0/mlflow/roles/{*rest}", Anybody),
    patch("/3.0/mlflow/roles/{*rest}", Anybody),
    delete("/3.0/mlflow/roles/{*rest}", Anybody),
    // These tell nothing of what anybody keeps here.
    get("/3.0/mlflow/workspaces", Anybody),
    get("/3.0/mlflow/workspaces/{workspace_name}", Anybody),
    get("/3.0/mlflow/ui-telemetry", Anybody),
    post("/3.0/mlflow/ui-telemetry", Anybody),
    get("/version", Anybody),
];

const SEARCHED_EXPERIMENTS: &[Then] = &[Then::Keep("experiments", Rows::Experiments)];
