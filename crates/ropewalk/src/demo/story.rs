//! The story: red wines, then white ones, then a bad release. Every step is a request that the
//! command line makes, too.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::jobs::JobState;
use ropewalk_core::{Error, Job, Result, now_ms};
use ropewalk_data::{Commit, Frame};
use ropewalk_learn::{Reproduction, SweepResult, TrainedRun};
use ropewalk_models::{Gate, ModelVersion};
use ropewalk_prep::{PrepSpec, Prepared, ValidationReport};
use ropewalk_respond::{Incident, Rollout, RolloutSettings, RolloutStatus, RunbookRun, StepStatus, Why};
use ropewalk_serve::{Revision, ServedState};
use ropewalk_watch::Report;
use serde_json::{Value, json};

use super::Summary;
use super::narrator::Narrator;
use super::traffic::{Tasted, Traffic, distinct, rescaled, shuffled};
use crate::client::Client;
use crate::table::{bytes, figure, short};
use crate::up::Server;

// Cortez et al. (2009), UCI Machine Learning Repository, CC BY 4.0; see data/wine/README.md.
const RED: &[u8] = include_bytes!("../../../../data/wine/winequality-red.csv");
const WHITE: &[u8] = include_bytes!("../../../../data/wine/winequality-white.csv");

const TARGET: &str = "quality";
const MODEL: &str = "wine-quality";
const ENDPOINT: &str = "wine";
const SEED: u64 = 7;
const TRIALS: u32 = 12;
/// Of the white wines, the share that arrives before the model is mended, and the share that
/// flows while releases are judged; the rest is kept for the last word.
const WHITE_ARRIVES: f64 = 0.7;
const WHITE_FLOWS: f64 = 0.1;
/// Of what arrived, the share that the runbook holds back from training for the replay gate.
const REPLAYED: f64 = 0.2;
/// The column that the bad release takes in another unit: a fraction instead of percent.
const UNIT_COLUMN: &str = "alcohol";
const UNIT_FACTOR: f64 = 0.01;

/// Tell the whole story on a server that has just started.
pub(crate) async fn tell(server: &Server, narrator: &Narrator) -> Result<Summary> {
    let client = Client::remote(&server.address, Some(&server.token))?;
    let mut summary = Summary::default();

    commit_red(&client, narrator).await?;
    let prepared = prepare(&client, narrator).await?;
    let sweep = learn(&client, narrator, &prepared).await?;
    register(&client, narrator, &sweep).await?;
    deploy(&client, narrator).await?;

    let traffic =
        Traffic::new(Client::remote(&server.address, Some(&server.token))?, ENDPOINT, TARGET).await?;
    let held_out_red = part(&client, &prepared.id, "test").await?;
    summary.auc_red = serve_red(&client, narrator, &traffic, &held_out_red).await?;

    let white = shuffled(&distinct(&Frame::from_csv(WHITE)?), SEED);
    let [arriving, flowing, held_out_white] = divide(&white);
    let incident = world_changes(&client, narrator, &traffic, &arriving, &mut summary).await?;

    // From now on both kinds come, as they will stand in the new training data.
    let flow = mixed(&flowing, &held_out_red, arriving.rows(), &prepared)?;
    let stream = traffic.keep_sending(flow.clone());
    let mended = mend(&client, narrator, &incident).await;
    stream.stop().await?;
    mended?;
    summary.auc_white_after = taste_again(narrator, &traffic, &held_out_white, &held_out_red).await?;

    let stream = traffic.keep_sending(flow);
    let undone = bad_release(&client, narrator, &prepared).await;
    stream.stop().await?;
    let rollout = undone?;
    summary.rollback_seconds = rollout.rollback_seconds.unwrap_or(f64::NAN);
    summary.exposure_seconds = rollout.exposure_seconds.unwrap_or(f64::NAN);

    let incidents = incidents(&client).await?;
    summary.incidents = incidents.len();
    summary.requests = traffic.requests();
    summary.failed_requests = traffic.failed();
    close(&client, narrator, &rollout).await?;
    Ok(summary)
}

