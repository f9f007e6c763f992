//! What is done once a request was answered: what was made belongs to its maker, what is gone is forgotten, and what the
//! caller may not read is taken out.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use ropewalk_core::Error;
use ropewalk_mlflow::access::{Permission, Rights, Rows, Rule, Then, answer};
use ropewalk_mlflow::{MlflowError, MlflowResult};
use serde_json::{Value, json};

use super::guard::Guard;
use super::roles::{Standing, owner};
use super::service::Caller;

/// What a page's list is called on our own routes, where it stands even if it is empty.
const OWN_LIST: &str = "items";
/// The most further pages that one answer is filled up from.
const MOST_PAGES: usize = 1000;

/// What was asked, so that it can be asked again for the next page.
pub(super) struct Question {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) next: Next,
}

/// Lets the maker manage what was made.
pub(super) async fn owned(guard: &Guard, caller: &Caller, rule: &Rule, response: Response) -> Response {
    let owns = rule
        .then
        .iter()
        .find(|then| matches!(then, Then::OwnExperiment | Then::OwnModel | Then::OwnImported));
    let (Some(then), true, true) = (owns, response.status().is_success(), caller.id.is_some()) else {
        return response;
    };
    let (parts, body) = response.into_parts();
    let bytes = match whole(body).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    for (kind, name) in answer::made(&told, *then) {
        let granted =
            guard.auth.grant(&caller.name, kind, &name, Permission::Manage, Standing::Replace).await;
        if let Err(error) = granted {
            tracing::error!(%error, kind = kind.name(), name, "what was made could not be given to its maker");
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Forgets or renames what was granted on a registered model.
pub(super) async fn named(
    guard: &Guard,
    rule: &Rule,
    (name, new): &(String, String),
    response: Response,
) -> Response {
    if !response.status().is_success() || name.is_empty() {
        return response;
    }
    for then in rule.then {
        let done = match then {
            Then::ForgetModel => guard.auth.forget_model(name).await,
            Then::RenameModel if !new.is_empty() => guard.auth.rename_model(name, new).await,
            _ => Ok(()),
        };
        if let Err(error) = done {
            tracing::error!(%error, name, "what was granted on a registered model could not follow it");
            return error.into_response();
        }
    }
    response
}

/// Refuses a new name that would change whom what was granted is about: permissions go by name.
pub(super) async fn check_rename(guard: &Guard, caller: &Caller, name: &str, new: &str) -> MlflowResult<()> {
    if name.is_empty() || new.trim().is_empty() || name == new {
        return Ok(());
    }
    let show = |granted: Vec<String>| {
        if granted.is_empty() || !caller.is_admin() {
            String::new()
        } else {
            format!(" ({})", granted.join(", "))
        }
    };
    let on_old = guard.auth.permits_on_model(name).await?;
    let on_new = guard.auth.permits_on_model(new).await?;
    let by_roles: Vec<String> = on_old
        .iter()
        .chain(&on_new)
        .filter(|(role, _)| owner(role).is_none())
        .map(|(role, permit)| {
            format!(
                "role '{role}' has {} on {} '{}'",
                permit.permission, permit.resource_type, permit.pattern
            )
        })
        .collect();
    if !by_roles.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Cannot rename '{name}' to '{new}' because role grants reference these names by exact name{}. Renaming \
             would change which model or prompt those grants apply to. An admin must update or remove these role \
             grants before the rename.",
            show(by_roles)
        )));
    }
    // If something has the new name already, the registry refuses the rename.
    if on_new.is_empty() || guard.lookup.registered(new).await?.is_some() {
        return Ok(());
    }
    let credentials = guard.auth.list().await?;
    let by_users = on_new.iter().map(|(role, permit)| {
        let user = credentials.iter().find(|one| Some(one.id) == owner(role)).map_or("", |one| &one.name);
        format!("user '{user}' has {} on {} '{}'", permit.permission, permit.resource_type, permit.pattern)
    });
    Err(MlflowError::invalid(format!(
        "Cannot rename '{name}' to '{new}' because users already have permissions on '{new}'{}. They would start \
         applying to the renamed model or prompt. An admin must remove these permissions before the rename.",
        show(by_users.collect())
    )))
}

