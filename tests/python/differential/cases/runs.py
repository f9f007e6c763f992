"""Runs: their life, names, states, times and tags."""

from ..registry import area
from ..steps import batch, experiment, read_run, run

case = area("runs")


@case
def creation(pair):
    experiment(pair)
    for label, body in (
        ("everything", {"start_time": 5, "run_name": "all", "user_id": "someone", "tags": [{"key": "a", "value": "1"}]}),
        ("no name", {"start_time": 5}),
        ("no time", {"run_name": "n"}),
        ("an empty name", {"start_time": 5, "run_name": ""}),
        ("a blank name", {"start_time": 5, "run_name": " "}),
        ("a null name", {"start_time": 5, "run_name": None}),
        ("time as a string", {"start_time": "5", "run_name": "n"}),
        ("a negative time", {"start_time": -5, "run_name": "n"}),
        ("a broken time", {"start_time": "x", "run_name": "n"}),
        ("a time with a fraction", {"start_time": 5.5, "run_name": "n"}),
        ("a whole float", {"start_time": 5.0, "run_name": "n"}),
        ("too large a time", {"start_time": 2**63, "run_name": "n"}),
        ("the largest time", {"start_time": 2**63 - 1, "run_name": "n"}),
        ("a boolean time", {"start_time": True, "run_name": "n"}),
        ("the name as a tag", {"start_time": 5, "tags": [{"key": "mlflow.runName", "value": "tagged"}]}),
        ("name and tag alike", {"start_time": 5, "run_name": "x", "tags": [{"key": "mlflow.runName", "value": "x"}]}),
        ("name and tag unlike", {"start_time": 5, "run_name": "x", "tags": [{"key": "mlflow.runName", "value": "y"}]}),
        ("an empty name tag", {"start_time": 5, "tags": [{"key": "mlflow.runName", "value": ""}]}),
        ("the user as a tag", {"start_time": 5, "run_name": "n", "tags": [{"key": "mlflow.user", "value": "somebody"}]}),
        ("source tags", {"start_time": 5, "run_name": "n", "tags": [{"key": "mlflow.source.name", "value": "train.py"},
                {"key": "mlflow.source.type", "value": "LOCAL"}]}),
        ("a parent", {"start_time": 5, "run_name": "n", "tags": [{"key": "mlflow.parentRunId", "value": "f" * 32}]}),
        ("tags twice", {"start_time": 5, "run_name": "n", "tags": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}),
        ("a bad tag key", {"start_time": 5, "run_name": "n", "tags": [{"key": "../k", "value": "1"}]}),
        ("a tag without key", {"start_time": 5, "run_name": "n", "tags": [{"value": "1"}]}),
        ("a tag without value", {"start_time": 5, "run_name": "n", "tags": [{"key": "k"}]}),
        ("a long tag key", {"start_time": 5, "run_name": "n", "tags": [{"key": "k" * 251, "value": "1"}]}),
        ("a long tag value", {"start_time": 5, "run_name": "n", "tags": [{"key": "k", "value": "v" * 8001}]}),
        ("an odd name", {"start_time": 5, "run_name": "ü/ň '\"\n🎈"}),
        ("a name of 250", {"start_time": 5, "run_name": "n" * 250}),
        ("a name of 251", {"start_time": 5, "run_name": "n" * 251}),
        ("a name of 9000", {"start_time": 5, "run_name": "n" * 9000}),
        ("a long user", {"start_time": 5, "run_name": "n", "user_id": "u" * 300}),
        ("a number as name", {"start_time": 5, "run_name": 7}),
        ("tags as a mapping", {"start_time": 5, "run_name": "n", "tags": {"k": "v"}}),
        ("camel case", {"startTime": 5, "runName": "camel"}),
        ("an unknown field", {"start_time": 5, "run_name": "n", "nonsense": 1}),
        ("an identifier of its own", {"start_time": 5, "run_name": "n", "run_id": "mine"}),
    ):
        call = pair.post("runs/create", {"experiment_id": "{exp}", **body}, name=label)
        if call.stock.status == 200 == call.ours.status:
            pair.keep("made", "run.info.run_id", call)
            read_run(pair, "made", name=f"after {label}")
    pair.post("runs/create", {"start_time": 1, "run_name": "n"}, name="no experiment")
    pair.post("runs/create", {"experiment_id": 0, "start_time": 1, "run_name": "n"}, name="the experiment as a number")
    pair.post("runs/create", {"experiment_id": "77777777", "start_time": 1, "run_name": "n"}, name="no such experiment")


