//! Errors as MLflow's clients read them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ropewalk_core::{Code, Error};
use serde_json::{Map, Value};

/// An answer's result on MLflow's routes.
pub type MlflowResult<T = Response> = std::result::Result<T, MlflowError>;

/// MLflow's error codes, as far as this server answers with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ErrorCode {
    BadRequest,
    InvalidParameterValue,
    /// The stock server sends this with 500, which its client tries again for minutes; here it comes with 409.
    InvalidState,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
    NotFound,
    ResourceConflict,
    Unauthenticated,
    PermissionDenied,
    ResourceExhausted,
    RequestTimeout,
    RequestTooLarge,
    NotImplemented,
    /// Workspaces are off; MLflow's server sends this with 500.
    FeatureDisabled,
    TemporarilyUnavailable,
    InternalError,
    /// As the last, where the disk is full.
    StorageFull,
}

impl ErrorCode {
    /// The word on the wire, the HTTP status, and the error class that the stock server puts beside it.
    const fn row(self) -> (&'static str, u16, Option<&'static str>) {
        const INVALID: Option<&str> = Some("INVALID_PARAMETER_VALUE");
        const MISSING: Option<&str> = Some("RESOURCE_NOT_FOUND");
        const INTERNAL: Option<&str> = Some("CLIENT_INTERNAL_ERROR");
        match self {
            Self::BadRequest => ("BAD_REQUEST", 400, INVALID),
            Self::InvalidParameterValue => ("INVALID_PARAMETER_VALUE", 400, INVALID),
            Self::InvalidState => ("INVALID_STATE", 409, INTERNAL),
            Self::ResourceAlreadyExists => ("RESOURCE_ALREADY_EXISTS", 400, Some("RESOURCE_ALREADY_EXISTS")),
            Self::ResourceDoesNotExist => ("RESOURCE_DOES_NOT_EXIST", 404, MISSING),
            Self::NotFound => ("NOT_FOUND", 404, MISSING),
            Self::ResourceConflict => ("RESOURCE_CONFLICT", 409, None),
            Self::Unauthenticated => ("UNAUTHENTICATED", 401, None),
            Self::PermissionDenied => ("PERMISSION_DENIED", 403, Some("PERMISSION_DENIED")),
            Self::ResourceExhausted => ("RESOURCE_EXHAUSTED", 429, None),
            Self::RequestTimeout => ("BAD_REQUEST", 408, INVALID),
            Self::RequestTooLarge => ("BAD_REQUEST", 413, INVALID),
            Self::NotImplemented => ("NOT_IMPLEMENTED", 501, None),
            Self::FeatureDisabled => ("FEATURE_DISABLED", 500, Some("FEATURE_DISABLED")),
            Self::TemporarilyUnavailable => ("TEMPORARILY_UNAVAILABLE", 503, INTERNAL),
            Self::InternalError => ("INTERNAL_ERROR", 500, INTERNAL),
            Self::StorageFull => ("INTERNAL_ERROR", 507, INTERNAL),
        }
    }

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().1
    }
}

/// One of MLflow's error codes, and a message.
#[derive(Debug)]
pub struct MlflowError {
    code: ErrorCode,
    message: String,
    more: Map<String, Value>,
    plain: Option<StatusCode>,
}

impl MlflowError {
    /// An error of a code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), more: Map::new(), plain: None }
    }

    /// A refusal that MLflow's server writes as plain text.
    pub fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        let code =
            if status == StatusCode::FORBIDDEN { ErrorCode::PermissionDenied } else { ErrorCode::BadRequest };
        Self { plain: Some(status), ..Self::new(code, message) }
    }

    /// 400, the request breaks a rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// 404, nothing has that name.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceDoesNotExist, message)
    }

    /// 501, MLflow has it and this server does not.
    pub fn not_built(what: &str) -> Self {
        Self::new(ErrorCode::NotImplemented, format!("{what} is not built in this server"))
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let (name, _, class) = self.code.row();
        let mut body = Map::new();
        body.insert("error_code".to_owned(), name.into());
        body.insert("message".to_owned(), self.message.as_str().into());
        if let Some(class) = class {
            let state = if class == "CLIENT_INTERNAL_ERROR" { "XXM00" } else { "KAM00" };
            body.insert("sqlstate".to_owned(), state.into());
            body.insert("error_class".to_owned(), class.into());
        }
        body.extend(self.more.clone());
        Value::Object(body)
    }
}

impl From<Error> for MlflowError {
    fn from(error: Error) -> Self {
        let code = match error.code() {
            Code::Invalid | Code::GateFailed => ErrorCode::InvalidParameterValue,
            Code::TooLarge => ErrorCode::RequestTooLarge,
            Code::NotFound => ErrorCode::ResourceDoesNotExist,
            Code::AlreadyExists => ErrorCode::ResourceAlreadyExists,
            Code::WrongState => ErrorCode::InvalidState,
            Code::Conflict | Code::PortInUse => ErrorCode::ResourceConflict,
            Code::Unauthenticated => ErrorCode::Unauthenticated,
            Code::Forbidden => ErrorCode::PermissionDenied,
            Code::Exhausted => ErrorCode::ResourceExhausted,
            Code::Unavailable => ErrorCode::TemporarilyUnavailable,
            Code::NotImplemented => ErrorCode::NotImplemented,
            Code::DiskFull => ErrorCode::StorageFull,
            Code::Corrupt | Code::Internal => ErrorCode::InternalError,
        };
        if code.status() >= 500 {
            tracing::error!(error = %error, "an MLflow request failed");
            return Self::new(code, error.to_string());
        }
        // The reason is for people; clients compare the message.
        Self::new(code, error.what())
    }
}

impl From<MlflowError> for Error {
    fn from(error: MlflowError) -> Self {
        let code = match error.code {
            ErrorCode::BadRequest | ErrorCode::InvalidParameterValue | ErrorCode::RequestTimeout => {
                Code::Invalid
            }
            ErrorCode::InvalidState => Code::WrongState,
            ErrorCode::ResourceAlreadyExists => Code::AlreadyExists,
            ErrorCode::ResourceDoesNotExist | ErrorCode::NotFound => Code::NotFound,
            ErrorCode::ResourceConflict => Code::Conflict,
            ErrorCode::Unauthenticated => Code::Unauthenticated,
            ErrorCode::PermissionDenied => Code::Forbidden,
            ErrorCode::ResourceExhausted => Code::Exhausted,
            ErrorCode::RequestTooLarge => Code::TooLarge,
            ErrorCode::NotImplemented | ErrorCode::FeatureDisabled => Code::NotImplemented,
            ErrorCode::TemporarilyUnavailable => Code::Unavailable,
            ErrorCode::InternalError => Code::Internal,
            ErrorCode::StorageFull => Code::DiskFull,
        };
        Self::new(code, error.message)
    }
}

impl IntoResponse for MlflowError {
    fn into_response(self) -> Response {
        if let Some(status) = self.plain {
            return (status, self.message).into_response();
        }
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(self.body())).into_response();
        if self.code == ErrorCode::ResourceExhausted {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}
