"""Logging into a run: params, metrics, batches, and their limits."""

from ..registry import area
from ..steps import batch, experiment, read_run, run

case = area("logging")
KEYS = ("", ".", "..", "../a", "a/../b", "/a", "a//b", "a/", "./a", "a b", " a", "a:b", "a,b", "a\\b", "a\nb", "é", "日本", "a'b", "a=b", "~",
    "a*", "a\u0000b", "a/b/c", "A", "a.b-c_d")


def metric(pair, key, value, timestamp=1, step=0, **more):
    body = {"run_id": "{run}", "key": key, "value": value, "timestamp": timestamp, "step": step}
    return pair.post("runs/log-metric", body, **more)


def history(pair, key):
    return pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": key})


@case
def params(pair):
    experiment(pair)
    run(pair)
    param = lambda key, value, name="": pair.post("runs/log-parameter", {"run_id": "{run}", "key": key, "value": value},
        name=name or f"param {key!r}"[:40])
    param("a", "1")
    param("a", "1", "the same again")
    param("a", "2", "another value")
    param("a", "", "an empty value")
    param("empty", "")
    param("empty", "", "empty again")
    param("empty", "x", "empty, then full")
    param("number", 5)
    param("null", None)
    param("unicode", "ü\n\t🎈\\\"'")
    for length in (5999, 6000, 6001, 6002, 30000):
        param(f"v{length}", "x" * length)
        param(f"v{length}", "x" * length, f"{length} again")
        param(f"u{length}", "é" * length)
    param("v6001", "x" * 6000 + "y", "alike in the first 6000")
    param("k" * 250, "v")
    param("k" * 251, "v", "a key of 251")
    for key in KEYS:
        param(key, "v")
    for body in ({"run_id": "{run}", "value": "v"}, {"run_id": "{run}", "key": "k"}, {"key": "k", "value": "v"},
        {"run_id": "{run}", "key": 5, "value": "v"},
                 {"run_id": "{run}", "key": "k", "value": ["v"]}, {"run_id": "{run}", "key": "k", "value": {"a": 1}},
                 {"run_id": "{run}", "key": "k", "value": True}):
        pair.post("runs/log-parameter", body)
    read_run(pair)


@case
def metric_values(pair):
    experiment(pair)
    run(pair)
    values = (0, -0.0, 1, 0.1, 1e308, -1e308, 1.7976931348623157e308, 5e-324, 1e-400, 123456789012345678, 2**70, 1 / 3, "1.5", "NaN", "nan",
        "Infinity", "-Infinity",
              "inf", "-inf", "1e5", "", "x", " 1", "1_0", "0x10", None, True, False, [1], {"a": 1}, "1e999", 1e15, 1e16, 1e21, 1e22,
              123456.789, 1.0)
    for number, value in enumerate(values):
        metric(pair, f"m{number}", value, name=f"value {value!r}")
        if not isinstance(value, (list, dict)):
            pair.post("runs/log-batch", {"run_id": "{run}", "metrics": [{"key": f"b{number}", "value": value, "timestamp": 1}]},
                name=f"in a batch {value!r}")
    read_run(pair)
    for number in range(len(values)):
        if number in (1, 4, 7, 9, 10, 13, 15, 16, 31, 32):
            history(pair, f"m{number}")


@case
def bare_not_a_number(pair):
    """JSON that only Python reads: NaN and Infinity without quotes."""
    experiment(pair)
    run(pair)
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        key = b"m" + word.lower().replace(b"-", b"n")
        pair.post("runs/log-metric", b'{"run_id": "{run}", "key": "' + key + b'", "value": ' + word + b', "timestamp": 7, "step": 3}',
            name=word.decode())
        pair.post("runs/log-metric", b'{"value": ' + word + b', "run_id": "{run}", "key": "first' + key + b'", "timestamp": 7, "step": 3}',
            name=f"{word.decode()} first")
        pair.post("runs/log-metric", b'{"run_id": "{run}", "key": "last' + key + b'", "timestamp": 7, "step": 3, "value": ' + word + b"}",
            name=f"{word.decode()} last")
        pair.post("runs/log-batch",
            b'{"run_id": "{run}", "metrics": [{"key": "batch' + key + b'", "value": ' + word + b', "timestamp": 7, "step": 3}]}',
            name=f"{word.decode()} in a batch")
    read_run(pair)


