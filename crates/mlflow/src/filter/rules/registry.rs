//! Registered models and their versions.

use super::super::clauses::{Clause, Manner, Side};
use super::super::model::Entity;
use super::super::tokens::Kind;
use super::base::{self, Fields, MODEL_VERSIONS, NUMERIC, TAG, TEXT, among, capitals};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::json;
use crate::python::repr_set;

const MODELS: Fields = Fields { searchable: &["name"], orderable: &[], numeric: &[], lists: &["name"] };

/// What a field is called where only attributes and tags are known, as of experiments.
pub(in super::super) fn identify(text: &str, fields: &[&str]) -> MlflowResult<(Entity, String)> {
    let (entity, name) = split(text, &["attribute", "attributes", "tag", "tags"])?;
    let name = base::key(name);
    check_field(entity, name, fields)?;
    Ok((entity, name.to_owned()))
}

fn split<'a>(text: &'a str, known: &[&str]) -> MlflowResult<(Entity, &'a str)> {
    let Some((entity, name)) = text.split_once('.') else { return Ok((Entity::Attribute, text)) };
    if !known.contains(&entity) {
        let known: Vec<_> = known.iter().map(|word| format!("'{word}'")).collect();
        return Err(MlflowError::invalid(format!(
            "Invalid entity type '{entity}'. Valid entity types are ({})",
            known.join(", ")
        )));
    }
    Ok((if entity.starts_with("tag") { Entity::Tag } else { Entity::Attribute }, name))
}

fn check_field(entity: Entity, name: &str, fields: &[&str]) -> MlflowResult<()> {
    if entity == Entity::Attribute && !fields.contains(&name) {
        return Err(MlflowError::invalid(format!(
            "Invalid attribute key '{name}' specified. Valid keys are '{}'",
            repr_set(fields)
        )));
    }
    Ok(())
}

fn draft<'a>(clause: &Clause<'a>, fields: &Fields, of: &str) -> MlflowResult<Draft<'a>> {
    base::check(clause)?;
    let Some(right) = clause.right else {
        return Err(MlflowError::invalid(format!("IS NULL / IS NOT NULL is not supported for {of} search.")));
    };
    // A field's name in quotes is not known here.
    let (entity, name) = split(clause.left.text, &["attribute", "tag", "tags"])?;
    check_field(entity, name, fields.searchable)?;
    let key = base::key(name).to_owned();
    let value = value(entity, &key, right, fields)?;
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

fn value(entity: Entity, key: &str, side: Side<'_>, fields: &Fields) -> MlflowResult<Raw> {
    if side.is_text() {
        return base::text(side);
    }
    if entity == Entity::Tag {
        return Err(base::unquoted(entity, side));
    }
    if side.kind == Kind::Parenthesis {
        return base::field_list(fields, key, side);
    }
    if !side.is_number() || fields.numeric.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Expected a quoted string value or a list of quoted string values for attributes. Got value {}",
            side.text
        )));
    }
    if !fields.numeric.contains(&key) {
        return Err(MlflowError::invalid(format!(
            "Only the '{}' attributes support comparison with numeric values.",
            repr_set(fields.numeric)
        )));
    }
    Ok(base::number(side))
}

pub(super) fn read_models(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), false)?;
    let of = "registered model";
    let drafts = clauses.iter().map(|clause| draft(clause, &MODELS, of)).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, |draft| check(draft, &MODELS))
}

pub(super) fn read_versions(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), false)?;
    let draft = |clause| draft(clause, &MODEL_VERSIONS, "model version");
    let drafts = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, |draft| check(draft, &MODEL_VERSIONS))
}

fn check(draft: &mut Draft<'_>, fields: &Fields) -> MlflowResult<String> {
    let operator = capitals(draft.operator);
    let wrong = |of: &str| Err(MlflowError::invalid(format!("Invalid comparator for {of}: {operator}")));
    if draft.entity == Entity::Tag {
        if !among(&operator, TAG) {
            return wrong("tag");
        }
    } else if fields.numeric.contains(&draft.key.as_str()) {
        if !among(&operator, NUMERIC) {
            return wrong(&format!("attribute {}", draft.key));
        }
        let value = std::mem::replace(&mut draft.value, Raw::Nothing);
        draft.value = base::whole(&draft.key, value, json::float)?;
    } else if !among(&operator, TEXT)
        || (base::takes_list(&operator) && !fields.lists.contains(&draft.key.as_str()))
    {
        return wrong("attribute");
    }
    Ok(operator)
}
