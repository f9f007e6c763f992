//! Takes out of a question what the caller may not read.

use serde_json::Value;

use super::answer::reads_within;
use super::resource::ResourceType;
use super::rights::Rights;

/// Whether a search must be cut before it is asked.
#[must_use]
pub fn must_be_cut(rights: &Rights) -> bool {
    rights.hide_something()
}

/// A search's body with those experiments only in which the caller may read things of a kind; none if nothing needs to
/// be taken out.
#[must_use]
pub fn cut(body: &[u8], kind: ResourceType, rights: &Rights) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut asked = crate::json::parse(text.strip_prefix('\u{feff}').unwrap_or(text))?.to_serde();
    // Some clients send JSON inside a JSON text.
    if let Value::String(inner) = &asked {
        asked = crate::json::parse(inner)?.to_serde();
    }
    let members = asked.as_object_mut()?;
    let mut cut = false;
    for name in ["experiment_ids", "experimentIds"] {
        if let Some(Value::Array(ids)) = members.get_mut(name) {
            let before = ids.len();
            ids.retain(|id| id.as_str().is_none_or(|id| reads_within(rights, id, kind)));
            cut |= ids.len() != before;
        }
    }
    if !cut {
        return None;
    }
    serde_json::to_vec(&asked).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::permission::Permission;
    use super::super::rights::{Grant, Grants};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn experiments_that_may_not_be_read_are_not_asked_for() {
        let grant = |kind, pattern: &str, permission| Grant { kind, pattern: pattern.to_owned(), permission };
        let rights = Rights::new(
            Permission::Edit,
            Arc::new(Grants::new([
                grant(ResourceType::Experiment, "2", Permission::Deny),
                grant(ResourceType::LoggedModel, "*", Permission::Deny),
            ])),
        );
        let cut = |body: &str, kind| {
            cut(body.as_bytes(), kind, &rights).map(|body| String::from_utf8(body).unwrap())
        };
        let body = r#"{"experiment_ids": ["1", "02", "3"], "filter": "x"}"#;
        let left = r#"{"experiment_ids":["1","3"],"filter":"x"}"#;
        assert_eq!(cut(body, ResourceType::Run).as_deref(), Some(left));
        assert_eq!(cut(r#"{"experimentIds": ["1"]}"#, ResourceType::Run), None);
        assert_eq!(
            cut(r#"{"experimentIds": ["1"]}"#, ResourceType::LoggedModel).as_deref(),
            Some(r#"{"experimentIds":[]}"#)
        );
        assert_eq!(cut("no json", ResourceType::Run), None);
    }
}
