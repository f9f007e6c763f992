//! MLflow's registry REST, as the stock client of 3.18 speaks it.

mod aliases;
mod artifacts;
mod model_uri;
mod number;
mod paging;
mod registered;
mod source;
mod tags;
mod versions;
mod wire;

use axum::Router;
use ropewalk_mlflow::{Rule, both_prefixes};

use crate::service::Models;

/// The rules of a text that must be sent.
const REQUIRED: &[Rule] = &[Rule::Text, Rule::Required];
/// The rules of a text that may be sent.
const TEXT: &[Rule] = &[Rule::Text];
/// The rules of a list of texts.
const TEXTS: &[Rule] = &[Rule::Array, Rule::TextItems];

/// MLflow's registry routes.
pub(crate) fn routes(models: &Models) -> Router {
    let routes = Router::new()
        .merge(registered::routes())
        .merge(versions::routes())
        .merge(tags::routes())
        .merge(aliases::routes());
    both_prefixes(routes).merge(artifacts::routes()).with_state(models.clone())
}