@case
def metric_times_and_steps(pair):
    experiment(pair)
    run(pair)
    numbers = (0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), "5", "x", "", 1.5, 1.0, None, True, [1], {"a": 1}, "1.5", "1e3",
        "9223372036854775807")
    for number, value in enumerate(numbers):
        metric(pair, f"t{number}", 1, timestamp=value, name=f"timestamp {value!r}")
        metric(pair, f"s{number}", 1, step=value, name=f"step {value!r}")
        if number < 12:
            pair.post("runs/log-batch", {"run_id": "{run}", "metrics": [{"key": f"b{number}", "value": 1, "timestamp": value, "step": 1}]},
                name=f"batch timestamp {value!r}")
            pair.post("runs/log-batch", {"run_id": "{run}", "metrics": [{"key": f"c{number}", "value": 1, "timestamp": 1, "step": value}]},
                name=f"batch step {value!r}")
    for body in ({"key": "k", "value": 1}, {"key": "k", "timestamp": 1}, {"value": 1, "timestamp": 1},
        {"key": "k", "value": 1, "timestamp": 1}, {}):
        pair.post("runs/log-metric", {"run_id": "{run}", **body})
        pair.post("runs/log-metric", body)
    read_run(pair)


@case
def metric_keys(pair):
    experiment(pair)
    run(pair)
    for key in KEYS:
        metric(pair, key, 1, name=f"key {key!r}")
        pair.post("runs/log-batch", {"run_id": "{run}", "metrics": [{"key": key, "value": 1, "timestamp": 1}]}, name=f"batch key {key!r}")
        pair.post("runs/log-batch", {"run_id": "{run}", "params": [{"key": key, "value": "1"}]}, name=f"batch param {key!r}")
        pair.post("runs/log-batch", {"run_id": "{run}", "tags": [{"key": key, "value": "1"}]}, name=f"batch tag {key!r}")
    for length in (249, 250, 251, 1000):
        metric(pair, "k" * length, 1, name=f"a key of {length}")
        metric(pair, "é" * length, 1, name=f"a key of {length} é")
    read_run(pair)


@case
def the_latest(pair):
    experiment(pair)
    run(pair)
    for key, points in {
        "higher step wins": [(1, 10, 5), (2, 20, 3)],
        "then the later time": [(1, 10, 5), (2, 20, 5), (3, 15, 5)],
        "then the larger value": [(3, 10, 5), (4, 10, 5), (2, 10, 5)],
        "the same twice": [(1, 1, 1), (1, 1, 1)],
        "not a number first": [("NaN", 1, 1), (1, 1, 1)],
        "not a number last": [(1, 1, 1), ("NaN", 1, 1)],
        "negative steps": [(1, 1, -5), (2, 1, -7)],
        "infinite": [("Infinity", 1, 1), (5, 1, 1)],
        "minus infinite": [("-Infinity", 1, 1), (-5, 1, 1)],
        "not a number twice": [("NaN", 1, 1), ("NaN", 1, 1)],
    }.items():
        for value, timestamp, step in points:
            metric(pair, key, value, timestamp, step)
        history(pair, key)
    read_run(pair)
    run(pair, "second")
    batch(pair, "second", metrics=[("m", 1, 10, 5), ("m", 2, 20, 3), ("m", 3, 10, 5), ("m", 2.5, 10, 5), ("n", 1, 1, 1), ("n", 1, 1, 1)])
    read_run(pair, "second")
    pair.get("metrics/get-history", {"run_id": "{second}", "metric_key": "m"})
    pair.get("metrics/get-history", {"run_id": "{second}", "metric_key": "n"})


@case
def metrics_with_datasets_and_models(pair):
    experiment(pair)
    run(pair)
    call = pair.post("logged-models", {"experiment_id": "{exp}", "name": "mod", "source_run_id": "{run}"})
    pair.keep("mod", "model.info.model_id", call)
    pair.post("runs/log-inputs", {"run_id": "{run}",
            "datasets": [{"dataset": {"name": "d", "digest": "x", "source_type": "s", "source": "s"}}]})
    for number, more in enumerate((
        {"model_id": "{mod}"}, {"model_id": "{mod}", "dataset_name": "d", "dataset_digest": "x"},
        {"dataset_name": "d", "dataset_digest": "x"},
        {"dataset_name": "d"}, {"dataset_digest": "x"}, {"dataset_name": "unknown", "dataset_digest": "y"}, {"model_id": "m-unknown"},
        {"model_id": ""},
        {"model_id": "{mod}", "dataset_name": "", "dataset_digest": ""}, {"model_id": 5}, {"dataset_name": 5},
    )):
        body = {"key": f"k{number}", "value": number, "timestamp": 5, "step": 1, **more}
        pair.post("runs/log-metric", {"run_id": "{run}", **body})
        pair.post("runs/log-batch", {"run_id": "{run}", "metrics": [{**body, "key": f"b{number}"}]})
        pair.post("runs/log-metric", {"run_id": "{run}", **body}, name="the same again")
    read_run(pair)
    pair.get("logged-models/{mod}", unordered=("metrics",))
    history(pair, "k1")


