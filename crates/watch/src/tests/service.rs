use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Code, Page, now_ms};

use super::*;
use crate::{CaptureFilter, MIGRATIONS, MonitorSettings, Status, Window};

#[tokio::test]
async fn truths_join_their_predictions() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, _) = watch_over(&core);
        let start = now_ms();
        let ids = send(&watch, Traffic { rows: 10, ..USUAL }).await;
        let later = send(&watch, Traffic { rows: 4, revision: 2, ..USUAL }).await;
        let label = |id: &str, value: f64| Feedback { prediction_id: id.into(), value, time_ms: 5 };
        let items = vec![
            label(&ids[0], 3.0),
            label(&ids[1], 6.0),
            label("never predicted", 6.0),
            label(&ids[0], 7.0),
        ];
        assert_eq!(watch.feedback("wine", items).await.unwrap().accepted, 3);
        watch.feedback("wine", vec![label(&later[0], 5.9)]).await.unwrap();
        watch.feedback("wine", vec![]).await.unwrap();

        let all = watch.captured("wine", CaptureFilter::default()).await.unwrap();
        assert_eq!(all.rows(), 14);
        assert_eq!(all.values.iter().flatten().count(), 3);
        let known = CaptureFilter { labelled_only: true, limit: Some(2), ..CaptureFilter::default() };
        let known = watch.captured("wine", known).await.unwrap();
        assert_eq!((known.rows(), known.frame.rows()), (2, 2));
        assert_eq!(known.values.last().unwrap(), &Some(5.9));

        let outcomes = watch.outcomes("wine", None, start).await.unwrap();
        let mut labels: Vec<(i64, f64)> =
            outcomes.iter().map(|outcome| (outcome.revision, outcome.label)).collect();
        labels.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(labels, [(1, 1.0), (1, 1.0), (2, 0.0)], "the last value of a prediction counts");
        assert!(outcomes.iter().all(|outcome| outcome.labelled_ms == 5));
        assert_eq!(watch.outcomes("wine", Some(2), start).await.unwrap().len(), 1);
        assert!(watch.outcomes("wine", None, now_ms() + 60_000).await.unwrap().is_empty());

        for bad in [label(&ids[2], f64::NAN), label("", 1.0), label(&"x".repeat(129), 1.0)] {
            let error = watch.feedback("wine", vec![label(&ids[2], 1.0), bad]).await.unwrap_err();
            assert_eq!(error.code(), Code::Invalid);
        }
        let all = watch.captured("wine", CaptureFilter::default()).await.unwrap();
        assert_eq!(all.values.iter().flatten().count(), 3, "a refused call stores nothing");
    })
    .await;
}

#[tokio::test]
async fn usual_traffic_is_green_and_its_report_is_kept() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, ear) = watch_over(&core);
        let actor = Actor::user("ann");
        assert_eq!(
            watch.evaluate("wine", Window::default(), &actor).await.unwrap_err().code(),
            Code::Conflict
        );
        let ids = send(&watch, Traffic { rows: 60, ..USUAL }).await;
        let few = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!((few.status, few.rows), (Status::TooFew, 60));
        let mut all = send(&watch, USUAL).await;
        all.extend(ids);
        tell(&watch, &all, 10).await;
        let report = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!(
            (report.status, report.rows, report.labelled),
            (Status::Ok, 260, 260),
            "{:?}",
            report.findings
        );
        assert_eq!((report.model.as_str(), report.version, report.revision), ("m", 1, 1));
        assert!(report.realised_auc.unwrap() > 0.85 && report.realised_auc_low < report.realised_auc);
        assert!(report.brier.unwrap() < 0.25);
        assert!(ear.heard.lock().unwrap().is_empty());

        assert_eq!(watch.report(&report.id).await.unwrap(), report);
        assert_eq!(watch.report(&report.id[..30]).await.unwrap().id, report.id);
        assert_eq!(watch.report("nothing").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(watch.latest_report("wine").await.unwrap().unwrap().id, report.id);
        let page = watch.reports("wine", Page::first(1)).await.unwrap();
        assert_eq!(page.items[0].id, report.id);
        let next = watch.reports("wine", Page { limit: 1, token: page.next_token }).await.unwrap();
        assert_eq!((next.items[0].id.as_str(), next.next_token), (few.id.as_str(), None));
        let kept = core
            .database
            .write(|tx| Box::pin(async move { crate::store::forget_reports(tx, i64::MAX).await }))
            .await
            .unwrap();
        assert_eq!((kept, watch.latest_report("wine").await.unwrap().unwrap().id), (1, report.id));
    })
    .await;
}

#[tokio::test]
async fn settings_are_checked_kept_and_used() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, _) = watch_over(&core);
        let actor = Actor::user("ann");
        assert_eq!(watch.monitor("wine").await.unwrap(), MonitorSettings::default());
        let small = MonitorSettings { min_rows: 10, window_rows: 30, ..MonitorSettings::default() };
        watch.set_monitor("wine", small.clone(), &actor).await.unwrap();
        watch.set_monitor("wine", small.clone(), &actor).await.unwrap();
        assert_eq!(watch.monitor("wine").await.unwrap(), small);
        let usual = MonitorSettings::default;
        for wrong in [
            MonitorSettings { drift_share: 1.5, ..usual() },
            MonitorSettings { auc_drop: f64::NAN, ..usual() },
            MonitorSettings { interval_seconds: 0.0, ..usual() },
            MonitorSettings { window_rows: 0, ..usual() },
            MonitorSettings { min_rows: 501, ..usual() },
        ] {
            assert_eq!(watch.set_monitor("wine", wrong, &actor).await.unwrap_err().code(), Code::Invalid);
        }
        send(&watch, Traffic { rows: 50, ..USUAL }).await;
        let report = watch.evaluate("wine", Window::default(), &actor).await.unwrap();
        assert_eq!((report.rows, report.status), (30, Status::Ok));
    })
    .await;
}

#[tokio::test]
async fn the_loop_evaluates_what_came_in() {
    each_database(MIGRATIONS, |core| async move {
        let (watch, _) = watch_over(&core);
        let fast = MonitorSettings { interval_seconds: 0.1, ..MonitorSettings::default() };
        watch.set_monitor("wine", fast, &Actor::user("ann")).await.unwrap();
        let running = watch.clone();
        let task = tokio::spawn(async move { running.run_monitors().await });
        send(&watch, USUAL).await;
        let mut report = None;
        for _ in 0..100 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            report = watch.latest_report("wine").await.unwrap();
            if report.is_some() {
                break;
            }
        }
        task.abort();
        assert_eq!(report.unwrap().rows, 200);
    })
    .await;
}
