//! Who may reach a server, and what they may do.

use serde_json::json;

use crate::support::{Place, finish, program};

#[test]
fn other_sites_are_refused() {
    let place = Place::new();
    let server = place.up();
    let dataset = json!({"name": "made"}).to_string();
    for headers in [
        &[("Host", "evil.example")][..],
        &[("Host", "127.0.0.1.evil.example:7878")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
    ] {
        let answer = server.request("POST", "/api/v1/datasets", headers, dataset.as_bytes()).unwrap();
        assert_eq!(answer.status, 403, "{headers:?}: {}", answer.text());
        assert!(answer.error().is_some(), "{}", answer.text());
    }
    let read = server.request("GET", "/api/v1/datasets", &[("Host", "evil.example")], b"").unwrap();
    assert_eq!(read.status, 403);
    assert_eq!(server.get("/api/v1/datasets").json(), json!([]));
    for headers in [&[("Host", "localhost:1")][..], &[("Origin", "http://localhost:5173")]] {
        assert_eq!(server.request("GET", "/api/v1/datasets", headers, b"").unwrap().status, 200);
    }
}

#[test]
fn other_machines_need_credentials_and_a_role() {
    let place = Place::new();
    let open = place.run(&["up", "--port", "0", "--host", "0.0.0.0"]);
    assert_eq!(open.code, Some(4), "{open:?}");
    assert!(
        open.err.contains("credentials") && open.err.contains("hint: ropewalk auth token"),
        "{}",
        open.err
    );
    assert!(!place.home().join("server.json").exists());
    let first = place.run(&["auth", "token", "first", "--role", "viewer"]);
    assert_eq!(first.code, Some(1), "the first credential is an admin's: {first:?}");

    let token =
        |name: &str, role: &str| place.ok(&["auth", "token", name, "--role", role]).out.trim().to_owned();
    let admin = token("root", "admin");
    let viewer = token("looker", "viewer");
    let scientist = token("maker", "scientist");
    let operator = token("runner", "operator");
    let server = place.up_with(&["--host", "0.0.0.0"]);
    let ask = |token: &str, method: &str, path: &str, body: &str| -> u16 {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Host", "ropewalk.example")];
        let headers = if token.is_empty() { &headers[1..] } else { &headers[..] };
        let answer = server.request(method, path, headers, body.as_bytes()).unwrap();
        // MLflow's server refuses in plain words.
        let mlflow =
            ["/api/2.0/", "/ajax-api/", "/get-artifact"].iter().any(|prefix| path.starts_with(prefix));
        if answer.status >= 400 && (!mlflow || answer.body.is_empty()) {
            assert!(answer.error().is_some(), "{method} {path}: {}", answer.text());
        }
        answer.status
    };
    // Nobody reads anything without a credential, save that the server lives.
    for path in [
        "/api/v1/datasets",
        "/api/v1/events",
        "/api/v1/openapi.json",
        "/api/2.0/mlflow/experiments/search?max_results=5",
        "/ajax-api/2.0/mlflow/experiments/search?max_results=5",
        "/api/2.0/mlflow-artifacts/artifacts",
        "/get-artifact?path=x&run_uuid=x",
        "/v2",
        "/v2/models/x",
        "/metrics",
    ] {
        assert_eq!(ask("", "GET", path, ""), 401, "{path}");
        assert_eq!(ask("wrong", "GET", path, ""), 401, "{path}");
    }
    assert_eq!(ask("", "GET", "/health", ""), 200);
    assert_eq!(ask("", "GET", "/v2/health/live", ""), 200);

    // Each role may do what those before it may, and no more.
    let dataset = r#"{"name": "made"}"#;
    let credential = r#"{"name": "new", "role": "viewer"}"#;
    let change = "/api/v1/endpoints/nothing/rollback";
    for (token, name, make, operate, manage) in [
        (&viewer, "viewer", 403, 403, 403),
        (&scientist, "scientist", 201, 403, 403),
        (&operator, "operator", 409, 404, 403),
        (&admin, "admin", 409, 404, 200),
    ] {
        assert_eq!(ask(token, "GET", "/api/v1/datasets", ""), 200, "{name} reads");
        assert_eq!(ask(token, "POST", "/v2/models/nothing/infer", r#"{"inputs": []}"#), 404, "{name} asks");
        assert_eq!(ask(token, "POST", "/api/v1/datasets", dataset), make, "{name} makes");
        assert_eq!(ask(token, "POST", change, "{}"), operate, "{name} operates");
        assert_eq!(ask(token, "GET", "/api/v1/auth/credentials", ""), manage, "{name} manages");
        if manage == 403 {
            assert_eq!(ask(token, "POST", "/api/v1/auth/credentials", credential), 403, "{name} manages");
        }
    }

    // Commands: of the home without a token, from elsewhere with one.
    place.ok(&["data", "ls"]);
    let elsewhere = |token: Option<&str>, words: &[&str]| {
        let mut command = program(place.folder());
        let address = server.address.replace("0.0.0.0", "127.0.0.1");
        command.args(words).args(["--server", &address]);
        if let Some(token) = token {
            command.env("ROPEWALK_TOKEN", token);
        }
        finish(command)
    };
    assert_eq!(elsewhere(Some(&viewer), &["data", "ls"]).code, Some(0));
    let stranger = elsewhere(None, &["data", "ls"]);
    assert_eq!(stranger.code, Some(4), "{stranger:?}");
    assert!(stranger.err.contains("ROPEWALK_TOKEN"), "{}", stranger.err);
    let looker = elsewhere(Some(&viewer), &["data", "branch", "made", "x"]);
    assert_eq!(looker.code, Some(4), "{looker:?}");
    assert!(looker.err.contains("role"), "{}", looker.err);

    // A credential that is gone opens nothing.
    place.ok(&["auth", "rm", "maker"]);
    assert_eq!(ask(&scientist, "GET", "/api/v1/datasets", ""), 401);
}
