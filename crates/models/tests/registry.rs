//! The registry on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use bytes::Bytes;
use ropewalk_core::journal::{Direction, Filter, Reference};
use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Code, Core, Migration, Page};
use ropewalk_data::{ColumnKind, Data};
use ropewalk_ledger::Ledger;
use ropewalk_models::{
    BUNDLE_FORMAT, BundleManifest, ColumnProfile, Gate, Models, NewModel, NewVersion, ReferenceProfile,
    RegisterRequest, Signature, SignatureField, SourceRules,
};
use ropewalk_prep::pipeline::{Fill, Scaling};
use ropewalk_prep::{FittedPipeline, FittedStep, InputColumn, Operator, Prep, Target};
use ropewalk_runs::{Metric, Runs};
use ropewalk_webhooks::{Options, Webhooks};
use serde_json::json;

fn migrations() -> Vec<Migration> {
    [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
    ]
    .concat()
}

fn models(core: &Core) -> Models {
    let prep = Prep::new(core.clone(), Data::new(core.clone()), Ledger::new(core.clone()));
    let webhooks = Webhooks::new(core.clone(), Options::default());
    Models::new(core.clone(), Runs::new(core.clone()), prep, webhooks, SourceRules::default())
}

fn ann() -> Actor {
    Actor::user("ann")
}

fn manifest() -> BundleManifest {
    let pipeline = FittedPipeline {
        version: 1,
        inputs: vec![InputColumn { name: "fixed acidity".into(), kind: ColumnKind::Number }],
        steps: vec![
            FittedStep::Impute { columns: vec![Fill { column: "fixed acidity".into(), value: 8.1 }] },
            FittedStep::Scale {
                columns: vec![Scaling { column: "fixed acidity".into(), shift: 8.0, scale: 1.7 }],
            },
        ],
        outputs: vec!["fixed acidity".into()],
    };
    BundleManifest {
        format: BUNDLE_FORMAT,
        runtime: "trees".into(),
        weights: "trees.json".into(),
        pipeline_hash: pipeline.hash(),
        pipeline,
        target: Target { column: "quality".into(), operator: Operator::AtLeast, value: 6.0 },
        signature: Signature {
            inputs: vec![SignatureField::new("fixed acidity", "double")],
            outputs: vec![SignatureField::new("probability", "float")],
        },
        input_example: json!({"fixed acidity": 7.4}),
        reference: ReferenceProfile {
            rows: 3,
            columns: vec![ColumnProfile {
                name: "fixed acidity".into(),
                kind: "number".into(),
                sample: vec![7.4, 7.8, 11.2],
                ..ColumnProfile::default()
            }],
            scores: vec![0.3, 0.7],
            auc: Some(0.83),
        },
        recipe: "trees".into(),
        params: json!({"depth": 3}),
    }
}

async fn trained_run(models: &Models, auc: f64, manifest: &BundleManifest) -> String {
    let runs = models.runs();
    let run = runs.create_run("0", Some("r"), &[], 1, &ann()).await.unwrap().info.run_id;
    runs.log_batch(&run, &[Metric::new("val_auc", auc, 1, 0)], &[], &[]).await.unwrap();
    runs.log_artifact(&run, "model/bundle.json", manifest.to_bytes().unwrap()).await.unwrap();
    runs.log_artifact(&run, "model/trees.json", Bytes::from_static(b"{\"weights\": 1}")).await.unwrap();
    run
}

fn request(run_id: &str, minimum: f64, force: bool) -> RegisterRequest {
    RegisterRequest {
        name: "wine-quality".into(),
        run_id: run_id.into(),
        gates: vec![Gate::AucFloor { metric: "val_auc".into(), minimum }, Gate::Parity { tolerance: 0.0 }],
        tags: BTreeMap::from([("k".into(), "v".into())]),
        force,
        ..RegisterRequest::default()
    }
}

