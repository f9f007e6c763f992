use super::*;
use ropewalk_core::testing::fresh_home;
use std::time::{Duration, Instant};

/// Clients keep asking while traffic moves, revisions come and traffic rolls back: not one request fails, and each is
/// answered by a revision that had traffic or was losing it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_while_everything_changes() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(1, None).await;
    house.deploy(2, None).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (serve, stop) = (house.serve.clone(), stop.clone());
            tokio::spawn(async move {
                let (mut answered, mut slowest) = (0_usize, Duration::ZERO);
                while !stop.load(Ordering::Relaxed) {
                    let rows = if answered % 50 == 7 { 400 } else { 1 + client % 3 };
                    let asked = Instant::now();
                    let response =
                        serve.predict("wine", request(rows), vec![]).await.expect("no request fails");
                    slowest = slowest.max(asked.elapsed());
                    assert_eq!(response.probabilities().unwrap().len(), rows);
                    let expected =
                        response.parameters["model_version"].as_str().unwrap().parse::<f32>().unwrap()
                            / 100.0;
                    assert!(
                        (response.probabilities().unwrap()[0] - expected).abs() < 1e-6,
                        "scored by another model than it says"
                    );
                    answered += 1;
                }
                (answered, slowest)
            })
        })
        .collect();
    let mut rollbacks = Vec::new();
    for round in 0..12 {
        for percent in [10.0, 50.0, 100.0] {
            house
                .serve
                .set_traffic("wine", vec![share(1, 100.0 - percent), share(2, percent)], "step", &ann())
                .await
                .unwrap();
        }
        let started = Instant::now();
        let state = house.serve.rollback("wine", 1, "back", &ann()).await.unwrap();
        rollbacks.push(started.elapsed());
        assert_eq!(state.sole_revision(), Some(1));
        // Requests from here on are all answered by revision 1.
        assert_eq!(house.serve.predict("wine", request(1), vec![]).await.unwrap().model_version, "1");
        if round % 3 == 0 {
            house.deploy(3, None).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap().0;
    }
    let figures = house.serve.statistics("wine").await.unwrap().total;
    assert_eq!((figures.failures, figures.refused), (0, 0));
    assert_eq!(figures.requests as usize, answered + 12);
    assert!(answered > 100, "only {answered} requests were made");
    assert_eq!(house.sink.batches.lock().unwrap().len(), answered + 12);
    assert!(rollbacks.iter().all(|time| *time < Duration::from_secs(5)), "{rollbacks:?}");
}

/// Many first requests at once: all wait for the table instead of finding none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_requests_wait_for_the_table() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(1, None).await;
    let loads = house.source.loads.load(Ordering::Relaxed);
    let again = house.another_process();
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let serve = again.clone();
            tokio::spawn(async move { serve.predict("wine", request(1), vec![]).await })
        })
        .collect();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(house.source.loads.load(Ordering::Relaxed), loads + 1);
}

/// Deployments that race get a revision each, and the last table shows them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_deployments_are_all_kept() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    let deployments: Vec<_> = (0..6)
        .map(|turn| {
            let house = house.clone();
            tokio::spawn(async move { house.deploy(1 + turn % 3, None).await })
        })
        .collect();
    let mut revisions = Vec::new();
    for deployment in deployments {
        revisions.push(deployment.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(house.serve.read_back("wine").await.unwrap().sole_revision(), Some(1));
}