async fn commit_red(client: &Client, narrator: &Narrator) -> Result<()> {
    narrator.chapter("data", "the red wines become a versioned dataset");
    let commit = commit(client, "main", None, "red wines", &[("red.csv", RED.to_vec())]).await?;
    let _: Value =
        client.post("/api/v1/datasets/wine/tags", &json!({"tag": "v1", "reference": commit.id})).await?;
    let columns =
        commit.files.iter().filter_map(|file| file.table.as_ref()).map(|table| table.columns.len()).max();
    narrator.step(
        &format!(
            "{} rows × {} columns, {} → commit {}, tag v1",
            commit.rows,
            columns.unwrap_or(0),
            bytes(commit.bytes),
            short(&commit.id)
        ),
        "ropewalk data commit wine data/wine/winequality-red.csv=red.csv -m 'red wines' --tag v1",
    );
    Ok(())
}

async fn commit(
    client: &Client,
    branch: &str,
    from: Option<&str>,
    message: &str,
    files: &[(&str, Vec<u8>)],
) -> Result<Commit> {
    let files: Vec<Value> = files
        .iter()
        .map(|(path, content)| json!({"path": path, "content_base64": STANDARD.encode(content)}))
        .collect();
    let body = json!({"branch": branch, "message": message, "files": files, "create_branch_from": from});
    client.post("/api/v1/datasets/wine/commits", &body).await
}

fn specification(source: &str) -> Result<PrepSpec> {
    let mut spec = PrepSpec::new(source, format!("{TARGET} >= 6").parse()?);
    spec.split.seed = SEED;
    Ok(spec)
}

async fn prepare(client: &Client, narrator: &Narrator) -> Result<Prepared> {
    narrator.chapter("prep", "validated, split, transforms fitted on the training part only");
    let expectations = json!([
        {"expect": "range", "column": "quality", "min": 0, "max": 10},
        {"expect": "range", "column": "pH", "min": 2, "max": 5},
        {"expect": "range", "column": "alcohol", "min": 5, "max": 20},
        {"expect": "missing", "max_share": 0.0},
    ]);
    let body = json!({"source": "wine@v1", "expectations": expectations});
    let report: ValidationReport = client.post("/api/v1/prep/validate", &body).await?;
    let passed = report.checks.iter().filter(|check| check.passed).count();
    narrator.step(
        &format!(
            "{passed} of {} checks passed; {} duplicate rows found",
            report.checks.len(),
            report.duplicates
        ),
        "ropewalk prep validate wine@v1",
    );
    let spec = specification("wine@v1")?;
    let prepared: Prepared = client.post("/api/v1/prep/prepare", &spec).await?;
    let command = format!("ropewalk prep run wine@v1 --target 'quality >= 6' --seed {SEED}");
    let rows = prepared.rows;
    narrator.step(
        &format!(
            "{} duplicates dropped; {} train, {} validation, {} test; pipeline {}",
            rows.duplicates_dropped,
            rows.train,
            rows.validation,
            rows.test,
            short(&prepared.pipeline_hash)
        ),
        &command,
    );
    let again: Prepared = client.post("/api/v1/prep/prepare", &spec).await?;
    let words = if again.cached { "again: found in the cache, no work done" } else { "again: prepared anew" };
    narrator.step(words, &command);
    Ok(prepared)
}

