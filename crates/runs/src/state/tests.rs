//! The state of runs against a plain model of it: over folding, over restarts, and with two servers on one database.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Core};
use ropewalk_mlflow::filter::Expression;

use crate::model::{Metric, Param, RunSearch, RunStatus, Tag, ViewType};
use crate::schema::MIGRATIONS;
use crate::service::Runs;
use crate::service::search::RunQuery;

fn ann() -> Actor {
    Actor::user("ann")
}

async fn new_run(runs: &Runs, experiment: &str, name: &str) -> String {
    runs.create_run(experiment, Some(name), &[], 1, &ann()).await.unwrap().info.run_id
}

async fn names(runs: &Runs, experiment: &str, filter: &str) -> Vec<String> {
    let asked = RunSearch {
        experiment_ids: vec![experiment.to_owned()],
        filter: filter.to_owned(),
        order_by: vec!["attributes.run_name ASC".to_owned()],
        ..RunSearch::default()
    };
    runs.search_runs(&asked).await.unwrap().items.into_iter().map(|run| run.info.run_name).collect()
}

/// The numbers of a generator that is the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a run should hold.
#[derive(Debug, Default, Clone)]
struct Expected {
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    points: BTreeMap<String, Vec<(i64, i64, f64)>>,
}

impl Expected {
    fn history(&self, key: &str) -> Vec<(i64, i64, f64)> {
        let mut points = self.points.get(key).cloned().unwrap_or_default();
        points.sort_by(|a, b| a.partial_cmp(b).unwrap());
        points.dedup();
        points
    }

    fn latest(&self, key: &str) -> f64 {
        let last = self.points[key].iter().map(|(time, step, value)| (*step, *time, *value));
        last.max_by(|a, b| a.partial_cmp(b).unwrap()).unwrap().2
    }
}

async fn compare(runs: &Runs, expected: &BTreeMap<String, Expected>, words: &str) {
    for (id, expected) in expected {
        let run = runs.get_run(id).await.unwrap();
        let params: BTreeMap<_, _> =
            run.data.params.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
        let mut tags: BTreeMap<_, _> =
            run.data.tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect();
        tags.remove("mlflow.runName");
        assert_eq!((&params, &tags), (&expected.params, &expected.tags), "{words}");
        assert_eq!(run.data.metrics.len(), expected.points.len(), "{words}");
        for key in expected.points.keys() {
            assert_eq!(run.metric(key), Some(expected.latest(key)), "{words}: {key}");
            let history: Vec<_> = runs
                .metric_history(id, key)
                .await
                .unwrap()
                .into_iter()
                .map(|metric| (metric.timestamp, metric.step, metric.value))
                .collect();
            assert_eq!(history, expected.history(key), "{words}: {key}");
        }
    }
    // The index finds what the documents say.
    let query = RunQuery {
        experiments: vec![0],
        expression: Expression::All,
        view: ViewType::All,
        orders: Vec::new(),
        offset: 0,
        limit: 1000,
    };
    let found = runs.find_runs(query).await.unwrap().items;
    assert_eq!(found.len(), expected.len(), "{words}");
    for found in found {
        let found = found.into_run().unwrap();
        let run = runs.get_run(&found.info.run_id).await.unwrap();
        assert_eq!(found.data, run.data, "{words}");
    }
    for key in ["m0", "m3"] {
        let above: Vec<String> = runs
            .search_runs(&RunSearch { filter: format!("metrics.{key} > 5"), ..RunSearch::default() })
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|run| run.info.run_id)
            .collect();
        for (id, expected) in expected {
            let holds = expected.points.contains_key(key) && expected.latest(key) > 5.0;
            assert_eq!(above.contains(id), holds, "{words}: metrics.{key} > 5");
        }
    }
}

