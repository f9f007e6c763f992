//! The whole line on small synthetic data: a model serves, the world changes, the runbook mends it; a bad release is
//! taken back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ropewalk_core::jobs::JobState;
use ropewalk_core::testing::fresh_home;
use ropewalk_core::{Actor, Core, Page};
use ropewalk_data::{CommitRequest, Data, FileChange};
use ropewalk_learn::{Learn, TrainRequest};
use ropewalk_ledger::Ledger;
use ropewalk_models::{Gate, Models, RegisterRequest, SourceRules};
use ropewalk_prep::{Prep, PrepSpec};
use ropewalk_respond::{
    AutoRunbook, IncidentFilter, IncidentKind, IncidentStatus, Respond, RetrainParameters, Rollout,
    RolloutRequest, RolloutSettings, RolloutStatus, RunbookRequest, RunbookRun, StepStatus,
};
use ropewalk_runs::Runs;
use ropewalk_serve::{DeployRequest, InferenceRequest, InputTensor, Serve};
use ropewalk_watch::{Alert, AlertKind, AlertSink, AlertStatus, Feedback, Watch, Window};
use ropewalk_webhooks::{Options, Webhooks};
use serde_json::json;

/// One row: two inputs and the observed quality. In the new world the first input lies elsewhere and counts for less,
/// the second counts the other way round.
fn row(rng: &mut StdRng, new_world: bool) -> [f64; 3] {
    let noise = rng.random::<f64>() - 0.5;
    if new_world {
        let (acid, sugar) = (3.0 + rng.random::<f64>(), rng.random::<f64>());
        [acid, sugar, 6.0 - 3.0 * (sugar - 0.5) + noise]
    } else {
        let (acid, sugar) = (rng.random::<f64>(), rng.random::<f64>());
        [acid, sugar, 6.0 + 1.5 * (acid - 0.5) + 2.0 * (sugar - 0.5) + noise]
    }
}

fn csv(rows: &[[f64; 3]], factor: f64) -> Vec<u8> {
    let mut text = "acid;sugar;quality\n".to_owned();
    for [acid, sugar, quality] in rows {
        text.push_str(&format!("{};{};{}\n", acid, sugar * factor, quality));
    }
    text.into_bytes()
}

struct Line {
    core: Core,
    data: Data,
    prep: Prep,
    models: Models,
    learn: Learn,
    serve: Serve,
    watch: Watch,
    respond: Respond,
    actor: Actor,
}

impl Line {
    fn new(core: Core) -> Self {
        let ledger = Ledger::new(core.clone());
        let data = Data::new(core.clone());
        let prep = Prep::new(core.clone(), data.clone(), ledger.clone());
        let runs = Runs::new(core.clone());
        let models = Models::new(
            core.clone(),
            runs.clone(),
            prep.clone(),
            Webhooks::new(core.clone(), Options::default()),
            SourceRules::default(),
        );
        let learn = Learn::new(core.clone(), ledger.clone(), prep.clone(), runs.clone());
        let watch = Watch::new(core.clone(), models.clone());
        let serve = Serve::new(core.clone(), ledger.clone(), models.clone(), Arc::new(watch.clone()));
        watch.attach_serve(serve.clone());
        let respond = Respond::new(
            core.clone(),
            ledger,
            data.clone(),
            prep.clone(),
            runs,
            models.clone(),
            learn.clone(),
            serve.clone(),
            watch.clone(),
        );
        watch.attach_sink(Arc::new(respond.clone()));
        Self { core, data, prep, models, learn, serve, watch, respond, actor: Actor::user("ann") }
    }

    async fn commit(&self, branch: &str, path: &str, content: Vec<u8>) -> String {
        let request = CommitRequest {
            dataset: "toy".into(),
            branch: branch.into(),
            message: "Add rows".into(),
            files: vec![FileChange { path: path.into(), content: Some(content.into()) }],
            expected_head: None,
            create_branch_from: None,
        };
        self.data.commit(request, &self.actor).await.unwrap().id
    }

    /// Trains on a source and registers the run; the version.
    async fn train(&self, source: &str, force: bool) -> i64 {
        let spec = PrepSpec::new(source, "quality >= 6".parse().unwrap());
        let prepared = self.prep.prepare(&spec, &self.actor).await.unwrap();
        let request: TrainRequest = serde_json::from_value(
            json!({"experiment": "toy", "recipe": "boosted-trees", "prepared_id": prepared.id}),
        )
        .unwrap();
        let run = self.learn.train(request, &self.actor).await.unwrap();
        let request = RegisterRequest {
            name: "toy".into(),
            run_id: run.run_id,
            gates: vec![
                Gate::AucFloor { metric: "val_auc".into(), minimum: 0.6 },
                Gate::Parity { tolerance: 1e-6 },
            ],
            force,
            ..RegisterRequest::default()
        };
        self.models.register(request, &self.actor).await.unwrap().version
    }

