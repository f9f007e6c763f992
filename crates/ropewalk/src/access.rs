//! What our own routes are about, and where things belong: what the credentials' layer asks before a request reaches a
//! feature. MLflow's routes are known there already.

use async_trait::async_trait;
use ropewalk_core::{Code, Result};
use ropewalk_mlflow::access::{
    About, Action, Asked, Lookup, Needs, Own, PROMPT_TAG, Registered, Requirement, ResourceType, Route, Rows,
    Then, both, new_in, within,
};
use ropewalk_mlflow::message::{Message, text, texts};
use ropewalk_mlflow::{MlflowError, MlflowResult};
use ropewalk_models::Models;
use ropewalk_runs::Runs;

/// Finds where things belong by asking the features.
pub(crate) struct Belongings {
    pub(crate) runs: Runs,
    pub(crate) models: Models,
}

/// What was found; none if there is nothing.
fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        // An identifier that cannot be one stands for nothing.
        Err(error) if matches!(error.code(), Code::NotFound | Code::Invalid) => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Lookup for Belongings {
    async fn experiment_named(&self, name: &str) -> Result<Option<String>> {
        let experiment = found(self.runs.get_experiment_by_name(name).await)?;
        Ok(experiment.map(|experiment| experiment.experiment_id))
    }

    async fn experiment_of_run(&self, run: &str) -> Result<Option<String>> {
        let mut info = found(self.runs.run_info(run).await)?;
        // Our own routes take the beginning of an identifier, too.
        if info.is_none()
            && let Some(whole) = found(self.runs.expand_run_id(run).await)?
        {
            info = found(self.runs.run_info(&whole).await)?;
        }
        Ok(info.map(|info| info.experiment_id))
    }

    async fn experiment_of_logged_model(&self, model: &str) -> Result<Option<String>> {
        let model = found(self.runs.get_logged_model(model).await)?;
        Ok(model.map(|model| model.experiment_id))
    }

    async fn experiment_of_trace(&self, _trace: &str) -> Result<Option<String>> {
        Ok(None)
    }

    async fn experiments_of_dataset(&self, _dataset: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    async fn registered(&self, name: &str) -> Result<Option<Registered>> {
        let model = found(self.models.model(name).await)?;
        Ok(model.map(|model| {
            let prompt = model.tags.get(PROMPT_TAG).is_some_and(|value| value.eq_ignore_ascii_case("true"));
            if prompt { Registered::Prompt } else { Registered::Model }
        }))
    }
}

static RUN_IDS: Message = Message(&[texts("run_ids")]);
static BULK: Message = Message(&[texts("run_ids"), text("action"), text("experiment")]);
static EXPERIMENTS: Message = Message(&[texts("experiments")]);
static EXPERIMENT: Message = Message(&[text("experiment")]);

/// What shows a bit of everything: whoever may not read all does not see it.
#[derive(Debug)]
struct Everything;

#[async_trait]
impl Own for Everything {
    fn level(&self) -> Action {
        Action::Read
    }

    async fn needs(&self, _asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        Ok(None)
    }
}

/// What is brought in from another store may change anything that is here: whoever may not change all does not bring in.
#[derive(Debug)]
struct Importing;

#[async_trait]
impl Own for Importing {
    fn level(&self) -> Action {
        Action::Update
    }

    async fn needs(&self, _asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        Ok(None)
    }
}

/// One experiment, by its number or its name.
#[derive(Debug)]
struct OneExperiment(Action);

#[async_trait]
impl Own for OneExperiment {
    fn level(&self) -> Action {
        self.0
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        let mut all = Vec::new();
        for id in named(asked, asked.variable("experiment").unwrap_or_default()).await? {
            all.push(Requirement::on(ResourceType::Experiment, &id, self.0));
            if self.0 == Action::Delete {
                all.push(Requirement::every(ResourceType::Run, self.0).or(
                    ResourceType::Experiment,
                    &id,
                    self.0,
                ));
            }
        }
        Ok(Some(Needs::all(all)))
    }
}

/// Several runs, named in the body.
#[derive(Debug)]
struct SeveralRuns;

#[async_trait]
impl Own for SeveralRuns {
    fn level(&self) -> Action {
        Action::Read
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        runs(asked, &asked.fields(&RUN_IDS)?.texts("run_ids"), Action::Read).await
    }
}

/// Something is done to several runs.
#[derive(Debug)]
struct Bulk;

#[async_trait]
impl Own for Bulk {
    fn level(&self) -> Action {
        Action::Delete
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        let fields = asked.fields(&BULK)?;
        let action = fields.text("action");
        let needed = if matches!(action, "tag" | "untag") { Action::Update } else { Action::Delete };
        let all = runs(asked, &fields.texts("run_ids"), needed).await?;
        if action != "move" {
            return Ok(all);
        }
        let mut there = Needs::default();
        for id in named(asked, fields.text("experiment")).await? {
            there.all.extend(new_in(&id, ResourceType::Run));
        }
        Ok(both(all, Some(there)))
    }
}

/// Runs of experiments that the body or the query names; all of them if it names none.
#[derive(Debug)]
struct RunsOfExperiments;

#[async_trait]
impl Own for RunsOfExperiments {
    fn level(&self) -> Action {
        Action::Read
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        let mut experiments = match asked.call.query("experiments") {
            Some(list) => list.split(',').map(|name| name.trim().to_owned()).collect(),
            None if asked.call.body().is_empty() => Vec::new(),
            None => asked.fields(&EXPERIMENTS)?.texts("experiments"),
        };
        experiments.retain(|name| !name.is_empty());
        let mut all = Vec::new();
        for name in &experiments {
            for id in named(asked, name).await? {
                all.extend(within(&id, ResourceType::Run, Action::Read));
            }
        }
        Ok((!experiments.is_empty()).then(|| Needs::all(all)))
    }
}

/// A run is made in an experiment, which is made if it is new.
#[derive(Debug)]
struct NewRunIn;

#[async_trait]
impl Own for NewRunIn {
    fn level(&self) -> Action {
        Action::Update
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        let fields = asked.fields(&EXPERIMENT)?;
        let name = fields.some_text("experiment").unwrap_or(ropewalk_learn::DEFAULT_EXPERIMENT);
        Ok(Some(Needs::all(match asked.lookup.experiment_named(name).await? {
            Some(id) => new_in(&id, ResourceType::Run),
            None => vec![
                Requirement::creates(),
                Requirement::every(ResourceType::Experiment, Action::NotDenied),
                Requirement::every(ResourceType::Run, Action::NotDenied),
            ],
        })))
    }
}

/// A model's run becomes its next version; the model is made if it is new.
#[derive(Debug)]
struct NewVersion;

#[async_trait]
impl Own for NewVersion {
    fn level(&self) -> Action {
        Action::Update
    }

    async fn needs(&self, asked: &Asked<'_>) -> MlflowResult<Option<Needs>> {
        static RUN: Message = Message(&[text("run_id")]);
        let name = asked.variable("name").unwrap_or_default();
        let all = match asked.lookup.registered(name).await? {
            Some(kind) => vec![
                Requirement::on(kind.kind(), name, Action::Update),
                Requirement::every(kind.versions(), Action::NotDenied),
            ],
            None => vec![
                Requirement::creates(),
                Requirement::on(ResourceType::RegisteredModel, name, Action::NotDenied),
                Requirement::every(ResourceType::RegisteredModelVersion, Action::NotDenied),
            ],
        };
        let run = asked.fields(&RUN)?.text("run_id").to_owned();
        Ok(both(Some(Needs::all(all)), asked.run(&run, Action::Read).await?))
    }
}

async fn runs(asked: &Asked<'_>, ids: &[String], action: Action) -> MlflowResult<Option<Needs>> {
    let mut needs = Some(Needs::default());
    for id in ids {
        needs = both(needs, asked.run(id, action).await?);
    }
    Ok(needs)
}

/// The experiments that a word can mean: the one of that name, and the one of that number.
async fn named(asked: &Asked<'_>, word: &str) -> Result<Vec<String>, MlflowError> {
    let mut ids: Vec<String> = asked.lookup.experiment_named(word).await?.into_iter().collect();
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        ids.push(word.to_owned());
    }
    Ok(ids)
}

