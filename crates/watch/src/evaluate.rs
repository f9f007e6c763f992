//! One evaluation: read the window, compare, judge, store, and let alerts fire or resolve.

use std::sync::Arc;

use ropewalk_core::{
    Actor, Connection, Error, Journal, NewEntry, Reference as Thing, Result, new_id, now_ms,
};
use serde_json::json;

use crate::log::{Wanted, blocking};
use crate::quality::{Quality, quality};
use crate::reference::Reference;
use crate::service::Watch;
use crate::statistics::{finite, mean};
use crate::verdict::{Condition, Finding, conditions, summarise};
use crate::{
    Alert, AlertKind, AlertStatus, Captured, MonitorSettings, Report, ReportSummary, Status, Window, drift,
    store,
};

/// The log decides which revision is the main one by so many of the newest rows.
const MAIN_ROWS: usize = 100;
/// Labels are looked for from this long before the window on: the clocks of two servers may differ.
const CLOCK_SLACK_MS: i64 = 60_000;

impl Watch {
    /// Evaluates an endpoint over a window: drift of every input and of the scores, missing values, and quality where
    /// truths are known.
    ///
    /// A window that reaches to the present and looks at the main revision lets alerts fire and resolve, and they
    /// have been delivered when this returns (if a sink is attached). Any other window is only reported.
    ///
    /// # Errors
    /// `NotFound` for an endpoint that is not there, `Conflict` if nothing was predicted in the window, and what
    /// reading the log or the model's bundle gives.
    pub async fn evaluate(&self, endpoint: &str, window: Window, actor: &Actor) -> Result<Report> {
        self.check_endpoint(endpoint).await?;
        let settings = self.monitor(endpoint).await?;
        let before = {
            let mut connection = self.core.database.read().await?;
            store::latest_verdict(&mut connection, endpoint).await?
        };
        let main = self.main_revision(endpoint, before.as_ref().map(|verdict| verdict.0)).await?;
        let revision = window.revision.or(main).ok_or_else(|| nothing_predicted(endpoint))?;
        let live = window.until_ms.is_none() && main.is_none_or(|main| main == revision);

        let asked = Wanted {
            since_ms: window.since_ms,
            until_ms: window.until_ms,
            revision: Some(revision),
            limit: window.last,
        };
        let by_default = window.last.is_none() && window.since_ms.is_none();
        let drift_rows = if by_default { Some(settings.window_rows) } else { window.last };
        let quality_rows = if by_default {
            Some(settings.quality_window_rows.max(settings.window_rows))
        } else {
            window.last
        };
        let judged = self.labelled(endpoint, Wanted { limit: quality_rows, ..asked }).await?;
        if judged.rows() == 0 {
            return Err(nothing_predicted(endpoint));
        }
        let (model, version) = (
            judged.models.last().cloned().unwrap_or_default(),
            judged.versions.last().copied().unwrap_or_default(),
        );
        let reference = self.references.get(&model, version).await?;

        let report = Report {
            id: new_id(),
            endpoint: endpoint.to_owned(),
            revision,
            model,
            version,
            created_ms: now_ms(),
            window,
            from_ms: None,
            to_ms: judged.times_ms.last().copied(),
            rows: 0,
            labelled: 0,
            columns: Vec::new(),
            share_drifted: 0.0,
            prediction_drift: None,
            realised_auc: None,
            realised_auc_low: None,
            realised_auc_high: None,
            reference_auc: reference.profile.auc,
            brier: None,
            positive_share: None,
            mean_score: None,
            status: Status::Ok,
            findings: Vec::new(),
            alerts: Vec::new(),
        };
        let (report, found) =
            blocking(move || Ok(compare(report, judged, drift_rows, &reference, &settings))).await?;
        let report = self.conclude(report, found, live, before, actor).await?;
        self.deliver().await;
        Ok(report)
    }

    /// The revision with the most traffic: the one judged last where two share it. Where no serving is attached, the
    /// one that answered most of the newest rows; then another takes over only with four fifths of them.
    async fn main_revision(&self, endpoint: &str, incumbent: Option<i64>) -> Result<Option<i64>> {
        if let Some(serve) = self.serve.get()
            && let Ok(state) = serve.read_back(endpoint).await
        {
            let most = state.revisions.iter().map(|served| served.percent).fold(0.0, f64::max);
            let mut first =
                state.revisions.iter().filter(|served| served.percent >= most).map(|served| served.revision);
            let kept = incumbent.filter(|incumbent| state.percent(*incumbent) >= most);
            return Ok(kept.or_else(|| first.next()));
        }
        let newest = self.log.read(endpoint, Wanted { limit: Some(MAIN_ROWS), ..Wanted::default() }).await?;
        let count = |revision: i64| newest.revisions.iter().filter(|other| **other == revision).count();
        let Some(most) =
            newest.revisions.iter().copied().max_by_key(|revision| (count(*revision), -revision))
        else {
            return Ok(incumbent);
        };
        match incumbent {
            Some(incumbent) if count(most) * 5 < newest.rows() * 4 => Ok(Some(incumbent)),
            _ => Ok(Some(most)),
        }
    }

