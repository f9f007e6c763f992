//! Permissions over our own routes. Who manages a thing says what others may do with it, everybody sees what they have
//! themselves, an administrator sees and says everything.

use axum::extract::{Query, State};
use axum::{Extension, Json};
use ropewalk_core::{Code, Error, Result};
use ropewalk_mlflow::access::{Action, EVERY, Permission, ResourceType};
use ropewalk_mlflow::{MlflowError, MlflowResult};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::roles::{FullRole, Standing, WORKSPACE, owner};
use super::service::{Auth, Caller};

/// The permissions' routes.
pub fn routes(auth: &Auth) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, permit, revoke)).with_state(auth.clone())
}

/// A permission that somebody has.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PermissionRow {
    /// Whose it is.
    pub name: String,
    /// What kind of thing it is about, such as `experiment` or `registered_model`.
    pub resource_type: String,
    /// Which one: an experiment's number, a model's name, or `*` for all.
    pub resource: String,
    /// READ, USE, EDIT, MANAGE or DENY.
    pub permission: String,
    /// The role that brings it, if it is not the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
struct OfWhom {
    /// The credential's name; without it those of everybody that may be seen.
    name: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct NewPermission {
    /// The credential's name.
    name: String,
    /// What kind of thing it is about, such as `experiment` or `registered_model`.
    resource_type: String,
    /// Which one: an experiment's number, a model's name, or `*` for all.
    resource: String,
    /// READ, USE, EDIT, MANAGE or DENY.
    permission: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
struct OnWhat {
    /// The credential's name.
    name: String,
    /// What kind of thing it is about.
    resource_type: String,
    /// Which one.
    resource: String,
}

/// Whoever asks; nobody as long as there are no credentials.
type Asking = Option<Extension<Caller>>;

/// Everybody's permissions beside their roles, or those of one. Who is no administrator sees their own.
#[utoipa::path(get, path = "/api/v1/auth/permissions", tag = "auth", params(OfWhom),
    responses((status = 200, body = Vec<PermissionRow>)))]
async fn list(
    State(auth): State<Auth>,
    asking: Asking,
    Query(whom): Query<OfWhom>,
) -> Result<Json<Vec<PermissionRow>>> {
    let own = asking.filter(|Extension(caller)| !caller.is_admin()).map(|Extension(caller)| caller.name);
    let credentials = match (&whom.name, own) {
        (Some(name), Some(own)) if *name != own => {
            return Err(Error::new(Code::Forbidden, format!("{own} may not see what {name} may do"))
                .why("this needs the role admin")
                .hint(format!("ropewalk auth permissions {own}")));
        }
        (Some(name), _) => vec![auth.get(name).await?],
        (None, Some(own)) => vec![auth.get(&own).await?],
        (None, None) => auth.list().await?,
    };
    let mut rows = Vec::new();
    for credential in credentials {
        for role in auth.roles_of(credential.id).await? {
            rows.extend(rows_of(&credential.name, &role));
        }
    }
    Ok(Json(rows))
}

fn rows_of(name: &str, role: &FullRole) -> Vec<PermissionRow> {
    if role.role.workspace != WORKSPACE {
        return Vec::new();
    }
    let by = owner(&role.role.name).is_none().then(|| role.role.name.clone());
    let row = |permit: &super::roles::Permit| PermissionRow {
        name: name.to_owned(),
        resource_type: permit.resource_type.clone(),
        resource: permit.pattern.clone(),
        permission: permit.permission.clone(),
        role: by.clone(),
    };
    role.permits.iter().map(row).collect()
}

/// Grant somebody a permission on an experiment or a model; one that stands there is replaced.
#[utoipa::path(put, path = "/api/v1/auth/permissions", tag = "auth", request_body = NewPermission,
    responses((status = 200, body = PermissionRow)))]
async fn permit(
    State(auth): State<Auth>,
    asking: Asking,
    Json(new): Json<NewPermission>,
) -> Result<Json<PermissionRow>> {
    let (kind, pattern, permission) =
        read(&new.resource_type, &new.resource, Some(&new.permission)).map_err(plain)?;
    must_manage(&auth, asking, kind, &pattern).await?;
    auth.get(&new.name).await?;
    auth.grant(&new.name, kind, &pattern, permission, Standing::Replace).await?;
    Ok(Json(PermissionRow {
        name: new.name,
        resource_type: kind.name().to_owned(),
        resource: pattern,
        permission: permission.name().to_owned(),
        role: None,
    }))
}

/// Take a permission from somebody; what the role gives stays.
#[utoipa::path(delete, path = "/api/v1/auth/permissions", tag = "auth", params(OnWhat),
    responses((status = 200)))]
async fn revoke(
    State(auth): State<Auth>,
    asking: Asking,
    Query(what): Query<OnWhat>,
) -> Result<Json<serde_json::Value>> {
    let (kind, pattern, _) = read(&what.resource_type, &what.resource, None).map_err(plain)?;
    must_manage(&auth, asking, kind, &pattern).await?;
    auth.get(&what.name).await?;
    auth.revoke(&what.name, kind, &pattern).await?;
    Ok(Json(serde_json::json!({})))
}

async fn must_manage(auth: &Auth, asking: Asking, kind: ResourceType, pattern: &str) -> Result<()> {
    let Some(Extension(caller)) = asking else { return Ok(()) };
    if manages(auth, &caller, kind, pattern).await? {
        return Ok(());
    }
    let kind = kind.name();
    Err(Error::new(
        Code::Forbidden,
        format!("{} may not say what others may do with {kind} {pattern}", caller.name),
    )
    .why("the permission MANAGE is needed on it")
    .hint(format!("ropewalk auth permissions {}", caller.name)))
}

/// Whether somebody may say what others may do with something.
pub(super) async fn manages(
    auth: &Auth,
    caller: &Caller,
    kind: ResourceType,
    resource: &str,
) -> Result<bool> {
    if caller.is_admin() {
        return Ok(true);
    }
    if resource != EVERY {
        return Ok(auth.rights(caller).on(kind, resource).allows(Action::Manage));
    }
    let Some(id) = caller.id else { return Ok(false) };
    Ok(auth.managed_by(id).await?.iter().any(|workspace| workspace == WORKSPACE))
}

/// What a permission is about, checked as MLflow checks it. A workspace's are held by roles only.
pub(super) fn read(
    kind: &str,
    resource: &str,
    permission: Option<&str>,
) -> MlflowResult<(ResourceType, String, Permission)> {
    if kind == ResourceType::Workspace.name() {
        return Err(of_workspace());
    }
    let kind = ResourceType::parse(kind)?;
    let pattern = kind.pattern(resource)?;
    let permission = permission.map_or(Ok(Permission::Read), |permission| kind.grantable(permission))?;
    Ok((kind, pattern, permission))
}

pub(super) fn of_workspace() -> MlflowError {
    MlflowError::invalid(
        "resource_type 'workspace' is not supported by the per-user permission convenience APIs. Use \
         set_workspace_permission / delete_workspace_permission for workspace-wide grants.",
    )
}

fn plain(error: MlflowError) -> Error {
    Error::invalid(error.message().to_owned())
        .hint("ropewalk auth permit NAME --experiment EXPERIMENT --permission read")
}