@case
def batches(pair):
    experiment(pair)
    run(pair)
    entry = lambda n: {"key": f"k{n}", "value": "1"}
    point = lambda n: {"key": f"k{n}", "value": n, "timestamp": n, "step": n}
    send = lambda name, **body: pair.post("runs/log-batch", {"run_id": "{run}", **body}, name=name)
    send("nothing")
    send("empty lists", metrics=[], params=[], tags=[])
    send("nulls", metrics=None, params=None, tags=None)
    send("1001 metrics", metrics=[point(n) for n in range(1001)])
    send("101 params", params=[entry(n) for n in range(101)])
    send("101 tags", tags=[entry(n) for n in range(101)])
    send("1001 in all", metrics=[point(n) for n in range(801)], params=[entry(n) for n in range(100)], tags=[entry(n) for n in range(100)])
    read_run(pair, name="after refusals")
    send("1000 in all", metrics=[point(n) for n in range(800)], params=[entry(n) for n in range(100)], tags=[entry(n) for n in range(100)])
    send("the same again", metrics=[point(n) for n in range(800)], params=[entry(n) for n in range(100)],
        tags=[entry(n) for n in range(100)])
    send("1000 metrics", metrics=[point(n) for n in range(1000)])
    read_run(pair, name="after 1000")
    send("a param twice alike", params=[entry("x"), entry("x")])
    send("a param twice", params=[{"key": "y", "value": "1"}, {"key": "y", "value": "2"}])
    send("a param changed", params=[{"key": "k1", "value": "2"}])
    send("a param changed, with others", metrics=[{"key": "late", "value": 1, "timestamp": 1}],
        params=[{"key": "k1", "value": "2"}, {"key": "late", "value": "2"}], tags=[{"key": "late", "value": "1"}])
    send("a tag twice", tags=[{"key": "t", "value": "1"}, {"key": "t", "value": "2"}])
    send("a bad metric after good ones", metrics=[{"key": "good", "value": 1, "timestamp": 1},
            {"key": "../bad", "value": 1, "timestamp": 1}])
    send("a bad tag", metrics=[{"key": "good", "value": 1, "timestamp": 1}], tags=[{"key": "..", "value": "1"}])
    send("a bad param", metrics=[{"key": "good", "value": 1, "timestamp": 1}], params=[{"key": "..", "value": "1"}])
    for length in (6000, 6001):
        send(f"a param of {length}", params=[{"key": f"v{length}", "value": "x" * length}])
        send(f"a param of {length} again", params=[{"key": f"v{length}", "value": "x" * length}])
    for length in (8000, 8001):
        send(f"a tag of {length}", tags=[{"key": f"v{length}", "value": "x" * length}])
    send("a long metric key", metrics=[{"key": "k" * 251, "value": 1, "timestamp": 1}])
    send("a long param key", params=[{"key": "k" * 251, "value": "1"}])
    send("a long tag key", tags=[{"key": "k" * 251, "value": "1"}])
    read_run(pair)


