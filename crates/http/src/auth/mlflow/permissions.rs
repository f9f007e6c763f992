//! What single users are granted on single things.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use ropewalk_core::Result;
use ropewalk_mlflow::access::{Action, EVERY, ResourceType, Rights};
use ropewalk_mlflow::{MlflowError, MlflowResult, answer, done};
use serde_json::{Value, json};

use super::params::{Params, denied};
use super::roles::sees;
use super::users::user;
use crate::auth::model::Credential;
use crate::auth::permissions::{manages, of_workspace, read};
use crate::auth::roles::{FullRole, Permit, Standing, WORKSPACE};
use crate::auth::service::{Auth, Caller};

pub(super) fn routes() -> Router<Auth> {
    Router::new()
        .route("/3.0/mlflow/users/permissions/grant", post(grant))
        .route("/3.0/mlflow/users/permissions/revoke", post(revoke))
        .route("/3.0/mlflow/users/permissions/get", get(look))
        .route("/3.0/mlflow/users/permissions/list", get(list))
        .route("/3.0/mlflow/users/current/permissions", get(list_own))
}

fn rights_of(auth: &Auth, user: &Credential) -> Rights {
    auth.rights(&Caller { id: Some(user.id), name: user.name.clone(), role: user.role })
}

/// Whose permission on one thing can be asked for: that of a kind that has names, and that this client may ask about.
fn asked_about(kind: &str, resource: &str) -> MlflowResult<ResourceType> {
    if kind == ResourceType::Workspace.name() {
        return Err(of_workspace());
    }
    let parsed = ResourceType::parse(kind)?;
    if resource == EVERY {
        return Ok(parsed);
    }
    if parsed == ResourceType::Scorer && !resource.contains('/') {
        return Err(MlflowError::invalid(
            "Invalid scorer resource_id. Expected '<experiment_id>/<scorer_name>'.",
        ));
    }
    if !parsed.has_names() || parsed == ResourceType::Prompt {
        return Err(MlflowError::invalid(format!(
            "resource_type '{kind}' is not supported by the per-user permission convenience APIs."
        )));
    }
    parsed.pattern(resource)?;
    Ok(parsed)
}

/// Refuses whoever may not say what others may do with something.
async fn must_manage(auth: &Auth, params: &Params) -> MlflowResult<()> {
    let (kind, resource) = (params.text("resource_type")?, params.text("resource_id")?);
    if params.caller.is_admin() {
        return Ok(());
    }
    let parsed = asked_about(&kind, &resource)?;
    if manages(auth, &params.caller, parsed, &resource).await? { Ok(()) } else { Err(denied()) }
}

async fn grant(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let name = params.text("username")?;
    let (kind, resource) = (params.text("resource_type")?, params.text("resource_id")?);
    let permission = params.text("permission")?;
    user(&auth, &name).await?;
    let (kind, pattern, permission) = read(&kind, &resource, Some(&permission))?;
    auth.grant(&name, kind, &pattern, permission, Standing::Refuse).await?;
    Ok(done())
}

async fn revoke(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let name = params.text("username")?;
    let (kind, resource) = (params.text("resource_type")?, params.text("resource_id")?);
    user(&auth, &name).await?;
    if kind == ResourceType::Workspace.name() {
        return Err(of_workspace());
    }
    let kind = ResourceType::parse(&kind)?;
    auth.revoke(&name, kind, &kind.canonical(&resource)).await?;
    Ok(done())
}

async fn look(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let kind = params.text("resource_type")?;
    if kind == ResourceType::Workspace.name() {
        return Err(of_workspace());
    }
    let name = params.text("username")?;
    if !params.caller.is_admin() && params.caller.name != name {
        let manages = params.manages(&auth).await?.iter().any(|workspace| workspace == WORKSPACE);
        if !manages || auth.get(&name).await.is_err() {
            return Err(denied());
        }
    }
    let resource = params.text("resource_id")?;
    let user = user(&auth, &name).await?;
    let permission = rights_of(&auth, &user).on(asked_about(&kind, &resource)?, &resource);
    Ok(answer(json!({"allowed": permission.allows(Action::Use), "permission": permission.name()})))
}

/// Everything that a user's roles hold, each with the role that brings it.
async fn held(auth: &Auth, user: i64, shown: Option<Vec<String>>) -> Result<Vec<Value>> {
    let row = |full: &FullRole, permit: &Permit| {
        json!({
            "role_id": full.role.id, "role_name": full.role.name, "workspace": full.role.workspace,
            "resource_type": permit.resource_type, "resource_pattern": permit.pattern,
            "permission": permit.permission,
        })
    };
    let mut roles = auth.roles_of(user).await?;
    if let Some(shown) = shown {
        roles.retain(|full| shown.contains(&full.role.workspace));
    }
    Ok(roles.iter().flat_map(|full| full.permits.iter().map(|permit| row(full, permit))).collect())
}

async fn list(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let name = params.text("username")?;
    let shown = sees(&auth, &params, &name).await?;
    let user = user(&auth, &name).await?;
    let permissions = held(&auth, user.id, shown).await?;
    Ok(answer(json!({"is_admin": user.role == crate::auth::Role::Admin, "permissions": permissions})))
}

async fn list_own(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let permissions = match params.caller.id {
        Some(id) => held(&auth, id, None).await?,
        None => Vec::new(),
    };
    Ok(answer(json!({"is_admin": params.caller.is_admin(), "permissions": permissions})))
}
