//! A full disk: told as what it is, nothing half-written, and work goes on once there is space.

use serde_json::{Value, json};

use crate::support::fixture::{bring_up, good_request, prediction_id};
use crate::support::tmpfs::Disk;
use crate::support::{Place, Server};

fn log_batch(server: &Server, run: &str, step: u64) -> crate::support::http::Answer {
    let metrics: Vec<Value> =
        (0..200).map(|n| json!({"key": format!("m{n}"), "value": n, "timestamp": 1, "step": step})).collect();
    server.send("POST", "/api/2.0/mlflow/runs/log-batch", &json!({"run_id": run, "metrics": metrics}))
}

fn steps(server: &Server, run: &str) -> Vec<u64> {
    let history =
        server.get(&format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m7")).json();
    history["metrics"].as_array().unwrap().iter().map(|point| point["step"].as_u64().unwrap()).collect()
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let Some(disk) = Disk::mount(48) else {
        return println!("skipped: no small disk can be mounted here (that takes root on Linux)");
    };
    let place = Place::with_home(&disk.path().join("home"));
    bring_up(&place);
    let mut table = "a,b\n".to_owned();
    for row in 0..50_000_u64 {
        table.push_str(&format!("{row},{}\n", row.wrapping_mul(2_654_435_761) % 1_000_003));
    }
    place.write("big.csv", &table);

    // Without a server.
    disk.fill();
    let done = place.run(&["data", "commit", "big", "big.csv"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(done.out, "");
    assert!(done.err.contains("disk is full") && done.err.contains("hint: "), "{}", done.err);
    disk.free();
    assert_eq!(place.json(&["data", "ls"])["items"].as_array().unwrap().len(), 1);
    assert_eq!(place.json(&["data", "verify", "wine"])["ok"], true);

    // With one.
    let server = place.up();
    let created = server
        .send("POST", "/api/2.0/mlflow/runs/create", &json!({"experiment_id": "0", "start_time": 1}))
        .json();
    let run = created["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let predict = || server.send("POST", "/v2/models/wine/infer", &good_request());
    let first = predict();
    assert_eq!(first.status, 200, "{}", first.text());
    let mut predictions = vec![prediction_id(&first.json())];
    assert_eq!(log_batch(&server, &run, 0).status, 200);
    let mut batches = vec![0];

    disk.fill();
    // There may be room left in files that stand; once it is used up, everything that writes must say so.
    let mut told = (false, false);
    for step in 1..400 {
        if !told.0 {
            let answer = log_batch(&server, &run, step);
            match answer.status {
                200 => batches.push(step),
                507 => told.0 = answer.error().is_some(),
                other => panic!("{other}: {}", answer.text()),
            }
        }
        if !told.1 {
            let answer = predict();
            match answer.status {
                200 => predictions.push(prediction_id(&answer.json())),
                507 => told.1 = answer.error().is_some(),
                other => panic!("{other}: {}", answer.text()),
            }
        }
    }
    assert_eq!(told, (true, true), "a full disk is not told (metrics, predictions)");
    let done = place.run(&["data", "commit", "big", "big.csv"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("disk is full") && done.err.contains("hint: "), "{}", done.err);
    // Reading still works.
    assert_eq!(server.get("/api/v1/datasets").status, 200);
    assert_eq!(steps(&server, &run), batches);

    disk.free();
    let answer = log_batch(&server, &run, 1000);
    assert_eq!(answer.status, 200, "{}", answer.text());
    batches.push(1000);
    let answer = predict();
    assert_eq!(answer.status, 200, "{}", answer.text());
    predictions.push(prediction_id(&answer.json()));
    assert_eq!(place.json(&["data", "commit", "big", "big.csv"])["rows"], 50_000);
    server.kill();

    let server = place.up();
    assert_eq!(steps(&server, &run), batches, "a batch is there if, and only if, it was acknowledged");
    let logged = server.get("/api/v1/endpoints/wine/predictions?limit=10000").json();
    let logged: Vec<&str> = logged["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["prediction_id"].as_str().unwrap())
        .collect();
    for id in &predictions {
        assert!(logged.contains(&id.as_str()), "{id} is lost");
    }
    for dataset in ["wine", "big"] {
        assert_eq!(place.json(&["data", "verify", dataset])["ok"], true);
    }
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
}