async fn learn(client: &Client, narrator: &Narrator, prepared: &Prepared) -> Result<SweepResult> {
    narrator.chapter("learn", "boosted trees and neural networks compete, every run tracked");
    let body = json!({"experiment": MODEL, "prepared_id": prepared.id, "trials": TRIALS, "seed": SEED, "recipes": []});
    let sweep: SweepResult = client.job("/api/v1/sweeps", &body).await?;
    let recipes: std::collections::BTreeSet<&str> =
        sweep.runs.iter().map(|run| run.recipe.as_str()).collect();
    let best = sweep.runs.iter().find(|run| run.run_id == sweep.best_run_id);
    narrator.step(
        &format!(
            "{} runs over {}; best: {} with validation AUC {}; {} Wh",
            sweep.runs.len(),
            recipes.into_iter().collect::<Vec<_>>().join(" and "),
            best.map_or("", |run| run.recipe.as_str()),
            figure(sweep.best_value),
            figure(sweep.cost.watt_hours)
        ),
        &format!("ropewalk run sweep {} --trials {TRIALS} --experiment {MODEL}", short(&prepared.id)),
    );
    let path = format!("/api/v1/runs/{}/reproduce", sweep.best_run_id);
    let reproduction: Reproduction = client.job(&path, &json!({})).await?;
    let equal = reproduction.metrics.iter().filter(|metric| metric.equal).count();
    narrator.step(
        &format!(
            "the best run repeated from its record: {equal} of {} metrics equal",
            reproduction.metrics.len()
        ),
        &format!("ropewalk run reproduce {}", sweep.best_run_id),
    );
    Ok(sweep)
}

fn gates() -> Vec<Gate> {
    vec![Gate::AucFloor { metric: "val_auc".to_owned(), minimum: 0.75 }, Gate::Parity { tolerance: 1e-6 }]
}

async fn register(client: &Client, narrator: &Narrator, sweep: &SweepResult) -> Result<()> {
    narrator.chapter("models", "the best becomes a version, if it passes the gates");
    let version = register_run(client, &sweep.best_run_id, "best of the first sweep").await?;
    let path = format!("/api/v1/models/{MODEL}/aliases/champion");
    let _: Value = client.put(&path, &json!({"version": version.version})).await?;
    let passed: Vec<&str> =
        version.gates.iter().filter(|gate| gate.passed).map(|gate| gate.message.as_str()).collect();
    narrator.step(
        &format!("{} is champion; gates: {}", version.id(), passed.join("; ")),
        &format!(
            "ropewalk model register {MODEL} --run {} --auc-floor 0.75 --alias champion",
            sweep.best_run_id
        ),
    );
    Ok(())
}

async fn register_run(client: &Client, run_id: &str, description: &str) -> Result<ModelVersion> {
    let body = json!({"name": MODEL, "run_id": run_id, "gates": gates(), "description": description});
    client.post(&format!("/api/v1/models/{MODEL}/versions"), &body).await
}

async fn deploy(client: &Client, narrator: &Narrator) -> Result<()> {
    narrator.chapter("serve", "an endpoint that speaks the Open Inference Protocol");
    let body = json!({"endpoint": ENDPOINT, "model": format!("{MODEL}@champion")});
    let revision: Revision = client.post(&format!("/api/v1/endpoints/{ENDPOINT}/revisions"), &body).await?;
    narrator.step(
        &format!(
            "revision {} serves {}/{} to all traffic",
            revision.revision, revision.model, revision.version
        ),
        &format!("ropewalk endpoint deploy {ENDPOINT} --model {MODEL}@champion"),
    );
    // The demo's world moves in seconds, so the monitor looks every second.
    let path = format!("/api/v1/endpoints/{ENDPOINT}/monitor");
    let mut monitor: Value = client.get(&path).await?;
    monitor["interval_seconds"] = json!(1.0);
    let _: Value = client.put(&path, &monitor).await?;
    Ok(())
}

