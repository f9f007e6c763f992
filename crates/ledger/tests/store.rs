//! The ledger on every database, and over HTTP.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Code, Page, Reference};
use ropewalk_ledger::{Cost, Ledger, MIGRATIONS, Meter, SummaryFilter, routes};
use tower::ServiceExt;

fn cost(watt_hours: f64, money: f64, currency: &str) -> Cost {
    Cost {
        seconds: 2.0,
        cpu_seconds: 1.0,
        watt_hours,
        watt_hours_low: watt_hours / 2.0,
        watt_hours_high: watt_hours * 2.0,
        method: "rapl".into(),
        grams_co2e: watt_hours * 0.475,
        money,
        currency: currency.into(),
    }
}

fn run(id: &str) -> Reference {
    Reference::new("run", id)
}

#[tokio::test]
async fn sums_by_activity_and_subject() {
    each_database(MIGRATIONS, |core| async move {
        let ledger = Ledger::new(core.clone());
        ledger.record(&run("a"), "train", &cost(1.0, 0.5, "EUR")).await.unwrap();
        ledger.record(&run("a"), "predict", &cost(4.0, 0.25, "EUR")).await.unwrap();
        let held = ledger.clone();
        core.database
            .write(move |transaction| {
                Box::pin(async move {
                    held.record_in(transaction, &run("b"), "train", &cost(2.0, 1.0, "USD")).await
                })
            })
            .await
            .unwrap();

        let all = ledger.summary(SummaryFilter::default()).await.unwrap();
        assert_eq!((all.entries, all.total.watt_hours, all.total.seconds), (3, 7.0, 6.0));
        assert_eq!((all.money["EUR"], all.money["USD"]), (0.75, 1.0));
        let names: Vec<_> = all.by_activity.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["predict", "train"]);
        let subjects: Vec<_> =
            all.by_subject.iter().map(|group| (group.name.as_str(), group.cost.watt_hours)).collect();
        assert_eq!(subjects, [("run:a", 5.0), ("run:b", 2.0)]);

        let filter = SummaryFilter {
            subject: Some("run:a".into()),
            activity: Some("train".into()),
            since_ms: Some(0),
        };
        let some = ledger.summary(filter).await.unwrap();
        assert_eq!((some.entries, some.total.money), (1, 0.5));
        let later = SummaryFilter { since_ms: Some(i64::MAX), ..SummaryFilter::default() };
        assert_eq!(ledger.summary(later).await.unwrap(), ropewalk_ledger::Summary::default());
    })
    .await;
}

#[tokio::test]
async fn pages_through_the_lines_newest_first() {
    each_database(MIGRATIONS, |core| async move {
        let ledger = Ledger::new(core);
        for number in 0..5 {
            ledger.record(&run(&number.to_string()), "train", &cost(1.0, 0.0, "EUR")).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let page = ledger.entries(Page { limit: 2, token }).await.unwrap();
            seen.extend(page.items.into_iter().map(|entry| entry.subject));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["run:4", "run:3", "run:2", "run:1", "run:0"]);
    })
    .await;
}

#[tokio::test]
async fn refuses_figures_that_cannot_be_stored() {
    each_database(MIGRATIONS, |core| async move {
        let ledger = Ledger::new(core);
        let error = ledger.record(&run("a"), "train", &cost(f64::NAN, 0.0, "EUR")).await.unwrap_err();
        assert_eq!(error.code(), Code::Invalid);
        assert!(ledger.record(&run("a"), "", &cost(1.0, 0.0, "EUR")).await.is_err());
        assert_eq!(ledger.summary(SummaryFilter::default()).await.unwrap().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn measures_this_process() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let ledger = Ledger::new(core);
    let meter = Meter::start();
    let mut sum = 0_u64;
    while meter.read().cpu_seconds < 0.05 {
        sum = std::hint::black_box(sum.wrapping_add(1));
    }
    let cost = ledger.measure(meter);
    assert!(cost.watt_hours > 0.0 && cost.money > 0.0 && cost.grams_co2e > 0.0);
    assert!(cost.watt_hours_low < cost.watt_hours && cost.watt_hours < cost.watt_hours_high);
    assert_eq!(cost.method, ledger.method().method);
}

#[tokio::test]
async fn answers_over_http() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let ledger = Ledger::new(core);
    ledger.record(&run("a"), "train", &cost(1.0, 0.5, "EUR")).await.unwrap();
    let get = |path: &'static str| {
        let (router, _) = routes(&ledger).split_for_parts();
        async move {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = router.oneshot(request).await.unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice::<serde_json::Value>(&body).unwrap())
        }
    };
    let (status, body) = get("/api/v1/ledger/summary?activity=train").await;
    assert_eq!((status, &body["total"]["money"]), (StatusCode::OK, &serde_json::json!(0.5)));
    let (_, body) = get("/api/v1/ledger/entries?limit=1").await;
    assert_eq!(body["items"][0]["subject"], "run:a");
    let (_, body) = get("/api/v1/ledger/method").await;
    assert_eq!(body["grams_per_kwh"], 475.0);
    let (status, body) = get("/api/v1/ledger/entries?limit=many").await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &"invalid".into()));
    let (status, _) = get("/api/v1/ledger/entries?token=nonsense").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
