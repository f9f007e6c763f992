//! Searches and statistics, on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use ropewalk_core::testing::each_database;
use serde_json::{Value, json};
use support::{call, export, get, migrations, place, post, server, span, trace_id};

/// Six traces, named by their numbers: the odd ones failed, the first three are blue.
async fn fill(router: &Router) {
    for trace in 0..6_u64 {
        let cost = json!({"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75});
        let spans = [
            span(
                trace,
                1,
                None,
                "root",
                &[("mlflow.spanType", json!("CHAIN")), ("input.value", json!("héllo"))],
            ),
            span(
                trace,
                2,
                Some(1),
                "model",
                &[
                    ("mlflow.spanType", json!("LLM")),
                    ("mlflow.llm.model", json!(if trace < 4 { "m1" } else { "m2" })),
                    ("mlflow.llm.cost", cost),
                    ("colour", json!(format!("colour {trace}"))),
                ],
            ),
        ];
        export(router, &spans).await;
        let mut tags =
            json!({"mlflow.traceName": format!("t{trace}"), "team": if trace < 3 { "blue" } else { "Red" }});
        if trace == 0 {
            tags["few"] = json!("y");
        }
        let told = json!({"trace": {"trace_info": {
            "trace_id": trace_id(trace), "trace_location": place()[0],
            "request_time": format!("2024-01-01T00:0{trace}:00Z"), "execution_duration": format!("0.{}s", trace + 1),
            "state": if trace % 2 == 1 { "ERROR" } else { "OK" }, "tags": tags,
            "trace_metadata": {"mlflow.trace.session": format!("s{}", trace / 2), "env": "prod",
                "mlflow.trace.tokenUsage": json!({"input_tokens": trace, "output_tokens": 1, "total_tokens": trace + 1}).to_string()},
        }}});
        post(router, "3.0/mlflow/traces", told).await;
    }
    for (trace, assessment) in [
        (0, json!({"assessment_name": "good", "feedback": {"value": true}})),
        (1, json!({"assessment_name": "good", "feedback": {"value": "no"}})),
        (
            2,
            json!({"assessment_name": "score", "feedback": {"value": 0.5}, "metadata": {"mlflow.trace.session": "s1"}}),
        ),
        (4, json!({"assessment_name": "score", "feedback": {"value": 5}})),
        (4, json!({"assessment_name": "truth", "expectation": {"value": "because"}})),
    ] {
        let path = format!("3.0/mlflow/traces/{}/assessments", trace_id(trace));
        post(router, &path, json!({"assessment": assessment})).await;
    }
    post(router, "2.0/mlflow/traces/link-to-run", json!({"trace_ids": [trace_id(3)], "run_id": "r1"})).await;
    let prompts = json!({"trace_id": trace_id(5), "prompt_versions": [{"name": "p", "version": "2"}]});
    post(router, "2.0/mlflow/traces/link-prompts", prompts).await;
}

/// The numbers of the traces that are found, in their order.
async fn found(router: &Router, body: Value) -> String {
    let mut asked = json!({"locations": place()});
    asked.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let answer = post(router, "3.0/mlflow/traces/search", asked).await;
    let traces = answer["traces"].as_array().cloned().unwrap_or_default();
    let names = traces.iter().map(|info| info["tags"]["mlflow.traceName"].as_str().unwrap()[1..].to_owned());
    names.collect()
}

/// What each filter finds, in the order of time.
const FILTERS: &[(&str, &str)] = &[
    ("", "012345"),
    ("status = 'OK'", "024"),
    ("status IN ('ERROR', 'X')", "135"),
    ("name LIKE 't%' AND status != 'OK'", "135"),
    ("name RLIKE '^t[0-2]$'", "012"),
    ("status NOT IN ('OK')", "135"),
    ("timestamp_ms >= 1704067380000", "345"),
    ("execution_time_ms < 300", "01"),
    ("end_time > 1704067380500", "45"),
    ("tags.team = 'blue'", "012"),
    ("tags.team != 'blue'", "345"),
    ("tags.team ILIKE 'r%'", "345"),
    ("tags.team LIKE 'r%'", ""),
    ("tags.few IS NOT NULL", "0"),
    ("tags.few IS NULL AND tags.team = 'blue'", "12"),
    ("tags.`mlflow.artifactLocation` LIKE '%/traces/%' AND name = 't1'", "1"),
    ("tags.`mlflow.artifactLocation` RLIKE '0001/artifacts$'", "1"),
    ("tags.`mlflow.trace.spansLocation` IS NULL", ""),
    ("metadata.`mlflow.trace.infoFinalized` = 'true' AND name = 't1'", "1"),
    ("metadata.env = 'prod' AND metadata.`mlflow.trace.session` = 's1'", "23"),
    (
        r#"metadata.`mlflow.trace.tokenUsage` = '{"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}'"#,
        "2",
    ),
    ("metadata.`mlflow.trace.tokenUsage` = 'x'", ""),
    ("metadata.`mlflow.trace.cost` IS NOT NULL", "012345"),
    ("run_id = 'r1'", "3"),
    ("prompt = 'p/2'", "5"),
    ("prompt = 'p/1'", ""),
    ("span.name = 'model' AND span.type = 'LLM'", "012345"),
    ("span.name = 'model' AND span.type = 'CHAIN'", ""),
    ("span.attributes.colour LIKE '%colour 3%'", "3"),
    ("span.attributes.colour RLIKE '^colour [01]$'", "01"),
    ("span.content LIKE '%héllo%' AND tags.team = 'blue'", "012"),
    ("trace.text ILIKE '%COLOUR 4%'", "4"),
    ("feedback.good = 'true'", "0"),
    ("feedback.good != 'true'", "1"),
    ("feedback.good RLIKE 'n.'", "1"),
    // A judgement of a conversation is one of all its traces.
    ("feedback.score > 0.1", "234"),
    ("feedback.score <= 0.5", "23"),
    ("feedback.score RLIKE '0.5'", "23"),
    ("feedback.score IS NULL", "015"),
    ("feedback.score IS NOT NULL AND status = 'OK'", "24"),
    ("expectation.truth = 'because'", "4"),
    ("expectation.good = 'true'", ""),
    ("issue.id = 'i'", ""),
];

#[tokio::test]
async fn filters_find_what_they_say() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        fill(&router).await;
        for (filter, wanted) in FILTERS {
            let asked = json!({"filter": filter, "order_by": ["timestamp ASC"]});
            assert_eq!(found(&router, asked).await, *wanted, "{filter}");
            // The same a trace at a time.
            let mut token = Value::Null;
            let mut pages = String::new();
            loop {
                let asked =
                    json!({"locations": place(), "filter": filter, "max_results": 1, "page_token": token});
                let answer = post(&router, "3.0/mlflow/traces/search", asked).await;
                for info in answer["traces"].as_array().into_iter().flatten() {
                    pages.insert_str(0, &info["tags"]["mlflow.traceName"].as_str().unwrap()[1..]);
                }
                token = answer["next_page_token"].clone();
                if token.is_null() {
                    break;
                }
            }
            assert_eq!(pages, *wanted, "{filter}");
        }
    })
    .await;
}

