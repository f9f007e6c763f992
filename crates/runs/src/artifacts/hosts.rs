//! Which hosts a client may name as a place for artifacts: whoever follows such a URI connects to the host in it.

use ropewalk_mlflow::uri::Uri;

/// Schemes whose URIs name the host to connect to.
const SCHEMES: [&str; 10] =
    ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"];
/// The variable that lists schemes which clients may use nevertheless.
pub(super) const ALLOWED: &str = "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES";

/// A service that a URI leads to: a family of schemes, a host and a port.
#[derive(Debug, PartialEq, Eq)]
struct Service(&'static str, String, Option<u16>);

/// The services that a URI may lead to; none if it names no host.
fn services(uri: &str) -> Option<Vec<Service>> {
    let Ok(parts) = Uri::parse(uri) else { return Some(Vec::new()) };
    let scheme = SCHEMES.iter().find(|scheme| **scheme == parts.scheme)?;
    if *scheme == "mlflow-artifacts" && parts.authority.is_empty() {
        // This server itself.
        return None;
    }
    // Some clients end the host at a backslash, so that they would reach another one than is seen here.
    let disguised = parts.authority.contains(|c: char| c == '\\' || c.is_whitespace());
    let Some(port) = parts.port().ok().filter(|_| !disguised) else { return Some(Vec::new()) };
    let (family, usual): (_, &[u16]) = match *scheme {
        "viewfs" | "hdfs" => ("hdfs", &[]),
        "http" => ("http", &[80]),
        "https" => ("http", &[443]),
        "mlflow-artifacts" => ("http", &[80, 443]),
        "ftp" => ("ftp", &[21]),
        "sftp" => ("sftp", &[22]),
        other => (other, &[443]),
    };
    let host = parts.host().unwrap_or_default();
    let ports: Vec<Option<u16>> = match port {
        Some(port) => vec![Some(port)],
        None if usual.is_empty() => vec![None],
        None => usual.iter().map(|port| Some(*port)).collect(),
    };
    Some(ports.into_iter().map(|port| Service(family, host.clone(), port)).collect())
}

/// The scheme of a URI that leads to a host which is neither that of a trusted URI nor allowed by its scheme.
pub(super) fn foreign(uri: &str, trusted: &[&str], allowed: &[String]) -> Option<String> {
    let services_of_it = services(uri)?;
    let scheme = Uri::parse(uri).map(|parts| parts.scheme).unwrap_or_default();
    let known =
        trusted.iter().filter_map(|uri| services(uri)).flatten().any(|one| services_of_it.contains(&one));
    (!known && !allowed.contains(&scheme)).then_some(scheme)
}

/// Why such a URI is refused.
pub(super) fn why(scheme: &str) -> String {
    format!(
        "the '{scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would \
         connect to the host named in the URI. Set the {ALLOWED} environment variable on the server to allow it."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_are_named() {
        let trusted = ["hdfs://name/x", "https://files.example/x", "s3://b"];
        let scheme = |uri: &str| foreign(uri, &trusted, &["sftp".to_owned()]);
        for uri in [
            "s3://bucket/x",
            "/tmp/x",
            "file:///x",
            "mlflow-artifacts:/x",
            "viewfs://name/y",
            "https://FILES.example:443/y",
            "mlflow-artifacts://files.example/y",
            "sftp://anywhere/x",
            "gs://b/x",
        ] {
            assert_eq!(scheme(uri), None, "{uri}");
        }
        for uri in [
            "hdfs://name:9000/x",
            "http://files.example/x",
            "ftp://h/x",
            "https://files.example\\@h/x",
            "http://h:x/",
            "r2://b@h/x",
            "mlflow-artifacts://h/x",
            "http:///x",
        ] {
            assert!(scheme(uri).is_some(), "{uri}");
        }
    }
}
