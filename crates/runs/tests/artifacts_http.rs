//! Artifacts as bytes go over the wire. What is expected here was seen of the stock server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Request, StatusCode, header};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_core::{Actor, Core};
use ropewalk_runs::{MIGRATIONS, Runs};
use serde_json::{Value, json};
use tower::ServiceExt;

const BASE: &str = "/api/2.0/mlflow-artifacts/artifacts";
const UPLOAD: &str = "/ajax-api/2.0/mlflow/upload-artifact";

/// An answer.
struct Answer {
    status: u16,
    head: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn head(&self, name: HeaderName) -> &str {
        self.head.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The folder of a home, which goes with it.
type Home = Box<dyn std::any::Any>;

struct Server {
    _home: Home,
    runs: Runs,
    router: Router,
}

impl Server {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (home, mut core) = fresh_home(MIGRATIONS).await;
        let mut all = core.settings.as_ref().clone();
        for (key, value) in settings {
            all = all.with(key, value.replace("HOME", &home.path().display().to_string()));
        }
        core.settings = Arc::new(all);
        Self::on(Box::new(home), core).await
    }

    async fn on(home: Home, core: Core) -> Self {
        let runs = Runs::new(core);
        runs.place_first_experiment().await.unwrap();
        let (router, _) = ropewalk_runs::routes(&runs).split_for_parts();
        Self { _home: home, runs, router }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        head: &[(HeaderName, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !head.iter().any(|(name, _)| *name == header::CONTENT_TYPE) {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in head {
            request = request.header(name, *value);
        }
        let answer = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (status, head) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Answer { status, head, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    async fn put(&self, path: &str, body: &'static str) -> u16 {
        self.ask("PUT", &format!("{BASE}/{path}"), &[], body).await.status
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, &[], body.to_string()).await
    }

    /// A run in an experiment: its identifier and its artifact root.
    async fn run(&self, experiment: &str) -> (String, String) {
        let run = self.runs.create_run(experiment, None, &[], 1, &Actor::system("test")).await.unwrap();
        (run.info.run_id, run.info.artifact_uri)
    }
}

#[tokio::test]
async fn paths_keep_inside_their_folder() {
    let server = Server::start(&[]).await;
    let refused = |method, path: &str| format!("{method} {path}");
    for path in [
        "..%2f..%2fsecret",
        "a/%2e%2e/%2e%2e/b",
        "%252e%252e/x",
        "a/..",
        "C:/x",
        "file:%2f%2f%2fetc",
        "a%23b",
    ] {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let answer = server.ask(method, &format!("{BASE}/{path}"), &[], "x").await;
            assert_eq!(answer.status, 400, "{}", refused(method, path));
        }
        for route in ["/api/2.0/mlflow/artifacts/list?run_id=x&path=", &format!("{BASE}?path=")] {
            let query = path.replace('#', "%23");
            assert_eq!(server.get(&format!("{route}{query}")).await.status, 400, "{route}{path}");
        }
    }
    // What begins with a slash is refused, or goes on where there is one slash.
    for (method, status) in [("GET", 400), ("PUT", 400), ("DELETE", 308), ("HEAD", 308)] {
        for path in ["%2Fetc%2Fpasswd", "/etc//passwd"] {
            let answer = server.ask(method, &format!("{BASE}/{path}"), &[], "x").await;
            assert_eq!(answer.status, status, "{method} {path}");
            if status == 308 {
                assert_eq!(answer.head(header::LOCATION), format!("{BASE}/etc/passwd"));
            }
        }
    }
    for (path, status) in [("a/./b", 400), ("a/", 400), ("", 400), ("a/.artifact.uploading.x", 400)] {
        assert_eq!(server.put(path, "x").await, status, "{path}");
    }
    assert_eq!(server.get(&format!("{BASE}?path=a")).await.json(), json!({}));
}

#[tokio::test]
async fn odd_names_come_back() {
    let server = Server::start(&[]).await;
    for (path, name, disposition) in [
        ("with%20space.txt", "with space.txt", "attachment; filename=\"with space.txt\""),
        ("plus+sign", "plus+sign", "attachment; filename=plus+sign"),
        ("%C3%BC.txt", "ü.txt", "attachment; filename=u.txt; filename*=UTF-8''%C3%BC.txt"),
        ("percent%2525", "percent%", "attachment; filename=percent%"),
        ("a%5Cb", "a\\b", "attachment; filename=\"a\\\\b\""),
        ("a%00b", "a%00b", "attachment; filename=a%00b"),
        (".hidden", ".hidden", "attachment; filename=.hidden"),
        ("%ff", "\u{fffd}", "attachment; filename=download; filename*=UTF-8''%EF%BF%BD"),
    ] {
        assert_eq!(server.put(&format!("0/r/{path}"), "content").await, 200, "{path}");
        let answer = server.get(&format!("{BASE}/0/r/{path}")).await;
        assert_eq!((answer.status, &answer.body[..]), (200, b"content".as_slice()), "{path}");
        assert_eq!(answer.head(header::CONTENT_DISPOSITION), disposition, "{path}");
        let listed = server.get(&format!("{BASE}?path=0/r")).await.json();
        assert_eq!(listed["files"][0]["path"], name);
        assert_eq!(server.ask("DELETE", &format!("{BASE}/0/r/{path}"), &[], "").await.status, 200);
        assert_eq!(server.get(&format!("{BASE}/0/r/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn files_are_sent_whole_in_ranges_or_not_at_all() {
    let server = Server::start(&[]).await;
    server.put("0/r/a.txt", "0123456789").await;
    server.put("0/r/empty", "").await;
    let place = format!("{BASE}/0/r/a.txt");
    let whole = server.get(&place).await;
    assert_eq!((whole.status, &whole.body[..]), (200, b"0123456789".as_slice()));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain"),
        (header::CONTENT_LENGTH, "10"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_DISPOSITION, "attachment; filename=a.txt"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        assert_eq!(whole.head(name.clone()), value, "{name}");
    }
    let etag = whole.head(header::ETAG).to_owned();
    let ask = async |method, head: &[(HeaderName, &str)]| server.ask(method, &place, head, "").await;
    let part = ask("GET", &[(header::RANGE, "bytes=2-4")]).await;
    assert_eq!((part.status, &part.body[..]), (206, b"234".as_slice()));
    assert_eq!(part.head(header::CONTENT_RANGE), "bytes 2-4/10");
    let parts = ask("GET", &[(header::RANGE, "bytes=0-1,8-")]).await;
    let kind = parts.head(header::CONTENT_TYPE);
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let one = |range: &str, text: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{text}\r\n"
        )
    };
    let expected = format!("{}{}--{boundary}--", one("0-1", "01"), one("8-9", "89"));
    assert_eq!((parts.status, String::from_utf8_lossy(&parts.body)), (206, expected.as_str().into()));
    assert_eq!(parts.head(header::CONTENT_LENGTH), expected.len().to_string());
    for (range, status) in [("bytes=10-", 416), ("bytes=5-2", 400), ("lines=1-2", 400), ("bytes=-3", 206)] {
        assert_eq!(ask("GET", &[(header::RANGE, range)]).await.status, status, "{range}");
    }
    let held = ask("GET", &[(header::IF_NONE_MATCH, &etag)]).await;
    assert_eq!((held.status, held.body.len()), (304, 0));
    assert_eq!(ask("GET", &[(header::IF_NONE_MATCH, "\"x\"")]).await.status, 200);
    let stale = ask("GET", &[(header::RANGE, "bytes=2-4"), (header::IF_RANGE, "\"x\"")]).await;
    assert_eq!((stale.status, stale.body.len()), (200, 10));
    let head = ask("HEAD", &[]).await;
    assert_eq!((head.status, head.head(header::CONTENT_LENGTH), head.body.len()), (200, "10", 0));
    assert_eq!(ask("HEAD", &[(header::RANGE, "bytes=0-1,3-4")]).await.status, 416);
    assert_eq!(ask("HEAD", &[(header::IF_NONE_MATCH, "*")]).await.status, 304);
    let empty = server.get(&format!("{BASE}/0/r/empty")).await;
    assert_eq!((empty.status, empty.head(header::CONTENT_LENGTH)), (200, "0"));

    for (path, status, words) in [
        ("0/r", 400, "refers to a directory"),
        ("0/r/none", 404, "No such artifact: '0/r/none'"),
        ("0/r/a.txt/x", 404, "No such artifact"),
    ] {
        let answer = server.get(&format!("{BASE}/{path}")).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(String::from_utf8_lossy(&answer.body).contains(words), "{path}");
    }
    for (path, body) in [("0/r/a.txt/below", "x"), ("0/r", "x"), (&"x".repeat(300), "x")] {
        assert_eq!(server.put(path, body).await, 400, "{path}");
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start(&[]).await;
    let parts = [Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures::stream::iter(parts));
    assert_eq!(server.ask("PUT", &format!("{BASE}/0/r/a"), &[], body).await.status, 400);
    let limited = http_body_util::Limited::new(Body::from("0123456789"), 5);
    let answer = server.ask("PUT", &format!("{BASE}/0/r/a"), &[], Body::new(limited)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(server.get(&format!("{BASE}?path=0/r")).await.json(), json!({}));
}

#[tokio::test]
async fn runs_and_models_have_their_files() {
    let server = Server::start(&[]).await;
    let (run, root) = server.run("0").await;
    assert_eq!(root, format!("mlflow-artifacts:/0/{run}/artifacts"));
    server.put(&format!("0/{run}/artifacts/b/c.json"), "{}").await;
    let list = format!("/api/2.0/mlflow/artifacts/list?run_id={run}");
    let top = json!({"root_uri": root, "files": [{"path": "b", "is_dir": true}]});
    assert_eq!(server.get(&list).await.json(), top);
    let within = server.get(&format!("{list}&path=b//")).await.json();
    assert_eq!(within["files"], json!([{"path": "b//c.json", "is_dir": false, "file_size": 2}]));
    let download = server.get(&format!("/get-artifact?run_uuid={run}&path=b/c.json")).await;
    assert_eq!((download.status, download.head(header::CONTENT_TYPE)), (200, "text/plain"));
    for (query, status) in [("", 400), ("path=b", 404), (&format!("run_id={run}&path=b"), 400)] {
        assert_eq!(server.get(&format!("/get-artifact?{query}")).await.status, status, "{query}");
    }

    let text = [(header::CONTENT_TYPE, "text/plain")];
    let upload = async |query: &str, body: Vec<u8>| {
        server.ask("POST", &format!("{UPLOAD}?{query}"), &text, body).await
    };
    let named = format!("run_id={run}&path=d/e.txt");
    assert_eq!(upload(&named, b"words".to_vec()).await.status, 200);
    assert_eq!(server.get(&format!("/get-artifact?run_id={run}&path=d/e.txt")).await.body, "words");
    assert_eq!(upload(&named, Vec::new()).await.json()["message"], "Request must specify data.");
    assert_eq!(
        upload(&named, vec![0; (10 << 20) + 1]).await.json()["message"],
        "Artifact size is too large. Max size is 10MB."
    );
    assert_eq!(upload(&format!("run_id={run}"), vec![1]).await.status, 400);

    let made =
        server.post("/api/2.0/mlflow/logged-models", json!({"experiment_id": "0", "name": "m"})).await.json();
    let model = made["model"]["info"]["model_id"].as_str().unwrap();
    server.put(&format!("0/models/{model}/artifacts/MLmodel"), "flavors: {}").await;
    let at = format!("/2.0/mlflow/logged-models/{model}/artifacts");
    let listed = server.get(&format!("/api{at}/directories")).await.json();
    assert_eq!(listed["files"][0]["path"], "MLmodel");
    let file = server.get(&format!("/ajax-api{at}/files?artifact_file_path=MLmodel")).await;
    assert_eq!((file.status, &file.body[..]), (200, b"flavors: {}".as_slice()));
    for (query, status) in [
        ("", 400),
        ("?artifact_file_path=..%2Fx", 400),
        ("?artifact_file_path=none", 404),
        ("?artifact_file_path=MLmodel&presigned=true", 501),
    ] {
        assert_eq!(server.get(&format!("/ajax-api{at}/files{query}")).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_folder_has_no_transfers_past_the_server() {
    let server = Server::start(&[]).await;
    let (run, _) = server.run("0").await;
    let info = server.get("/api/3.0/mlflow/server-info").await.json();
    assert_eq!(info["multipart_uploads_enabled"], false);
    assert_eq!(info["presigned_upload_run_id_supported"], true);
    for action in ["create", "complete", "abort"] {
        let path = format!("/api/2.0/mlflow-artifacts/mpu/{action}");
        let body = json!({"path": "a", "num_parts": 1, "upload_id": "u", "parts": [{"part_number": 1}]});
        assert_eq!(server.post(&format!("{path}/a"), body.clone()).await.status, 501, "{action}");
        assert_eq!(server.post(&format!("{path}/..%2Fa"), body.clone()).await.status, 400, "{action}");
        assert_eq!(server.post(&format!("{path}//a"), body).await.status, 308, "{action}");
        assert_eq!(server.post(&format!("{path}/a"), json!({"path": ".."})).await.status, 400, "{action}");
    }
    assert_eq!(server.get("/api/2.0/mlflow-artifacts/presigned/a").await.status, 501);
    for which in ["upload", "download"] {
        let path = format!("/api/2.0/mlflow/artifacts/presigned-{which}-url");
        let answer = server.post(&path, json!({"run_id": run, "path": "a"})).await;
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && message.contains("proxied artifact storage"), "{message}");
        let long = json!({"run_id": run, "path": "a", "expiration": 604_801});
        assert_eq!(server.post(&path, long).await.status, 400);
    }
}

#[tokio::test]
async fn artifacts_are_served_only_where_they_shall_be() {
    let server = Server::start(&[("serve_artifacts", "false"), ("default_artifact_root", "HOME/root")]).await;
    assert_eq!(server.get("/api/3.0/mlflow/server-info").await.json()["artifact_serving_enabled"], false);
    for (method, path) in [("GET", "/a"), ("PUT", "/a"), ("DELETE", "/a"), ("GET", "?path=a")] {
        assert_eq!(
            server.ask(method, &format!("{BASE}{path}"), &[], "").await.status,
            503,
            "{method} {path}"
        );
    }
    let (run, root) = server.run("0").await;
    assert!(root.ends_with(&format!("/root/0/{run}/artifacts")), "{root}");
}

#[tokio::test]
async fn places_follow_the_settings_and_garbage_goes_with_them() {
    let server = Server::start(&[
        ("artifacts_destination", "HOME/kept"),
        ("default_artifact_root", "file://HOME/root"),
    ])
    .await;
    let (run, root) = server.run("0").await;
    assert!(root.starts_with("file:///") && root.ends_with(&format!("/root/0/{run}/artifacts")), "{root}");
    // A client writes to such a place itself.
    let folder = std::path::PathBuf::from(root.strip_prefix("file://").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "words").unwrap();
    let listed = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await.json();
    assert_eq!(listed["files"][0]["path"], "a.txt");
    assert_eq!(server.get(&format!("/get-artifact?run_id={run}&path=a.txt")).await.body, "words");
    let create = "/api/2.0/mlflow/experiments/create";
    let relative = server.post(create, json!({"name": "r", "artifact_location": "./place/"})).await.json();
    let relative = server.runs.get_experiment(relative["experiment_id"].as_str().unwrap()).await.unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(relative.artifact_location, here.join("place").display().to_string());
    let (elsewhere, _) = server.run(&relative.experiment_id).await;
    let refused = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={elsewhere}")).await;
    assert_eq!(refused.status, 400, "{:?}", refused.body);
    for wrong in ["ftp://h/x", "http://h/x", "s3://b/x#y", "runs:/x/y", "s3://b?a=.."] {
        let answer = server.post(create, json!({"name": "w", "artifact_location": wrong})).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    server.put("0/x/a", "kept").await;
    for id in [&run, &elsewhere] {
        server.runs.delete_run(id).await.unwrap();
    }
    let looked = server.runs.collect_garbage(-1, true, &Actor::system("test")).await.unwrap();
    assert_eq!((looked.files, looked.bytes, looked.left), (1, 5, 1));
    assert!(folder.exists());
    let gone = server.runs.collect_garbage(-1, false, &Actor::system("test")).await.unwrap();
    assert_eq!((gone.files, gone.left), (1, 1));
    assert!(!folder.exists());
    assert_eq!(server.get(&format!("{BASE}/0/x/a")).await.body, "kept");
}

#[tokio::test]
async fn the_first_experiment_follows_the_root_until_something_is_made() {
    let (home, core) = fresh_home(MIGRATIONS).await;
    let with = |root: &str| {
        let settings = core.settings.as_ref().clone().with("default_artifact_root", root);
        Runs::new(Core { settings: Arc::new(settings), ..core.clone() })
    };
    let place = async |runs: &Runs| {
        runs.place_first_experiment().await.unwrap();
        runs.get_experiment("0").await.unwrap().artifact_location
    };
    assert_eq!(place(&with("")).await, "mlflow-artifacts:/0");
    let placed = with("s3://bucket/p");
    assert_eq!(place(&placed).await, "s3://bucket/p/0");
    assert_eq!(place(&with("s3://other")).await, "s3://bucket/p/0");
    let made = placed.create_experiment("e", None, Vec::new()).await.unwrap();
    assert_eq!(made.artifact_location, "s3://bucket/p/1");
    drop(home);
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let runs = Runs::new(core.clone());
    runs.create_run("0", None, &[], 1, &Actor::system("test")).await.unwrap();
    let settings = core.settings.as_ref().clone().with("default_artifact_root", "s3://late");
    let late = Runs::new(Core { settings: Arc::new(settings), ..core });
    assert_eq!(place(&late).await, "mlflow-artifacts:/0");
}

#[tokio::test]
async fn our_own_route_sends_files_as_they_are() {
    let server = Server::start(&[]).await;
    let (run, _) = server.run("0").await;
    server.runs.log_artifact(&run, "a/b.txt", Bytes::from_static(b"words")).await.unwrap();
    let file = server.get(&format!("/api/v1/runs/{run}/file?path=a/b.txt")).await;
    assert_eq!((StatusCode::OK.as_u16(), &file.body[..]), (file.status, b"words".as_slice()));
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/file?path=a")).await.status, 400);
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/file?path=none")).await.status, 404);
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/file?path=..%2Fx")).await.status, 400);
}
