//! What MLflow has and this server has not: each answers 501 and says what it is.

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use ropewalk_mlflow::MlflowError;

use crate::service::Runs;

/// The parts of MLflow that are not built, by the routes that begin so.
const PARTS: [(&str, &str); 13] = [
    ("/3.0/mlflow/gateway", "The AI gateway"),
    ("/2.0/mlflow/gateway-proxy", "The AI gateway"),
    ("/2.0/mlflow/runs/create-promptlab-run", "The prompt lab"),
    ("/3.0/mlflow/assistant", "The assistant"),
    ("/3.0/mlflow/mcp-servers", "The MCP server registry"),
    ("/3.0/mlflow/skills", "The skill registry"),
    ("/3.0/mlflow/scorers", "The scorer registry"),
    ("/3.0/mlflow/scorer", "Invoking scorers on the server"),
    ("/3.0/mlflow/label-schemas", "Label schemas"),
    ("/3.0/mlflow/review-queues", "Review queues"),
    ("/3.0/mlflow/issues", "Issues"),
    ("/3.0/mlflow/prompt-optimization", "Prompt optimization"),
    ("/3.0/mlflow/genai", "Evaluation on the server"),
];

pub(super) fn routes() -> Router<Runs> {
    PARTS.iter().fold(Router::new(), |router, (path, what)| refuse(router, path, what))
}

/// As [`routes`], of what stands outside MLflow's prefixes.
pub(super) fn page_routes() -> Router<Runs> {
    refuse(Router::new(), "/gateway", "The AI gateway")
}

fn refuse(router: Router<Runs>, path: &str, what: &'static str) -> Router<Runs> {
    let refuse = move |State(_): State<Runs>| async move { MlflowError::not_built(what) };
    router.route(path, any(refuse)).route(&format!("{path}/{{*rest}}"), any(refuse))
}
