"""Logged models: their life, params and tags."""

from ..registry import area
from ..steps import experiment, model, read_run, run

case = area("logged-models")


def read(pair, which="model", **more):
    return pair.get(f"logged-models/{{{which}}}", unordered=("metrics",), **more)


@case
def creation(pair):
    experiment(pair)
    run(pair)
    pairs = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    for label, body in (
        ("everything", {"name": "all", "model_type": "Agent", "source_run_id": "{run}", "params": pairs, "tags": pairs}),
        ("no name", {}),
        ("an empty name", {"name": ""}),
        ("a blank name", {"name": " "}),
        ("a dotted name", {"name": "a.b"}),
        ("a slash", {"name": "a/b"}),
        ("a colon", {"name": "a:b"}),
        ("a percent sign", {"name": "a%b"}),
        ("a quote", {"name": "a'b"}),
        ("a double quote", {"name": 'a"b'}),
        ("unicode", {"name": "mödel 🎈"}),
        ("spaces", {"name": "a b"}),
        ("a long name", {"name": "n" * 500}),
        ("a longer name", {"name": "n" * 501}),
        ("a very long name", {"name": "n" * 5000}),
        ("an unknown run", {"name": "m", "source_run_id": "f" * 32}),
        ("a run of nonsense", {"name": "m", "source_run_id": "x"}),
        ("an empty type", {"name": "m", "model_type": ""}),
        ("a long type", {"name": "m", "model_type": "t" * 600}),
        ("params twice", {"name": "m", "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
        ("a param without key", {"name": "m", "params": [{"value": "1"}]}),
        ("a param without value", {"name": "m", "params": [{"key": "a"}]}),
        ("a bad param key", {"name": "m", "params": [{"key": "../a", "value": "1"}]}),
        ("a long param key", {"name": "m", "params": [{"key": "k" * 251, "value": "1"}]}),
        ("a long param value", {"name": "m", "params": [{"key": "k", "value": "v" * 6001}]}),
        ("params of no list", {"name": "m", "params": {"a": "1"}}),
        ("tags twice", {"name": "m", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
        ("a bad tag key", {"name": "m", "tags": [{"key": "../a", "value": "1"}]}),
        ("a long tag key", {"name": "m", "tags": [{"key": "k" * 251, "value": "1"}]}),
        ("a long tag value", {"name": "m", "tags": [{"key": "k", "value": "v" * 8001}]}),
        ("a tag without value", {"name": "m", "tags": [{"key": "a"}]}),
        ("a number as name", {"name": 5}),
        ("an unknown field", {"name": "m", "nonsense": 1}),
        ("an identifier of its own", {"name": "m", "model_id": "m-mine"}),
        ("camel case", {"name": "m", "modelType": "t", "sourceRunId": "{run}"}),
    ):
        call = pair.post("logged-models", {"experiment_id": "{exp}", **body}, name=label)
        if call.stock.status == 200 == call.ours.status:
            pair.keep("made", "model.info.model_id", call)
            read(pair, "made", name=f"after {label}")
    for body in ({"name": "m"}, {"experiment_id": "", "name": "m"}, {"experiment_id": "99999999", "name": "m"},
        {"experiment_id": "x", "name": "m"}, {"experiment_id": 0, "name": "m"}):
        pair.post("logged-models", body)
    read_run(pair)


@case
def finalising(pair):
    experiment(pair)
    model(pair)
    read(pair)
    for status in ("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_STATUS_UNSPECIFIED", 2, 1, 0,
        3, 9, "2", "READY", "x", "", None, True, [2]):
        pair.patch("logged-models/{model}", {"model_id": "{model}", "status": status}, name=f"status {status!r}")
    pair.patch("logged-models/{model}", {"status": 2}, name="no model in the body")
    pair.patch("logged-models/{model}", {"model_id": "{model}"}, name="no status")
    pair.patch("logged-models/{model}", {"model_id": "m-other", "status": 2}, name="another model in the body")
    pair.patch("logged-models/m-none", {"model_id": "m-none", "status": 2}, name="no such model")
    read(pair)


@case
def params_and_tags(pair):
    experiment(pair)
    model(pair)
    for label, params in (
        ("two", [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]), ("the same", [{"key": "a", "value": "1"}]),
        ("changed", [{"key": "a", "value": "9"}]), ("none", []), ("no list", {"a": "1"}), ("null", None), ("no key", [{"value": "1"}]),
        ("an empty key", [{"key": "", "value": "1"}]),
        ("no value", [{"key": "c"}]), ("a bad key", [{"key": "../x", "value": "1"}]), ("a long key", [{"key": "k" * 251, "value": "1"}]),
        ("a long value", [{"key": "long", "value": "v" * 6001}]), ("a longer value", [{"key": "longer", "value": "v" * 9000}]),
        ("strings", ["a"]),
        ("twice in one", [{"key": "t", "value": "1"}, {"key": "t", "value": "1"}]),
        ("101", [{"key": f"k{n}", "value": "1"} for n in range(101)]),
    ):
        pair.post("logged-models/{model}/params", {"model_id": "{model}", "params": params}, name=f"params: {label}")
    pair.post("logged-models/{model}/params", {"params": [{"key": "x", "value": "1"}]}, name="params without a model")
    pair.post("logged-models/m-none/params", {"model_id": "m-none", "params": [{"key": "x", "value": "1"}]}, name="params of no model")
    read(pair)
    for label, tags in (
        ("two", [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]), ("changed", [{"key": "a", "value": "9"}]), ("none", []),
        ("no list", {"a": "1"}), ("null", None), ("no key", [{"value": "1"}]), ("an empty key", [{"key": "", "value": "1"}]),
        ("no value", [{"key": "c"}]), ("an empty value", [{"key": "d", "value": ""}]),
        ("a bad key", [{"key": "../x", "value": "1"}]), ("a long key", [{"key": "k" * 251, "value": "1"}]),
        ("a long value", [{"key": "long", "value": "v" * 8001}]), ("strings", ["a"]),
        ("twice in one", [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]), ("mlflow's", [{"key": "mlflow.x", "value": "1"}]),
        ("with a slash", [{"key": "x/y", "value": "1"}]), ("with a space", [{"key": "x y", "value": "1"}]),
    ):
        pair.patch("logged-models/{model}/tags", {"tags": tags}, name=f"tags: {label}")
    pair.patch("logged-models/m-none/tags", {"tags": [{"key": "x", "value": "1"}]}, name="tags of no model")
    read(pair)
    for key in ("a", "a", "never", "x%20y", "x/y", "x%2Fy", "%20"):
        pair.delete(f"logged-models/{{model}}/tags/{key}", name=f"delete {key}")
    pair.delete("logged-models/m-none/tags/a", name="delete of no model")
    read(pair)


@case
def deletion(pair):
    experiment(pair)
    run(pair)
    model(pair, source_run_id="{run}", params=[{"key": "a", "value": "1"}])
    pair.post("runs/outputs", {"run_id": "{run}", "models": [{"model_id": "{model}", "step": 1}]})
    pair.post("runs/log-metric", {"run_id": "{run}", "key": "m", "value": 1, "timestamp": 1, "model_id": "{model}"})
    read(pair)
    pair.delete("logged-models/{model}")
    read(pair, name="a deleted one")
    for query in ("allow_deleted=true", "allow_deleted=True", "allow_deleted=false", "allow_deleted=1", "allow_deleted="):
        pair.get("logged-models/{model}", query, name=query)
    pair.delete("logged-models/{model}", name="again")
    pair.patch("logged-models/{model}", {"model_id": "{model}", "status": 2})
    pair.patch("logged-models/{model}/tags", {"tags": [{"key": "x", "value": "1"}]})
    pair.delete("logged-models/{model}/tags/x")
    pair.post("logged-models/{model}/params", {"model_id": "{model}", "params": [{"key": "x", "value": "1"}]})
    pair.post("logged-models/search", {"experiment_ids": ["{exp}"]})
    read_run(pair)
    for name in ("m-none", "x", "m-" + "f" * 32, "%20", "a/b", "{run}"):
        pair.get(f"logged-models/{name}", name=f"get {name}")
        pair.delete(f"logged-models/{name}", name=f"delete {name}")


@case
def a_run_or_experiment_goes(pair):
    experiment(pair)
    run(pair)
    model(pair, source_run_id="{run}")
    pair.post("runs/delete", {"run_id": "{run}"})
    read(pair)
    pair.post("experiments/delete", {"experiment_id": "{exp}"})
    read(pair)
    pair.post("logged-models/search", {"experiment_ids": ["{exp}"]})
    pair.post("experiments/restore", {"experiment_id": "{exp}"})
    read(pair)


@case
def metrics(pair):
    experiment(pair)
    run(pair)
    run(pair, "other")
    model(pair, source_run_id="{run}")
    pair.post("runs/log-inputs", {"run_id": "{run}",
            "datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "s"}}]})
    for who, key, value, step, more in (
        ("run", "acc", 0.5, 1, {}), ("run", "acc", 0.7, 2, {}), ("run", "acc", 0.6, 3, {"dataset_name": "d", "dataset_digest": "1"}),
        ("other", "acc", 0.9, 1, {}), ("run", "nan", "NaN", 1, {}), ("run", "inf", "Infinity", 1, {}), ("other", "loss", 1, 5, {}),
    ):
        pair.post("runs/log-metric", {"run_id": f"{{{who}}}", "key": key, "value": value, "timestamp": step, "step": step,
                "model_id": "{model}", **more})
        read(pair)
    read_run(pair)
    pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": "acc"})
    pair.post("runs/delete", {"run_id": "{other}"})
    read(pair, name="after a run has gone")
