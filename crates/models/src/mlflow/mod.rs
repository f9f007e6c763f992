//! MLflow's registry REST, as the stock client of 3.18 speaks it.

mod registered;
mod source;
mod versions;
mod wire;

use axum::Router;
use ropewalk_runs::mlflow::both_prefixes;

use crate::service::Models;

/// MLflow's registry routes.
pub(crate) fn routes(models: &Models) -> Router {
    both_prefixes(Router::new().merge(registered::routes()).merge(versions::routes()))
        .with_state(models.clone())
}
