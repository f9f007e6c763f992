#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use ropewalk_mlflow::path;

use super::file::Found;
use super::*;
use crate::model::FileInfo;

struct Home {
    folder: PathBuf,
    artifacts: Artifacts,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn open_with(settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Home> {
    let folder = std::env::temp_dir().join(format!("ropewalk-artifacts-{}", ropewalk_core::new_id()));
    std::fs::create_dir_all(&folder).unwrap();
    let blobs = Blobs::open(&format!("file://{}", folder.join("blobs").display())).unwrap();
    let mut all = Settings::for_home(&folder);
    for (key, value) in settings {
        all = all.with(key, value.replace("HOME", &folder.display().to_string()));
    }
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Artifacts::open(&all, &blobs, &folder, &variable).map(|artifacts| Home { folder, artifacts })
}

fn open() -> Home {
    open_with(&[], &[]).unwrap()
}

async fn put(place: &Place, path: &str, text: &'static str) -> Result<u64> {
    place.write(path, futures::stream::iter([Ok(Bytes::from_static(text.as_bytes()))])).await
}

async fn text(place: &Place, path: &str) -> Option<String> {
    match place.open(path).await.unwrap()? {
        Found::File(file) => Some(String::from_utf8(file.read_whole().await.unwrap().to_vec()).unwrap()),
        Found::Folder => None,
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn files_are_kept_listed_and_removed() {
    let home = open();
    let place = home.artifacts.destination().unwrap();
    for (path, content) in
        [("1/r/a.txt", "one"), ("1/r/b/c d.json", "{}"), ("1/r/b/ü", ""), ("1/r/z%41", "z")]
    {
        put(place, path, content).await.unwrap();
    }
    put(place, "1/r/a.txt", "two").await.unwrap();
    assert_eq!(text(place, "1/r/a.txt").await.unwrap(), "two");
    assert_eq!(text(place, "1//r/./b/ü").await.unwrap(), "");
    let names =
        |found: Vec<FileInfo>| found.into_iter().map(|file| (file.path, file.file_size)).collect::<Vec<_>>();
    let top = names(place.list("1/r").await.unwrap());
    assert_eq!(top, [("a.txt".to_owned(), Some(3)), ("b".to_owned(), None), ("z%41".to_owned(), Some(1))]);
    assert!(place.list("1/r/a.txt").await.unwrap().is_empty());
    assert!(place.list("1/none").await.unwrap().is_empty());
    assert!(matches!(place.open("1/r/b").await.unwrap(), Some(Found::Folder)));
    assert!(place.open("1/r/a.txt/x").await.unwrap().is_none());
    assert!(place.open(&"x".repeat(300)).await.unwrap().is_none());
    assert_eq!(place.measure("1").await.unwrap(), (4, 6));
    place.delete("1/r/b").await.unwrap();
    place.delete("1/r/b").await.unwrap();
    place.delete("1/r/a.txt").await.unwrap();
    assert_eq!(place.measure("1").await.unwrap(), (1, 1));
    for everything in ["", ".", "./"] {
        assert_eq!(place.delete(everything).await.unwrap_err().code(), Code::Invalid);
    }
}

#[tokio::test]
async fn what_cannot_stand_is_refused_and_leaves_nothing() {
    let home = open();
    let place = home.artifacts.destination().unwrap();
    put(place, "a", "a").await.unwrap();
    put(place, "f/x", "x").await.unwrap();
    let long = "x".repeat(300);
    for path in [
        "a/b",
        "a/b/c",
        "f",
        "f/",
        "",
        ".",
        "f/.",
        "f/./y",
        "../x",
        "f/../../x",
        &long,
        "f/.artifact.uploading.x",
    ] {
        let error = put(place, path, "y").await.unwrap_err();
        assert_eq!(error.code(), Code::Invalid, "{path}: {error}");
    }
    let broken = futures::stream::iter([Ok(Bytes::from_static(b"half")), Err(Error::invalid("gone"))]);
    assert!(place.write("half", broken).await.is_err());
    assert_eq!(files(&home.folder).len(), 2, "{:?}", files(&home.folder));
}

#[tokio::test]
async fn an_upload_that_nobody_waits_for_leaves_nothing() {
    let home = open();
    let place = home.artifacts.destination().unwrap();
    let parts = futures::stream::iter([Ok(Bytes::from(vec![1; 3 << 20]))]);
    let endless = futures::StreamExt::chain(parts, futures::stream::pending());
    let given_up = tokio::time::timeout(Duration::from_millis(200), place.write("a/b", endless)).await;
    assert!(given_up.is_err());
    assert!(files(&home.folder).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out() {
    let home = open();
    let place = home.artifacts.destination().unwrap();
    put(place, "a/x", "x").await.unwrap();
    let outside = home.folder.join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    let inside = home.folder.join("blobs/artifacts");
    std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
    std::os::unix::fs::symlink(home.folder.join("nowhere"), inside.join("dangling")).unwrap();
    std::os::unix::fs::symlink(inside.join("a"), inside.join("within")).unwrap();
    for path in ["link", "link/secret", "link/new/file", "dangling/x"] {
        assert!(place.open(path).await.is_err(), "{path}");
        assert!(put(place, path, "y").await.is_err(), "{path}");
        assert!(place.delete(path).await.is_err(), "{path}");
    }
    assert!(place.list("link").await.is_err());
    assert_eq!(text(place, "within/x").await.unwrap(), "x");
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn ranges_are_those_of_the_file_that_was_opened() {
    let home = open();
    let place = home.artifacts.destination().unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let parts: Vec<_> = content.chunks(70_001).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    place.write("big", futures::stream::iter(parts)).await.unwrap();
    let Some(Found::File(file)) = place.open("big").await.unwrap() else { unreachable!() };
    put(place, "big", "another").await.unwrap();
    for range in [0..1, 5..5, 524_287..524_289, 1_000_000..2_999_999, 0..3_000_000] {
        let read: Vec<Bytes> = file.read(range.clone()).try_collect().await.unwrap();
        assert!(read.concat() == content[range.start as usize..range.end as usize], "{range:?}");
    }
    let Some(Found::File(other)) = place.open("big").await.unwrap() else { unreachable!() };
    assert_ne!(file.etag, other.etag);
}

#[tokio::test]
async fn uris_lead_where_the_server_may_read() {
    let home =
        open_with(&[("artifacts_destination", "HOME/kept"), ("default_artifact_root", "HOME/root")], &[])
            .unwrap();
    let at_home = |uri: &str| uri.replace("HOME", &home.folder.display().to_string());
    for (uri, path) in [
        ("mlflow-artifacts:/1/r/artifacts", "1/r/artifacts"),
        ("file://HOME/root/1/r", "1/r"),
        ("HOME/kept/1", "1"),
    ] {
        assert_eq!(home.artifacts.find(&at_home(uri)).await.unwrap().path, path);
    }
    for (uri, code) in [
        ("/etc", Code::Invalid),
        ("file:///etc", Code::Invalid),
        ("HOME/root/../x", Code::Invalid),
        ("HOME/rooted", Code::Invalid),
        ("HOME", Code::Invalid),
        ("relative", Code::Invalid),
        ("s3:///x", Code::Invalid),
        ("gs://b/x", Code::NotImplemented),
    ] {
        assert_eq!(home.artifacts.find(&at_home(uri)).await.err().unwrap().code(), code, "{uri}");
    }
    assert!(home.artifacts.find("ftp://h/x").await.err().unwrap().what().contains("does not connect"));
}

#[tokio::test]
async fn destinations_and_roots_follow_the_settings() {
    let root = |settings: &[(&str, &str)]| open_with(settings, &[]).unwrap().artifacts.root.clone();
    assert_eq!(root(&[]), "mlflow-artifacts:/");
    assert_eq!(root(&[("default_artifact_root", "s3://b/x")]), "s3://b/x");
    assert!(root(&[("default_artifact_root", "./x")]).ends_with("/x"));
    assert!(root(&[("serve_artifacts", "false")]).ends_with("/mlruns"));
    let off = open_with(&[("serve_artifacts", "false")], &[]).unwrap();
    assert_eq!(off.artifacts.find("mlflow-artifacts:/1").await.err().unwrap().code(), Code::Unavailable);
    for uri in ["gs://b", "mlflow-artifacts:/x", "https://h/x", "s3://", "hdfs://h/x"] {
        let error = open_with(&[("artifacts_destination", uri)], &[]).err().unwrap();
        assert_eq!(error.code(), Code::Invalid, "{uri}");
    }
    let only = [("MLFLOW_ARTIFACTS_PRESIGNED_ONLY", "true")];
    assert!(open_with(&[], &only).is_err());
    assert!(open_with(&[("artifacts_destination", "s3://b/x")], &only).is_ok());
}

#[test]
fn experiments_are_placed_where_clients_may_go() {
    let home = open();
    let location = |given: &str| home.artifacts.location(given);
    assert_eq!(location("s3://b/x").unwrap(), "s3://b/x");
    assert_eq!(location("mlflow-artifacts:/own/x").unwrap(), "mlflow-artifacts:/own/x");
    assert!(location("x/y").unwrap().starts_with('/'));
    let long = format!("s3://b/{}", "x".repeat(2048));
    for wrong in
        ["s3://b/x#f", "http://h/x", "ftp://h/x", "runs:/r/x", "s3://b/x?a=%252e%252e", "file://h/x", &long]
    {
        assert_eq!(location(wrong).unwrap_err().code(), Code::Invalid, "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_path_leaves_the_place(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "..", ".", "/", "//", "%2e", "%252e", "%2f", "%5c", "\\", "a", "b", "%00", "file:", "C:", "?", " ", "~",
            ]),
            1..8,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let home = open();
            let place = home.artifacts.destination().unwrap();
            let inside = home.folder.join("blobs/artifacts");
            for path in [pieces.concat(), path::safe(&pieces.concat()).unwrap_or_default()] {
                if put(place, &path, "x").await.is_ok() {
                    assert_eq!(text(place, &path).await.as_deref(), Some("x"), "{path}");
                }
                for file in files(&home.folder) {
                    assert!(file.starts_with(&inside), "{path}: {}", file.display());
                }
            }
        });
    }
}
