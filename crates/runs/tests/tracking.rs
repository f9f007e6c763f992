//! Tracking on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use ropewalk_core::journal::{Direction, Filter, Reference};
use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Code, Core, Page};
use ropewalk_runs::{
    DatasetInfo, DatasetInput, Lifecycle, MIGRATIONS, Metric, Param, RunLineage, RunSearch, RunStatus, Runs,
    Tag, ViewType,
};

fn ann() -> Actor {
    Actor::user("ann")
}

async fn new_run(runs: &Runs, experiment: &str, name: &str, start: i64) -> String {
    runs.create_run(experiment, Some(name), &[], start, &ann()).await.unwrap().info.run_id
}

async fn names(runs: &Runs, experiment: &str, filter: &str, order: &[&str]) -> Vec<String> {
    let search = RunSearch {
        experiment_ids: vec![experiment.to_owned()],
        filter: filter.to_owned(),
        order_by: order.iter().map(|order| (*order).to_owned()).collect(),
        ..RunSearch::default()
    };
    runs.search_runs(&search).await.unwrap().items.into_iter().map(|run| run.info.run_name).collect()
}

#[tokio::test]
async fn an_experiment_is_made_once_and_its_deletion_takes_its_runs() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        assert_eq!(runs.get_experiment("0").await.unwrap().name, "Default");
        let made = futures::future::join_all((0..8).map(|_| runs.ensure_experiment("wine"))).await;
        let ids: std::collections::BTreeSet<_> =
            made.into_iter().map(|made| made.unwrap().experiment_id).collect();
        assert_eq!(ids.len(), 1);
        let id = ids.into_iter().next().unwrap();
        let run = new_run(&runs, &id, "a", 1).await;
        runs.delete_experiment(&id).await.unwrap();
        assert_eq!(runs.get_run(&run).await.unwrap().info.lifecycle_stage, Lifecycle::Deleted);
        assert_eq!(runs.ensure_experiment("wine").await.unwrap_err().code(), Code::AlreadyExists);
        assert_eq!(
            runs.log_metric(&run, Metric::new("m", 1.0, 1, 0)).await.unwrap_err().code(),
            Code::Invalid
        );
        runs.restore_experiment(&id).await.unwrap();
        assert_eq!(runs.ensure_experiment("wine").await.unwrap().experiment_id, id);
        assert_eq!(runs.get_experiment("77").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(runs.get_experiment("x").await.unwrap_err().code(), Code::Invalid);
    })
    .await;
}

#[tokio::test]
async fn what_a_run_logged_comes_back() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let id = new_run(&runs, "0", "first", 1000).await;
        let metrics = [
            Metric::new("auc", 0.7, 10, 0),
            Metric::new("auc", 0.8, 20, 1),
            Metric::new("auc", 0.8, 20, 1),
            Metric::new("auc", 0.6, 30, 0),
            Metric::new("nan", f64::NAN, 1, 0),
            Metric::new("inf", f64::INFINITY, 1, 0),
        ];
        runs.log_batch(&id, &metrics, &[Param::new("p", "1")], &[Tag::new("t", "a"), Tag::new("t", "b")])
            .await
            .unwrap();
        let run = runs.get_run(&id).await.unwrap();
        assert_eq!(run.metric("auc"), Some(0.8));
        assert!(run.metric("nan").unwrap().is_nan());
        assert_eq!(run.metric("inf"), Some(f64::MAX));
        assert_eq!((run.param("p"), run.tag("t")), (Some("1"), Some("b")));
        let history = runs.metric_history(&id, "auc").await.unwrap();
        assert_eq!(history.iter().map(|metric| metric.value).collect::<Vec<_>>(), [0.7, 0.8, 0.6]);
        let page = runs.metric_history_page(&id, "auc", Some(2), None).await.unwrap();
        let rest = runs.metric_history_page(&id, "auc", Some(2), page.next_token.as_deref()).await.unwrap();
        assert_eq!((page.items.len(), rest.items.len(), rest.next_token), (2, 1, None));
    })
    .await;
}

