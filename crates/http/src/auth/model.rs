//! Credentials and roles, and which role a request needs.

use http::Method;
use ropewalk_mlflow::access::Permission;
use serde::{Deserialize, Serialize};

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read everything and ask for predictions.
    Viewer,
    /// Also change datasets, preparations, runs and models.
    Scientist,
    /// Also change endpoints, aliases, monitors and incidents.
    Operator,
    /// Also change credentials.
    Admin,
}

impl Role {
    /// The role's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Scientist => "scientist",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Scientist, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }

    /// What it allows on an experiment or a registered model on which nothing was granted.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::Viewer => Permission::Read,
            Self::Scientist | Self::Operator => Permission::Edit,
            Self::Admin => Permission::Manage,
        }
    }

    /// The role that a request needs that is about no experiment and no registered model.
    #[must_use]
    pub fn needed(method: &Method, path: &str) -> Self {
        // What one may do with a thing and what one has oneself is no matter of the role; its routes see to it.
        if path == "/api/v1/auth/permissions" {
            return Self::Viewer;
        }
        if path.starts_with("/api/v1/auth") {
            return Self::Admin;
        }
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        // Searches and predictions are questions, though they come as POST.
        let mlflow =
            ["/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"].iter().any(|prefix| path.starts_with(prefix));
        let asks =
            *method == Method::POST && (path.starts_with("/v2/") || mlflow && path.ends_with("/search"));
        if reads || asks {
            return Self::Viewer;
        }
        let operates = ["/api/v1/endpoints", "/api/v1/incidents", "/api/v1/alerts", "/api/v1/rollouts"];
        if operates.iter().any(|prefix| path.starts_with(prefix))
            || path.contains("/aliases/")
            || path.ends_with("/registered-models/alias")
        {
            return Self::Operator;
        }
        Self::Scientist
    }
}

/// How somebody proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A bearer token, for programs.
    Token,
    /// A name and a password (HTTP basic authentication), for people and MLflow's client.
    Password,
}

impl Kind {
    /// The kind's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
        }
    }
}

/// A credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Credential {
    /// Its number, by which MLflow's client knows it.
    pub id: i64,
    /// Its name: that of the person or program.
    pub name: String,
    /// How it is proven.
    pub kind: Kind,
    /// What it allows.
    pub role: Role,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_need_the_role_of_their_room() {
        let needed = |method: Method, path: &str| Role::needed(&method, path);
        assert_eq!(needed(Method::GET, "/api/v1/endpoints/wine"), Role::Viewer);
        assert_eq!(needed(Method::POST, "/v2/models/wine/infer"), Role::Viewer);
        assert_eq!(needed(Method::POST, "/api/2.0/mlflow/runs/search"), Role::Viewer);
        assert_eq!(needed(Method::POST, "/api/2.0/mlflow/runs/create"), Role::Scientist);
        assert_eq!(needed(Method::POST, "/api/v1/datasets/wine/commits"), Role::Scientist);
        assert_eq!(needed(Method::PUT, "/api/v1/endpoints/wine/traffic"), Role::Operator);
        assert_eq!(needed(Method::PUT, "/api/v1/models/m/aliases/champion"), Role::Operator);
        assert_eq!(needed(Method::GET, "/api/v1/auth/credentials"), Role::Admin);
    }
}
