"""Traces: their life, tags, deletion, and links to runs and prompts."""

from ..registry import area
from ..steps import experiment, run
from ..traces import find, place, read, start

case = area("traces")


@case
def starting(pair):
    experiment(pair)
    for label, more in (
        ("everything", {"client_request_id": "{u}.client", "trace_metadata": {"a": "1", "mlflow.trace.session": "s"},
                "tags": {"b": "2", "mlflow.traceName": "named"}}),
        ("the least", {"request_preview": "absent", "response_preview": "absent", "execution_duration": "absent", "state": "absent"}),
        ("in progress", {"state": "IN_PROGRESS", "execution_duration": "absent"}),
        ("an error", {"state": "ERROR"}), ("state 1", {"state": 1}), ("state 9", {"state": 9}), ("state of nonsense", {"state": "X"}),
        ("unspecified", {"state": "STATE_UNSPECIFIED"}),
        ("no time", {"request_time": "absent"}), ("a time with a fraction", {"request_time": "2024-01-01T00:00:00.123456789Z"}),
        ("a time with a zone", {"request_time": "2024-01-01T02:00:00+02:00"}), ("a time of nonsense", {"request_time": "yesterday"}),
        ("a number as time", {"request_time": 5}), ("before 1970", {"request_time": "1960-01-01T00:00:00Z"}),
        ("no duration", {"execution_duration": "absent"}), ("a duration of 0", {"execution_duration": "0s"}),
        ("a tiny duration", {"execution_duration": "0.000000001s"}), ("a negative duration", {"execution_duration": "-1s"}),
        ("a duration of nonsense", {"execution_duration": "long"}), ("a number as duration", {"execution_duration": 5}),
        ("no place", {"trace_location": "absent"}), ("a place without experiment", {"trace_location": {"type": "MLFLOW_EXPERIMENT"}}),
        ("a place without type", {"trace_location": {"mlflow_experiment": {"experiment_id": "{exp}"}}}),
        ("no such experiment", {"trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "99999999"}}}),
        ("a table as place", {"trace_location": {"type": "INFERENCE_TABLE", "inference_table": {"full_table_name": "a.b.c"}}}),
        ("an experiment of nonsense", {"trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "x"}}}),
        ("long previews", {"request_preview": "q" * 2000, "response_preview": "é" * 2000}),
        ("request instead of preview", {"request_preview": "absent", "request": "q", "response": "a"}),
        ("empty previews", {"request_preview": "", "response_preview": ""}),
        ("long metadata", {"trace_metadata": {"k" * 300: "v", "long": "v" * 9000}}), ("a long tag", {"tags": {"long": "v" * 9000}}),
        ("a long tag key", {"tags": {"k" * 251: "v"}}), ("a bad tag key", {"tags": {"../x": "v"}}),
        ("an empty tag key", {"tags": {"": "v"}}), ("tags of a list", {"tags": [{"key": "a", "value": "1"}]}),
        ("a number in the metadata", {"trace_metadata": {"a": 5}}),
        ("protected tags", {"tags": {"mlflow.artifactLocation": "s3://x", "mlflow.trace.spansLocation": "x",
                "mlflow.trace.archiveLocation": "x", "mlflow.trace.archivalFailure": "x", "mlflow.x": "kept"}}),
        ("usage and size", {"trace_metadata": {"mlflow.trace.tokenUsage": '{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}',
                "mlflow.trace.sizeBytes": "5", "mlflow.trace.sizeStats": '{"total_size_bytes": 5}', "mlflow.trace_schema.version": "3"}}),
        ("a run in the metadata", {"trace_metadata": {"mlflow.sourceRun": "f" * 32}}),
        ("an assessment inside", {"assessments": [{"assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "me"},
                "feedback": {"value": True}}]}), ("a long client id", {"client_request_id": "c" * 300}),
                ("an unknown field", {"nonsense": 1}),
    ):
        name = "t" + "".join(c for c in label if c.isalnum() and c.isascii()).lower()
        call = start(pair, name, label=label, **more)
        if call.stock.status == 200 == call.ours.status:
            read(pair, name, name=f"after {label}")
    for body in ({}, {"trace": {}}, {"trace": None}, {"trace": "x"}, {"trace": []}, {"trace": {"trace_info": {}}},
        {"trace": {"trace_info": "x"}}, {"trace": {"trace_info": {"trace_id": "tr-x{u}"}}},
        {"trace": {"trace_info": {"trace_location": place()}}},
                 {"trace": {"trace_info": {"trace_id": "x" * 51 + "{u}", "trace_location": place(),
                         "request_time": "2024-01-01T00:00:00Z"}}},
                         {"trace": {"trace_info": {"trace_id": "", "trace_location": place(), "request_time": "2024-01-01T00:00:00Z"}}}):
        pair.post("3:traces", body, name=f"{str(body)[:60]}")


@case
def started_twice(pair):
    experiment(pair)
    experiment(pair, "other")
    start(pair, "t", state="IN_PROGRESS", execution_duration="absent", tags={"a": "1", "b": "2"}, trace_metadata={"m": "1"})
    start(pair, "t", state="OK", tags={"a": "9", "c": "3"}, trace_metadata={"m": "2", "n": "1"}, response_preview="later")
    read(pair, "t")
    start(pair, "t", exp="other")
    read(pair, "t")


@case
def reading(pair):
    experiment(pair)
    start(pair, "one")
    start(pair, "two", request_time="2024-01-02T00:00:00Z")
    for path in ("3:traces/none", "3:traces/tr-" + "0" * 32, "3:traces/%20", "3:traces/a/b", "traces/{one}/info", "traces/none/info",
        "3:traces/{one}/info", "traces/{one}"):
        pair.get(path)
    for query in ("trace_id={one}", "trace_id={one}&allow_partial=true", "trace_id={one}&allow_partial=false",
        "trace_id={one}&allow_partial=x", "trace_id=none", "", "trace_id="):
        pair.get("3:traces/get", query, name=query or "nothing")
    for query in ("trace_ids={one}", "trace_ids={one}&trace_ids={two}", "trace_ids=none", "trace_ids={one}&trace_ids=none", "",
        "trace_ids=", "trace_ids={one}&experiment_ids={exp}", "trace_ids={one}&experiment_ids=0"):
        pair.get("3:traces/batchGet", query, name=query or "nothing")
    for body in ({"trace_ids": ["{one}"]}, {"trace_ids": ["{two}", "{one}"]}, {"trace_ids": ["none"]},
        {"trace_ids": ["{one}", "none", "{one}"]}, {"trace_ids": []}, {}, {"trace_ids": "{one}"}, {"trace_ids": [5]}, {"trace_ids": None},
        {"trace_ids": ["{one}"], "experiment_ids": ["{exp}"]}, {"trace_ids": ["{one}"], "experiment_ids": ["0"]},
                 {"trace_ids": ["{one}"], "experiment_ids": []}, {"trace_ids": ["{one}"], "experiment_ids": ["x"]},
                 {"trace_ids": [f"tr-{n}" for n in range(501)]}):
        pair.post("3:traces/batchGetInfos", body, name=f"{str(body)[:60]}", unordered=("trace_infos",))
    for query in ("request_id={one}", "request_id=none", "", "request_id=", "request_id={one}&path=../x", "request_id={one}&path=x.png",
        "request_id={one}&path=", "trace_id={one}"):
        for version in ("2.0", "3.0"):
            pair.get(f"/ajax-api/{version}/mlflow/get-trace-artifact", query, name=query or "nothing", as_json=True)


@case
def data_in_artifacts(pair):
    """Traces whose spans a client has uploaded as a file."""
    experiment(pair)
    start(pair, "one")
    file = "/api/2.0/mlflow-artifacts/artifacts/{exp}/traces/{one}/artifacts/"
    pair.put(file + "traces.json", b'{"spans": [], "request": "q", "response": "a"}')
    pair.put(file + "attachments/a.txt", b"words")
    for query in ("request_id={one}", "request_id={one}&path=a.txt", "request_id={one}&path=b.txt",
        "request_id={one}&path=attachments/a.txt"):
        pair.get("/ajax-api/3.0/mlflow/get-trace-artifact", query, as_json=True,
            show_headers=("Content-Type", "Content-Disposition", "X-Content-Type-Options"))
    pair.get("3:traces/get", "trace_id={one}")
    pair.post("3:traces/delete-traces", {"experiment_id": "{exp}", "request_ids": ["{one}"]})
    pair.get(file + "traces.json", name="the file, after deletion")


@case
def tags(pair):
    experiment(pair)
    start(pair, "one", tags={"first": "1"})
    for prefix in ("3:", ""):
        put = lambda body, name="": pair.patch(f"{prefix}traces/{{one}}/tags", body, name=name or f"{prefix}{str(body)[:50]}")
        for key in ("a", "b c", "x/y", "", "..", "../x", "a:b", "é", "k" * 250, "k" * 251, "mlflow.x", "mlflow.artifactLocation",
            "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure", "mlflow.traceName", None, 5):
            put({"key": key, "value": "v"})
        for value in ("", "v" * 8000, "v" * 8001, "v" * 9000, None, 5, "ü🎈\n"):
            put({"key": "value", "value": value})
        for body in ({}, {"key": "a"}, {"value": "v"}):
            put(body)
        pair.patch(f"{prefix}traces/none/tags", {"key": "a", "value": "v"}, name=f"{prefix} no such trace")
        read(pair, "one")
        for key in ("a", "a", "never", "", "..", "mlflow.artifactLocation", "mlflow.trace.archivalFailure", "mlflow.trace.spansLocation"):
            pair.delete(f"{prefix}traces/{{one}}/tags", {"key": key}, name=f"{prefix} delete {key!r}")
            pair.call("DELETE", f"{prefix}traces/{{one}}/tags", None, {"key": key}, name=f"{prefix} delete {key!r} in the query")
        pair.delete(f"{prefix}traces/{{one}}/tags", {}, name=f"{prefix} delete nothing")
        pair.delete(f"{prefix}traces/none/tags", {"key": "a"}, name=f"{prefix} delete of no trace")
        read(pair, "one")


@case
def deletion(pair):
    experiment(pair)
    experiment(pair, "other")
    for prefix in ("3:", ""):
        for n in range(5):
            start(pair, f"t{n}{prefix.strip(':')}", request_time=f"2024-01-0{n + 1}T00:00:00Z")
        path = f"{prefix}traces/delete-traces"
        first, second = f"{{t0{prefix.strip(':')}}}", f"{{t1{prefix.strip(':')}}}"
        for body in (
            {"experiment_id": "{exp}"}, {"request_ids": [first]}, {"experiment_id": "{exp}", "request_ids": []},
            {"experiment_id": "{exp}", "request_ids": [first], "max_traces": 1},
            {"experiment_id": "{exp}", "request_ids": [first], "max_timestamp_millis": 1}, {"experiment_id": "{exp}", "max_traces": 1},
            {"experiment_id": "{exp}", "max_timestamp_millis": 1, "max_traces": 0},
            {"experiment_id": "{exp}", "max_timestamp_millis": 1, "max_traces": -1},
            {"experiment_id": "{exp}", "max_timestamp_millis": "x"}, {"experiment_id": "{exp}", "request_ids": "x"},
            {"experiment_id": "{exp}", "request_ids": [5]}, {"experiment_id": 5, "request_ids": [first]},
            {"experiment_id": "", "request_ids": [first]}, {"experiment_id": "99999999", "request_ids": [first]},
            {"experiment_id": "{other}", "request_ids": [first]}, {"experiment_id": "x", "request_ids": [first]},
            {"experiment_id": "{exp}", "request_ids": ["none"]}, {"experiment_id": "{exp}", "request_ids": [first, "none"]},
            {"experiment_id": "{exp}", "request_ids": [first]},
            {"experiment_id": "{exp}", "max_timestamp_millis": 1704153600000, "max_traces": 1},
            {"experiment_id": "{exp}", "max_timestamp_millis": 1704240000000}, {"experiment_id": "{exp}", "max_timestamp_millis": 1},
            {"experiment_id": "{exp}", "max_timestamp_millis": 9999999999999, "max_traces": 1},
        ):
            pair.post(path, body, name=f"{prefix}{str(body)[:90]}")
        find(pair)
        pair.post(path, {"experiment_id": "{exp}", "max_timestamp_millis": 9999999999999})
        find(pair)
    read(pair, "t0")


@case
def links_to_runs(pair):
    experiment(pair)
    experiment(pair, "other")
    run(pair)
    run(pair, "second")
    for name in ("one", "two"):
        start(pair, name)
    start(pair, "far", exp="other")
    for body in ({"trace_ids": ["{one}"], "run_id": "{run}"}, {"trace_ids": ["{one}"], "run_id": "{run}"},
        {"trace_ids": ["{one}", "{two}"], "run_id": "{second}"}, {"trace_ids": ["{far}"], "run_id": "{run}"},
        {"trace_ids": ["none"], "run_id": "{run}"}, {"trace_ids": ["{one}"], "run_id": "f" * 32}, {"trace_ids": [], "run_id": "{run}"},
                 {"run_id": "{run}"}, {"trace_ids": ["{one}"]}, {"trace_ids": "{one}", "run_id": "{run}"},
                 {"trace_ids": [5], "run_id": "{run}"}, {"trace_ids": ["{one}"], "run_id": 5},
                 {"trace_ids": [f"tr-{n}" for n in range(101)], "run_id": "{run}"},
                 {"trace_ids": [f"tr-{n}" for n in range(100)], "run_id": "{run}"}):
        pair.post("traces/link-to-run", body, name=f"{str(body)[:70]}")
    pair.post("3:traces/link-to-run", {"trace_ids": ["{one}"], "run_id": "{run}"}, name="version 3")
    read(pair, "one")
    for text in ("run_id = '{run}'", "run_id = '{second}'", "attributes.run_id = '{run}'", "run_id != '{run}'",
        "run_id IN ('{run}', '{second}')", "metadata.`mlflow.sourceRun` = '{run}'", "run_id LIKE '%'"):
        find(pair, text, order_by=["request_id"])
    start(pair, "three", trace_metadata={"mlflow.sourceRun": "{run}"}, request_time="2025-01-01T00:00:00Z")
    find(pair, "run_id = '{run}'")


@case
def links_to_prompts(pair):
    experiment(pair)
    start(pair, "one")
    start(pair, "two")
    link = lambda **body: pair.post("traces/link-prompts", body, name=f"{str(body)[:70]}")
    a, b = {"name": "{u}.a", "version": "1"}, {"name": "{u}.b", "version": "2"}
    link(trace_id="{one}", prompt_versions=[a])
    link(trace_id="{one}", prompt_versions=[a, b])
    link(trace_id="{two}", prompt_versions=[b])
    for body in ({"trace_id": "none", "prompt_versions": [a]}, {"prompt_versions": [a]}, {"trace_id": "{one}"},
        {"trace_id": "{one}", "prompt_versions": []}, {"trace_id": "{one}", "prompt_versions": [{"name": "x"}]},
        {"trace_id": "{one}", "prompt_versions": [{"version": "1"}]},
        {"trace_id": "{one}", "prompt_versions": [{"name": "x", "version": "v"}]},
                 {"trace_id": "{one}", "prompt_versions": ["x"]}, {"trace_id": "{one}", "prompt_versions": "x"},
                 {"trace_id": 5, "prompt_versions": [a]}, {"trace_id": "{one}", "prompt_versions": [{"name": "{u}.c", "version": 3}]}):
        link(**body)
    read(pair, "one")
    for text in ("prompt = '{u}.a/1'", "prompt = '{u}.b/2'", "prompt = '{u}.a/9'", "prompt = '{u}.a'", "prompt != '{u}.a/1'",
        "prompt LIKE '%a%'", "attributes.prompt = '{u}.a/1'", "prompt = '/'", "prompt = 'a/b/c'", "prompt = 'a/x'",
        "prompt IN ('{u}.a/1')"):
        find(pair, text, order_by=["request_id"])


@case
def old_version(pair):
    """The calls of version 2, which old clients still make."""
    experiment(pair)
    for label, body in (
        ("whole", {"timestamp_ms": 1704067200000, "request_metadata": [{"key": "a", "value": "1"}],
                "tags": [{"key": "b", "value": "2"}, {"key": "mlflow.traceName", "value": "n"}]}),
        ("bare", {"timestamp_ms": 1}), ("no time", {}), ("a time of nonsense", {"timestamp_ms": "x"}),
        ("a time as a string", {"timestamp_ms": "5"}), ("a negative time", {"timestamp_ms": -1}),
        ("metadata of a mapping", {"timestamp_ms": 1, "request_metadata": {"a": "1"}}),
        ("metadata without key", {"timestamp_ms": 1, "request_metadata": [{"value": "1"}]}),
        ("tags without key", {"timestamp_ms": 1, "tags": [{"value": "1"}]}),
        ("a tag twice", {"timestamp_ms": 1, "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
        ("a long tag", {"timestamp_ms": 1, "tags": [{"key": "a", "value": "v" * 9000}]}),
        ("long metadata", {"timestamp_ms": 1, "request_metadata": [{"key": "a", "value": "v" * 9000}]}),
    ):
        pair.post("traces", {"experiment_id": "{exp}", **body}, name=label)
    for body in ({"timestamp_ms": 1}, {"experiment_id": "99999999", "timestamp_ms": 1}, {"experiment_id": "x", "timestamp_ms": 1},
        {"experiment_id": 5, "timestamp_ms": 1}):
        pair.post("traces", body)
    call = pair.post("traces", {"experiment_id": "{exp}", "timestamp_ms": 1704067260000})
    pair.keep("old", "trace_info.request_id", call)
    pair.get("traces/{old}/info")
    for label, body in (
        ("whole", {"timestamp_ms": 1704067261500, "status": "OK", "request_metadata": [{"key": "a", "value": "2"}],
                "tags": [{"key": "c", "value": "3"}]}),
        ("an error", {"timestamp_ms": 1704067261500, "status": "ERROR"}), ("no status", {"timestamp_ms": 1704067261500}),
        ("a status of nonsense", {"timestamp_ms": 1704067261500, "status": "X"}),
        ("status 1", {"timestamp_ms": 1704067261500, "status": 1}),
        ("unspecified", {"timestamp_ms": 1704067261500, "status": "TRACE_STATUS_UNSPECIFIED"}),
        ("no time", {"status": "OK"}), ("an end before the start", {"timestamp_ms": 1, "status": "OK"}),
        ("tags without key", {"timestamp_ms": 1704067261500, "status": "OK", "tags": [{"value": "x"}]}),
    ):
        pair.patch("traces/{old}", body, name=f"end: {label}")
        pair.get("traces/{old}/info", name=f"after {label}")
    pair.patch("traces/none", {"timestamp_ms": 1, "status": "OK"}, name="end of no trace")
    read(pair, "old")
    for query in ("experiment_ids={exp}", "experiment_ids={exp}&max_results=1", "experiment_ids={exp}&filter=status%3D'OK'",
        "experiment_ids={exp}&order_by=timestamp_ms+ASC", "experiment_ids={exp}&max_results=501", "experiment_ids={exp}&max_results=x", "",
        "experiment_ids=", "experiment_ids={exp}&filter=x", "experiment_ids={exp}&page_token=x"):
        pair.get("traces", query, name=query or "nothing", unordered=("traces",),
            ignore=("next_page_token",) if "max_results=1" in query else ())
