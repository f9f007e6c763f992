//! Every change of the registry stands in the journal and is told to webhooks, in the same transaction.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ropewalk_core::journal::{Direction, Reference};
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Actor, Code, Core, Page};
use ropewalk_models::Models;
use ropewalk_webhooks::{Event, NewWebhook};
use serde_json::{Value, json};
use sqlx::Row;
use support::{ann, entries, migrations, model, models, version, webhooks};

/// A webhook that listens to everything.
async fn listen(core: &Core) {
    let new = NewWebhook {
        name: "all".into(),
        url: "http://127.0.0.1:9/".into(),
        events: Event::ALL.to_vec(),
        ..NewWebhook::default()
    };
    webhooks(core).create(new, &ann()).await.unwrap();
}

/// What waits to be delivered: events and their data, the oldest first. Then nothing waits any more.
async fn told(core: &Core) -> Vec<(String, Value)> {
    core.database
        .write(|tx| {
            Box::pin(async move {
                let rows = sqlx::query("SELECT event, data FROM webhook_delivery ORDER BY created_ms, id")
                    .fetch_all(&mut *tx)
                    .await?;
                sqlx::query("DELETE FROM webhook_delivery").execute(tx).await?;
                rows.iter()
                    .map(|row| {
                        let data: String = row.try_get("data")?;
                        Ok((row.try_get("event")?, serde_json::from_str(&data)?))
                    })
                    .collect()
            })
        })
        .await
        .unwrap()
}

fn one(event: &str, data: Value) -> Vec<(String, Value)> {
    vec![(event.to_owned(), data)]
}

#[tokio::test]
async fn each_change_is_told_once() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        listen(&core).await;
        let before = entries(&core).await.len();

        model(&models, "m", &[("t", "1")]).await;
        let created = json!({"name": "m", "tags": {"t": "1"}, "description": ""});
        assert_eq!(told(&core).await, one("registered_model.created", created));
        version(&models, "m").await;
        let made = json!({"name": "m", "version": "1", "source": "s3://b/m", "run_id": null, "tags": {}, "description": null});
        assert_eq!(told(&core).await, one("model_version.created", made));

        models.set_version_tag("m", 1, "k", "v", &ann()).await.unwrap();
        let tag = json!({"name": "m", "version": "1", "key": "k", "value": "v"});
        assert_eq!(told(&core).await, one("model_version_tag.set", tag.clone()));
        // The same again is told to webhooks as MLflow tells it, but it is no change for the journal.
        models.set_version_tag("m", 1, "k", "v", &ann()).await.unwrap();
        assert_eq!(told(&core).await, one("model_version_tag.set", tag));
        models.delete_version_tag("m", 1, "k", &ann()).await.unwrap();
        models.delete_version_tag("m", 1, "k", &ann()).await.unwrap();
        assert_eq!(told(&core).await.len(), 2);
        models.set_alias("m", "champion", 1, &ann()).await.unwrap();
        let alias = json!({"name": "m", "alias": "champion", "version": "1"});
        assert_eq!(told(&core).await, one("model_version_alias.created", alias));
        models.delete_alias("m", "champion", &ann()).await.unwrap();
        let gone = json!({"name": "m", "alias": "champion"});
        assert_eq!(told(&core).await, one("model_version_alias.deleted", gone));

        models.set_model_tag("m", "t", "2", &ann()).await.unwrap();
        models.delete_model_tag("m", "t", &ann()).await.unwrap();
        models.delete_model_tag("m", "t", &ann()).await.unwrap();
        models.describe_model("m", "words", &ann()).await.unwrap();
        models.describe_version("m", 1, Some("words"), &ann()).await.unwrap();
        models.describe_version("m", 1, Some("words"), &ann()).await.unwrap();
        version(&models, "m").await;
        told(&core).await;
        models.set_stage("m", 1, "staging", false, &ann()).await.unwrap();
        models.set_stage("m", 2, "Staging", true, &ann()).await.unwrap();
        models.rename_model("m", "n", &ann()).await.unwrap();
        models.delete_version("n", 1, &ann()).await.unwrap();
        models.delete_model("n", &ann()).await.unwrap();
        assert_eq!(told(&core).await, []);

        let verbs: Vec<String> = entries(&core).await[before..]
            .iter()
            .map(|entry| format!("{} {}", entry.verb, entry.subject.id()))
            .collect();
        assert_eq!(
            verbs,
            [
                "model.create m", "register m/1", "model.tag m/1", "model.tag m/1", "alias m/1", "alias m/1", "model.tag m",
                "model.tag m", "model.describe m", "model.describe m/1", "register m/2", "model.stage m/1", "model.stage m/1",
                "model.stage m/2", "model.rename n", "model.rename n/1", "model.rename n/2", "model.delete n/1",
                "model.delete n",
            ]
        );
        assert!(core.journal.verify().await.unwrap().intact);
    })
    .await;
}

