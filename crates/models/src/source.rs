//! What a version's source may be, as whoever runs the server has it.

use regex::Regex;
use ropewalk_core::{Error, Result, Settings};
use ropewalk_mlflow::uri::Uri;

/// MLflow's variables that are honoured: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (PATTERN, "", "regular expression that the source of a new model version must match; unset: any"),
    (
        SCHEMES,
        "",
        "schemes of sources that name a host, such as `https`, though it is not the server's own; separated by commas",
    ),
];

const PATTERN: &str = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX";
const SCHEMES: &str = "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES";

/// Schemes whose URIs name the host to connect to.
const HOST_ADDRESSED: [&str; 10] =
    ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"];

/// Rules for sources.
#[derive(Debug, Clone, Default)]
pub struct SourceRules {
    pattern: Option<Regex>,
    schemes: Vec<String>,
    /// The server's own places for artifacts.
    own: Vec<Target>,
}

/// What a URI makes one connect to: protocol, host, port.
type Target = (String, String, Option<u16>);

impl SourceRules {
    /// What the environment and the settings say.
    ///
    /// # Errors
    /// `invalid` for a variable that cannot be used.
    pub fn from_environment(settings: &Settings) -> Result<Self> {
        let own = ["artifacts_destination", "default_artifact_root"].map(|key| settings.text(key));
        Self::read(|name| std::env::var(name).ok(), &own.into_iter().flatten().collect::<Vec<_>>())
    }

    /// What variables say; `own` are the server's own places for artifacts.
    ///
    /// # Errors
    /// `invalid` for a variable that cannot be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>, own: &[&str]) -> Result<Self> {
        let pattern = match variable(PATTERN).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(Regex::new(&text).map_err(|source| {
                Error::invalid(format!("the variable {PATTERN} is not a regular expression that can be used"))
                    .why(source.to_string())
                    .hint(format!("unset {PATTERN}   # or write it without looking around"))
                    .source(source)
            })?),
        };
        let schemes = variable(SCHEMES).unwrap_or_default();
        Ok(Self {
            pattern,
            schemes: schemes.split(',').map(|scheme| scheme.trim().to_lowercase()).collect(),
            own: own.iter().filter_map(|uri| Uri::parse(uri).ok()).flat_map(|uri| targets(&uri)).collect(),
        })
    }

    /// Refuses a source that the pattern does not match.
    ///
    /// # Errors
    /// `invalid`
    pub(crate) fn check_pattern(&self, source: &str) -> Result<()> {
        match &self.pattern {
            Some(pattern) if !pattern.is_match(source) => {
                Err(Error::invalid(format!("Invalid model version source: '{source}'.")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a URI that names a host that is not the server's own place for artifacts.
    ///
    /// # Errors
    /// `invalid`
    pub(crate) fn check_host(&self, uri: &Uri) -> Result<()> {
        let scheme = uri.scheme.as_str();
        let targets = targets(uri);
        let named = !targets.is_empty();
        if !named
            || self.schemes.iter().any(|allowed| allowed == scheme)
            || targets.iter().any(|target| self.own.contains(target))
        {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "'source' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other than the tracking server's \
             configured artifact storage, so the server would connect to the host named in the URI. Set the {SCHEMES} \
             environment variable on the server to allow it."
        )))
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

    fn rules(pairs: &[(&str, &str)], own: &[&str]) -> Result<SourceRules> {
        let variable =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        SourceRules::read(variable, own)
    }

    #[test]
    fn a_pattern_is_searched_for() {
        let strict = rules(&[(PATTERN, "^mlflow-artifacts:/.*$")], &[]).unwrap();
        strict.check_pattern("mlflow-artifacts:/1/r").unwrap();
        assert_eq!(
            strict.check_pattern("s3://b/x").unwrap_err().what(),
            "Invalid model version source: 's3://b/x'."
        );
        assert!(rules(&[(PATTERN, "(")], &[]).unwrap_err().what().contains(PATTERN));
        SourceRules::default().check_pattern("anything").unwrap();
    }

    #[test]
    fn hosts_must_be_the_servers_own_or_allowed() {
        let host = |rules: &SourceRules, uri: &str| rules.check_host(&Uri::parse(uri).unwrap());
        let plain = SourceRules::default();
        for named in
            ["http://h/x", "https://h/x", "ftp:///x", "hdfs://h/x", "mlflow-artifacts://h/x", "http:\\\\h"]
        {
            assert!(host(&plain, named).is_err(), "{named}");
        }
        for unnamed in ["s3://b/x", "gs://b/x", "mlflow-artifacts:/1", "wasbs://a@b/x", "/tmp/x", "runs:/r/x"]
        {
            host(&plain, unnamed).unwrap();
        }
        let own = rules(&[], &["https://store:8443/a", "hdfs://nodes/x"]).unwrap();
        host(&own, "https://store:8443/other").unwrap();
        host(&own, "viewfs://nodes/y").unwrap();
        assert!(host(&own, "https://store/a").is_err());
        assert!(host(&own, "https://store:8443\\@evil/a").is_err());
        let allowed = rules(&[(SCHEMES, "HTTPS, ftp")], &[]).unwrap();
        host(&allowed, "https://anywhere/x").unwrap();
        assert!(host(&allowed, "http://anywhere/x").is_err());
    }
}
