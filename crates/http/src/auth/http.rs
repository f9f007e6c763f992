//! Credentials over HTTP; every route needs the role admin.

use axum::Json;
use axum::extract::{Path, State};
use ropewalk_core::Result;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Credential, Role};
use super::service::Auth;

/// The credentials' routes.
pub fn routes(auth: &Auth) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(remove)).with_state(auth.clone())
}

#[derive(Deserialize, utoipa::ToSchema)]
struct NewCredential {
    name: String,
    role: Role,
    /// With a password it is a user, without one a token.
    password: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct CreatedCredential {
    credential: Credential,
    /// The token's secret, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Every credential.
#[utoipa::path(get, path = "/api/v1/auth/credentials", tag = "auth", responses((status = 200, body = Vec<Credential>)))]
async fn list(State(auth): State<Auth>) -> Result<Json<Vec<Credential>>> {
    Ok(Json(auth.list().await?))
}

/// Make a token or a user.
#[utoipa::path(post, path = "/api/v1/auth/credentials", tag = "auth", request_body = NewCredential,
    responses((status = 200, body = CreatedCredential)))]
async fn create(State(auth): State<Auth>, Json(new): Json<NewCredential>) -> Result<Json<CreatedCredential>> {
    let created = match new.password {
        Some(password) => CreatedCredential {
            credential: auth.create_password(&new.name, new.role, &password).await?,
            token: None,
        },
        None => {
            let (credential, token) = auth.create_token(&new.name, new.role).await?;
            CreatedCredential { credential, token: Some(token) }
        }
    };
    Ok(Json(created))
}

/// Remove a credential.
#[utoipa::path(delete, path = "/api/v1/auth/credentials/{name}", tag = "auth", params(("name" = String, Path,)),
    responses((status = 200)))]
async fn remove(State(auth): State<Auth>, Path(name): Path<String>) -> Result<Json<serde_json::Value>> {
    auth.remove(&name).await?;
    Ok(Json(serde_json::json!({})))
}
