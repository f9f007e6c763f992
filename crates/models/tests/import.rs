//! Registered models of another store, over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use ropewalk_core::testing::each_database;
use serde_json::{Value, json};
use support::{call, models, router};

fn version(number: i64, more: Value) -> Value {
    let mut version = json!({
        "version": number, "created_ms": 100 + number, "updated_ms": 200, "source": "models:/m-1", "run_id": "r1",
        "user_id": "bob", "stage": "Production", "status": "READY", "tags": {"number": number.to_string()},
    });
    version.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    version
}

fn wine(versions: &[Value]) -> Value {
    json!({
        "name": "wine", "description": "red", "created_ms": 50, "updated_ms": 300, "tags": {"owner": "ann", "no//path": "x"},
        "last_version": 5, "versions": versions, "aliases": {"champion": 4},
    })
}

async fn import(router: &Router, model: &Value, dry_run: bool) -> Value {
    let body = json!({"models": [model], "source": "sqlite:///mlflow.db", "dry_run": dry_run});
    let (status, answer) = call(router, "POST", "/api/v1/import/models", body).await;
    assert_eq!(status, 200, "{answer}");
    answer[0].clone()
}

#[tokio::test]
async fn names_and_numbers_stay_and_nothing_comes_twice() {
    each_database(&support::migrations(), |core| async move {
        let models = models(&core);
        let router = router(&models);
        let first =
            wine(&[version(4, json!({})), version(1, json!({})), version(2, json!({"stage": "odd"}))]);
        let looked = import(&router, &first, true).await;
        assert_eq!((&looked["outcome"], &looked["added"]), (&json!("created"), &json!(3)));
        assert!(models.model("wine").await.is_err());
        let taken = import(&router, &first, false).await;
        assert_eq!((&looked["notes"], &looked["outcome"]), (&taken["notes"], &taken["outcome"]));
        // Only what stands can be given to whoever made it.
        assert_eq!((&looked["made"], &taken["made"]), (&Value::Null, &json!("registered_model")));
        assert!(taken["notes"][0].as_str().unwrap().contains("no//path"), "{taken}");
        let found = models.model("wine").await.unwrap();
        assert_eq!((found.created_ms, found.updated_ms, found.latest_version), (50, 300, Some(4)));
        assert!(found.tags.len() == 1 && found.aliases.is_empty(), "{found:?}");
        let four = models.get("wine", 4).await.unwrap();
        assert_eq!((four.created_ms, four.actor.as_str(), four.stage.as_str()), (104, "bob", "Production"));
        assert_eq!((four.tags["number"].as_str(), four.run_id.as_deref()), ("4", Some("r1")));
        assert_eq!(models.get("wine", 2).await.unwrap().stage, "None");
        assert_eq!(import(&router, &first, false).await["outcome"], "unchanged");

        // It went on there; the number 6 went on here, so that it is not theirs any more.
        let own = json!({"name": "wine", "source": "s3://bucket/own"});
        let (_, own) = call(&router, "POST", "model-versions/create", own).await;
        assert_eq!(own["model_version"]["version"], "6");
        let more = wine(&[
            version(1, json!({"tags": {"new": "tag"}})),
            version(6, json!({})),
            version(7, json!({})),
        ]);
        let taken = import(&router, &more, false).await;
        assert_eq!((&taken["outcome"], &taken["added"]), (&json!("completed"), &json!(1)));
        assert!(taken["notes"][1].as_str().unwrap().starts_with("version 6:"), "{taken}");
        assert_eq!(models.get("wine", 6).await.unwrap().source, "s3://bucket/own");
        assert_eq!(models.get("wine", 1).await.unwrap().tags.len(), 2);

        // What only has the same name is another one.
        let other = json!({"name": "wine", "created_ms": 51, "versions": [version(9, json!({}))]});
        let prompt = json!({"name": "wine", "created_ms": 50, "tags": {"mlflow.prompt.is_prompt": "true"}});
        for stranger in [other, prompt, json!({"name": "a/b"})] {
            assert_eq!(import(&router, &stranger, false).await["outcome"], "refused");
        }
        assert!(models.get("wine", 9).await.is_err());
    })
    .await;
}
