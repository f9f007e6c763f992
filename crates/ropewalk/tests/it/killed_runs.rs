//! Killed again and again while clients log: of runs, what was acknowledged is there, counted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Place, Server};

/// How often the server is killed.
const KILLS: u64 = 10;
/// How many clients log at once, each to runs of its own.
const CLIENTS: u64 = 4;

/// What a server has said that it keeps of one run.
#[derive(Default, Clone)]
struct Kept {
    /// Steps of the metric `single`, logged one by one.
    singles: Vec<u64>,
    /// Steps of the metric `batch`, logged five at a time.
    batches: Vec<u64>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    /// The last status that was acknowledged.
    status: Option<&'static str>,
}

type Runs = Mutex<BTreeMap<String, Kept>>;

/// Logs all that can be logged until the server is gone.
fn client(server: &Server, over: &AtomicBool, next: &AtomicU64, kept: &Runs) {
    let send = |path: &str, body: &Value| {
        let path = format!("/api/2.0/mlflow/{path}");
        let answer = server.request("POST", &path, &[], body.to_string().as_bytes()).ok()?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        Some(answer.json())
    };
    while !over.load(Ordering::Relaxed) {
        let Some(created) = send("runs/create", &json!({"experiment_id": "0", "start_time": 1})) else {
            return;
        };
        let run = created["run"]["info"]["run_id"].as_str().unwrap().to_owned();
        let note = |change: &dyn Fn(&mut Kept)| change(kept.lock().unwrap().entry(run.clone()).or_default());
        note(&|_| {});
        for _ in 0..20 {
            let step = next.fetch_add(5, Ordering::Relaxed);
            let metric = |key: &str, step: u64| json!({"key": key, "value": step as f64 / 2.0, "timestamp": step, "step": step});
            let mut single = metric("single", step);
            single["run_id"] = json!(run);
            if send("runs/log-metric", &single).is_none() {
                return;
            }
            note(&|kept| kept.singles.push(step));
            let (key, value) = (format!("k{step}"), format!("v{step}"));
            let body = json!({
                "run_id": run,
                "metrics": (step..step + 5).map(|step| metric("batch", step)).collect::<Vec<_>>(),
                "params": [{"key": key, "value": value}],
                "tags": [{"key": "last", "value": value}, {"key": key, "value": value}],
            });
            if send("runs/log-batch", &body).is_none() {
                return;
            }
            note(&|kept| {
                kept.batches.extend(step..step + 5);
                kept.params.insert(key.clone(), value.clone());
                kept.tags.insert("last".to_owned(), value.clone());
                kept.tags.insert(key.clone(), value.clone());
            });
        }
        if send("runs/update", &json!({"run_id": run, "status": "FINISHED", "end_time": 2})).is_none() {
            return;
        }
        note(&|kept| kept.status = Some("FINISHED"));
    }
}

/// The whole history of a metric.
fn history(server: &Server, run: &str, key: &str) -> BTreeMap<u64, f64> {
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key={key}&max_results=25000");
    let points = server.get(&path).json()["metrics"].as_array().cloned().unwrap_or_default();
    points.iter().map(|point| (point["step"].as_u64().unwrap(), point["value"].as_f64().unwrap())).collect()
}

/// Counts what is there of all that was acknowledged: every run, and nothing of a run twice or half.
fn check(server: &Server, kept: &Runs) {
    for (run, kept) in kept.lock().unwrap().iter() {
        let found = server.get(&format!("/api/2.0/mlflow/runs/get?run_id={run}")).json()["run"].clone();
        let pairs = |name: &str| -> BTreeMap<String, String> {
            let text = |pair: &Value, member: &str| pair[member].as_str().unwrap().to_owned();
            let list = found["data"][name].as_array().cloned().unwrap_or_default();
            list.iter().map(|pair| (text(pair, "key"), text(pair, "value"))).collect()
        };
        let (params, tags) = (pairs("params"), pairs("tags"));
        for (key, value) in &kept.params {
            assert_eq!(params.get(key), Some(value), "{run}: parameter {key}");
        }
        for (key, value) in kept.tags.iter().filter(|(key, _)| *key != "last") {
            assert_eq!(tags.get(key), Some(value), "{run}: tag {key}");
        }
        if let Some(status) = kept.status {
            assert_eq!(found["info"]["status"], status, "{run}");
        }
        let singles = history(server, run, "single");
        for step in &kept.singles {
            assert_eq!(singles.get(step), Some(&(*step as f64 / 2.0)), "{run}: step {step} of single");
        }
        assert!(singles.len() <= kept.singles.len() + 1, "{run}: more than was sent");
        let batches = history(server, run, "batch");
        for step in &kept.batches {
            assert_eq!(batches.get(step), Some(&(*step as f64 / 2.0)), "{run}: step {step} of batch");
        }
        // A batch is there as a whole or not at all: its metrics with its parameter and its tag.
        for first in batches.keys().map(|step| step / 5 * 5) {
            assert!(
                (first..first + 5).all(|step| batches.contains_key(&step)),
                "{run}: batch {first} is half there"
            );
            assert!(
                params.contains_key(&format!("k{first}")) && tags.contains_key(&format!("k{first}")),
                "{run}: {first}"
            );
        }
        assert_eq!(params.len(), batches.len() / 5, "{run}: parameters and batches");
    }
}

#[test]
fn runs_that_a_killed_server_acknowledged_are_kept() {
    let place = Place::new();
    let kept = Runs::default();
    let next = AtomicU64::new(0);
    for kill in 0..KILLS {
        let server = place.up();
        check(&server, &kept);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| client(&server, &over, &next, &kept));
            }
            // Sometimes before anything was folded, sometimes after much was.
            std::thread::sleep(Duration::from_millis(200 + 500 * (kill % 4)));
            let process = libc::pid_t::try_from(server.process()).unwrap();
            // SAFETY: the process is a child that was not waited for, so that its number is still its own.
            assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
            std::thread::sleep(Duration::from_millis(50));
            over.store(true, Ordering::Relaxed);
        });
        server.kill();
    }
    let server = place.up();
    check(&server, &kept);
    let kept = kept.lock().unwrap();
    let points: usize = kept.values().map(|kept| kept.singles.len() + kept.batches.len()).sum();
    eprintln!("{} runs and {points} measurements survived {KILLS} kills", kept.len());
    assert!(kept.len() > 10 && points > 500, "{} runs, {points} measurements", kept.len());
}
