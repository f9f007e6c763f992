#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::model::Priority;
use crate::rollout::model::RolloutSettings;
use crate::runbook::model::RetrainParameters;
use crate::testing::{alert, line, migrations, rollout, runbook};
use crate::{AutoRunbook, RolloutStatus, RunbookRequest, StepStatus};
use ropewalk_core::Code;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_watch::{AlertKind, AlertSink, AlertStatus};

fn ann() -> Actor {
    Actor::user("ann")
}

#[tokio::test]
async fn alerts_of_an_endpoint_make_one_incident() {
    each_database(&migrations(), |core| async move {
        let respond = line(&core);
        respond.alert(alert("1", AlertKind::DataDrift, "wine")).await.unwrap();
        respond.alert(alert("2", AlertKind::QualityDrop, "wine")).await.unwrap();
        // Delivered twice, and fired again after it had cleared.
        respond.alert(alert("2", AlertKind::QualityDrop, "wine")).await.unwrap();
        let mut cleared = alert("1", AlertKind::DataDrift, "wine");
        cleared.status = AlertStatus::Resolved;
        respond.alert(cleared).await.unwrap();
        respond.alert(alert("3", AlertKind::DataDrift, "wine")).await.unwrap();
        respond.alert(alert("4", AlertKind::DataDrift, "beer")).await.unwrap();

        let all = respond.incidents(&IncidentFilter::default(), &Page::first(10)).await.unwrap().items;
        assert_eq!(all.len(), 2);
        let wine = &all[1];
        assert_eq!(
            (wine.number, wine.priority, wine.title.as_str()),
            (1, Priority::P1, "wine: quality_drop")
        );
        let counts: Vec<(&str, i64, bool)> =
            wine.alerts.iter().map(|a| (a.key.as_str(), a.count, a.cleared_ms.is_some())).collect();
        assert_eq!(counts, [("wine/data_drift", 2, false), ("wine/quality_drop", 1, false)]);
        let detail = respond.incident_detail("1").await.unwrap();
        let texts: Vec<&str> = detail.timeline.iter().map(|e| e.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "incident 1 opened, P2: wine: data_drift",
                "alert joined: wine: quality_drop",
                "cleared: wine: data_drift",
                "fired again (2 times): wine: data_drift",
            ]
        );
        assert_eq!(respond.open_incident("beer").await.unwrap().unwrap().number, 2);
    })
    .await;
}

