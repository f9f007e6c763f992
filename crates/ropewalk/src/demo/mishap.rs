//! The last chapter: a bad release, undone by the canary judge.

use ropewalk_core::jobs::JobState;
use ropewalk_core::{Error, Job, Result};
use ropewalk_data::{Commit, Frame};
use ropewalk_learn::TrainedRun;
use ropewalk_prep::Prepared;
use ropewalk_respond::{Rollout, RolloutStatus, Why};
use ropewalk_serve::Revision;
use serde_json::{Value, json};

use super::explore::{commit, register_run};
use super::narrator::Narrator;
use super::operate::{incidents, quick_rollout};
use super::story::{ENDPOINT, MODEL, SEED};
use super::traffic::rescaled;
use crate::client::Client;
use crate::table::{figure, short};

/// The column that the bad release takes in another unit: a fraction instead of percent.
const UNIT_COLUMN: &str = "alcohol";
const UNIT_FACTOR: f64 = 0.01;

pub(super) async fn bad_release(client: &Client, narrator: &Narrator, first: &Prepared) -> Result<Rollout> {
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
pub(super) async fn close(client: &Client, narrator: &Narrator, rollout: &Rollout) -> Result<()> {
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
