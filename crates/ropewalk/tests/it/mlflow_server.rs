//! What MLflow's server does beside its REST calls.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Place;

#[test]
fn queries_are_answered() {
    let place = Place::new();
    let server = place.up();
    let made = server.send("POST", "/api/2.0/mlflow/experiments/create", &json!({"name": "churn"})).json();
    let experiment = made["experiment_id"].as_str().unwrap();
    let run = server.send(
        "POST",
        "/api/2.0/mlflow/runs/create",
        &json!({"experiment_id": experiment, "run_name": "first", "start_time": 5, "tags": [{"key": "a", "value": "b"}]}),
    );
    let run = run.json()["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let metric = json!({"run_id": run, "key": "loss", "value": 0.5, "timestamp": 7, "step": 1});
    assert_eq!(server.send("POST", "/api/2.0/mlflow/runs/log-metric", &metric).status, 200);

    let query = "query One($input: MlflowGetRunInput!) {
        found: mlflowGetRun(input: $input) { ...Told apiError { code message } }
    }
    fragment Told on MlflowGetRunResponse {
        run { info { runName startTime status } data { metrics { key value step } } experiment { name } modelVersions { name } }
    }";
    let body = json!({"query": query, "operationName": "One", "variables": {"input": {"runId": run}}});
    let answer = server.send("POST", "/graphql", &body);
    assert_eq!(
        answer.json(),
        json!({"data": {"found": {
            "run": {
                "info": {"runName": "first", "startTime": "5", "status": "RUNNING"},
                "data": {"metrics": [{"key": "loss", "value": 0.5, "step": "1"}]},
                "experiment": {"name": "churn"},
                "modelVersions": [],
            },
            "apiError": null,
        }}, "errors": null})
    );
    let none = json!({"query": query, "variables": {"input": {"runId": "none"}}});
    let answer = server.send("POST", "/graphql", &none).json();
    assert!(answer["data"]["found"]["run"].is_null(), "{answer}");
    let unknown = server.send("POST", "/graphql", &json!({"query": "{ nothing }"})).json();
    assert_eq!(unknown["errors"], json!(["Cannot query field 'nothing' on type 'Query'."]));
    for bad in [&b"{"[..], b"[]", b"{\"query\": 5}", b"\xff", b"null"] {
        let answer = server.request("POST", "/graphql", &[], bad).unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let deep = format!("{{ {} }}", "a { ".repeat(20_000));
    assert!(server.send("POST", "/graphql", &json!({"query": deep})).status < 500);
}

#[test]
fn workspaces_are_off() {
    let place = Place::new();
    let server = place.up();
    let all = server.get("/api/3.0/mlflow/workspaces");
    assert_eq!(all.status, 503);
    assert!(all.text().contains("running without workspaces support"), "{}", all.text());
    let find = "/api/2.0/mlflow/experiments/get?experiment_id=0";
    let named = server.request("GET", find, &[("X-MLFLOW-WORKSPACE", "team")], b"").unwrap();
    assert_eq!(named.json()["error_code"], "FEATURE_DISABLED");
    assert_eq!(server.request("GET", find, &[("X-MLFLOW-WORKSPACE", " ")], b"").unwrap().status, 200);
    let info = server.request("GET", "/api/3.0/mlflow/server-info", &[("X-MLFLOW-WORKSPACE", "team")], b"");
    assert_eq!(info.unwrap().json()["workspaces_enabled"], false);
}

#[test]
fn answers_of_mlflows_routes_go_out_as_they_are() {
    let place = Place::new();
    let server = place.up();
    for number in 0..20 {
        let name = json!({"name": format!("an experiment with quite a long name, number {number}")});
        assert_eq!(server.send("POST", "/api/2.0/mlflow/experiments/create", &name).status, 200);
    }
    let packed = |path: &str| {
        let answer = server.request("GET", path, &[("Accept-Encoding", "gzip, zstd, br")], b"").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.head.to_ascii_lowercase().contains("content-encoding")
    };
    assert!(!packed("/api/2.0/mlflow/experiments/search?max_results=100"));
    assert!(!packed("/ajax-api/2.0/mlflow/experiments/search?max_results=100"));
    assert!(packed("/api/v1/experiments"));
    assert!(packed("/api/v1/openapi.json"));
}

#[test]
fn pages_of_other_sites_are_told_from_those_that_are_let_in() {
    let place = Place::new();
    let mut command = place.command(&["up", "--port", "0"]);
    command.env("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "https://app.example");
    command.env("MLFLOW_SERVER_ALLOWED_HOSTS", "mlflow.example:*,127.0.0.1:*");
    let server = place.up_by(command);
    let send = |method: &str, path: &str, headers: &[(&str, &str)]| {
        server.request(method, path, headers, b"").unwrap()
    };
    let search = "/ajax-api/2.0/mlflow/experiments/search?max_results=1";
    let allowed = send("GET", search, &[("Origin", "https://app.example"), ("Host", "mlflow.example:80")]);
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    assert!(allowed.head.to_ascii_lowercase().contains("access-control-allow-origin: https://app.example"));
    let preflight = [
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let answer = send("OPTIONS", "/ajax-api/2.0/mlflow/runs/create", &preflight);
    assert!(answer.status < 300, "{}", answer.text());
    assert!(answer.head.to_ascii_lowercase().contains("access-control-allow-methods"), "{}", answer.head);
    let create = "/ajax-api/2.0/mlflow/runs/create";
    let foreign = send("POST", create, &[("Origin", "https://evil.example")]);
    assert_eq!(foreign.status, 403);
    assert!(foreign.text().contains("Cross-origin request blocked"), "{}", foreign.text());
    let rebound = send("GET", search, &[("Host", "evil.example")]);
    assert_eq!(rebound.status, 403);
    assert!(rebound.text().contains("Invalid Host header"), "{}", rebound.text());
    assert_eq!(send("GET", "/health", &[("Host", "evil.example")]).status, 200);
}

#[test]
fn slow_clients_are_served_and_hold_nobody_up() {
    let place = Place::new();
    let server = place.up();
    // Many that say nothing, or never finish.
    let silent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(server.host()).unwrap();
            if number % 2 == 0 {
                stream
                    .write_all(b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\n")
                    .unwrap();
            }
            if number % 4 == 0 {
                stream.write_all(b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{").unwrap();
            }
            stream
        })
        .collect();
    let started = Instant::now();
    assert_eq!(server.get("/api/2.0/mlflow/experiments/get?experiment_id=0").status, 200);
    assert!(started.elapsed() < Duration::from_secs(10));

    // One that trickles comes through.
    let body = json!({"name": "slow"}).to_string();
    let request = format!(
        "POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.host(),
        body.len()
    );
    let mut stream = TcpStream::connect(server.host()).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(15));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let found = server.get("/api/2.0/mlflow/experiments/get-by-name?experiment_name=slow").json();
    assert_eq!(found["experiment"]["name"], Value::from("slow"));
    drop(silent);
}