#[tokio::test]
async fn prompts_have_events_of_their_own() {
    let (_home, core) = fresh_home(&migrations()).await;
    let models = models(&core);
    listen(&core).await;
    let marks = [("mlflow.prompt.is_prompt", "true"), ("_mlflow_prompt_type", "text"), ("team", "x")];
    model(&models, "p", &marks).await;
    let created = json!({"name": "p", "tags": {"team": "x"}, "description": ""});
    assert_eq!(told(&core).await, one("prompt.created", created));
    let tags = [("mlflow.prompt.is_prompt", "True"), ("mlflow.prompt.text", "Hello {{name}}"), ("v", "1")];
    let new = ropewalk_models::NewVersion {
        name: "p".into(),
        source: "dummy-source".into(),
        description: Some("first".into()),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    };
    models.create_version(new, &ann()).await.unwrap();
    let made = json!({"name": "p", "version": "1", "template": "Hello {{name}}", "tags": {"v": "1"}, "description": "first"});
    assert_eq!(told(&core).await, one("prompt_version.created", made));
    models.set_model_tag("p", "k", "v", &ann()).await.unwrap();
    models.delete_model_tag("p", "k", &ann()).await.unwrap();
    models.set_version_tag("p", 1, "k", "v", &ann()).await.unwrap();
    models.delete_version_tag("p", 1, "k", &ann()).await.unwrap();
    models.set_alias("p", "live", 1, &ann()).await.unwrap();
    models.delete_alias("p", "live", &ann()).await.unwrap();
    let events: Vec<String> = told(&core).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(
        events,
        [
            "prompt_tag.set",
            "prompt_tag.deleted",
            "prompt_version_tag.set",
            "prompt_version_tag.deleted",
            "prompt_alias.created",
            "prompt_alias.deleted",
        ]
    );
}

#[tokio::test]
async fn what_fails_is_not_told() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        listen(&core).await;
        model(&models, "m", &[]).await;
        model(&models, "n", &[]).await;
        told(&core).await;
        let before = entries(&core).await.len();
        let missing =
            |result: ropewalk_core::Result<()>| assert_eq!(result.unwrap_err().code(), Code::NotFound);
        missing(models.set_alias("m", "a", 1, &ann()).await);
        missing(models.delete_alias("none", "a", &ann()).await);
        missing(models.set_model_tag("none", "a", "b", &ann()).await);
        missing(models.delete_model_tag("none", "a", &ann()).await);
        missing(models.set_version_tag("m", 1, "a", "b", &ann()).await);
        missing(models.delete_version_tag("m", 1, "a", &ann()).await);
        missing(models.delete_version("m", 1, &ann()).await);
        missing(models.delete_model("none", &ann()).await);
        missing(models.describe_model("none", "x", &ann()).await.map(drop));
        missing(models.describe_version("m", 1, None, &ann()).await.map(drop));
        missing(models.set_stage("m", 1, "Staging", true, &ann()).await.map(drop));
        missing(models.rename_model("none", "x", &ann()).await.map(drop));
        let taken = models.rename_model("m", "n", &ann()).await.unwrap_err();
        assert_eq!(taken.code(), Code::AlreadyExists);
        assert_eq!(entries(&core).await.len(), before);
        assert_eq!(told(&core).await, []);
    })
    .await;
}