#[tokio::test]
async fn a_refused_batch_leaves_nothing() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let id = new_run(&runs, "0", "r", 1).await;
        runs.log_param(&id, Param::new("p", "1")).await.unwrap();
        runs.log_param(&id, Param::new("p", "1")).await.unwrap();
        assert_eq!(runs.log_param(&id, Param::new("p", "2")).await.unwrap_err().code(), Code::Invalid);
        let batch = runs
            .log_batch(&id, &[Metric::new("m", 1.0, 1, 0)], &[Param::new("p", "2")], &[Tag::new("t", "x")])
            .await;
        assert_eq!(batch.unwrap_err().code(), Code::Invalid);
        let run = runs.get_run(&id).await.unwrap();
        assert_eq!((run.metric("m"), run.param("p"), run.tag("t")), (None, Some("1"), None));
        let missing = runs.log_batch("0123", &[Metric::new("m", 1.0, 1, 0)], &[], &[]).await;
        assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn many_writers_lose_nothing() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let id = new_run(&runs, "0", "r", 1).await;
        let writes = (0..40_i64).map(|n| {
            let (runs, id) = (runs.clone(), id.clone());
            async move {
                let metrics: Vec<_> =
                    (0..30_i64).map(|k| Metric::new(format!("m{}", (k + n) % 30), n as f64, n, n)).collect();
                runs.log_batch(
                    &id,
                    &metrics,
                    &[Param::new(format!("p{n}"), "v")],
                    &[Tag::new("last", n.to_string())],
                )
                .await
            }
        });
        for write in futures::future::join_all(writes).await {
            write.unwrap();
        }
        let run = runs.get_run(&id).await.unwrap();
        assert_eq!((run.data.metrics.len(), run.data.params.len()), (30, 40));
        assert!(run.data.metrics.iter().all(|metric| metric.value == 39.0));
        assert_eq!(runs.metric_history(&id, "m7").await.unwrap().len(), 40);
    })
    .await;
}

#[tokio::test]
async fn a_search_filters_orders_and_pages_alike() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let experiment = runs.ensure_experiment("search").await.unwrap().experiment_id;
        for (n, kind) in ["Trees", "trees", "mlp", "MLP_2", "100%"].iter().enumerate() {
            let id = new_run(&runs, &experiment, &format!("r{n}"), n as i64).await;
            let loss = if n == 2 { f64::NAN } else { n as f64 / 10.0 };
            let metrics = if n == 3 { vec![] } else { vec![Metric::new("val loss", loss, 1, 0)] };
            runs.log_batch(&id, &metrics, &[Param::new("kind", *kind)], &[]).await.unwrap();
        }
        let search =
            |filter: &'static str, order: &'static [&'static str]| names(&runs, &experiment, filter, order);
        assert_eq!(search("", &[]).await, ["r4", "r3", "r2", "r1", "r0"]);
        assert_eq!(search("metrics.`val loss` <= 0.1", &[]).await, ["r1", "r0"]);
        assert_eq!(search("params.kind LIKE 't%'", &[]).await, ["r1"]);
        assert_eq!(search("params.kind ILIKE 'T%'", &[]).await, ["r1", "r0"]);
        assert_eq!(search("params.kind LIKE 'ML___'", &[]).await, ["r3"]);
        assert_eq!(search("params.kind != 'mlp' AND start_time < 2", &[]).await, ["r1", "r0"]);
        assert_eq!(search("tags.none IS NULL AND run_name = 'r2'", &[]).await, ["r2"]);
        assert_eq!(search("params.kind = '100%'", &[]).await, ["r4"]);
        // NaN comes after every number, a run without the metric last, either way.
        assert_eq!(search("", &["metrics.`val loss` ASC"]).await, ["r0", "r1", "r4", "r2", "r3"]);
        assert_eq!(search("", &["metrics.`val loss` DESC"]).await, ["r4", "r1", "r0", "r2", "r3"]);
        assert_eq!(search("", &["params.kind ASC"]).await, ["r4", "r3", "r0", "r2", "r1"]);
        let mut asked =
            RunSearch { experiment_ids: vec![experiment.clone()], max_results: 2, ..RunSearch::default() };
        let mut seen = Vec::new();
        loop {
            let page = runs.search_runs(&asked).await.unwrap();
            seen.extend(page.items.into_iter().map(|run| run.info.run_name));
            asked.page_token = page.next_token;
            if asked.page_token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["r4", "r3", "r2", "r1", "r0"]);
        assert_eq!(search("params.kind = 'mlp' OR metrics.`val loss` < 0.1", &[]).await, ["r2", "r0"]);
        assert_eq!(search("NOT (start_time > 0 AND start_time < 4)", &[]).await, ["r4", "r0"]);
        assert_eq!(search("metrics.`val loss` BETWEEN 0.1 AND 0.4", &[]).await, ["r4", "r1"]);
        let wrong = RunSearch { filter: "metrics.a > 1 OR".into(), ..RunSearch::default() };
        assert_eq!(runs.search_runs(&wrong).await.unwrap_err().code(), Code::Invalid);
        let all = RunSearch { view: ViewType::DeletedOnly, ..RunSearch::default() };
        assert!(runs.search_runs(&all).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_end_is_told_to_the_journal_once() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core.clone());
        let id = new_run(&runs, "0", "r", 1000).await;
        let dataset = Reference::new("dataset", "wine@abc");
        let lineage = RunLineage {
            inputs: vec![dataset.clone()],
            outputs: vec![],
            facts: serde_json::json!({"recipe": "trees"}),
        };
        let info = runs.finish_run(&id, RunStatus::Finished, 3500, lineage, &ann()).await.unwrap();
        assert_eq!((info.status, info.end_time), (RunStatus::Finished, Some(3500)));
        runs.update_run(&id, Some(RunStatus::Finished), None, None, &ann()).await.unwrap();
        let filter = Filter { verb: Some("run.finish".into()), ..Filter::default() };
        let entries = core.journal.entries(&filter, &Page::first(10)).await.unwrap().items;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].facts["recipe"], "trees");
        assert_eq!(entries[0].facts["seconds"], 2.5);
        let lineage =
            core.journal.lineage(&Reference::new("run", &id), Direction::Upstream, 3).await.unwrap();
        assert!(lineage.edges.iter().any(|edge| edge.from == dataset));
        assert_eq!(
            runs.finish_run(&id, RunStatus::Running, 1, RunLineage::default(), &ann())
                .await
                .unwrap_err()
                .code(),
            Code::Invalid
        );
    })
    .await;
}

