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

/// What is left of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it.
    All,
    /// This.
    Some(Vec<u8>),
    /// Nothing: the answer is empty.
    Nothing,
}

/// A search's body with those experiments only in which the caller may read things of a kind. A search that names none
/// finds nothing, whatever the handler would make of it.
#[must_use]
pub fn cut(body: &[u8], kind: ResourceType, rights: &Rights) -> Left {
    let read = |text: &str| {
        crate::json::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map(|json| json.to_serde())
    };
    let mut asked = std::str::from_utf8(body).ok().and_then(read).unwrap_or(Value::Null);
    // Some clients send JSON inside a JSON text.
    if let Value::String(inner) = &asked {
        asked = read(inner).unwrap_or(Value::Null);
    }
    let Some(members) = asked.as_object_mut() else { return Left::Nothing };
    let (mut cut, mut left) = (false, 0);
    for name in ["experiment_ids", "experimentIds"] {
        match members.get_mut(name) {
            Some(Value::Array(ids)) => {
                let before = ids.len();
                ids.retain(|id| id.as_str().is_some_and(|id| reads_within(rights, id, kind)));
                cut |= ids.len() != before;
                left += ids.len();
            }
            // Whatever the handler would make of what is no list.
            Some(_) => return Left::Nothing,
            None => {}
        }
    }
    match (left, cut) {
        (0, _) => Left::Nothing,
        (_, false) => Left::All,
        (_, true) => serde_json::to_vec(&asked).map_or(Left::Nothing, Left::Some),
    }
}

#[cfg(test)]
mod tests {
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
        let cut = |body: &str, kind| cut(body.as_bytes(), kind, &rights);
        let some = |body: &str| Left::Some(body.as_bytes().to_vec());
        let body = r#"{"experiment_ids": ["1", "02", "3"], "filter": "x"}"#;
        assert_eq!(cut(body, ResourceType::Run), some(r#"{"experiment_ids":["1","3"],"filter":"x"}"#));
        assert_eq!(cut(r#"{"experimentIds": ["1"]}"#, ResourceType::Run), Left::All);
        for body in [
            r#"{"experimentIds": ["2"]}"#,
            r#"{"experiment_ids": []}"#,
            "{}",
            "no json",
            r#"{"experiment_ids": [5]}"#,
        ] {
            assert_eq!(cut(body, ResourceType::Run), Left::Nothing, "{body}");
        }
        assert_eq!(cut(r#"{"experimentIds": ["1"]}"#, ResourceType::LoggedModel), Left::Nothing);
        assert_eq!(cut(r#"{"experiment_ids": "1"}"#, ResourceType::Run), Left::Nothing);
    }
}
