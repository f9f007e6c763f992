//! Killed at any moment: what was acknowledged is there, and everything still works.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::fixture::{bring_up, good_request, prediction_id};
use crate::support::{Place, Server};

/// What a server has said that it keeps.
#[derive(Default)]
struct Acknowledged {
    /// Prediction identifiers.
    predictions: Mutex<BTreeSet<String>>,
    /// Observed values by prediction.
    feedback: Mutex<BTreeMap<String, f64>>,
    /// Steps of the metric `m`.
    steps: Mutex<BTreeSet<u64>>,
    /// The next step that is logged.
    next_step: AtomicU64,
}

/// Milliseconds that differ from run to run, from `least` up to `most`.
fn some_time(least: u64, most: u64) -> Duration {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    Duration::from_millis(least + u64::from(nanos / 1000) % (most - least))
}

/// Predict, and now and then tell what was observed, until the server is gone.
fn predict(server: &Server, over: &AtomicBool, kept: &Acknowledged) {
    let body = good_request().to_string();
    let mut count = 0_u32;
    while !over.load(Ordering::Relaxed) {
        let Ok(answer) = server.request("POST", "/v2/models/wine/infer", &[], body.as_bytes()) else {
            return;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let id = prediction_id(&answer.json());
        kept.predictions.lock().unwrap().insert(id.clone());
        count += 1;
        if count.is_multiple_of(3) {
            let value = f64::from(count % 5 + 3);
            let body = json!([{"prediction_id": id, "value": value}]).to_string();
            let Ok(answer) = server.request("POST", "/api/v1/endpoints/wine/feedback", &[], body.as_bytes())
            else {
                return;
            };
            assert_eq!(answer.status, 200, "{}", answer.text());
            kept.feedback.lock().unwrap().insert(id, value);
        }
    }
}

/// Log a metric in batches until the server is gone.
fn log(server: &Server, run: &str, over: &AtomicBool, kept: &Acknowledged) {
    while !over.load(Ordering::Relaxed) {
        let first = kept.next_step.fetch_add(5, Ordering::Relaxed);
        let metrics: Vec<Value> = (first..first + 5)
            .map(|step| json!({"key": "m", "value": step as f64 / 2.0, "timestamp": 1_700_000_000_000_u64 + step, "step": step}))
            .collect();
        let body = json!({"run_id": run, "metrics": metrics}).to_string();
        let Ok(answer) = server.request("POST", "/api/2.0/mlflow/runs/log-batch", &[], body.as_bytes())
        else {
            return;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        kept.steps.lock().unwrap().extend(first..first + 5);
    }
}

/// All that was acknowledged must be there.
fn check(server: &Server, run: &str, kept: &Acknowledged) {
    let logged = server.get("/api/v1/endpoints/wine/predictions?limit=10000").json();
    let logged: BTreeMap<&str, Option<f64>> = logged["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["prediction_id"].as_str().unwrap(), item["value"].as_f64()))
        .collect();
    let predictions = kept.predictions.lock().unwrap();
    assert!(predictions.len() < 10_000, "the route tells of 10,000 at most");
    let lost: Vec<&String> = predictions.iter().filter(|id| !logged.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} predictions are lost: {lost:?}", lost.len(), predictions.len());
    for (id, value) in kept.feedback.lock().unwrap().iter() {
        assert_eq!(logged[id.as_str()], Some(*value), "the feedback on {id}");
    }
    let history = server
        .get(&format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m&max_results=25000"))
        .json();
    let steps: BTreeMap<u64, f64> = history["metrics"]
        .as_array()
        .cloned()
        .unwrap_or_default()
        .iter()
        .map(|point| (point["step"].as_u64().unwrap(), point["value"].as_f64().unwrap()))
        .collect();
    for step in kept.steps.lock().unwrap().iter() {
        assert_eq!(steps.get(step), Some(&(*step as f64 / 2.0)), "step {step}");
    }
    // A batch is there as a whole or not at all.
    for batch in steps.keys().map(|step| step / 5 * 5).collect::<BTreeSet<_>>() {
        assert!(
            (batch..batch + 5).all(|step| steps.contains_key(&step)),
            "the batch from step {batch} is half there"
        );
    }
}

#[test]
fn what_a_killed_server_acknowledged_is_kept() {
    let place = Place::new();
    bring_up(&place);
    let mut server = place.up();
    let created = server
        .send("POST", "/api/2.0/mlflow/runs/create", &json!({"experiment_id": "0", "start_time": 1}))
        .json();
    let run = created["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let kept = Acknowledged::default();
    for _ in 0..4 {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| predict(&server, &over, &kept));
            }
            scope.spawn(|| log(&server, &run, &over, &kept));
            std::thread::sleep(some_time(300, 1300));
            let process = libc::pid_t::try_from(server.process()).unwrap();
            // SAFETY: the process is a child that was not waited for, so that its number is still its own.
            assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
            // Requests on the way fail; those after it find nobody.
            std::thread::sleep(Duration::from_millis(50));
            over.store(true, Ordering::Relaxed);
        });
        server.kill();
        server = place.up();
        check(&server, &run, &kept);
    }
    let count = kept.predictions.lock().unwrap().len();
    assert!(
        count > 20 && kept.steps.lock().unwrap().len() > 20 && kept.feedback.lock().unwrap().len() > 5,
        "{count}"
    );
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
    assert_eq!(place.json(&["data", "verify", "wine"])["ok"], true);
    server.stop();
    // And once more without a server, whose tidying at the end has rolled the log.
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
    let server = place.up();
    check(&server, &run, &kept);
}

#[test]
fn a_commit_that_is_killed_leaves_the_dataset_whole() {
    let place = Place::new();
    let table = |seed: u64| {
        let mut text = "a,b,c\n".to_owned();
        let mut state = seed;
        for row in 0..30_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{row},{},{}\n", state >> 40, state >> 50));
        }
        text
    };
    place.write("big.csv", table(1));
    let started = Instant::now();
    place.ok(&["data", "commit", "big", "big.csv", "-m", "first"]);
    let whole = u64::try_from(started.elapsed().as_millis()).unwrap();
    let mut commits = 1;
    for round in 2..8_u64 {
        place.write("big.csv", table(round));
        let mut child = place
            .command(&["data", "commit", "big", "big.csv", "-m", "cut off"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(some_time(whole / 8, whole + 20));
        child.kill().unwrap();
        child.wait().unwrap();
        let log = place.json(&["data", "log", "big"]);
        let found = log["items"].as_array().unwrap().len();
        assert!(found == commits || found == commits + 1, "{found} commits after {commits}");
        commits = found;
        assert_eq!(place.json(&["data", "verify", "big"])["ok"], true, "round {round}");
    }
    place.write("big.csv", "a,b,c\n1,2,3\n");
    assert_eq!(place.json(&["data", "commit", "big", "big.csv", "-m", "last"])["rows"], 1);
    assert_eq!(place.ok(&["data", "cat", "big/big.csv"]).out, "a,b,c\n1,2,3\n");
    assert_eq!(place.json(&["data", "verify", "big"])["ok"], true);
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
}
