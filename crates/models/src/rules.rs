//! What names, aliases and tags of the registry may be, with the messages that MLflow's clients know.

use std::collections::BTreeMap;

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::Json;
use ropewalk_mlflow::python::{normal_path, repr};
use ropewalk_mlflow::rules::{invalid_value, missing_value};

/// The tag that says of a registered model, or of a version, that it is a prompt.
pub const IS_PROMPT_TAG: &str = "mlflow.prompt.is_prompt";
/// The tag that says what kind of prompt it is.
pub const PROMPT_TYPE_TAG: &str = "_mlflow_prompt_type";
/// The tag of a version with the prompt's text.
pub const PROMPT_TEXT_TAG: &str = "mlflow.prompt.text";

/// Longest alias in characters.
const ALIAS_LENGTH: usize = 255;
/// Longest key of a tag in characters.
const TAG_KEY_LENGTH: usize = 250;
/// Longest value of a tag in characters.
const TAG_VALUE_LENGTH: usize = 100_000;

/// Whether tags make a prompt of what has them.
pub fn makes_prompt(tags: &BTreeMap<String, String>) -> bool {
    tags.get(IS_PROMPT_TAG).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Refuses names that could not stand in a path or a model URI.
///
/// # Errors
/// `invalid`
pub fn check_model_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(missing_value("name")));
    }
    if name.contains(['/', ':']) {
        return Err(Error::invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    check_path("name", name)
}

/// As [`check_model_name`], for a name to come.
///
/// # Errors
/// `invalid`
pub fn check_new_model_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(missing_value("new_name")));
    }
    check_model_name(name)
}

/// Refuses what cannot be an alias.
///
/// # Errors
/// `invalid`
pub fn check_alias_name(alias: &str) -> Result<()> {
    if alias.is_empty() {
        return Err(Error::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(Error::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    check_length("Registered model alias name", ALIAS_LENGTH, alias)
}

/// Refuses what cannot be an alias, and what would be read as a version: `latest`, `v1` and the like.
///
/// # Errors
/// `invalid`
pub fn check_new_alias(alias: &str) -> Result<()> {
    check_alias_name(alias)?;
    if alias.to_lowercase() == "latest" {
        return Err(Error::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let number = alias
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if number {
        return Err(Error::invalid(format!("Version alias name '{alias}' is reserved.")));
    }
    Ok(())
}

/// Refuses keys that are empty of meaning or would be another path when written to a disk.
///
/// # Errors
/// `invalid`
pub fn check_tag_key(key: &str) -> Result<()> {
    let plain = key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':'));
    if !plain {
        let why = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and \
                   slashes (/).";
        return Err(Error::invalid(invalid_value("key", &Json::Text(key.to_owned()), why)));
    }
    check_path("key", key)
}

/// Refuses a tag of a registered model.
///
/// # Errors
/// `invalid`
pub fn check_model_tag(key: &str, value: &str) -> Result<()> {
    check_tag_key(key)?;
    check_length("key", TAG_KEY_LENGTH, key)?;
    check_length("value", TAG_VALUE_LENGTH, value)
}

/// Refuses a tag of a version.
///
/// # Errors
/// `invalid`
pub fn check_version_tag(key: &str, value: &str) -> Result<()> {
    check_tag_key(key)?;
    check_length("key", TAG_KEY_LENGTH, key)?;
    if key == PROMPT_TEXT_TAG && check_length("value", TAG_VALUE_LENGTH, value).is_err() {
        return Err(Error::invalid(format!(
            "Prompt text exceeds max length of {TAG_VALUE_LENGTH} characters."
        )));
    }
    check_length("value", TAG_VALUE_LENGTH, value)
}

fn check_path(what: &str, name: &str) -> Result<()> {
    let normal = normal_path(name);
    if normal == name && normal != "." && !normal.starts_with("..") && !normal.starts_with('/') {
        return Ok(());
    }
    let why = format!(
        "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This \
         name would resolve to {}",
        repr(&normal)
    );
    Err(Error::invalid(invalid_value(what, &Json::Text(name.to_owned()), &why)))
}

fn check_length(what: &str, limit: usize, text: &str) -> Result<()> {
    if text.len() <= limit || text.chars().count() <= limit {
        return Ok(());
    }
    Err(Error::invalid(format!("'{what}' exceeds the maximum length of {limit} characters")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_are_paths_are_refused() {
        for wrong in ["", " \n", "a/b", "a:b", ".", "..", "..a"] {
            assert!(check_model_name(wrong).is_err(), "{wrong}");
        }
        for right in ["wine", "Wine quality", "größe", "a..b", ".a"] {
            check_model_name(right).unwrap();
        }
        assert_eq!(
            check_model_name("..").unwrap_err().what(),
            "Invalid value \"..\" for parameter 'name' supplied: Names may be treated as files in certain cases, and must not \
             resolve to other names when treated as such. This name would resolve to '..'"
        );
    }

    #[test]
    fn reserved_aliases_are_refused() {
        for wrong in ["latest", "LATEST", "v1", "V12", "", "a b", "a/b", "a\n", &"a".repeat(256)] {
            assert!(check_new_alias(wrong).is_err(), "{wrong}");
        }
        for right in ["champion", "v1-beta", "v", "a_b", "ä", &"a".repeat(255)] {
            check_new_alias(right).unwrap();
        }
        check_alias_name("v1").unwrap();
    }

    #[test]
    fn tags_have_limits() {
        for wrong in ["", ".", "../a", "/a", "a//b", "a;b", &"k".repeat(251)] {
            assert!(
                check_model_tag(wrong, "v").is_err() && check_version_tag(wrong, "v").is_err(),
                "{wrong}"
            );
        }
        let long = "é".repeat(100_000);
        check_model_tag("a/b c:d", &long).unwrap();
        check_version_tag(PROMPT_TEXT_TAG, &long).unwrap();
        let words = |key: &str| check_version_tag(key, &format!("{long}x")).unwrap_err().what().to_owned();
        assert_eq!(words("k"), "'value' exceeds the maximum length of 100000 characters");
        assert_eq!(words(PROMPT_TEXT_TAG), "Prompt text exceeds max length of 100000 characters.");
    }

    #[test]
    fn a_tag_makes_a_prompt() {
        let tags = |value: &str| BTreeMap::from([(IS_PROMPT_TAG.to_owned(), value.to_owned())]);
        assert!(makes_prompt(&tags("True")) && !makes_prompt(&tags("")) && !makes_prompt(&BTreeMap::new()));
    }
}