use Action::{Delete, Read, Update};

const fn get(path: &'static str, about: About) -> Route {
    Route::new("GET", path, about)
}

const fn post(path: &'static str, about: About) -> Route {
    Route::new("POST", path, about)
}

const EVERYTHING: About = About::Own(&Everything);

/// Our own routes that show or change experiments, runs and registered models.
pub(crate) static ROUTES: &[Route] = &[
    get("/api/v1/experiments", About::Anybody).then(&[Then::Keep("items", Rows::Experiments)]),
    post("/api/v1/experiments", About::NewExperiment).then(&[Then::OwnExperiment]),
    Route::new("PATCH", "/api/v1/experiments/{experiment}", About::Own(&OneExperiment(Update))),
    Route::new("DELETE", "/api/v1/experiments/{experiment}", About::Own(&OneExperiment(Delete))),
    post("/api/v1/experiments/{experiment}/restore", About::Own(&OneExperiment(Delete))),
    get("/api/v1/experiments/{experiment}/views", About::Own(&OneExperiment(Read))),
    Route::new("PUT", "/api/v1/experiments/{experiment}/views/{view}", About::Own(&OneExperiment(Update))),
    Route::new("DELETE", "/api/v1/experiments/{experiment}/views/{view}", About::Own(&OneExperiment(Update))),
    get("/api/v1/runs", About::Anybody).then(&[Then::Keep("items", Rows::Of(ResourceType::Run))]),
    post("/api/v1/runs/table", About::Own(&RunsOfExperiments)),
    post("/api/v1/runs/columns", About::Own(&RunsOfExperiments)),
    post("/api/v1/runs/groups", About::Own(&RunsOfExperiments)),
    get("/api/v1/leaderboard", About::Own(&RunsOfExperiments)),
    post("/api/v1/runs/chart", About::Own(&SeveralRuns)),
    post("/api/v1/runs/compare", About::Own(&SeveralRuns)),
    post("/api/v1/runs/bulk", About::Own(&Bulk)),
    post("/api/v1/runs/gc", About::Admin),
    get("/api/v1/runs/{run_id}", About::Run(Read)),
    get("/api/v1/runs/{run_id}/metrics", About::Run(Read)),
    get("/api/v1/runs/{run_id}/artifacts", About::Run(Read)),
    get("/api/v1/runs/{run_id}/file", About::Run(Read)),
    // It makes another run beside the first.
    post("/api/v1/runs/{run_id}/reproduce", About::Run(Update)),
    post("/api/v1/train", About::Own(&NewRunIn)),
    post("/api/v1/sweeps", About::Own(&NewRunIn)),
    get("/api/v1/sweeps/{id}", EVERYTHING),
    get("/api/v1/models", About::Anybody).then(&[Then::Keep("", Rows::Models)]),
    get("/api/v1/models/{name}", About::ReadVersion),
    get("/api/v1/models/{name}/history", About::ReadVersion),
    post("/api/v1/models/{name}/versions", About::Own(&NewVersion)),
    get("/api/v1/models/{name}/versions/{version}", About::ReadVersion),
    Route::new("PUT", "/api/v1/models/{name}/aliases/{alias}", About::Alias(Update)).operates(),
    Route::new("DELETE", "/api/v1/models/{name}/aliases/{alias}", About::Alias(Delete)).operates(),
    post("/api/v1/import/experiments", About::Own(&Importing)).then(&[Then::OwnImported]),
    post("/api/v1/import/runs", About::Own(&Importing)),
    post("/api/v1/import/logged-models", About::Own(&Importing)),
    post("/api/v1/import/models", About::Own(&Importing)).then(&[Then::OwnImported]),
    get("/api/v1/import/files", EVERYTHING),
    get("/api/v1/webhooks/{id}/deliveries", About::Admin),
    get("/api/v1/journal", EVERYTHING),
    get("/api/v1/lineage", EVERYTHING),
    get("/api/v1/events", EVERYTHING),
    get("/api/v1/why", EVERYTHING),
    get("/api/v1/ledger/entries", EVERYTHING),
    get("/api/v1/jobs", EVERYTHING),
    get("/api/v1/jobs/{id}", EVERYTHING),
    // What is added below these and not said above is shown to nobody from whom something is hidden.
    get("/api/v1/experiments/{*rest}", EVERYTHING),
    get("/api/v1/runs/{*rest}", EVERYTHING),
    get("/api/v1/models/{*rest}", EVERYTHING),
];

#[cfg(test)]
mod tests {
    use ropewalk_mlflow::access::Table;

    use super::ROUTES;

    #[tokio::test]
    async fn every_own_route_of_experiments_runs_and_models_has_a_rule() {
        let text = crate::compose::openapi().await.unwrap_or_default();
        let description: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let table = Table::new(&[ROUTES]);
        let mut seen = 0;
        for (path, methods) in description["paths"].as_object().into_iter().flatten() {
            let guarded =
                ["experiments", "runs", "models", "import", "webhooks"].map(|kind| format!("/api/v1/{kind}"));
            if !guarded.iter().any(|prefix| path.starts_with(prefix.as_str())) {
                continue;
            }
            for method in methods.as_object().into_iter().flat_map(|methods| methods.keys()) {
                let method = method.to_uppercase();
                let found = table.find(&method, path);
                let said = found.is_some_and(|(_, names)| !names.iter().any(|(name, _)| *name == "rest"));
                assert!(said, "{method} {path} has no rule");
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
