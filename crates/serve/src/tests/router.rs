use super::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use tower::ServiceExt;

struct Client {
    _home: Box<dyn std::any::Any>,
    house: House,
    router: Router,
}

impl Client {
    async fn new() -> Self {
        let (home, core) = fresh_home(&migrations()).await;
        let house = House::new(core);
        let (router, _) = crate::routes(&house.serve).split_for_parts();
        Self { _home: Box::new(home), house, router }
    }

    async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let headers = [("content-type", "application/json")];
        let (status, text) = self.raw(method, path, &headers, body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.json(Method::GET, path, &Value::Null).await
    }
}

#[tokio::test]
async fn an_endpoint_lives_its_life_over_http() {
    let client = Client::new().await;
    assert_eq!(client.get("/api/v1/endpoints").await, (StatusCode::OK, json!([])));
    let (status, revision) = client
        .json(Method::POST, "/api/v1/endpoints/wine/revisions", &json!({"model": "wine-quality/1"}))
        .await;
    assert_eq!(
        (status, &revision["revision"], &revision["percent"]),
        (StatusCode::CREATED, &json!(1), &json!(100.0))
    );
    let deploy = json!({"endpoint": "wine", "model": "wine-quality/2"});
    assert_eq!(client.json(Method::POST, "/api/v1/endpoints", &deploy).await.0, StatusCode::CREATED);

    let shares = json!({"shares": [{"revision": 2, "percent": 100.0}], "reason": "better"});
    let (status, state) = client.json(Method::PUT, "/api/v1/endpoints/wine/traffic", &shares).await;
    assert_eq!((status, &state["revisions"][1]["percent"]), (StatusCode::OK, &json!(100.0)), "{state}");
    let (status, answer) = client.json(Method::POST, "/v2/models/wine/infer", &body(2)).await;
    assert_eq!(
        (status, &answer["model_version"], &answer["outputs"][0]["shape"]),
        (StatusCode::OK, &json!("2"), &json!([2]))
    );
    let (status, answer) = client.json(Method::POST, "/v2/models/wine/versions/1/infer", &body(1)).await;
    assert_eq!((status, &answer["model_version"]), (StatusCode::OK, &json!("1")));

    let (status, state) =
        client.json(Method::POST, "/api/v1/endpoints/wine/rollback", &json!({"reason": "worse"})).await;
    assert_eq!((status, &state["revisions"][0]["percent"]), (StatusCode::OK, &json!(100.0)));
    let (_, served) = client.get("/api/v1/endpoints/wine/served").await;
    assert_eq!(served["revisions"], state["revisions"]);
    let (_, statistics) = client.get("/api/v1/endpoints/wine/statistics").await;
    assert_eq!((&statistics["total"]["requests"], &statistics["total"]["rows"]), (&json!(2), &json!(3)));
    let (_, view) = client.get("/api/v1/endpoints/wine").await;
    assert_eq!(
        (&view["name"], &view["ready"], &view["changes"][0]["reason"]),
        (&json!("wine"), &json!(true), &json!("worse"))
    );

    let settings = json!({"require_log": false});
    let (status, endpoint) = client.json(Method::PUT, "/api/v1/endpoints/wine/settings", &settings).await;
    assert_eq!((status, &endpoint["require_log"]), (StatusCode::OK, &json!(false)));

    let (status, metrics) = client.raw(Method::GET, "/metrics", &[], Body::empty()).await;
    assert_eq!(status, StatusCode::OK);
    let line = r#"ropewalk_requests_total{endpoint="wine",revision="2",model="wine-quality",version="2"} 1"#;
    assert!(metrics.contains(line) && metrics.contains("le=\"+Inf\"} 1"), "{metrics}");
}

#[tokio::test]
async fn the_protocols_questions_are_answered() {
    let client = Client::new().await;
    assert_eq!(client.get("/v2").await.1["name"], "ropewalk");
    assert_eq!(client.get("/v2/health/live").await.0, StatusCode::OK);
    assert_eq!(client.get("/v2/health/ready").await, (StatusCode::OK, json!({"ready": true})));
    client.house.deploy(1, None).await;
    let (_, model) = client.get("/v2/models/wine").await;
    assert_eq!(model["inputs"][0], json!({"name": "fixed acidity", "datatype": "FP64", "shape": [-1]}));
    assert_eq!((&model["versions"], &model["platform"]), (&json!(["1"]), &json!("ropewalk_fake")));
    assert_eq!(client.get("/v2/models/wine/versions/1").await.0, StatusCode::OK);
    assert_eq!(
        client.get("/v2/models/wine/ready").await,
        (StatusCode::OK, json!({"name": "wine", "ready": true}))
    );
    assert_eq!(client.get("/v2/models/wine/versions/1/ready").await.0, StatusCode::OK);
    for unknown in [
        "/v2/models/beer",
        "/v2/models/beer/ready",
        "/v2/models/wine/versions/2",
        "/v2/models/wine/versions/x",
        "/v2/models/wine/versions/2/ready",
        "/v2/models/%00%0A",
    ] {
        let (status, answer) = client.get(unknown).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{unknown}");
        assert!(answer["error"].is_string(), "{unknown}: {answer}");
    }
}

