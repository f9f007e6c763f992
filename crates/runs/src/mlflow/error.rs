//! Errors as MLflow's clients read them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ropewalk_core::{Code, Error};
use serde_json::json;

/// An answer's result on MLflow's routes.
pub type MlflowResult<T = Response> = std::result::Result<T, MlflowError>;

/// A status, one of MLflow's error codes, and a message.
#[derive(Debug)]
pub struct MlflowError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl MlflowError {
    /// 400, the request breaks a rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "INVALID_PARAMETER_VALUE", message: message.into() }
    }

    /// 400, a parameter is missing.
    pub fn missing(name: &str) -> Self {
        Self::invalid(format!(
            "Missing value for required parameter '{name}'. See the API docs for more information about request parameters."
        ))
    }

    /// 400, a parameter has the wrong type.
    pub fn wrong_type(name: &str, value: &serde_json::Value) -> Self {
        let kind = match value {
            serde_json::Value::Null => "NoneType",
            serde_json::Value::Bool(_) => "bool",
            serde_json::Value::Number(number) if number.is_f64() => "float",
            serde_json::Value::Number(_) => "int",
            serde_json::Value::String(_) => "str",
            serde_json::Value::Array(_) => "list",
            serde_json::Value::Object(_) => "dict",
        };
        Self::invalid(format!(
            "Invalid value {value} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'. See the API docs for more \
             information about request parameters."
        ))
    }

    /// 501, MLflow has it and this server does not.
    pub fn not_built(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            code: "NOT_IMPLEMENTED",
            message: format!("{what} is not built in this server"),
        }
    }
}

impl From<Error> for MlflowError {
    fn from(error: Error) -> Self {
        let (status, code) = match error.code() {
            Code::Invalid | Code::GateFailed => (400, "INVALID_PARAMETER_VALUE"),
            Code::TooLarge => (413, "INVALID_PARAMETER_VALUE"),
            Code::NotFound => (404, "RESOURCE_DOES_NOT_EXIST"),
            // MLflow answers 400 here, not 409.
            Code::AlreadyExists => (400, "RESOURCE_ALREADY_EXISTS"),
            Code::Conflict | Code::PortInUse => (409, "RESOURCE_CONFLICT"),
            Code::Unauthenticated => (401, "UNAUTHENTICATED"),
            Code::Forbidden => (403, "PERMISSION_DENIED"),
            Code::Exhausted => (429, "RESOURCE_EXHAUSTED"),
            Code::Unavailable => (503, "TEMPORARILY_UNAVAILABLE"),
            Code::NotImplemented => (501, "NOT_IMPLEMENTED"),
            Code::DiskFull => (507, "INTERNAL_ERROR"),
            Code::Corrupt | Code::Internal => (500, "INTERNAL_ERROR"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(error = %error, "an MLflow request failed");
        }
        Self { status, code, message: error.to_string() }
    }
}

/// SQLSTATE and error class that the stock server puts beside an error code.
fn classification(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "INVALID_PARAMETER_VALUE" => ("KAM00", "INVALID_PARAMETER_VALUE"),
        "RESOURCE_DOES_NOT_EXIST" => ("KAM00", "RESOURCE_NOT_FOUND"),
        "RESOURCE_ALREADY_EXISTS" => ("KAM00", "RESOURCE_ALREADY_EXISTS"),
        "PERMISSION_DENIED" => ("KAM00", "PERMISSION_DENIED"),
        "INTERNAL_ERROR" | "TEMPORARILY_UNAVAILABLE" => ("XXM00", "CLIENT_INTERNAL_ERROR"),
        _ => return None,
    })
}

impl IntoResponse for MlflowError {
    fn into_response(self) -> Response {
        let mut body = json!({"error_code": self.code, "message": self.message});
        if let Some((state, class)) = classification(self.code) {
            body["sqlstate"] = json!(state);
            body["error_class"] = json!(class);
        }
        (self.status, Json(body)).into_response()
    }
}
