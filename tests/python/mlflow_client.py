"""Drives a running server with the stock MLflow client.

ROPEWALK_URL names the server. Each check stands alone and tells what broke; the last line says how many passed.
"""

import json
import math
import os
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

URL = os.environ.get("ROPEWALK_URL", "http://127.0.0.1:5000").rstrip("/")
mlflow.set_tracking_uri(URL)
mlflow.set_registry_uri(URL)
client = MlflowClient()
CHECKS = []


def check(function):
    """A check that the stock server passes too."""
    CHECKS.append(function)
    return function


def ours(function):
    """A check of what the stock server does not do; left out when one is driven."""
    function.ours = True
    CHECKS.append(function)
    return function


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def new_run(**more):
    experiment = client.create_experiment(unique("exp"))
    return client.create_run(experiment, **more)


def call(path, body=None, method=None, headers=None):
    """A plain HTTP call: status, headers, body bytes."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method, headers=headers or {})
    if data is not None and "Content-Type" not in (headers or {}):
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def refused(function, code):
    try:
        function()
    except MlflowException as error:
        assert error.error_code == code, f"expected {code}, got {error.error_code}: {error}"
        return str(error)
    raise AssertionError(f"expected {code}, but it was allowed")


@check
def the_server_presents_itself():
    assert call("/health")[2] == b"OK"
    assert call("/version")[2] == b"3.18.0"
    for prefix in ("api", "ajax-api"):
        info = json.loads(call(f"/{prefix}/3.0/mlflow/server-info")[2])
        assert info["store_type"] == "SqlStore" and info["artifact_serving_enabled"] is True


@check
def a_plain_session_leaves_its_run():
    name = unique("session")
    experiment = mlflow.set_experiment(name)
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "loss": "log"})
        for step in range(5):
            mlflow.log_metric("auc", 0.5 + step / 10, step=step)
        mlflow.log_metrics({"a": 1.0, "b/c": 2.0}, step=7)
        mlflow.set_tag("team", "rope")
        mlflow.set_tags({"x": "1", "y": "2"})
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"k": [1, 2]}, "d.json")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "file with space.bin")
            with open(path, "wb") as file:
                file.write(bytes(range(256)) * 40)
            mlflow.log_artifact(path, "deep/er")
    seen = client.get_run(run.info.run_id)
    assert seen.info.status == "FINISHED" and seen.info.end_time >= seen.info.start_time
    assert seen.info.run_name == "first" and seen.data.tags["mlflow.runName"] == "first"
    assert seen.info.experiment_id == experiment.experiment_id
    assert seen.data.params == {"depth": "3", "rate": "0.1", "loss": "log"}
    assert seen.data.metrics["auc"] == 0.9 and seen.data.metrics["b/c"] == 2.0
    assert seen.data.tags["team"] == "rope" and seen.data.tags["mlflow.user"]
    history = client.get_metric_history(run.info.run_id, "auc")
    assert [point.step for point in history] == [0, 1, 2, 3, 4]
    assert sorted(f.path for f in client.list_artifacts(run.info.run_id)) == ["d.json", "deep", "notes"]
    inner = client.list_artifacts(run.info.run_id, "deep/er")
    assert [(f.path, f.file_size) for f in inner] == [("deep/er/file with space.bin", 10240)]
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/d.json") == {"k": [1, 2]}
    local = client.download_artifacts(run.info.run_id, "deep")
    with open(os.path.join(local, "er", "file with space.bin"), "rb") as file:
        assert file.read() == bytes(range(256)) * 40


@check
def experiments_live_and_die():
    name = unique("life")
    experiment = client.create_experiment(name, tags={"k": "v"})
    assert client.get_experiment_by_name(name).experiment_id == experiment
    assert client.get_experiment(experiment).tags == {"k": "v"}
    refused(lambda: client.create_experiment(name), "RESOURCE_ALREADY_EXISTS")
    client.set_experiment_tag(experiment, "k2", "v2")
    client.delete_experiment_tag(experiment, "k")
    assert client.get_experiment(experiment).tags == {"k2": "v2"}
    run = client.create_run(experiment)
    client.rename_experiment(experiment, name + "-new")
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    refused(lambda: client.create_run(experiment), "INVALID_PARAMETER_VALUE")
    refused(lambda: client.create_experiment(name + "-new"), "RESOURCE_ALREADY_EXISTS")
    deleted = client.search_experiments(view_type=ViewType.DELETED_ONLY)
    assert experiment in [e.experiment_id for e in deleted]
    client.restore_experiment(experiment)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"
    refused(lambda: client.restore_experiment(experiment), "RESOURCE_DOES_NOT_EXIST")
    refused(lambda: client.get_experiment("99999999"), "RESOURCE_DOES_NOT_EXIST")
    assert client.get_experiment_by_name(unique("nobody")) is None
    assert client.get_experiment("0").name == "Default"


@check
def experiments_are_searched():
    word = unique("find")
    ids = [client.create_experiment(f"{word}-{n}", tags={"n": str(n)}) for n in range(5)]
    found = client.search_experiments(filter_string=f"name LIKE '{word}%'", order_by=["name ASC"])
    assert [e.experiment_id for e in found] == ids
    found = client.search_experiments(filter_string=f"name LIKE '{word}%' AND tags.n = '3'")
    assert [e.experiment_id for e in found] == [ids[3]]
    assert client.search_experiments(filter_string=f"name LIKE '{word.upper()}%'") == []
    assert len(client.search_experiments(filter_string=f"name ILIKE '{word.upper()}%'")) == 5
    first = client.search_experiments(filter_string=f"name LIKE '{word}%'", max_results=2, order_by=["name DESC"])
    assert len(first) == 2 and first.token
    second = client.search_experiments(
        filter_string=f"name LIKE '{word}%'", max_results=2, order_by=["name DESC"], page_token=first.token
    )
    assert [e.experiment_id for e in first + second] == ids[:0:-1]


@check
def runs_are_searched_filtered_ordered_and_paged():
    experiment = client.create_experiment(unique("search"))
    ids = []
    for n in range(12):
        run = client.create_run(experiment, start_time=1000 + n, run_name=f"r{n:02}", tags={"parity": "even" if n % 2 == 0 else "odd"})
        ids.append(run.info.run_id)
        metrics = [Metric("loss", n / 10, 1, 0)] if n != 5 else []
        client.log_batch(run.info.run_id, metrics, [Param("lr rate", str(n)), Param("model", "Trees" if n < 6 else "mlp")], [])

    def search(text="", order=None, limit=1000, view=ViewType.ACTIVE_ONLY):
        found = client.search_runs([experiment], text, view, limit, order)
        return [int(run.info.run_name[1:]) for run in found]

    assert search() == list(range(11, -1, -1))
    assert search("metrics.loss < 0.35") == [3, 2, 1, 0]
    assert search("metrics.loss >= 0.9 AND tags.parity = 'odd'") == [11, 9]
    assert search("params.`lr rate` = '4'") == [4]
    assert search("params.model LIKE 'Tr%' and params.model != 'mlp'") == [5, 4, 3, 2, 1, 0]
    assert search("params.model LIKE 'tr%'") == []
    assert search("params.model ILIKE 'tr%' AND metrics.loss > 0.25") == [4, 3]
    assert search("attributes.run_name = 'r07'") == [7]
    assert search("run_name LIKE 'r1_'") == [11, 10]
    assert search("start_time > 1009") == [11, 10]
    assert search(f"run_id IN ('{ids[1]}', '{ids[2]}')") == [2, 1]
    assert search("status = 'RUNNING'", limit=2) == [11, 10]
    assert search("tags.nothing IS NULL AND metrics.loss = 0.0") == [0]
    assert search("tags.parity IS NOT NULL", limit=1) == [11]
    assert search("", ["metrics.loss ASC"])[:3] == [0, 1, 2]
    assert search("", ["metrics.loss ASC"])[-1] == 5
    assert search("", ["metrics.loss DESC"])[-1] == 5
    assert search("", ["params.`lr rate` DESC"])[:4] == [9, 8, 7, 6]
    assert search("", ["tags.parity ASC", "start_time ASC"])[:3] == [0, 2, 4]
    for wrong in (
        "metrics.loss > 0.1 OR metrics.loss < 0.2",
        "(metrics.loss > 0.1)",
        "metrics.loss BETWEEN 0 AND 1",
        "metrics.loss LIKE 'x'",
        "params.model > 'x'",
        "nonsense.a = 'b'",
        "attributes.nonsense = 'b'",
        "metrics.loss =",
        "tags.a = 'unclosed",
    ):
        refused(lambda wrong=wrong: search(wrong), "INVALID_PARAMETER_VALUE")
    refused(lambda: search("", ["nonsense.x"]), "INVALID_PARAMETER_VALUE")
    pages, token = [], None
    while True:
        page = client.search_runs([experiment], "", max_results=5, page_token=token)
        pages.append(len(page))
        token = page.token
        if not token:
            break
    assert pages == [5, 5, 2]
    refused(lambda: client.search_runs([experiment], page_token="!!"), "INVALID_PARAMETER_VALUE")
    client.delete_run(ids[3])
    assert 3 not in search() and search(view=ViewType.DELETED_ONLY) == [3] and 3 in search(view=ViewType.ALL)
    refused(lambda: client.log_metric(ids[3], "loss", 1.0), "INVALID_PARAMETER_VALUE")
    client.restore_run(ids[3])
    assert 3 in search()
    frame = mlflow.search_runs([experiment], filter_string="metrics.loss > 1.0")
    assert list(frame["metrics.loss"]) == [1.1]


@check
def a_batch_is_all_or_nothing():
    run = new_run().info.run_id
    client.log_batch(run, [Metric(f"m{n}", n, n, n) for n in range(800)], [Param(f"p{n}", str(n)) for n in range(100)], [RunTag(f"t{n}", str(n)) for n in range(100)])
    seen = client.get_run(run)
    assert len(seen.data.metrics) == 800 and len(seen.data.params) == 100
    client.log_param(run, "p1", 1)
    refused(lambda: client.log_param(run, "p1", 2), "INVALID_PARAMETER_VALUE")
    body = {"run_id": run, "metrics": [{"key": "late", "value": 1, "timestamp": 1}], "params": [{"key": "p1", "value": "9"}]}
    status, _, answer = call("/api/2.0/mlflow/runs/log-batch", body)
    answer = json.loads(answer)
    assert status == 400 and answer["error_code"] == "INVALID_PARAMETER_VALUE", answer
    assert answer["sqlstate"] == "KAM00" and "Changing param values is not allowed" in answer["message"]
    assert "late" not in client.get_run(run).data.metrics
    body = {"run_id": run, "metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1001}
    assert call("/api/2.0/mlflow/runs/log-batch", body)[0] == 400
    body = {"run_id": run, "params": [{"key": "same", "value": "1"}, {"key": "same", "value": "1"}]}
    assert call("/api/2.0/mlflow/runs/log-batch", body)[0] == 400
    body = {"run_id": run, "tags": [{"key": "same", "value": "1"}, {"key": "same", "value": "2"}]}
    assert call("/ajax-api/2.0/mlflow/runs/log-batch", body)[0] == 200
    assert client.get_run(run).data.tags["same"] == "2"


@check
def odd_numbers_survive():
    run = new_run().info.run_id
    client.log_metric(run, "nan", float("nan"), timestamp=5, step=2)
    client.log_metric(run, "inf", float("inf"))
    client.log_metric(run, "small", 5e-324)
    client.log_metric(run, "negative step", 1.0, step=-3)
    seen = client.get_run(run).data.metrics
    assert math.isnan(seen["nan"]) and seen["inf"] == sys.float_info.max
    assert seen["small"] == 5e-324 and seen["negative step"] == 1.0
    answer = json.loads(call(f"/api/2.0/mlflow/runs/get?run_id={run}")[2])
    assert [m["value"] for m in answer["run"]["data"]["metrics"] if m["key"] == "nan"] == ["NaN"]
    point = client.get_metric_history(run, "nan")[0]
    assert math.isnan(point.value) and (point.timestamp, point.step) == (5, 2)


@check
def the_latest_is_the_highest_step():
    run = new_run().info.run_id
    for value, timestamp, step in ((1.0, 10, 5), (2.0, 20, 3), (3.0, 5, 5), (4.0, 10, 5), (4.0, 10, 5)):
        client.log_metric(run, "m", value, timestamp, step)
    assert client.get_run(run).data.metrics["m"] == 4.0
    assert len(client.get_metric_history(run, "m")) == 4
    client.log_batch(run, [Metric("h", n, n, n) for n in range(900)])
    query = f"run_id={run}&metric_key=h&max_results=400"
    first = json.loads(call(f"/api/2.0/mlflow/metrics/get-history?{query}")[2])
    second = json.loads(call(f"/api/2.0/mlflow/metrics/get-history?{query}&page_token={first['next_page_token']}")[2])
    assert [m["step"] for m in first["metrics"] + second["metrics"]] == list(range(800))
    thin = json.loads(call(f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={run}&metric_key=h&max_results=100")[2])
    steps = [m["step"] for m in thin["metrics"]]
    assert 90 <= len(steps) <= 102 and steps[0] == 0 and steps[-1] == 899


@check
def malformed_requests_are_refused_in_mlflows_words():
    run = new_run().info.run_id
    log = "/api/2.0/mlflow/runs/log-metric"
    for path, body, status, code in (
        ("/api/2.0/mlflow/runs/get?run_id=0123", None, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/api/2.0/mlflow/runs/get", None, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"key": "m", "value": 1, "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": run, "value": 1, "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": run, "key": "m", "value": "x", "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": run, "key": "m", "value": 1, "timestamp": -1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": run, "key": "../m", "value": 1, "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": run, "key": "k" * 251, "value": 1, "timestamp": 1}, 400, "INVALID_PARAMETER_VALUE"),
        (log, {"run_id": "f" * 32, "key": "m", "value": 1, "timestamp": 1}, 404, "RESOURCE_DOES_NOT_EXIST"),
        (log, b"{not json", 400, "INVALID_PARAMETER_VALUE"),
        ("/api/2.0/mlflow/experiments/create", {"name": 5}, 400, "INVALID_PARAMETER_VALUE"),
        ("/api/2.0/mlflow/experiments/create", {"name": "n" * 501}, 400, "INVALID_PARAMETER_VALUE"),
        ("/api/2.0/mlflow/runs/search", {"experiment_ids": ["x"]}, 400, "INVALID_PARAMETER_VALUE"),
        ("/api/2.0/mlflow/runs/search", {"experiment_ids": ["0"], "max_results": 50001}, 400, "INVALID_PARAMETER_VALUE"),
    ):
        got, _, answer = call(path, body)
        assert got == status, (path, body, got, answer)
        assert json.loads(answer)["error_code"] == code, (path, answer)
    status, _, answer = call("/api/2.0/mlflow/runs/update", {"run_id": run, "status": 3, "endTime": "77", "unknown": [1]})
    assert status == 200 and json.loads(answer)["run_info"]["end_time"] == 77
    assert json.loads(call("/api/2.0/mlflow/runs/search", {"experiment_ids": []})[2]) == {}


@check
def tags_names_and_states_change():
    run = new_run(run_name="before").info.run_id
    client.set_tag(run, "k", "v" * 9000)
    assert len(client.get_run(run).data.tags["k"]) == 8000
    client.delete_tag(run, "k")
    assert "k" not in client.get_run(run).data.tags
    refused(lambda: client.delete_tag(run, "k"), "RESOURCE_DOES_NOT_EXIST")
    client.set_tag(run, "mlflow.runName", "after")
    assert client.get_run(run).info.run_name == "after"
    client.update_run(run, name="third")
    assert client.get_run(run).data.tags["mlflow.runName"] == "third"
    client.set_terminated(run, "FAILED", 123456)
    info = client.get_run(run).info
    assert (info.status, info.end_time) == ("FAILED", 123456)
    client.update_run(run, "RUNNING")
    assert client.get_run(run).info.status == "RUNNING"


@check
def datasets_are_noted():
    import pandas

    with mlflow.start_run(experiment_id=client.create_experiment(unique("data"))) as run:
        frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
        data = mlflow.data.from_pandas(frame, source="http://example.org/t.csv", name="table")
        mlflow.log_input(data, context="training")
        mlflow.log_input(data, context="training")
    inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert len(inputs) == 1 and inputs[0].dataset.name == "table" and inputs[0].dataset.digest == data.digest
    assert [(t.key, t.value) for t in inputs[0].tags if t.key == "mlflow.data.context"] == [("mlflow.data.context", "training")]
    where = [run.info.experiment_id]
    assert len(client.search_runs(where, "dataset.name = 'table' AND dataset.context = 'training'")) == 1
    assert client.search_runs(where, "datasets.name = 'other'") == []
    body = json.loads(call("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": where})[2])
    assert body["dataset_summaries"][0]["context"] == "training"


@check
def artifacts_go_through_the_proxy():
    run = new_run().info
    base = f"/api/2.0/mlflow-artifacts/artifacts/{run.experiment_id}/{run.run_id}/artifacts"
    content = bytes(range(256)) * 40000
    assert call(f"{base}/big.bin", content, "PUT", {"Content-Type": "application/octet-stream"})[0] == 200
    assert call(f"{base}/big.bin")[2] == content
    status, headers, part = call(f"{base}/big.bin", headers={"Range": "bytes=100-355"})
    assert status == 206 and part == content[100:356] and headers["Content-Range"] == f"bytes 100-355/{len(content)}"
    assert call(f"{base}/big.bin", headers={"Range": f"bytes={len(content)}-"})[0] == 416
    assert call(f"{base}/sub/a.txt", b"one", "PUT")[0] == 200
    status, headers, body = call(f"{base}/sub/a.txt")
    assert body == b"one" and headers["X-Content-Type-Options"] == "nosniff" and headers["ETag"]
    listed = json.loads(call(f"/api/2.0/mlflow-artifacts/artifacts?path={run.experiment_id}/{run.run_id}/artifacts")[2])
    assert sorted(f["path"] for f in listed["files"]) == ["big.bin", "sub"]
    assert call(f"/get-artifact?run_id={run.run_id}&path=sub/a.txt")[2] == b"one"
    for climb in ("..%2F..%2Fmeta.db", "%2e%2e/%2e%2e/meta.db", "a/..%2f..%2f..%2fx", "%2Fetc%2Fpasswd"):
        assert call(f"/api/2.0/mlflow-artifacts/artifacts/{climb}")[0] == 400, climb
        assert call(f"/api/2.0/mlflow-artifacts/artifacts/{climb}", b"x", "PUT")[0] == 400, climb
    assert call(f"/api/2.0/mlflow-artifacts/artifacts?path=..%2F..")[0] == 400
    assert call(f"{base}/nothing")[0] == 404
    assert call(f"{base}/sub/a.txt", method="DELETE")[0] == 200
    assert call(f"{base}/sub/a.txt")[0] == 404
    assert client.list_artifacts(run.run_id, "sub") == []


@check
def the_registry_keeps_models_versions_aliases_and_tags():
    name = unique("model")
    client.create_registered_model(name, tags={"a": "1"}, description="words")
    refused(lambda: client.create_registered_model(name), "RESOURCE_ALREADY_EXISTS")
    refused(lambda: client.create_registered_model("a/b"), "INVALID_PARAMETER_VALUE")
    run = new_run().info
    first = client.create_model_version(name, f"{run.artifact_uri}/model", run.run_id, tags={"t": "x"}, description="one")
    second = client.create_model_version(name, f"runs:/{run.run_id}/model", run.run_id)
    assert (first.version, second.version, first.status) in (("1", "2", "READY"), (1, 2, "READY"))
    assert client.get_model_version_download_uri(name, "1") == f"{run.artifact_uri}/model"
    assert client.get_model_version_download_uri(name, "2") == f"runs:/{run.run_id}/model"
    client.set_registered_model_alias(name, "champion", 1)
    assert str(client.get_model_version_by_alias(name, "champion").version) == "1"
    assert client.get_model_version(name, "1").aliases == ["champion"]
    client.set_registered_model_alias(name, "champion", 2)
    assert {k: str(v) for k, v in client.get_registered_model(name).aliases.items()} == {"champion": "2"}
    for reserved in ("latest", "v3"):
        refused(lambda reserved=reserved: client.set_registered_model_alias(name, reserved, 1), "INVALID_PARAMETER_VALUE")
    client.delete_registered_model_alias(name, "champion")
    refused(lambda: client.get_model_version_by_alias(name, "champion"), "INVALID_PARAMETER_VALUE")
    client.set_registered_model_tag(name, "b", "2")
    client.delete_registered_model_tag(name, "a")
    client.set_model_version_tag(name, "1", "u", "y")
    client.delete_model_version_tag(name, "1", "t")
    assert client.get_registered_model(name).tags == {"b": "2"}
    assert client.get_model_version(name, "1").tags == {"u": "y"}
    client.update_registered_model(name, "other words")
    client.update_model_version(name, "1", "eins")
    assert client.get_registered_model(name).description == "other words"
    assert client.get_model_version(name, "1").description == "eins"
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    assert [str(v.version) for v in client.get_latest_versions(name, ["Production"])] == ["2"]
    refused(lambda: client.transition_model_version_stage(name, "1", "Nowhere"), "INVALID_PARAMETER_VALUE")
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == [name]
    assert [m.name for m in client.search_registered_models("tags.b = '2' AND name LIKE 'model%'") if m.name == name] == [name]
    assert len(client.search_model_versions(f"name = '{name}'")) == 2
    assert [str(v.version) for v in client.search_model_versions(f"name = '{name}' AND tags.u = 'y'")] == ["1"]
    assert len(client.search_model_versions(f"run_id = '{run.run_id}'")) == 2
    assert [str(v.version) for v in client.search_model_versions(f"name='{name}'", order_by=["version_number ASC"])] == ["1", "2"]
    refused(lambda: client.search_registered_models("nonsense = 'x'"), "INVALID_PARAMETER_VALUE")
    client.delete_model_version(name, "2")
    refused(lambda: client.get_model_version(name, "2"), "RESOURCE_DOES_NOT_EXIST")
    third = client.create_model_version(name, f"{run.artifact_uri}/model", run.run_id)
    assert str(third.version) == "3"
    client.rename_registered_model(name, name + "-b")
    assert str(client.get_model_version(name + "-b", "3").version) == "3"
    client.delete_registered_model(name + "-b")
    refused(lambda: client.get_registered_model(name + "-b"), "RESOURCE_DOES_NOT_EXIST")


@check
def foreign_sources_are_refused():
    name = unique("guard")
    client.create_registered_model(name)
    run, other = new_run().info, new_run().info
    for source, run_id in (
        ("/etc/passwd", None),
        ("file:///etc/passwd", run.run_id),
        (f"{run.artifact_uri}/../../secret", run.run_id),
        (f"{run.artifact_uri}/%2e%2e/secret", run.run_id),
        (f"{other.artifact_uri}/model", run.run_id),
        (f"{run.artifact_uri}/model", None),
        (f"runs:/{other.run_id}/model", run.run_id),
    ):
        body = {"name": name, "source": source, **({"run_id": run_id} if run_id else {})}
        status, _, answer = call("/api/2.0/mlflow/model-versions/create", body)
        assert status == 400, (source, status, answer)
    status, _, _ = call("/api/2.0/mlflow/model-versions/create", {"name": name, "source": "s3://bucket/model"})
    assert status == 200
    status, _, _ = call("/api/2.0/mlflow/model-versions/create", {"name": unique("no"), "source": "s3://bucket/model"})
    assert status == 404


@check
def a_scikit_learn_model_is_logged_registered_and_loaded():
    import numpy
    from sklearn.linear_model import LogisticRegression

    name = unique("sk")
    x = numpy.random.default_rng(0).normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    model = LogisticRegression().fit(x, y)
    mlflow.set_experiment(unique("sk-exp"))
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            model, name="model", registered_model_name=name, input_example=x[:2], pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
        mlflow.log_metric("auc", 0.9, model_id=info.model_id)
    client.set_registered_model_alias(name, "champion", 1)
    again = mlflow.sklearn.load_model(f"models:/{name}@champion")
    assert (again.predict(x) == model.predict(x)).all()
    by_number = mlflow.pyfunc.load_model(f"models:/{name}/1")
    assert (by_number.predict(x) == model.predict(x)).all()
    version = client.get_model_version(name, "1")
    assert version.run_id == run.info.run_id
    assert version.source == f"models:/{info.model_id}"
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.status == "READY" and logged.source_run_id == run.info.run_id
    assert {m.key: m.value for m in logged.metrics} == {"auc": 0.9}
    assert json.loads(logged.tags["mlflow.modelVersions"])[0]["name"] == name
    found = mlflow.search_logged_models([run.info.experiment_id], "metrics.auc > 0.8", output_format="list")
    assert [m.model_id for m in found] == [info.model_id]
    assert mlflow.search_logged_models([run.info.experiment_id], "metrics.auc > 0.95", output_format="list") == []
    assert [o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id]
    client.set_logged_model_tags(info.model_id, {"k": "v"})
    client.delete_logged_model_tag(info.model_id, "k")
    assert [f.path for f in client.list_logged_model_artifacts(info.model_id)]
    mlflow.set_experiment(experiment_id="0")


@check
def autologging_leaves_a_run():
    import numpy
    from sklearn.linear_model import LogisticRegression

    experiment = mlflow.set_experiment(unique("auto"))
    mlflow.sklearn.autolog(silent=True, log_datasets=True, serialization_format="cloudpickle")
    try:
        x = numpy.random.default_rng(1).normal(size=(50, 2))
        LogisticRegression(C=0.5).fit(x, (x[:, 0] > 0).astype(int))
    finally:
        mlflow.sklearn.autolog(disable=True)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.data.params["C"] == "0.5"
    assert "training_score" in run.data.metrics and run.data.tags["estimator_name"] == "LogisticRegression"
    assert len(run.inputs.dataset_inputs) == 1
    assert len(run.outputs.model_outputs) == 1
    mlflow.set_experiment(experiment_id="0")


@check
def nested_runs_find_their_parent():
    experiment = client.create_experiment(unique("nest"))
    with mlflow.start_run(experiment_id=experiment) as parent:
        with mlflow.start_run(experiment_id=experiment, nested=True) as child:
            pass
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert [run.info.run_id for run in found] == [child.info.run_id]


@ours
def what_the_stock_server_answers_with_a_fault_is_refused():
    status, _, answer = call("/api/2.0/mlflow/runs/log-metric", b"[]")
    assert status == 400 and json.loads(answer)["error_code"] == "INVALID_PARAMETER_VALUE"
    status, _, answer = call("/api/3.0/mlflow/gateway/endpoints/list")
    assert status == 501 and json.loads(answer)["error_code"] == "NOT_IMPLEMENTED"


@ours
def an_unchanged_artifact_is_not_sent_again():
    run = new_run().info
    path = f"/api/2.0/mlflow-artifacts/artifacts/{run.experiment_id}/{run.run_id}/artifacts/a.txt"
    call(path, b"one", "PUT")
    tag = call(path)[1]["ETag"]
    assert call(path, headers={"If-None-Match": tag})[0] == 304
    call(path, b"two", "PUT")
    status, headers, body = call(path, headers={"If-None-Match": tag})
    assert (status, body) == (200, b"two") and headers["ETag"] != tag


@ours
def the_run_shows_in_our_own_routes():
    run = new_run(run_name="shown").info
    client.log_metric(run.run_id, "auc", 0.75, step=1)
    client.set_terminated(run.run_id)
    listed = json.loads(call(f"/api/v1/runs?experiment={run.experiment_id}")[2])["items"]
    assert [(r["run_id"], r["name"], r["metrics"]) for r in listed] == [(run.run_id, "shown", {"auc": 0.75})]
    shown = json.loads(call(f"/api/v1/runs/{run.run_id}")[2])
    assert shown["status"] == "FINISHED"
    series = json.loads(call(f"/api/v1/runs/{run.run_id}/metrics")[2])
    assert series[0]["points"][0]["value"] == 0.75
    assert call("/api/v1/runs/ffffffff")[0] == 404


def main():
    passed, failed = 0, 0
    stock = call("/api/v1/experiments")[0] == 404
    for function in CHECKS:
        if stock and getattr(function, "ours", False):
            continue
        begin = time.time()
        try:
            function()
            passed += 1
            print(f"ok      {function.__name__} ({time.time() - begin:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
