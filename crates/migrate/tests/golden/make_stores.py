"""Makes the golden stores with the stock MLflow client and server, and notes what the stock server answers about them.

Run a copy of it, outside of any repository (the client notes the commit that it finds), in a virtual environment with mlflow
3.18.0:  cp make_stores.py /tmp && cd /tmp && python make_stores.py FOLDER
It writes `FOLDER/server` (a SQLite store with proxied artifacts) and `FOLDER/files` (a file store), each with `answers.jsonl`.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentSource,
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)

HERE = os.path.abspath(sys.argv[1])
START = 1_700_000_000_000


def serve(port, *arguments):
    """Starts a stock server and waits until it answers."""
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).read()
            return process, address
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the stock server does not start")


def artifact(client, run_id, name, text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, os.path.basename(name))
        with open(path, "w") as file:
            file.write(text)
        client.log_artifact(run_id, path, os.path.dirname(name) or None)


def experiments(client):
    wine = client.create_experiment("wine", tags={"team": "red", "mlflow.note.content": "Wein — *größer*\nzwei"})
    bucket = client.create_experiment("bucket", artifact_location="s3://somewhere/runs")
    gone = client.create_experiment("gone")
    client.set_experiment_tag(gone, "why", "nobody needs it")
    return wine, bucket, gone


def runs(client, wine, bucket, gone):
    first = client.create_run(wine, start_time=START, run_name="first", tags={"mlflow.user": "ann", "phase": "1"})
    run = first.info.run_id
    client.log_batch(
        run,
        metrics=[Metric("loss", 1.0 / (step + 1), START + 50 * step, step) for step in range(60)]
        + [Metric("odd/metric name", value, START + 1, step) for step, value in enumerate([float("nan"), -1.5, 1e-300])]
        + [Metric("edge", float("inf"), START, 0), Metric("edge", float("-inf"), START, 1), Metric("edge", 2.5, START, -7)],
        params=[Param("lr", "0.1"), Param("note", "two\nlines: 'quoted' \"twice\" # no comment"), Param("empty", "")],
        tags=[RunTag("emoji", "🍷 rouge"), RunTag("long", "x" * 600)],
    )
    client.log_metric(run, "loss", 1.0, START, 0)
    schema = json.dumps({"mlflow_colspec": [{"type": "double", "name": f"column {n}", "required": True} for n in range(9)]})
    red = Dataset("red wines", "d1g3st", "local", json.dumps({"uri": "red.csv"}), schema, json.dumps({"num_rows": 1599}))
    white = Dataset("white", "0ther", "code", json.dumps({"tags": {"a": "b"}}))
    client.log_inputs(
        run,
        datasets=[
            DatasetInput(red, [InputTag("mlflow.data.context", "training"), InputTag("fold", "1: of 3")]),
            DatasetInput(white, [InputTag("mlflow.data.context", "eval")]),
        ],
    )
    artifact(client, run, "notes.txt", "made by the stock client\n")
    artifact(client, run, "model/MLmodel", "artifact_path: model\n")
    artifact(client, run, "deep/er/größe und mehr.txt", "ü" * 1000)
    client.set_terminated(run, "FINISHED", START + 10_000)

    failed = client.create_run(wine, start_time=START + 5, run_name="1234", tags={"mlflow.parentRunId": run})
    client.log_param(failed.info.run_id, "lr", "1e-05")
    client.set_terminated(failed.info.run_id, "FAILED", START + 6_000)
    running = client.create_run(wine, start_time=START + 6)
    client.log_metric(running.info.run_id, "loss", 3.25, START + 6, 1)
    dropped = client.create_run("0", start_time=START + 7, run_name="dropped: maybe")
    client.log_metric(dropped.info.run_id, "loss", 7.0, START + 7, 0)
    client.set_terminated(dropped.info.run_id, "KILLED", START + 8)
    client.delete_run(dropped.info.run_id)
    far = client.create_run(bucket, start_time=START + 9, run_name="far")
    client.set_terminated(far.info.run_id, "FINISHED", START + 10)
    lost = client.create_run(gone, start_time=START + 11, run_name="lost")
    client.set_terminated(lost.info.run_id, "FINISHED", START + 12)
    client.delete_experiment(gone)
    return run, running.info.run_id


def logged_models(client, wine, run, running):
    model = client.create_logged_model(
        wine, name="tree", source_run_id=run, tags={"kind": "größer"}, params={"depth": "3", "text": "a\nb"}, model_type="agent"
    )
    client.log_metric(running, "auc", 0.5, START + 20, 0, model_id=model.model_id, dataset_name="red", dataset_digest="d1")
    client.log_metric(running, "auc", 0.75, START + 21, 1, model_id=model.model_id, dataset_name="red", dataset_digest="d1")
    client.log_metric(running, "plain", 0.25, START + 22, 0, model_id=model.model_id)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_inputs(running, models=[LoggedModelInput(model.model_id)])
    client.log_outputs(running, models=[LoggedModelOutput(model.model_id, 3)])
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "MLmodel"), "w") as file:
            file.write("flavors: {}\n")
        client.log_model_artifacts(model.model_id, folder)
    failed = client.create_logged_model(wine, name="half", source_run_id=running)
    client.finalize_logged_model(failed.model_id, "FAILED")
    old = client.create_logged_model(wine, name="old")
    client.delete_logged_model(old.model_id)
    return model.model_id


def registry(client, run, model_id):
    client.create_registered_model("wine-quality", {"owner": "ann"}, "Which wine is good?\nTwo lines.")
    client.create_registered_model("empty")
    for number in range(1, 5):
        client.create_model_version(
            "wine-quality",
            f"runs:/{run}/model",
            run,
            tags={"number": str(number)},
            description=f"version {number}" if number != 2 else None,
            run_link="https://example.org/run" if number == 1 else None,
        )
    client.create_model_version("wine-quality", f"models:/{model_id}", run, model_id=model_id)
    for number in (3, 5):
        client.delete_model_version("wine-quality", str(number))
    client.transition_model_version_stage("wine-quality", "1", "Archived")
    client.transition_model_version_stage("wine-quality", "4", "Production")
    client.set_registered_model_alias("wine-quality", "champion", "4")
    client.set_registered_model_alias("wine-quality", "old", "1")
    client.create_registered_model("removed")
    client.delete_registered_model("removed")


def prompts():
    mlflow.genai.register_prompt("greeting", "Hello {{name}},\nhow are you?", commit_message="first", tags={"tone": "kind"})
    mlflow.genai.register_prompt("greeting", "Hi {{name}}!", commit_message="shorter")
    mlflow.genai.set_prompt_alias("greeting", "production", 2)


def traces(client, wine, run):
    mlflow.set_experiment(experiment_id=wine)
    ids = []
    for number in range(3):
        root = mlflow.start_span_no_context(
            "agent", span_type="AGENT", inputs={"question": f"which wine, {number}?"}, tags={"nr": str(number)},
            experiment_id=wine, metadata={"mlflow.trace.session": f"session-{number % 2}", "own": "größe"},
        )
        child = mlflow.start_span_no_context("model", parent_span=root, span_type="LLM", inputs={"text": "x" * 50})
        child.set_attributes({"model": "grape-1", "temperature": 0.5, "mlflow.chat.tokenUsage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}})
        if number == 1:
            child.record_exception(ValueError("corked"))
        child.end(outputs={"text": "red"}, status="ERROR" if number == 1 else "OK")
        root.end(outputs={"answer": "red"}, status="ERROR" if number == 1 else "OK")
        ids.append(root.trace_id)
    mlflow.flush_trace_async_logging()
    mlflow.log_feedback(
        trace_id=ids[0], name="correct", value=True, rationale="it is: red", metadata={"depth": "2"},
        source=AssessmentSource(source_type="HUMAN", source_id="ann"),
    )
    mlflow.log_expectation(trace_id=ids[0], name="answer", value={"colour": "red", "n": [1, 2.5, None]})
    wrong = mlflow.log_feedback(trace_id=ids[1], name="score", value=0.25, source=AssessmentSource(source_type="CODE", source_id="rule"))
    mlflow.override_feedback(trace_id=ids[1], assessment_id=wrong.assessment_id, value=0.75, rationale="looked again")
    client.set_trace_tag(ids[2], "later", "yes")
    try:
        client.link_traces_to_run([ids[0], ids[2]], run)
    except Exception as error:
        print("traces are not linked:", type(error).__name__)


def datasets(wine):
    dataset = mlflow.genai.create_dataset(name="questions", experiment_id=[wine], tags={"made": "by hand"})
    dataset.merge_records(
        [
            {"inputs": {"question": "which?"}, "expectations": {"answer": "red"}, "tags": {"hard": "no"}},
            {"inputs": {"question": "größer?", "n": 2}, "expectations": {"answer": "white", "sure": 0.5}},
        ]
    )


def webhooks(client):
    client.create_webhook("deploy", "https://93.184.215.14/hook", ["model_version.created"], secret="s3cret")


def attempt(what, *arguments):
    try:
        what(*arguments)
    except Exception as error:
        print(f"{what.__name__}: {type(error).__name__}: {str(error)[:120]}")


def fill(client):
    wine, bucket, gone = experiments(client)
    run, running = runs(client, wine, bucket, gone)
    model_id = logged_models(client, wine, run, running)
    registry(client, run, model_id)
    attempt(prompts)
    attempt(traces, client, wine, run)
    attempt(datasets, wine)
    attempt(webhooks, client)


def ask(address, method, path, body=None):
    request = urllib.request.Request(f"{address}{path}", method=method)
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        print(f"{method} {path}: {error.code} {error.read()[:120]}")
        return None
    return json.loads(text)


def note(address, file):
    """Writes down what a server tells of all that it holds: one call and its answer a line."""

    def call(method, path, body=None):
        answer = ask(address, method, path, body)
        if answer is not None:
            file.write(json.dumps({"method": method, "path": path, "body": body, "answer": answer}, ensure_ascii=False) + "\n")
        return answer or {}

    two, three = "/api/2.0/mlflow", "/api/3.0/mlflow"
    found = call("POST", f"{two}/experiments/search", {"view_type": "ALL", "max_results": 100, "order_by": ["experiment_id ASC"]})
    ids = [experiment["experiment_id"] for experiment in found["experiments"]]
    found = call("POST", f"{two}/runs/search", {"experiment_ids": ids, "run_view_type": "ALL", "max_results": 100, "order_by": ["start_time ASC"]})
    for run in found["runs"]:
        run_id = run["info"]["run_id"]
        call("GET", f"{two}/runs/get?run_id={run_id}")
        for metric in run["data"].get("metrics", []):
            key = urllib.request.quote(metric["key"], safe="")
            call("GET", f"{two}/metrics/get-history?run_id={run_id}&metric_key={key}")
        if not run["info"]["artifact_uri"].startswith("s3:"):
            call("GET", f"{two}/artifacts/list?run_id={run_id}")
            call("GET", f"{two}/artifacts/list?run_id={run_id}&path=deep/er")
    found = call("POST", f"{two}/logged-models/search", {"experiment_ids": ids, "max_results": 50, "order_by": [{"field_name": "creation_time", "ascending": True}]})
    for model in found.get("models", []):
        call("GET", f"{two}/logged-models/{model['info']['model_id']}")
    found = call("GET", f"{two}/registered-models/search?max_results=100&order_by=name%20ASC")
    for model in found.get("registered_models", []):
        call("GET", f"{two}/registered-models/get?name={model['name']}")
    call("GET", f"{two}/model-versions/search?max_results=100&order_by=name%20ASC&order_by=version_number%20ASC")
    locations = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": id}} for id in ids]
    found = call("POST", f"{three}/traces/search", {"locations": locations, "max_results": 50, "order_by": ["timestamp_ms ASC"]})
    for trace in found.get("traces", []):
        call("GET", f"{three}/traces/{trace['trace_id']}")
        call("GET", f"{three}/traces/get?trace_id={trace['trace_id']}&allow_partial=true")
    found = call("POST", f"{three}/datasets/search", {"experiment_ids": ids, "max_results": 50})
    for dataset in found.get("datasets", []):
        call("GET", f"{three}/datasets/{dataset['dataset_id']}/records")


def make(name, port, arguments, work):
    target = os.path.join(HERE, name)
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    os.makedirs(work, exist_ok=True)
    process, address = serve(port, *arguments)
    try:
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)
        fill(MlflowClient(address, address))
        with open(os.path.join(target, "answers.jsonl"), "w") as file:
            note(address, file)
    finally:
        process.terminate()
        process.wait()
    return target


def main():
    work = "/tmp/golden-mlflow"
    shutil.rmtree(work, ignore_errors=True)
    database, kept = f"{work}/server/mlflow.db", f"{work}/server/mlartifacts"
    target = make(
        "server", 5397, ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", kept], f"{work}/server"
    )
    connection = sqlite3.connect(database)
    # Small pages: a hundred tables with a few rows each.
    connection.executescript("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;")
    connection.close()
    shutil.copy(database, target)
    shutil.copytree(kept, os.path.join(target, "mlartifacts"))

    folder = f"{work}/files/mlruns"
    target = make("files", 5398, ["--backend-store-uri", folder, "--no-serve-artifacts"], f"{work}/files")
    shutil.copytree(folder, os.path.join(target, "mlruns"))


if __name__ == "__main__":
    main()
