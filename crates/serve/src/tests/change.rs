use super::*;
use ropewalk_core::journal::Filter;
use ropewalk_core::testing::each_database;
use ropewalk_core::{Direction, Entry, Page, Reference};

async fn journal(core: &Core) -> Vec<Entry> {
    let page = Page { limit: 1000, token: None };
    core.journal.entries(&Filter::default(), &page).await.unwrap().items
}

fn percents(state: &crate::ServedState) -> Vec<(i64, f64)> {
    state.revisions.iter().map(|served| (served.revision, served.percent)).collect()
}

#[tokio::test]
async fn the_first_revision_gets_everything_and_later_ones_wait() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        assert_eq!(house.deploy(1, None).await, 1);
        assert_eq!(house.deploy(2, None).await, 2);
        let state = house.serve.read_back("wine").await.unwrap();
        assert_eq!(percents(&state), [(1, 100.0), (2, 0.0)]);
        assert!(state.revisions.iter().all(|served| served.loaded), "{state:?}");
        assert_eq!(state.sole_revision(), Some(1));
        assert_eq!(house.deploy(3, Some(10.0)).await, 3);
        assert_eq!(percents(&house.serve.read_back("wine").await.unwrap()), [(1, 90.0), (2, 0.0), (3, 10.0)]);
        assert_eq!(house.serve.get("wine").await.unwrap().revisions[2].version, 3);
    })
    .await;
}

#[tokio::test]
async fn traffic_moves_and_rolls_back_with_proof() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        house.deploy(1, None).await;
        house.deploy(2, None).await;
        for percent in [10.0, 50.0, 100.0] {
            let state = house
                .serve
                .set_traffic("wine", vec![share(1, 100.0 - percent), share(2, percent)], "step", &ann())
                .await
                .unwrap();
            assert_eq!(percents(&state), [(1, 100.0 - percent), (2, percent)]);
        }
        let back = house.serve.rollback("wine", None, "quality fell", &ann()).await.unwrap();
        assert_eq!((back.sole_revision(), back.revisions[0].bundle_hash.as_str()), (Some(1), "hash-1"));
        assert_eq!(
            house.serve.predict("wine", request(1), vec![]).await.unwrap().probabilities().unwrap(),
            [0.01]
        );
        let nowhere = house.serve.rollback("wine", None, "again", &ann()).await.unwrap_err();
        assert_eq!(nowhere.code(), Code::Conflict);
        let forward = house.serve.rollback("wine", 2, "it was fine", &ann()).await.unwrap();
        assert_eq!(forward.sole_revision(), Some(2));
        let kinds: Vec<String> =
            house.serve.changes("wine", 100).await.unwrap().into_iter().map(|change| change.kind).collect();
        assert_eq!(kinds, ["rollback", "rollback", "traffic", "traffic", "traffic", "deploy", "deploy"]);
    })
    .await;
}

