//! What a trial sends: an example of each event.

use serde_json::{Map, Value, json};

use crate::model::Event;

/// An event's data as a trial sends it.
pub(crate) fn data(event: Event) -> Value {
    let prompt = event.entity().starts_with("prompt");
    let kind = if prompt { "prompt" } else { "model" };
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    if event == Event::BudgetPolicyExceeded {
        return json!({
            "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
            "duration_unit": "MONTHS", "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default",
            "target_value": "ep-abc123", "window_start": 1_704_067_200_000_i64,
        });
    }
    put("name", format!("example_{kind}").into());
    match event {
        Event::RegisteredModelCreated | Event::PromptCreated => {
            put("tags", json!({"example_key": "example_value"}));
            let whole = if prompt { "prompt" } else { "registered model" };
            put("description", format!("An example {whole}").into());
        }
        Event::ModelVersionCreated | Event::PromptVersionCreated => {
            put("version", "1".into());
            if prompt {
                put("template", "Hello {{name}}!".into());
            } else {
                put("source", "models:/123".into());
                put("run_id", "abcd1234abcd5678".into());
            }
            put("tags", json!({"example_key": "example_value"}));
            put("description", format!("An example {kind} version").into());
        }
        Event::ModelVersionAliasCreated | Event::PromptAliasCreated => {
            put("alias", "example_alias".into());
            put("version", "1".into());
        }
        Event::ModelVersionAliasDeleted | Event::PromptAliasDeleted => put("alias", "example_alias".into()),
        _ => {
            if event.entity().ends_with("version_tag") {
                put("version", "1".into());
            }
            put("key", "example_key".into());
            if event.action() == "set" {
                put("value", "example_value".into());
            }
        }
    }
    Value::Object(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_those_of_the_stock_server() {
        for (event, example) in [
            (
                Event::RegisteredModelCreated,
                json!({"name": "example_model", "tags": {"example_key": "example_value"}, "description": "An example registered model"}),
            ),
            (
                Event::ModelVersionCreated,
                json!({"name": "example_model", "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678",
                    "tags": {"example_key": "example_value"}, "description": "An example model version"}),
            ),
            (
                Event::PromptVersionCreated,
                json!({"name": "example_prompt", "version": "1", "template": "Hello {{name}}!",
                    "tags": {"example_key": "example_value"}, "description": "An example prompt version"}),
            ),
            (
                Event::PromptTagSet,
                json!({"name": "example_prompt", "key": "example_key", "value": "example_value"}),
            ),
            (
                Event::ModelVersionTagDeleted,
                json!({"name": "example_model", "version": "1", "key": "example_key"}),
            ),
            (
                Event::PromptVersionTagSet,
                json!({"name": "example_prompt", "version": "1", "key": "example_key", "value": "example_value"}),
            ),
            (Event::PromptAliasDeleted, json!({"name": "example_prompt", "alias": "example_alias"})),
            (
                Event::ModelVersionAliasCreated,
                json!({"name": "example_model", "alias": "example_alias", "version": "1"}),
            ),
        ] {
            assert_eq!(data(event), example);
        }
    }
}
