//! Training on the real red wines, end to end: prepared data in, tracked runs out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{House, migrations};
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Page, Progress, Reference};
use ropewalk_learn::{SweepRequest, TrainRequest, TrainedRun, metrics};
use ropewalk_ledger::SummaryFilter;
use ropewalk_models::{BundleManifest, TreeScorer};
use ropewalk_nets::MlpScorer;
use ropewalk_prep::{PrepSpec, Prepared, Step};
use ropewalk_runs::{RunSearch, RunStatus};
use serde_json::{Value, json};

fn request(recipe: &str, prepared: &Prepared, params: Value) -> TrainRequest {
    TrainRequest {
        experiment: "wine-quality".into(),
        recipe: recipe.into(),
        params,
        prepared_id: prepared.id.clone(),
        seed: 7,
        name: None,
        tags: BTreeMap::new(),
    }
}

fn sweep(prepared: &Prepared, trials: u32) -> SweepRequest {
    SweepRequest {
        experiment: "wine-quality".into(),
        prepared_id: prepared.id.clone(),
        trials,
        seed: 7,
        recipes: Vec::new(),
    }
}

fn figures(run: &TrainedRun) -> BTreeMap<String, f64> {
    run.metrics
        .clone()
        .into_iter()
        .filter(|(key, _)| !ropewalk_learn::record::COST_METRICS.contains(&key.as_str()))
        .collect()
}

#[tokio::test]
async fn both_recipes_learn_the_red_wines_and_leave_a_full_record() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let prepared = house.red().await;
    for (recipe, file) in [("boosted-trees", "trees.json"), ("mlp", "mlp.safetensors")] {
        let trained = house.learn.train(request(recipe, &prepared, json!({})), &house.actor).await.unwrap();
        for key in ["val_auc", "test_auc"] {
            let auc = trained.metrics[key];
            assert!((0.78..0.95).contains(&auc), "{recipe} {key} {auc}");
        }
        assert!(
            trained.metrics["val_log_loss"] < 0.6
                && trained.metrics["val_brier"] < 0.21
                && trained.metrics["val_accuracy"] > 0.68
        );

        let run = house.runs.get_run(&trained.run_id).await.unwrap();
        assert_eq!(run.info.status, RunStatus::Finished);
        for (key, value) in &trained.metrics {
            assert_eq!(run.metric(key), Some(*value), "{key} is the latest");
        }
        for key in ["train_loss", "val_loss", "val_auc"] {
            let history = house.runs.metric_history(&trained.run_id, key).await.unwrap();
            assert!(history.len() > 10, "{key}");
            assert!(history.windows(2).all(|pair| pair[0].step < pair[1].step), "{key}");
        }
        let curve = house.runs.metric_history(&trained.run_id, "val_loss").await.unwrap();
        let lowest = curve.iter().map(|metric| metric.value).fold(f64::INFINITY, f64::min);
        assert!(
            (lowest - trained.metrics["val_log_loss"]).abs() < 1e-4,
            "the best step is the one that was kept"
        );
        assert_eq!(run.param("recipe"), Some(recipe));
        assert_eq!(run.param("seed"), Some("7"));
        assert_eq!(run.tag("ropewalk.dataset"), Some(format!("wine@{}", prepared.commit).as_str()));
        assert_eq!(run.tag("ropewalk.pipeline"), Some(prepared.pipeline_hash.as_str()));
        assert_eq!(run.tag("ropewalk.prepared"), Some(prepared.id.as_str()));
        assert!(run.tag("ropewalk.code").is_some_and(|code| code.starts_with(env!("CARGO_PKG_VERSION"))));
        assert!(run.tag("ropewalk.environment").is_some_and(|text| text.contains("rustc")));
        assert_eq!(ropewalk_learn::recorded_cost(&run).as_ref(), Some(&trained.cost));
        assert!(trained.cost.seconds > 0.0 && trained.cost.watt_hours > 0.0);
        assert_eq!(run.links.dataset_inputs[0].dataset.name, "wine");

        // The bundle scores raw validation rows to the recorded figure.
        let manifest = house.runs.read_artifact(&trained.run_id, "model/bundle.json").await.unwrap();
        let manifest = BundleManifest::parse(&manifest).unwrap();
        assert_eq!((manifest.weights.as_str(), manifest.recipe.as_str()), (file, recipe));
        assert_eq!(manifest.pipeline_hash, prepared.pipeline_hash);
        assert_eq!(manifest.signature.inputs.len(), 11);
        assert!(manifest.input_example["fixed acidity"].is_f64());
        assert_eq!(manifest.reference.columns.len(), 11);
        assert_eq!(manifest.reference.rows, prepared.rows.train);
        assert!(
            manifest
                .reference
                .columns
                .iter()
                .all(|column| column.sample.len() as u64 == prepared.rows.train.min(1000))
        );
        let weights = house.runs.read_artifact(&trained.run_id, &format!("model/{file}")).await.unwrap();
        let rows = house.prep.load(&prepared.id).await.unwrap().validation;
        let features = manifest.pipeline.apply(&rows.frame).unwrap();
        let scores = match manifest.runtime.as_str() {
            "trees" => TreeScorer::from_forust_json(&weights).unwrap().score(&features).unwrap(),
            _ => MlpScorer::load(&weights).unwrap().score(&features.values, features.rows).unwrap(),
        };
        assert_eq!(metrics::auc(&scores, &rows.labels), Some(trained.metrics["val_auc"]));
        assert_eq!(manifest.reference.auc, Some(trained.metrics["val_auc"]));
        assert_eq!(manifest.reference.scores.len(), scores.len());

        let entries = house
            .core
            .journal
            .entries(
                &ropewalk_core::journal::Filter {
                    subject: Some(format!("run:{}", trained.run_id)),
                    ..Default::default()
                },
                &Page::first(10),
            )
            .await
            .unwrap();
        let entry = &entries.items[0];
        assert_eq!(entry.verb, "run.finish");
        assert!(entry.inputs.contains(&Reference::parse(&prepared.reference).unwrap()));
        assert!(entry.inputs.contains(&prepared.journal_reference()));
        let spent = SummaryFilter { subject: Some(format!("run:{}", trained.run_id)), ..Default::default() };
        assert_eq!(house.ledger.summary(spent).await.unwrap().entries, 1);
    }
}

