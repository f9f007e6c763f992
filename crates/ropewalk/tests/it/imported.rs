//! MLflow's stores, brought in: what MLflow's own server answered about them, ours answers, too.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Place, Server, finish, program};

/// What a store of MLflow's and its server's answers lie in.
fn golden(which: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrate/tests/golden").join(which)
}

/// A file store forgets and invents where a database does not: what it tells of measurements beyond their time and value,
/// and of the aliases of versions, is passed over.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Database,
    Files,
}

/// An answer without what cannot be the same, in an order that does not matter.
fn plain(mut value: Value, name: &str, kind: Kind) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("workspace");
            if members.get("name") == Some(&json!("Default")) {
                // It was always there.
                members.retain(|key, _| !key.ends_with("_time"));
            }
            if kind == Kind::Files && name == "metrics" {
                members.retain(|key, _| matches!(key.as_str(), "key" | "value" | "timestamp"));
            }
            if kind == Kind::Files && members.get("aliases").is_some_and(|list| list[0].is_string()) {
                members.remove("aliases");
            }
            for (key, member) in members.iter_mut() {
                *member = plain(member.take(), key, kind);
            }
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                *item = plain(item.take(), name, kind);
            }
            if items.iter().all(|item| item.get("key").is_some()) {
                items.sort_by_key(Value::to_string);
                // A file may hold a line twice.
                items.dedup();
            }
        }
        Value::String(text) => {
            // Files that lay on a disk lie here now; and only a file can tell that something is infinite.
            let moved = text.replace("/tmp/golden-mlflow/files/mlruns/", "mlflow-artifacts:/");
            value = match moved.as_str() {
                "Infinity" => json!(f64::MAX),
                "-Infinity" => json!(f64::MIN),
                _ => json!(moved),
            };
        }
        _ => {}
    }
    value
}

/// Asks a server all that MLflow's own was asked, and compares; how many answers were the same.
fn compare(server: &Server, which: &str, kind: Kind) -> usize {
    let calls = std::fs::read_to_string(golden(which).join("answers.jsonl")).unwrap();
    let mut same = 0;
    for line in calls.lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let path = call["path"].as_str().unwrap();
        let elsewhere = path.contains("/traces") || path.contains("/datasets");
        // A file store answers a search by what it reads on the way.
        if elsewhere || kind == Kind::Files && path.contains("s/search") && !path.contains("experiments") {
            continue;
        }
        let answer = match call["body"].is_null() {
            true => server.get(path),
            false => server.send(call["method"].as_str().unwrap(), path, &call["body"]),
        };
        let (mut theirs, mut ours) = (call["answer"].clone(), answer.json());
        if kind == Kind::Files && path.contains("logged-models") {
            for model in [&mut theirs, &mut ours] {
                model["model"]["data"]["metrics"] = Value::Null;
            }
        }
        assert_eq!(plain(ours, "", kind), plain(theirs, "", kind), "{path}");
        same += 1;
    }
    same
}

/// The files of a folder are those of a run, byte by byte.
fn compare_files(server: &Server, run: &str, folder: &Path) -> usize {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = 0;
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let escaped: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let answer = server.get(&format!("/get-artifact?run_id={run}&path={escaped}"));
            assert_eq!((answer.status, answer.body), (200, std::fs::read(&path).unwrap()), "{name}");
            files += 1;
        }
    }
    files
}

fn counts(created: u64, completed: u64, unchanged: u64) -> Value {
    json!({"created": created, "completed": completed, "unchanged": unchanged, "refused": 0})
}

