//! Skills and their versions.

use std::borrow::Cow;

use super::super::characters::upper;
use super::super::clauses::{Manner, Side};
use super::super::model::Entity;
use super::super::python::{self, quoted};
use super::super::tokens::{Kind, Tokens};
use super::base::{self, Fields, NUMERIC, TAG, TEXT, among};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::json;

pub(super) const SKILLS: Fields = Fields {
    searchable: &[
        "created_at",
        "description",
        "last_updated_at",
        "name",
        "organization",
        "search_text",
        "source_type",
        "status",
    ],
    orderable: &[],
    numeric: &["created_at", "last_updated_at"],
    lists: &["status"],
};

pub(super) const VERSIONS: Fields = Fields {
    searchable: &[
        "created_at",
        "digest",
        "last_updated_at",
        "organization",
        "source_type",
        "status",
        "version",
    ],
    orderable: &[],
    numeric: &["created_at", "last_updated_at", "version"],
    lists: &["status"],
};

/// Fields that are keywords of SQL are names here: they get backticks.
pub(in super::super) fn quote_keywords(text: &str) -> Cow<'_, str> {
    let is_field = |word: &str| word.to_lowercase() == "organization" || word.to_lowercase() == "version";
    let mut whole = String::new();
    let mut from = 0;
    for token in Tokens::new(text) {
        if token.kind.is_keyword() && is_field(&text[token.start..token.end]) {
            whole.push_str(&text[from..token.start]);
            whole.extend(["`", &text[token.start..token.end], "`"]);
            from = token.end;
        }
    }
    if from == 0 {
        return text.into();
    }
    whole.push_str(&text[from..]);
    whole.into()
}

pub(super) fn read<'a>(text: &'a str, fields: &'static Fields) -> MlflowResult<Vec<Found<'a>>> {
    let quoted = quote_keywords(text);
    let clauses = base::clauses(&quoted, Manner::default(), true)?;
    let drafts: Vec<_> = clauses
        .iter()
        .map(|clause| match clause.right {
            // Lists have a refusal of their own here.
            Some(right) if right.kind == Kind::Parenthesis => draft_list(clause, right, fields),
            _ => base::draft(clause, fields),
        })
        .collect::<MlflowResult<_>>()?;
    let found = super::conclude(drafts, |draft| check(draft, fields))?;
    let bare = Side { kind: Kind::Identifier, text: "" };
    Ok(found.into_iter().map(|found| Found { comparison: found.comparison, left: bare }).collect())
}

fn draft_list<'a>(
    clause: &super::super::clauses::Clause<'a>,
    right: Side<'a>,
    fields: &Fields,
) -> MlflowResult<Draft<'a>> {
    base::check(clause)?;
    let (entity, key) = base::identify(clause.left.text, fields.searchable)?;
    let is_text = entity == Entity::Attribute && !fields.numeric.contains(&key.as_str());
    if is_text && key != "status" {
        return Err(MlflowError::invalid(format!(
            "Only 'status' supports IN and NOT IN comparisons, got '{key}'."
        )));
    }
    let value = base::value(entity, &key, right, fields)?;
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

fn check(draft: &mut Draft<'_>, fields: &Fields) -> MlflowResult<String> {
    let operator = upper(draft.operator).into_owned();
    let (of, key) = (draft.entity.name(), draft.key.clone());
    let operators = match draft.entity {
        Entity::Tag => TAG,
        Entity::Attribute if fields.numeric.contains(&key.as_str()) => NUMERIC,
        Entity::Attribute => TEXT,
        _ => {
            return Err(MlflowError::invalid(format!(
                "Invalid filter type '{of}' for '{key}'. Only attributes and tags.<key> are supported."
            )));
        }
    };
    if !among(&operator, operators) {
        let mut sorted = operators.to_vec();
        sorted.sort_unstable();
        let sorted: Vec<_> = sorted.into_iter().map(quoted).collect();
        return Err(MlflowError::invalid(format!(
            "Invalid comparator '{}' for {of} '{key}'. Supported comparators: [{}]",
            draft.operator,
            sorted.join(", ")
        )));
    }
    if operators == NUMERIC {
        draft.value = whole(std::mem::replace(&mut draft.value, Raw::Nothing));
    }
    let takes_list = base::takes_list(&operator);
    if takes_list != matches!(draft.value, Raw::List(_)) {
        let expected = if takes_list { "a parenthesized list of values" } else { "a single value" };
        return Err(MlflowError::invalid(format!(
            "Comparator '{operator}' for {of} '{key}' requires {expected}, got {}.",
            shown(&draft.value)
        )));
    }
    Ok(operator)
}

/// The stock server cuts fractions off here.
fn whole(value: Raw) -> Raw {
    match value {
        Raw::Real(number) => match python::integer(&format!("{:.0}", number.trunc())) {
            python::Integer::Some(whole) => Raw::Integer(whole),
            _ => Raw::Huge(json::float(number)),
        },
        other => other,
    }
}

fn shown(value: &Raw) -> String {
    use super::super::literal::Literal;
    match value {
        Raw::Text(text) => quoted(text),
        Raw::List(texts) => {
            Literal::Tuple(texts.iter().map(|text| Literal::Text(text.clone())).collect()).shown()
        }
        Raw::Integer(number) => number.to_string(),
        Raw::Huge(text) | Raw::Unfit(text) => text.clone(),
        Raw::Real(number) => json::float(*number),
        Raw::Nothing => "None".to_owned(),
    }
}