/// Takes out of an answer what the caller may not read; pages that get shorter by that are filled up.
pub(super) async fn cut(rule: &Rule, rights: &Rights, asks: Question, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let mut value: Value = match whole(body).await {
        Ok(bytes) if bytes.is_empty() => return Response::from_parts(parts, Body::empty()),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(source) => {
                return Error::internal("an answer cannot be cut to what the caller may read")
                    .source(source)
                    .into_response();
            }
        },
        Err(error) => return error.into_response(),
    };
    for then in rule.then {
        if let Then::Keep(list, rows) = then {
            fill(&mut value, list, *rows, rights, &asks).await;
        }
    }
    answer::withhold(&mut value, rule.then, rights);
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut cut = Json(value).into_response();
    cut.headers_mut().extend(parts.headers);
    *cut.status_mut() = parts.status;
    cut
}

/// Keeps the rows that the caller may read, and asks for further pages until as many stand there as at first.
async fn fill(value: &mut Value, list: &str, rows: Rows, rights: &Rights, asks: &Question) {
    const TOKEN: &str = "next_page_token";
    let wanted = answer::keep(value, list, rows, rights);
    let Some(members) = value.as_object_mut() else { return };
    let mut pages = 0;
    loop {
        let kept = members.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        let token = members.get(TOKEN).and_then(Value::as_str).unwrap_or_default().to_owned();
        if kept >= wanted || token.is_empty() || pages == MOST_PAGES {
            break;
        }
        pages += 1;
        let Some(request) = asks.page(&token, wanted - kept) else { break };
        let further = asks.next.clone().run(request).await;
        if !further.status().is_success() {
            break;
        }
        let Ok(bytes) = whole(further.into_body()).await else { break };
        let Ok(mut page) = serde_json::from_slice::<Value>(&bytes) else { break };
        answer::keep(&mut page, list, rows, rights);
        if let (Some(Value::Array(all)), Some(Value::Array(more))) =
            (members.get_mut(list), page.get_mut(list))
        {
            all.append(more);
        }
        match page.get_mut(TOKEN).map(Value::take) {
            Some(token) => members.insert(TOKEN.to_owned(), token),
            None => members.remove(TOKEN),
        };
    }
    // MLflow leaves an empty list out.
    if members.get(list).and_then(Value::as_array).is_some_and(Vec::is_empty) && list != OWN_LIST {
        members.remove(list);
    }
}

impl Question {
    /// The same question for another page.
    fn page(&self, token: &str, rows: usize) -> Option<Request> {
        let mut parts = self.parts.clone();
        let body = if parts.method == http::Method::GET {
            let query = parts.uri.query().unwrap_or_default();
            let others = query.split('&').filter(|pair| {
                !pair.is_empty()
                    && !["page_token", "max_results"].contains(&pair.split('=').next().unwrap_or(pair))
            });
            let mut pairs: Vec<String> = others.map(str::to_owned).collect();
            pairs.push(format!("max_results={rows}"));
            pairs.push(format!(
                "page_token={}",
                token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
            ));
            parts.uri = format!("{}?{}", parts.uri.path(), pairs.join("&")).parse().ok()?;
            Body::empty()
        } else {
            let mut asked: Value = serde_json::from_slice(&self.body).ok()?;
            let members = asked.as_object_mut()?;
            for name in ["page_token", "pageToken", "max_results", "maxResults"] {
                members.remove(name);
            }
            members.insert("page_token".to_owned(), json!(token));
            members.insert("max_results".to_owned(), json!(rows));
            let bytes = serde_json::to_vec(&asked).ok()?;
            parts.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
            Body::from(bytes)
        };
        Some(Request::from_parts(parts, body))
    }
}

async fn whole(body: Body) -> ropewalk_core::Result<Bytes> {
    let collected = body.collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|source| Error::internal("the answer broke off").why(source.to_string()))
}
