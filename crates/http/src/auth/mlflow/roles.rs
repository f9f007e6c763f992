//! Roles: named bundles of permissions that users are given.

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use ropewalk_core::Code;
use ropewalk_mlflow::access::{Permission, ResourceType};
use ropewalk_mlflow::json::Json;
use ropewalk_mlflow::rules::as_whole;
use ropewalk_mlflow::{MlflowError, MlflowResult, answer, done};
use serde_json::{Value, json};

use super::params::{Params, denied};
use super::users::user;
use crate::auth::roles::{Assignment, FullRole, Permit};
use crate::auth::service::Auth;

pub(super) fn routes() -> Router<Auth> {
    Router::new()
        .route("/3.0/mlflow/roles/create", post(create))
        .route("/3.0/mlflow/roles/get", get(read))
        .route("/3.0/mlflow/roles/list", get(list))
        .route("/3.0/mlflow/roles/update", patch(update))
        .route("/3.0/mlflow/roles/delete", delete(remove))
        .route("/3.0/mlflow/roles/permissions/add", post(add_permission))
        .route("/3.0/mlflow/roles/permissions/remove", delete(remove_permission))
        .route("/3.0/mlflow/roles/permissions/list", get(list_permissions))
        .route("/3.0/mlflow/roles/permissions/update", patch(update_permission))
        .route("/3.0/mlflow/roles/assign", post(assign))
        .route("/3.0/mlflow/roles/unassign", delete(unassign))
        .route("/3.0/mlflow/roles/users/list", get(list_users))
        .route("/3.0/mlflow/users/roles/list", get(list_of_user))
}

pub(super) fn role_json(full: &FullRole) -> Value {
    json!({
        "id": full.role.id, "name": full.role.name, "workspace": full.role.workspace,
        "description": full.role.description,
        "permissions": full.permits.iter().map(permit_json).collect::<Vec<_>>(),
    })
}

fn permit_json(permit: &Permit) -> Value {
    json!({
        "id": permit.id, "role_id": permit.role_id, "resource_type": permit.resource_type,
        "resource_pattern": permit.pattern, "permission": permit.permission,
    })
}

fn assignment_json(assignment: &Assignment) -> Value {
    json!({"id": assignment.id, "user_id": assignment.user_id, "role_id": assignment.role_id})
}

