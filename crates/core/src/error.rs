//! One error type and one table of codes: what went wrong, why, and what to run next.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// The result of almost every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $status:literal, $exit:literal;)+) => {
        /// What kind of thing went wrong. Each code has a stable name, an HTTP status and a
        /// process exit status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of the reference page.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, as it stands in JSON answers.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }

            /// The HTTP status that it answers with.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status,)+ } }

            /// The exit status of the command line.
            #[must_use]
            pub const fn exit(self) -> u8 { match self { $(Self::$variant => $exit,)+ } }

            /// What it means, for the reference page.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The request cannot be understood or breaks a rule.
    Invalid = "invalid", 400, 1;
    /// Nothing has that name.
    NotFound = "not_found", 404, 1;
    /// Something has that name already.
    AlreadyExists = "already_exists", 409, 1;
    /// Someone else changed the same thing first, or two changes do not fit together.
    Conflict = "conflict", 409, 1;
    /// The thing is not in the state that this needs.
    WrongState = "wrong_state", 409, 1;
    /// A check that guards a step did not pass.
    GateFailed = "gate_failed", 422, 1;
    /// Who you are is not known.
    Unauthenticated = "unauthenticated", 401, 4;
    /// You are known, but your role may not do this.
    Forbidden = "forbidden", 403, 4;
    /// The body or the upload is larger than allowed.
    TooLarge = "too_large", 413, 1;
    /// Too much is asked at once; try again later.
    Exhausted = "exhausted", 429, 1;
    /// The port is taken by another program.
    PortInUse = "port_in_use", 409, 1;
    /// What is needed is not there now: a server, a database, a loaded model.
    Unavailable = "unavailable", 503, 1;
    /// This is known, but not built.
    NotImplemented = "not_implemented", 501, 1;
    /// The disk is full: nothing was written.
    DiskFull = "disk_full", 507, 1;
    /// Stored bytes are not what was written.
    Corrupt = "corrupt", 500, 2;
    /// A fault of the program itself.
    Internal = "internal", 500, 2;
}

/// What went wrong, why, and a command that helps.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    what: String,
    why: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a code; `what` says what went wrong, in words and without a full stop.
    #[must_use]
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, what: what.into(), why: None, hint: None, source: None }))
    }

    /// The request breaks a rule.
    #[must_use]
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(Code::Invalid, what)
    }

    /// Nothing has that name.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// Someone else changed the same thing first.
    #[must_use]
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new(Code::Conflict, what)
    }

    /// A fault of the program itself.
    #[must_use]
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(Code::Internal, what)
    }

    /// Add the reason.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.0.why = Some(why.into());
        self
    }

    /// Add what to run or do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keep the error beneath this one.
    #[must_use]
    pub fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Say what was being done: the old text becomes the reason, unless there is one already.
    #[must_use]
    pub fn context(mut self, what: impl Into<String>) -> Self {
        let old = std::mem::replace(&mut self.0.what, what.into());
        self.0.why = Some(match self.0.why.take() {
            Some(why) => format!("{old}: {why}"),
            None => old,
        });
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What went wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The reason, when one is known.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.why.as_deref()
    }

    /// What to do next, when there is something.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The form that goes over the wire.
    #[must_use]
    pub fn to_wire(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorDetail {
                code: self.0.code.name().to_owned(),
                what: self.0.what.clone(),
                why: self.0.why.clone(),
                hint: self.0.hint.clone(),
            },
        }
    }

    /// The error that a server sent; an unknown code (of a newer server) counts as internal.
    #[must_use]
    pub fn from_wire(body: ErrorBody) -> Self {
        let detail = body.error;
        let code = Code::ALL.iter().copied().find(|code| code.name() == detail.code);
        let mut error = Self::new(code.unwrap_or(Code::Internal), detail.what);
        error.0.why = detail.why;
        error.0.hint = detail.hint;
        error
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.what)?;
        if let Some(why) = &self.0.why {
            write!(formatter, ": {why}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// The JSON body of every failed answer of our own routes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// The one member.
    pub error: ErrorDetail,
}

/// What went wrong, on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// The stable name of the code.
    pub code: String,
    /// What went wrong.
    pub what: String,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// A command or an act that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = self.0.code.name(), error = %self, source = ?self.0.source, "request failed");
        }
        let mut response = (status, Json(self.to_wire())).into_response();
        if self.0.code == Code::Exhausted {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        let code = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::PermissionDenied => Code::Forbidden,
            std::io::ErrorKind::AddrInUse => Code::PortInUse,
            _ => Code::Internal,
        };
        let error = Self::new(code, source.to_string());
        let error = if code == Code::DiskFull { error.hint(FREE_SPACE) } else { error };
        error.source(source)
    }
}

