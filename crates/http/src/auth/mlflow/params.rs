//! What a request to one of these routes says, read as MLflow's server reads it; and who sends it.

use axum::extract::{FromRequest, Request};
use http::Method;
use ropewalk_mlflow::json::{self, Json};
use ropewalk_mlflow::rules::as_whole;
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult};

use crate::auth::service::{Auth, Caller};

/// A request with its parameters and its sender.
pub(super) struct Params {
    pub(super) caller: Caller,
    call: Call,
    sent: Json,
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = MlflowError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MlflowError> {
        let Some(caller) = request.extensions().get::<Caller>().cloned() else {
            return Err(MlflowError::new(
                ErrorCode::NotFound,
                "Users are known only once there are credentials",
            ));
        };
        let call = Call::from_request(request, state).await?;
        let body = || std::str::from_utf8(call.body()).ok().and_then(json::parse);
        let sent = match *call.method() {
            Method::POST | Method::PATCH => call.json().ok(),
            // A body is read whatever it calls itself.
            Method::DELETE if !call.body().is_empty() => body(),
            _ => None,
        };
        let sent = sent.filter(|sent| matches!(sent, Json::Object(_))).unwrap_or(Json::Object(Vec::new()));
        Ok(Self { caller, call, sent })
    }
}

impl Params {
    /// Whether the body calls itself JSON.
    pub(super) fn is_json(&self) -> bool {
        self.call.must_be_json().is_ok()
    }

    fn reads_query(&self) -> bool {
        match *self.call.method() {
            Method::GET | Method::HEAD => true,
            Method::DELETE => self.call.body().is_empty(),
            _ => false,
        }
    }

    /// A parameter, if it was sent.
    pub(super) fn maybe(&self, name: &str) -> Option<Json> {
        if self.reads_query() {
            return self.call.query(name).map(|value| Json::Text(value.to_owned()));
        }
        self.sent.get(name).or_else(|| self.sent.get(&camel(name))).cloned()
    }

    /// Every value of a query parameter.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.call.query_all(name)
    }

    /// A parameter that must be there.
    pub(super) fn value(&self, name: &str) -> MlflowResult<Json> {
        self.maybe(name).ok_or_else(|| {
            MlflowError::invalid(format!(
                "Missing value for required parameter '{name}'. See the API docs for more information about request \
                 parameters."
            ))
        })
    }

    /// A parameter that must be there, as text.
    pub(super) fn text(&self, name: &str) -> MlflowResult<String> {
        Ok(match self.value(name)? {
            Json::Text(text) => text,
            Json::Null => String::new(),
            other => json::dumps(&other),
        })
    }

    /// A parameter that must be there and be a whole number.
    pub(super) fn whole(&self, name: &str) -> MlflowResult<i64> {
        let value = self.value(name)?;
        as_whole(&value).ok_or_else(|| {
            let shown = match &value {
                Json::Text(text) => format!("'{text}'"),
                Json::Null => "None".to_owned(),
                other => json::dumps(other),
            };
            MlflowError::invalid(format!("Parameter '{name}' must be an integer. Got: {shown}"))
        })
    }

    /// A text or nothing.
    pub(super) fn optional_text(&self, name: &str, wrong: &str) -> MlflowResult<Option<String>> {
        match self.sent.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(MlflowError::invalid(wrong)),
        }
    }

    /// Refuses whoever is neither this user nor an administrator.
    pub(super) fn must_be(&self, name: &str) -> MlflowResult<()> {
        if self.caller.is_admin() || self.caller.name == name { Ok(()) } else { Err(denied()) }
    }

    /// Refuses whoever is no administrator.
    pub(super) fn must_be_admin(&self) -> MlflowResult<()> {
        if self.caller.is_admin() { Ok(()) } else { Err(denied()) }
    }

    /// The workspaces that the caller manages, without being an administrator.
    pub(super) async fn manages(&self, auth: &Auth) -> MlflowResult<Vec<String>> {
        match self.caller.id {
            Some(id) => Ok(auth.managed_by(id).await?),
            None => Ok(Vec::new()),
        }
    }
}

/// MLflow's server says this in plain text.
pub(super) fn denied() -> MlflowError {
    MlflowError::plain(http::StatusCode::FORBIDDEN, "Permission denied")
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut text, part| {
        let mut letters = part.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn both_spellings_are_read() {
        assert_eq!(camel("role_permission_id"), "rolePermissionId");
        assert_eq!(camel("name"), "name");
    }
}
