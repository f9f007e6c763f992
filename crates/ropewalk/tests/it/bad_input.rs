//! Bad input on the command line: what, why and a hint on standard error, nothing on standard
//! output, exit status 1, and nothing half-written.

use crate::support::Place;
use crate::support::fixture::bring_up;

/// Run a command that must be refused, and give its words.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let done = place.run(arguments);
    assert_eq!(done.code, Some(1), "{arguments:?}: {done:?}");
    assert_eq!(done.out, "", "{arguments:?} prints a result");
    assert!(done.err.starts_with("error: "), "{arguments:?}: {}", done.err);
    assert!(
        done.err.contains("hint: ") || done.err.contains("try '--help'"),
        "{arguments:?} gives no hint: {}",
        done.err
    );
    assert!(!done.err.contains("panicked"), "{}", done.err);
    done.err
}

#[test]
fn an_unusable_table_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let files: [(&str, &[u8], &str); 7] = [
        ("ragged.csv", b"a,b\n1,2\n3\n4,5\n", "line 3"),
        ("long.csv", b"a,b\n1,2,3\n", "line 2"),
        ("empty.csv", b"", "empty"),
        ("twice.csv", b"a,a\n1,2\n", "“a”"),
        ("quote.csv", b"a,b\n\"1,2\n", "line 2"),
        ("utf16.csv", b"\xff\xfea\0,\0b\0", "UTF-16"),
        ("broken.parquet", b"PAR1 no more", "Parquet"),
    ];
    for (name, content, why) in files {
        place.write(name, content);
        let words = refused(&place, &["data", "commit", "table", name]);
        assert!(words.contains(name), "{words}");
        assert!(words.contains(why) || words.contains(&why.replace(['“', '”'], "\"")), "{name}: {words}");
    }
    refused(&place, &["data", "commit", "table", "missing.csv"]);
    refused(&place, &["data", "commit", "table", "."]);
    place.write("good.csv", "a,b\n1,2\n");
    refused(&place, &["data", "commit", "a bad name!", "good.csv"]);
    refused(&place, &["data", "commit", "table", "good.csv", "--branch", "a bad name!"]);
    refused(&place, &["data", "commit", "table", "good.csv=../up.csv"]);
    // One bad file among good ones refuses all of them.
    refused(&place, &["data", "commit", "table", "good.csv", "ragged.csv"]);
    assert_eq!(place.json(&["data", "ls"])["items"], serde_json::json!([]));
    assert_eq!(place.json(&["journal"])["items"], serde_json::json!([]));
    refused(&place, &["data", "show", "table"]);

    place.ok(&["data", "commit", "table", "good.csv"]);
    let before = place.json(&["data", "log", "table"]);
    refused(&place, &["data", "commit", "table", "ragged.csv"]);
    assert_eq!(place.json(&["data", "log", "table"]), before);
    assert_eq!(place.json(&["data", "verify", "table"])["ok"], true);
}

