//! The datasets' behaviour, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use bytes::Bytes;
use ropewalk_core::testing::each_database;
use ropewalk_core::{Actor, Code, Core, Direction, Page, Reference, journal};
use ropewalk_data::{Change, Commit, CommitRequest, Data, DatasetSpec, FileChange, MIGRATIONS};

fn ann() -> Actor {
    Actor::user("ann")
}

fn spec(text: &str) -> DatasetSpec {
    text.parse().unwrap()
}

fn put(path: &str, content: impl Into<Bytes>) -> FileChange {
    FileChange { path: path.into(), content: Some(content.into()) }
}

fn remove(path: &str) -> FileChange {
    FileChange { path: path.into(), content: None }
}

fn request(branch: &str, files: Vec<FileChange>) -> CommitRequest {
    CommitRequest {
        dataset: "wine".into(),
        branch: branch.into(),
        message: "change".into(),
        files,
        expected_head: None,
        create_branch_from: None,
    }
}

async fn commit(data: &Data, branch: &str, files: Vec<FileChange>) -> Commit {
    data.commit(request(branch, files), &ann()).await.unwrap()
}

/// Bytes without a pattern, always the same ones.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut out = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut out);
    out
}

const RED: &str = "\"fixed acidity\";\"quality\"\n7.4;5\n7.8;6\n7.8;6\n";
const WHITE: &str = "\"fixed acidity\";\"quality\"\n7;6\n";

#[tokio::test]
async fn a_commit_is_read_back_with_its_statistics() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        let made =
            commit(&data, "main", vec![put("red.csv", RED), put("notes/licence.txt", "CC BY 4.0")]).await;
        assert_eq!((made.rows, made.files.len(), made.unchanged), (3, 2, false));
        assert!(made.new_bytes > 0 && made.id.len() == 64);
        let shown = data.show(&spec("wine")).await.unwrap();
        assert_eq!(shown, made);
        let table = shown.files[1].table.as_ref().unwrap();
        assert_eq!((table.rows, table.columns[0].max), (3, Some(7.8)));
        assert!((table.columns[0].mean.unwrap() - 23.0 / 3.0).abs() < 1e-12);
        assert_eq!(shown.files[0].table, None);
        assert_eq!(data.read(&spec("wine/red.csv")).await.unwrap(), RED.as_bytes());
        assert_eq!(data.frame(&spec("wine")).await.unwrap().number("quality").unwrap(), [5.0, 6.0, 6.0]);
        assert_eq!(data.read(&spec("wine")).await.unwrap_err().code(), Code::Invalid);
        assert_eq!(data.read(&spec("wine/none.csv")).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(data.show(&spec("wine@none")).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(data.show(&spec("beer")).await.unwrap_err().code(), Code::NotFound);

        let again = commit(&data, "main", vec![put("red.csv", RED)]).await;
        assert!(again.unchanged && again.id == made.id);

        let filter = journal::Filter { verb: Some("commit".into()), ..Default::default() };
        let entries = core.journal.entries(&filter, &Page::first(10)).await.unwrap().items;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].subject, Reference::new("dataset", format!("wine@{}", made.id)));
        assert_eq!(entries[0].facts["rows"], 3);
        let report = data.verify("wine").await.unwrap();
        assert!(report.ok, "{report:?}");
        assert_eq!((report.commits, report.files), (1, 3));
    })
    .await;
}