#[test]
fn a_database_of_mlflow_comes_with_all_its_identifiers() {
    let place = Place::new();
    let server = place.up();
    let database = format!("sqlite:///{}", golden("server/mlflow.db").display());
    let looked = place.json(&["import", "mlflow", &database, "--dry-run"]);
    let report = place.json(&["import", "mlflow", &database]);
    for kind in ["experiments", "runs", "measurements", "logged_models", "registered_models", "versions"] {
        assert_eq!(looked[kind], report[kind], "{kind}: a look told otherwise");
    }
    assert_eq!((&report["experiments"], &report["runs"]), (&counts(3, 0, 1), &counts(6, 0, 0)));
    assert_eq!((&report["versions"], &report["aliases"]), (&json!(5), &json!(3)));
    assert_eq!((&report["problems"], &report["renumbered"]), (&json!([]), &json!([])));
    let left = report["left"].to_string();
    assert!(left.contains("webhooks") && left.contains("traces"), "{left}");
    assert!(compare(&server, "server", Kind::Database) > 25);
    let run = "ba73dd85abf344b5a41a0e9cfafd4e3c";
    let folder = golden("server/mlartifacts/1").join(run).join("artifacts");
    assert_eq!(compare_files(&server, run, &folder), 3);

    let again = place.json(&["import", "mlflow", &database]);
    assert_eq!((&again["experiments"], &again["runs"]), (&counts(0, 0, 4), &counts(0, 0, 6)));
    assert_eq!(
        (&again["measurements"], &again["versions"], &again["aliases"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!((&again["files"]["sent"], &again["files"]["unchanged"]), (&json!(0), &json!(4)));
    assert!(place.ok(&["journal", "--verify"]).code == Some(0));
}

#[test]
fn an_offline_file_store_is_synced_again_and_again() {
    let place = Place::new();
    let server = place.up();
    let offline = place.folder().join("mlruns");
    copy(&golden("files/mlruns"), &offline);
    let report = place.json(&["run", "sync"]);
    assert_eq!((&report["experiments"], &report["runs"]), (&counts(3, 0, 1), &counts(6, 0, 0)));
    assert_eq!(report["problems"], json!([]));
    let run = "d2a339ebc1ba40ad94364e5d94998931";
    let folder = offline.join("970448162994770716").join(run);
    assert_eq!(compare_files(&server, run, &folder.join("artifacts")), 3);
    assert!(compare(&server, "files", Kind::Files) > 20);
    assert_eq!(place.json(&["run", "sync"])["runs"], counts(0, 0, 6));

    // Training goes on: a measurement more, and a file.
    let mut loss = std::fs::read(folder.join("metrics/loss")).unwrap();
    loss.extend_from_slice(b"1700000009999 0.001 60\n");
    std::fs::write(folder.join("metrics/loss"), loss).unwrap();
    std::fs::write(folder.join("artifacts/late.txt"), "late").unwrap();
    let more = place.json(&["run", "sync", "mlruns"]);
    assert_eq!((&more["runs"], &more["measurements"]), (&counts(0, 1, 5), &json!(1)));
    assert_eq!(more["files"]["sent"], json!(1));
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss");
    let history = server.get(&path).json()["metrics"].as_array().unwrap().clone();
    assert_eq!((history.len(), &history[60]["value"]), (61, &json!(0.001)));
    assert_eq!(compare_files(&server, run, &folder.join("artifacts")), 4);
}

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let place = Place::new();
    let database = golden("server/mlflow.db").display().to_string();
    for milliseconds in [40, 70, 100, 140, 190] {
        let server = place.up();
        let mut import = place
            .command(&["import", "mlflow", &database])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        server.kill();
        let _ = import.kill();
        import.wait().unwrap();
    }
    let server = place.up();
    // Whatever is there is whole.
    let found = server
        .send(
            "POST",
            "/api/2.0/mlflow/runs/search",
            &json!({"experiment_ids": ["1"], "run_view_type": "ALL"}),
        )
        .json();
    for run in found["runs"].as_array().into_iter().flatten() {
        let params = run["data"]["params"].as_array().map_or(0, Vec::len);
        let metrics = run["data"]["metrics"].as_array().map_or(0, Vec::len);
        if run["info"]["run_name"] == "first" {
            assert_eq!((params, metrics), (3, 3));
        }
    }
    assert_eq!(place.json(&["import", "mlflow", &database])["problems"], json!([]));
    assert!(compare(&server, "server", Kind::Database) > 25);
    assert_eq!(place.json(&["import", "mlflow", &database])["runs"], counts(0, 0, 6));
    assert!(place.ok(&["journal", "--verify"]).code == Some(0));
}

#[test]
fn whoever_may_change_all_brings_in_and_manages_what_was_made() {
    let place = Place::new();
    let token =
        |name: &str, role: &str| place.ok(&["auth", "token", name, "--role", role]).out.trim().to_owned();
    let admin = token("root", "admin");
    let (viewer, scientist) = (token("looker", "viewer"), token("maker", "scientist"));
    let server = place.up();
    let send = |token: &str, method: &str, path: &str, body: &Value| {
        let bearer = format!("Bearer {token}");
        let body = body.to_string();
        server.request(method, path, &[("Authorization", &bearer)], body.as_bytes()).unwrap().status
    };
    assert_eq!(send(&admin, "POST", "/api/v1/experiments", &json!({"name": "own"})), 200);
    let database = golden("server/mlflow.db").display().to_string();
    let import = |token: &str| {
        let mut command = program(place.folder());
        command.args(["import", "mlflow", &database, "-o", "json", "--server", &server.address]);
        command.env("ROPEWALK_TOKEN", token);
        finish(command)
    };
    let refused = import(&viewer);
    assert_eq!((refused.code, refused.out.as_str()), (Some(4), ""), "{refused:?}");
    let done = import(&scientist);
    let report = done.json();
    // The number 1 was taken, and what has come is its maker's, down to the aliases.
    assert_eq!(report["renumbered"], json!([{"name": "wine", "was": "1", "is": "4"}]), "{report}");
    assert_eq!((&report["runs"], &report["aliases"]), (&counts(6, 0, 0), &json!(3)));
    assert_eq!(send(&scientist, "DELETE", "/api/v1/experiments/own", &Value::Null), 403);
    assert_eq!(send(&scientist, "DELETE", "/api/v1/experiments/wine", &Value::Null), 200);
    // Who is kept from something brings nothing in: it might be in the way.
    place.ok(&["auth", "permit", "maker", "--experiment", "own", "--permission", "read"]);
    assert_eq!(import(&scientist).code, Some(4));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
