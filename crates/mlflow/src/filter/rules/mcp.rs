//! MCP servers, their versions and their access endpoints.

use super::super::clauses::Manner;
use super::super::model::Entity;
use super::base::{self, Fields, among};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};

const TIMES: &[&str] = &["created_at", "last_updated_at"];

const SERVERS: Fields = Fields {
    searchable: &["created_at", "display_name", "has_access_endpoints", "last_updated_at", "name", "status"],
    orderable: &[],
    numeric: TIMES,
    lists: &["name", "status"],
};

const VERSIONS: Fields = Fields {
    searchable: &["created_at", "last_updated_at", "name", "status", "version"],
    orderable: &[],
    numeric: TIMES,
    lists: &["status"],
};

const ENDPOINTS: Fields = Fields {
    searchable: &["created_at", "last_updated_at", "server_name", "status", "transport_type"],
    orderable: &[],
    numeric: TIMES,
    lists: &["server_name"],
};

/// Operators count only in capitals here.
const OPERATORS: &[&str] = &["=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN"];

fn read<'a>(
    text: &'a str,
    fields: &Fields,
    name: Option<&'static str>,
    check: fn(&mut Draft<'_>) -> MlflowResult<String>,
) -> MlflowResult<Vec<Found<'a>>> {
    let clauses = base::clauses(text, Manner { name, ..Manner::default() }, true)?;
    let drafts = clauses.iter().map(|clause| base::draft(clause, fields)).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, check)
}

pub(super) fn read_servers(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    read(text, &SERVERS, None, check_server)
}

pub(super) fn read_versions(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    read(text, &VERSIONS, Some("version"), check_version)
}

pub(super) fn read_endpoints(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    read(text, &ENDPOINTS, Some("server_name"), |draft| check(draft, false))
}

fn check(draft: &mut Draft<'_>, tags: bool) -> MlflowResult<String> {
    let of = match draft.entity {
        Entity::Attribute => "attribute",
        Entity::Tag if tags => "tag",
        other => return Err(MlflowError::invalid(format!("Invalid filter type '{}'.", other.name()))),
    };
    if !among(draft.operator, OPERATORS) {
        return Err(MlflowError::invalid(format!(
            "Invalid comparator '{}' for {of} '{}'.",
            draft.operator, draft.key
        )));
    }
    Ok(draft.operator.to_owned())
}

fn check_server(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = check(draft, true)?;
    if draft.is_attribute() && draft.key == "has_access_endpoints" {
        let truth = matches!(&draft.value, Raw::Text(text) if matches!(text.to_lowercase().as_str(), "true" | "false"));
        if operator != "=" || !truth {
            return Err(MlflowError::invalid("has_access_endpoints only supports '= true' or '= false'"));
        }
    }
    Ok(operator)
}

fn check_version(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = check(draft, false)?;
    if draft.key != "version" {
        return Ok(operator);
    }
    if !among(&operator, base::NUMERIC) {
        return Err(MlflowError::invalid(
            "version only supports semantic comparators '=', '!=', '<', '<=', '>', and '>='",
        ));
    }
    if !among(&operator, &["=", "!="])
        && let Raw::Text(version) = &draft.value
    {
        check_semantic(version)?;
    }
    Ok(operator)
}

/// Refuses a text that is no semantic version, of the standard's second edition.
fn check_semantic(version: &str) -> MlflowResult<()> {
    let wrong = |why: &str| {
        Err(MlflowError::invalid(format!(
            "Invalid semantic version for filter_string version: '{version}'{why}"
        )))
    };
    if version.chars().count() > 128 {
        return wrong(" (maximum length is 128 characters)");
    }
    let words = |text: &str| {
        text.split('.').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && (text == "0" || !text.starts_with('0'))
    };
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, early) = rest.split_once('-').map_or((rest, None), |(core, early)| (core, Some(early)));
    let early_fits = |early: &str| {
        let fits = |word: &str| number(word) || !word.bytes().all(|byte| byte.is_ascii_digit());
        words(early) && early.split('.').all(fits)
    };
    let numbers: Vec<_> = core.split('.').collect();
    if numbers.len() != 3
        || !numbers.iter().all(|text| number(text))
        || !early.is_none_or(early_fits)
        || !build.is_none_or(words)
    {
        return wrong("");
    }
    for (name, text) in ["major", "minor", "patch"].into_iter().zip(numbers) {
        if !text.parse::<i64>().is_ok_and(|number| number <= i64::from(i32::MAX)) {
            return wrong(&format!(" ({name} must be <= {})", i32::MAX));
        }
    }
    Ok(())
}
