#![allow(clippy::unwrap_used)]

use ropewalk_core::{Actor, Core};
use ropewalk_migrate::{
    DatasetRecord, ExperimentRecord, LinkRecord, LoggedModelRecord, ModelMetricRecord, Outcome, RunRecord,
    Series, Taken,
};

use super::Importing;
use crate::model::{Lifecycle, Metric, Param, RunStatus};
use crate::service::Runs;

const RUN: &str = "0123456789abcdef0123456789abcdef";

fn importing(dry_run: bool) -> Importing {
    Importing { source: "sqlite:///mlflow.db".to_owned(), dry_run, actor: Actor::user("ann") }
}

fn experiment(number: &str, name: &str) -> ExperimentRecord {
    ExperimentRecord {
        experiment_id: number.to_owned(),
        name: name.to_owned(),
        created_ms: 5,
        updated_ms: 6,
        tags: [("team".to_owned(), "red".to_owned())].into(),
        ..ExperimentRecord::default()
    }
}

fn series(steps: std::ops::Range<i64>) -> Vec<Series> {
    let values = steps.clone().map(|step| if step == 3 { f64::NAN } else { step as f64 });
    vec![Series {
        key: "loss".to_owned(),
        timestamps: steps.clone().map(|step| 1000 + step).collect(),
        values: values.collect(),
        steps: steps.collect(),
    }]
}

fn run(steps: std::ops::Range<i64>) -> RunRecord {
    RunRecord {
        run_id: RUN.to_owned(),
        experiment_id: "7".to_owned(),
        name: "first".to_owned(),
        user_id: "ann".to_owned(),
        status: "RUNNING".to_owned(),
        start_ms: 1000,
        params: [("lr".to_owned(), "0.1".to_owned())].into(),
        tags: [("phase".to_owned(), "1".to_owned())].into(),
        series: series(steps),
        datasets: vec![DatasetRecord {
            name: "wines".to_owned(),
            digest: "d1".to_owned(),
            source_type: "local".to_owned(),
            source: "{}".to_owned(),
            tags: [("mlflow.data.context".to_owned(), "training".to_owned())].into(),
            ..DatasetRecord::default()
        }],
        model_outputs: vec![LinkRecord { model_id: "m-1".to_owned(), step: 2 }],
        ..RunRecord::default()
    }
}

async fn take(runs: &Runs, record: RunRecord) -> Taken {
    runs.import_runs(vec![record], &importing(false)).await.unwrap().remove(0)
}

async fn with_experiment(core: Core) -> Runs {
    let runs = Runs::new(core);
    let taken = runs.import_experiments(vec![experiment("7", "wine")], &importing(false)).await.unwrap();
    assert_eq!((taken[0].outcome, taken[0].becomes.as_deref()), (Outcome::Created, Some("7")));
    runs
}

#[tokio::test]
async fn experiments_keep_their_numbers_where_these_are_free() {
    ropewalk_core::testing::each_database(crate::MIGRATIONS, |core| async move {
        let runs = Runs::new(core);
        let own = runs.create_experiment("own", None, Vec::new()).await.unwrap();
        assert_eq!(own.experiment_id, "1");
        let records = || {
            let gone = ExperimentRecord { deleted: true, ..experiment("2", "gone") };
            vec![experiment("0", "Default"), experiment("1", "theirs"), gone, experiment("9", "")]
        };
        let rehearsed = runs.import_experiments(records(), &importing(true)).await.unwrap();
        assert!(runs.get_experiment("2").await.is_err());
        let taken = runs.import_experiments(records(), &importing(false)).await.unwrap();
        // Both look the same, but that the number was not used up by looking.
        assert_eq!(rehearsed[0], taken[0]);
        let became: Vec<_> = taken.iter().map(|one| (one.outcome, one.becomes.as_deref())).collect();
        assert_eq!(
            became,
            [
                (Outcome::Completed, Some("0")),
                (Outcome::Created, Some("3")),
                (Outcome::Created, Some("2")),
                (Outcome::Refused, None)
            ]
        );
        assert!(taken[1].notes[0].contains("it became 3"), "{:?}", taken[1].notes);
        let gone = runs.get_experiment("2").await.unwrap();
        assert_eq!((gone.lifecycle_stage, gone.creation_time), (Lifecycle::Deleted, 5));
        let again = runs.import_experiments(records(), &importing(false)).await.unwrap();
        assert!(again[..3].iter().all(|one| one.outcome == Outcome::Unchanged), "{again:?}");
        // Numbers that were taken along are passed over.
        runs.import_experiments(vec![experiment("4", "four")], &importing(false)).await.unwrap();
        assert_eq!(runs.create_experiment("next", None, Vec::new()).await.unwrap().experiment_id, "5");
    })
    .await;
}

