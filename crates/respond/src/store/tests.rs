#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::model::IncidentStatus;
use crate::rollout::model::{RolloutSettings, RolloutStatus};
use crate::runbook::model::{RetrainParameters, StepStatus};
use crate::testing::{incident, rollout, runbook};
use ropewalk_core::testing::each_database;
use ropewalk_core::{Code, Core};

async fn write<T: Send + 'static>(
    core: &Core,
    operation: impl for<'c> FnOnce(&'c mut Connection) -> futures_box::BoxFuture<'c, Result<T>> + Send + 'static,
) -> Result<T> {
    core.database.write(operation).await
}

/// The boxed future that the database takes, without a dependency for its name.
mod futures_box {
    pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
}

#[tokio::test]
async fn numbers_count_up_apart() {
    each_database(MIGRATIONS, |core| async move {
        for expected in 1..4 {
            assert_eq!(write(&core, |tx| Box::pin(next_number(tx, "a"))).await.unwrap(), expected);
        }
        assert_eq!(write(&core, |tx| Box::pin(next_number(tx, "b"))).await.unwrap(), 1);
        let mut connection = core.database.read().await.unwrap();
        assert_eq!(peek_number(&mut connection, "a").await.unwrap(), 3);
        assert_eq!(peek_number(&mut connection, "c").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn incidents_are_found_by_what_is_asked() {
    each_database(MIGRATIONS, |core| async move {
        for (id, number, endpoint, status) in [
            ("a", 1, "wine", IncidentStatus::Resolved),
            ("b", 2, "wine", IncidentStatus::Triggered),
            ("c", 3, "beer", IncidentStatus::Acknowledged),
        ] {
            let mut row = incident(id, number, endpoint);
            row.status = status;
            write(&core, move |tx| Box::pin(async move { insert_incident(tx, &row).await })).await.unwrap();
        }
        let mut connection = core.database.read().await.unwrap();
        let ids = |rows: Vec<Incident>| rows.into_iter().map(|i| i.id).collect::<Vec<_>>();
        let all = IncidentFilter::default();
        assert_eq!(ids(incidents(&mut connection, &all, 10, 0).await.unwrap()), ["c", "b", "a"]);
        assert_eq!(ids(incidents(&mut connection, &all, 1, 1).await.unwrap()), ["b"]);
        let wine =
            IncidentFilter { endpoint: Some("wine".into()), open_only: true, ..IncidentFilter::default() };
        assert_eq!(ids(incidents(&mut connection, &wine, 10, 0).await.unwrap()), ["b"]);
        let resolved = IncidentFilter { status: Some(IncidentStatus::Resolved), ..IncidentFilter::default() };
        assert_eq!(ids(incidents(&mut connection, &resolved, 10, 0).await.unwrap()), ["a"]);
        assert_eq!(open_incident(&mut connection, "wine", "monitoring").await.unwrap().unwrap().id, "b");
        assert!(open_incident(&mut connection, "wine", "bad_release").await.unwrap().is_none());
        assert_eq!(incident_by_number(&mut connection, 3).await.unwrap().unwrap(), {
            let mut row = incident("c", 3, "beer");
            row.status = IncidentStatus::Acknowledged;
            row
        });
        assert!(super::incident(&mut connection, "x").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn one_rollout_at_a_time_at_an_endpoint() {
    each_database(MIGRATIONS, |core| async move {
        let first = rollout("r1", "wine", RolloutSettings::default());
        let row = first.clone();
        write(&core, move |tx| Box::pin(async move { insert_rollout(tx, &row, "me").await })).await.unwrap();
        let second = rollout("r2", "wine", RolloutSettings::default());
        let row = second.clone();
        let error = write(&core, move |tx| Box::pin(async move { insert_rollout(tx, &row, "me").await }))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Conflict);

        let wished = write(&core, |tx| Box::pin(wish_rollout(tx, "r1", "pause"))).await.unwrap();
        assert!(wished);
        let mut ended = first.clone();
        ended.status = RolloutStatus::Completed;
        let row = ended.clone();
        assert!(
            write(&core, move |tx| Box::pin(async move { update_rollout(tx, &row, 7).await })).await.unwrap()
        );
        // An end is final: neither a late write nor a wish changes it.
        let late = first.clone();
        assert!(
            !write(&core, move |tx| Box::pin(async move { update_rollout(tx, &late, 8).await }))
                .await
                .unwrap()
        );
        assert!(!write(&core, |tx| Box::pin(wish_rollout(tx, "r1", "abort"))).await.unwrap());

        write(&core, move |tx| Box::pin(async move { insert_rollout(tx, &second, "other").await }))
            .await
            .unwrap();
        let mut connection = core.database.read().await.unwrap();
        assert_eq!(super::rollout(&mut connection, "r1").await.unwrap().unwrap(), ended);
        assert_eq!(rollout_wish(&mut connection, "r1").await.unwrap(), "pause");
        assert_eq!(rollouts(&mut connection, "wine", 10, 0).await.unwrap().len(), 2);
        let live = live_rollouts(&mut connection).await.unwrap();
        assert_eq!((live.len(), live[0].owner.as_str()), (1, "other"));
    })
    .await;
}

#[tokio::test]
async fn one_runbook_at_a_time_but_dry_runs_freely() {
    each_database(MIGRATIONS, |core| async move {
        let first = runbook("b1", "a", "wine", RetrainParameters::default());
        let row = first.clone();
        write(&core, move |tx| Box::pin(async move { insert_runbook(tx, &row, "me").await })).await.unwrap();
        let mut dry = runbook("b2", "a", "wine", RetrainParameters::default());
        dry.dry_run = true;
        dry.started_ms += 10;
        write(&core, move |tx| Box::pin(async move { insert_runbook(tx, &dry, "me").await })).await.unwrap();
        let second = runbook("b3", "a", "wine", RetrainParameters::default());
        let error = write(&core, move |tx| Box::pin(async move { insert_runbook(tx, &second, "me").await }))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Conflict);
        let mut ended = first.clone();
        ended.status = StepStatus::Done;
        let row = ended.clone();
        assert!(
            write(&core, move |tx| Box::pin(async move { update_runbook(tx, &row, 9).await })).await.unwrap()
        );
        assert!(
            !write(&core, move |tx| Box::pin(async move { update_runbook(tx, &first, 9).await }))
                .await
                .unwrap()
        );
        let mut connection = core.database.read().await.unwrap();
        assert_eq!(runbooks(&mut connection, "a").await.unwrap().len(), 2);
        assert_eq!(last_runbook_ms(&mut connection, "wine").await.unwrap(), Some(ended.started_ms));
        assert_eq!(last_runbook_ms(&mut connection, "beer").await.unwrap(), None);
        assert_eq!(live_runbooks(&mut connection).await.unwrap().len(), 1);
        assert_eq!(super::runbook(&mut connection, "b1").await.unwrap().unwrap(), ended);
    })
    .await;
}

#[tokio::test]
async fn the_automatic_setting_is_replaced() {
    each_database(MIGRATIONS, |core| async move {
        for enabled in [true, false] {
            let setting = AutoRunbook { enabled, ..AutoRunbook::default() };
            write(&core, move |tx| Box::pin(async move { set_automatic(tx, "wine", &setting).await }))
                .await
                .unwrap();
        }
        let mut connection = core.database.read().await.unwrap();
        assert!(!automatic(&mut connection, "wine").await.unwrap().unwrap().enabled);
        assert!(automatic(&mut connection, "beer").await.unwrap().is_none());
    })
    .await;
}
