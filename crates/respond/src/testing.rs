//! Things that several tests need.

use std::sync::Arc;

use ropewalk_core::{Core, Migration};
use ropewalk_data::Data;
use ropewalk_learn::Learn;
use ropewalk_ledger::{Cost, Ledger};
use ropewalk_models::{Models, SourceRules};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_serve::Serve;
use ropewalk_watch::{Alert, AlertKind, AlertStatus, Watch};
use ropewalk_webhooks::{Options, Webhooks};
use serde_json::json;

use crate::Respond;

use crate::model::{Incident, IncidentKind, IncidentStatus, Priority};
use crate::rollout::model::{Rollout, RolloutSettings, RolloutStatus};
use crate::runbook::model::{RetrainParameters, RunbookRun, StepStatus};

/// A plain incident, opened at 1,000 ms.
pub fn incident(id: &str, number: i64, endpoint: &str) -> Incident {
    Incident {
        id: id.into(),
        number,
        title: "quality fell".into(),
        endpoint: endpoint.into(),
        kind: IncidentKind::Monitoring,
        status: IncidentStatus::Triggered,
        priority: Priority::P2,
        opened_ms: 1_000,
        acknowledged_ms: None,
        resolved_ms: None,
        owner: None,
        model: Some("m".into()),
        version: Some(1),
        revision: Some(1),
        alerts: vec![],
        cause: None,
        resolution: None,
        evidence: json!({}),
        runbooks: vec![],
        rollouts: vec![],
        cost: Cost::default(),
        postmortem: None,
    }
}

/// A plain roll-out of revision 2 over revision 1.
pub fn rollout(id: &str, endpoint: &str, settings: RolloutSettings) -> Rollout {
    Rollout {
        id: id.into(),
        endpoint: endpoint.into(),
        revision: 2,
        stable_revision: 1,
        model: "m".into(),
        version: 2,
        stable_model: "m".into(),
        stable_version: 1,
        status: RolloutStatus::Running,
        steps: vec![],
        current: 0,
        settings,
        incident: None,
        actor: "user:ann".into(),
        reason: None,
        started_ms: 1_000,
        ended_ms: None,
        first_canary_ms: None,
        harm_ms: None,
        restored_ms: None,
        rollback_seconds: None,
        exposure_seconds: None,
        final_read_back: None,
        failed_requests: 0,
    }
}

/// A plain runbook run.
pub fn runbook(id: &str, incident: &str, endpoint: &str, parameters: RetrainParameters) -> RunbookRun {
    RunbookRun {
        id: id.into(),
        number: 1,
        name: "retrain".into(),
        incident: incident.into(),
        endpoint: endpoint.into(),
        status: StepStatus::Running,
        dry_run: false,
        parameters,
        steps: vec![],
        actor: "user:ann".into(),
        started_ms: 1_000,
        ended_ms: None,
        cost: Cost::default(),
    }
}

/// Every table that the services below need.
pub fn migrations() -> Vec<Migration> {
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
        crate::MIGRATIONS,
    ]
    .concat()
}

/// The whole line on one core.
pub fn line(core: &Core) -> Respond {
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
    let respond = Respond::new(core.clone(), ledger, data, prep, runs, models, learn, serve, watch.clone());
    watch.attach_sink(Arc::new(respond.clone()));
    respond
}

/// An alert as the monitor would send it.
pub fn alert(id: &str, kind: AlertKind, endpoint: &str) -> Alert {
    Alert {
        id: id.into(),
        key: format!("{endpoint}/{}", kind.as_str()),
        endpoint: endpoint.into(),
        kind,
        severity: "warning".into(),
        status: AlertStatus::Firing,
        title: format!("{endpoint}: {}", kind.as_str()),
        text: "the particulars".into(),
        revision: 1,
        model: "m".into(),
        version: 1,
        report_id: "r".into(),
        value: 1.0,
        threshold: 0.5,
        fired_ms: ropewalk_core::now_ms(),
        resolved_ms: None,
        resolved_by: None,
    }
}