#[tokio::test]
async fn a_run_comes_whole_and_is_completed_as_it_goes_on() {
    ropewalk_core::testing::each_database(crate::MIGRATIONS, |core| async move {
        let runs = with_experiment(core).await;
        let looked = runs.import_runs(vec![run(0..10)], &importing(true)).await.unwrap();
        assert_eq!((looked[0].outcome, looked[0].added), (Outcome::Created, 10));
        assert!(runs.get_run(RUN).await.is_err());

        let taken = take(&runs, run(0..10)).await;
        assert_eq!((taken.outcome, taken.added), (Outcome::Created, 10));
        let uri = format!("mlflow-artifacts:/7/{RUN}/artifacts");
        assert_eq!(taken.artifact_uri, Some(uri.clone()));
        let found = runs.get_run(RUN).await.unwrap();
        assert_eq!((found.info.run_name.as_str(), found.info.status), ("first", RunStatus::Running));
        assert_eq!((found.param("lr"), found.tag("phase")), (Some("0.1"), Some("1")));
        assert_eq!((&found.info.artifact_uri, found.metric("loss")), (&uri, Some(9.0)));
        assert_eq!(found.links.dataset_inputs[0].tags[0].value, "training");
        assert_eq!(found.links.model_outputs[0].step, 2);

        let again = take(&runs, run(0..10)).await;
        assert_eq!((again.outcome, again.added), (Outcome::Unchanged, 0));

        // It went on: only what is new is added, and while it runs there, that side's tags count.
        let mut more = run(5..15);
        more.status = "FINISHED".to_owned();
        more.end_ms = Some(2000);
        more.tags.insert("phase".to_owned(), "2".to_owned());
        more.params.insert("depth".to_owned(), "3".to_owned());
        let taken = take(&runs, more.clone()).await;
        assert_eq!((taken.outcome, taken.added), (Outcome::Completed, 5));
        let found = runs.get_run(RUN).await.unwrap();
        assert_eq!((found.info.status, found.info.end_time), (RunStatus::Finished, Some(2000)));
        assert_eq!((found.param("depth"), found.tag("phase")), (Some("3"), Some("2")));
        assert_eq!(runs.metric_history(RUN, "loss").await.unwrap().len(), 15);
        assert_eq!(take(&runs, more.clone()).await.outcome, Outcome::Unchanged);

        // It has ended: what was changed here stays, and a parameter never changes.
        runs.set_tag(RUN, crate::Tag::new("phase", "ours")).await.unwrap();
        more.params.insert("lr".to_owned(), "9".to_owned());
        let taken = take(&runs, more.clone()).await;
        assert_eq!(taken.outcome, Outcome::Unchanged);
        assert!(taken.notes[0].contains("lr"), "{:?}", taken.notes);
        assert_eq!(runs.get_run(RUN).await.unwrap().tag("phase"), Some("ours"));

        // Its measurements are taken also while it lies deleted here.
        runs.delete_run(RUN).await.unwrap();
        let taken = take(&runs, run(10..20)).await;
        assert_eq!((taken.outcome, taken.added), (Outcome::Completed, 5));
        assert_eq!(runs.run_info(RUN).await.unwrap().lifecycle_stage, Lifecycle::Deleted);
    })
    .await;
}

