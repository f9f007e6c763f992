//! Users.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use http::StatusCode;
use ropewalk_core::Code;
use ropewalk_mlflow::json::Json;
use ropewalk_mlflow::{ErrorCode, MlflowError, MlflowResult, answer, done};
use serde_json::{Value, json};

use super::params::{Params, denied};
use super::roles::role_json;
use crate::auth::model::{Credential, Role};
use crate::auth::service::Auth;

/// The shortest password that MLflow's client may set, in characters.
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_NAME: usize = 255;

pub(super) fn routes() -> Router<Auth> {
    Router::new()
        .route("/2.0/mlflow/users/create", post(create))
        .route("/2.0/mlflow/users/get", get(read))
        .route("/2.0/mlflow/users/current", get(current))
        .route("/2.0/mlflow/users/list", get(list))
        .route("/2.0/mlflow/users/update-password", patch(update_password))
        .route("/2.0/mlflow/users/update-admin", patch(update_admin))
        .route("/2.0/mlflow/users/delete", delete(remove))
}

fn user_json(user: &Credential) -> Value {
    json!({"id": user.id, "username": user.name, "is_admin": user.role == Role::Admin})
}

/// The user of a name, with MLflow's word for none.
pub(super) async fn user(auth: &Auth, name: &str) -> MlflowResult<Credential> {
    match auth.get(name).await {
        Err(error) if error.code() == Code::NotFound => {
            Err(MlflowError::missing(format!("User with username={name} not found")))
        }
        found => Ok(found?),
    }
}

fn check_password(password: &str) -> MlflowResult<()> {
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(MlflowError::invalid(format!(
            "Password must be at least {SHORTEST_PASSWORD} characters."
        )));
    }
    Ok(())
}

fn plain(text: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, text).into_response()
}

async fn create(State(auth): State<Auth>, params: Params) -> MlflowResult {
    if !params.caller.is_admin() && params.manages(&auth).await?.is_empty() {
        return Err(denied());
    }
    if !params.is_json() {
        return Ok(plain("Invalid content type. Must be application/json"));
    }
    let (name, password) = (params.text("username")?, params.text("password")?);
    if name.is_empty() || password.is_empty() {
        return Ok(plain("Username and password cannot be empty."));
    }
    if name.contains('\0') {
        return Err(MlflowError::invalid("'Username' cannot contain NUL (0x00) characters"));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(MlflowError::invalid(format!(
            "'Username' exceeds the maximum length of {LONGEST_NAME} characters"
        )));
    }
    check_password(&password)?;
    match auth.create_password(&name, Role::Scientist, &password).await {
        Ok(made) => Ok(answer(json!({"user": user_json(&made)}))),
        Err(error) if error.code() == Code::AlreadyExists => Err(MlflowError::new(
            ErrorCode::ResourceAlreadyExists,
            format!("User (username={name}) already exists."),
        )),
        Err(error) => Err(error.into()),
    }
}

async fn read(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let name = params.text("username")?;
    params.must_be(&name)?;
    Ok(answer(json!({"user": user_json(&user(&auth, &name).await?)})))
}

async fn current(params: Params) -> MlflowResult {
    let caller = &params.caller;
    // The owner of the home has no number of its own.
    let user =
        json!({"id": caller.id.unwrap_or_default(), "username": caller.name, "is_admin": caller.is_admin()});
    Ok(answer(json!({"user": user, "is_basic_auth": true})))
}

async fn list(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let managed = params.manages(&auth).await?;
    let mut users = Vec::new();
    for user in auth.list().await? {
        let sees_all = params.caller.is_admin() || user.name == params.caller.name;
        let mut roles = auth.roles_of(user.id).await?;
        roles.retain(|full| sees_all || managed.contains(&full.role.workspace));
        let roles: Vec<Value> = roles.iter().map(role_json).collect();
        users.push(json!({
            "id": user.id, "username": user.name, "is_admin": user.role == Role::Admin, "roles": roles,
        }));
    }
    Ok(answer(json!({"users": users})))
}

async fn update_password(State(auth): State<Auth>, params: Params) -> MlflowResult {
    let name = params.text("username")?;
    params.must_be(&name)?;
    let password = params.text("password")?;
    // Whoever has got hold of an open browser shall not be able to shut its owner out.
    if params.caller.name == name {
        let current = match params.maybe("current_password") {
            Some(Json::Text(text)) if !text.is_empty() => text,
            _ => {
                return Err(MlflowError::invalid(
                    "Current password is required when changing your own password.",
                ));
            }
        };
        if !auth.is_password(&name, &current).await? {
            return Err(MlflowError::invalid("Current password does not match."));
        }
        if password == current {
            return Err(MlflowError::invalid("New password must differ from the current password."));
        }
    }
    user(&auth, &name).await?;
    check_password(&password)?;
    match auth.set_password(&name, &password).await {
        Err(error) if error.code() == Code::WrongState => Err(MlflowError::invalid(error.what().to_owned())),
        done => Ok(done?),
    }?;
    Ok(done())
}

async fn update_admin(State(auth): State<Auth>, params: Params) -> MlflowResult {
    params.must_be_admin()?;
    let name = params.text("username")?;
    let Json::Truth(is_admin) = params.value("is_admin")? else {
        return Err(MlflowError::invalid("Parameter 'is_admin' must be a boolean."));
    };
    let user = user(&auth, &name).await?;
    match (user.role == Role::Admin, is_admin) {
        (false, true) => auth.set_role(&name, Role::Admin).await?,
        (true, false) => auth.set_role(&name, Role::Scientist).await?,
        _ => {}
    }
    Ok(done())
}

async fn remove(State(auth): State<Auth>, params: Params) -> MlflowResult {
    params.must_be_admin()?;
    let name = params.text("username")?;
    if params.caller.name == name {
        return Err(MlflowError::new(
            ErrorCode::BadRequest,
            "Users cannot delete their own account. Ask another admin to delete this user instead.",
        ));
    }
    user(&auth, &name).await?;
    auth.remove(&name).await?;
    Ok(done())
}