#[tokio::test]
async fn what_is_logged_stays_over_folding_restarts_and_two_servers() {
    each_database(MIGRATIONS, |core: Core| async move {
        let mut dice = Dice(7);
        let mut servers = [Runs::new(core.clone()), Runs::new(core.clone())];
        let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
        for n in 0..3 {
            expected.insert(new_run(&servers[n % 2], "0", &format!("run {n}")).await, Expected::default());
        }
        let ids: Vec<String> = expected.keys().cloned().collect();
        for round in 0..12 {
            for _ in 0..25 {
                let server = servers[dice.roll(2) as usize].clone();
                let id = ids[dice.roll(3) as usize].clone();
                let of = expected.get_mut(&id).unwrap();
                match dice.roll(5) {
                    0 => {
                        let (key, value) = (format!("p{}", dice.roll(6)), format!("v{}", dice.roll(2)));
                        let done = server.log_param(&id, Param::new(key.as_str(), value.as_str())).await;
                        let kept = of.params.entry(key).or_insert_with(|| value.clone());
                        assert_eq!(done.is_ok(), *kept == value);
                    }
                    1 => {
                        let (key, value) = (format!("t{}", dice.roll(4)), format!("v{}", dice.roll(9)));
                        server.set_tag(&id, Tag::new(key.as_str(), value.as_str())).await.unwrap();
                        of.tags.insert(key, value);
                    }
                    2 => {
                        let key = format!("t{}", dice.roll(4));
                        let done = server.delete_tag(&id, &key).await;
                        assert_eq!(done.is_ok(), of.tags.remove(&key).is_some());
                    }
                    _ => {
                        let mut metrics = Vec::new();
                        for _ in 0..=dice.roll(6) {
                            let key = format!("m{}", dice.roll(4));
                            let (time, step) = (dice.roll(20) as i64, dice.roll(10) as i64);
                            let value = dice.roll(10) as f64;
                            of.points.entry(key.clone()).or_default().push((time, step, value));
                            metrics.push(Metric::new(key, value, time, step));
                        }
                        server.log_batch(&id, &metrics, &[], &[]).await.unwrap();
                    }
                }
            }
            match round % 4 {
                0 => servers[0].state.fold(&ids).await.unwrap(),
                1 => servers[1].state.fold(&ids[..2]).await.unwrap(),
                2 => servers[1] = Runs::new(core.clone()),
                _ => {}
            }
            for (place, server) in servers.iter().enumerate() {
                compare(server, &expected, &format!("round {round}, server {place}")).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn segments_are_merged_and_nothing_is_lost() {
    each_database(MIGRATIONS, |core: Core| async move {
        let runs = Runs::new(core.clone());
        let id = new_run(&runs, "0", "long").await;
        for round in 0..40_i64 {
            let metrics: Vec<_> = (0..30_i64)
                .map(|n| Metric::new(format!("m{}", n % 3), round as f64, 30 * round + n, round))
                .collect();
            runs.log_batch(&id, &metrics, &[], &[]).await.unwrap();
            runs.state.fold(std::slice::from_ref(&id)).await.unwrap();
        }
        let mut connection = core.database.read().await.unwrap();
        let counts = crate::store::segments::counts(&mut connection, &id).await.unwrap();
        assert!(counts.iter().map(|(_, count)| count).sum::<i64>() < 20, "{counts:?}");
        drop(connection);
        for key in ["m0", "m1", "m2"] {
            let history = runs.metric_history(&id, key).await.unwrap();
            assert_eq!(history.len(), 400);
            assert!(history.is_sorted_by_key(|metric| metric.timestamp));
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_sees_what_another_does_to_runs() {
    each_database(MIGRATIONS, |core: Core| async move {
        let (one, other) = (Runs::new(core.clone()), Runs::new(core.clone()));
        let (a, b) = (
            one.create_experiment("a", None, Vec::new()).await.unwrap().experiment_id,
            one.create_experiment("b", None, Vec::new()).await.unwrap().experiment_id,
        );
        let mut ids = Vec::new();
        for name in ["r1", "r2", "r3"] {
            ids.push(new_run(&one, &a, name).await);
        }
        for server in [&one, &other] {
            assert_eq!(names(server, &a, "").await, ["r1", "r2", "r3"]);
            assert!(names(server, &b, "").await.is_empty());
        }
        // Renamed, ended, deleted and restored by the one, seen by the other.
        one.update_run(&ids[0], Some(RunStatus::Finished), None, Some("first"), &ann()).await.unwrap();
        assert_eq!(names(&other, &a, "status = 'FINISHED'").await, ["first"]);
        other.delete_run(&ids[1]).await.unwrap();
        assert_eq!(names(&one, &a, "").await, ["first", "r3"]);
        assert!(one.log_metric(&ids[1], Metric::new("m", 1.0, 1, 0)).await.is_err());
        one.restore_run(&ids[1]).await.unwrap();
        other.log_metric(&ids[1], Metric::new("m", 1.0, 1, 0)).await.unwrap();
        assert_eq!(names(&one, &a, "metrics.m = 1").await, ["r2"]);
        // Moved.
        let moved = crate::service::bulk::Bulk::Move("b".to_owned());
        assert_eq!(one.bulk(&ids[1..2], moved, &ann()).await.unwrap(), 1);
        for server in [&one, &other] {
            assert_eq!(names(server, &a, "").await, ["first", "r3"]);
            assert_eq!(names(server, &b, "metrics.m = 1").await, ["r2"]);
        }
        // Deleted with its experiment, and then for good.
        other.delete_experiment(&a).await.unwrap();
        assert!(names(&one, &a, "").await.is_empty());
        assert!(one.set_tag(&ids[0], Tag::new("k", "v")).await.is_err());
        let purged = one.collect_garbage(0, false, &ann()).await.unwrap();
        assert_eq!((purged.runs, purged.experiments), (2, 1));
        for server in [&one, &other] {
            assert!(server.get_run(&ids[0]).await.is_err());
            assert!(server.get_experiment(&a).await.is_err());
            assert_eq!(names(server, &b, "").await, ["r2"]);
        }
    })
    .await;
}

#[tokio::test]
async fn rows_of_an_older_home_are_packed() {
    each_database(&MIGRATIONS[..1], |core: Core| async move {
        for text in [
            "INSERT INTO run_run (id, experiment_id, name, user_id, status, start_ms, lifecycle, artifact_uri, actor) \
             VALUES ('r1', 0, 'old', 'ann', 'FINISHED', 5, 'active', 'mlflow-artifacts:/0/r1/artifacts', 'ann')",
            "INSERT INTO run_param (run_id, key, value) VALUES ('r1', 'depth', '3')",
            "INSERT INTO run_tag (run_id, key, value) VALUES ('r1', 'mlflow.runName', 'old')",
            "INSERT INTO run_metric (run_id, key, timestamp_ms, step, value, is_nan) VALUES \
             ('r1', 'loss', 1, 0, 0.5, 0), ('r1', 'loss', 2, 1, 0.25, 0), ('r1', 'loss', 3, 2, 0, 1), ('r1', 'auc', 9, 0, 0.9, 0)",
            "INSERT INTO run_latest_metric (run_id, key, timestamp_ms, step, value, is_nan) VALUES ('r1', 'loss', 3, 2, 0, 1)",
        ] {
            core.database
                .write(move |tx| {
                    Box::pin(async move { sqlx::query(text).execute(tx).await.map(drop).map_err(Into::into) })
                })
                .await
                .unwrap();
        }
        core.database.migrate(MIGRATIONS).await.unwrap();
        let runs = Runs::new(core);
        let run = runs.get_run("r1").await.unwrap();
        assert_eq!((run.param("depth"), run.metric("auc")), (Some("3"), Some(0.9)));
        assert!(run.metric("loss").unwrap().is_nan());
        let history = runs.metric_history("r1", "loss").await.unwrap();
        assert_eq!(history.iter().map(|metric| metric.step).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(names(&runs, "0", "metrics.loss.min < 0.3").await, ["old"]);
        runs.log_metric("r1", Metric::new("loss", 0.1, 4, 3)).await.unwrap();
        assert_eq!(runs.metric_history("r1", "loss").await.unwrap().len(), 4);
    })
    .await;
}
