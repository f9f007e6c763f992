//! The middle chapters: traffic, monitoring, the incident and its mending.

use std::time::{Duration, Instant};

use ropewalk_core::{Error, Result, now_ms};
use ropewalk_data::Frame;
use ropewalk_respond::{Incident, RolloutSettings, RunbookRun, StepStatus, Why};
use ropewalk_serve::ServedState;
use ropewalk_watch::Report;
use serde_json::{Value, json};

use super::Summary;
use super::narrator::Narrator;
use super::story::{ENDPOINT, SEED};
use super::traffic::{Tasted, Traffic};
use super::wines::{REPLAYED, auc};
use crate::client::Client;
use crate::table::figure;

pub(super) async fn serve_red(
    client: &Client,
    narrator: &Narrator,
    traffic: &Traffic,
    red: &Frame,
) -> Result<f64> {
    let since = now_ms();
    let tasted = traffic.send(red).await?;
    narrator.step(
        &format!(
            "{} held-out red wines predicted over HTTP, each logged; their true quality came later",
            tasted.len()
        ),
        "ropewalk prep rows PREPARED --part test -n 1000 --csv > held-out.csv && ropewalk endpoint predict wine --input held-out.csv --feedback quality",
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

pub(super) async fn world_changes(
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

pub(super) async fn incidents(client: &Client) -> Result<Vec<Incident>> {
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
pub(super) fn quick_rollout() -> RolloutSettings {
    RolloutSettings {
        max_wait_seconds: 45.0,
        min_step_seconds: 0.5,
        poll_seconds: 0.2,
        ..RolloutSettings::default()
    }
}

pub(super) async fn mend(client: &Client, narrator: &Narrator, incident: &Incident) -> Result<()> {
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
pub(super) async fn taste_again(
    narrator: &Narrator,
    traffic: &Traffic,
    white: &Frame,
    red: &Frame,
) -> Result<f64> {
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
