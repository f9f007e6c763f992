//! Who may do what with single experiments and models, whoever says so: the command line, our routes or MLflow's.

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::{Place, Server, finish, program};

/// A server and the tokens of its users.
struct House {
    place: Place,
    server: Server,
}

impl House {
    fn new() -> Self {
        let place = Place::new();
        token(&place, "root", "admin");
        let server = place.up();
        Self { place, server }
    }

    fn user(&self, name: &str, role: &str) -> User<'_> {
        User { server: &self.server, token: token(&self.place, name, role) }
    }
}

fn token(place: &Place, name: &str, role: &str) -> String {
    place.ok(&["auth", "token", name, "--role", role]).out.trim().to_owned()
}

struct User<'a> {
    server: &'a Server,
    token: String,
}

impl User<'_> {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.request(method, path, &[("Authorization", &bearer)], body.as_bytes()).unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }

    /// Call MLflow's route.
    fn mlflow(&self, call: &str, body: Value) -> Answer {
        self.ask("POST", &format!("/api/2.0/mlflow/{call}"), &body)
    }

    fn new_run(&self, experiment: &str) -> String {
        let told = self.mlflow("runs/create", json!({"experiment_id": experiment})).json();
        told["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }

    fn new_experiment(&self, name: &str) -> String {
        let told = self.mlflow("experiments/create", json!({"name": name})).json();
        told["experiment_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_granted_counts_instead_of_the_role() {
    let house = House::new();
    let maker = house.user("maker", "scientist");
    let other = house.user("other", "scientist");
    let viewer = house.user("viewer", "viewer");
    let experiment = maker.new_experiment("churn");
    let run = maker.new_run(&experiment);
    let shown = maker.new_experiment("shown");
    let of = |name: &str| house.place.json(&["auth", "permissions", name])["items"].clone();
    let rows = of("maker");
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().any(|row| row["resource"] == experiment.as_str() && row["permission"] == "MANAGE"));
    assert_eq!(of("other"), json!([]));

    let tag = json!({"run_id": run, "key": "a", "value": "b"});
    let experiment_path = format!("/api/2.0/mlflow/experiments/get?experiment_id={experiment}");
    let own_path = format!("/api/v1/runs/{run}");
    let delete = json!({"experiment_id": experiment});
    assert_eq!(other.mlflow("runs/set-tag", tag.clone()).status, 200);
    assert_eq!(other.mlflow("experiments/delete", delete.clone()).status, 403);
    assert_eq!(viewer.mlflow("runs/set-tag", tag.clone()).status, 403);

    // Less than the role: by name, by number, and by MLflow's own call.
    house.place.ok(&["auth", "permit", "other", "--experiment", "churn", "--permission", "READ"]);
    assert_eq!(other.get(&own_path).status, 200);
    let refused = other.mlflow("runs/set-tag", tag.clone());
    assert_eq!((refused.status, refused.text().as_str()), (403, "403 Permission denied"));
    assert_eq!(other.ask("PATCH", &format!("/api/v1/experiments/{experiment}"), &json!({})).status, 403);
    house.place.ok(&["auth", "permit", "other", "--experiment", &experiment, "--permission", "deny"]);
    assert_eq!(other.get(&experiment_path).status, 403);
    let ours = other.get(&own_path);
    assert!(ours.status == 403 && ours.error().is_some(), "{}", ours.text());
    let names = |user: &User<'_>| -> Vec<String> {
        let found = user.mlflow("experiments/search", json!({"max_results": 100})).json();
        let found = found["experiments"].as_array().unwrap().clone();
        found.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names(&maker).contains(&"churn".to_owned()));
    assert!(!names(&other).contains(&"churn".to_owned()) && names(&other).contains(&"shown".to_owned()));
    let search = other.mlflow("runs/search", json!({"experiment_ids": [experiment, shown]})).json();
    assert!(search["runs"].as_array().is_none_or(Vec::is_empty), "{search}");
    let query = json!({"query": "query Q($input: MlflowGetRunInput) { mlflowGetRun(input: $input) { run { info { runId } } } }",
        "variables": {"input": {"runId": run}}});
    assert_eq!(other.ask("POST", "/graphql", &query).json()["data"]["mlflowGetRun"], Value::Null);
    let told = maker.ask("POST", "/graphql", &query).json();
    assert_eq!(told["data"]["mlflowGetRun"]["run"]["info"]["runId"], run.as_str(), "{told}");

    // More than the role.
    house.place.ok(&["auth", "permit", "viewer", "--experiment", "churn", "--permission", "MANAGE"]);
    assert_eq!(viewer.mlflow("runs/set-tag", tag.clone()).status, 200);
    assert_eq!(
        viewer
            .mlflow("runs/set-tag", json!({"run_id": maker.new_run(&shown), "key": "a", "value": "b"}))
            .status,
        403
    );
    let grant = json!({"username": "other", "resource_type": "experiment", "resource_id": experiment, "permission": "EDIT"});
    let manage =
        |what: &str| viewer.ask("POST", &format!("/api/3.0/mlflow/users/permissions/{what}"), &grant);
    // MLflow's call makes a grant, and changes none.
    assert_eq!(manage("grant").json()["error_code"], "RESOURCE_ALREADY_EXISTS");
    assert_eq!(manage("revoke").status, 200);
    let granted = manage("grant");
    assert_eq!(granted.status, 200, "{}", granted.text());
    assert_eq!(other.mlflow("runs/set-tag", tag.clone()).status, 200);

    // The role again.
    house.place.ok(&["auth", "revoke", "viewer", "--experiment", "churn"]);
    assert_eq!(viewer.mlflow("runs/set-tag", tag).status, 403);
    assert_eq!(maker.mlflow("experiments/delete", delete).status, 200);
}

#[test]
fn only_whoever_manages_says_what_others_may() {
    let house = House::new();
    let maker = house.user("maker", "scientist");
    let other = house.user("other", "operator");
    let experiment = maker.new_experiment("churn");
    let as_user = |user: &User<'_>, words: &[&str]| {
        let mut command = program(house.place.folder());
        command.args(words).args(["--server", &house.server.address]).env("ROPEWALK_TOKEN", &user.token);
        finish(command)
    };
    let permit = ["auth", "permit", "other", "--experiment", "churn", "--permission", "MANAGE"];
    let refused = as_user(&other, &permit);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("hint: "), "{}", refused.err);
    let granted = as_user(&maker, &permit);
    assert_eq!(granted.code, Some(0), "{granted:?}");
    assert_eq!(as_user(&other, &["auth", "revoke", "maker", "--experiment", "churn"]).code, Some(0));
    assert_eq!(maker.mlflow("experiments/delete", json!({"experiment_id": experiment})).status, 403);

    for (words, code) in [
        (&["auth", "permit", "nobody", "--experiment", "churn", "--permission", "READ"][..], 1),
        (&["auth", "permit", "other", "--experiment", "none", "--permission", "READ"], 1),
        (&["auth", "permit", "other", "--experiment", "churn", "--permission", "ALL"], 1),
        (&["auth", "permit", "other", "--permission", "READ"], 1),
        (&["auth", "permit", "other", "--experiment", "churn", "--model", "m", "--permission", "READ"], 1),
        (&["auth", "revoke", "nobody", "--model", "m"], 1),
    ] {
        let done = house.place.run(words);
        assert_eq!(done.code, Some(code), "{words:?}: {done:?}");
        assert!(done.err.contains("hint: ") || done.err.contains("--help"), "{words:?}: {}", done.err);
    }
}

