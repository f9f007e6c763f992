//! Searches of the registry on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use ropewalk_core::testing::each_database;
use ropewalk_models::{Models, NewVersion};
use serde_json::{Value, json};
use support::{ann, call, migrations, model, models, router};

/// Three models with versions, and a prompt.
async fn fill(models: &Models) {
    model(models, "alpha", &[("team", "blue"), ("a.b", "dot")]).await;
    model(models, "Beta", &[("team", "Red")]).await;
    model(models, "gamma_x", &[]).await;
    model(models, "prompt", &[("mlflow.prompt.is_prompt", "true")]).await;
    let made = [
        ("alpha", "s3://b/one", Some("r1"), vec![("t", "x")]),
        ("alpha", "s3://b/two", None, vec![("t", "X"), ("u", "1")]),
        ("Beta", "s3://c/one", Some("r2"), vec![]),
        ("prompt", "dummy-source", None, vec![("mlflow.prompt.is_prompt", "true")]),
    ];
    for (name, source, run, tags) in made {
        let new = NewVersion {
            name: name.into(),
            source: source.into(),
            run_id: run.map(str::to_owned),
            tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            ..NewVersion::default()
        };
        models.create_version(new, &ann()).await.unwrap();
    }
    models.set_alias("alpha", "champion", 1, &ann()).await.unwrap();
    models.set_stage("alpha", 1, "Production", false, &ann()).await.unwrap();
}

async fn search(router: &Router, of: &str, pairs: &[(&str, &str)]) -> Value {
    let query: Vec<String> = pairs
        .iter()
        .map(|(key, value)| {
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{key}={value}")
        })
        .collect();
    let (status, found) = call(router, "GET", &format!("{of}/search?{}", query.join("&")), Value::Null).await;
    assert!(status.is_success(), "{pairs:?}: {found}");
    found
}

/// The names that a filter finds, with the number for versions.
async fn names(router: &Router, of: &str, filter: &str, order: &str) -> Vec<String> {
    let mut pairs = vec![("filter", filter)];
    if !order.is_empty() {
        pairs.push(("order_by", order));
    }
    let found = search(router, of, &pairs).await;
    let list = found["registered_models"].as_array().or(found["model_versions"].as_array()).cloned();
    let name = |item: &Value| match item.get("version") {
        Some(version) => format!("{}/{}", item["name"].as_str().unwrap(), version.as_str().unwrap()),
        None => item["name"].as_str().unwrap().to_owned(),
    };
    list.unwrap_or_default().iter().map(name).collect()
}

