//! Preparing the red wines, on every database, and over HTTP.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use ropewalk_core::journal::Filter;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Actor, Code, Core, Direction, Entry, Migration, Page, Reference};
use ropewalk_data::{Column, CommitRequest, Data, FileChange, Frame};
use ropewalk_ledger::{Ledger, SummaryFilter};
use ropewalk_prep::{Expectation, Part, Prep, PrepSpec, Prepared, Split, Step, parity, routes};
use tower::ServiceExt;

const RED: &[u8] = include_bytes!("../../../data/wine/winequality-red.csv");
const WHITE: &[u8] = include_bytes!("../../../data/wine/winequality-white.csv");

fn migrations() -> Vec<Migration> {
    [ropewalk_data::MIGRATIONS, ropewalk_ledger::MIGRATIONS, ropewalk_prep::MIGRATIONS].concat()
}

fn ann() -> Actor {
    Actor::user("ann")
}

async fn commit(core: &Core, path: &str, content: &[u8]) -> String {
    let request = CommitRequest {
        dataset: "wine".into(),
        branch: "main".into(),
        message: format!("Add {path}"),
        files: vec![FileChange { path: path.into(), content: Some(Bytes::copy_from_slice(content)) }],
        expected_head: None,
        create_branch_from: None,
    };
    Data::new(core.clone()).commit(request, &ann()).await.unwrap().id
}

fn prep(core: &Core) -> Prep {
    Prep::new(core.clone(), Data::new(core.clone()), Ledger::new(core.clone()))
}

fn spec() -> PrepSpec {
    PrepSpec::new("wine@main/red.csv", "quality >= 6".parse().unwrap())
}

async fn journal_of(core: &Core, verb: &str) -> Vec<Entry> {
    let filter = Filter { verb: Some(verb.into()), ..Filter::default() };
    core.journal.entries(&filter, &Page::first(100)).await.unwrap().items
}

fn row_set(part: &Part) -> HashSet<u128> {
    (0..part.frame.rows()).map(|row| part.frame.row_hash(row)).collect()
}

/// Equal but for the word on caching.
fn same(left: &Prepared, right: &Prepared) {
    assert_eq!(left, &Prepared { cached: left.cached, ..right.clone() });
}

#[tokio::test]
async fn prepares_the_red_wines_once() {
    each_database(&migrations(), |core| async move {
        let commit = commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let first = prep.prepare(&spec(), &ann()).await.unwrap();
        assert!(!first.cached);
        assert_eq!((first.dataset.as_str(), first.commit.as_str()), ("wine", commit.as_str()));
        assert_eq!(first.reference, format!("dataset:wine@{commit}"));
        let rows = first.rows;
        assert_eq!((rows.source, rows.duplicates_dropped, rows.unlabelled_dropped), (1599, 240, 0));
        assert_eq!([rows.train, rows.validation, rows.test], [951, 204, 204]);
        assert_eq!(first.pipeline.outputs.len(), 11);
        assert!(!first.pipeline.inputs.iter().any(|input| input.name == "quality"));
        assert!((first.positive_share - 0.53).abs() < 0.02, "{}", first.positive_share);

        let second = prep.prepare(&spec(), &ann()).await.unwrap();
        assert!(second.cached);
        same(&first, &second);
        // The same commit by another name is the same preparation.
        let named = PrepSpec { source: format!("wine@{commit}/red.csv"), ..spec() };
        assert!(prep.prepare(&named, &ann()).await.unwrap().cached);

        assert_eq!(journal_of(&core, "prepare").await.len(), 1);
        let pipeline = Reference::new("pipeline", &first.pipeline_hash);
        let lineage = core.journal.lineage(&pipeline, Direction::Upstream, 5).await.unwrap();
        assert!(format!("{lineage:?}").contains(&first.reference), "{lineage:?}");
        let spent = Ledger::new(core.clone()).summary(SummaryFilter::default()).await.unwrap();
        assert_eq!((spent.entries, spent.by_activity[0].name.as_str()), (1, "prepare"));

        same(&prep.get(&first.id[..8]).await.unwrap(), &first);
        assert_eq!(prep.list(0, 10).await.unwrap().len(), 1);
        assert!(prep.list(1, 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn loads_disjoint_parts_with_equal_shares_of_positives() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let prepared = prep.prepare(&spec(), &ann()).await.unwrap();
        let data = prep.load(&prepared.id).await.unwrap();
        let (mut all, mut count) = (HashSet::new(), 0);
        for part in [&data.train, &data.validation, &data.test] {
            count += part.frame.rows();
            all.extend(row_set(part));
            assert_eq!(part.features.rows, part.labels.len());
            assert_eq!(part.frame.names().last().unwrap(), "quality");
            let positive: f32 = part.labels.iter().sum();
            #[expect(clippy::cast_precision_loss, reason = "a few hundred rows")]
            let share = f64::from(positive) / part.labels.len() as f64;
            assert!((share - prepared.positive_share).abs() < 0.003, "{share}");
            assert_eq!(parity(&prepared.pipeline, &part.frame).unwrap().max_abs_difference, 0.0);
        }
        assert_eq!((count, all.len()), (1359, 1359));

        // Fitted on the training part: there, and only there, the means are zero.
        #[expect(clippy::cast_precision_loss, reason = "a few hundred rows")]
        let mean = |part: &Part, column: usize| {
            let values = part.features.values.iter().skip(column).step_by(11);
            values.map(|value| f64::from(*value)).sum::<f64>() / part.features.rows as f64
        };
        assert!((0..11).all(|column| mean(&data.train, column).abs() < 1e-6));
        assert!((0..11).any(|column| mean(&data.test, column).abs() > 1e-3));
    })
    .await;
}

#[tokio::test]
async fn what_decides_the_outcome_decides_the_identifier() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let base = prep.prepare(&spec(), &ann()).await.unwrap();
        let variants = [
            PrepSpec { split: Split { seed: 1, ..Split::default() }, ..spec() },
            PrepSpec { target: "quality >= 7".parse().unwrap(), ..spec() },
            PrepSpec { drop_duplicates: false, ..spec() },
            PrepSpec { steps: vec![Step::MinMax { columns: None }], ..spec() },
            PrepSpec { columns: Some(vec!["alcohol".into(), "pH".into()]), ..spec() },
        ];
        let mut seen = vec![base.id.clone()];
        for variant in &variants {
            let prepared = prep.prepare(variant, &ann()).await.unwrap();
            assert!(!prepared.cached && !seen.contains(&prepared.id));
            seen.push(prepared.id);
        }
        // More wines on the same branch are another commit, and old rows keep their side.
        commit(&core, "white.csv", WHITE).await;
        let both = PrepSpec { source: "wine".into(), ..spec() };
        let both = prep.prepare(&both, &ann()).await.unwrap();
        assert_eq!(both.rows.source, 1599 + 4898);
        let (old, new) = (prep.load(&base.id).await.unwrap(), prep.load(&both.id).await.unwrap());
        let moved = row_set(&new.train).intersection(&row_set(&old.test)).count();
        assert!(moved < 20, "{moved} of 204 held-out rows moved into training");
    })
    .await;
}