    async fn deploy(&self, version: i64) -> i64 {
        let request = DeployRequest {
            endpoint: "toy".into(),
            model: format!("toy/{version}"),
            ..DeployRequest::default()
        };
        self.serve.deploy(request, &self.actor).await.unwrap().revision
    }

    /// Asks for predictions and brings the truth.
    async fn ask(&self, rows: &[[f64; 3]]) {
        let tensor = |name: &str, at: usize| InputTensor {
            name: name.into(),
            shape: vec![rows.len() as i64],
            datatype: "FP64".into(),
            parameters: serde_json::Map::new(),
            data: rows.iter().map(|row| row[at]).collect::<Vec<f64>>().into(),
        };
        let request = InferenceRequest {
            inputs: vec![tensor("acid", 0), tensor("sugar", 1)],
            ..InferenceRequest::default()
        };
        let answer = self.serve.predict("toy", request, Vec::new()).await.unwrap();
        let feedback = answer
            .prediction_ids()
            .unwrap()
            .iter()
            .zip(rows)
            .map(|(id, row)| Feedback {
                prediction_id: id.clone(),
                value: row[2],
                time_ms: ropewalk_core::now_ms(),
            })
            .collect();
        self.watch.feedback("toy", feedback).await.unwrap();
    }

    fn settings() -> RolloutSettings {
        RolloutSettings {
            min_outcomes: 20,
            max_wait_seconds: 60.0,
            min_step_seconds: 0.1,
            poll_seconds: 0.05,
            ..RolloutSettings::default()
        }
    }
}