async fn verbs(core: &Core, verb: &str) -> Vec<ropewalk_core::Entry> {
    let filter = Filter { verb: Some(verb.into()), ..Filter::default() };
    core.journal.entries(&filter, &Page::first(100)).await.unwrap().items
}

#[tokio::test]
async fn a_run_becomes_a_version_with_its_bundle() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let run = trained_run(&models, 0.83, &manifest()).await;
        let version = models.register(request(&run, 0.8, false), &ann()).await.unwrap();
        assert_eq!(
            (version.version, version.forced, version.run_id.as_deref()),
            (1, false, Some(run.as_str()))
        );
        assert!(version.gates.iter().all(|gate| gate.passed), "{:?}", version.gates);
        assert_eq!(version.gates[0].observed, Some(0.83));
        assert_eq!(version.gates[1].observed, Some(0.0));
        assert_eq!(version.tags["k"], "v");

        let bundle = models.bundle("wine-quality", 1).await.unwrap();
        assert_eq!(bundle.manifest, manifest());
        assert_eq!(bundle.weights, "{\"weights\": 1}");
        assert_eq!(Some(bundle.hash), version.bundle_hash);

        let subject = Reference::new("model", "wine-quality/1");
        assert_eq!(verbs(&core, "register").await[0].subject, subject);
        assert_eq!(verbs(&core, "gate").await[0].facts["passed"], true);
        let lineage = core.journal.lineage(&subject, Direction::Upstream, 2).await.unwrap();
        assert!(lineage.edges.iter().any(|edge| edge.from == Reference::new("run", &run)));

        assert_eq!(models.register(request(&run, 0.8, false), &ann()).await.unwrap().version, 2);
    })
    .await;
}

#[tokio::test]
async fn a_failed_gate_holds_unless_forced_and_is_remembered() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let run = trained_run(&models, 0.61, &manifest()).await;
        let refused = models.register(request(&run, 0.8, false), &ann()).await.unwrap_err();
        assert_eq!(refused.code(), Code::GateFailed);
        assert!(refused.to_string().contains("0.61"), "{refused}");
        assert_eq!(models.model("wine-quality").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(verbs(&core, "gate").await[0].facts["passed"], false);

        let forced = models.register(request(&run, 0.8, true), &ann()).await.unwrap();
        assert!(forced.forced && !forced.gates[0].passed && forced.gates[1].passed);
        assert_eq!(verbs(&core, "gate").await[1].facts["forced"], true);
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_contradicts_itself_is_refused() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let mut other = manifest();
        other.pipeline_hash = "0".repeat(64);
        let run = trained_run(&models, 0.9, &other).await;
        assert_eq!(
            models.register(request(&run, 0.8, true), &ann()).await.unwrap_err().code(),
            Code::Invalid
        );
        let mut climbing = manifest();
        climbing.weights = "../../meta.db".into();
        let run = trained_run(&models, 0.9, &climbing).await;
        assert_eq!(
            models.register(request(&run, 0.8, true), &ann()).await.unwrap_err().code(),
            Code::Invalid
        );
        let bare = models.runs().create_run("0", None, &[], 1, &ann()).await.unwrap().info.run_id;
        assert_eq!(
            models.register(request(&bare, 0.8, true), &ann()).await.unwrap_err().code(),
            Code::NotFound
        );
        assert_eq!(
            models.register(request("0123", 0.8, true), &ann()).await.unwrap_err().code(),
            Code::NotFound
        );
    })
    .await;
}

#[tokio::test]
async fn a_damaged_bundle_is_noticed() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let run = trained_run(&models, 0.9, &manifest()).await;
        let hash = models.register(request(&run, 0.8, false), &ann()).await.unwrap().bundle_hash.unwrap();
        core.blobs
            .put(&format!("models/{hash}/trees.json"), Bytes::from_static(b"{\"weights\": 2}"))
            .await
            .unwrap();
        assert_eq!(models.bundle("wine-quality", 1).await.unwrap_err().code(), Code::Corrupt);
    })
    .await;
}

