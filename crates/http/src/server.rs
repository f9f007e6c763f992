//! The merged router.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Version, header};
use ropewalk_core::{Code, Core, Error};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{self, Form, Guard};
use crate::security::{self, Security};
use crate::{openapi, patience, rejections};

/// The largest JSON body, in bytes. A route for uploads sets a limit of its own.
pub const MAX_JSON_BYTES: usize = 256 * 1024 * 1024;

/// Merge the features' routers into one, with authentication, the web app and the description.
/// `security` says what browsers may bring.
pub fn build(
    core: &Core,
    guard: &Guard,
    features: Vec<OpenApiRouter>,
    security: Security,
) -> (Router, OpenApi) {
    let merged = features
        .into_iter()
        .fold(OpenApiRouter::new(), OpenApiRouter::merge)
        .merge(ropewalk_core::journal::routes(&core.journal))
        .merge(ropewalk_core::jobs::routes(&core.jobs))
        .merge(auth::routes(guard.auth()))
        .merge(auth::permission_routes(guard.auth()));
    let (router, description) = merged.split_for_parts();
    let description = openapi::describe(description);
    let served = description.clone();
    let router = router
        .merge(auth::mlflow_routes(guard.auth()))
        .merge(ropewalk_mlflow::workspaces::routes())
        .route("/api/v1/openapi.json", axum::routing::get(move || async move { Json(served) }))
        .fallback(fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(RequestBodyLimitLayer::new(largest_upload(core)))
        .layer(middleware::from_fn(rejections::as_json))
        .layer(middleware::from_fn_with_state(guard.clone(), auth::authenticate))
        .layer(middleware::from_fn(ropewalk_mlflow::workspaces::refuse_named));
    let router = router
        .layer(middleware::from_fn(patience::with_bodies))
        .layer(middleware::from_fn_with_state(security, security::guard))
        .layer(middleware::from_fn(access_log))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024).and(is_worth_it)))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Error::internal("the request made the server panic")
                .hint("please report it with the request that you sent")
                .into_response()
        }));
    (router, description)
}

/// The largest body of any request, in bytes: that of an upload, which is passed on as it comes.
fn largest_upload(core: &Core) -> usize {
    // The settings were checked; a figure beyond the address space means no limit.
    core.settings.number("max_upload_bytes").map_or(usize::MAX, |bytes| bytes as usize)
}

/// What no feature answers: a file of the web app, or a JSON error below the API's paths.
async fn fallback(request: Request<axum::body::Body>) -> Response {
    let path = request.uri().path();
    if ["/api/", "/ajax-api/", "/v2/", "/v1/"].iter().any(|prefix| path.starts_with(prefix)) {
        return Error::new(Code::NotFound, format!("there is no route {} {path}", request.method()))
            .hint("see /api/v1/openapi.json for the routes there are")
            .into_response();
    }
    ropewalk_ui::serve(request.method(), request.uri())
}

async fn method_not_allowed(request: Request<axum::body::Body>) -> Response {
    if *request.method() == Method::OPTIONS {
        // What a route takes stands in the header that goes with this answer.
        let api = ["/api/", "/ajax-api/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
        return if api { StatusCode::NO_CONTENT } else { StatusCode::OK }.into_response();
    }
    let error = Error::invalid(format!("{} is not answered at {}", request.method(), request.uri().path()))
        .hint("see /api/v1/openapi.json for the routes there are");
    (StatusCode::METHOD_NOT_ALLOWED, Json(error.to_wire())).into_response()
}

/// One structured line a request.
async fn access_log(request: Request<axum::body::Body>, next: middleware::Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;
    let elapsed: Duration = started.elapsed();
    tracing::info!(target: "ropewalk::access", %method, path, status = response.status().as_u16(),
        milliseconds = elapsed.as_secs_f64() * 1000.0, "request");
    if Form::of(&path) == Form::Own {
        response.extensions_mut().insert(MayBeCompressed);
    }
    response
}

/// That an answer may be compressed. MLflow's may not: its server does not do it, and for its clients, which mostly run
/// nearby, packing megabytes of JSON costs more than sending them.
#[derive(Debug, Clone)]
struct MayBeCompressed;

/// Whether an answer is text of our own that gets smaller.
fn is_worth_it(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let packed = [&b"text/event-stream"[..], b"application/octet-stream", b"image/", b"font/"];
    // Whoever may ask for ranges of a file gets it as it is.
    let in_ranges = headers.contains_key(header::ACCEPT_RANGES);
    extensions.get::<MayBeCompressed>().is_some()
        && !in_ranges
        && !packed.iter().any(|packed| kind.starts_with(packed))
}
