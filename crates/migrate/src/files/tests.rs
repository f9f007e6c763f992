#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Files;
use crate::record::{Problem, RunRecord};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files/mlruns")
}

fn runs(files: &Files) -> (BTreeMap<String, RunRecord>, Vec<Problem>) {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    files.read_runs(|portion| {
        found.extend(portion.runs.into_iter().map(|run| (run.name.clone(), run)));
        problems.extend(portion.problems);
        true
    });
    (found, problems)
}

#[test]
fn all_of_a_golden_store_is_read() {
    let files = Files::new(golden());
    let (experiments, problems) = files.experiments();
    assert!(problems.is_empty());
    let by_name: BTreeMap<_, _> = experiments.iter().map(|e| (e.name.as_str(), e)).collect();
    assert_eq!(by_name.keys().copied().collect::<Vec<_>>(), ["Default", "bucket", "gone", "wine"]);
    assert_eq!(by_name["Default"].experiment_id, "0");
    assert!(by_name["gone"].deleted && by_name["gone"].tags["why"] == "nobody needs it");
    assert_eq!(by_name["wine"].tags["mlflow.note.content"], "Wein — *größer*\nzwei");

    let (runs, problems) = runs(&files);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!((runs.len(), files.count_runs()), (6, 6));
    let first = &runs["first"];
    assert_eq!(
        (first.status.as_str(), first.user_id.as_str(), first.end_ms),
        ("FINISHED", "ann", Some(1_700_000_010_000))
    );
    assert_eq!(first.params["note"], "two\nlines: 'quoted' \"twice\" # no comment");
    let series = |key: &str| first.series.iter().find(|series| series.key == key).unwrap();
    // The same measurement stands twice in the file.
    assert_eq!(series("loss").values.len(), 61);
    assert!(series("odd/metric name").values[0].is_nan());
    assert_eq!(series("edge").values, [f64::MAX, f64::MIN, 2.5]);
    let red = first.datasets.iter().find(|dataset| dataset.name == "red wines").unwrap();
    assert_eq!(red.tags["fold"], "1: of 3");
    let schema: serde_json::Value = serde_json::from_str(red.schema.as_ref().unwrap()).unwrap();
    assert_eq!(schema["mlflow_colspec"].as_array().unwrap().len(), 9);
    assert!(first.beside.as_ref().unwrap().join("notes.txt").is_file());
    assert!(runs["lost"].deleted && runs["lost"].deleted_ms.is_some());
    assert_eq!((runs["dropped: maybe"].status.as_str(), runs["1234"].status.as_str()), ("KILLED", "FAILED"));

    let (models, problems) = files.logged_models("");
    assert!(problems.is_empty());
    let tree = models.iter().find(|model| model.name == "tree").unwrap();
    assert_eq!(
        (tree.metrics.len(), tree.params["text"].as_str(), tree.status.as_str()),
        (3, "a\nb", "READY")
    );
    assert_eq!(tree.metrics[0].dataset_name.as_deref(), Some("red"));
    let linked = runs.values().find(|run| !run.model_outputs.is_empty()).unwrap();
    assert_eq!(
        (linked.model_outputs[0].model_id.as_str(), linked.model_outputs[0].step),
        (tree.model_id.as_str(), 3)
    );
    assert!(files.logged_models(&models.last().unwrap().model_id).0.is_empty());

    let (models, problems) = files.models();
    assert!(problems.is_empty());
    let wine = models.iter().find(|model| model.name == "wine-quality").unwrap();
    assert_eq!(wine.versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!((wine.last_version, wine.aliases["champion"]), (5, 4));
    assert_eq!(wine.description.as_deref(), Some("Which wine is good?\nTwo lines."));
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A store with one experiment and the metric `loss` of its run `r1`.
fn made(root: &Path, loss: &str) {
    write(&root.join("5/meta.yaml"), "experiment_id: 5\nname: five\n");
    write(&root.join("5/r1/meta.yaml"), "run_uuid: r1\nstatus: 1\nstart_time: 7\nartifact_uri: x\n");
    write(&root.join("5/r1/metrics/loss"), loss);
}

#[test]
fn a_run_that_is_being_written_is_read_up_to_its_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "1 0.5\n2 0.25 1\n3 0.125 2 data d1\n4 0.06");
    let (runs, problems) = runs(&Files::new(folder.path().to_path_buf()));
    assert!(problems.is_empty());
    let run = &runs[""];
    assert_eq!((run.status.as_str(), run.end_ms), ("RUNNING", None));
    assert_eq!(run.series[0].values, [0.5, 0.25, 0.125]);
    assert_eq!(run.series[0].steps, [0, 1, 2]);
}

#[test]
fn what_is_broken_is_told_and_all_else_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root, "1 0.5 0\nx y z\n2 0.25 1\nbad\n");
    write(&root.join("5/r2/meta.yaml"), "run_id: &r r2\n");
    write(&root.join("5/r3/meta.yaml"), "run_id: r1\n");
    fs::create_dir_all(root.join("5/r4/metrics")).unwrap();
    write(&root.join("6/meta.yaml"), "name: [\n");
    write(&root.join("7/r1/meta.yaml"), "run_id: r1\n");
    // Artifacts of runs that are in a database.
    write(&root.join("8/r1/artifacts/a.txt"), "text");
    write(&root.join("models/m/meta.yaml"), "name: m\n");
    write(&root.join("models/m/version-1/meta.yaml"), "version: 2\n");
    let files = Files::new(root.to_path_buf());
    let (experiments, problems) = files.experiments();
    assert_eq!(experiments.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["five"]);
    assert_eq!(problems.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["6", "7"]);
    let (runs, problems) = runs(&files);
    assert_eq!(runs[""].series[0].values, [0.5, 0.25]);
    let told: Vec<_> =
        problems.iter().filter(|problem| problem.kind == "run").map(|p| p.id.as_str()).collect();
    assert_eq!(told, ["r2", "r3", "r4"]);
    let metric = problems.iter().find(|problem| problem.kind == "metric").unwrap();
    assert_eq!(
        (metric.id.as_str(), metric.why.as_str()),
        ("r1/loss", "line 2: it is no time, value and step, and 1 more lines")
    );
    let (models, problems) = files.models();
    assert_eq!((models.len(), problems[0].kind.as_str()), (1, "model version"));
}
