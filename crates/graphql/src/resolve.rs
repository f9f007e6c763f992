//! Where the fields of queries and mutations come from.

use ropewalk_mlflow::access::{Action, Requirement, ResourceType, Rights, Rows, Then, answer};
use serde_json::{Map, Value as Json, json};

use crate::ast::OperationKind;
use crate::backend::Backend;

/// The most runs of which MLflow's route tells the history at once.
const MOST_HISTORIES: usize = 100;
/// The most runs of a page.
const MOST_RUNS: i64 = 50_000;

/// What a field comes to: none where it is null.
type Resolved = Result<Option<Json>, String>;

/// Whoever asks, and where what they ask for comes from.
pub(crate) struct Resolver<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) rights: &'a Rights,
}

impl Resolver<'_> {
    /// What a field of the query or of the mutation comes to.
    pub(crate) async fn resolve(
        &self,
        kind: OperationKind,
        name: &str,
        given: &Map<String, Json>,
    ) -> Resolved {
        match name {
            "test" => {
                return match given.get("inputString") {
                    Some(text) => Ok(Some(json!({"output": text}))),
                    None => {
                        Err("Query.resolve_test() missing 1 required positional argument: 'input_string'"
                            .to_owned())
                    }
                };
            }
            "testMutation" => return Ok(None),
            _ => {}
        }
        let Some((class, method, message)) = known(kind, name) else { return Ok(None) };
        let input = match given.get("input") {
            None => {
                return Err(format!(
                    "{class}.resolve_{method}() missing 1 required positional argument: 'input'"
                ));
            }
            Some(Json::Object(input)) => Input(input),
            Some(_) => return Err("vars() argument must have __dict__ attribute".to_owned()),
        };
        input.refuse_nulls(message)?;
        match name {
            "mlflowGetExperiment" => self.experiment(&input).await,
            "mlflowGetRun" => self.run(&input).await,
            "mlflowListArtifacts" => self.artifacts(&input).await,
            "mlflowGetMetricHistoryBulkInterval" => self.histories(&input).await,
            "mlflowSearchRuns" => self.runs(&input).await,
            "mlflowSearchDatasets" => self.datasets(&input).await,
            "mlflowSearchModelVersions" => self.versions(&input).await,
            _ => Ok(None),
        }
    }

    async fn experiment(&self, input: &Input<'_>) -> Resolved {
        // Without an identifier it is the first experiment.
        let id = input.some_text("experimentId").unwrap_or("0").to_owned();
        if !self.rights.may_read(ResourceType::Experiment, &id) {
            return Ok(None);
        }
        self.backend.get("experiments/get", &[("experiment_id", id)]).await.map(Some)
    }

    async fn run(&self, input: &Input<'_>) -> Resolved {
        let mut found = match self.backend.get("runs/get", &[("run_id", input.run_id()?)]).await {
            Ok(found) => found,
            // Whoever may not read everything is not told what there is.
            Err(_) if self.rights.hide_something() => return Ok(None),
            Err(fault) => return Err(fault),
        };
        if !self.shows_run(&found["run"]) {
            return Ok(None);
        }
        self.withhold(&mut found);
        Ok(Some(found))
    }

    fn shows_run(&self, run: &Json) -> bool {
        let experiment = run.pointer("/info/experiment_id").and_then(Json::as_str).unwrap_or_default();
        answer::reads_within(self.rights, experiment, ResourceType::Run)
    }

    /// Takes out of runs which logged models there are, where all of them are denied.
    fn withhold(&self, found: &mut Json) {
        const LINKS: &[&str] = &["model_inputs", "model_outputs", "model_id"];
        answer::withhold(found, &[Then::Withhold(&[(ResourceType::LoggedModel, LINKS)])], self.rights);
    }

    /// Whether a run may be read; it is looked for only if something is hidden from the caller.
    async fn may_read(&self, run: &str) -> bool {
        if !self.rights.hide_something() {
            return true;
        }
        let found = self.backend.get("runs/get", &[("run_id", run.to_owned())]).await;
        found.is_ok_and(|found| self.shows_run(&found["run"]))
    }

    async fn artifacts(&self, input: &Input<'_>) -> Resolved {
        let run = input.run_id()?;
        if !self.may_read(&run).await {
            return Ok(None);
        }
        let mut query = vec![("run_id", run)];
        query.extend(input.some_text("path").map(|path| ("path", path.to_owned())));
        query.extend(input.some_text("pageToken").map(|token| ("page_token", token.to_owned())));
        self.backend.get("artifacts/list", &query).await.map(Some)
    }

    /// Histories of one metric. The server takes the interval and the number of points from the address, where a query
    /// has none: they have no effect.
    async fn histories(&self, input: &Input<'_>) -> Resolved {
        let (runs, metric) = (input.texts("runIds"), input.some_text("metricKey").unwrap_or_default());
        for run in &runs {
            if !self.may_read(run).await {
                return Ok(None);
            }
        }
        let mut metrics = Vec::new();
        for some in runs.chunks(MOST_HISTORIES).filter(|_| !metric.is_empty()) {
            let mut query: Vec<(&str, String)> = some.iter().map(|run| ("run_ids", run.clone())).collect();
            query.push(("metric_key", metric.to_owned()));
            let mut found = self.backend.get("metrics/get-history-bulk-interval", &query).await?;
            if let Some(Json::Array(more)) = found.get_mut("metrics") {
                metrics.append(more);
            }
        }
        Ok(Some(json!({"metrics": metrics})))
    }

    /// The experiments of a search that the caller may read; none if there were some and none is left.
    fn readable(&self, input: &Input<'_>, kind: Option<ResourceType>) -> Option<Vec<String>> {
        let mut ids = input.texts("experimentIds");
        let named = !ids.is_empty();
        ids.retain(|id| match kind {
            Some(kind) => answer::reads_within(self.rights, id, kind),
            None => self.rights.may_read(ResourceType::Experiment, id),
        });
        (!named || !ids.is_empty()).then_some(ids)
    }

    async fn runs(&self, input: &Input<'_>) -> Resolved {
        let Some(experiments) = self.readable(input, Some(ResourceType::Run)) else { return Ok(None) };
        let most = input.0.get("maxResults").and_then(Json::as_i64);
        if let Some(most) = most.filter(|most| *most > MOST_RUNS) {
            return Err(format!(
                "Invalid value {most} for parameter 'max_results' supplied. It must be at most {MOST_RUNS}"
            ));
        }
        if experiments.is_empty() {
            return Ok(Some(json!({})));
        }
        let mut body = json!({"experiment_ids": experiments});
        for (name, member) in [
            ("filter", "filter"),
            ("runViewType", "run_view_type"),
            ("maxResults", "max_results"),
            ("orderBy", "order_by"),
            ("pageToken", "page_token"),
        ] {
            if let Some(value) = input.0.get(name).filter(|value| !value.is_null()) {
                body[member] = value.clone();
            }
        }
        let mut found = self.backend.post("runs/search", &body).await?;
        self.withhold(&mut found);
        Ok(Some(found))
    }

    async fn datasets(&self, input: &Input<'_>) -> Resolved {
        let Some(experiments) = self.readable(input, None) else { return Ok(None) };
        self.backend
            .post("experiments/search-datasets", &json!({"experiment_ids": experiments}))
            .await
            .map(Some)
    }

    async fn versions(&self, input: &Input<'_>) -> Resolved {
        let filter = input.some_text("filter").unwrap_or_default();
        // What a search finds by its run tells of the run.
        let runs = Requirement::every(ResourceType::Run, Action::NotDenied);
        if filter.to_ascii_lowercase().contains("run_id") && !self.rights.meet(&runs) {
            return Ok(None);
        }
        let mut query = vec![("filter", filter.to_owned())];
        if let Some(most) = input.0.get("maxResults").and_then(Json::as_i64) {
            query.push(("max_results", most.to_string()));
        }
        query.extend(input.texts("orderBy").into_iter().map(|order| ("order_by", order)));
        query.extend(input.some_text("pageToken").map(|token| ("page_token", token.to_owned())));
        let mut found = self.backend.get("model-versions/search", &query).await?;
        answer::keep(&mut found, "model_versions", Rows::Versions, self.rights);
        const RUN: &[&str] = &["run_id", "run_link"];
        const MODEL: &[&str] = &["model_id", "model_params", "model_metrics"];
        let kinds: &[Then] =
            &[Then::Withhold(&[(ResourceType::Run, RUN), (ResourceType::LoggedModel, MODEL)])];
        answer::withhold(&mut found, kinds, self.rights);
        Ok(Some(found))
    }
}