@case
def identifiers(pair):
    experiment(pair)
    run(pair)
    for value in ("0" * 32, "", " ", "x", "short", "a" * 257, "../x", "é", "A" * 32, "%00", "null"):
        pair.get("runs/get", {"run_id": value}, name=f"get {value[:20]!r}")
        for path, more in (
            ("delete", {}), ("restore", {}), ("update", {"status": "FINISHED"}), ("log-metric", {"key": "m", "value": 1, "timestamp": 1}),
            ("log-parameter", {"key": "p", "value": "1"}), ("set-tag", {"key": "t", "value": "1"}), ("delete-tag", {"key": "t"}),
            ("log-batch", {}), ("log-inputs", {}), ("outputs", {"models": []}),
        ):
            if len(value) in (0, 5, 32, 257):
                pair.post(f"runs/{path}", {"run_id": value, **more}, name=f"{path} {value[:20]!r}")
    pair.get("runs/get", name="no parameter")
    pair.get("runs/get", {"run_uuid": "{run}"}, name="run_uuid")
    pair.get("runs/get", {"run_uuid": "{run}", "run_id": "{run}"}, name="both")
    pair.get("runs/get", {"run_uuid": "f" * 32, "run_id": "{run}"}, name="both, unlike")
    pair.get("runs/get", {"runId": "{run}"}, name="camel case")
    pair.get("runs/get", "run_id={run}&run_id=x", name="twice")
    for path, more in (("log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("log-parameter", {"key": "p", "value": "1"}),
                       ("set-tag", {"key": "t", "value": "1"}), ("update", {"status": "FINISHED"}), ("log-batch", {}),
                       ("delete-tag", {"key": "t"})):
        pair.post(f"runs/{path}", {"run_uuid": "{run}", **more}, name=f"{path} by run_uuid")
        pair.post(f"runs/{path}", {"runId": "{run}", **more}, name=f"{path} in camel case")
    read_run(pair)


@case
def updates(pair):
    experiment(pair)
    run(pair)
    for label, body in (
        ("nothing", {}),
        ("finished", {"status": "FINISHED", "end_time": 2000}),
        ("running again", {"status": "RUNNING"}),
        ("failed", {"status": "FAILED"}),
        ("killed", {"status": "KILLED", "end_time": 3000}),
        ("scheduled", {"status": "SCHEDULED"}),
        ("status as a number", {"status": 3}),
        ("status 0", {"status": 0}),
        ("status 99", {"status": 99}),
        ("status '3'", {"status": "3"}),
        ("lower case", {"status": "finished"}),
        ("no such status", {"status": "DONE"}),
        ("an empty status", {"status": ""}),
        ("an end before the start", {"end_time": 1}),
        ("an end of 0", {"end_time": 0}),
        ("a negative end", {"end_time": -1}),
        ("an end as a string", {"end_time": "4000"}),
        ("an end of nonsense", {"end_time": "x"}),
        ("a null end", {"end_time": None}),
        ("a name", {"run_name": "named"}),
        ("an empty name", {"run_name": ""}),
        ("a null name", {"run_name": None}),
        ("a long name", {"run_name": "n" * 300}),
        ("a name of 9000", {"run_name": "n" * 9000}),
        ("an odd name", {"run_name": "ü/'🎈"}),
        ("all at once", {"run_name": "all", "status": "FINISHED", "end_time": 9000}),
    ):
        pair.post("runs/update", {"run_id": "{run}", **body}, name=label)
        read_run(pair, name=f"after {label}")


@case
def names_and_their_tag(pair):
    experiment(pair)
    run(pair)
    for path, body in (
        ("runs/set-tag", {"key": "mlflow.runName", "value": "by-tag.1"}),
        ("runs/update", {"run_name": "by-update.1"}),
        ("runs/log-batch", {"tags": [{"key": "mlflow.runName", "value": "by-batch.1"}]}),
        ("runs/log-batch", {"tags": [{"key": "mlflow.runName", "value": "one.1"}, {"key": "mlflow.runName", "value": "two.1"}]}),
        ("runs/set-tag", {"key": "mlflow.runName", "value": ""}),
        ("runs/delete-tag", {"key": "mlflow.runName"}),
        ("runs/update", {"run_name": "back.1"}),
        ("runs/set-tag", {"key": "mlflow.runName", "value": "x" * 300}),
    ):
        pair.post(path, {"run_id": "{run}", **body})
        read_run(pair, name=f"after {path}")


@case
def deletion(pair):
    experiment(pair)
    run(pair)
    batch(pair, metrics=[("m", 1, 1, 1)], params={"p": "1"}, tags={"t": "1"})
    pair.post("runs/restore", {"run_id": "{run}"}, name="restore what is not deleted")
    pair.post("runs/delete", {"run_id": "{run}"})
    read_run(pair)
    for path, body in (
        ("delete", {}), ("update", {"status": "FINISHED"}), ("update", {"run_name": "n"}),
        ("log-metric", {"key": "m", "value": 1, "timestamp": 1}),
        ("log-parameter", {"key": "q", "value": "1"}), ("log-parameter", {"key": "p", "value": "1"}),
        ("set-tag", {"key": "t", "value": "2"}),
        ("delete-tag", {"key": "t"}), ("log-batch", {"metrics": [{"key": "m", "value": 2, "timestamp": 2}]}), ("log-batch", {}),
        ("log-inputs", {"datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "s"}}]}),
        ("outputs", {"models": []}),
    ):
        pair.post(f"runs/{path}", {"run_id": "{run}", **body}, name=f"{path} on a deleted run")
    pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"}, name="its history")
    pair.get("artifacts/list", {"run_id": "{run}"}, name="its artifacts")
    pair.post("runs/restore", {"run_id": "{run}"})
    read_run(pair)
    pair.post("runs/search", {"experiment_ids": ["{exp}"]})


@case
def tags(pair):
    experiment(pair)
    run(pair)
    tag = lambda key, value, name="": pair.post("runs/set-tag", {"run_id": "{run}", "key": key, "value": value},
        name=name or f"tag {key!r}"[:40])
    tag("a", "1")
    tag("a", "2")
    tag("empty", "")
    tag("number", 5)
    tag("null", None)
    tag("unicode", "ü\n\t🎈\\\"'")
    for length in (7999, 8000, 8001, 20000):
        tag(f"v{length}", "x" * length)
        tag(f"u{length}", "é" * length)
    tag("k" * 250, "v")
    tag("k" * 251, "v", "a key of 251")
    for key in ("", ".", "..", "../a", "a/../b", "/a", "a//b", "a/", "./a", "a b", " a", "a:b", "a,b", "a\\b", "a\nb", "é", "a'b", "a=b",
        "~", "a*", "a#b", "a\tb", "A"):
        tag(key, "v")
    for value in ("RUNNING", "x"):
        tag("mlflow.source.type", value)
        tag("mlflow.user", value)
    for body in ({"run_id": "{run}", "value": "v"}, {"run_id": "{run}", "key": "k"}, {"key": "k", "value": "v"},
        {"run_id": 5, "key": "k", "value": "v"}):
        pair.post("runs/set-tag", body)
    read_run(pair)
    for key in ("a", "a", "never", "", "empty", "unicode", "..", "k" * 251):
        pair.post("runs/delete-tag", {"run_id": "{run}", "key": key}, name=f"delete {key[:20]!r}")
    pair.post("runs/delete-tag", {"run_id": "{run}"}, name="no key")
    read_run(pair)


@case
def nested(pair):
    experiment(pair)
    run(pair, "parent")
    run(pair, "child", tags=[{"key": "mlflow.parentRunId", "value": "{parent}"}])
    pair.post("runs/search", {"experiment_ids": ["{exp}"], "filter": "tags.mlflow.parentRunId = '{parent}'"})
    pair.post("runs/search", {"experiment_ids": ["{exp}"], "filter": "tags.`mlflow.parentRunId` IS NULL"})
    pair.post("runs/delete", {"run_id": "{parent}"})
    read_run(pair, "child")