/// The raw rows of a part, with the observed target.
async fn part(client: &Client, prepared: &str, part: &str) -> Result<Frame> {
    let sample: Value =
        client.get(&format!("/api/v1/prep/prepared/{prepared}/rows?part={part}&limit=100000")).await?;
    let names: Vec<String> = sample["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let rows: Vec<&Vec<Value>> =
        sample["rows"].as_array().into_iter().flatten().filter_map(Value::as_array).collect();
    let columns = names.into_iter().enumerate().map(|(place, name)| {
        let values =
            rows.iter().map(|row| row.get(place).and_then(Value::as_f64).unwrap_or(f64::NAN)).collect();
        (name, ropewalk_data::Column::Number(values))
    });
    Frame::new(columns.collect())
}

async fn serve_red(client: &Client, narrator: &Narrator, traffic: &Traffic, red: &Frame) -> Result<f64> {
    let since = now_ms();
    let tasted = traffic.send(red).await?;
    narrator.step(
        &format!(
            "{} held-out red wines predicted over HTTP, each logged; their true quality came later",
            tasted.len()
        ),
        &format!("ropewalk endpoint predict {ENDPOINT} --input data/wine/winequality-red.csv -n 100"),
    );
    narrator.chapter("watch", "drift, missing values, predictions and realised quality");
    let report = evaluate(client, since).await?;
    let auc = auc(&tasted)?;
    narrator.step(
        &format!(
            "{}: {} of {} columns drifted; realised AUC {} on {} labels",
            report.status.as_str(),
            report.columns.iter().filter(|column| column.drifted).count(),
            report.columns.len(),
            figure(auc),
            report.labelled
        ),
        &format!("ropewalk watch evaluate {ENDPOINT}"),
    );
    Ok(auc)
}

async fn evaluate(client: &Client, since: i64) -> Result<Report> {
    client.post(&format!("/api/v1/endpoints/{ENDPOINT}/evaluate"), &json!({"since_ms": since})).await
}

/// The area under the ROC curve of what was tasted.
fn auc(tasted: &[Tasted]) -> Result<f64> {
    let scores: Vec<f32> = tasted.iter().map(|one| one.score as f32).collect();
    let labels: Vec<f32> = tasted.iter().map(|one| f32::from(u8::from(one.quality >= 6.0))).collect();
    ropewalk_learn::metrics::auc(&scores, &labels)
        .ok_or_else(|| Error::internal("the demo's traffic has wines of one quality only"))
}

fn divide(white: &Frame) -> [Frame; 3] {
    let rows = white.rows();
    let first = (rows as f64 * WHITE_ARRIVES) as usize;
    let second = first + (rows as f64 * WHITE_FLOWS) as usize;
    [(0, first), (first, second), (second, rows)]
        .map(|(from, to)| white.select(&(from..to).collect::<Vec<_>>()))
}

/// White and red wines in the proportion that the new training data will have.
fn mixed(white: &Frame, red: &Frame, arrived: usize, prepared: &Prepared) -> Result<Frame> {
    let red_rows = prepared.rows.source - prepared.rows.duplicates_dropped;
    let white_rows = arrived as f64 * (1.0 - REPLAYED);
    let wanted = (white.rows() as f64 * red_rows as f64 / white_rows) as usize;
    let rows: Vec<usize> = (0..wanted).map(|row| row % red.rows()).collect();
    let both = white.concat(&red.with_only(white.names())?.select(&rows))?;
    Ok(shuffled(&both, SEED))
}

async fn world_changes(
    client: &Client,
    narrator: &Narrator,
    traffic: &Traffic,
    white: &Frame,
    summary: &mut Summary,
) -> Result<Incident> {
    narrator.chapter("change", "white wines arrive; nobody told the model");
    let since = now_ms();
    let tasted = traffic.send(white).await?;
    summary.auc_white_before = auc(&tasted)?;
    let report = evaluate(client, since).await?;
    narrator.step(
        &format!(
            "{}: {:.0} % of the columns drifted; realised AUC {} where {} was expected",
            report.status.as_str(),
            report.share_drifted * 100.0,
            figure(summary.auc_white_before),
            report.reference_auc.map_or_else(|| "more".to_owned(), figure)
        ),
        &format!("ropewalk watch evaluate {ENDPOINT}"),
    );
    let incident = wait_for_incident(client).await?;
    narrator.step(
        &format!("incident {} opened by itself: {}", incident.number, incident.title),
        &format!("ropewalk incident show {}", incident.number),
    );
    let why: Why = client.get(&format!("/api/v1/why?subject=incident:{}", incident.id)).await?;
    narrator.step(&why.verdict, &format!("ropewalk why incident:{}", incident.number));
    Ok(incident)
}

async fn incidents(client: &Client) -> Result<Vec<Incident>> {
    let answer: Value = client.get("/api/v1/incidents").await?;
    Ok(serde_json::from_value(answer.get("items").cloned().unwrap_or(answer))?)
}

async fn wait_for_incident(client: &Client) -> Result<Incident> {
    let waiting = Instant::now();
    loop {
        let found = incidents(client).await?.into_iter().find(|incident| incident.status.is_open());
        match found {
            Some(incident) => return Ok(incident),
            None if waiting.elapsed() > Duration::from_secs(20) => {
                return Err(Error::internal("no incident was opened within 20 seconds")
                    .why("the white wines differ from the red ones in almost every column")
                    .hint("ropewalk watch reports wine"));
            }
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// How the demo judges roll-outs: its outcomes come within milliseconds, not days.
fn quick_rollout() -> RolloutSettings {
    RolloutSettings {
        max_wait_seconds: 45.0,
        min_step_seconds: 0.5,
        poll_seconds: 0.2,
        ..RolloutSettings::default()
    }
}

async fn mend(client: &Client, narrator: &Narrator, incident: &Incident) -> Result<()> {
    narrator.chapter("respond", "the runbook retrains, gates, rolls out, proves and resolves");
    let body = json!({"name": "retrain", "parameters": {"trials": 8, "seed": SEED, "holdout": REPLAYED, "rollout": quick_rollout()}});
    let run: RunbookRun = client.job(&format!("/api/v1/incidents/{}/runbook", incident.id), &body).await?;
    for step in &run.steps {
        narrator.detail(&format!("{} {}: {}", mark(step.status), step.title, step.text));
    }
    if run.status != StepStatus::Done {
        return Err(Error::internal("the runbook did not mend the incident")
            .why(
                run.steps
                    .iter()
                    .filter(|step| step.status == StepStatus::Failed)
                    .map(|step| step.text.as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
            )
            .hint(format!("ropewalk incident show {}", incident.number)));
    }
    narrator.step(
        &format!("incident {} is resolved; the post-mortem is written", incident.number),
        &format!(
            "ropewalk incident runbook {} && ropewalk incident postmortem {}",
            incident.number, incident.number
        ),
    );
    let served: ServedState = client.get(&format!("/api/v1/endpoints/{ENDPOINT}/served")).await?;
    let live = served.revisions.iter().filter(|revision| revision.percent > 0.0);
    let live: Vec<String> = live
        .map(|revision| format!("{}/{} {} %", revision.model, revision.version, figure(revision.percent)))
        .collect();
    narrator
        .step(&format!("read back: {}", live.join(", ")), &format!("ropewalk endpoint served {ENDPOINT}"));
    Ok(())
}

fn mark(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Done => "·",
        StepStatus::Failed => "✗",
        _ => "–",
    }
}

/// Version 2 on white wines that nobody trained on, among red ones as in its training.
async fn taste_again(narrator: &Narrator, traffic: &Traffic, white: &Frame, red: &Frame) -> Result<f64> {
    let both = white.concat(&red.with_only(white.names())?)?;
    let tasted = traffic.send(&both).await?;
    let white_only: Vec<Tasted> = tasted.into_iter().filter(|one| one.row < white.rows()).collect();
    let auc = auc(&white_only)?;
    narrator.step(
        &format!("{} held-out white wines: AUC {}", white_only.len(), figure(auc)),
        &format!("ropewalk watch evaluate {ENDPOINT} --revision 2"),
    );
    Ok(auc)
}

async fn bad_release(client: &Client, narrator: &Narrator, first: &Prepared) -> Result<Rollout> {
    narrator.chapter("mishap", "someone forces out a version trained with alcohol in another unit");
    let files: Commit = client.get("/api/v1/datasets/wine/commits/main").await?;
    let mut changed = Vec::new();
    for file in files.files.iter().filter(|file| file.table.is_some()) {
        let content = client
            .get_bytes(&format!(
                "/api/v1/datasets/wine/files/main?path={}",
                crate::client::segment(&file.path)
            ))
            .await?;
        let frame = rescaled(&Frame::from_csv(&content)?, UNIT_COLUMN, UNIT_FACTOR)?;
        changed.push((file.path.clone(), frame.to_csv(';')?));
    }
    let changed: Vec<(&str, Vec<u8>)> =
        changed.iter().map(|(path, content)| (path.as_str(), content.clone())).collect();
    commit(client, "other-unit", Some("main"), "alcohol as a fraction", &changed).await?;
    let mut spec = first.spec.clone();
    spec.source = "wine@other-unit".to_owned();
    let prepared: Prepared = client.post("/api/v1/prep/prepare", &spec).await?;
    let body = json!({"experiment": MODEL, "recipe": "boosted-trees", "prepared_id": prepared.id, "seed": SEED, "name": "other unit"});
    let trained: TrainedRun = client.job("/api/v1/train", &body).await?;
    let version = register_run(client, &trained.run_id, "alcohol as a fraction").await?;
    narrator.step(
        &format!(
            "{} passes its own gates with validation AUC {}",
            version.id(),
            trained.metrics.get("val_auc").copied().map_or_else(String::new, figure)
        ),
        &format!("ropewalk model register {MODEL} --run {}", short(&trained.run_id)),
    );
    let body = json!({"endpoint": ENDPOINT, "model": version.id(), "force": true});
    let revision: Revision = client.post(&format!("/api/v1/endpoints/{ENDPOINT}/revisions"), &body).await?;
    let body = json!({"revision": revision.revision, "settings": quick_rollout()});
    let job: Job = client.post(&format!("/api/v1/endpoints/{ENDPOINT}/rollouts"), &body).await?;
    let rollout: Rollout = client.follow(&job.id).await?;
    let job: Job = client.get(&format!("/api/v1/jobs/{}", job.id)).await?;
    if rollout.status != RolloutStatus::RolledBack || job.state != JobState::Succeeded {
        return Err(Error::internal("the bad release was not rolled back")
            .why(format!("the roll-out ended as {}", rollout.status.as_str()))
            .hint(format!("ropewalk endpoint rollouts {ENDPOINT}")));
    }
    let harmed = rollout.steps.iter().filter_map(|step| step.judgement.as_ref()).next_back();
    narrator.step(
        &format!("canary judged harmful: {}", harmed.map_or("", |judgement| judgement.text.as_str())),
        &format!("ropewalk endpoint deploy {ENDPOINT} --model {} --force --rollout", version.id()),
    );
    narrator.step(
        &format!(
            "rolled back to version {} in {:.2} s; {}; {} requests failed",
            rollout.stable_version,
            rollout.rollback_seconds.unwrap_or(f64::NAN),
            rollout.final_read_back.as_ref().map_or("", |proof| proof.text.as_str()),
            rollout.failed_requests
        ),
        &format!("ropewalk endpoint rollouts {ENDPOINT}"),
    );
    Ok(rollout)
}

/// The second incident tells of it; if the judge left it open, what remains is to say that it is over.
async fn close(client: &Client, narrator: &Narrator, rollout: &Rollout) -> Result<()> {
    let Some(newest) = incidents(client).await?.into_iter().next() else { return Ok(()) };
    let show = format!("ropewalk incident show {}", newest.number);
    narrator.step(
        &format!("incident {} tells it: {}, {}", newest.number, newest.title, newest.status.as_str()),
        &show,
    );
    if newest.status.is_open() {
        let text = format!("rolled back to version {}; the unit is being corrected", rollout.stable_version);
        let path = format!("/api/v1/incidents/{}/resolve", newest.id);
        let _: Value = client.post(&path, &json!({"text": text})).await?;
        narrator.step(
            &format!("incident {} resolved", newest.number),
            &format!("ropewalk incident resolve {} -n 'rolled back'", newest.number),
        );
    }
    let why: Why = client.get(&format!("/api/v1/why?subject=incident:{}", newest.id)).await?;
    narrator.step(&why.verdict, &format!("ropewalk why incident:{}", newest.number));
    Ok(())
}