/// The workspace that a request is about, by whatever it names: a role, a role's permission, or the workspace. All that it
/// names must agree, or it could be judged by the one and act on the other; none stands for what is not there.
async fn workspace(auth: &Auth, params: &Params) -> MlflowResult<Option<String>> {
    let permit =
        params.maybe("role_permission_id").map(|_| params.whole("role_permission_id")).transpose()?;
    let role = params.maybe("role_id").map(|_| params.whole("role_id")).transpose()?;
    let named = match params.maybe("workspace") {
        None => None,
        Some(Json::Text(text)) if !text.trim().is_empty() => Some(text),
        Some(_) => {
            return Err(MlflowError::invalid("Parameter 'workspace' must be a non-empty string."));
        }
    };
    if permit.is_none() && role.is_none() && named.is_none() {
        return Err(MlflowError::invalid(
            "Request must include one of: role_id, role_permission_id, workspace.",
        ));
    }
    let mut roles: Vec<i64> = role.into_iter().collect();
    if let Some(id) = permit {
        match auth.get_permit(id).await {
            Ok(permit) => roles.push(permit.role_id),
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    let mut workspaces: Vec<String> = named.into_iter().collect();
    roles.dedup();
    if roles.len() > 1 {
        return Ok(None);
    }
    for id in roles {
        match auth.get_role(id).await {
            Ok(full) => workspaces.push(full.role.workspace),
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    workspaces.dedup();
    Ok(if workspaces.len() == 1 { workspaces.pop() } else { None })
}

/// Refuses whoever does not manage the workspace that a request is about.
async fn must_manage(auth: &Auth, params: &Params) -> MlflowResult<()> {
    if params.caller.is_admin() {
        return Ok(());
    }
    let managed = params.manages(auth).await?;
    match workspace(auth, params).await? {
        Some(workspace) if managed.contains(&workspace) => Ok(()),
        _ => Err(denied()),
    }
}

/// Refuses whoever has no role in the workspace that a request is about.
async fn must_be_there(auth: &Auth, params: &Params) -> MlflowResult<()> {
    if params.caller.is_admin() {
        return Ok(());
    }
    let present = present(auth, params).await?;
    match workspace(auth, params).await? {
        Some(workspace) if present.contains(&workspace) => Ok(()),
        _ => Err(denied()),
    }
}

async fn present(auth: &Auth, params: &Params) -> MlflowResult<Vec<String>> {
    match params.caller.id {
        Some(id) => Ok(auth.workspaces_of(id).await?),
        None => Ok(Vec::new()),
    }
}

/// Refuses whoever is neither the user nor manages a workspace in which the user has a role. What the caller may see of
/// the user's roles: none stands for all.
pub(super) async fn sees(auth: &Auth, params: &Params, name: &str) -> MlflowResult<Option<Vec<String>>> {
    if params.caller.is_admin() || params.caller.name == name {
        return Ok(None);
    }
    let managed = params.manages(auth).await?;
    let Ok(target) = auth.get(name).await else { return Err(denied()) };
    let there = auth.workspaces_of(target.id).await?;
    if there.iter().any(|workspace| managed.contains(workspace)) { Ok(Some(managed)) } else { Err(denied()) }
}

async fn create(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let text = |name: &str, wrong: &str| match params.value(name)? {
        Json::Text(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(MlflowError::invalid(wrong)),
    };
    params.value("workspace")?;
    let name = text("name", "Role name cannot be empty.")?;
    let workspace = text("workspace", "Workspace cannot be empty.")?;
    let description = params.optional_text("description", "Role description must be a string or null.")?;
    let made = auth.create_role(&workspace, &name, description.as_deref()).await?;
    Ok(answer(json!({"role": role_json(&made)})))
}

async fn read(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_be_there(&auth, &params).await?;
    let role = auth.get_role(params.whole("role_id")?).await?;
    Ok(answer(json!({"role": role_json(&role)})))
}

async fn list(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let workspaces = params.all("workspace");
    if !params.caller.is_admin() {
        let present = present(&auth, &params).await?;
        let asked: Vec<&String> =
            workspaces.iter().filter(|workspace| !workspace.trim().is_empty()).collect();
        if asked.is_empty() || asked.iter().any(|workspace| !present.contains(workspace)) {
            return Err(denied());
        }
    }
    if workspaces.iter().any(|workspace| workspace.trim().is_empty()) {
        return Err(MlflowError::invalid("Parameter 'workspace' must be a non-empty string when provided."));
    }
    let roles = auth.list_roles(Some(&workspaces[..]).filter(|all| !all.is_empty())).await?;
    Ok(answer(json!({"roles": roles.iter().map(role_json).collect::<Vec<_>>()})))
}

async fn update(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let id = params.whole("role_id")?;
    let name = params.optional_text("name", "Role name cannot be empty.")?;
    let description = params.optional_text("description", "Role description must be a string.")?;
    if name.is_none() && description.is_none() {
        return Err(MlflowError::invalid(
            "At least one of 'name' or 'description' must be provided to update a role.",
        ));
    }
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(MlflowError::invalid("Role name cannot be empty."));
    }
    let role = auth.update_role(id, name.as_deref(), description.as_deref()).await?;
    Ok(answer(json!({"role": role_json(&role)})))
}

async fn remove(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    auth.delete_role(params.whole("role_id")?).await?;
    Ok(done())
}

async fn add_permission(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let id = params.whole("role_id")?;
    let (kind, pattern) = (params.text("resource_type")?, params.text("resource_pattern")?);
    let permission = params.text("permission")?;
    Permission::parse(&permission)?;
    let kind = ResourceType::parse(&kind)?;
    let permission = kind.grantable(&permission)?;
    if kind == ResourceType::Experiment && pattern != "*" && as_whole(&Json::Text(pattern.clone())).is_none()
    {
        return Err(MlflowError::invalid(format!(
            "Invalid experiment ID '{pattern}'. Experiment ID must be a valid integer."
        )));
    }
    let permit = auth.add_permit(id, kind, &kind.pattern(&pattern)?, permission).await?;
    Ok(answer(json!({"role_permission": permit_json(&permit)})))
}

async fn remove_permission(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    auth.remove_permit(params.whole("role_permission_id")?).await?;
    Ok(done())
}

async fn list_permissions(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_be_there(&auth, &params).await?;
    let role = auth.get_role(params.whole("role_id")?).await?;
    let permissions: Vec<Value> = role.permits.iter().map(permit_json).collect();
    Ok(answer(json!({"role_permissions": permissions})))
}

async fn update_permission(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let id = params.whole("role_permission_id")?;
    let permission = params.text("permission")?;
    let permit = auth.get_permit(id).await?;
    let kind = ResourceType::parse(&permit.resource_type)?;
    let permit = auth.update_permit(id, kind.grantable(&permission)?).await?;
    Ok(answer(json!({"role_permission": permit_json(&permit)})))
}

async fn assign(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let (name, id) = (params.text("username")?, params.whole("role_id")?);
    let assignment = auth.assign_role(user(&auth, &name).await?.id, id).await?;
    Ok(answer(json!({"assignment": assignment_json(&assignment)})))
}

async fn unassign(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let (name, id) = (params.text("username")?, params.whole("role_id")?);
    auth.unassign_role(user(&auth, &name).await?.id, id).await?;
    Ok(done())
}

async fn list_users(State(auth): State<Auth>, params: Params) -> MlflowResult {
    must_manage(&auth, &params).await?;
    let assignments = auth.users_of(params.whole("role_id")?).await?;
    Ok(answer(json!({"assignments": assignments.iter().map(assignment_json).collect::<Vec<_>>()})))
}

async fn list_of_user(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let name = params.text("username")?;
    let shown = sees(&auth, &params, &name).await?;
    let mut roles = auth.roles_of(user(&auth, &name).await?.id).await?;
    if let Some(shown) = shown {
        roles.retain(|full| shown.contains(&full.role.workspace));
    }
    Ok(answer(json!({"roles": roles.iter().map(role_json).collect::<Vec<_>>()})))
}