    /// Logged rows with what is known about their truth, oldest first.
    pub(crate) async fn labelled(&self, endpoint: &str, wanted: Wanted) -> Result<Captured> {
        let mut rows = self.log.read(endpoint, wanted).await?;
        if let Some(oldest) = rows.times_ms.first() {
            let mut connection = self.core.database.read().await?;
            let labels =
                store::labels(&mut connection, endpoint, oldest.saturating_sub(CLOCK_SLACK_MS)).await?;
            rows.values = rows.ids.iter().map(|id| labels.get(id).map(|label| label.value)).collect();
        }
        Ok(rows)
    }

    /// Stores the report; in the same transaction alerts fire and resolve and the journal tells of it.
    async fn conclude(
        &self,
        mut report: Report,
        found: Vec<(AlertKind, Condition)>,
        live: bool,
        before: Option<(i64, String)>,
        actor: &Actor,
    ) -> Result<Report> {
        let (journal, actor) = (self.core.journal.clone(), actor.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut entries = Vec::new();
                    if live {
                        let firing = store::firing(tx, &report.endpoint).await?;
                        for (kind, condition) in found {
                            let now = firing.iter().find(|alert| alert.kind == kind);
                            settle(tx, &mut report, kind, condition, now, &actor, &mut entries).await?;
                        }
                    }
                    store::put_report(tx, &report, &report.summary(), live).await?;
                    let news = before.is_none_or(|(revision, status)| {
                        revision != report.revision || status != report.status.as_str()
                    });
                    if !live || news || !entries.is_empty() || actor != Self::monitor_actor() {
                        journal.append_in(tx, drift_entry(&report, &actor)).await?;
                    }
                    append_all(&journal, tx, entries).await?;
                    Ok(report)
                })
            })
            .await
    }
}

async fn append_all(journal: &Journal, tx: &mut Connection, entries: Vec<NewEntry>) -> Result<()> {
    for entry in entries {
        journal.append_in(tx, entry).await?;
    }
    Ok(())
}

fn nothing_predicted(endpoint: &str) -> Error {
    Error::conflict(format!("there is nothing to evaluate at endpoint {endpoint}"))
        .why("no prediction was logged in the window")
        .hint(format!("ropewalk endpoint show {endpoint}"))
}

/// Fills the report's figures from the judged rows, of which the newest `drift_rows` are compared with the reference.
fn compare(
    mut report: Report,
    judged: Captured,
    drift_rows: Option<usize>,
    reference: &Arc<Reference>,
    settings: &MonitorSettings,
) -> (Report, Vec<(AlertKind, Condition)>) {
    let (scores, labels): (Vec<f64>, Vec<f64>) = judged
        .scores
        .iter()
        .zip(&judged.values)
        .filter_map(|(score, value)| Some((*score, reference.target.label((*value)?)?)))
        .unzip();
    let window = judged.newest(drift_rows.unwrap_or(usize::MAX));
    report.from_ms = window.times_ms.first().copied();
    report.rows = window.rows() as u64;
    if window.rows() < settings.min_rows {
        report.status = Status::TooFew;
    }
    report.columns = drift::columns(&reference.profile, &window.frame, settings);
    let drifted = report.columns.iter().filter(|column| column.drifted).count();
    report.share_drifted = drifted as f64 / report.columns.len().max(1) as f64;
    report.prediction_drift = drift::scores(&reference.profile.scores, &window.scores, settings);
    let known = finite(&window.scores);
    report.mean_score = (!known.is_empty()).then(|| mean(&known));
    let Quality { labelled, auc, auc_low, auc_high, brier, positive_share } = quality(&scores, &labels);
    report.labelled = labelled as u64;
    (report.realised_auc, report.realised_auc_low, report.realised_auc_high) = (auc, auc_low, auc_high);
    (report.brier, report.positive_share) = (brier, positive_share);
    let found = conditions(&report, settings);
    (report.status, report.findings) = summarise(&report, &found, settings);
    (report, found)
}