const FREE_SPACE: &str = "free some space (see: ropewalk doctor), then run the same command again";

impl From<object_store::Error> for Error {
    fn from(source: object_store::Error) -> Self {
        let full = has_io_kind(&source, std::io::ErrorKind::StorageFull);
        match &source {
            object_store::Error::NotFound { path, .. } => {
                Self::not_found(format!("no blob at {path}")).source(source)
            }
            object_store::Error::AlreadyExists { path, .. } => {
                Self::new(Code::AlreadyExists, format!("a blob stands at {path} already")).source(source)
            }
            _ if full => Self::new(Code::DiskFull, "the disk is full").hint(FREE_SPACE).source(source),
            // Told as a refusal, so that nobody tries again for minutes.
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::new(Code::Forbidden, "the blob store refuses this server")
                    .why(source.to_string())
                    .hint("check the server's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do")
                    .source(source)
            }
            _ => Self::new(Code::Unavailable, "the blob store failed")
                .why(source.to_string())
                .hint("ropewalk doctor")
                .source(source),
        }
    }
}

fn has_io_kind(error: &(dyn std::error::Error + 'static), kind: std::io::ErrorKind) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == kind) {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        let text = source.to_string();
        if text.contains("database or disk is full") || text.contains("No space left on device") {
            return Self::new(Code::DiskFull, "the disk is full").hint(FREE_SPACE).source(source);
        }
        match &source {
            sqlx::Error::RowNotFound => Self::not_found("no such row").source(source),
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                Self::new(Code::AlreadyExists, "that stands already").why(text).source(source)
            }
            // character_not_in_repertoire: PostgreSQL has no text with a NUL in it.
            sqlx::Error::Database(database) if database.code().as_deref() == Some("22021") => {
                Self::invalid("a text must not contain the character NUL").why(text).source(source)
            }
            // program_limit_exceeded: a key longer than an entry of PostgreSQL's indexes.
            sqlx::Error::Database(database) if database.code().as_deref() == Some("54000") => {
                Self::invalid("a name is longer than this database can index").why(text).source(source)
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                Self::new(Code::Unavailable, "the database does not answer")
                    .why(text)
                    .hint("ropewalk doctor")
                    .source(source)
            }
            _ => Self::internal("the database failed").why(text).source(source),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(source: serde_json::Error) -> Self {
        Self::invalid("the JSON cannot be read").why(source.to_string()).source(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_distinct_names_and_sane_statuses() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!((400..600).contains(&code.status()));
            assert!([1, 2, 4].contains(&code.exit()));
            assert!(!code.meaning().is_empty());
        }
    }

    #[test]
    fn the_wire_form_round_trips() {
        let error =
            Error::not_found("no dataset named “wine”").why("there are none").hint("ropewalk data ls");
        let again = Error::from_wire(error.to_wire());
        assert_eq!(again.code(), Code::NotFound);
        assert_eq!(again.to_string(), "no dataset named “wine”: there are none");
        assert_eq!(again.advice(), Some("ropewalk data ls"));
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert_eq!(error.code(), Code::DiskFull);
    }
}