#[tokio::test]
async fn an_alias_moves_and_says_where_from() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let run = trained_run(&models, 0.9, &manifest()).await;
        for _ in 0..2 {
            models.register(request(&run, 0.8, false), &ann()).await.unwrap();
        }
        models.set_alias("wine-quality", "champion", 1, &ann()).await.unwrap();
        assert_eq!(models.resolve("wine-quality@champion").await.unwrap().version, 1);
        models.set_alias("wine-quality", "champion", 2, &ann()).await.unwrap();
        models.set_alias("wine-quality", "champion", 2, &ann()).await.unwrap();
        let found = models.resolve("models:/wine-quality@champion").await.unwrap();
        assert_eq!((found.version, found.aliases), (2, vec!["champion".to_owned()]));
        assert_eq!(models.resolve("wine-quality/latest").await.unwrap().version, 2);
        assert_eq!(models.resolve("wine-quality/1").await.unwrap().version, 1);
        let moves = verbs(&core, "alias").await;
        assert_eq!(moves.len(), 2);
        assert_eq!((&moves[1].facts["previous"], &moves[1].facts["now"]), (&json!(1), &json!(2)));
        for wrong in ["wine-quality@none", "wine-quality/9", "none/1", "none"] {
            assert_eq!(models.resolve(wrong).await.unwrap_err().code(), Code::NotFound, "{wrong}");
        }
        assert_eq!(
            models.set_alias("wine-quality", "latest", 1, &ann()).await.unwrap_err().code(),
            Code::Invalid
        );
        assert_eq!(
            models.set_alias("wine-quality", "x", 9, &ann()).await.unwrap_err().code(),
            Code::NotFound
        );
    })
    .await;
}

#[tokio::test]
async fn versions_count_on_and_the_rest_follows_a_rename() {
    each_database(&migrations(), |core: Core| async move {
        let models = models(&core);
        let model = NewModel {
            name: "m".into(),
            description: "words".into(),
            tags: vec![("a".into(), "0".into()), ("a".into(), "1".into())],
        };
        models.create_model(model.clone(), &ann()).await.unwrap();
        assert_eq!(models.create_model(model, &ann()).await.unwrap_err().code(), Code::AlreadyExists);
        let new =
            |name: &str| NewVersion { name: name.into(), source: "s3://b/m".into(), ..NewVersion::default() };
        let made = futures(&models, 6, new("m")).await;
        assert_eq!(made, [1, 2, 3, 4, 5, 6]);
        assert_eq!(models.bundle("m", 1).await.unwrap_err().code(), Code::Invalid);
        models.delete_version("m", 6, &ann()).await.unwrap();
        assert_eq!(models.create_version(new("m"), &ann()).await.unwrap().version, 7);
        assert_eq!(models.create_version(new("none"), &ann()).await.unwrap_err().code(), Code::NotFound);
        models.set_version_tag("m", 7, "t", "x", &ann()).await.unwrap();
        models.set_alias("m", "champion", 7, &ann()).await.unwrap();
        models.set_stage("m", 1, "production", false, &ann()).await.unwrap();
        models.set_stage("m", 2, "Production", true, &ann()).await.unwrap();
        assert_eq!(models.get("m", 1).await.unwrap().stage, "Archived");

        models.rename_model("m", "n", &ann()).await.unwrap();
        let moved = models.resolve("n@champion").await.unwrap();
        assert_eq!((moved.version, moved.tags["t"].as_str()), (7, "x"));
        assert_eq!(models.versions("n").await.unwrap().len(), 6);
        assert_eq!(models.list().await.unwrap()[0].aliases["champion"], 7);
        models.delete_model("n", &ann()).await.unwrap();
        assert!(models.list().await.unwrap().is_empty());
        assert_eq!(models.get("n", 7).await.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

/// Creates versions at the same time; their numbers, sorted.
async fn futures(models: &Models, count: usize, new: NewVersion) -> Vec<i64> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (models, new) = (models.clone(), new.clone());
            tokio::spawn(async move { models.create_version(new, &ann()).await.unwrap().version })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    numbers
}