#[tokio::test]
async fn parts_of_a_run_may_come_together_and_bad_ones_spoil_no_others() {
    ropewalk_core::testing::each_database(crate::MIGRATIONS, |core| async move {
        let runs = with_experiment(core).await;
        let part =
            RunRecord { params: Default::default(), tags: Default::default(), fresh: true, ..run(10..20) };
        let bad = |change: fn(&mut RunRecord)| {
            let mut record = RunRecord { run_id: "b".to_owned(), ..run(0..2) };
            change(&mut record);
            record
        };
        let deleted =
            RunRecord { run_id: "gone1".to_owned(), deleted: true, deleted_ms: Some(77), ..run(0..1) };
        let records = vec![
            run(0..10),
            part,
            bad(|record| record.run_id = "../x".to_owned()),
            bad(|record| record.status = "ASLEEP".to_owned()),
            bad(|record| record.series[0].steps.truncate(1)),
            bad(|record| record.experiment_id = "404".to_owned()),
            deleted,
        ];
        let taken = runs.import_runs(records, &importing(false)).await.unwrap();
        let outcomes: Vec<_> = taken.iter().map(|one| one.outcome).collect();
        let refused = Outcome::Refused;
        assert_eq!(
            outcomes,
            [Outcome::Created, Outcome::Completed, refused, refused, refused, refused, Outcome::Created],
            "{taken:?}"
        );
        assert_eq!(runs.metric_history(RUN, "loss").await.unwrap().len(), 20);
        assert_eq!(runs.run_info("gone1").await.unwrap().lifecycle_stage, Lifecycle::Deleted);
        // What was imported can be written to as any other run.
        runs.log_batch(RUN, &[Metric::new("loss", 1.0, 1, 99)], &[Param::new("p", "1")], &[]).await.unwrap();
        assert_eq!(runs.metric_history(RUN, "loss").await.unwrap().len(), 21);
    })
    .await;
}

#[tokio::test]
async fn files_elsewhere_stay_there_and_no_other_place_is_believed() {
    let (_home, core) = ropewalk_core::testing::fresh_home(crate::MIGRATIONS).await;
    let runs = with_experiment(core).await;
    for (id, told, expected) in [
        ("a", "s3://bucket/a", "s3://bucket/a"),
        ("b", "/etc", "mlflow-artifacts:/7/b/artifacts"),
        ("c", "mlflow-artifacts:/7/other/artifacts", "mlflow-artifacts:/7/c/artifacts"),
    ] {
        let record = RunRecord { run_id: id.to_owned(), artifact_uri: told.to_owned(), ..run(0..1) };
        assert_eq!(take(&runs, record).await.artifact_uri.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn logged_models_keep_identifiers_and_measurements() {
    ropewalk_core::testing::each_database(crate::MIGRATIONS, |core| async move {
        let runs = with_experiment(core).await;
        let metric = |step: i64, run: &str| ModelMetricRecord {
            key: "auc".to_owned(),
            value: 0.5,
            timestamp: 10,
            step,
            run_id: run.to_owned(),
            dataset_name: Some("wines".to_owned()),
            dataset_digest: None,
        };
        let record = LoggedModelRecord {
            model_id: "m-1".to_owned(),
            experiment_id: "7".to_owned(),
            name: "tree".to_owned(),
            status: "PENDING".to_owned(),
            created_ms: 8,
            updated_ms: 9,
            params: [("depth".to_owned(), "3".to_owned())].into(),
            metrics: vec![metric(0, "r1"), metric(1, "r2"), metric(2, "r1")],
            ..LoggedModelRecord::default()
        };
        let gone = LoggedModelRecord { model_id: "m-2".to_owned(), deleted: true, ..record.clone() };
        let both = vec![record.clone(), gone];
        let looked = runs.import_logged_models(both.clone(), &importing(true)).await.unwrap();
        let taken = runs.import_logged_models(both.clone(), &importing(false)).await.unwrap();
        assert_eq!(looked, taken);
        assert!(taken.iter().all(|one| (one.outcome, one.added) == (Outcome::Created, 3)), "{taken:?}");
        let again = runs.import_logged_models(both, &importing(false)).await.unwrap();
        assert!(again.iter().all(|one| (one.outcome, one.added) == (Outcome::Unchanged, 0)), "{again:?}");
        assert!(runs.get_logged_model("m-2").await.is_err());
        let mut more = LoggedModelRecord { status: "READY".to_owned(), ..record };
        more.tags.insert("kind".to_owned(), "tree".to_owned());
        more.metrics.push(metric(3, "r2"));
        let taken = runs.import_logged_models(vec![more], &importing(false)).await.unwrap();
        assert_eq!((taken[0].outcome, taken[0].added), (Outcome::Completed, 1));
        let found = runs.get_logged_model("m-1").await.unwrap();
        assert_eq!((found.created_ms, found.status.as_str(), found.metrics.len()), (8, "READY", 4));
        assert_eq!((found.tags["kind"].as_str(), found.params["depth"].as_str()), ("tree", "3"));
    })
    .await;
}
