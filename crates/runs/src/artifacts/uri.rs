//! Artifact URIs, put together as the stock server does it: clients follow them to the letter.

use std::path::{Path, PathBuf};

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::path;
use ropewalk_mlflow::uri::{Uri, unquote};

/// The scheme of artifacts that go through this server.
pub const PROXY_SCHEME: &str = "mlflow-artifacts:";
/// What an HTTP address of such artifacts has in its path.
const ANCHOR: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// The path under this server's artifacts that a `mlflow-artifacts:` URI names; none for another scheme.
pub fn proxied_path(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix(PROXY_SCHEME)?;
    let path = match rest.strip_prefix("//") {
        // mlflow-artifacts://host:port/path
        Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    Some(path.trim_matches('/'))
}

/// Where a URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Through this server, to a path among its artifacts.
    Proxied(String),
    /// To a path in a bucket of S3.
    Bucket(String, String),
    /// To a path on a disk.
    Disk(PathBuf),
    /// To a store of this scheme.
    Other(String),
}

/// Where a URI leads. A relative path on a disk is taken as it is.
///
/// # Errors
/// `invalid` for what is no URI, or an HTTP address that is none of artifacts.
pub(crate) fn target(uri: &str) -> Result<Target> {
    let parts =
        Uri::parse(uri).map_err(|why| Error::invalid(format!("Invalid artifact URI: '{uri}'")).why(why))?;
    Ok(match parts.scheme.as_str() {
        "mlflow-artifacts" => Target::Proxied(parts.path.trim_matches('/').to_owned()),
        "http" | "https" => match parts.path.split_once(ANCHOR) {
            Some((_, rest)) if rest.is_empty() || rest.starts_with('/') => {
                Target::Proxied(rest.trim_matches('/').to_owned())
            }
            _ => {
                return Err(Error::invalid(format!("Invalid artifact URI: '{uri}'"))
                    .why(format!("an HTTP address of artifacts has {ANCHOR}/ in its path")));
            }
        },
        "s3" | "s3a" => Target::Bucket(parts.authority, parts.path.trim_matches('/').to_owned()),
        "" => Target::Disk(unquote(uri).into()),
        "file" => Target::Disk(unquote(&parts.path).into()),
        // A drive's letter is no scheme.
        letter if letter.len() == 1 => Target::Disk(uri.into()),
        other => Target::Other(other.to_owned()),
    })
}

/// Appends paths to a URI's path.
pub fn append(uri: &str, below: &[&str]) -> String {
    let path = below.iter().fold(String::new(), |path, part| join(&path, part));
    let Some(mut parts) = Uri::parse(uri).ok().filter(|parts| !parts.scheme.is_empty()) else {
        return join(uri, &path);
    };
    let mut prefix = String::new();
    if !parts.path.starts_with('/') {
        // Python's way to keep it from making a relative path one from a root.
        prefix = format!("{}:", parts.scheme);
        parts.scheme.clear();
    }
    parts.path = join(&parts.path, &path);
    format!("{prefix}{parts}")
}

/// One path after another, also if the second is written from a root.
fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { path::join(folder, path.trim_start_matches('/')) }
}