async fn history(models: &Models, name: &str) -> Vec<String> {
    let page = models.history(name, &Page::first(100)).await.unwrap();
    page.items.iter().map(|entry| format!("{}: {}", entry.actor, entry.text)).collect()
}

#[tokio::test]
async fn a_history_follows_the_names_and_outlives_the_model() {
    each_database(&migrations(), |core| async move {
        let models = models(&core);
        let bob = Actor::user("bob");
        model(&models, "first", &[]).await;
        version(&models, "first").await;
        models.rename_model("first", "second", &bob).await.unwrap();
        // Another model takes the name that has become free: its history is its own.
        model(&models, "first", &[]).await;
        models.set_alias("second", "champion", 1, &ann()).await.unwrap();
        models.set_stage("second", 1, "Production", false, &bob).await.unwrap();
        models.set_version_tag("second", 1, "k", "v", &bob).await.unwrap();
        let expected = [
            "user:bob: set tag “k” of version 1 to “v”",
            "user:bob: moved version 1 from “None” to “Production”",
            "user:ann: pointed alias “champion” to version 1",
            "user:bob: renamed the model from “first” to “second”",
            "user:ann: registered version 1",
            "user:ann: created the model",
        ];
        assert_eq!(history(&models, "second").await, expected);
        assert_eq!(history(&models, "first").await, ["user:ann: created the model"]);

        models.delete_model("first", &ann()).await.unwrap();
        models.rename_model("second", "first", &bob).await.unwrap();
        models.delete_model("first", &bob).await.unwrap();
        let whole = history(&models, "first").await;
        assert_eq!(whole.len(), 10);
        assert_eq!(whole[0], "user:bob: deleted the model");
        assert_eq!(whole.iter().filter(|line| line.contains("created the model")).count(), 2);
        for nobodys in ["second", "never"] {
            let unknown = models.history(nobodys, &Page::first(10)).await.unwrap_err();
            assert_eq!(unknown.code(), Code::NotFound);
        }
        let page = models.history("first", &Page::first(2)).await.unwrap();
        let next = models.history("first", &Page { limit: 2, token: page.next_token }).await.unwrap();
        assert_ne!(page.items[0].seq, next.items[0].seq);
    })
    .await;
}

#[tokio::test]
async fn lineage_leads_on_through_a_rename_and_a_copy() {
    let (_home, core) = fresh_home(&migrations()).await;
    let models = models(&core);
    let run = models.runs().create_run("0", None, &[], 1, &ann()).await.unwrap().info.run_id;
    model(&models, "m", &[]).await;
    model(&models, "copy", &[]).await;
    let router = support::router(&models);
    let body = json!({"name": "m", "source": format!("runs:/{run}/model"), "run_id": run});
    let (status, made) = support::call(&router, "POST", "model-versions/create", body).await;
    assert!(status.is_success(), "{made}");
    models.rename_model("m", "n", &ann()).await.unwrap();
    let body = json!({"name": "copy", "source": "models:/n/1"});
    let (status, made) = support::call(&router, "POST", "model-versions/create", body).await;
    assert!(status.is_success(), "{made}");
    assert_eq!(made["model_version"]["run_id"], json!(run));
    let of = Reference::new("model", "copy/1");
    let lineage = core.journal.lineage(&of, Direction::Upstream, 10).await.unwrap();
    let names: Vec<&str> = lineage.nodes.iter().map(|node| node.reference.as_str()).collect();
    let run = format!("run:{run}");
    for name in ["model:copy/1", "model:n/1", "model:m/1", run.as_str()] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
}