/// The class and the method by which the server resolves a field, and the message that its input becomes; faults name
/// them.
fn known(kind: OperationKind, name: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let query = kind == OperationKind::Query;
    Some(match name {
        "mlflowGetExperiment" => ("QueryType", "mlflow_get_experiment", "GetExperiment"),
        "mlflowGetRun" => ("QueryType", "mlflow_get_run", "GetRun"),
        "mlflowListArtifacts" => ("QueryType", "mlflow_list_artifacts", "ListArtifacts"),
        "mlflowGetMetricHistoryBulkInterval" => {
            ("QueryType", "mlflow_get_metric_history_bulk_interval", "GetMetricHistoryBulkInterval")
        }
        "mlflowSearchModelVersions" => ("QueryType", "mlflow_search_model_versions", "SearchModelVersions"),
        "mlflowSearchRuns" => {
            (if query { "Query" } else { "MutationType" }, "mlflow_search_runs", "SearchRuns")
        }
        "mlflowSearchDatasets" => ("MutationType", "mlflow_search_datasets", "SearchDatasets"),
        _ => return None,
    })
}

/// A field's input.
struct Input<'a>(&'a Map<String, Json>);

impl Input<'_> {
    fn some_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let items = self.0.get(name).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// The run's identifier, under its new name or its old one.
    fn run_id(&self) -> Result<String, String> {
        let found = self.some_text("runId").or_else(|| self.some_text("runUuid"));
        found.map(str::to_owned).ok_or_else(|| "Run with id= not found".to_owned())
    }

    /// Refuses a list with nothing in one of its places.
    fn refuse_nulls(&self, message: &str) -> Result<(), String> {
        for (name, field) in
            [("runIds", "run_ids"), ("experimentIds", "experiment_ids"), ("orderBy", "order_by")]
        {
            let items = self.0.get(name).and_then(Json::as_array).into_iter().flatten();
            if let Some(index) = items.into_iter().position(Json::is_null) {
                return Err(format!(
                    "Failed to parse {field} field: null is not allowed to be used as an element in a repeated field \
                     at {message}.{field}[{index}]."
                ));
            }
        }
        Ok(())
    }
}
