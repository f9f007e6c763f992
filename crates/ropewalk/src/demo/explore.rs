//! The first chapters: data, preparation, training, registration, deployment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::{Error, Result};
use ropewalk_data::Commit;
use ropewalk_learn::{Reproduction, SweepResult};
use ropewalk_models::{Gate, ModelVersion};
use ropewalk_prep::{PrepSpec, Prepared, ValidationReport};
use ropewalk_serve::Revision;
use serde_json::{Value, json};

use super::narrator::Narrator;
use super::story::{ENDPOINT, MODEL, SEED, TARGET, TRIALS};
use super::wines::RED;
use crate::client::Client;
use crate::table::{bytes, figure, short};

const EXPECTATIONS: &str = include_str!("../../../../data/wine/expectations.toml");

pub(super) async fn commit_red(client: &Client, narrator: &Narrator) -> Result<()> {
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

pub(super) async fn commit(
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

pub(super) async fn prepare(client: &Client, narrator: &Narrator) -> Result<Prepared> {
    narrator.chapter("prep", "validated, split, transforms fitted on the training part only");
    let expectations: Value = toml::from_str(EXPECTATIONS)
        .map_err(|source| Error::internal("the demo's expectations cannot be read").source(source))?;
    let body = json!({"source": "wine@v1", "expectations": expectations["expectations"]});
    let report: ValidationReport = client.post("/api/v1/prep/validate", &body).await?;
    let passed = report.checks.iter().filter(|check| check.passed).count();
    narrator.step(
        &format!(
            "{passed} of {} checks passed; {} duplicate rows found",
            report.checks.len(),
            report.duplicates
        ),
        "ropewalk prep validate wine@v1 --expectations data/wine/expectations.toml",
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

pub(super) async fn learn(client: &Client, narrator: &Narrator, prepared: &Prepared) -> Result<SweepResult> {
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

pub(super) async fn register(client: &Client, narrator: &Narrator, sweep: &SweepResult) -> Result<()> {
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

pub(super) async fn register_run(client: &Client, run_id: &str, description: &str) -> Result<ModelVersion> {
    let body = json!({"name": MODEL, "run_id": run_id, "gates": gates(), "description": description});
    client.post(&format!("/api/v1/models/{MODEL}/versions"), &body).await
}

pub(super) async fn deploy(client: &Client, narrator: &Narrator) -> Result<()> {
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