/// A path on a disk, or a `file:` URI of one, from the root; anything else as it is.
///
/// # Errors
/// `invalid` for a `file:` URI that names another machine.
pub(crate) fn resolved(uri: &str, directory: &Path) -> Result<String> {
    let Ok(mut parts) = Uri::parse(uri) else { return Ok(uri.to_owned()) };
    match parts.scheme.as_str() {
        "" => {}
        "file" => {
            let host = parts.host().unwrap_or_default();
            if !(host.is_empty()
                || host == "."
                || host.starts_with("localhost")
                || host.starts_with("127.0.0.1"))
            {
                return Err(Error::invalid(format!(
                    "{uri} is not a valid remote uri. For remote access on windows, please consider using a different scheme such \
                     as SMB (e.g. smb://<hostname>/<path>)."
                )));
            }
        }
        _ => return Ok(uri.to_owned()),
    }
    let local = unquote(if parts.scheme.is_empty() { uri } else { &parts.path });
    if local.starts_with('/') {
        return Ok(uri.to_owned());
    }
    // Without empty segments and dots, but with what climbs.
    let steps: Vec<&str> = local.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let folder = directory.to_string_lossy();
    let whole = [folder.trim_end_matches('/'), &steps.join("/")].join("/");
    let whole = whole.trim_end_matches('/').to_owned();
    if parts.scheme.is_empty() {
        return Ok(whole);
    }
    parts.authority.clear();
    parts.parameters.clear();
    parts.path = whole;
    Ok(parts.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proxied_uri_is_understood_in_each_form() {
        assert_eq!(proxied_path("mlflow-artifacts:/1/r/artifacts"), Some("1/r/artifacts"));
        assert_eq!(proxied_path("mlflow-artifacts://host:5000/1/r"), Some("1/r"));
        assert_eq!(proxied_path("s3://bucket/1"), None);
    }

    #[test]
    fn a_uri_leads_somewhere() {
        let proxied = |path: &str| Target::Proxied(path.to_owned());
        let bucket = |path: &str| Target::Bucket("b".to_owned(), path.to_owned());
        for (uri, leads_to) in [
            ("mlflow-artifacts:/1/r", proxied("1/r")),
            ("mlflow-artifacts://host:1/1/r/", proxied("1/r")),
            ("http://h/x/api/2.0/mlflow-artifacts/artifacts/1/r", proxied("1/r")),
            ("https://h/api/2.0/mlflow-artifacts/artifacts", proxied("")),
            ("s3://b/p/q", bucket("p/q")),
            ("S3://b", bucket("")),
            ("/tmp/a%20b", Target::Disk("/tmp/a b".into())),
            ("file:///tmp/a%20b", Target::Disk("/tmp/a b".into())),
            ("a/b", Target::Disk("a/b".into())),
            ("gs://b/p", Target::Other("gs".to_owned())),
        ] {
            assert_eq!(target(uri).unwrap(), leads_to, "{uri}");
        }
        assert!(target("http://h/elsewhere").is_err());
        assert!(target("s3://[x").is_err());
    }

    #[test]
    fn paths_are_appended_as_mlflow_does_it() {
        for (uri, whole) in [
            ("mlflow-artifacts:/", "mlflow-artifacts:/0/x"),
            ("mlflow-artifacts:/a/", "mlflow-artifacts:/a/0/x"),
            ("mlflow-artifacts://h:1", "mlflow-artifacts://h:1/0/x"),
            ("s3://bucket", "s3://bucket/0/x"),
            ("s3://bucket/p/", "s3://bucket/p/0/x"),
            ("s3://bucket/p?a=1", "s3://bucket/p/0/x?a=1"),
            ("/abs/", "/abs/0/x"),
            ("rel", "rel/0/x"),
            ("file:///abs", "file:///abs/0/x"),
            ("file:/abs", "file:///abs/0/x"),
            ("", "0/x"),
        ] {
            assert_eq!(append(uri, &["0", "/x"]), whole, "{uri}");
        }
    }

    #[test]
    fn local_paths_are_resolved_where_the_server_runs() {
        let directory = Path::new("/srv");
        for (uri, whole) in [
            ("./mlruns", "/srv/mlruns"),
            ("a//b/", "/srv/a/b"),
            ("../a", "/srv/../a"),
            ("/abs/./x", "/abs/./x"),
            ("a%20b", "/srv/a b"),
            ("file:a", "file:///srv/a"),
            ("file:///abs", "file:///abs"),
            ("file://localhost/abs", "file://localhost/abs"),
            ("s3://b/x", "s3://b/x"),
            ("mlflow-artifacts:/", "mlflow-artifacts:/"),
        ] {
            assert_eq!(resolved(uri, directory).unwrap(), whole, "{uri}");
        }
        assert!(resolved("file://elsewhere/x", directory).is_err());
    }
}
