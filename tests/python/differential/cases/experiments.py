"""Experiments: their life, names, tags and places for artifacts."""

from ..registry import area
from ..steps import experiment, run

case = area("experiments")


def read(pair, name="exp"):
    return pair.get("experiments/get", {"experiment_id": f"{{{name}}}"})


@case
def life(pair):
    experiment(pair)
    read(pair)
    pair.get("experiments/get-by-name", {"experiment_name": "{u}.exp"})
    run(pair)
    pair.post("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}.renamed"})
    read(pair)
    pair.get("experiments/get-by-name", {"experiment_name": "{u}.exp"})
    pair.get("experiments/get-by-name", {"experiment_name": "{u}.renamed"})
    pair.post("experiments/delete", {"experiment_id": "{exp}"})
    read(pair)
    pair.get("experiments/get-by-name", {"experiment_name": "{u}.renamed"})
    pair.get("runs/get", {"run_id": "{run}"})
    for path, body in (
        ("experiments/delete", {"experiment_id": "{exp}"}),
        ("experiments/update", {"experiment_id": "{exp}", "new_name": "{u}.again"}),
        ("experiments/create", {"name": "{u}.renamed"}),
        ("experiments/set-experiment-tag", {"experiment_id": "{exp}", "key": "k", "value": "v"}),
        ("experiments/delete-experiment-tag", {"experiment_id": "{exp}", "key": "k"}),
        ("runs/create", {"experiment_id": "{exp}", "start_time": 1}),
        ("runs/log-metric", {"run_id": "{run}", "key": "m", "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"run_id": "{run}", "key": "m", "value": "1"}),
        ("runs/set-tag", {"run_id": "{run}", "key": "m", "value": "1"}),
        ("runs/update", {"run_id": "{run}", "status": "FINISHED"}),
        ("runs/delete", {"run_id": "{run}"}),
        ("runs/restore", {"run_id": "{run}"}),
        ("logged-models", {"experiment_id": "{exp}", "name": "m"}),
    ):
        pair.post(path, body, name="in a deleted experiment")
    pair.post("experiments/restore", {"experiment_id": "{exp}"})
    read(pair)
    pair.get("runs/get", {"run_id": "{run}"})
    pair.post("experiments/restore", {"experiment_id": "{exp}"}, name="not deleted")


@case
def a_run_deleted_before_its_experiment(pair):
    experiment(pair)
    run(pair, "kept")
    run(pair, "gone")
    pair.post("runs/delete", {"run_id": "{gone}"})
    pair.post("experiments/delete", {"experiment_id": "{exp}"})
    pair.get("runs/get", {"run_id": "{kept}"})
    pair.get("runs/get", {"run_id": "{gone}"})
    pair.post("experiments/restore", {"experiment_id": "{exp}"})
    pair.get("runs/get", {"run_id": "{kept}"})
    pair.get("runs/get", {"run_id": "{gone}"})


@case
def names(pair):
    pair.post("experiments/create", {"name": "{u}.taken"})
    pair.post("experiments/create", {"name": "{u}.taken"}, name="taken")
    pair.post("experiments/create", {"name": "Default"}, name="the default one's name")
    pair.post("experiments/create", {"name": "{u}.TAKEN"}, name="another case")
    for name in ("", " ", "\t\n", "\u00a0", "é{u}", "实验{u}", "{u}🎈", "{u}/with/slashes", "{u} spaces ", "{u}'\"`%_\\", "{u}\u0000",
        "{u}<script>"):
        pair.post("experiments/create", {"name": name}, name=f"name {name!r}")
    for length in (489, 490, 491, 5000):
        pair.post("experiments/create", {"name": "{u}" + "x" * length}, name=f"{length + 10} characters")
    pair.post("experiments/create", {}, name="no name")
    pair.post("experiments/create", {"name": None}, name="null")
    pair.post("experiments/create", {"name": 5}, name="a number")
    pair.post("experiments/create", {"name": ["{u}"]}, name="a list")
    experiment(pair)
    for name in ("", " ", None, 7, "{u}.taken", "{u}.exp", "Default", "x" * 501, "{u}" + "x" * 490):
        pair.post("experiments/update", {"experiment_id": "{exp}", "new_name": name}, name=f"new name {str(name)[:20]!r}")
    pair.post("experiments/update", {"experiment_id": "{exp}"}, name="no new name")
    pair.post("experiments/update", {"new_name": "{u}.x"}, name="no experiment")
    for name in ("", "{u}.none", " ", "{u}.TAKEN"):
        pair.get("experiments/get-by-name", {"experiment_name": name}, name=f"by name {name!r}")
    pair.get("experiments/get-by-name", name="no parameter")
    pair.get("experiments/get-by-name", "experiment_name={u}.taken&experiment_name=other", name="given twice")


@case
def a_deleted_name_may_be_given_to_another(pair):
    experiment(pair, "old")
    pair.post("experiments/delete", {"experiment_id": "{old}"})
    experiment(pair, "new")
    pair.post("experiments/update", {"experiment_id": "{new}", "new_name": "{u}.old"})
    pair.post("experiments/delete", {"experiment_id": "{new}"})
    pair.post("experiments/update", {"experiment_id": "{new}", "new_name": "{u}.other"})


@case
def identifiers(pair):
    for value in ("99999999", "-1", "abc", "", " ", "1.5", "0x1", "999999999999999999999", "1e3", "٩٩٩٩٩٩٩", "null", "0 ", "+0", "00"):
        pair.get("experiments/get", {"experiment_id": value}, name=f"get {value!r}", ignore=("last_update_time", "creation_time", "tags"))
        for action in ("delete", "restore"):
            if value.strip(" +") not in ("0", "00"):
                pair.post(f"experiments/{action}", {"experiment_id": value}, name=f"{action} {value!r}")
        if value.strip(" +") not in ("0", "00"):
            pair.post("experiments/update", {"experiment_id": value, "new_name": "{u}.no"}, name=f"update {value!r}")
            pair.post("experiments/set-experiment-tag", {"experiment_id": value, "key": "k", "value": "v"}, name=f"tag {value!r}")
            pair.post("runs/create", {"experiment_id": value, "start_time": 1}, name=f"run in {value!r}")
    pair.get("experiments/get", name="no parameter")
    pair.get("experiments/get", {"experiment_id": "0"}, name="the default one", ignore=("last_update_time", "creation_time", "tags"))
    for action in ("delete", "restore", "update", "set-experiment-tag", "delete-experiment-tag"):
        pair.post(f"experiments/{action}", {}, name=f"{action} without a body")
    experiment(pair)
    pair.post("experiments/delete", {"experimentId": "{exp}"}, name="camel case")
    pair.get("experiments/get", {"experiment_id": "{exp}"})
    pair.get("experiments/get", {"experimentId": "{exp}"}, name="camel case in the query")
    pair.post("experiments/restore", {"experiment_id": "{exp}", "experimentId": "{exp}"}, name="both spellings")
    pair.post("experiments/restore", {"experiment_id": "{exp}", "unknown": {"deep": [1]}}, name="an unknown field")


@case
def tags(pair):
    experiment(pair, tags=[{"key": "a", "value": "1"}, {"key": "mlflow.note.content", "value": "words"}])
    read(pair)
    tag = lambda key, value, name="": pair.post(
        "experiments/set-experiment-tag", {"experiment_id": "{exp}", "key": key, "value": value}, name=name or f"{key!r}"[:30]
    )
    tag("b", "2")
    tag("a", "changed")
    tag("long", "x" * 20000, "a value of 20000")
    tag("longer", "x" * 20001, "a value of 20001")
    tag("k" * 250, "v", "a key of 250")
    tag("k" * 251, "v", "a key of 251")
    for key in ("", ".", "..", "../a", "a/../b", "/a", "a//b", "a/", "./a", "a b", "a:b", "a,b", "a\\b", "a\nb", "é", "a'b", "a=b", "~",
        "a*"):
        tag(key, "v")
    tag("empty", "")
    tag("unicode", "ünï😀\n\t\"")
    tag("json", '{"a": [1, 2]}')
    for body in ({"key": "k", "value": "v"}, {"experiment_id": "{exp}", "value": "v"}, {"experiment_id": "{exp}", "key": "novalue"},
                 {"experiment_id": "{exp}", "key": "null", "value": None}, {"experiment_id": "{exp}", "key": 5, "value": "v"},
                 {"experiment_id": "{exp}", "key": "n", "value": 5}):
        pair.post("experiments/set-experiment-tag", body)
    read(pair)
    untag = lambda key: pair.post("experiments/delete-experiment-tag", {"experiment_id": "{exp}", "key": key}, name=f"delete {key!r}")
    untag("a")
    untag("a")
    untag("never")
    untag("")
    pair.post("experiments/delete-experiment-tag", {"experiment_id": "98765432", "key": "a"}, name="no such experiment")
    read(pair)
    for key, value in (("mlflow.trace.archivalRetention", "x"), ("mlflow.trace.archivalRetention", '{"type": "duration", "value": "30d"}'),
                       ("mlflow.trace.archivalRetention", '{"type": "duration", "value": "0d"}'),
                       ("mlflow.trace.archivalRetention", '{"type": "x"}'),
                       ("mlflow.trace.archiveNow", "{}"), ("mlflow.trace.archiveNow", "[]"),
                       ("mlflow.trace.archiveNow", '{"older_than": "5x"}'),
                       ("mlflow.experiment.sourceName", "s"), ("mlflow.experimentKind", "genai_development")):
        tag(key, value, f"{key} = {value}")


@case
def tags_at_creation(pair):
    for label, given in (
        ("a bad key", [{"key": "../x", "value": "v"}]),
        ("no key", [{"value": "v"}]),
        ("an empty key", [{"key": "", "value": "v"}]),
        ("no value", [{"key": "k"}]),
        ("a long key", [{"key": "k" * 251, "value": "v"}]),
        ("a long value", [{"key": "k", "value": "v" * 20001}]),
        ("twice the same", [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]),
        ("no list", {"k": "v"}),
        ("strings", ["a"]),
        ("an empty list", []),
        ("null", None),
    ):
        pair.post("experiments/create", {"name": "{u}." + label.replace(" ", "-"), "tags": given}, name=label)
        pair.get("experiments/get-by-name", {"experiment_name": "{u}." + label.replace(" ", "-")}, name=f"after {label}")


@case
def custom_views(pair):
    experiment(pair)
    tag = lambda key, value: pair.post("experiments/set-experiment-tag", {"experiment_id": "{exp}", "key": key, "value": value})
    for key, value in (("mlflow.customView.a", "x"), ("mlflow.customView.a", "{}"), ("mlflow.customView.", "{}"),
        ("mlflow.customView.a.b", '{"name": "n"}')):
        tag(key, value)
    read(pair)


@case
def artifact_locations(pair):
    for number, place in enumerate((
        "s3://bucket/path", "s3://bucket/path/", "gs://bucket/p?x=1", "mlflow-artifacts:/custom/place",
        "mlflow-artifacts://host:1234/custom",
        "file:///tmp/somewhere", "/tmp/elsewhere", "relative/path", "./here", "dbfs:/x", "hdfs://host:1/p", "wasbs://c@a/p", "",
        "s3://bucket/a#fragment", "s3://bucket/a;params", "s3://bucket/../up", "s3://bucket/a?x=../y", "file:///tmp/../etc",
        "mlflow-artifacts:/../up",
        "http://host/path", "https://host/path", "ftp://user:word@host/p", "ftp://host/p", "sftp://host/p",
        "abfss://c@a.dfs.core.windows.net/p", "r2://b@a.r2/p",
        "runs:/abc/x", "models:/m/1", "s3://bucket/%2e%2e/x", "s3://bucket/a b", "s3://" + "b" * 2040, "s3://" + "b" * 2100,
        "databricks:/x", "viewfs://x/y",
    )):
        call = pair.post("experiments/create", {"name": f"{{u}}.{number}", "artifact_location": place}, name=f"at {place[:40]}")
        if call.stock.status == 200 and call.ours.status == 200:
            pair.keep("there", "experiment_id", call)
            read(pair, "there")
            if number < 7:
                pair.post("runs/create", {"experiment_id": "{there}", "start_time": 1, "run_name": "r"})
                pair.post("logged-models", {"experiment_id": "{there}", "name": "m"})
    pair.post("experiments/create", {"name": "{u}.number", "artifact_location": 5}, name="a number")


@case
def an_update_moves_the_clock(pair):
    experiment(pair, "a")
    pair.get("experiments/get", {"experiment_id": "{a}"})
    pair.post("experiments/set-experiment-tag", {"experiment_id": "{a}", "key": "k", "value": "v"})
    pair.get("experiments/get", {"experiment_id": "{a}"})
