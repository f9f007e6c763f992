//! The layer that every request passes: who is it, and may they?

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header;
use ropewalk_core::Actor;
use ropewalk_mlflow::access::{
    About, Action, Asked, Matched, Rights, Rule, Then, answer, model_name, new_name,
    scope::{self, Left},
    without_prefix,
};
use ropewalk_mlflow::{Call, MlflowError, read_body};

use super::after;
use super::guard::Guard;
use super::model::Role;
use super::refusal::Form;
use super::service::Caller;

/// Recognise the caller, check what the request needs, and hand the actor on to the handlers. Without any credential in
/// the home everybody is its local user.
pub async fn authenticate(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.auth.required().await {
        Ok(false) => return next.run(request).await,
        Ok(true) => {}
        Err(error) => return error.into_response(),
    }
    let path = request.uri().path().to_owned();
    if is_open(&path) {
        return next.run(request).await;
    }
    let form = Form::of(&path);
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = match header {
        Some(header) => match guard.auth.recognise(header).await {
            Ok(caller) => caller,
            Err(error) => return error.into_response(),
        },
        None => None,
    };
    let Some(caller) = caller else { return form.unauthenticated(header.is_some()) };
    let rights = guard.auth.rights(&caller);
    let extensions = request.extensions_mut();
    extensions.insert(Actor::user(&caller.name));
    extensions.insert(caller.clone());
    extensions.insert(rights.clone());
    let passage = Passage { guard: &guard, form, caller: &caller };
    match guard.table.find(request.method().as_str(), &path) {
        Some((rule, variables)) => passage.by_rule((rule, variables), rights, request, next).await,
        None => passage.by_role(&path, &rights, request, next).await,
    }
}

/// What needs no credential: health checks come from load balancers, the web app's files hold no secret, and of a server's
/// features MLflow's client asks before it knows that it needs a credential.
fn is_open(path: &str) -> bool {
    path == "/health"
        || path.starts_with("/v2/health")
        || without_prefix(path) == "/3.0/mlflow/server-info"
        || !is_programmatic(path)
}

/// Whether a path is answered by a feature rather than by a file of the web app.
fn is_programmatic(path: &str) -> bool {
    [
        "/api/",
        "/ajax-api/",
        "/v2",
        "/v1/",
        "/metrics",
        "/version",
        "/graphql",
        "/invocations",
        "/get-artifact",
        "/model-versions/",
        "/gateway/",
    ]
    .iter()
    .any(|prefix| path.starts_with(prefix))
}

/// A request of a known caller on its way to a feature.
struct Passage<'a> {
    guard: &'a Guard,
    form: Form,
    caller: &'a Caller,
}

impl Passage<'_> {
    /// A request that is about no experiment and no registered model.
    async fn by_role(&self, path: &str, rights: &Rights, request: Request, next: Next) -> Response {
        let needed = Role::needed(request.method(), path);
        if self.caller.role < needed {
            let why = format!("the role is {}, this needs {}", self.caller.role.name(), needed.name());
            let hint = "ask an administrator: ropewalk auth token NAME --role …".to_owned();
            return self.form.forbidden(&self.caller.name, why, hint);
        }
        // What nobody has said to be harmless may tell of what is hidden.
        if rights.hide_something() && without_prefix(path) != path {
            return self.denied("something is hidden from you, and this may tell of it");
        }
        next.run(request).await
    }

    async fn by_rule(
        &self,
        (rule, variables): Matched,
        mut rights: Rights,
        request: Request,
        next: Next,
    ) -> Response {
        if rule.operates && self.caller.role < Role::Operator {
            rights = rights.with_default(Role::Viewer.permission());
        }
        let (action, most) = rule.about.levels();
        let settled = rights.settle(action, most);
        if settled == Some(false) {
            return self.denied(lacking(action));
        }
        let names = matches!(rule.about, About::NewModel)
            || rule.then.iter().any(|then| matches!(then, Then::ForgetModel | Then::RenameModel));
        let cuts = answer::must_be_cut(rule.then, &rights);
        let scopes = rule.scope.is_some() && scope::must_be_cut(&rights);
        if settled == Some(true) && !(names || cuts || scopes) {
            let response = next.run(request).await;
            return after::owned(self.guard, self.caller, rule, response).await;
        }
        let (parts, body) = request.into_parts();
        let reads = names || scopes || cuts || rule.about.reads_body();
        let (bytes, mut body) = if reads {
            match read_body(body).await {
                Ok(bytes) => (bytes.clone(), Body::from(bytes)),
                Err(error) => return self.form.unreadable(error),
            }
        } else {
            (Bytes::new(), body)
        };
        let call = Call::new(&parts, bytes.clone());
        let asked = Asked { call: &call, variables: &variables, lookup: self.guard.lookup.as_ref() };
        if settled.is_none() {
            match rule.about.needs(&asked).await {
                Ok(Some(needs)) if rights.allow(&needs) => {}
                Ok(_) => return self.denied(lacking(action)),
                Err(error) => return self.form.unreadable(error),
            }
        }
        let named = match self.names(rule, &asked).await {
            Ok(named) => named,
            Err(error) => return self.form.unreadable(error),
        };
        let mut parts = parts;
        if let Some(kind) = rule.scope.filter(|_| scopes) {
            match scope::cut(&bytes, kind, &rights) {
                Left::All => {}
                Left::Some(cut) => {
                    parts.headers.insert(header::CONTENT_LENGTH, cut.len().into());
                    body = Body::from(cut);
                }
                Left::Nothing => return ropewalk_mlflow::done(),
            }
        }
        let asks = after::Question { parts: parts.clone(), body: bytes, next: next.clone() };
        let response = next.run(Request::from_parts(parts, body)).await;
        let response = after::named(self.guard, rule, &named, response).await;
        let response = after::owned(self.guard, self.caller, rule, response).await;
        if cuts { after::cut(rule, &rights, asks, response).await } else { response }
    }

    /// The registered model that a request names, and the name that it would give it; both are checked for everybody.
    async fn names(&self, rule: &Rule, asked: &Asked<'_>) -> Result<(String, String), MlflowError> {
        let (mut name, mut new) = (String::new(), String::new());
        for then in rule.then {
            match then {
                Then::OwnModel => new = new_name(asked, false)?,
                Then::ForgetModel => name = model_name(asked).unwrap_or_default(),
                Then::RenameModel => {
                    name = model_name(asked).unwrap_or_default();
                    new = new_name(asked, true)?;
                    after::check_rename(self.guard, self.caller, &name, &new).await?;
                }
                _ => {}
            }
        }
        Ok((name, new))
    }

    fn denied(&self, why: &str) -> Response {
        let name = &self.caller.name;
        self.form.forbidden(name, why, format!("ropewalk auth permissions {name}"))
    }
}

fn lacking(action: Action) -> &'static str {
    match action {
        Action::NotDenied | Action::Read => "the permission READ is needed on what this is about",
        Action::Use => "the permission USE is needed on what this is about",
        Action::Update => "the permission EDIT is needed on what this is about",
        Action::Delete | Action::Manage => "the permission MANAGE is needed on what this is about",
    }
}
