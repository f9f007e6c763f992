//! Which hosts a stored URI may make the server connect to: its own places for artifacts, and what whoever runs it allows.

use ropewalk_core::Settings;

use crate::error::{MlflowError, MlflowResult};
use crate::uri::Uri;

/// The variable that allows schemes whose URIs name a host.
pub const SCHEMES: &str = "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES";

/// Schemes whose URIs name the host to connect to.
const HOST_ADDRESSED: [&str; 10] =
    ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"];

/// The hosts that URIs may name.
#[derive(Debug, Clone, Default)]
pub struct HostPolicy {
    schemes: Vec<String>,
    /// The server's own places for artifacts.
    own: Vec<Target>,
}

/// What a URI makes one connect to: protocol, host, port.
type Target = (String, String, Option<u16>);

impl HostPolicy {
    /// What the environment and the settings say.
    pub fn from_environment(settings: &Settings) -> Self {
        let own = ["artifacts_destination", "default_artifact_root"].map(|key| settings.text(key));
        let schemes = std::env::var(SCHEMES).unwrap_or_default();
        Self::new(&schemes, &own.into_iter().flatten().collect::<Vec<_>>())
    }

    /// Allows `schemes`, separated by commas, and the hosts of the server's `own` places for artifacts.
    pub fn new(schemes: &str, own: &[&str]) -> Self {
        Self {
            schemes: schemes.split(',').map(|scheme| scheme.trim().to_lowercase()).collect(),
            own: own.iter().filter_map(|uri| Uri::parse(uri).ok()).flat_map(|uri| targets(&uri)).collect(),
        }
    }

    /// Refuses a URI that names a host that is neither the server's own nor allowed; `field` is where it stands.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`
    pub fn check(&self, uri: &Uri, field: &str) -> MlflowResult<()> {
        self.refusal(uri).map_or(Ok(()), |why| {
            Err(MlflowError::invalid(format!("'{field}' cannot use the '{}' scheme: {why}", uri.scheme)))
        })
    }

    /// Why a URI is refused; none if it may be followed.
    pub fn refusal(&self, uri: &Uri) -> Option<String> {
        let scheme = uri.scheme.as_str();
        let targets = targets(uri);
        let may = targets.is_empty()
            || self.schemes.iter().any(|allowed| allowed == scheme)
            || targets.iter().any(|target| self.own.contains(target));
        (!may).then(|| {
            format!(
                "the '{scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the \
                 server would connect to the host named in the URI. Set the {SCHEMES} environment variable on the server to \
                 allow it."
            )
        })
    }
}

/// What a URI may make one connect to; nothing if it names no host. Where its port is left open there are several.
fn targets(uri: &Uri) -> Vec<Target> {
    let scheme = uri.scheme.as_str();
    if !HOST_ADDRESSED.contains(&scheme) || scheme == "mlflow-artifacts" && uri.authority.is_empty() {
        return Vec::new();
    }
    // HTTP clients end the host at a backslash, which the parser does not: such a host is nobody's own.
    let odd = uri.authority.contains('\\') || uri.authority.contains(char::is_whitespace);
    let (false, Ok(port)) = (odd, uri.port()) else {
        return vec![("malformed".to_owned(), uri.authority.clone(), None)];
    };
    let family = match scheme {
        "viewfs" => "hdfs",
        "https" | "mlflow-artifacts" => "http",
        other => other,
    };
    let ports: &[Option<u16>] = match (port, scheme) {
        (Some(port), _) => &[Some(port)],
        (None, "ftp") => &[Some(21)],
        (None, "sftp") => &[Some(22)],
        (None, "http") => &[Some(80)],
        (None, "mlflow-artifacts") => &[Some(80), Some(443)],
        (None, "https" | "r2" | "b2" | "abfss") => &[Some(443)],
        (None, _) => &[None],
    };
    let host = uri.host().unwrap_or_default();
    ports.iter().map(|port| (family.to_owned(), host.clone(), *port)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hosts_must_be_the_servers_own_or_allowed() {
        let host = |policy: &HostPolicy, uri: &str| policy.check(&Uri::parse(uri).unwrap(), "source");
        let plain = HostPolicy::default();
        for named in
            ["http://h/x", "https://h/x", "ftp:///x", "hdfs://h/x", "mlflow-artifacts://h/x", "http:\\\\h"]
        {
            assert!(host(&plain, named).is_err(), "{named}");
        }
        for unnamed in ["s3://b/x", "gs://b/x", "mlflow-artifacts:/1", "wasbs://a@b/x", "/tmp/x", "runs:/r/x"]
        {
            host(&plain, unnamed).unwrap();
        }
        let own = HostPolicy::new("", &["https://store:8443/a", "hdfs://nodes/x"]);
        host(&own, "https://store:8443/other").unwrap();
        host(&own, "viewfs://nodes/y").unwrap();
        assert!(host(&own, "https://store/a").is_err());
        assert!(host(&own, "https://store:8443\\@evil/a").is_err());
        let allowed = HostPolicy::new("HTTPS, ftp", &[]);
        host(&allowed, "https://anywhere/x").unwrap();
        assert!(host(&allowed, "http://anywhere/x").is_err());
    }
}
