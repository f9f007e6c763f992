#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ropewalk_core::{new_id, now_ms};
use ropewalk_data::Column;

use super::*;

fn log(home: &Path) -> PredictionLog {
    let blobs = Blobs::open(&format!("file://{}", home.join("blobs").display())).unwrap();
    PredictionLog::new(home, blobs)
}

fn batch(endpoint: &str, time_ms: i64, revision: i64, rows: usize) -> PredictionBatch {
    PredictionBatch {
        endpoint: endpoint.into(),
        revision,
        model: "m".into(),
        version: revision,
        time_ms,
        latency_us: 100,
        ids: (0..rows).map(|_| new_id()).collect(),
        inputs: Frame::new(vec![("x".into(), Column::Number((0..rows).map(|row| row as f64).collect()))])
            .unwrap(),
        scores: vec![0.5; rows],
        error: None,
    }
}

fn newest(limit: usize) -> Wanted {
    Wanted { limit: Some(limit), ..Wanted::default() }
}

#[tokio::test]
async fn buffer_and_parquet_are_read_together() {
    let home = tempfile::tempdir().unwrap();
    let log = log(home.path());
    let start = now_ms() - 10_000_000;
    for step in 0..30 {
        log.record(&batch("wine", start + step * 300_000, 1 + step % 2, 3)).await.unwrap();
        log.record(&batch("other", start + step, 1, 1)).await.unwrap();
        if step % 10 == 9 {
            assert_eq!(log.roll(Duration::ZERO).await.unwrap(), 1);
        }
    }
    log.record(&batch("wine", start + 30 * 300_000, 1, 3)).await.unwrap();
    let all = log.read("wine", Wanted::default()).await.unwrap();
    assert_eq!(all.rows(), 93);
    assert!(all.times_ms.is_sorted());
    assert_eq!(log.read("other", Wanted::default()).await.unwrap().rows(), 30);
    assert_eq!(log.read("none", newest(5)).await.unwrap().rows(), 0);
    for limit in [1, 3, 20, 92, 93, 500] {
        let found = log.read("wine", newest(limit)).await.unwrap();
        assert_eq!(found.ids, all.ids[93_usize.saturating_sub(limit)..], "{limit}");
    }
    let second = log.read("wine", Wanted { revision: Some(2), ..newest(10) }).await.unwrap();
    assert_eq!((second.rows(), second.revisions.iter().all(|revision| *revision == 2)), (10, true));
    let span =
        Wanted { since_ms: Some(start + 300_000), until_ms: Some(start + 3 * 300_000), ..Wanted::default() };
    assert_eq!(log.read("wine", span).await.unwrap().rows(), 6);
    assert_eq!(log.endpoints().await.unwrap(), ["wine"]);
}

#[tokio::test]
async fn a_roll_cut_short_is_done_again_and_counts_once() {
    let home = tempfile::tempdir().unwrap();
    let first = log(home.path());
    first.record(&batch("wine", now_ms(), 1, 4)).await.unwrap();
    let folder = home.path().join("predictions/buffer");
    let path = segment::list(&folder).unwrap().remove(0);
    let copy = std::fs::read(&path).unwrap();
    first.roll(Duration::ZERO).await.unwrap();
    assert!(!path.exists());
    // As if the process had died between writing Parquet and removing the segment.
    std::fs::write(&path, &copy).unwrap();
    assert_eq!(first.read("wine", Wanted::default()).await.unwrap().rows(), 4);
    assert_eq!(first.roll(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(first.read("wine", Wanted::default()).await.unwrap().rows(), 4);
    assert_eq!(first.blobs.list("predictions").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_torn_tail_is_dropped_and_a_damaged_one_kept_aside() {
    let home = tempfile::tempdir().unwrap();
    let log = log(home.path());
    for _ in 0..3 {
        log.record(&batch("wine", now_ms(), 1, 2)).await.unwrap();
    }
    let folder = home.path().join("predictions/buffer");
    let path = segment::list(&folder).unwrap().remove(0);
    let whole = std::fs::read(&path).unwrap();
    log.roll(Duration::ZERO).await.unwrap();
    for blob in log.blobs.list("predictions").await.unwrap() {
        log.blobs.delete(&blob.path).await.unwrap();
    }

    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    assert_eq!(log.read("wine", Wanted::default()).await.unwrap().rows(), 4);
    log.roll(Duration::ZERO).await.unwrap();
    assert_eq!(log.read("wine", Wanted::default()).await.unwrap().rows(), 4);
    assert!(!path.exists() && !damaged_path(&path).exists());

    let mut flipped = whole;
    flipped[40] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    log.roll(Duration::ZERO).await.unwrap();
    assert!(!path.exists() && damaged_path(&path).exists());
    assert_eq!(log.read("wine", Wanted::default()).await.unwrap().rows(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_forces_and_none_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let log = log(home.path());
    let writes = (0..500).map(|_| {
        let (log, batch) = (log.clone(), batch("wine", now_ms(), 1, 2));
        async move {
            log.record(&batch).await.unwrap();
            batch.ids
        }
    });
    let mut acknowledged: Vec<String> =
        futures::future::join_all(writes).await.into_iter().flatten().collect();
    acknowledged.sort();
    let mut read = log.read("wine", Wanted::default()).await.unwrap().ids;
    read.sort();
    assert_eq!(read, acknowledged);
}

#[tokio::test]
async fn a_home_that_cannot_be_written_is_an_error_to_every_caller() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("predictions"), b"a file where the folder should be").unwrap();
    let log = log(home.path());
    let error = log.record(&batch("wine", now_ms(), 1, 1)).await.unwrap_err();
    assert_eq!(error.what(), "the prediction could not be logged");
}

/// The child of the test below: records until it is killed, and prints the ids of each acknowledged batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_records_until_it_is_killed() {
    let Ok(home) = std::env::var("ROPEWALK_TEST_LOG_HOME") else { return };
    let log = log(Path::new(&home));
    let tasks = (0..8).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            loop {
                let batch = batch("wine", now_ms(), 1, 2);
                log.record(&batch).await.unwrap();
                let line = format!("acknowledged {} {}\n", batch.ids[0], batch.ids[1]);
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures::future::join_all(tasks).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log::tests::child_that_records_until_it_is_killed", "--nocapture"])
        .env("ROPEWALK_TEST_LOG_HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The line that the kill cut short may lack an id.
        let Ok(line) = line else { break };
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == "acknowledged") {
            acknowledged
                .extend(words[at + 1..].iter().filter(|id| id.len() == 32).map(|id| (*id).to_owned()));
        }
        if acknowledged.len() >= 600 && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 600);
    let log = log(home.path());
    for rolled in [false, true] {
        if rolled {
            assert_eq!(log.roll(Duration::ZERO).await.unwrap(), 1);
        }
        let found: std::collections::HashSet<String> =
            log.read("wine", Wanted::default()).await.unwrap().ids.into_iter().collect();
        assert!(acknowledged.iter().all(|id| found.contains(id)), "rolled: {rolled}");
    }
}
