//! The registry's routes as bytes go over the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::body::Body;
use axum::http::StatusCode;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_mlflow::hosts::HostPolicy;
use ropewalk_models::SourceRules;
use serde_json::{Value, json};
use support::{call, migrations, model, models, models_with, router, send, version};

#[tokio::test]
async fn the_wire_is_mlflows_and_ours() {
    let (_home, core) = fresh_home(&migrations()).await;
    let models = models(&core);
    let router = router(&models);
    let (_, api) = ropewalk_models::routes(&models).split_for_parts();
    for path in ["/api/v1/models/{name}/aliases/{alias}", "/api/v1/models/{name}/history"] {
        assert!(api.paths.paths.contains_key(path));
    }

    let (status, made) = call(&router, "POST", "registered-models/create", json!({"name": "m"})).await;
    assert_eq!((status, &made["registered_model"]["name"]), (StatusCode::OK, &json!("m")));
    let body = json!({"name": "m", "source": "s3://bucket/model"});
    let (_, made) = call(&router, "POST", "model-versions/create", body).await;
    let made = &made["model_version"];
    assert_eq!((&made["version"], &made["status"]), (&json!("1"), &json!("READY")));
    assert_eq!(
        (&made["description"], &made["run_id"], &made["run_link"]),
        (&json!(""), &json!(""), &json!(""))
    );
    let (status, _) = call(&router, "PUT", "/api/v1/models/m/aliases/champion", json!({"version": 1})).await;
    assert_eq!(status, StatusCode::OK);
    let path = "/ajax-api/2.0/mlflow/registered-models/alias?name=m&alias=champion";
    let (_, found) = call(&router, "GET", path, Value::Null).await;
    assert_eq!(found["model_version"]["aliases"], json!(["champion"]));
    let (_, shown) = call(&router, "GET", "/api/v1/models/m/versions/@champion", Value::Null).await;
    assert_eq!((&shown["version"], &shown["bundle"]), (&json!(1), &Value::Null));
    let (_, listed) = call(&router, "GET", "/api/v1/models", Value::Null).await;
    assert_eq!(listed[0]["aliases"], json!({"champion": 1}));
    let (_, history) = call(&router, "GET", "/api/v1/models/m/history?limit=2", Value::Null).await;
    assert_eq!(history["items"][0]["text"], "pointed alias “champion” to version 1");
    assert!(history["next_token"].is_string());

    let (status, error) = call(&router, "GET", "/api/v1/models/none", Value::Null).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, error) = call(&router, "GET", "registered-models/get?name=none", Value::Null).await;
    assert_eq!((status, &error["error_code"]), (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST")));
    let (status, error) = call(&router, "POST", "/api/v1/models/m/versions", json!({"run_id": "ffff"})).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
}

/// Every route, with a body that it would take.
fn requests() -> Vec<(&'static str, &'static str, Value)> {
    let version = json!({"name": "m", "version": "1"});
    let with = |base: &Value, more: Value| {
        let mut whole = base.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    vec![
        (
            "POST",
            "registered-models/create",
            json!({"name": "n", "tags": [{"key": "k", "value": "v"}], "description": "d"}),
        ),
        ("PATCH", "registered-models/update", json!({"name": "m", "description": "d"})),
        ("POST", "registered-models/rename", json!({"name": "m", "new_name": "m"})),
        ("DELETE", "registered-models/delete", json!({"name": "gone"})),
        ("POST", "registered-models/get-latest-versions", json!({"name": "m", "stages": ["None"]})),
        ("POST", "registered-models/set-tag", json!({"name": "m", "key": "k", "value": "v"})),
        ("DELETE", "registered-models/delete-tag", json!({"name": "m", "key": "k"})),
        ("POST", "registered-models/alias", with(&version, json!({"alias": "a"}))),
        ("DELETE", "registered-models/alias", json!({"name": "m", "alias": "a"})),
        (
            "POST",
            "model-versions/create",
            json!({"name": "m", "source": "s3://b/m", "run_id": "", "tags": [{"key": "k", "value": "v"}], "run_link": "l",
                "description": "d", "model_id": ""}),
        ),
        ("PATCH", "model-versions/update", with(&version, json!({"description": "d"}))),
        (
            "POST",
            "model-versions/transition-stage",
            with(&version, json!({"stage": "Staging", "archive_existing_versions": true})),
        ),
        ("POST", "model-versions/set-tag", with(&version, json!({"key": "k", "value": "v"}))),
        ("DELETE", "model-versions/delete-tag", with(&version, json!({"key": "k"}))),
        ("DELETE", "model-versions/delete", version.clone()),
    ]
}

#[tokio::test]
async fn no_body_makes_a_route_fail() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        let router = router(&models);
        model(&models, "m", &[]).await;
        model(&models, "gone", &[]).await;
        version(&models, "m").await;
        let odd = [
            Value::Null,
            json!(5),
            json!(-1),
            json!(1e300),
            json!(true),
            json!([]),
            json!(["x"]),
            json!({}),
            json!({"key": 1}),
            json!([{"key": null, "value": {}}]),
            json!(""),
            json!(" "),
            json!("a/b:c"),
            json!("../.."),
            json!("\u{0}"),
            json!("x\u{0}y"),
            json!("%00"),
            json!("é".repeat(3000)),
            json!("99999999999999999999"),
            json!("'; DROP TABLE model_version; --"),
            json!("models:/m/99999999999999999999"),
            json!("runs://x/y"),
            json!("file://elsewhere/x"),
            json!("http://[::1"),
        ];
        for (method, path, body) in requests() {
            for whole in odd.iter().cloned().chain([json!({"unknown": 1})]) {
                let (status, answer) = call(&router, method, path, whole.clone()).await;
                assert!(status.as_u16() < 500, "{method} {path} {whole}: {status} {answer}");
            }
            for raw in [
                "{",
                "null",
                "\"{\\\"name\\\": 1}\"",
                "[[[[",
                "{\"name\": NaN}",
                "\u{0}",
                "{\"name\": \"m\" \"x\"}",
            ] {
                let (status, answer) = send(&router, method, path, Body::from(raw)).await;
                assert!((400..500).contains(&status.as_u16()), "{method} {path} {raw}: {status} {answer}");
            }
            for key in body.as_object().unwrap().keys() {
                for value in &odd {
                    let mut changed = body.clone();
                    changed[key] = value.clone();
                    let (status, answer) = call(&router, method, path, changed.clone()).await;
                    assert!(status.as_u16() < 500, "{method} {path} {changed}: {status} {answer}");
                    if !status.is_success() {
                        assert!(
                            answer["error_code"].is_string() && answer["message"].is_string(),
                            "{answer}"
                        );
                    }
                }
            }
        }
        for query in [
            "registered-models/get",
            "registered-models/get?name=%00",
            "registered-models/alias?name=m&alias=",
            "registered-models/get-latest-versions?name=m&stages=x",
            "registered-models/search?max_results=x",
            "registered-models/search?max_results=-5",
            "registered-models/search?max_results=99999999999999999999",
            "registered-models/search?filter=%27&page_token=%00",
            "registered-models/search?order_by=name&order_by=name",
            "model-versions/get?name=m",
            "model-versions/get?name=m&version=99999999999999999999",
            "model-versions/search?max_results=0",
            "model-versions/search?filter=name%20%3D%20%27%00%27",
            "model-versions/get-download-uri",
            "/model-versions/get-artifact",
            "/model-versions/get-artifact?name=m&version=x&path=a",
            "/model-versions/get-artifact?name=m&version=1&path=../x",
            "/model-versions/get-artifact?name=m&version=1&path=%252e%252e/x",
            "/model-versions/get-artifact?name=m&version=1&path=x",
            "/api/v1/models/m/history?limit=x",
            "/api/v1/models/m/history?token=x",
            "/api/v1/models/%2F/history",
        ] {
            let (status, answer) = call(&router, "GET", query, Value::Null).await;
            assert!(status.as_u16() < 500, "{query}: {status} {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_server_forbids_is_no_source() {
    let (_home, core) = fresh_home(&migrations()).await;
    let models = models_with(&core, SourceRules::new("^(s3|models):/", HostPolicy::default()).unwrap());
    let router = router(&models);
    model(&models, "m", &[]).await;
    for (source, status) in
        [("s3://b/x", 200), ("models:/m/1", 200), ("gs://b/x", 400), ("dummy-source", 400)]
    {
        let (answered, body) =
            call(&router, "POST", "model-versions/create", json!({"name": "m", "source": source})).await;
        assert_eq!(answered.as_u16(), status, "{source}: {body}");
    }
    let tags = json!([{"key": "mlflow.prompt.is_prompt", "value": "true"}]);
    let body = json!({"name": "m", "source": "dummy-source", "tags": tags});
    assert_eq!(call(&router, "POST", "model-versions/create", body).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_logged_model_says_which_versions_were_made_from_it() {
    let (_home, core) = fresh_home(&migrations()).await;
    let models = models(&core);
    let router = router(&models);
    model(&models, "m", &[]).await;
    let (_, made) = call(&router, "POST", "runs/create", json!({"experiment_id": "0"})).await;
    let run = made["run"]["info"]["run_id"].clone();
    let body = json!({"experiment_id": "0", "name": "lm", "source_run_id": run});
    let (_, made) = call(&router, "POST", "logged-models", body).await;
    let (id, root) =
        (made["model"]["info"]["model_id"].clone(), made["model"]["info"]["artifact_uri"].clone());
    let id_text = id.as_str().unwrap();
    for source in [format!("models:/{id_text}"), format!("{}/sub", root.as_str().unwrap())] {
        let body = json!({"name": "m", "source": source, "model_id": id});
        let (status, made) = call(&router, "POST", "model-versions/create", body).await;
        assert_eq!((status, &made["model_version"]["run_id"]), (StatusCode::OK, &run), "{made}");
    }
    let (_, found) =
        call(&router, "GET", "model-versions/get-download-uri?name=m&version=1", Value::Null).await;
    assert_eq!(found["artifact_uri"], root);
    let (_, shown) = call(&router, "GET", &format!("logged-models/{id_text}"), Value::Null).await;
    let tag = &shown["model"]["info"]["tags"][0];
    assert_eq!(tag["key"], "mlflow.modelVersions");
    assert_eq!(tag["value"], r#"[{"name": "m", "version": 1}, {"name": "m", "version": 2}]"#);

    let (_, made) =
        call(&router, "POST", "logged-models", json!({"experiment_id": "0", "name": "other"})).await;
    for (source, model_id) in [
        (format!("models:/{id_text}"), &made["model"]["info"]["model_id"]),
        (format!("models:/{id_text}"), &json!("")),
        (root.as_str().unwrap().to_owned(), &json!("m-none")),
        (format!("{}2", root.as_str().unwrap()), &id),
    ] {
        let body = json!({"name": "m", "source": source, "model_id": model_id});
        let (status, answer) = call(&router, "POST", "model-versions/create", body).await;
        assert_eq!(
            (status, &answer["error_code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE"))
        );
        assert!(answer["message"].as_str().unwrap().contains("model_id request parameter must identify"));
    }
}