#[tokio::test]
async fn many_alerts_at_once_open_one_incident() {
    each_database(&migrations(), |core| async move {
        let respond = line(&core);
        let tasks: Vec<_> = (0..12)
            .map(|i| {
                let respond = respond.clone();
                let kind = AlertKind::ALL[i % 4];
                tokio::spawn(async move { respond.alert(alert(&i.to_string(), kind, "wine")).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let all = respond.incidents(&IncidentFilter::default(), &Page::first(10)).await.unwrap().items;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].alerts.len(), 4);
        assert_eq!(all[0].alerts.iter().map(|a| a.count).sum::<i64>(), 12);
    })
    .await;
}

#[tokio::test]
async fn an_incident_is_taken_up_noted_and_resolved_once() {
    each_database(&migrations(), |core| async move {
        let respond = line(&core);
        respond.alert(alert("1", AlertKind::DataDrift, "wine")).await.unwrap();
        let taken = respond.acknowledge("1", &ann()).await.unwrap();
        assert_eq!((taken.status, taken.owner.as_deref()), (IncidentStatus::Acknowledged, Some("user:ann")));
        assert_eq!(respond.acknowledge("#1", &ann()).await.unwrap_err().code(), Code::Conflict);
        respond.note("1", "looking at | the feed", &ann()).await.unwrap();
        assert_eq!(respond.note("1", "  ", &ann()).await.unwrap_err().code(), Code::Invalid);
        assert!(respond.postmortem("1").await.unwrap().draft);

        let ended = respond.resolve(&taken.id, "the feed was fixed", &ann()).await.unwrap();
        assert_eq!(ended.status, IncidentStatus::Resolved);
        let told = respond.postmortem("1").await.unwrap();
        assert!(!told.draft);
        for part in
            ["# Incident 1: wine: data_drift", "the feed was fixed", "looking at \\| the feed", "user:ann"]
        {
            assert!(told.markdown.contains(part), "{part} missing in\n{}", told.markdown);
        }
        assert_eq!(respond.resolve("1", "again", &ann()).await.unwrap_err().code(), Code::Conflict);
        assert_eq!(respond.incident("99").await.unwrap_err().code(), Code::NotFound);
        // Trouble that returns opens a new one.
        respond.alert(alert("2", AlertKind::DataDrift, "wine")).await.unwrap();
        assert_eq!(respond.open_incident("wine").await.unwrap().unwrap().number, 2);
        assert!(core.journal.verify().await.unwrap().intact);
    })
    .await;
}

#[tokio::test]
async fn an_incident_is_over_when_every_alert_has_cleared() {
    let (_home, core) = fresh_home(&migrations()).await;
    let respond = line(&core);
    for (id, kind) in [("1", AlertKind::DataDrift), ("2", AlertKind::QualityDrop)] {
        respond.alert(alert(id, kind, "wine")).await.unwrap();
    }
    for (id, kind, open) in [("1", AlertKind::DataDrift, true), ("2", AlertKind::QualityDrop, false)] {
        let mut cleared = alert(id, kind, "wine");
        cleared.status = AlertStatus::Resolved;
        respond.alert(cleared).await.unwrap();
        assert_eq!(respond.incident("1").await.unwrap().status.is_open(), open);
    }
    assert!(respond.incident("1").await.unwrap().postmortem.is_some());
}

#[tokio::test]
async fn what_a_dead_process_drove_is_interrupted() {
    each_database(&migrations(), |core| async move {
        let respond = line(&core);
        respond.alert(alert("1", AlertKind::DataDrift, "wine")).await.unwrap();
        let incident = respond.incident("1").await.unwrap().id;
        let dead = rollout("r1", "wine", RolloutSettings::default());
        let run = runbook("b1", &incident, "wine", RetrainParameters::default());
        core.database
            .write(move |tx| {
                Box::pin(async move {
                    store::insert_rollout(tx, &dead, "gone/1/1").await?;
                    store::insert_runbook(tx, &run, "gone/1/1").await
                })
            })
            .await
            .unwrap();
        let alive = rollout("r2", "beer", RolloutSettings::default());
        core.database
            .write(move |tx| {
                Box::pin(
                    async move { store::insert_rollout(tx, &alive, ropewalk_core::lease::owner()).await },
                )
            })
            .await
            .unwrap();
        respond.recover().await.unwrap();
        respond.recover().await.unwrap();
        assert_eq!(respond.rollout("r1").await.unwrap().status, RolloutStatus::Interrupted);
        assert_eq!(respond.rollout("r2").await.unwrap().status, RolloutStatus::Running);
        assert_eq!(respond.runbook("b1").await.unwrap().status, StepStatus::Interrupted);
        assert_eq!(respond.abort_rollout("r1", &ann()).await.unwrap_err().code(), Code::Conflict);
        let told = respond.incident_detail("1").await.unwrap().timeline;
        assert_eq!(told.iter().filter(|event| event.text.contains("was interrupted")).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn nonsense_is_refused_with_a_hint() {
    let (_home, core) = fresh_home(&migrations()).await;
    let respond = line(&core);
    respond.alert(alert("1", AlertKind::DataDrift, "wine")).await.unwrap();
    let request = |name: &str, parameters: RetrainParameters| RunbookRequest {
        name: name.into(),
        dry_run: true,
        parameters,
    };
    let unknown =
        respond.run_runbook("1", request("reboot", RetrainParameters::default()), &ann()).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.advice().is_some());
    for parameters in [
        RetrainParameters { holdout: 0.0, ..RetrainParameters::default() },
        RetrainParameters { trials: 0, ..RetrainParameters::default() },
        RetrainParameters {
            rollout: RolloutSettings { steps: vec![50.0, 10.0], ..RolloutSettings::default() },
            ..RetrainParameters::default()
        },
        RetrainParameters {
            rollout: RolloutSettings { alpha: 0.0, ..RolloutSettings::default() },
            ..RetrainParameters::default()
        },
        RetrainParameters {
            rollout: RolloutSettings { poll_seconds: 0.0, ..RolloutSettings::default() },
            ..RetrainParameters::default()
        },
    ] {
        let refused = respond.run_runbook("1", request("retrain", parameters), &ann()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Invalid);
    }
    for subject in ["dataset:wine", "nothing", "endpoint:", "revision:wine"] {
        assert!(respond.why(subject).await.is_err(), "{subject}");
    }
    assert_eq!(respond.why("7").await.unwrap_err().code(), Code::NotFound);
    assert!(!respond.automatic("wine").await.unwrap().enabled);
    let setting = AutoRunbook { enabled: true, ..AutoRunbook::default() };
    assert_eq!(respond.set_automatic("nowhere", setting, &ann()).await.unwrap_err().code(), Code::NotFound);
}