#[tokio::test]
async fn references_lead_to_commits() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        let first = commit(&data, "main", vec![put("red.csv", RED)]).await;
        let second = commit(&data, "main", vec![put("white.csv", WHITE)]).await;
        data.tag("wine", "v1", "main~1", &ann()).await.unwrap();
        for (reference, id) in [
            ("main", &second.id),
            ("main~", &first.id),
            ("v1", &first.id),
            (&first.id, &first.id),
            (&first.id[..12], &first.id),
        ] {
            assert_eq!(&data.resolve("wine", reference).await.unwrap(), id);
        }
        for reference in ["main~2", "v2", "0000", &"0".repeat(64), "main~x"] {
            assert!(data.resolve("wine", reference).await.is_err(), "{reference}");
        }
        // A tag stays where it is.
        data.tag("wine", "v1", "main~1", &ann()).await.unwrap();
        assert_eq!(data.tag("wine", "v1", "main", &ann()).await.unwrap_err().code(), Code::AlreadyExists);
        let log = data.log("wine", "main").await.unwrap();
        assert_eq!(log.iter().map(|info| &info.id).collect::<Vec<_>>(), [&second.id, &first.id]);
        assert_eq!(log[0].parents, std::slice::from_ref(&first.id));
        let page = data.log_page("wine", "main", &Page::first(1)).await.unwrap();
        let rest = Page { limit: 1, token: page.next_token };
        assert_eq!(data.log_page("wine", "main", &rest).await.unwrap().items[0].id, first.id);
        let wine = data.get("wine").await.unwrap();
        assert_eq!((wine.commits, wine.branches.len(), wine.tags.len()), (2, 1, 1));
        assert_eq!(wine.latest.unwrap().id, second.id);
        let upstream = Reference::new("dataset", format!("wine@{}", second.id));
        let lineage = core.journal.lineage(&upstream, Direction::Upstream, 3).await.unwrap();
        assert!(lineage.nodes.iter().any(|node| node.reference.id().ends_with(&first.id)));
    })
    .await;
}

#[tokio::test]
async fn branches_merge_file_by_file() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core);
        commit(&data, "main", vec![put("red.csv", RED)]).await;
        data.branch("wine", "retrain-1", "main").await.unwrap();
        assert_eq!(data.branch("wine", "retrain-1", "main").await.unwrap_err().code(), Code::AlreadyExists);
        commit(&data, "retrain-1", vec![put("white.csv", WHITE)]).await;
        commit(&data, "main", vec![put("licence.txt", "CC BY 4.0")]).await;
        let merged = data.merge("wine", "retrain-1", "main", "", &ann()).await.unwrap();
        assert_eq!((merged.files.len(), merged.parents.len(), merged.rows), (3, 2, 4));
        assert_eq!(data.frame(&spec("wine")).await.unwrap().rows(), 4);
        assert!(data.merge("wine", "retrain-1", "main", "", &ann()).await.unwrap().unchanged);
        // Everything is reachable once.
        assert_eq!(data.log("wine", "main").await.unwrap().len(), 4);

        // Both sides change one file: refused, naming it, and the branch stays.
        commit(&data, "retrain-1", vec![put("red.csv", WHITE)]).await;
        commit(&data, "main", vec![put("red.csv", format!("{RED}1;1\n"))]).await;
        let refused = data.merge("wine", "retrain-1", "main", "", &ann()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
        assert!(refused.to_string().contains("red.csv"), "{refused}");
        assert_eq!(data.frame(&spec("wine/red.csv")).await.unwrap().rows(), 4);
        assert!(data.verify("wine").await.unwrap().ok);
    })
    .await;
}