#[tokio::test]
async fn models_are_found_by_name_and_tags() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        fill(&models).await;
        let router = router(&models);
        let all = ["Beta", "alpha", "gamma_x"];
        for (filter, order, expected) in [
            ("", "", &all[..]),
            ("", "name DESC", &["gamma_x", "alpha", "Beta"]),
            ("name LIKE 'a%'", "", &["alpha"]),
            ("name LIKE 'A%'", "", &[]),
            ("name ILIKE 'B%'", "", &["Beta"]),
            ("name LIKE 'gamma_x'", "", &["gamma_x"]),
            ("name != 'alpha'", "", &["Beta", "gamma_x"]),
            ("name IN ('alpha', 'Beta')", "", &["Beta", "alpha"]),
            ("tags.team = 'blue'", "", &["alpha"]),
            ("tags.team ILIKE 'R%'", "", &["Beta"]),
            ("tags.team = 'blue' AND tags.`a.b` = 'dot'", "", &["alpha"]),
            ("tags.team != 'blue'", "", &["Beta"]),
            ("tags.none != 'x'", "", &[]),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", "", &["prompt"]),
            ("tags.`mlflow.prompt.is_prompt` != 'false'", "", &["prompt"]),
            ("tags.`mlflow.prompt.is_prompt` != 'true'", "", &all[..]),
            ("tags.`mlflow.prompt.is_prompt` = 'false'", "", &all[..]),
        ] {
            assert_eq!(
                names(&router, "registered-models", filter, order).await,
                expected,
                "{filter} {order}"
            );
        }
        // The newest version of each stage, without aliases, by the stages' names.
        let found = search(&router, "registered-models", &[("filter", "name = 'alpha'")]).await;
        let latest = &found["registered_models"][0]["latest_versions"];
        let shown: Vec<_> =
            latest.as_array().unwrap().iter().map(|version| &version["current_stage"]).collect();
        assert_eq!(shown, ["None", "Production"]);
        assert!(latest[1].get("aliases").is_none());
        assert_eq!(models.list().await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn versions_are_found_by_what_they_are() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        fill(&models).await;
        let router = router(&models);
        for (filter, order, expected) in [
            ("", "name ASC", &["Beta/1", "alpha/2", "alpha/1"][..]),
            ("", "version_number DESC", &["alpha/2", "Beta/1", "alpha/1"]),
            ("name = 'alpha' AND version_number > 1", "", &["alpha/2"]),
            ("name = 'alpha' AND version_number = '1'", "", &["alpha/1"]),
            ("run_id = 'r1'", "", &["alpha/1"]),
            ("run_id IN ('r1', 'r2')", "name", &["Beta/1", "alpha/1"]),
            // A version without a run is of another run than any.
            ("run_id != 'r1' AND name = 'alpha'", "", &["alpha/2"]),
            ("run_id NOT IN ('r2')", "version_number", &["alpha/1", "alpha/2"]),
            ("source_path LIKE 's3://b%'", "version_number", &["alpha/1", "alpha/2"]),
            ("tags.t = 'X'", "", &["alpha/2"]),
            ("tags.t ILIKE 'x' AND tags.u = '1'", "", &["alpha/2"]),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", "", &["prompt/1"]),
            (
                "tags.`mlflow.prompt.is_prompt` = 'false' AND name = 'alpha'",
                "version_number",
                &["alpha/1", "alpha/2"],
            ),
        ] {
            assert_eq!(names(&router, "model-versions", filter, order).await, expected, "{filter} {order}");
        }
        // One version that is a prompt hides all that have its name.
        models.set_version_tag("alpha", 1, "mlflow.prompt.is_prompt", "true", &ann()).await.unwrap();
        assert_eq!(names(&router, "model-versions", "", "").await, ["Beta/1"]);
        models.delete_version("Beta", 1, &ann()).await.unwrap();
        assert_eq!(names(&router, "model-versions", "", "").await, [] as [&str; 0]);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        fill(&models).await;
        let router = router(&models);
        let first = search(&router, "registered-models", &[("max_results", "2")]).await;
        assert_eq!(first["registered_models"].as_array().unwrap().len(), 2);
        let token = first["next_page_token"].as_str().unwrap();
        let second =
            search(&router, "registered-models", &[("max_results", "2"), ("page_token", token)]).await;
        assert_eq!(second["registered_models"][0]["name"], "gamma_x");
        assert!(second.get("next_page_token").is_none());
        let first =
            search(&router, "model-versions", &[("max_results", "1"), ("order_by", "version_number")]).await;
        let token = first["next_page_token"].as_str().unwrap();
        let pairs = [("max_results", "1"), ("order_by", "version_number"), ("page_token", token)];
        let second = search(&router, "model-versions", &pairs).await;
        assert_ne!(first["model_versions"], second["model_versions"]);
        for wrong in [
            "registered-models/search?max_results=1001",
            "model-versions/search?max_results=0",
            "registered-models/search?page_token=e30%3D",
            "registered-models/search?order_by=name&order_by=name",
            "model-versions/search?filter=name%20%3D%20x",
            "registered-models/search?filter=name%20%3D%20%27a%27%20OR%20name%20%3D%20%27b%27",
        ] {
            let (status, error) = call(&router, "GET", wrong, Value::Null).await;
            assert_eq!(
                (status.as_u16(), &error["error_code"]),
                (400, &json!("INVALID_PARAMETER_VALUE")),
                "{wrong}"
            );
        }
    })
    .await;
}
