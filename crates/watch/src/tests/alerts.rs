use ropewalk_core::journal::Filter;
use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Direction, Page, Reference as Thing};

use super::*;
use crate::{AlertKind, AlertStatus, MIGRATIONS, Status, Window};

fn moved(revision: i64) -> Traffic {
    Traffic { revision, rows: 500, shift: 0.6, missing_every: 0 }
}

async fn heard(ear: &Ear) -> Vec<(AlertKind, AlertStatus)> {
    ear.heard.lock().unwrap().drain(..).map(|alert| (alert.kind, alert.status)).collect()
}

#[tokio::test]
async fn a_drift_fires_once_and_resolves_when_it_is_over() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        let actor = Watch::monitor_actor();
        send(&watch, moved(1)).await;
        let first = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!((first.status, first.share_drifted), (Status::Alert, 1.0));
        let mut fired = heard(&ear).await;
        fired.sort_by_key(|(kind, _)| kind.as_str());
        assert_eq!(
            fired,
            [(AlertKind::DataDrift, AlertStatus::Firing), (AlertKind::PredictionDrift, AlertStatus::Firing)]
        );
        assert_eq!(first.alerts.len(), 2);
        assert_eq!(first.alerts[0].key, "wine/data_drift");

        let again = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!(again.alerts, first.alerts, "the same alerts, not new ones");
        assert!(heard(&ear).await.is_empty());

        // A look back and a look at another revision neither fire nor resolve.
        send(&watch, Traffic { revision: 2, rows: 150, ..USUAL }).await;
        send(&watch, Traffic { rows: 50, ..moved(1) }).await;
        let aside = watch.evaluate("wine", Window::default().of_revision(2), &actor).await.unwrap();
        assert_eq!((aside.status, aside.alerts.len()), (Status::Ok, 0));
        assert!(heard(&ear).await.is_empty());

        send(&watch, Traffic { rows: 500, ..USUAL }).await;
        let over = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!((over.status, over.alerts.len()), (Status::Ok, 0));
        assert!(heard(&ear).await.iter().all(|(_, status)| *status == AlertStatus::Resolved));
        let resolved =
            watch.alerts(Some("wine"), Some(AlertStatus::Resolved), Page::first(10)).await.unwrap().items;
        assert_eq!(resolved.len(), 2);
        assert!(resolved.iter().all(|alert| alert.resolved_by.as_deref() == Some(over.id.as_str())));
        assert!(
            watch.alerts(None, Some(AlertStatus::Firing), Page::first(10)).await.unwrap().items.is_empty()
        );

        // It may fire again later, as a new alert of the same key.
        send(&watch, moved(1)).await;
        let anew = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!(anew.alerts[0].key, first.alerts[0].key);
        assert_ne!(anew.alerts[0].id, first.alerts[0].id);

        let verbs = |verb: &str| Filter { verb: Some(verb.into()), ..Filter::default() };
        let count = |entries: ropewalk_core::Paged<ropewalk_core::Entry>| entries.items.len();
        assert_eq!(count(core.journal.entries(&verbs("alert.fire"), &Page::first(50)).await.unwrap()), 4);
        assert_eq!(count(core.journal.entries(&verbs("alert.resolve"), &Page::first(50)).await.unwrap()), 2);
        // Fired, aside, over, anew; the evaluation that changed nothing is no entry.
        assert_eq!(count(core.journal.entries(&verbs("drift"), &Page::first(50)).await.unwrap()), 4);
        let line = core
            .journal
            .lineage(&Thing::new("alert", &first.alerts[0].id), Direction::Upstream, 5)
            .await
            .unwrap();
        for origin in [format!("report:{}", first.id), "endpoint:wine".into(), "model:m/1".into()] {
            assert!(line.nodes.iter().any(|node| node.reference.as_str() == origin), "{origin}: {line:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn quality_fires_only_when_it_is_surely_lower() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        let actor = Actor::user("ann");
        let ids = send(&watch, Traffic { rows: 400, ..USUAL }).await;
        tell(&watch, &ids[..50], 45).await;
        let few = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!((few.labelled, few.status), (50, Status::Ok), "fifty truths are too few to judge by");
        tell(&watch, &ids, 25).await;
        let bad = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert!(bad.realised_auc_high.unwrap() < 0.85, "{bad:?}");
        assert_eq!(heard(&ear).await, [(AlertKind::QualityDrop, AlertStatus::Firing)]);
        assert_eq!(bad.alerts[0].severity, "critical");
        tell(&watch, &ids, 0).await;
        watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!(heard(&ear).await, [(AlertKind::QualityDrop, AlertStatus::Resolved)]);
    })
    .await;
}

#[tokio::test]
async fn missing_values_fire() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        send(&watch, Traffic { missing_every: 3, ..USUAL }).await;
        let report = watch.evaluate("wine", Window::default(), &Watch::monitor_actor()).await.unwrap();
        assert_eq!(heard(&ear).await, [(AlertKind::MissingShare, AlertStatus::Firing)]);
        assert!(report.alerts[0].text.contains("x 34 %"), "{}", report.alerts[0].text);
    })
    .await;
}

#[tokio::test]
async fn an_alert_that_is_refused_is_delivered_later() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        *ear.broken.lock().unwrap() = true;
        send(&watch, moved(1)).await;
        watch.evaluate("wine", Window::default(), &Watch::monitor_actor()).await.unwrap();
        assert!(heard(&ear).await.is_empty());
        // Another process on the same home takes it over.
        let (other, ear) = watch_over(&core);
        other.deliver().await;
        assert_eq!(heard(&ear).await.len(), 2);
        other.deliver().await;
        assert!(heard(&ear).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_sink_may_evaluate_without_waiting_for_itself() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        *ear.back.lock().unwrap() = Some(watch.clone());
        send(&watch, moved(1)).await;
        let actor = Watch::monitor_actor();
        let evaluation = watch.evaluate("wine", Window::default(), &actor);
        tokio::time::timeout(std::time::Duration::from_secs(5), evaluation).await.unwrap().unwrap();
        assert_eq!(heard(&ear).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_main_revision_changes_only_when_another_clearly_took_over() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, _) = watch_over(&core);
        let actor = Watch::monitor_actor();
        send(&watch, USUAL).await;
        assert_eq!(watch.evaluate("wine", Window::default(), &actor).await.unwrap().revision, 1);
        send(&watch, Traffic { revision: 2, rows: 60, ..USUAL }).await;
        assert_eq!(watch.evaluate("wine", Window::default(), &actor).await.unwrap().revision, 1);
        send(&watch, Traffic { revision: 2, rows: 60, ..USUAL }).await;
        assert_eq!(watch.evaluate("wine", Window::default(), &actor).await.unwrap().revision, 2);
    })
    .await;
}
