//! The whole line, and that it answers the same whichever way a command reaches it.

use serde_json::Value;

use crate::support::fixture::bring_up;
use crate::support::{Place, finish, program, red_wines};

/// The commands whose answers are compared.
fn questions(prepared: &str, run: &str) -> Vec<Vec<String>> {
    let list = [
        "data ls",
        "data show wine@v1",
        "data log wine",
        "data rows wine -n 3",
        "data tag wine",
        "prep validate wine@v1",
        "prep ls",
        &format!("prep show {prepared}"),
        &format!("prep rows {prepared} -n 3"),
        "run ls",
        &format!("run show {run}"),
        &format!("run artifacts {run}"),
        &format!("run metric {run} val_auc"),
        "model ls",
        "model show wine-quality@champion",
        // Downstream the running server adds a report whenever it judges a window.
        "lineage model:wine-quality/1 --direction upstream",
    ];
    list.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn probabilities(answer: &Value) -> Vec<f64> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["probability"].as_f64().unwrap()).collect()
}

#[test]
fn a_command_answers_the_same_with_and_without_a_server() {
    let place = Place::new();
    let line = bring_up(&place);
    let again = place.json(&["prep", "run", "wine@v1", "--target", "quality >= 6"]);
    assert_eq!(again["cached"], true);
    assert_eq!(again["id"], line.prepared.as_str());

    let questions = questions(&line.prepared, &line.run);
    let wines = red_wines();
    let predict = ["endpoint", "predict", "wine", "--input", wines.to_str().unwrap(), "-n", "20"];
    let ask = |run: &dyn Fn(&[&str]) -> Value| -> Vec<Value> {
        questions.iter().map(|words| run(&words.iter().map(String::as_str).collect::<Vec<_>>())).collect()
    };
    let alone = ask(&|words| place.json(words));
    let scores_alone = probabilities(&place.json(&predict));
    assert_eq!(scores_alone.len(), 20);

    let server = place.up();
    let served = ask(&|words| place.json(words));
    let scores_served = probabilities(&place.json(&predict));

    // From another folder, by the server's address only, and without the home's token.
    let elsewhere = Place::new();
    let remote = |words: &[&str]| -> Value {
        let mut command = program(elsewhere.folder());
        command.args(words).args(["--server", &server.address, "-o", "json"]);
        let done = finish(command);
        assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        done.json()
    };
    let far = ask(&remote);
    let scores_far = probabilities(&remote(&predict));
    for (at, words) in questions.iter().enumerate() {
        assert_eq!(alone[at], served[at], "{words:?} with a server");
        assert_eq!(alone[at], far[at], "{words:?} from elsewhere");
    }
    assert_eq!(scores_alone, scores_served);
    assert_eq!(scores_alone, scores_far);
    assert_eq!(std::fs::read_dir(elsewhere.folder()).unwrap().count(), 0, "a remote command leaves no files");

    // What is changed one way is seen the other ways.
    elsewhere.write("more.csv", "a,b\n1,2\n");
    remote(&["data", "commit", "more", "more.csv"]);
    assert_eq!(place.json(&["data", "show", "more"])["rows"], 1);
    server.stop();
    assert_eq!(place.json(&["data", "show", "more"])["rows"], 1);
    assert_eq!(probabilities(&place.json(&predict)), scores_alone);
    assert_eq!(place.json(&["journal", "--verify"])["intact"], true);

    // A run can be made again from its record, and gives the same figures.
    assert_eq!(place.json(&["run", "reproduce", &line.run])["matches"], true);
}