#[tokio::test]
async fn every_malformed_request_is_refused_with_a_reason() {
    let client = Client::new().await;
    client.house.deploy(1, None).await;
    let deep = format!("{{\"inputs\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_data = format!(
        "{{\"inputs\":[{{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":{}1{}}}]}}",
        "[".repeat(100),
        "]".repeat(100)
    );
    let tensor = |shape: Value, datatype: &str, data: Value| {
        json!({"inputs": [{"name": "x", "shape": shape, "datatype": datatype, "data": data}]}).to_string()
    };
    let cases: Vec<(String, u16, &str)> = vec![
        (String::new(), 400, "EOF"),
        ("{".into(), 400, "EOF"),
        ("null".into(), 400, "invalid type"),
        ("[]".into(), 400, ""),
        ("{}".into(), 400, "missing field `inputs`"),
        (deep, 400, ""),
        (deep_data, 400, "nested"),
        (
            "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[NaN,1]}]}".into(),
            400,
            "expected value",
        ),
        (
            "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[1e999,1]}]}".into(),
            400,
            "out of range",
        ),
        (
            "{\"inputs\":[{\"name\":\"x\",\"shape\":[1e99],\"datatype\":\"FP32\",\"data\":[1]}]}".into(),
            400,
            "invalid type",
        ),
        (tensor(json!([1, 2]), "FP32", json!(["NaN", "1"])), 400, "holds strings"),
        (tensor(json!([1, 2]), "FP32", json!([1])), 400, "asks for 2"),
        (tensor(json!([9_000_000_000_i64, 2]), "FP32", json!([1])), 413, "one request may carry"),
        (tensor(json!([1, 3]), "FP32", json!([1, 2, 3])), 400, "`fixed acidity`, `pH`"),
        (tensor(json!([1, 2]), "FP33", json!([1, 2])), 400, "datatype `FP33`"),
        (tensor(json!([1, 2]), "FP32", json!([1e39, 2])), 400, "cannot hold"),
        ("{\"inputs\":[]}".into(), 400, "no input tensor"),
    ];
    for (text, status, reason) in cases {
        let shown: String = text.chars().take(120).collect();
        let (got, answer) = client.raw(Method::POST, "/v2/models/wine/infer", &[], text).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert_eq!(got.as_u16(), status, "{shown}: {error}");
        assert!(error.contains(reason) && error.len() < 1000, "{shown}: {error}");
    }
    let (status, _) = client.raw(Method::POST, "/v2/models/wine/infer", &[], vec![0xFF, 0x00, 0x80]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) =
        client.raw(Method::POST, "/v2/models/wine/infer", &[], vec![b' '; 33 * 1024 * 1024]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let binary = [("inference-header-content-length", "10")];
    assert_eq!(
        client.raw(Method::POST, "/v2/models/wine/infer", &binary, body(1).to_string()).await.0,
        StatusCode::BAD_REQUEST
    );
    let (status, answer) = client.json(Method::POST, "/v2/models/beer/infer", &body(1)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["error"].as_str().unwrap().contains("the endpoints are wine"));
    assert_eq!(
        client.json(Method::POST, "/v2/models/wine/versions/9/infer", &body(1)).await.0,
        StatusCode::NOT_FOUND
    );

    assert_eq!(client.house.serve.statistics("wine").await.unwrap().total.failures, 0);
    assert!(client.house.sink.batches.lock().unwrap().is_empty());
    assert_eq!(client.json(Method::POST, "/v2/models/wine/infer", &body(1)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn our_own_routes_refuse_with_a_hint() {
    let client = Client::new().await;
    let (status, answer) = client.get("/api/v1/endpoints/wine").await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert!(answer["error"]["hint"].as_str().unwrap().contains("ropewalk endpoint deploy"));
    client.house.deploy(1, None).await;
    for (method, path, body) in [
        (
            Method::POST,
            "/api/v1/endpoints/wine/revisions",
            json!({"model": "wine-quality/1", "endpoint": "beer"}),
        ),
        (Method::POST, "/api/v1/endpoints/wine/revisions", json!({})),
        (Method::POST, "/api/v1/endpoints", json!({"model": "wine-quality/1"})),
        (Method::PUT, "/api/v1/endpoints/wine/traffic", json!({"shares": [{"revision": 1, "percent": 50}]})),
        (Method::PUT, "/api/v1/endpoints/wine/traffic", json!({"shares": "all"})),
    ] {
        let (status, answer) = client.json(method, path, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {answer}");
        assert_eq!(answer["error"]["code"], "invalid");
    }
    let nothing = client.json(Method::POST, "/api/v1/endpoints/wine/rollback", &json!({})).await;
    assert_eq!(nothing.0, StatusCode::CONFLICT);
}