@case
def incomplete_batches(pair):
    experiment(pair)
    run(pair)
    for name, body in (
        ("a metric without key", {"metrics": [{"value": 1, "timestamp": 1}]}),
        ("a metric without value", {"metrics": [{"key": "a", "timestamp": 1}]}),
        ("a metric without time", {"metrics": [{"key": "a", "value": 1}]}),
        ("an empty key", {"metrics": [{"key": "", "value": 1, "timestamp": 1}]}),
        ("an empty value", {"metrics": [{"key": "a", "value": "", "timestamp": 1}]}),
        ("the second without key", {"metrics": [{"key": "a", "value": 1, "timestamp": 1}, {"value": 1, "timestamp": 1}]}),
        ("a null metric", {"metrics": [None]}),
        ("a number for a metric", {"metrics": [1]}),
        ("a string for a metric", {"metrics": ["a"]}),
        ("a list for a metric", {"metrics": [[]]}),
        ("a mapping of metrics", {"metrics": {"key": "a", "value": 1, "timestamp": 1}}),
        ("a string of metrics", {"metrics": "a"}),
        ("a param without key", {"params": [{"value": "1"}]}),
        ("a param without value", {"params": [{"key": "pnone"}]}),
        ("a param with null", {"params": [{"key": "pnull", "value": None}]}),
        ("a param with a number", {"params": [{"key": "pnum", "value": 5}]}),
        ("an empty param key", {"params": [{"key": "", "value": "1"}]}),
        ("a string for a param", {"params": ["a"]}),
        ("a mapping of params", {"params": {"a": "b"}}),
        ("a tag without key", {"tags": [{"value": "1"}]}),
        ("a tag without value", {"tags": [{"key": "tnone"}]}),
        ("a tag with a number", {"tags": [{"key": "tnum", "value": 5}]}),
        ("a string for a tag", {"tags": ["a"]}),
        ("a value that is a string", {"metrics": [{"key": "vs", "value": "x", "timestamp": 1}]}),
        ("a value that is a list", {"metrics": [{"key": "vl", "value": [1], "timestamp": 1}]}),
        ("a boolean value", {"metrics": [{"key": "vb", "value": True, "timestamp": 1}]}),
        ("an unknown field in a metric", {"metrics": [{"key": "vu", "value": 1, "timestamp": 1, "more": 1}]}),
        ("good metrics and a bad string", {"metrics": [{"key": "ok", "value": 1, "timestamp": 1}], "params": "x"}),
    ):
        pair.post("runs/log-batch", {"run_id": "{run}", **body}, name=name)
    pair.post("runs/log-batch", {"metrics": [{"key": "a", "value": 1, "timestamp": 1}]}, name="no run")
    read_run(pair)


@case
def a_large_batch(pair):
    experiment(pair)
    run(pair)
    for name, size in (("just below a megabyte", 9500), ("above a megabyte", 11000)):
        tags = [{"key": f"t{n}", "value": "x" * size} for n in range(100)]
        pair.post("runs/log-batch", {"run_id": "{run}", "tags": tags}, name=name)
    read_run(pair)


@case
def log_model(pair):
    experiment(pair)
    run(pair)
    complete = '{"artifact_path": "model", "flavors": {"python_function": {"loader_module": "x"}}, "utc_time_created": "2024-01-01", "run_id": "{run}"}'
    for name, text in (
        ("whole", complete),
        ("whole again", complete),
        ("no JSON", "{not json"),
        ("a list", "[]"),
        ("a string", '"x"'),
        ("null", "null"),
        ("empty", "{}"),
        ("without one field", '{"artifact_path": "m", "flavors": {}, "run_id": "x"}'),
        ("without two fields", '{"flavors": {}, "run_id": "x"}'),
        ("an empty text", ""),
        ("more fields", complete[:-1] + ', "model_uuid": "u", "signature": null, "mlflow_version": "3.18.0", "model_size_bytes": 5}'),
        ("another path", complete.replace('"model"', '"other"')),
    ):
        pair.post("runs/log-model", {"run_id": "{run}", "model_json": text}, name=name)
        if name in ("whole", "another path", "more fields"):
            read_run(pair, name=f"after {name}", ignore=("utc_time_created",))
    pair.post("runs/log-model", {"model_json": complete}, name="no run")
    pair.post("runs/log-model", {"run_id": "{run}"}, name="no model")
    pair.post("runs/log-model", {"run_id": "f" * 32, "model_json": complete}, name="no such run")
    pair.post("runs/log-model", {"run_id": "{run}", "model_json": {"a": 1}}, name="an object")