#[tokio::test]
async fn the_journal_tells_it_all_and_lineage_follows() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core.clone());
        house.deploy(1, None).await;
        house.deploy(2, None).await;
        house.serve.set_traffic("wine", vec![share(2, 100.0)], "", &ann()).await.unwrap();
        house.serve.rollback("wine", 1, "bad", &ann()).await.unwrap();
        let entries = journal(&core).await;
        let verbs: Vec<&str> = entries.iter().map(|entry| entry.verb.as_str()).collect();
        assert_eq!(
            verbs,
            [
                "deploy", "traffic", "readback", "deploy", "readback", "traffic", "readback", "rollback",
                "readback"
            ]
        );
        assert!(
            entries
                .iter()
                .filter(|entry| entry.verb == "readback")
                .all(|entry| entry.facts["proven"] == true)
        );
        assert!(
            entries.iter().all(|entry| entry.subject.as_str() == "endpoint:wine" && entry.actor == ann())
        );
        let model = Reference::new("model", "wine-quality/1");
        let lineage = core.journal.lineage(&model, Direction::Downstream, 5).await.unwrap();
        let fed: Vec<&str> = lineage.nodes.iter().map(|node| node.reference.as_str()).collect();
        assert!(fed.contains(&"revision:wine/1") && fed.contains(&"endpoint:wine"), "{fed:?}");
        let spent = Ledger::new(core.clone()).summary(Default::default()).await.unwrap();
        assert_eq!(spent.entries, 2);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_served_changes_nothing() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core.clone());
        house.deploy(1, None).await;
        let before = (house.serve.get("wine").await.unwrap(), journal(&core).await.len());
        house.source.put(4, Behaviour::CannotLoad);
        house.source.put(5, Behaviour::Answers(0.05));
        house.source.change(5, |fake| fake.failed_gates = vec!["auc 0.4 below 0.7".into()]);
        let ask = |endpoint: &str, model: &str, weight| DeployRequest {
            endpoint: endpoint.into(),
            model: model.into(),
            weight,
            ..DeployRequest::default()
        };
        for (request, code) in [
            (ask("wine", "wine-quality/4", None), Code::Corrupt),
            (ask("wine", "wine-quality/5", None), Code::GateFailed),
            (ask("wine", "wine-quality/9", None), Code::NotFound),
            (ask("wine", "wine-quality/2", Some(101.0)), Code::Invalid),
            (ask("Wine/2", "wine-quality/2", None), Code::Invalid),
            (ask("other", "wine-quality/2", Some(5.0)), Code::Invalid),
        ] {
            assert_eq!(house.serve.deploy(request, &ann()).await.unwrap_err().code(), code);
        }
        for (shares, code) in [(vec![share(1, 99.0)], Code::Invalid), (vec![share(7, 100.0)], Code::Invalid)]
        {
            assert_eq!(house.serve.set_traffic("wine", shares, "", &ann()).await.unwrap_err().code(), code);
        }
        assert_eq!(
            house.serve.set_traffic("beer", vec![], "", &ann()).await.unwrap_err().code(),
            Code::NotFound
        );
        assert_eq!(house.serve.rollback("wine", 7, "", &ann()).await.unwrap_err().code(), Code::NotFound);
        assert_eq!((house.serve.get("wine").await.unwrap(), journal(&core).await.len()), before);
        assert_eq!(house.serve.list().await.unwrap().len(), 1);

        let forced = DeployRequest { force: true, ..ask("wine", "wine-quality/5", None) };
        house.serve.deploy(forced, &ann()).await.unwrap();
        let told = journal(&core).await.into_iter().rev().find(|entry| entry.verb == "deploy").unwrap();
        assert_eq!(
            (&told.facts["forced"], &told.facts["failed_gates"][0]),
            (&json!(true), &json!("auc 0.4 below 0.7"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_restart_restores_what_was_served() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        for version in 1..=3 {
            house.deploy(version, None).await;
        }
        house.serve.set_traffic("wine", vec![share(2, 100.0)], "", &ann()).await.unwrap();
        let again = house.another_process();
        again.restore().await.unwrap();
        let state = again.read_back("wine").await.unwrap();
        assert_eq!(percents(&state), [(1, 0.0), (2, 100.0), (3, 0.0)]);
        let loaded: Vec<bool> = state.revisions.iter().map(|served| served.loaded).collect();
        assert_eq!(loaded, [false, true, false], "only what has traffic is loaded");
        // A revision that is not in memory is loaded before it gets traffic, and when it is asked for by number.
        assert_eq!(
            again.predict_with("wine", Some(3), request(1), vec![]).await.unwrap().probabilities().unwrap(),
            [0.03]
        );
        assert_eq!(again.rollback("wine", 1, "", &ann()).await.unwrap().sole_revision(), Some(1));
    })
    .await;
}

#[tokio::test]
async fn another_processs_change_is_picked_up() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        house.deploy(1, None).await;
        house.deploy(2, None).await;
        let other = house.another_process();
        assert_eq!(other.read_back("wine").await.unwrap().sole_revision(), Some(1));
        house.serve.set_traffic("wine", vec![share(2, 100.0)], "", &ann()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        assert_eq!(other.predict("wine", request(1), vec![]).await.unwrap().model_version, "2");
        assert_eq!(other.read_back("wine").await.unwrap().sole_revision(), Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_changed_since_is_not_served() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        house.deploy(1, None).await;
        house.source.change(1, |fake| fake.hash = "another".into());
        let again = house.another_process();
        let state = again.read_back("wine").await.unwrap();
        assert!(
            !state.revisions[0].loaded
                && state.revisions[0].problem.as_ref().unwrap().contains("not what was deployed")
        );
        let error = again.predict("wine", request(1), vec![]).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        house.deploy(2, None).await;
        let refused = again.set_traffic("wine", vec![share(1, 100.0)], "", &ann()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
    })
    .await;
}

#[tokio::test]
async fn idle_models_leave_memory() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        for version in [1, 2, 3, 1, 2, 3] {
            house.deploy(version, None).await;
        }
        let state = house.serve.read_back("wine").await.unwrap();
        let loaded: Vec<i64> =
            state.revisions.iter().filter(|served| served.loaded).map(|served| served.revision).collect();
        assert_eq!(loaded, [1, 5, 6]);
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_nothing_half_done() {
    let (_home, core) = ropewalk_core::testing::fresh_home(&migrations()).await;
    let house = House::new(core.clone());
    house.deploy(1, None).await;
    house.deploy(2, None).await;
    let actor = ann();
    let change = house.serve.set_traffic("wine", vec![share(2, 100.0)], "", &actor);
    // The caller hangs up at once; the change was begun.
    assert!(tokio::time::timeout(std::time::Duration::ZERO, change).await.is_err());
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        if journal(&core).await.last().unwrap().facts["after"] == "traffic" {
            break;
        }
    }
    let last = journal(&core).await.pop().unwrap();
    assert_eq!((last.verb.as_str(), &last.facts["proven"]), ("readback", &json!(true)));
    assert_eq!(house.serve.read_back("wine").await.unwrap().sole_revision(), Some(2));
}