#[tokio::test]
async fn lost_parts_are_made_again() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let first = prep.prepare(&spec(), &ann()).await.unwrap();
        core.blobs.delete(&format!("prepared/{}/test.parquet", first.id)).await.unwrap();
        let error = prep.load(&first.id).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        assert!(error.advice().unwrap().contains("ropewalk prep run"));
        let again = prep.prepare(&spec(), &ann()).await.unwrap();
        assert!(!again.cached);
        same(&first, &again);
        assert_eq!(prep.load(&first.id).await.unwrap().test.frame.rows(), 204);
        assert_eq!(journal_of(&core, "prepare").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn concurrent_preparations_agree() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let (one, two) = (spec(), spec());
        let (by_ann, by_bob) = (ann(), Actor::user("bob"));
        let (left, right) = tokio::join!(prep.prepare(&one, &by_ann), prep.prepare(&two, &by_bob));
        same(&left.unwrap(), &right.unwrap());
        assert_eq!(journal_of(&core, "prepare").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_refused_and_leaves_nothing() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let target = |text: &str| PrepSpec { target: text.parse().unwrap(), ..spec() };
        let range = Expectation::Range { column: "alcohol".into(), min: Some(5.0), max: Some(12.0) };
        for (spec, code, message) in [
            (target("colour == 1"), Code::Invalid, "“colour” is not in"),
            (target("quality >= 60"), Code::Invalid, "only one class"),
            (
                PrepSpec { columns: Some(vec!["pH".into(), "sugar".into()]), ..spec() },
                Code::Invalid,
                "lacks the input columns “sugar”",
            ),
            (PrepSpec { source: "beer".into(), ..spec() }, Code::NotFound, "beer"),
            (PrepSpec { source: "wine@main/rosé.csv".into(), ..spec() }, Code::NotFound, "rosé.csv"),
            (PrepSpec { expectations: vec![range], ..spec() }, Code::GateFailed, "does not meet 1 of 1"),
        ] {
            let error = prep.prepare(&spec, &ann()).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(message), "{error}");
        }
        assert!(journal_of(&core, "prepare").await.is_empty());
        assert!(core.blobs.list("prepared/").await.unwrap().is_empty());
        assert_eq!(prep.get("abcd").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(prep.get("%%%%").await.unwrap_err().code(), Code::Invalid);
        assert_eq!(prep.get("é…").await.unwrap_err().code(), Code::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_text_target_and_an_unlabelled_row_are_told() {
    let (_home, core) = fresh_home(&migrations()).await;
    let rows = (0..100)
        .map(|row| format!("{row},{}\n", if row == 7 { String::new() } else { (row % 2).to_string() }));
    let text = format!("x,y\n{}", rows.collect::<String>());
    commit(&core, "t.csv", text.as_bytes()).await;
    let prep = prep(&core);
    let spec = PrepSpec::new("wine@main/t.csv", "y == 1".parse().unwrap());
    let prepared = prep.prepare(&spec, &ann()).await.unwrap();
    assert_eq!((prepared.rows.unlabelled_dropped, prepared.rows.train), (1, 69));

    commit(&core, "u.csv", b"x,y\n1,a\n2,b\n").await;
    let spec = PrepSpec::new("wine@main/u.csv", "y == 1".parse().unwrap());
    let error = prep.prepare(&spec, &ann()).await.unwrap_err();
    assert!(error.to_string().contains("holds text"), "{error}");
}

#[tokio::test]
async fn validation_reports_and_is_journalled() {
    each_database(&migrations(), |core| async move {
        commit(&core, "red.csv", RED).await;
        let prep = prep(&core);
        let expectations = prep.suggest("wine@main/red.csv").await.unwrap();
        let report = prep.validate_as("wine@main/red.csv", &expectations, &ann()).await.unwrap();
        assert!(report.passed, "{report:?}");
        assert_eq!((report.rows, report.columns, report.duplicates, report.missing), (1599, 12, 240, 0));
        let entries = journal_of(&core, "validate").await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].facts["duplicates"], 240);

        let none = [Expectation::Duplicates { max_share: 0.0 }];
        let report = prep.validate("wine@main/red.csv", &none).await.unwrap();
        assert!(!report.passed);
    })
    .await;
}

#[tokio::test]
async fn answers_over_http() {
    let (_home, core) = fresh_home(&migrations()).await;
    commit(&core, "red.csv", RED).await;
    let prep = prep(&core);
    let ask = |request: Request<Body>| {
        let (router, _) = routes(&prep).split_for_parts();
        async move {
            let answer = router.oneshot(request).await.unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice::<serde_json::Value>(&body).unwrap())
        }
    };
    let post = |path: &str, body: String| {
        Request::post(path).header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let get = |path: String| Request::get(path).body(Body::empty()).unwrap();

    let (status, report) =
        ask(post("/api/v1/prep/validate", r#"{"source":"wine@main/red.csv"}"#.to_owned())).await;
    assert_eq!((status, &report["duplicates"]), (StatusCode::OK, &240.into()));
    let body = serde_json::to_string(&spec()).unwrap();
    let (status, prepared) = ask(post("/api/v1/prep/prepare", body.clone())).await;
    assert_eq!((status, &prepared["cached"]), (StatusCode::OK, &false.into()));
    let (_, again) = ask(post("/api/v1/prep/prepare", body)).await;
    assert_eq!(again["cached"], true);
    let id = prepared["id"].as_str().unwrap();
    let (_, list) = ask(get("/api/v1/prep/prepared".to_owned())).await;
    assert_eq!(list[0]["id"], id);
    let (_, one) = ask(get(format!("/api/v1/prep/prepared/{}", &id[..10]))).await;
    assert_eq!(one["rows"]["duplicates_dropped"], 240);
    let (_, rows) = ask(get(format!("/api/v1/prep/prepared/{id}/rows?limit=3&offset=202"))).await;
    assert_eq!((rows["rows"].as_array().unwrap().len(), &rows["total"]), (2, &204.into()));
    assert_eq!(rows["rows"][0].as_array().unwrap().len(), 12);
    let (_, suggested) = ask(get("/api/v1/prep/suggest?source=wine@main/red.csv".to_owned())).await;
    assert_eq!(suggested[0]["expect"], "rows");
    let (status, _) = ask(get(format!("/api/v1/prep/prepared/{id}/rows?part=all"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, error) = ask(post("/api/v1/prep/prepare", r#"{"source":1}"#.to_owned())).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &"invalid".into()));
    let (status, _) = ask(get("/api/v1/prep/prepared/ffff".to_owned())).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[test]
fn columns_keep_their_kinds_through_parquet() {
    // Guards the reading back of parts: a text column without values stays text.
    let frame = Frame::new(vec![
        ("n".into(), Column::Number(vec![1.0, f64::NAN])),
        ("t".into(), Column::Text(vec![None, None])),
    ])
    .unwrap();
    let again = Frame::from_parquet(&frame.to_parquet().unwrap()).unwrap();
    assert_eq!(again, frame);
    let empty = frame.select(&[]);
    assert_eq!(Frame::from_parquet(&empty.to_parquet().unwrap()).unwrap(), empty);
}
