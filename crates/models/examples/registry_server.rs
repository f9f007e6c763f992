//! A server of tracking and registry alone, for trying the stock MLflow client against them:
//! `cargo run -p ropewalk-models --example registry_server -- HOME PORT`.

use std::path::PathBuf;

use ropewalk_core::{Core, Error, Result, Settings};
use ropewalk_data::Data;
use ropewalk_ledger::Ledger;
use ropewalk_models::{Models, SourceRules};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_webhooks::{Options, Webhooks};
use utoipa_axum::router::OpenApiRouter;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let home = arguments.next().map_or_else(|| PathBuf::from(".ropewalk"), PathBuf::from);
    let port: u16 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5000);

    let migrations: Vec<_> = [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
    ]
    .concat();
    let core = Core::open(Settings::for_home(&home), &migrations).await?;
    let runs = Runs::new(core.clone());
    let prep = Prep::new(core.clone(), Data::new(core.clone()), Ledger::new(core.clone()));
    let webhooks = Webhooks::new(core.clone(), Options::from_environment()?);
    let deliveries = webhooks.clone();
    tokio::spawn(async move { deliveries.run().await });
    let rules = SourceRules::from_environment(&core.settings)?;
    let models = Models::new(core, runs.clone(), prep, webhooks.clone(), rules);

    let router = OpenApiRouter::new()
        .merge(ropewalk_runs::routes(&runs))
        .merge(ropewalk_webhooks::routes(&webhooks))
        .merge(ropewalk_models::routes(&models));
    let (router, _) = router.split_for_parts();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await.map_err(Error::from)
}
