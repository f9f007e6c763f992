//! The layer that every request passes: who is it, and may they?

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use ropewalk_core::{Actor, Code, Error};

use super::model::Role;
use super::service::Auth;

/// Recognise the caller, check the role that the request needs, and hand the actor on to the
/// handlers. Without any credential in the home everybody is its local user.
pub async fn authenticate(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    // Health checks come from load balancers; the web app's files hold no secret.
    let open = path == "/health" || path.starts_with("/v2/health") || !is_programmatic(&path);
    match auth.required().await {
        Ok(false) => return next.run(request).await,
        Ok(true) if open => return next.run(request).await,
        Ok(true) => {}
        Err(error) => return error.into_response(),
    }
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = match header {
        Some(header) => match auth.recognise(header).await {
            Ok(caller) => caller,
            Err(error) => return error.into_response(),
        },
        None => None,
    };
    let Some(caller) = caller else {
        let error = Error::new(Code::Unauthenticated, "this server wants to know who you are")
            .why(if header.is_some() {
                "the token or the password is not right"
            } else {
                "no token and no password came"
            })
            .hint("set ROPEWALK_TOKEN, or MLFLOW_TRACKING_TOKEN for MLflow's client");
        let mut response = error.into_response();
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ropewalk\""));
        return response;
    };
    let needed = Role::needed(request.method(), &path);
    if caller.role < needed {
        return Error::new(Code::Forbidden, format!("{} may not do this", caller.name))
            .why(format!("the role is {}, this needs {}", caller.role.name(), needed.name()))
            .hint("ask an administrator: ropewalk auth token NAME --role …")
            .into_response();
    }
    request.extensions_mut().insert(Actor::user(&caller.name));
    next.run(request).await
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
    ]
    .iter()
    .any(|prefix| path.starts_with(prefix))
}
