//! A process that is killed in the middle of commits loses none that it acknowledged, and leaves
//! nothing half-written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ropewalk_core::{Actor, Core, Settings};
use ropewalk_data::{CommitRequest, Data, DatasetSpec, FileChange, MIGRATIONS};

const HOME: &str = "ROPEWALK_KILL_HOME";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn content(number: u64) -> Vec<u8> {
    let mut out = vec![0; 100_000];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut out);
    out
}

/// The child: commits until it is killed and says each commit's name once it is acknowledged.
#[test]
fn child_that_commits_until_it_is_killed() {
    let Ok(home) = std::env::var(HOME) else { return };
    runtime().block_on(async {
        let data = Data::new(Core::open(Settings::for_home(Path::new(&home)), MIGRATIONS).await.unwrap());
        for number in 0.. {
            let number = number + u64::from(std::process::id()) * 1_000_000;
            let request = CommitRequest {
                dataset: "wine".into(),
                branch: "main".into(),
                message: "again".into(),
                files: vec![FileChange {
                    path: format!("{number}.bin"),
                    content: Some(content(number).into()),
                }],
                expected_head: None,
                create_branch_from: None,
            };
            let made = data.commit(request, &Actor::user("child")).await.unwrap();
            // One write, ended by a mark, so that a line cut short is told from a whole one.
            println!("\nmade {} {number} .", made.id);
            std::io::stdout().flush().unwrap();
        }
    });
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<(String, u64)> = Vec::new();
    for round in 0..10_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_commits_until_it_is_killed", "--nocapture"])
            .env(HOME, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, tells) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut made = Vec::new();
            for line in stdout.lines().map_while(Result::ok) {
                let Some(line) = line.strip_prefix("made ") else { continue };
                // A line that the kill cut short acknowledges nothing.
                let words: Vec<&str> = line.split(' ').collect();
                if let [id, number, "."] = words[..] {
                    made.push((id.to_owned(), number.parse::<u64>().unwrap()));
                    let _ = told.send(());
                }
            }
            made
        });
        // Once it commits, at a different moment each time.
        tells.recv_timeout(Duration::from_secs(60)).unwrap();
        std::thread::sleep(Duration::from_millis(23 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let before = acknowledged.len();
        acknowledged.extend(reader.join().unwrap());

        runtime().block_on(async {
            let core = Core::open(Settings::for_home(home.path()), MIGRATIONS).await.unwrap();
            let data = Data::new(core.clone());
            let report = data.verify("wine").await.unwrap();
            assert!(report.ok, "round {round}: {report:?}");
            let log = data.log("wine", "main").await.unwrap();
            let stands: HashSet<&str> = log.iter().map(|info| info.id.as_str()).collect();
            for (id, _) in &acknowledged {
                assert!(stands.contains(id.as_str()), "round {round}: commit {id} is lost");
            }
            for (id, number) in &acknowledged[before..] {
                let file = DatasetSpec::new("wine", id).with_path(format!("{number}.bin"));
                assert_eq!(data.read(&file).await.unwrap(), content(*number));
            }
            // At most the last commit of each round stood without being told.
            assert!(log.len() as u64 <= acknowledged.len() as u64 + round + 1);
            assert!(core.journal.verify().await.unwrap().intact);
        });
    }
    assert!(acknowledged.len() >= 10);
}