#[tokio::test]
async fn a_run_is_reproduced_to_the_last_bit_from_its_record_alone() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let prepared = house.red().await;
    for (recipe, params) in [
        ("boosted-trees", json!({"trees": 40, "learning_rate": 0.1234, "subsample": 0.71})),
        ("mlp", json!({"hidden": [16, 8], "epochs": 6, "dropout": 0.2})),
    ] {
        let trained = house.learn.train(request(recipe, &prepared, params), &house.actor).await.unwrap();
        let reproduction = house.learn.reproduce(&trained.run_id[..12], &house.actor).await.unwrap();
        assert!(reproduction.matches, "{reproduction:?}");
        assert_eq!(reproduction.differences, Vec::<String>::new());
        assert!(reproduction.metrics.iter().any(|metric| metric.key == "test_auc"));
        assert!(reproduction.metrics.iter().all(|metric| metric.again == Some(metric.original)));
        let again = house.runs.get_run(&reproduction.again).await.unwrap();
        assert_eq!(again.tag("ropewalk.reproduces"), Some(trained.run_id.as_str()));
        for file in
            ["model/bundle.json", if recipe == "mlp" { "model/mlp.safetensors" } else { "model/trees.json" }]
        {
            let first = house.runs.read_artifact(&trained.run_id, file).await.unwrap();
            let second = house.runs.read_artifact(&reproduction.again, file).await.unwrap();
            assert!(first == second, "{file}");
        }
    }
}

#[tokio::test]
async fn what_was_not_trained_here_cannot_be_reproduced() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let experiment = house.runs.ensure_experiment("other").await.unwrap();
    let run = house.runs.create_run(&experiment.experiment_id, None, &[], 1, &house.actor).await.unwrap();
    let error = house.learn.reproduce(&run.info.run_id, &house.actor).await.unwrap_err();
    assert_eq!(error.code(), ropewalk_core::Code::Invalid);
    assert!(error.to_string().contains("no recipe"), "{error}");
    let error = house.learn.reproduce("0123456789abcdef0123456789abcdef", &house.actor).await.unwrap_err();
    assert_eq!(error.code(), ropewalk_core::Code::NotFound);
}

