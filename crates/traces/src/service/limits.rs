//! How long texts may be, and what names may look like; in the words that MLflow's clients know.

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::Json;
use ropewalk_mlflow::rules::invalid_value;

use crate::keys::tag;
use crate::python::{longer, truncated};

const LONGEST_KEY: usize = 250;
const LONGEST_TAG: usize = 8000;
const LONGEST_SESSION: usize = 250;
const LONGEST_NAME: usize = 4096;

fn too_long(what: &str, limit: usize) -> Error {
    Error::invalid(format!("'{what}' exceeds the maximum length of {limit} characters"))
}

/// Checks the name of a conversation.
pub(crate) fn check_session(session: &str) -> Result<()> {
    if longer(session, LONGEST_SESSION) { Err(too_long("Session ID", LONGEST_SESSION)) } else { Ok(()) }
}

/// Checks the name of a trace.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if longer(name, LONGEST_NAME) { Err(too_long("Trace name", LONGEST_NAME)) } else { Ok(()) }
}

/// Checks a tag's name and cuts its value to what is kept.
pub(crate) fn check_tag<'a>(key: &str, value: &'a str) -> Result<&'a str> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '.' | '-' | ' ' | ':');
    let refuse = |why: &str| Err(Error::invalid(invalid_value("key", &Json::Text(key.to_owned()), why)));
    if !key.chars().all(allowed) {
        return refuse(
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
        );
    }
    let plain = normal_path(key);
    if plain != key || plain == "." || plain.starts_with("..") || plain.starts_with('/') {
        return refuse(&format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. \
             This name would resolve to '{plain}'"
        ));
    }
    if longer(key, LONGEST_KEY) {
        return Err(too_long("key", LONGEST_KEY));
    }
    let value = truncated(value, LONGEST_TAG);
    if key == tag::NAME {
        check_name(value)?;
    }
    Ok(value)
}

/// Python's `posixpath.normpath`.
fn normal_path(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let slashes = match path.bytes().take_while(|byte| *byte == b'/').count() {
        0 => 0,
        2 => 2,
        _ => 1,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if parts.is_empty() && slashes > 0 => {}
            other => parts.push(other),
        }
    }
    let plain = "/".repeat(slashes) + &parts.join("/");
    if plain.is_empty() { ".".to_owned() } else { plain }
}

/// Checks the identifier of a new trace: it becomes a folder's name.
pub(crate) fn check_trace_id(id: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid(invalid_value("trace_id", &Json::Text(id.to_owned()), why)));
    if id.is_empty() || id.ends_with([' ', '.']) || id.contains('/') {
        return refuse("must be a single path component");
    }
    if id.chars().any(|c| matches!(c, '%' | '?' | '#') || u32::from(c) < 32 || u32::from(c) == 127) {
        return refuse("must not contain '%', '?', '#' or control characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_would_be_other_files_are_refused() {
        for wrong in ["", "a//b", "../a", "/a", "a/", "./a", "a/../b", "a{", "."] {
            assert!(check_tag(wrong, "v").is_err(), "{wrong}");
        }
        for right in ["a", "a/b", "mlflow.x", "a b:c-d_é", "..."] {
            assert_eq!(check_tag(right, "v").is_ok(), right != "...", "{right}");
        }
        assert_eq!(check_tag("k", &"v".repeat(8001)).unwrap().len(), 8000);
        assert!(check_tag(&"k".repeat(251), "v").is_err());
    }

    #[test]
    fn a_trace_s_identifier_is_a_folder_s_name() {
        for wrong in ["", "a/b", "a.", "a ", "a%b", "a\tb", "..", "."] {
            assert!(check_trace_id(wrong).is_err(), "{wrong}");
        }
        check_trace_id("tr-1").unwrap();
    }
}
