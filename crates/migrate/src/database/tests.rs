#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Connection, Executor};

use crate::record::{ExperimentRecord, LinkRecord, RunRecord};
use crate::{Options, Source, Store};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/server/mlflow.db")
}

async fn open(path: &Path) -> Store {
    Store::open(&Source::of_path(path).unwrap(), &Options::default()).await.unwrap()
}

async fn runs(store: &Store) -> BTreeMap<String, RunRecord> {
    let mut reader = store.runs();
    let mut found = BTreeMap::new();
    while let Some(portion) = reader.next().await.unwrap() {
        assert!(portion.problems.is_empty());
        found.extend(portion.runs.into_iter().map(|run| (run.name.clone(), run)));
    }
    found
}

/// A database made by these statements.
async fn made(folder: &Path, statements: &str) -> PathBuf {
    let path = folder.join("mlflow.db");
    drop(writing(&path, statements).await);
    path
}

async fn writing(path: &Path, statements: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let mut connection =
        AnyConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    for statement in statements.split(';').filter(|statement| !statement.trim().is_empty()) {
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
    }
    connection
}

#[tokio::test]
async fn all_of_a_golden_store_is_read() {
    let store = open(&golden()).await;
    let (experiments, _) = store.experiments().await.unwrap();
    let names: Vec<_> =
        experiments.iter().map(|e| (e.experiment_id.as_str(), e.name.as_str(), e.deleted)).collect();
    assert_eq!(
        names,
        [("0", "Default", false), ("1", "wine", false), ("2", "bucket", false), ("3", "gone", true)]
    );
    assert_eq!(experiments[1].tags["mlflow.note.content"], "Wein — *größer*\nzwei");
    assert_eq!(experiments[2].artifact_location.as_deref(), Some("s3://somewhere/runs"));
    assert!(experiments[3].updated_ms > experiments[3].created_ms);

    assert_eq!(store.count_runs().await.unwrap(), 6);
    let runs = runs(&store).await;
    let first = &runs["first"];
    assert_eq!(
        (first.status.as_str(), first.user_id.as_str(), first.end_ms),
        ("FINISHED", "ann", Some(1_700_000_010_000))
    );
    assert_eq!(first.params["note"], "two\nlines: 'quoted' \"twice\" # no comment");
    assert_eq!((first.params["empty"].as_str(), first.tags["long"].len()), ("", 600));
    let series = |key: &str| first.series.iter().find(|series| series.key == key).unwrap();
    assert_eq!(series("loss").values.len(), 60);
    let odd = series("odd/metric name");
    let mut odd: Vec<_> = odd.steps.iter().zip(&odd.values).map(|(step, value)| (*step, *value)).collect();
    odd.sort_by_key(|(step, _)| *step);
    assert!(odd[0].1.is_nan() && odd[1] == (1, -1.5) && odd[2] == (2, 1e-300));
    let edge = &series("edge").values;
    assert!(edge.contains(&f64::MAX) && edge.contains(&f64::MIN) && series("edge").steps.contains(&-7));
    let red = first.datasets.iter().find(|dataset| dataset.name == "red wines").unwrap();
    assert_eq!((red.digest.as_str(), red.tags["fold"].as_str()), ("d1g3st", "1: of 3"));
    assert!(red.schema.as_ref().unwrap().contains("column 8"));

    let lost = &runs["lost"];
    assert!(lost.deleted && lost.deleted_ms.is_some_and(|ms| ms > 1_700_000_000_000));
    let linked = runs.values().find(|run| !run.model_outputs.is_empty()).unwrap();
    let (models, _) = store.logged_models("").await.unwrap();
    let tree = models.iter().find(|model| model.name == "tree").unwrap();
    assert_eq!(linked.model_outputs, [LinkRecord { model_id: tree.model_id.clone(), step: 3 }]);
    assert_eq!(linked.model_inputs, [LinkRecord { model_id: tree.model_id.clone(), step: 0 }]);
    assert_eq!((tree.metrics.len(), tree.params["depth"].as_str(), tree.status.as_str()), (3, "3", "READY"));
    assert_eq!(tree.metrics.iter().filter(|m| m.dataset_digest.as_deref() == Some("d1")).count(), 2);
    assert_eq!(models.iter().filter(|model| model.deleted).count(), 1);
    assert!(models.iter().any(|model| model.status == "UPLOAD_FAILED"));
    assert!(store.logged_models(&models.last().unwrap().model_id).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn the_registry_keeps_its_gaps() {
    let store = open(&golden()).await;
    let (models, _) = store.models().await.unwrap();
    assert_eq!(
        models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(),
        ["empty", "greeting", "wine-quality"]
    );
    let wine = &models[2];
    let numbers: Vec<_> =
        wine.versions.iter().map(|version| (version.version, version.stage.as_str())).collect();
    assert_eq!(numbers, [(1, "Archived"), (2, "None"), (4, "Production")]);
    assert_eq!(wine.last_version, 5);
    assert_eq!(wine.aliases, BTreeMap::from([("champion".to_owned(), 4), ("old".to_owned(), 1)]));
    assert_eq!(wine.versions[0].run_link.as_deref(), Some("https://example.org/run"));
    assert_eq!(wine.versions[2].tags["number"], "4");
    assert!(models[1].versions.iter().all(|version| version.tags.contains_key("mlflow.prompt.text")));
    let left = store.leftovers().await.unwrap();
    assert!(
        left.iter().any(|left| left.what == "webhooks" && left.names[0].starts_with("deploy → https://")),
        "{left:?}"
    );
}

/// As MLflow 2.0 had it, in so far as runs need it.
const OLD: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
INSERT INTO alembic_version VALUES ('97727af70f4d');
CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL, artifact_location VARCHAR(256),
    lifecycle_stage VARCHAR(32), PRIMARY KEY (experiment_id));
CREATE TABLE experiment_tags (key VARCHAR(250) NOT NULL, value VARCHAR(5000), experiment_id INTEGER NOT NULL);
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), source_type VARCHAR(20), user_id VARCHAR(256),
    status VARCHAR(20), start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
    experiment_id INTEGER, PRIMARY KEY (run_uuid));
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(500) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(5000), run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL,
    step BIGINT DEFAULT 0 NOT NULL, is_nan BOOLEAN DEFAULT 0 NOT NULL);
INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active');
INSERT INTO runs VALUES ('r1', NULL, 'LOCAL', NULL, 'FINISHED', 5, NULL, 'active', './mlruns/0/r1/artifacts', 0);
INSERT INTO tags VALUES ('empty', NULL, 'r1');
INSERT INTO metrics VALUES ('whole', 3, 7, 'r1', 1, 0);
INSERT INTO metrics VALUES ('nan', 0, 7, 'r1', 1, 1);
";

#[tokio::test]
async fn a_store_of_an_old_release_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&made(folder.path(), OLD).await).await;
    let (experiments, _) = store.experiments().await.unwrap();
    let expected = ExperimentRecord {
        experiment_id: "0".to_owned(),
        name: "Default".to_owned(),
        artifact_location: Some("./mlruns/0".to_owned()),
        ..ExperimentRecord::default()
    };
    assert_eq!(experiments, [expected]);
    let run = runs(&store).await.remove("").unwrap();
    assert_eq!((run.start_ms, run.end_ms, run.tags["empty"].as_str()), (5, None, ""));
    let series: Vec<_> = run.series.iter().map(|series| (series.key.as_str(), series.values[0])).collect();
    assert!(
        series.contains(&("whole", 3.0)) && series.iter().any(|(key, value)| *key == "nan" && value.is_nan())
    );
    assert!(
        store.models().await.unwrap().0.is_empty() && store.logged_models("").await.unwrap().0.is_empty()
    );
}

#[tokio::test]
async fn what_is_no_store_or_too_new_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async |path: PathBuf, newer: bool| {
        let options = Options { accept_newer: newer, ..Options::default() };
        Store::open(&Source::of_path(&path).unwrap(), &options).await.err().map(|error| error.to_string())
    };
    let path = made(folder.path(), "CREATE TABLE something (a TEXT)").await;
    assert!(refused(path.clone(), false).await.unwrap().contains("no store of MLflow’s"));
    std::fs::write(&path, "no database at all, but long enough for one").unwrap();
    assert!(refused(path.clone(), false).await.unwrap().contains("no SQLite database"));
    std::fs::remove_file(&path).unwrap();
    let path = made(folder.path(), &OLD.replace("97727af70f4d", "0123456789ab")).await;
    assert!(refused(path.clone(), false).await.unwrap().contains("newer MLflow"));
    assert_eq!(refused(path, true).await, None);
}

#[tokio::test]
async fn nothing_is_written_to_a_store_nor_beside_it() {
    for mode in ["DELETE", "WAL"] {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), OLD).await;
        let mut writer = writing(
            &path,
            &format!("PRAGMA journal_mode = {mode}; INSERT INTO tags VALUES ('a', 'b', 'r1')"),
        )
        .await;
        let listing = || {
            let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            (names, std::fs::read(&path).unwrap())
        };
        // First while a server has it open, then when nobody has.
        let before = listing();
        assert_eq!(runs(&open(&path).await).await[""].tags["a"], "b");
        assert_eq!(listing(), before, "{mode}");
        writer.execute("BEGIN EXCLUSIVE").await.unwrap();
        if mode == "DELETE" {
            let error =
                Store::open(&Source::of_path(&path).unwrap(), &Options::default()).await.err().unwrap();
            assert!(error.reason().unwrap().contains("locked"), "{error}");
        }
        writer.execute("ROLLBACK").await.unwrap();
        writer.close().await.unwrap();
        // A reader's thread ends a moment after the reader; whoever writes and closes last takes the files beside away.
        for _ in 0..100 {
            if listing().0.len() == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            writing(&path, "SELECT COUNT(*) FROM tags").await.close().await.unwrap();
        }
        let before = listing();
        assert_eq!(before.0.len(), 1);
        assert_eq!(runs(&open(&path).await).await[""].tags["a"], "b");
        assert_eq!(listing(), before, "{mode}");
    }
}

#[tokio::test]
async fn one_workspace_is_read_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let statements = format!(
        "{OLD}; ALTER TABLE experiments ADD COLUMN workspace VARCHAR(63) DEFAULT 'default' NOT NULL;
         INSERT INTO experiments VALUES (7, 'theirs', NULL, 'active', 'team');
         INSERT INTO runs VALUES ('r7', 'other', 'LOCAL', NULL, 'RUNNING', 5, NULL, 'active', 's3://b/r7/artifacts', 7)"
    );
    let path = made(folder.path(), &statements).await;
    let store = open(&path).await;
    assert_eq!((store.experiments().await.unwrap().0.len(), store.count_runs().await.unwrap()), (1, 1));
    assert!(store.leftovers().await.unwrap()[0].why.contains("--workspace team"));
    let options = Options { workspace: "team".to_owned(), ..Options::default() };
    let store = Store::open(&Source::of_path(&path).unwrap(), &options).await.unwrap();
    assert_eq!(store.experiments().await.unwrap().0[0].name, "theirs");
    assert_eq!(runs(&store).await.into_keys().collect::<Vec<_>>(), ["other"]);
}