#[tokio::test]
async fn a_new_branch_begins_where_it_is_told() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core);
        let first = commit(&data, "main", vec![put("red.csv", RED)]).await;
        commit(&data, "main", vec![put("white.csv", WHITE)]).await;
        let mut from_first = request("old", vec![put("a.txt", "a")]);
        from_first.create_branch_from = Some(first.id.clone());
        let old = data.commit(from_first, &ann()).await.unwrap();
        assert_eq!((old.files.len(), &old.parents[0]), (2, &first.id));
        let from_main = commit(&data, "new", vec![put("a.txt", "a")]).await;
        assert_eq!(from_main.files.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn differences_are_told_by_file_row_and_column() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core);
        commit(&data, "main", vec![put("red.csv", RED), put("old.txt", "x")]).await;
        let files = vec![put("red.csv", format!("{RED}9;9\n")), put("white.csv", WHITE), remove("old.txt")];
        commit(&data, "main", files).await;
        let diff = data.diff("wine", "main~1", "main").await.unwrap();
        let changes: Vec<(&str, Change)> =
            diff.files.iter().map(|file| (file.path.as_str(), file.change)).collect();
        assert_eq!(
            changes,
            [("old.txt", Change::Removed), ("red.csv", Change::Modified), ("white.csv", Change::Added)]
        );
        assert_eq!((diff.rows_added, diff.rows_removed), (2, 0));
        let back = data.diff("wine", "main", "main~1").await.unwrap();
        assert_eq!((back.rows_added, back.rows_removed), (0, 2));
        assert!(data.diff("wine", "main", "main").await.unwrap().files.is_empty());
    })
    .await;
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        let head = commit(&data, "main", vec![put("red.csv", RED)]).await;
        let bad = [
            (vec![put("r.csv", "a,b\n1\n")], Code::Invalid),
            (vec![put("r.csv", "")], Code::Invalid),
            (vec![put("r.parquet", "PAR1")], Code::Invalid),
            (vec![put("../../etc/passwd", "x")], Code::Invalid),
            (vec![put("/etc/passwd", "x")], Code::Invalid),
            (vec![put("a\\..\\b", "x")], Code::Invalid),
            (vec![put("a", "x"), put("a", "y")], Code::Invalid),
            (vec![put("red.csv/inner", "x")], Code::Invalid),
            (vec![remove("none")], Code::NotFound),
        ];
        for (files, code) in bad {
            let shown = format!("{files:?}");
            let error = data.commit(request("main", files), &ann()).await.unwrap_err();
            assert_eq!(error.code(), code, "{shown}");
        }
        let ragged = request("main", vec![put("r.csv", "a,b\n1,2\n3\n")]);
        let ragged = data.commit(ragged, &ann()).await.unwrap_err();
        assert!(ragged.to_string().contains("line 3") && ragged.advice().is_some(), "{ragged}");
        assert!(ragged.what().contains("r.csv"));
        for (dataset, branch) in [("../x", "main"), ("wine", "a/b"), ("", "main"), ("wine", "")] {
            let bad = CommitRequest {
                dataset: dataset.into(),
                branch: branch.into(),
                ..request("main", vec![put("a", "a")])
            };
            assert_eq!(data.commit(bad, &ann()).await.unwrap_err().code(), Code::Invalid);
        }
        let stale =
            CommitRequest { expected_head: Some("0".repeat(64)), ..request("main", vec![put("a", "a")]) };
        assert_eq!(data.commit(stale, &ann()).await.unwrap_err().code(), Code::Conflict);
        let fresh = CommitRequest { dataset: "beer".into(), ..request("main", vec![]) };
        assert_eq!(data.commit(fresh, &ann()).await.unwrap_err().code(), Code::Invalid);
        assert_eq!(data.resolve("wine", "main").await.unwrap(), head.id);
        assert_eq!(data.list().await.unwrap().len(), 1);
        assert_eq!(data.create("wine", &ann()).await.unwrap_err().code(), Code::AlreadyExists);
        assert_eq!(core.journal.verify().await.unwrap().entries, 1);
    })
    .await;
}

#[tokio::test]
async fn large_files_come_back_and_versions_share_their_chunks() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core);
        let before = noise(40 << 20, 1);
        let first = commit(&data, "main", vec![put("a.bin", before.clone()), put("empty", "")]).await;
        assert!(first.new_bytes > 40 << 20);
        assert_eq!(data.read(&spec("wine/a.bin")).await.unwrap(), before);
        assert!(data.read(&spec("wine/empty")).await.unwrap().is_empty());
        let mut after = before;
        after.splice(1_000_000..1_000_000, noise(1000, 2));
        let second = commit(&data, "main", vec![put("a.bin", after.clone())]).await;
        assert!(second.new_bytes < 1 << 20, "{} new bytes", second.new_bytes);
        assert_eq!(data.read(&spec("wine/a.bin")).await.unwrap(), after);
        // The same content under another name adds the list of files only.
        let third = commit(&data, "main", vec![put("b.bin", after)]).await;
        assert!(third.new_bytes < 1000, "{} new bytes", third.new_bytes);
        let report = data.verify("wine").await.unwrap();
        assert!(report.ok && report.packs >= 2, "{report:?}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_committers_lose_nothing() {
    each_database(MIGRATIONS, |core| async move {
        // Each of these stands for a process of its own: they share only the stores.
        let processes: Vec<Data> = (0..4).map(|_| Data::new(core.clone())).collect();
        let commits = (0..24).map(|number| {
            let data = processes[number % processes.len()].clone();
            tokio::spawn(async move {
                commit(&data, "main", vec![put(&format!("{number}.csv"), format!("n\n{number}\n"))]).await
            })
        });
        let made = futures::future::try_join_all(commits).await.unwrap();
        let data = &processes[0];
        assert_eq!(data.show(&spec("wine")).await.unwrap().files.len(), 24);
        let log = data.log("wine", "main").await.unwrap();
        assert_eq!(log.len(), 24);
        assert!(made.iter().all(|commit| log.iter().any(|info| info.id == commit.id)));
        assert!(log.iter().rev().skip(1).all(|info| info.parents.len() == 1));
        assert_eq!(data.frame(&spec("wine")).await.unwrap().rows(), 24);
        assert!(core.journal.verify().await.unwrap().intact);
        assert!(data.verify("wine").await.unwrap().ok);
    })
    .await;
}

