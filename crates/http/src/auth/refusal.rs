//! Refusals, in the form of whose route it is.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ropewalk_core::{Code, Error};
use ropewalk_mlflow::MlflowError;

/// Whose words a route speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// MLflow's.
    Mlflow,
    /// Our own, and that of other protocols.
    Own,
}

impl Form {
    /// The form of a path's answers.
    pub(crate) fn of(path: &str) -> Self {
        const MLFLOW: [&str; 9] = [
            "/api/2.0",
            "/api/3.0",
            "/ajax-api/",
            "/graphql",
            "/get-artifact",
            "/model-versions/",
            "/v1/traces",
            "/version",
            "/gateway/",
        ];
        if MLFLOW.iter().any(|prefix| path.starts_with(prefix)) { Self::Mlflow } else { Self::Own }
    }

    /// Nobody knows who the caller is.
    pub(super) fn unauthenticated(self, header_came: bool) -> Response {
        let (mut response, challenge) = match self {
            Self::Mlflow => {
                let words = "You are not authenticated. Please see \
                    https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow \
                    on how to authenticate.";
                ((StatusCode::UNAUTHORIZED, words).into_response(), "Basic realm=\"mlflow\"")
            }
            Self::Own => {
                let error = Error::new(Code::Unauthenticated, "this server wants to know who you are")
                    .why(if header_came {
                        "the token or the password is not right"
                    } else {
                        "no token and no password came"
                    })
                    .hint("set ROPEWALK_TOKEN, or MLFLOW_TRACKING_TOKEN for MLflow's client");
                (error.into_response(), "Basic realm=\"ropewalk\"")
            }
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }

    /// The caller may not do this.
    pub(super) fn forbidden(self, name: &str, why: impl Into<String>, hint: String) -> Response {
        match self {
            Self::Mlflow => (StatusCode::FORBIDDEN, "Permission denied").into_response(),
            Self::Own => Error::new(Code::Forbidden, format!("{name} may not do this"))
                .why(why)
                .hint(hint)
                .into_response(),
        }
    }

    /// What the request is about cannot be read from it.
    pub(super) fn unreadable(self, error: MlflowError) -> Response {
        match self {
            Self::Mlflow => error.into_response(),
            Self::Own => Error::from(error).into_response(),
        }
    }
}
