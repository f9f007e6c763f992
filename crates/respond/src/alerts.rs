//! Alerts in: grouped by endpoint into incidents, and out again when they clear.

use async_trait::async_trait;
use ropewalk_core::{Actor, NewEntry, Reference, Result, now_ms};
use ropewalk_watch::{Alert, AlertKind, AlertSink, AlertStatus};
use serde_json::json;

use crate::model::{Incident, IncidentAlert, IncidentKind, Priority};
use crate::service::{NewIncident, incident_reference};
use crate::{Respond, store};

impl Respond {
    /// Takes an alert into the open incident of its endpoint, or opens one.
    async fn take_alert(&self, alert: Alert) -> Result<Option<Incident>> {
        let actor = Actor::system("watch");
        let journal = self.core.journal.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    // One alert at a time at an endpoint, so that two at once cannot open two incidents.
                    store::next_number(tx, &format!("alerts:{}", alert.endpoint)).await?;
                    let open =
                        store::open_incident(tx, &alert.endpoint, IncidentKind::Monitoring.as_str()).await?;
                    match open {
                        None if alert.status == AlertStatus::Resolved => Ok(None),
                        None => {
                            let number = store::next_number(tx, "incident").await?;
                            let (incident, entry) = incident_of(&alert).build(number, &actor);
                            store::insert_incident(tx, &incident).await?;
                            journal.append_in(tx, entry).await?;
                            Ok(Some(incident))
                        }
                        Some(mut incident) => {
                            if let Some(text) = group(&mut incident, &alert) {
                                store::update_incident(tx, &incident).await?;
                                let entry = NewEntry {
                                    actor,
                                    verb: "action",
                                    subject: incident_reference(&incident.id),
                                    inputs: vec![Reference::new("alert", &alert.id)],
                                    outputs: Vec::new(),
                                    facts: json!({"step": "group", "text": text, "alert": alert.id}),
                                };
                                journal.append_in(tx, entry).await?;
                            }
                            Ok(Some(incident))
                        }
                    }
                })
            })
            .await
    }
}

fn priority_of(alert: &Alert) -> Priority {
    match (alert.kind, alert.severity.as_str()) {
        (AlertKind::QualityDrop, _) => Priority::P1,
        (_, "critical") | (AlertKind::DataDrift | AlertKind::MissingShare, _) => Priority::P2,
        (AlertKind::PredictionDrift, _) => Priority::P3,
    }
}

fn alert_row(alert: &Alert) -> IncidentAlert {
    IncidentAlert {
        id: alert.id.clone(),
        key: alert.key.clone(),
        severity: alert.severity.clone(),
        text: format!("{}: {}", alert.title, alert.text),
        report: Some(alert.report_id.clone()),
        first_ms: alert.fired_ms,
        last_ms: alert.fired_ms,
        count: 1,
        cleared_ms: alert.resolved_ms,
    }
}

fn incident_of(alert: &Alert) -> NewIncident {
    NewIncident {
        title: alert.title.clone(),
        endpoint: alert.endpoint.clone(),
        kind: IncidentKind::Monitoring,
        priority: priority_of(alert),
        opened_ms: None,
        model: Some(alert.model.clone()),
        version: Some(alert.version),
        revision: Some(alert.revision),
        alerts: vec![alert_row(alert)],
        rollouts: Vec::new(),
        cause: None,
        evidence: json!({"report": alert.report_id, "kind": alert.kind, "value": alert.value, "threshold": alert.threshold}),
        inputs: vec![Reference::new("alert", &alert.id), Reference::new("report", &alert.report_id)],
    }
}

/// Puts an alert into an open incident; what to say of it, or nothing when it is known (delivered twice).
fn group(incident: &mut Incident, alert: &Alert) -> Option<String> {
    let known = incident.alerts.iter_mut().find(|row| row.key == alert.key);
    if alert.status == AlertStatus::Resolved {
        let row = known.filter(|row| row.cleared_ms.is_none())?;
        row.cleared_ms = alert.resolved_ms.or_else(|| Some(now_ms()));
        return Some(format!("cleared: {}", alert.title));
    }
    match known {
        Some(row) if row.id == alert.id => None,
        Some(row) => {
            row.id.clone_from(&alert.id);
            row.count += 1;
            row.last_ms = alert.fired_ms;
            row.cleared_ms = None;
            row.text = format!("{}: {}", alert.title, alert.text);
            row.report = Some(alert.report_id.clone());
            Some(format!("fired again ({} times): {}", row.count, alert.title))
        }
        None => {
            incident.alerts.push(alert_row(alert));
            if priority_of(alert) < incident.priority {
                // The most urgent alert gives the incident its name.
                incident.priority = priority_of(alert);
                incident.title.clone_from(&alert.title);
            }
            Some(format!("alert joined: {}", alert.title))
        }
    }
}

#[async_trait]
impl AlertSink for Respond {
    async fn alert(&self, alert: Alert) -> Result<()> {
        let fired = alert.status == AlertStatus::Firing;
        let Some(incident) = self.take_alert(alert).await? else {
            return Ok(());
        };
        if fired {
            self.explain(&incident).await;
            if let Err(error) = self.run_automatically(&incident).await {
                tracing::warn!(incident = incident.number, %error, "the automatic runbook did not start");
            }
            return Ok(());
        }
        self.resolve_when_clear(incident).await
    }
}

impl Respond {
    /// Writes the cause, as `why` finds it, into the incident. It is a courtesy: without it the incident still stands.
    pub(crate) async fn explain(&self, incident: &Incident) {
        match self.why_incident(incident).await {
            Ok(why) => {
                let verdict = why.verdict;
                if let Err(error) = self.change(&incident.id, move |i| i.cause = Some(verdict)).await {
                    tracing::warn!(incident = incident.number, %error, "the cause could not be written down");
                }
            }
            Err(error) => tracing::debug!(incident = incident.number, %error, "nothing to compare yet"),
        }
    }

    /// An incident whose alerts have all cleared is over, unless a runbook is still at work on it.
    async fn resolve_when_clear(&self, incident: Incident) -> Result<()> {
        let all_clear = incident.alerts.iter().all(|row| row.cleared_ms.is_some());
        let at_work = self
            .incident_runbooks(&incident.id)
            .await?
            .iter()
            .any(|run| run.status == crate::StepStatus::Running);
        if !all_clear || at_work || !incident.status.is_open() {
            return Ok(());
        }
        let note = "every alert has cleared: the monitor finds the endpoint well again";
        match self.resolve(&incident.id, note, &Actor::system("watch")).await {
            // Somebody else resolved it meanwhile.
            Err(error) if error.code() == ropewalk_core::Code::Conflict => Ok(()),
            other => other.map(|_| ()),
        }
    }
}
