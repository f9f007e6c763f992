//! The composition: every service on one core, and the one router that holds all their routes.

use std::sync::Arc;

use axum::extract::State;
use axum::{Json, Router};
use ropewalk_core::{Core, Migration, Result, Settings};
use ropewalk_data::Data;
use ropewalk_http::Security;
use ropewalk_http::auth::{Auth, Guard};
use ropewalk_learn::Learn;
use ropewalk_ledger::Ledger;
use ropewalk_models::{Models, SourceRules};
use ropewalk_prep::Prep;
use ropewalk_respond::Respond;
use ropewalk_runs::Runs;
use ropewalk_serve::Serve;
use ropewalk_traces::Traces;
use ropewalk_watch::Watch;
use ropewalk_webhooks::{Options, Webhooks};
use serde::{Deserialize, Serialize};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Belongings};

/// All services of a home.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) core: Core,
    pub(crate) auth: Auth,
    ledger: Ledger,
    data: Data,
    prep: Prep,
    runs: Runs,
    pub(crate) webhooks: Webhooks,
    traces: Traces,
    models: Models,
    learn: Learn,
    pub(crate) serve: Serve,
    pub(crate) watch: Watch,
    pub(crate) respond: Respond,
}

/// Every feature's schema.
fn migrations() -> Vec<Migration> {
    [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_traces::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
        ropewalk_learn::MIGRATIONS,
        ropewalk_serve::MIGRATIONS,
        ropewalk_watch::MIGRATIONS,
        ropewalk_respond::MIGRATIONS,
        ropewalk_http::auth::MIGRATIONS,
    ]
    .concat()
}

impl App {
    /// Open a home: its database, blobs and services. Nothing runs in the background yet.
    pub(crate) async fn open(settings: Settings) -> Result<Self> {
        let core = Core::open(settings, &migrations()).await?;
        let ledger = Ledger::new(core.clone());
        let data = Data::new(core.clone());
        let prep = Prep::new(core.clone(), data.clone(), ledger.clone());
        let runs = Runs::new(core.clone());
        runs.place_first_experiment().await?;
        let webhooks = Webhooks::new(core.clone(), Options::from_environment()?);
        let rules = SourceRules::from_environment(&core.settings)?;
        let traces = Traces::new(core.clone(), runs.clone());
        runs.attach_sink(traces.follower());
        let models = Models::new(core.clone(), runs.clone(), prep.clone(), webhooks.clone(), rules);
        let learn = Learn::new(core.clone(), ledger.clone(), prep.clone(), runs.clone());
        let watch = Watch::new(core.clone(), models.clone());
        let serve = Serve::new(core.clone(), ledger.clone(), models.clone(), Arc::new(watch.clone()));
        watch.attach_serve(serve.clone());
        let respond = Respond::new(
            core.clone(),
            ledger.clone(),
            data.clone(),
            prep.clone(),
            runs.clone(),
            models.clone(),
            learn.clone(),
            serve.clone(),
            watch.clone(),
        );
        watch.attach_sink(Arc::new(respond.clone()));
        let auth = Auth::new(core.clone());
        Ok(Self {
            core,
            auth,
            ledger,
            data,
            prep,
            runs,
            webhooks,
            traces,
            models,
            learn,
            serve,
            watch,
            respond,
        })
    }

    /// What was used since a meter was started, at this home's rates.
    pub(crate) fn measure(&self, meter: &ropewalk_ledger::Meter) -> ropewalk_ledger::Cost {
        self.ledger.measure(meter)
    }

    /// The router of all features and its OpenAPI description.
    pub(crate) fn router(&self, security: Security) -> (Router, OpenApi) {
        let features = vec![
            OpenApiRouter::new().routes(routes!(home)).with_state(self.core.clone()),
            ropewalk_ledger::routes(&self.ledger),
            ropewalk_data::routes(&self.data),
            ropewalk_prep::routes(&self.prep),
            ropewalk_runs::routes(&self.runs),
            ropewalk_webhooks::routes(&self.webhooks),
            ropewalk_traces::routes(&self.traces),
            ropewalk_models::routes(&self.models),
            ropewalk_learn::routes(&self.learn),
            ropewalk_serve::routes(&self.serve),
            ropewalk_watch::routes(&self.watch),
            ropewalk_respond::routes(&self.respond),
            self.queries(),
        ];
        let belongings = Belongings { runs: self.runs.clone(), models: self.models.clone() };
        let guard = Guard::new(self.auth.clone(), access::ROUTES, Arc::new(belongings));
        ropewalk_http::build(&self.core, &guard, features, security)
    }

    /// MLflow's GraphQL, over the routes that it tells of.
    fn queries(&self) -> OpenApiRouter {
        let routes = ropewalk_runs::routes(&self.runs).merge(ropewalk_models::routes(&self.models));
        ropewalk_graphql::routes(routes.split_for_parts().0).into()
    }
}

/// Which home a server has open.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Home {
    /// The program's version.
    pub(crate) version: String,
    /// The folder that holds the local state.
    pub(crate) home: String,
    /// `sqlite` or `postgresql`.
    pub(crate) database: String,
    /// Where blobs are kept.
    pub(crate) blobs: String,
    /// The process that answers.
    pub(crate) process: u32,
}

/// Which home this server has open.
#[utoipa::path(get, path = "/api/v1/home", tag = "home", responses((status = 200, body = Home)))]
async fn home(State(core): State<Core>) -> Result<Json<Home>> {
    core.database.ping().await?;
    Ok(Json(Home {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        home: core.home.display().to_string(),
        database: if core.database.is_sqlite() { "sqlite" } else { "postgresql" }.to_owned(),
        blobs: core.settings.blobs_url(),
        process: std::process::id(),
    }))
}

/// The OpenAPI description of all routes, as JSON text.
pub(crate) async fn openapi() -> Result<String> {
    let folder = std::env::temp_dir().join(format!("ropewalk-openapi-{}", std::process::id()));
    let app = App::open(Settings::for_home(&folder)).await?;
    let text = serde_json::to_string_pretty(&app.router(Security::none()).1)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(text + "\n")
}
