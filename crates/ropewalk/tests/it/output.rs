//! What is printed where: forms of output, colours, pipes.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::fixture::bring_up;
use crate::support::{Place, finish, program, red_wines};

/// Commands that only read.
const READS: [&[&str]; 22] = [
    &[],
    &["data", "ls"],
    &["data", "show", "wine"],
    &["data", "log", "wine"],
    &["data", "branch", "wine"],
    &["data", "rows", "wine"],
    &["data", "verify", "wine"],
    &["prep", "ls"],
    &["prep", "validate", "wine"],
    &["run", "ls"],
    &["run", "recipes"],
    &["model", "ls"],
    &["model", "show", "wine-quality"],
    &["endpoint", "ls"],
    &["endpoint", "served", "wine"],
    &["watch", "alerts"],
    &["incident", "ls"],
    &["ledger", "summary"],
    &["journal"],
    &["journal", "--verify"],
    &["config", "show", "--origin"],
    &["doctor"],
];

#[test]
fn every_form_of_output_is_what_it_says() {
    let place = Place::new();
    bring_up(&place);
    for words in READS {
        let with = |form: &str| {
            let mut all = words.to_vec();
            all.extend(["-o", form]);
            place.run(&all)
        };
        let json = with("json");
        // The doctor may find something on this machine; it tells so all the same.
        assert!(json.code == Some(0) || words == ["doctor"], "{words:?}: {json:?}");
        assert_eq!(json.json()["schema_version"], 1, "{words:?}");
        let lines = with("ndjson");
        for line in lines.out.lines() {
            let item: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{words:?}: {error}: {line}"));
            assert!(item.is_object(), "{words:?}: {line}");
        }
        if let Some(items) = json.json()["items"].as_array() {
            let unsteady = words.contains(&"journal");
            assert!(unsteady || lines.out.lines().count() == items.len(), "{words:?}");
        }
        // Nobody looks at a terminal here: no escape codes.
        let table = with("table");
        for text in [&json.out, &json.err, &lines.out, &table.out, &table.err] {
            assert!(!text.contains('\x1b'), "{words:?} prints escape codes into a pipe: {text}");
        }
        assert!(
            table.out.lines().all(|line| line == line.trim_end()),
            "{words:?} pads its lines: {:?}",
            table.out
        );
    }
    // Words are on standard error, and none with --quiet.
    let wines = format!("{}=red.csv", red_wines().display());
    assert!(place.ok(&["data", "commit", "wine", &wines]).err.contains("next: ropewalk"));
    assert_eq!(place.ok(&["data", "commit", "wine", &wines, "--quiet"]).err, "");
    // A variable gives the form, a flag is stronger.
    let mut command = place.command(&["data", "ls"]);
    command.env("ROPEWALK_OUTPUT", "json");
    assert_eq!(finish(command).json()["items"][0]["name"], "wine");
    let mut command = place.command(&["data", "ls", "-o", "table"]);
    command.env("ROPEWALK_OUTPUT", "json");
    assert!(finish(command).out.contains("DATASET"));
}

#[test]
fn colours_are_for_terminals() {
    let place = Place::new();
    let colours = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["data", "show", "nothing"]);
        for (name, value) in variables {
            command.env(name, value);
        }
        finish(command).err.contains('\x1b')
    };
    assert!(!colours(&[]));
    let logged = place.run(&["data", "show", "nothing", "-v"]).err;
    assert!(logged.contains("INFO") && !logged.contains('\x1b'), "{logged}");
    assert!(!colours(&[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
    assert!(colours(&[("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color")]));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut table = "a,b\n".to_owned();
    for row in 0..40_000 {
        table.push_str(&format!("{row},{row}\n"));
    }
    place.write("long.csv", table);
    place.ok(&["data", "commit", "long", "long.csv"]);
    for words in [
        &["data", "cat", "long/long.csv"][..],
        &["data", "rows", "long", "-n", "1000"],
        &["data", "rows", "long", "-n", "1000", "-o", "ndjson"],
        &["completions", "bash"],
        &["--help"],
        &["help", "data", "commit"],
        &["reference"],
        &["reference", "openapi"],
    ] {
        let mut child = place.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Take one byte and leave, as `head -c 1` does.
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0_u8]).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        let words_told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {} {words_told}", output.status);
        assert_eq!(words_told, "", "{words:?}");
    }
}

#[test]
fn looking_around_makes_no_files() {
    let place = Place::new();
    for words in [
        &[][..],
        &["--help"],
        &["--version"],
        &["help", "exit-codes"],
        &["config", "show"],
        &["completions", "fish"],
        &["doctor"],
        &["reference"],
        &["reference", "openapi"],
    ] {
        let mut command = program(place.folder());
        command.args(words);
        let done = finish(command);
        assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        assert!(!done.out.is_empty(), "{words:?}");
        let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().collect();
        assert!(left.is_empty(), "{words:?} leaves {left:?}");
    }
    let mut command = program(place.folder());
    command.args(["-o", "json"]);
    assert_eq!(finish(command).json(), json!({"home": null, "next": "ropewalk demo", "schema_version": 1}));
}