#[test]
fn a_name_that_nothing_has_is_told_with_what_there_is() {
    let place = Place::new();
    let line = bring_up(&place);
    let (prepared, run) = (line.prepared.as_str(), line.run.as_str());
    place.write("other.csv", "a,quality\n1,5\n2,7\n");
    place.write("text.csv", "a,quality\nred,5\nwhite,fine\n");
    place.ok(&["data", "commit", "text", "text.csv"]);
    place.write("no.toml", "source = \n");
    place.write("half.toml", "source = \"wine\"\n");
    place.write("half.json", "{\"source\": \"wine\"");
    place.write("unknown.toml", "source = \"wine\"\ntarget = { column = \"quality\", operator = \">=\", value = 6 }\nfrobnicate = 1\n");
    place.write("labels.csv", "prediction,value\nx,1\n");
    let cases: [&[&str]; 47] = [
        &["data", "show", "nothing"],
        &["data", "show", "wine@nothing"],
        &["data", "cat", "wine/nothing.csv"],
        &["data", "cat", "wine"],
        &["data", "diff", "wine", "v1", "nothing"],
        &["data", "merge", "wine", "nothing"],
        &["data", "tag", "wine", "v2", "--at", "nothing"],
        &["data", "verify", "nothing"],
        &["prep", "run", "nothing", "--target", "quality >= 6"],
        &["prep", "run", "wine", "--target", "colour >= 6"],
        &["prep", "run", "wine", "--target", "quality"],
        &["prep", "run", "wine", "--target", "quality >= 60"],
        &["prep", "run", "text", "--target", "quality >= 6"],
        &["prep", "run", "--spec", "nothing.toml"],
        &["prep", "run", "--spec", "no.toml"],
        &["prep", "run", "--spec", "half.toml"],
        &["prep", "run", "--spec", "half.json"],
        &["prep", "run", "--spec", "unknown.toml"],
        &["prep", "validate", "wine", "--expectations", "half.toml"],
        &["prep", "show", "ffff"],
        &["run", "train", "ffff"],
        &["run", "train", prepared, "--recipe", "nothing"],
        &["run", "train", prepared, "--param", "frobnicate=1"],
        &["run", "train", prepared, "--param", "trees=many"],
        &["run", "sweep", prepared, "--trials", "0"],
        &["run", "show", "nothing"],
        &["run", "reproduce", "nothing"],
        &["run", "artifacts", run, "nothing.txt"],
        &["run", "ls", "--filter", "metrics.val_auc >"],
        &["run", "ls", "--order", "frobnicate"],
        &["model", "show", "nothing"],
        &["model", "show", "wine-quality@nothing"],
        &["model", "show", "wine-quality/9"],
        &["model", "register", "other", "--run", "nothing"],
        &["model", "register", "other", "--run", run, "--auc-floor", "0.9999"],
        &["model", "alias", "wine-quality", "champion", "9"],
        &["endpoint", "show", "nothing"],
        &["endpoint", "deploy", "wine", "--model", "nothing"],
        &["endpoint", "predict", "nothing", "--input", "other.csv"],
        &["endpoint", "predict", "wine", "--input", "other.csv"],
        &["endpoint", "traffic", "wine", "1=50"],
        &["endpoint", "traffic", "wine", "9=100"],
        &["endpoint", "rollback", "wine", "--to", "9"],
        &["watch", "evaluate", "nothing"],
        &["watch", "feedback", "wine", "--file", "labels.csv"],
        &["watch", "monitor", "wine", "--set", "auc_drop=much"],
        &["incident", "show", "9"],
    ];
    let before = place.json(&["journal", "-n", "1000"]);
    for case in cases {
        refused(&place, case);
    }
    place.write(
        "whole.toml",
        "source = \"wine\"\ntarget = { column = \"quality\", operator = \">=\", value = 6 }\n",
    );
    assert_eq!(place.json(&["prep", "run", "--spec", "whole.toml"])["cached"], true);
    // A model that did not pass its gate leaves the gate's verdict, and no version.
    assert_eq!(place.json(&["model", "ls"])["items"].as_array().unwrap().len(), 1);
    assert_eq!(place.json(&["run", "ls"])["items"].as_array().unwrap().len(), 1);
    let after = place.json(&["journal", "-n", "1000"]);
    let verbs = |journal: &serde_json::Value| -> Vec<String> {
        let items = journal["items"].as_array().unwrap();
        items
            .iter()
            .map(|entry| entry["verb"].as_str().unwrap().to_owned())
            .filter(|verb| verb != "gate" && verb != "validate")
            .collect()
    };
    assert_eq!(verbs(&before), verbs(&after));
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);
}

#[test]
fn flags_and_settings_that_are_not_understood_are_refused() {
    let place = Place::new();
    for words in [
        &["--frobnicate"][..],
        &["data", "frobnicate"],
        &["data", "commit"],
        &["data", "ls", "-o", "yaml"],
        &["up", "--port", "70000"],
        &["up", "--port", "many"],
        &["data", "ls", "--server", "not-a-url"],
        &["data", "ls", "--server", "http://127.0.0.1:1"],
        &["help", "frobnicate"],
    ] {
        refused(&place, words);
    }
    for (settings, why) in [
        ("port = \n", "TOML"),
        ("frobnicate = 1\n", "frobnicate"),
        ("port = \"many\"\n", "port"),
        ("price_per_kwh = -1\n", "price_per_kwh"),
    ] {
        place.write("ropewalk.toml", settings);
        for command in [&["config", "show"][..], &["data", "ls"]] {
            let words = refused(&place, command);
            assert!(words.contains(why) && words.contains("ropewalk.toml"), "{words}");
        }
    }
    assert!(!place.home().exists(), "a refused command makes a home");
    std::fs::remove_file(place.folder().join("ropewalk.toml")).unwrap();
    for words in [
        &["up", "--host", "no such host"][..],
        &["data", "ls", "--database", "oracle://x"],
        &["data", "ls", "--blobs", "ftp://x"],
        &["data", "ls", "--blobs", "file:///dev/null/x"],
        &["data", "ls", "--database", "postgres://nobody@127.0.0.1:1/x"],
    ] {
        let began = std::time::Instant::now();
        refused(&place, words);
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{words:?} takes long to refuse");
    }
    refused(&Place::with_home(std::path::Path::new("/dev/null/home")), &["data", "ls"]);
    // A damaged database is told at once, and left as it is.
    let damaged = Place::new();
    std::fs::create_dir(damaged.home()).unwrap();
    let database = damaged.home().join("meta.db");
    std::fs::write(&database, [0x5a; 8192]).unwrap();
    let done = damaged.run(&["data", "ls"]);
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{done:?}");
    assert!(done.err.starts_with("error: ") && done.err.contains("hint: "), "{}", done.err);
    assert_eq!(std::fs::read(&database).unwrap(), [0x5a; 8192]);
}
