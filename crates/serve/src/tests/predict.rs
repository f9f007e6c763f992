use super::*;
use ropewalk_core::testing::{each_database, fresh_home};

#[tokio::test]
async fn an_answer_is_in_the_log_before_it_leaves() {
    each_database(&migrations(), |core| async move {
        let house = House::new(core);
        house.deploy(1, None).await;
        let response = house.serve.predict("wine", request(3), vec![]).await.unwrap();
        assert_eq!(response.probabilities().unwrap(), [0.01; 3]);
        let batches = house.sink.batches.lock().unwrap();
        let batch = &batches[0];
        assert_eq!(
            (batch.endpoint.as_str(), batch.revision, batch.model.as_str(), batch.version),
            ("wine", 1, "wine-quality", 1)
        );
        assert_eq!(
            (batch.ids.as_slice(), batch.scores.as_slice()),
            (response.prediction_ids().unwrap(), &[0.01_f32; 3][..])
        );
        assert_eq!(batch.inputs.number("fixed acidity").unwrap(), [7.0, 8.0, 9.0]);
        assert!(batch.error.is_none() && batch.time_ms > 0);
    })
    .await;
}

#[tokio::test]
async fn without_a_log_there_is_no_answer_unless_the_endpoint_says_so() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(1, None).await;
    house.sink.fails.store(true, Ordering::Relaxed);
    let error = house.serve.predict("wine", request(1), vec![]).await.unwrap_err();
    assert_eq!(error.code(), Code::DiskFull);
    assert!(error.to_string().contains("the disk is full") && error.advice().is_some());
    let loose = crate::EndpointSettings { require_log: Some(false) };
    assert!(!house.serve.configure("wine", loose, &ann()).await.unwrap().require_log);
    assert_eq!(house.serve.configure("beer", loose, &ann()).await.unwrap_err().code(), Code::NotFound);
    house.serve.predict("wine", request(1), vec![]).await.unwrap();
    let figures = house.serve.statistics("wine").await.unwrap().total;
    assert_eq!((figures.requests, figures.failures, figures.log_failures), (2, 1, 1));
}

#[tokio::test]
async fn prediction_ids_are_the_callers_if_given() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(1, None).await;
    let ids = vec!["a".to_owned(), "b".to_owned()];
    let response = house.serve.predict("wine", request(2), ids.clone()).await.unwrap();
    assert_eq!(response.prediction_ids().unwrap(), ids);
    for bad in [vec!["a".to_owned()], vec!["a".to_owned(), String::new()]] {
        assert_eq!(house.serve.predict("wine", request(2), bad).await.unwrap_err().code(), Code::Invalid);
    }
}

#[tokio::test]
async fn many_rows_are_scored_aside() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(2, None).await;
    let response = house.serve.predict("wine", request(5000), vec![]).await.unwrap();
    assert_eq!(response.probabilities().unwrap().len(), 5000);
    let ids: std::collections::BTreeSet<&String> = response.prediction_ids().unwrap().iter().collect();
    assert_eq!(ids.len(), 5000);
}

#[tokio::test]
async fn a_broken_model_is_a_failure_and_a_bad_row_is_not() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    for (version, behaviour) in [
        (6, Behaviour::Fails),
        (7, Behaviour::Panics),
        (8, Behaviour::RefusesRows),
        (9, Behaviour::Answers(f32::NAN)),
    ] {
        house.source.put(version, behaviour);
        house.deploy(version, None).await;
    }
    for (revision, code) in
        [(1, Code::Internal), (2, Code::Internal), (3, Code::Invalid), (4, Code::Internal)]
    {
        let error = house.serve.predict_with("wine", Some(revision), request(1), vec![]).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let statistics = house.serve.statistics("wine").await.unwrap();
    assert_eq!((statistics.total.failures, statistics.total.refused), (3, 1));
    let logged: Vec<(i64, bool)> = house
        .sink
        .batches
        .lock()
        .unwrap()
        .iter()
        .map(|batch| (batch.revision, batch.error.is_some() && batch.scores.is_empty()))
        .collect();
    assert_eq!(logged, [(1, true), (2, true), (4, true)]);
}

#[tokio::test]
async fn small_samples_follow_the_split() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::new(core);
    house.deploy(1, None).await;
    house.deploy(2, Some(10.0)).await;
    for _ in 0..40 {
        house.serve.predict("wine", request(1), vec![]).await.unwrap();
    }
    let state = house.serve.read_back("wine").await.unwrap();
    assert_eq!(state.revisions.iter().map(|served| served.requests).collect::<Vec<_>>(), [36, 4]);
}