#[tokio::test]
async fn orders_are_kept() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        fill(&router).await;
        for (orders, wanted) in [
            (json!([]), "543210"),
            (json!(["timestamp ASC"]), "012345"),
            (json!(["status", "execution_time DESC"]), "531420"),
            (json!(["name DESC"]), "543210"),
            // Capital letters come first, and what is missing last.
            (json!(["tags.team", "timestamp ASC"]), "345012"),
            (json!(["tags.few DESC", "timestamp ASC"]), "012345"),
            (json!(["tags.`mlflow.artifactLocation`"]), "012345"),
            (json!(["metadata.`mlflow.trace.session` DESC", "request_id"]), "452301"),
            (json!(["run_id", "timestamp ASC"]), "012345"),
        ] {
            assert_eq!(found(&router, json!({"order_by": orders})).await, wanted, "{orders}");
        }
        // Spans are asked in the same order.
        let asked =
            json!({"filter": "span.name = 'model'", "order_by": ["execution_time"], "max_results": 3});
        assert_eq!(found(&router, asked).await, "012");
    })
    .await;
}

#[tokio::test]
async fn our_own_routes_list_and_show() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        fill(&router).await;
        let list = get(&router, "/api/v1/traces?limit=2&filter=status%20%3D%20'OK'").await;
        let names = |list: &Value| {
            let names = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&list), ["t4", "t2"]);
        assert_eq!(list["items"][0]["input_tokens"], 4);
        assert_eq!(list["items"][0]["assessments"].as_array().unwrap().len(), 2);
        let token = list["next_token"].as_str().unwrap();
        let path =
            format!("/api/v1/traces?experiment=Default&limit=2&filter=status%20%3D%20'OK'&token={token}");
        assert_eq!(names(&get(&router, &path).await), ["t0"]);
        let shown = get(&router, &format!("/api/v1/traces/{}", trace_id(5))).await;
        assert_eq!(shown["prompts"], json!(["p/2"]));
        let spans = shown["spans"].as_array().unwrap();
        let tree: Vec<_> = spans.iter().map(|span| (&span["name"], &span["depth"])).collect();
        assert_eq!(tree, [(&json!("root"), &json!(0)), (&json!("model"), &json!(1))]);
        assert_eq!(spans[1]["attributes"]["colour"], "colour 5");
        assert_eq!(spans[1]["duration_ms"], 100.0);
        assert_eq!(call(&router, "GET", "/api/v1/traces/none", "").await.0, 404);
        assert_eq!(call(&router, "GET", "/api/v1/traces?experiment=none", "").await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn statistics_put_together_what_belongs_together() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        fill(&router).await;
        let ask = async |view: &str, metric: &str, kinds: &[&str], more: Value| {
            let kind = |kind: &&str| match kind.strip_prefix('P').and_then(|percent| percent.parse::<f64>().ok()) {
                Some(percent) => json!({"aggregation_type": "PERCENTILE", "percentile_value": percent}),
                None => json!({"aggregation_type": kind}),
            };
            let mut body = json!({"experiment_ids": ["0"], "view_type": view, "metric_name": metric,
                "aggregations": kinds.iter().map(kind).collect::<Vec<_>>()});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = post(&router, "3.0/mlflow/traces/metrics", body).await;
            let points = answer["data_points"].as_array().cloned().unwrap_or_default();
            points.into_iter().map(|point| (point["dimensions"].clone(), point["values"].clone())).collect::<Vec<_>>()
        };
        let none = Value::Null;
        let all = ask("TRACES", "trace_count", &["COUNT"], json!({})).await;
        assert_eq!(all, [(none.clone(), json!({"COUNT": 6.0}))]);
        let by_status = ask("TRACES", "trace_count", &["COUNT"], json!({"dimensions": ["trace_status"]})).await;
        assert_eq!(by_status[0], (json!({"trace_status": "ERROR"}), json!({"COUNT": 3.0})));
        let latency = ask("TRACES", "latency", &["AVG", "MIN", "MAX", "P50", "P100"], json!({})).await;
        assert_eq!(
            latency[0].1,
            json!({"AVG": 350.0, "MIN": 100.0, "MAX": 600.0, "P50.0": 350.0, "P100.0": 600.0})
        );
        assert_eq!(ask("TRACES", "session_count", &["COUNT"], json!({})).await[0].1, json!({"COUNT": 3.0}));
        let tokens = ask("TRACES", "total_tokens", &["SUM"], json!({"filters": ["trace.tag.team = 'blue'"]})).await;
        assert_eq!(tokens[0].1, json!({"SUM": 6.0}));
        let buckets = ask("TRACES", "trace_count", &["COUNT"], json!({"time_interval_seconds": 120,
            "start_time_ms": 1_704_067_260_000_i64, "end_time_ms": 1_704_067_440_000_i64})).await;
        assert_eq!(
            buckets,
            [
                (json!({"time_bucket": "2024-01-01T00:00:00+00:00"}), json!({"COUNT": 1.0})),
                (json!({"time_bucket": "2024-01-01T00:02:00+00:00"}), json!({"COUNT": 2.0})),
                (json!({"time_bucket": "2024-01-01T00:04:00+00:00"}), json!({"COUNT": 1.0})),
            ]
        );
        let spans = ask("SPANS", "span_count", &["COUNT"], json!({"dimensions": ["span_model_name"]})).await;
        assert_eq!(spans[0], (json!({"span_model_name": "m1"}), json!({"COUNT": 4.0})));
        let cost = ask("SPANS", "total_cost", &["SUM", "P50"], json!({"filters": ["span.type = 'LLM'"]})).await;
        assert_eq!(cost[0].1, json!({"SUM": 4.5, "P50.0": 0.75}));
        let early = json!({"end_time_ms": 1_700_000_001_002_i64});
        assert_eq!(ask("SPANS", "total_cost", &["SUM"], early).await[0].1, json!({"SUM": 1.5}));
        let length = ask("SPANS", "latency", &["AVG"], json!({"dimensions": ["span_name"], "max_results": 1})).await;
        assert_eq!(length, [(json!({"span_name": "model"}), json!({"AVG": 100.0}))]);
        let judged = ask("ASSESSMENTS", "assessment_count", &["COUNT"], json!({"dimensions": ["assessment_name"]})).await;
        assert_eq!(judged[0], (json!({"assessment_name": "good"}), json!({"COUNT": 2.0})));
        let values = ask("ASSESSMENTS", "assessment_value", &["AVG", "P50"], json!({"filters":
            ["assessment.name = 'score'"]})).await;
        assert_eq!(values[0].1, json!({"AVG": 2.75, "P50.0": 2.75}));

        let correlation = post(&router, "3.0/mlflow/traces/calculate-filter-correlation", json!({
            "experiment_ids": ["0"], "filter_string1": "tags.team = 'blue'", "filter_string2": "span.content LIKE '%colour 1%'",
            "base_filter": "status = 'ERROR'"})).await;
        let counts = ["filter1_count", "filter2_count", "joint_count", "total_count"].map(|name| correlation[name].clone());
        assert_eq!(counts, [1, 1, 1, 3].map(Value::from));
        assert_eq!(correlation["npmi"], 1.0);
    })
    .await;
}
