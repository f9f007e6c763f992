//! Users, roles and permissions as MLflow's own client manages them (`mlflow.server.get_app_client("basic-auth", …)`).
//!
//! As on MLflow's server these routes are there only while callers must prove who they are.

mod params;
mod permissions;
mod roles;
mod users;

use axum::Router;

use super::service::Auth;

/// MLflow's routes of users, roles and permissions.
pub fn routes(auth: &Auth) -> Router {
    let api = Router::new().merge(users::routes()).merge(roles::routes()).merge(permissions::routes());
    ropewalk_mlflow::both_prefixes(api).with_state(auth.clone())
}
