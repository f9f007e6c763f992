//! What an experiment's tags may say.

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::json::{self, Json};

use crate::limits::{EXPERIMENT_TAG_VALUE_LENGTH, check_key, check_length};
use crate::model::Tag;

/// How long traces are kept before they are moved away.
const RETENTION: &str = "mlflow.trace.archivalRetention";
/// That traces be moved away at once.
const ARCHIVE_NOW: &str = "mlflow.trace.archiveNow";
/// What begins the key of a tag that holds a view of MLflow's web app.
const VIEW: &str = "mlflow.customView.view";
/// Most views of one experiment.
const VIEWS: usize = 50;

/// Refuses experiment tags beyond the limits, and those about keeping traces that cannot be read.
///
/// # Errors
/// `invalid`
pub(crate) fn check_experiment_tag(tag: &Tag) -> Result<()> {
    check_key("key", &tag.key)?;
    check_length("value", EXPERIMENT_TAG_VALUE_LENGTH, &tag.value)?;
    match tag.key.as_str() {
        RETENTION => check_archival(&tag.value, Some("duration"), "value"),
        ARCHIVE_NOW => check_archival(&tag.value, None, "older_than"),
        _ => Ok(()),
    }
}

/// Refuses more views than an experiment may have; `keys` are those of all its tags.
///
/// # Errors
/// `invalid`
pub(crate) fn check_views<'a>(keys: impl Iterator<Item = &'a str>, experiment: Option<&str>) -> Result<()> {
    if keys.filter(|key| key.starts_with(VIEW)).count() <= VIEWS {
        return Ok(());
    }
    let of = experiment.map(|id| format!(" for experiment {id}")).unwrap_or_default();
    Err(Error::invalid(format!(
        "Unable to create another custom view{of}; the maximum number of custom views per experiment is {VIEWS}. Delete an existing \
         custom view before creating a new one."
    )))
}

/// A JSON object with a duration; where it must name its type the duration must be there too.
fn check_archival(value: &str, kind: Option<&str>, member: &str) -> Result<()> {
    let config = json::parse(value).filter(|config| matches!(config, Json::Object(_)));
    let Some(config) = config else {
        return Err(Error::invalid("Trace archival config must be encoded as a JSON object."));
    };
    if let Some(kind) = kind
        && config.get("type").and_then(Json::as_text) != Some(kind)
    {
        return Err(Error::invalid(format!("Trace archival config must use type '{kind}'.")));
    }
    match config.get(member) {
        None | Some(Json::Null) if kind.is_none() => Ok(()),
        Some(Json::Text(duration)) if duration.trim().chars().count() > 32 => {
            Err(Error::invalid("Trace archival duration must be at most 32 characters."))
        }
        Some(Json::Text(duration)) if is_duration(duration.trim()) => Ok(()),
        _ => Err(Error::invalid(
            "Trace archival retention must be in the form `<int><unit>`, where unit is one of 'm', 'h', or 'd'.",
        )),
    }
}

fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['m', 'h', 'd']).unwrap_or_default();
    !number.is_empty() && !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tag_about_keeping_traces_must_be_readable() {
        let check = |key: &str, value: &str| check_experiment_tag(&Tag::new(key, value));
        check(RETENTION, r#"{"type": "duration", "value": " 30d "}"#).unwrap();
        check(ARCHIVE_NOW, "{}").unwrap();
        check(ARCHIVE_NOW, r#"{"older_than": "12h"}"#).unwrap();
        for (key, value) in [
            (RETENTION, "x"),
            (RETENTION, "[]"),
            (RETENTION, "{}"),
            (RETENTION, r#"{"type": "duration"}"#),
            (RETENTION, r#"{"type": "duration", "value": "0d"}"#),
            (RETENTION, r#"{"type": "duration", "value": "d"}"#),
            (ARCHIVE_NOW, r#"{"older_than": 5}"#),
        ] {
            assert!(check(key, value).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn only_so_many_views_are_kept() {
        let keys: Vec<String> = (0..=VIEWS).map(|number| format!("{VIEW}.{number}")).collect();
        check_views(keys[1..].iter().map(String::as_str).chain(["other"]), None).unwrap();
        let refused = check_views(keys.iter().map(String::as_str), Some("7")).unwrap_err();
        assert!(
            refused
                .what()
                .contains("for experiment 7; the maximum number of custom views per experiment is 50")
        );
    }
}