#[tokio::test]
async fn a_run_is_found_by_the_beginning_of_its_identifier() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let id = new_run(&runs, "0", "r", 1).await;
        assert_eq!(runs.expand_run_id(&id).await.unwrap(), id);
        assert_eq!(runs.expand_run_id(&id[..20]).await.unwrap(), id);
        new_run(&runs, "0", "s", 1).await;
        assert_eq!(runs.expand_run_id(&id[..4]).await.unwrap_err().code(), Code::Invalid);
        for wrong in ["", "zz", "ffff", "%"] {
            assert_eq!(runs.expand_run_id(wrong).await.unwrap_err().code(), Code::NotFound, "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn artifacts_and_inputs_belong_to_their_run() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core);
        let id = new_run(&runs, "0", "r", 1).await;
        for (path, text) in [("a.txt", "one"), ("model/bundle.json", "{}"), ("model/deep/w", "w")] {
            runs.log_artifact(&id, path, Bytes::from_static(text.as_bytes())).await.unwrap();
        }
        let listed: Vec<_> = runs
            .list_artifacts(&id, None)
            .await
            .unwrap()
            .into_iter()
            .map(|file| (file.path, file.is_dir))
            .collect();
        assert_eq!(listed, [("a.txt".to_owned(), false), ("model".to_owned(), true)]);
        let inner: Vec<_> = runs
            .list_artifacts(&id, Some("model"))
            .await
            .unwrap()
            .into_iter()
            .map(|file| file.path)
            .collect();
        assert_eq!(inner, ["model/bundle.json", "model/deep"]);
        assert_eq!(runs.read_artifact(&id, "model/deep/w").await.unwrap(), "w");
        assert_eq!(runs.read_artifact(&id, "none").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(runs.read_artifact(&id, "../../x").await.unwrap_err().code(), Code::Invalid);
        assert_eq!(runs.log_artifact(&id, "../x", Bytes::new()).await.unwrap_err().code(), Code::Invalid);

        let input = DatasetInput {
            dataset: DatasetInfo { name: "wine".into(), digest: "d1".into(), ..DatasetInfo::default() },
            tags: vec![Tag::new("mlflow.data.context", "training")],
        };
        runs.log_inputs(&id, vec![input.clone(), input.clone()], vec![]).await.unwrap();
        assert_eq!(runs.get_run(&id).await.unwrap().links.dataset_inputs, [input]);
        assert_eq!(
            names(&runs, "0", "dataset.context = 'training' AND dataset.name IN ('wine', 'x')", &[]).await,
            ["r"]
        );
        assert!(names(&runs, "0", "dataset.digest = 'd2'", &[]).await.is_empty());
    })
    .await;
}