@case
def inputs(pair):
    experiment(pair)
    run(pair)
    dataset = {"name": "data", "digest": "abc", "source_type": "local", "source": "s://x", "schema": '{"a": "long"}',
        "profile": '{"rows": 5}'}
    send = lambda name, **body: pair.post("runs/log-inputs", {"run_id": "{run}", **body}, name=name)
    context = {"key": "mlflow.data.context", "value": "train"}
    send("whole", datasets=[{"tags": [context], "dataset": dataset}])
    read_run(pair)
    send("again", datasets=[{"tags": [context], "dataset": dataset}])
    send("another context", datasets=[{"tags": [{"key": "mlflow.data.context", "value": "eval"}], "dataset": dataset}])
    send("another digest", datasets=[{"tags": [context], "dataset": {**dataset, "digest": "def"}}])
    send("another source, the same digest", datasets=[{"dataset": {**dataset, "source": "s://y"}}])
    send("no tags", datasets=[{"dataset": {**dataset, "name": "plain"}}])
    send("bare", datasets=[{"dataset": {"name": "bare", "digest": "1", "source_type": "t", "source": "s"}}])
    send("twice in one", datasets=[{"dataset": {**dataset, "name": "two"}}, {"dataset": {**dataset, "name": "two"}}])
    send("two in one", datasets=[{"dataset": {**dataset, "name": "x1"}, "tags": [{"key": "b", "value": "2"}]},
            {"dataset": {**dataset, "name": "x2"}}])
    read_run(pair, unordered=("dataset_inputs",))
    for field in ("name", "digest", "source_type", "source"):
        send(f"without {field}", datasets=[{"dataset": {key: value for key, value in dataset.items() if key != field}}])
        send(f"empty {field}", datasets=[{"dataset": {**dataset, field: ""}}])
        send(f"a number for {field}", datasets=[{"dataset": {**dataset, field: 5}}])
    for field, length in (("name", 500), ("digest", 36), ("source", 65535), ("schema", 1048575), ("source_type", 36)):
        if length < 100000:
            send(f"{field} of {length}", datasets=[{"dataset": {**dataset, field: "x" * length}}])
        send(f"{field} of {length + 1}", datasets=[{"dataset": {**dataset, field: "x" * (length + 1)}}])
    send("a tag key of 256", datasets=[{"dataset": dataset, "tags": [{"key": "k" * 256, "value": "v"}]}])
    send("a tag value of 501", datasets=[{"dataset": dataset, "tags": [{"key": "k", "value": "v" * 501}]}])
    send("a tag without key", datasets=[{"dataset": dataset, "tags": [{"value": "v"}]}])
    send("no dataset", datasets=[{"tags": [context]}])
    send("an empty dataset", datasets=[{"dataset": {}}])
    send("no list", datasets={"dataset": dataset})
    send("strings", datasets=["x"])
    send("nothing")
    send("an empty list", datasets=[])
    send("1001 datasets", datasets=[{"dataset": {**dataset, "name": f"many{n}"}} for n in range(1001)])
    pair.post("runs/log-inputs", {"datasets": [{"dataset": dataset}]}, name="no run")


@case
def model_inputs_and_outputs(pair):
    experiment(pair)
    run(pair)
    for name in ("one", "two"):
        call = pair.post("logged-models", {"experiment_id": "{exp}", "name": name, "source_run_id": "{run}"})
        pair.keep(name, "model.info.model_id", call)
    for path, field in (("runs/log-inputs", "models"), ("runs/outputs", "models")):
        for name, models in (
            ("one", [{"model_id": "{one}", "step": 0}]),
            ("one again", [{"model_id": "{one}", "step": 0}]),
            ("one at another step", [{"model_id": "{one}", "step": 5}]),
            ("two", [{"model_id": "{two}"}]),
            ("both", [{"model_id": "{one}", "step": 1}, {"model_id": "{two}", "step": 2}]),
            ("unknown", [{"model_id": "m-unknown", "step": 1}]),
            ("no identifier", [{"step": 1}]),
            ("an empty identifier", [{"model_id": ""}]),
            ("a step of nonsense", [{"model_id": "{one}", "step": "x"}]),
            ("a negative step", [{"model_id": "{two}", "step": -1}]),
            ("an empty list", []),
            ("no list", {"model_id": "{one}"}),
            ("strings", ["{one}"]),
            ("null", None),
        ):
            pair.post(path, {"run_id": "{run}", field: models}, name=f"{path} {name}")
            if name in ("two", "both", "unknown", "no identifier"):
                read_run(pair, unordered=("model_inputs", "model_outputs"))
        pair.post(path, {"run_id": "{run}"}, name=f"{path} without models")
        pair.post(path, {field: [{"model_id": "{one}"}]}, name=f"{path} without a run")
    pair.get("logged-models/{one}")