/// Traffic of the new world until it is told to stop.
fn traffic(line: &Arc<Line>, seed: u64) -> (Arc<AtomicBool>, Arc<AtomicU64>, tokio::task::JoinHandle<()>) {
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (line, stopped, count) = (line.clone(), stop.clone(), sent.clone());
    let task = tokio::spawn(async move {
        let mut rng = StdRng::seed_from_u64(seed);
        while !stopped.load(Ordering::Relaxed) {
            let rows: Vec<_> = (0..2).map(|_| row(&mut rng, true)).collect();
            line.ask(&rows).await;
            count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    (stop, sent, task)
}

async fn job<T: serde::de::DeserializeOwned>(line: &Line, id: &str) -> T {
    let job = tokio::time::timeout(Duration::from_secs(240), line.core.jobs.wait(id)).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    serde_json::from_value(job.result.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_world_changes_and_is_mended_and_a_bad_release_is_taken_back() {
    let home = ropewalk_core::testing::fresh_home(&migrations()).await;
    let line = Arc::new(Line::new(home.1.clone()));
    let mut rng = StdRng::seed_from_u64(1);
    let old: Vec<_> = (0..700).map(|_| row(&mut rng, false)).collect();
    line.commit("main", "old.csv", csv(&old, 1.0)).await;
    line.data.tag("toy", "v1", "main", &line.actor).await.unwrap();
    let version = line.train("toy@v1/old.csv", false).await;
    line.models.set_alias("toy", "champion", version, &line.actor).await.unwrap();
    assert_eq!(line.deploy(version).await, 1);

    // All is well.
    for _ in 0..6 {
        line.ask(&(0..50).map(|_| row(&mut rng, false)).collect::<Vec<_>>()).await;
    }
    let report = line.watch.evaluate("toy", Window::last(300), &line.actor).await.unwrap();
    assert!(report.alerts.is_empty(), "{:?}", report.findings);
    assert!(line.respond.open_incident("toy").await.unwrap().is_none());

    // The world changes.
    tokio::time::sleep(Duration::from_millis(5)).await;
    for _ in 0..16 {
        line.ask(&(0..50).map(|_| row(&mut rng, true)).collect::<Vec<_>>()).await;
    }
    line.watch.evaluate("toy", Window::last(600), &line.actor).await.unwrap();
    let incident = line.respond.open_incident("toy").await.unwrap().expect("the drift opened an incident");
    assert_eq!(incident.kind, IncidentKind::Monitoring);
    let why = line.respond.why("incident:1").await.unwrap();
    assert_eq!(why.differences[0].name, "acid", "{}", why.verdict);
    assert!(why.verdict.contains("no change in") && why.verdict.contains("code"), "{}", why.verdict);
    assert_eq!(incident.cause.as_deref(), Some(why.verdict.as_str()));

    mend(&line).await;
    bad_release(&line).await;
    assert!(line.core.journal.verify().await.unwrap().intact);
}

async fn mend(line: &Arc<Line>) {
    let parameters =
        RetrainParameters { trials: 2, rollout: Line::settings(), ..RetrainParameters::default() };
    let request =
        |dry_run: bool| RunbookRequest { name: "retrain".into(), dry_run, parameters: parameters.clone() };
    let plan: RunbookRun = {
        let started = line.respond.run_runbook("1", request(true), &line.actor).await.unwrap();
        job(line, &started.id).await
    };
    assert_eq!(plan.status, StepStatus::Planned);
    assert!(plan.steps[0].text.contains("held out"), "{}", plan.steps[0].text);
    assert_eq!(line.data.branches("toy").await.unwrap().len(), 1, "a dry run changes nothing");

    let (stop, sent, task) = traffic(line, 2);
    let started = line.respond.run_runbook("1", request(false), &line.actor).await.unwrap();
    let again = line.respond.run_runbook("1", request(false), &line.actor).await.unwrap_err();
    assert_eq!(again.code(), ropewalk_core::Code::Conflict);
    let run: RunbookRun = job(line, &started.id).await;
    stop.store(true, Ordering::Relaxed);
    task.await.unwrap();
    assert!(sent.load(Ordering::Relaxed) > 0);

    assert_eq!(run.status, StepStatus::Done);
    for step in &run.steps {
        println!("{:8} {:?} {}", step.name, step.status, step.text);
        assert_eq!(step.status, StepStatus::Done, "{}: {}", step.name, step.text);
    }
    assert_eq!(line.serve.read_back("toy").await.unwrap().sole_revision(), Some(2));
    assert_eq!(line.models.resolve("toy@champion").await.unwrap().version, 2);
    let tags: Vec<String> = line.data.tags("toy").await.unwrap().into_iter().map(|tag| tag.name).collect();
    assert_eq!(tags, ["v1", "v2"]);
    let incident = line.respond.incident("1").await.unwrap();
    assert_eq!(incident.status, IncidentStatus::Resolved);
    assert!(incident.cost.seconds > 0.0 && incident.cost.watt_hours > 0.0, "{:?}", incident.cost);
    let told = line.respond.postmortem("1").await.unwrap();
    println!("{}", told.markdown);
    for part in ["acid", "retrain", "10 %", "50 %", "100 %", "serving as ordered", "Read back"] {
        assert!(told.markdown.contains(part), "{part} missing");
    }
    let rollouts = line.respond.rollouts("toy", &Page::first(10)).await.unwrap().items;
    assert_eq!(rollouts[0].status, RolloutStatus::Completed);
    assert!(rollouts[0].steps.iter().all(|step| step.read_back.as_ref().unwrap().proven));
}

async fn bad_release(line: &Arc<Line>) {
    let mut rng = StdRng::seed_from_u64(3);
    let rows: Vec<_> = (0..700).map(|_| row(&mut rng, true)).collect();
    line.commit("bad", "old.csv", csv(&rows, 1000.0)).await;
    let version = line.train("toy@bad/old.csv", true).await;
    let revision = line.deploy(version).await;
    let (stop, _, task) = traffic(line, 4);
    let request = RolloutRequest { revision, settings: Line::settings(), dry_run: false };
    let started = line.respond.start_rollout("toy", &request, &line.actor).await.unwrap();
    let rollout: Rollout = job(line, &started.id).await;
    stop.store(true, Ordering::Relaxed);
    task.await.unwrap();
    println!("{:?} {:?}", rollout.status, rollout.reason);
    assert_eq!(rollout.status, RolloutStatus::RolledBack);
    assert_eq!(rollout.failed_requests, 0);
    assert!(rollout.rollback_seconds.unwrap() < 5.0);
    assert!(rollout.exposure_seconds.unwrap() >= rollout.rollback_seconds.unwrap() - 0.01);
    assert!(rollout.final_read_back.unwrap().proven);
    assert_eq!(line.serve.read_back("toy").await.unwrap().sole_revision(), Some(2));
    let all = line.respond.incidents(&IncidentFilter::default(), &Page::first(10)).await.unwrap().items;
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].kind, all[0].status), (IncidentKind::BadRelease, IncidentStatus::Resolved));
    assert!(all[0].cost.seconds > 0.0, "the roll-back has its price");
    let why = line.respond.why("incident:2").await.unwrap();
    println!("{}", why.verdict);
    assert_eq!(why.differences[0].name, "sugar", "{}", why.verdict);
    assert!(why.verdict.contains("another unit"), "{}", why.verdict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_held_called_off_and_left_when_somebody_else_moves_traffic() {
    let (_home, core) = fresh_home(&migrations()).await;
    let line = Arc::new(Line::new(core));
    let mut rng = StdRng::seed_from_u64(5);
    let rows: Vec<_> = (0..400).map(|_| row(&mut rng, false)).collect();
    line.commit("main", "old.csv", csv(&rows, 1.0)).await;
    let version = line.train("toy@main", false).await;
    line.deploy(version).await;
    let revision = line.deploy(version).await;
    let settings = RolloutSettings { max_wait_seconds: 600.0, ..Line::settings() };
    let request = RolloutRequest { revision, settings, dry_run: false };

    let started = line.respond.start_rollout("toy", &request, &line.actor).await.unwrap();
    let id = started.subject.unwrap().id().to_owned();
    let reached = |status: RolloutStatus, percent: f64| {
        let (line, id) = (line.clone(), id.clone());
        async move {
            for _ in 0..400 {
                let served = line.serve.read_back("toy").await.unwrap().percent(revision);
                if line.respond.rollout(&id).await.unwrap().status == status && (served - percent).abs() < 0.1
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            panic!("the roll-out never became {status:?}");
        }
    };
    reached(RolloutStatus::Running, 10.0).await;
    line.respond.pause_rollout(&id, &line.actor).await.unwrap();
    reached(RolloutStatus::Paused, 10.0).await;
    line.respond.abort_rollout(&id, &line.actor).await.unwrap();
    reached(RolloutStatus::Aborted, 0.0).await;
    let _: Rollout = job(&line, &started.id).await;

    let started = line.respond.start_rollout("toy", &request, &line.actor).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    line.serve.rollback("toy", revision, "by hand", &line.actor).await.unwrap();
    let rollout: Rollout = job(&line, &started.id).await;
    assert_eq!(rollout.status, RolloutStatus::Aborted);
    assert!(rollout.reason.unwrap().contains("somebody else"));
    assert_eq!(line.serve.read_back("toy").await.unwrap().sole_revision(), Some(revision));
    automatic(&line).await;
}

/// Switched on, an alert starts the runbook by itself, once within its cooldown.
async fn automatic(line: &Arc<Line>) {
    let setting = AutoRunbook { enabled: true, ..AutoRunbook::default() };
    line.respond.set_automatic("toy", setting, &line.actor).await.unwrap();
    for kind in [AlertKind::DataDrift, AlertKind::QualityDrop] {
        let alert = Alert {
            id: kind.as_str().into(),
            key: format!("toy/{}", kind.as_str()),
            endpoint: "toy".into(),
            kind,
            severity: "critical".into(),
            status: AlertStatus::Firing,
            title: "toy: made up".into(),
            text: "for the test".into(),
            revision: 1,
            model: "toy".into(),
            version: 1,
            report_id: "none".into(),
            value: 1.0,
            threshold: 0.5,
            fired_ms: ropewalk_core::now_ms(),
            resolved_ms: None,
            resolved_by: None,
        };
        line.respond.alert(alert).await.unwrap();
    }
    let incident = line.respond.incident("1").await.unwrap();
    let run = loop {
        let runs = line.respond.incident_runbooks(&incident.id).await.unwrap();
        assert_eq!(runs.len(), 1, "one run within the cooldown");
        if runs[0].status != StepStatus::Running {
            break runs[0].clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // There is nothing labelled to train on, and it says so.
    assert_eq!((run.status, run.actor.as_str()), (StepStatus::Failed, "system:runbook"));
    assert_eq!(run.steps[0].status, StepStatus::Failed);
    assert!(run.steps[0].text.contains("only 0 labelled requests"), "{}", run.steps[0].text);
    assert_eq!(run.steps[1].status, StepStatus::Skipped);
    assert_eq!(line.respond.incident("1").await.unwrap().status, IncidentStatus::Acknowledged);
}

fn migrations() -> Vec<ropewalk_core::Migration> {
    [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
        ropewalk_learn::MIGRATIONS,
        ropewalk_serve::MIGRATIONS,
        ropewalk_watch::MIGRATIONS,
        ropewalk_respond::MIGRATIONS,
    ]
    .concat()
}