#[test]
fn models_and_prompts_are_kept_apart() {
    let house = House::new();
    let maker = house.user("maker", "scientist");
    let other = house.user("other", "scientist");
    assert_eq!(maker.mlflow("registered-models/create", json!({"name": "wine"})).status, 200);
    let tags = json!([{"key": "mlflow.prompt.is_prompt", "value": "true"}]);
    assert_eq!(maker.mlflow("registered-models/create", json!({"name": "greet", "tags": tags})).status, 200);
    house.place.ok(&["auth", "permit", "other", "--prompt", "*", "--permission", "DENY"]);
    let get = |user: &User<'_>, name: &str| {
        user.get(&format!("/api/2.0/mlflow/registered-models/get?name={name}")).status
    };
    assert_eq!((get(&other, "wine"), get(&other, "greet"), get(&maker, "greet")), (200, 403, 200));
    let update = json!({"name": "wine", "description": "words"});
    assert_eq!(other.ask("PATCH", "/api/2.0/mlflow/registered-models/update", &update).status, 200);
    let delete = json!({"name": "wine"});
    assert_eq!(other.ask("DELETE", "/api/2.0/mlflow/registered-models/delete", &delete).status, 403);
    house.place.ok(&["auth", "permit", "other", "--model", "wine", "--permission", "DENY"]);
    assert_eq!(get(&other, "wine"), 403);
    let ours: Value = other.get("/api/v1/models").json();
    assert!(!ours.to_string().contains("wine"), "{ours}");
    // A model of the same name that comes later is another.
    assert_eq!(maker.ask("DELETE", "/api/2.0/mlflow/registered-models/delete", &delete).status, 200);
    assert_eq!(maker.mlflow("registered-models/create", delete).status, 200);
    assert_eq!(get(&other, "wine"), 200);
}
