//! Malformed requests: always a JSON error of the client's kind, never a fault of the server.

use serde_json::{Value, json};

use crate::support::fixture::{bring_up, good_request};
use crate::support::{PROGRAM, Place, Server, finish, program};

/// The answer must be a refusal with words.
fn refused(answer: &crate::support::http::Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {}", answer.text());
    assert!(
        answer.head.to_ascii_lowercase().contains("content-type: application/json"),
        "{what}: {}",
        answer.head
    );
    assert!(answer.error().is_some(), "{what}: {}", answer.text());
}

/// A good request with one thing spoilt.
fn spoilt(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = good_request();
    change(&mut request);
    request
}

#[test]
fn a_malformed_inference_request_is_refused() {
    let place = Place::new();
    bring_up(&place);
    let server = place.up();
    let path = "/v2/models/wine/infer";
    assert_eq!(server.send("POST", path, &good_request()).status, 200);
    assert_eq!(server.send("POST", "/v2/models/wine/versions/1/infer", &good_request()).status, 200);

    let column = |value: Value| spoilt(|request| request["inputs"][0] = value);
    let part = |name: &str, value: Value| spoilt(|request| request["inputs"][0][name] = value);
    let whole = |name: &str, shape: Value, data: Value| json!({"inputs": [{"name": name, "shape": shape, "datatype": "FP64", "data": data}]});
    let spoilt_requests = [
        json!({}),
        json!({"inputs": []}),
        json!({"inputs": {}}),
        json!({"inputs": null}),
        json!({"inputs": [null]}),
        json!({"inputs": ["x"]}),
        json!({"inputs": [{}]}),
        json!({"instances": [[1, 2]]}),
        spoilt(|request| {
            request["inputs"].as_array_mut().unwrap().pop();
        }),
        spoilt(|request| {
            let again = request["inputs"][0].clone();
            request["inputs"].as_array_mut().unwrap().push(again);
        }),
        column(json!({"name": "fixed acidity"})),
        part("name", json!("no such column")),
        part("name", json!(7)),
        part("name", Value::Null),
        part("shape", json!([2])),
        part("shape", json!([-1])),
        part("shape", json!([0])),
        part("shape", json!([1.5])),
        part("shape", json!([1, 2, 3])),
        part("shape", json!([u64::MAX, u64::MAX])),
        part("shape", json!([9_007_199_254_740_992_u64])),
        part("shape", json!("1")),
        part("shape", json!([])),
        part("datatype", json!("FP128")),
        part("datatype", json!("")),
        part("datatype", json!(64)),
        part("datatype", Value::Null),
        part("datatype", json!("BOOL")),
        part("data", json!([])),
        part("data", json!([1, 2])),
        part("data", json!(["acid"])),
        part("data", json!([{}])),
        part("data", json!([[[[1]]], 2])),
        part("data", json!("1")),
        part("data", Value::Null),
        whole("x", json!([1, 3]), json!([1, 2, 3])),
        whole("x", json!([2, 11]), json!([1, 2, 3])),
        whole("x", json!([1, 11]), json!(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"])),
    ];
    for request in &spoilt_requests {
        refused(&server.send("POST", path, request), &request.to_string());
        refused(&server.send("POST", "/v2/models/wine/versions/1/infer", request), &request.to_string());
    }
    let deep = [b"{\"inputs\":".to_vec(), b"[".repeat(100_000)].concat();
    let raw: [&[u8]; 9] =
        [b"", b"{", b"null", b"[]", b"7", b"\"x\"", b"{\"inputs\": [NaN]}", b"{\"inputs\": \xff\xfe}", &deep];
    for body in raw {
        let answer = server.request("POST", path, &[("Content-Type", "application/json")], body).unwrap();
        refused(&answer, &String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    let number = good_request().to_string().replacen("7.4", "1e999", 1);
    refused(&server.request("POST", path, &[], number.as_bytes()).unwrap(), "a number beyond all");

    for unknown in ["/v2/models/nothing", "/v2/models/nothing/ready", "/v2/models/wine/versions/9"] {
        let answer = server.get(unknown);
        assert_eq!(answer.status, 404, "{unknown}: {}", answer.text());
        refused(&answer, unknown);
    }
    for unknown in ["/v2/models/nothing/infer", "/v2/models/wine/versions/9/infer"] {
        let answer = server.send("POST", unknown, &good_request());
        assert_eq!(answer.status, 404, "{unknown}: {}", answer.text());
        refused(&answer, unknown);
    }
    for odd in ["/v2/models/wine/versions/x/infer", "/v2/models/%FF/infer", "/v2/models/../infer"] {
        refused(&server.send("POST", odd, &good_request()), odd);
    }
    // It still answers well, and only good requests were logged.
    assert_eq!(server.send("POST", path, &good_request()).status, 200);
    let logged = server.get("/api/v1/endpoints/wine/predictions?limit=10000").json();
    assert_eq!(logged["items"].as_array().unwrap().len(), 3);
}

/// Every route of the description as (method, path, takes JSON), with names put in for its parameters.
fn described_routes() -> Vec<(String, String, bool)> {
    let place = Place::new();
    let mut command = program(place.folder());
    command.args(["reference", "openapi"]);
    let done = finish(command);
    assert_eq!(done.code, Some(0), "{PROGRAM} reference openapi: {done:?}");
    let mut routes = Vec::new();
    for (path, methods) in done.json()["paths"].as_object().unwrap() {
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{name}" if path.starts_with("/api/v1/endpoints") => "wine",
                "{version}" => "1",
                "{reference}" => "main",
                part if part.starts_with('{') => "thing",
                part => part,
            })
            .collect();
        for (method, operation) in methods.as_object().unwrap() {
            let json = operation["requestBody"]["content"]["application/json"].is_object();
            routes.push((method.to_uppercase(), filled.join("/"), json));
        }
    }
    routes
}

/// MLflow's routes that take JSON; they are not part of the description. As in the stock server, what is
/// no JSON is read as an empty object: only the routes that need a field refuse it.
fn mlflow_routes() -> Vec<(String, String, bool)> {
    let posts = [
        "experiments/create",
        "experiments/search",
        "experiments/update",
        "experiments/delete",
        "experiments/restore",
        "experiments/set-experiment-tag",
        "runs/create",
        "runs/update",
        "runs/delete",
        "runs/restore",
        "runs/search",
        "runs/log-metric",
        "runs/log-parameter",
        "runs/log-batch",
        "runs/set-tag",
        "runs/delete-tag",
        "runs/log-inputs",
        "runs/log-model",
        "registered-models/create",
        "registered-models/rename",
        "registered-models/set-tag",
        "registered-models/alias",
        "registered-models/get-latest-versions",
        "model-versions/create",
        "model-versions/set-tag",
        "model-versions/transition-stage",
        "logged-models",
        "logged-models/search",
    ];
    let mut routes: Vec<_> =
        posts.iter().map(|path| ("POST".to_owned(), format!("/api/2.0/mlflow/{path}"), false)).collect();
    for path in ["registered-models/update", "model-versions/update"] {
        routes.push(("PATCH".to_owned(), format!("/ajax-api/2.0/mlflow/{path}"), false));
    }
    routes
}

/// Send a body that is wrong for the route, and look at the answer.
fn misuse(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8], must_fail: bool) {
    let what = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    let answer = server.request(method, path, headers, body).unwrap();
    if must_fail || answer.status >= 300 {
        refused(&answer, &what);
    }
}

#[test]
fn malformed_json_is_refused_by_every_route() {
    let place = Place::new();
    bring_up(&place);
    let server = place.up();
    let routes: Vec<_> = described_routes().into_iter().chain(mlflow_routes()).collect();
    assert!(routes.len() > 100, "{}", routes.len());
    let json_type = [("Content-Type", "application/json")];
    for (method, path, takes_json) in routes.iter().filter(|(method, _, _)| method != "GET") {
        for broken in [&b"{"[..], b"{\"a\": }", b"nonsense", b"\xff\xfe", b"{} {}"] {
            misuse(&server, method, path, &json_type, broken, *takes_json);
        }
        let deep = b"[".repeat(20_000);
        for odd in [
            &b"null"[..],
            b"[]",
            b"7",
            b"\"text\"",
            b"[[[]]]",
            b"{\"\": {}}",
            b"{\"a\": \"\xff\"}",
            b"",
            &deep,
        ] {
            misuse(&server, method, path, &json_type, odd, false);
        }
        misuse(&server, method, path, &[("Content-Type", "text/plain")], b"{", *takes_json);
        misuse(
            &server,
            method,
            path,
            &[("Content-Type", "application/x-www-form-urlencoded")],
            b"a=1",
            false,
        );
    }
    assert_eq!(server.send("POST", "/v2/models/wine/infer", &good_request()).status, 200);
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
}

#[test]
fn a_query_or_a_path_that_makes_no_sense_is_refused() {
    let place = Place::new();
    let server = place.up();
    let queries = [
        "limit=-1",
        "limit=99999999999999999999",
        "limit=many",
        "token=%FF%FE",
        "token=bm9uc2Vuc2U",
        "token=eyJvZmZzZXQiOi0xfQ",
        "since_ms=soon",
        "filter=%27",
        "order_by=a%00b",
        "path=..%2F..%2Fetc%2Fpasswd",
        "status=frobnicate",
        "depth=-4",
        "of=%00",
        "subject=%F0%9F%8D%B7",
    ];
    for (_, path, _) in
        described_routes().iter().filter(|(method, path, _)| method == "GET" && path != "/api/v1/events")
    {
        for query in queries {
            let answer = server.get(&format!("{path}?{query}"));
            // A server without a model that it should serve may say that it is not ready.
            assert!(answer.status < 500, "{path}?{query}: {}", answer.text());
            if answer.status >= 400 {
                refused(&answer, &format!("{path}?{query}"));
            }
        }
    }
    for path in ["/api/v1/nothing", "/api/v1/", "/v2/nothing", "/v2/models/a/b/c/d"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        refused(&answer, path);
    }
    for (method, path) in [("DELETE", "/api/v1/home"), ("PUT", "/v2"), ("PATCH", "/api/v1/datasets")] {
        let answer = server.request(method, path, &[], b"").unwrap();
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
        refused(&answer, path);
    }
    for path in [
        "/api/v1/datasets/%2e%2e%2f%2e%2e",
        "/api/v1/datasets/%00",
        "/api/v1/runs/%F0%9F",
        "/../../etc/passwd",
    ] {
        let answer = server.get(path);
        assert!(answer.status < 500, "{path}: {}", answer.text());
    }
    // Artifacts are read and written below their own folder only.
    for path in ["..%2f..%2fmeta.db", "%2e%2e/%2e%2e/server.json", "a/../../../x", "%2fetc%2fpasswd"] {
        let place = format!("/api/2.0/mlflow-artifacts/artifacts/{path}");
        let read = server.get(&place);
        assert!((400..500).contains(&read.status), "{place}: {}", read.text());
        let written = server.request("PUT", &place, &[], b"x").unwrap();
        assert!((400..500).contains(&written.status), "{place}: {}", written.text());
    }
}