/// The packs on the disk.
async fn packs(core: &Core) -> Vec<std::path::PathBuf> {
    let blobs = core.blobs.list("datasets/packs").await.unwrap();
    let root = core.settings.blobs_url();
    let root = std::path::Path::new(root.strip_prefix("file://").unwrap());
    blobs.iter().map(|blob| root.join(&blob.path)).collect()
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_never_served() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        let content = noise(200_000, 3);
        commit(&data, "main", vec![put("a.bin", content.clone()), put("red.csv", RED)]).await;
        let pack = packs(&core).await.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
        let whole = std::fs::read(&pack).unwrap();
        for at in [0, 20, whole.len() / 3, whole.len() / 2, whole.len() - 100, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x40;
            std::fs::write(&pack, damaged).unwrap();
            let report = data.verify("wine").await.unwrap();
            assert!(!report.ok && !report.problems.is_empty(), "byte {at}");
            // A new process has nothing in memory.
            match Data::new(core.clone()).read(&spec("wine/a.bin")).await {
                Ok(read) => assert_eq!(read, content, "byte {at}"),
                Err(error) => assert_eq!(error.code(), Code::Corrupt, "byte {at}"),
            }
        }
        std::fs::write(&pack, &whole[..whole.len() / 2]).unwrap();
        assert!(!data.verify("wine").await.unwrap().ok);
        let cut = Data::new(core.clone()).read(&spec("wine/a.bin")).await.unwrap_err();
        assert_eq!(cut.code(), Code::Corrupt);
        std::fs::remove_file(&pack).unwrap();
        let report = data.verify("wine").await.unwrap();
        assert!(report.problems.iter().any(|problem| !problem.files.is_empty()), "{report:?}");
        let gone = Data::new(core.clone()).read(&spec("wine/a.bin")).await.unwrap_err();
        assert_eq!(gone.code(), Code::Corrupt);
        std::fs::write(&pack, &whole).unwrap();
        assert!(data.verify("wine").await.unwrap().ok);
        assert_eq!(data.read(&spec("wine/a.bin")).await.unwrap(), content);
    })
    .await;
}

#[tokio::test]
async fn a_pack_that_cannot_be_written_leaves_no_reference() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        // A file where the packs' folder should be makes every write fail, for root too.
        let root = core.settings.blobs_url();
        let root = std::path::Path::new(root.strip_prefix("file://").unwrap());
        std::fs::create_dir_all(root.join("datasets")).unwrap();
        std::fs::write(root.join("datasets/packs"), b"in the way").unwrap();
        let failed = data.commit(request("main", vec![put("red.csv", RED)]), &ann()).await;
        assert!(failed.is_err());
        assert!(data.list().await.unwrap().is_empty());
        assert_eq!(core.journal.verify().await.unwrap().entries, 0);
        std::fs::remove_file(root.join("datasets/packs")).unwrap();
        commit(&data, "main", vec![put("red.csv", RED)]).await;
        assert!(data.verify("wine").await.unwrap().ok);
    })
    .await;
}

#[tokio::test]
async fn many_small_files_are_one_pack() {
    each_database(MIGRATIONS, |core| async move {
        let data = Data::new(core.clone());
        let files = (0..3000).map(|number| put(&format!("images/{number:05}.bin"), noise(300, number)));
        let made = commit(&data, "main", files.collect()).await;
        assert_eq!(made.files.len(), 3000);
        // One for the files, one for their list.
        assert_eq!(packs(&core).await.len(), 2);
        let next = commit(&data, "main", vec![put("images/00007.bin", "changed")]).await;
        assert!(next.new_bytes < 60_000, "{} new bytes", next.new_bytes);
        assert_eq!(data.read(&spec("wine@main~1/images/02999.bin")).await.unwrap(), noise(300, 2999));
    })
    .await;
}
