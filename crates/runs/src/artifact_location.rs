//! Where an experiment's artifacts may lie, and how places below it are named.

use ropewalk_mlflow::hosts::HostPolicy;
use ropewalk_mlflow::uri::{Uri, unquote, unquote_wholly};
use ropewalk_mlflow::{MlflowError, MlflowResult};

/// Longest place, in characters.
const LENGTH: usize = 2048;

/// Schemes whose URIs begin with `//` even where they name no host, as Python's `urllib.parse` writes them.
const SLASHES: [&str; 25] = [
    "ftp", "http", "gopher", "nntp", "telnet", "imap", "wais", "file", "mms", "https", "shttp", "snews",
    "prospero", "rtsp", "rtsps", "rtspu", "rsync", "svn", "svn+ssh", "sftp", "nfs", "git", "git+ssh", "ws",
    "wss",
];

/// Checks a place that a client named, and makes a relative path absolute: the server's folder is what it is relative to.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`
pub(crate) fn check(location: &str, field: &str, hosts: &HostPolicy) -> MlflowResult<String> {
    let uri = parse(location)?;
    if !uri.fragment.is_empty() || !uri.params.is_empty() {
        return Err(MlflowError::invalid(format!("'{field}' URL can't include fragments or params.")));
    }
    check_query(&uri)?;
    hosts.check(&uri, field)?;
    if location.starts_with("runs:") {
        return Err(MlflowError::invalid(format!(
            "Artifact location cannot be a runs:/ URI. Given: '{location}'"
        )));
    }
    check_length(location)?;
    let absolute = absolute(location, &uri)?;
    check_length(&absolute)?;
    Ok(absolute)
}

/// The place of these folders below another; what a URI asks for after `?` stays at the end.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a place that is no URI.
pub(crate) fn below(location: &str, folders: &str) -> MlflowResult<String> {
    let uri = parse(location)?;
    check_query(&uri)?;
    let join = |path: &str| {
        let between = if path.is_empty() || path.ends_with('/') { "" } else { "/" };
        format!("{path}{between}{folders}")
    };
    if uri.scheme.is_empty() {
        return Ok(join(location));
    }
    let path = join(&uri.path);
    let query = if uri.query.is_empty() { String::new() } else { format!("?{}", uri.query) };
    let rooted = uri.path.starts_with('/');
    let slashes = rooted && !path.starts_with("//") && SLASHES.contains(&uri.scheme.as_str());
    let authority = match (uri.authority.as_str(), path.starts_with('/')) {
        ("", _) if slashes => "//".to_owned(),
        ("", _) => String::new(),
        (authority, true) => format!("//{authority}"),
        (authority, false) => format!("//{authority}/"),
    };
    Ok(format!("{}:{authority}{path}{query}", uri.scheme))
}

fn parse(location: &str) -> MlflowResult<Uri> {
    Uri::parse(location).map_err(MlflowError::invalid)
}

/// What is asked for after `?` must not climb once someone takes it for a part of the path.
fn check_query(uri: &Uri) -> MlflowResult<()> {
    if unquote_wholly(&uri.query).contains("..") {
        return Err(MlflowError::invalid("Invalid query string"));
    }
    Ok(())
}

fn check_length(location: &str) -> MlflowResult<()> {
    if location.len() <= LENGTH || location.chars().count() <= LENGTH {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Invalid artifact path length. The length of the artifact path cannot be greater than {LENGTH} characters. To configure \
         this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable."
    )))
}

fn absolute(location: &str, uri: &Uri) -> MlflowResult<String> {
    let file = uri.scheme == "file";
    if !uri.scheme.is_empty() && !file {
        return Ok(location.to_owned());
    }
    if file
        && let Some(host) = uri.host()
        && !(host == "." || host.starts_with("localhost") || host.starts_with("127.0.0.1"))
    {
        return Err(MlflowError::invalid(format!(
            "{location} is not a valid remote uri. For remote access on windows, please consider using a different scheme such as \
             SMB (e.g. smb://<hostname>/<path>)."
        )));
    }
    let path = unquote(if location.starts_with("file:") { &uri.path } else { location });
    if path.starts_with('/') {
        return Ok(location.to_owned());
    }
    let folder = std::env::current_dir()
        .map_err(|source| MlflowError::invalid(format!("the server's folder cannot be told: {source}")))?;
    let mut whole = folder.to_string_lossy().trim_end_matches('/').to_owned();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        whole.push('/');
        whole.push_str(part);
    }
    if !file {
        return Ok(whole);
    }
    let query = if uri.query.is_empty() { String::new() } else { format!("?{}", uri.query) };
    Ok(format!("file://{whole}{query}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_below_are_named_as_the_stock_server_names_them() {
        for (location, expected) in [
            ("mlflow-artifacts:/1", "mlflow-artifacts:/1/RUN/artifacts"),
            ("mlflow-artifacts:", "mlflow-artifacts:RUN/artifacts"),
            ("mlflow-artifacts://h:1", "mlflow-artifacts://h:1/RUN/artifacts"),
            ("s3://b", "s3://b/RUN/artifacts"),
            ("s3://b/", "s3://b/RUN/artifacts"),
            ("s3://b/p?x=1", "s3://b/p/RUN/artifacts?x=1"),
            ("s3:b", "s3:b/RUN/artifacts"),
            ("file:/a", "file:///a/RUN/artifacts"),
            ("file:a", "file:a/RUN/artifacts"),
            ("file:///a/", "file:///a/RUN/artifacts"),
            ("/abs/", "/abs/RUN/artifacts"),
            ("rel", "rel/RUN/artifacts"),
            ("http:/x", "http:///x/RUN/artifacts"),
            ("dbfs:/x//", "dbfs:/x//RUN/artifacts"),
            ("a b/c?d", "a b/c?d/RUN/artifacts"),
        ] {
            assert_eq!(below(location, "RUN/artifacts").unwrap(), expected, "{location}");
        }
        assert!(below("s3://b/p?x=%252e%252e/", "a").is_err());
    }

    #[test]
    fn a_relative_path_is_relative_to_the_servers_folder() {
        let folder = std::env::current_dir().unwrap();
        let folder = folder.to_str().unwrap();
        for (location, expected) in [
            ("rel", format!("{folder}/rel")),
            ("./a/../b/", format!("{folder}/a/../b")),
            ("a%20b", format!("{folder}/a b")),
            ("file:rel/./x//y/?q=1", format!("file://{folder}/rel/x/y?q=1")),
            ("file:", format!("file://{folder}")),
            ("/abs/", "/abs/".to_owned()),
            ("file://localhost/x", "file://localhost/x".to_owned()),
            ("s3://bucket/", "s3://bucket/".to_owned()),
        ] {
            assert_eq!(check(location, "f", &HostPolicy::default()).unwrap(), expected, "{location}");
        }
    }

    #[test]
    fn other_places_are_refused() {
        for location in [
            "s3://b/x#y",
            "http://h/x;y",
            "runs:/r/x",
            "s3://b/?p=../..",
            "https://host/x",
            "file://host/x",
            &"x".repeat(2049),
        ] {
            assert!(check(location, "artifact_location", &HostPolicy::default()).is_err(), "{location}");
        }
    }
}