/// Brings one alert in line with its condition.
async fn settle(
    tx: &mut Connection,
    report: &mut Report,
    kind: AlertKind,
    condition: Condition,
    firing: Option<&Alert>,
    actor: &Actor,
    entries: &mut Vec<NewEntry>,
) -> Result<()> {
    match (condition, firing) {
        (Condition::Holds(_), Some(firing)) => report.alerts.push(firing.clone()),
        (Condition::Holds(finding), None) => {
            let alert = new_alert(report, kind, finding);
            // Another server may have fired it a moment ago.
            if store::fire(tx, &alert).await? {
                entries.push(fire_entry(report, &alert, actor));
                report.alerts.push(alert);
            }
        }
        (Condition::Clear, Some(firing)) => {
            let resolved = Alert {
                status: AlertStatus::Resolved,
                resolved_ms: Some(report.created_ms),
                resolved_by: Some(report.id.clone()),
                ..firing.clone()
            };
            if store::resolve(tx, &resolved).await? {
                entries.push(resolve_entry(report, &resolved, actor));
            }
        }
        (Condition::Clear, None) | (Condition::Unknown, _) => {}
    }
    Ok(())
}

fn new_alert(report: &Report, kind: AlertKind, finding: Finding) -> Alert {
    Alert {
        id: new_id(),
        key: format!("{}/{}", report.endpoint, kind.as_str()),
        endpoint: report.endpoint.clone(),
        kind,
        severity: finding.severity.to_owned(),
        status: AlertStatus::Firing,
        title: finding.title,
        text: finding.text,
        revision: report.revision,
        model: report.model.clone(),
        version: report.version,
        report_id: report.id.clone(),
        value: finding.value,
        threshold: finding.threshold,
        fired_ms: report.created_ms,
        resolved_ms: None,
        resolved_by: None,
    }
}

fn model_of(report: &Report) -> Thing {
    Thing::new("model", format!("{}/{}", report.model, report.version))
}

fn endpoint_of(report: &Report) -> Thing {
    Thing::new("endpoint", &report.endpoint)
}

fn drift_entry(report: &Report, actor: &Actor) -> NewEntry {
    NewEntry {
        actor: actor.clone(),
        verb: "drift",
        subject: Thing::new("report", &report.id),
        inputs: vec![
            endpoint_of(report),
            Thing::new("revision", format!("{}/{}", report.endpoint, report.revision)),
            model_of(report),
        ],
        outputs: vec![Thing::new("report", &report.id)],
        facts: json!({
            "endpoint": report.endpoint,
            "revision": report.revision,
            "status": report.status,
            "rows": report.rows,
            "labelled": report.labelled,
            "share_drifted": report.share_drifted,
            "realised_auc": report.realised_auc,
            "reference_auc": report.reference_auc,
            "findings": report.findings,
        }),
    }
}

fn fire_entry(report: &Report, alert: &Alert, actor: &Actor) -> NewEntry {
    NewEntry {
        actor: actor.clone(),
        verb: "alert.fire",
        subject: Thing::new("alert", &alert.id),
        inputs: vec![Thing::new("report", &report.id), endpoint_of(report), model_of(report)],
        outputs: vec![Thing::new("alert", &alert.id)],
        facts: json!({
            "key": alert.key,
            "severity": alert.severity,
            "title": alert.title,
            "text": alert.text,
            "value": alert.value,
            "threshold": alert.threshold,
        }),
    }
}

fn resolve_entry(report: &Report, alert: &Alert, actor: &Actor) -> NewEntry {
    NewEntry {
        actor: actor.clone(),
        verb: "alert.resolve",
        subject: Thing::new("alert", &alert.id),
        inputs: vec![Thing::new("report", &report.id), endpoint_of(report), model_of(report)],
        outputs: Vec::new(),
        facts: json!({
            "key": alert.key,
            "title": alert.title,
            "fired_ms": alert.fired_ms,
            "seconds": (report.created_ms - alert.fired_ms) as f64 / 1_000.0,
        }),
    }
}

impl Report {
    /// The report without its columns.
    #[must_use]
    pub fn summary(&self) -> ReportSummary {
        ReportSummary {
            id: self.id.clone(),
            endpoint: self.endpoint.clone(),
            revision: self.revision,
            model: self.model.clone(),
            version: self.version,
            created_ms: self.created_ms,
            rows: self.rows,
            labelled: self.labelled,
            share_drifted: self.share_drifted,
            prediction_effect: self.prediction_drift.as_ref().map(|drift| drift.effect_size),
            realised_auc: self.realised_auc,
            realised_auc_low: self.realised_auc_low,
            realised_auc_high: self.realised_auc_high,
            reference_auc: self.reference_auc,
            brier: self.brier,
            status: self.status,
        }
    }
}