#[tokio::test]
async fn a_sweep_finds_a_good_model_and_the_same_one_again() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let prepared = house.red().await;
    let first = house.learn.sweep(sweep(&prepared, 6), &house.actor, Progress::silent()).await.unwrap();
    assert_eq!((first.runs.len(), first.failed), (6, 0));
    assert!(first.best_value > 0.8, "{}", first.best_value);
    let best = first.runs.iter().find(|run| run.run_id == first.best_run_id).unwrap();
    assert!(first.runs.iter().all(|run| run.metrics["val_auc"] <= best.metrics["val_auc"]));
    assert!(first.cost.seconds >= first.runs.iter().map(|run| run.cost.seconds).sum::<f64>() - 1e-9);

    let again = house.learn.sweep(sweep(&prepared, 6), &house.actor, Progress::silent()).await.unwrap();
    let all = |result: &ropewalk_learn::SweepResult| result.runs.iter().map(figures).collect::<Vec<_>>();
    assert_eq!(all(&first), all(&again));

    let stored = house.learn.get_sweep(&first.sweep_id).await.unwrap();
    assert_eq!((stored.status.as_str(), stored.result.as_ref()), ("finished", Some(&first)));
    let search =
        RunSearch { filter: format!("tags.\"ropewalk.sweep\" = '{}'", first.sweep_id), ..Default::default() };
    assert_eq!(house.runs.search_runs(&search).await.unwrap().items.len(), 6);
    let entries = house
        .core
        .journal
        .entries(
            &ropewalk_core::journal::Filter { verb: Some("sweep.finish".into()), ..Default::default() },
            &Page::first(10),
        )
        .await
        .unwrap();
    assert_eq!(entries.items[0].inputs.len(), 6);
}

#[tokio::test]
async fn sweeps_are_kept_in_either_database() {
    each_database(&migrations(), |core| async move {
        let house = House::build(core);
        let prepared = house.red().await;
        let quick = SweepRequest { recipes: vec!["boosted-trees".into()], ..sweep(&prepared, 2) };
        let result = house.learn.sweep(quick, &house.actor, Progress::silent()).await.unwrap();
        assert_eq!(house.learn.get_sweep(&result.sweep_id).await.unwrap().result, Some(result));
        let error = house.learn.get_sweep("nope").await.unwrap_err();
        assert_eq!(error.code(), ropewalk_core::Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_recorded_in_the_run_and_said_plainly() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let mut csv = "a,b,y\n".to_owned();
    for row in 0..200 {
        let (a, b) = (row % 17, (row * 7) % 23);
        let missing = if row % 5 == 0 { String::new() } else { b.to_string() };
        csv.push_str(&format!("{a}.{row},{missing},{}\n", i32::from(a + b > 18)));
    }
    house.commit("gaps", csv).await;
    let mut spec = PrepSpec::new("gaps", "y >= 1".parse().unwrap());
    spec.steps = vec![Step::Standardise { columns: None }];
    let prepared = house.prepare(spec).await;

    // Trees take missing values, a network does not.
    let trees = house
        .learn
        .train(request("boosted-trees", &prepared, json!({"trees": 30})), &house.actor)
        .await
        .unwrap();
    assert!(trees.metrics["train_auc"] > 0.8);
    let error = house.learn.train(request("mlp", &prepared, json!({})), &house.actor).await.unwrap_err();
    assert!(error.to_string().contains("“b” is missing"), "{error}");
    let search = RunSearch { filter: "status = 'FAILED'".into(), ..Default::default() };
    assert_eq!(house.runs.search_runs(&search).await.unwrap().items.len(), 1);

    // A sweep passes over the trials that fail, unless all do.
    let result = house.learn.sweep(sweep(&prepared, 2), &house.actor, Progress::silent()).await.unwrap();
    assert_eq!((result.runs.len(), result.failed), (1, 1));
    let hopeless = SweepRequest { recipes: vec!["mlp".into()], ..sweep(&prepared, 2) };
    assert!(
        house
            .learn
            .sweep(hopeless, &house.actor, Progress::silent())
            .await
            .unwrap_err()
            .to_string()
            .contains("missing")
    );

    let error = house
        .learn
        .train(
            TrainRequest { prepared_id: "0".repeat(64), ..request("mlp", &prepared, json!({})) },
            &house.actor,
        )
        .await;
    assert_eq!(error.unwrap_err().code(), ropewalk_core::Code::NotFound);
    let error =
        house.learn.train(request("mlp", &prepared, json!({"epochs": 0})), &house.actor).await.unwrap_err();
    assert_eq!(error.code(), ropewalk_core::Code::Invalid);
}
