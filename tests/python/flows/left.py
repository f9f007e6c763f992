"""What a flow left on the server, as its own routes tell it."""

import base64
import json
import re
import urllib.parse

import yaml

from .session import call, session

# Lists whose order the flows do not decide; they are compared as sets.
UNORDERED = frozenset(
    {
        "experiments", "runs", "logged_models", "traces", "files", "records", "models", "prompts", "datasets", "webhooks",
        # Scorers run side by side.
        "experiment_ids", "assessments",
    }
)
# What is measured: compared by presence alone.
MEASURED = re.compile(
    r"system/.*|execution_duration|execution_duration_ms|mlflow\.trace\.sizeBytes|mlflow\.trace\.sizeStats"
    r"|(mean|std)_(fit|score)_time|utc_time_created|train_(runtime|samples_per_second|steps_per_second)"
)
TEXT_TYPES = (".json", ".txt", ".yaml", ".yml", ".html", ".md", ".csv", ".py", "MLmodel", ".toml")
# Tables with times that were measured in them.
MEASURED_FILES = ("cv_results.csv", "estimator.html")
TEXT_LIMIT = 100_000
EXPERIMENT_KEYS = {"experiment_id", "experiment_ids", "experimentId", "mlflow.experimentId"}
DIGEST_KEYS = {"digest", "dataset_digest"}
SPAN_KEYS = {"trace_id", "span_id", "parent_span_id"}
IN_ADDRESS = re.compile(r"(mlflow-artifacts:(?://[^/]*)?/|/experiments/)(\d+)\b")
IN_MEMORY = re.compile(r"at 0x[0-9a-f]+")


def query(**values):
    return urllib.parse.urlencode(values)


def pages(path, body, key):
    """All items of a search that is asked by POST."""
    items, token = [], None
    while True:
        answer = call(path, {**body, **({"page_token": token} if token else {})})
        items += answer.get(key, [])
        token = answer.get("next_page_token")
        if not token:
            return items


def pages_by_query(path, values, key):
    """All items of a search that is asked by GET."""
    items, token = [], None
    while True:
        answer = call(f"{path}?{query(**values, **({'page_token': token} if token else {}))}")
        items += answer.get(key, [])
        token = answer.get("next_page_token")
        if not token:
            return items


def content(path, kind, body):
    """A file's content where it is text; what kind of file it is where it is not."""
    if path.endswith(MEASURED_FILES):
        return {"type": kind, "first line": body.decode().splitlines()[0], "lines": body.count(b"\n")}
    if path.endswith(TEXT_TYPES) and len(body) <= TEXT_LIMIT:
        text = body.decode()
        if path.endswith(".json"):
            return {"type": kind, "json": json.loads(text)}
        if path.endswith(("MLmodel", ".yaml", ".yml")):
            return {"type": kind, "yaml": yaml.safe_load(text)}
        return {"type": kind, "lines": text.splitlines()}
    return {"type": kind, "begins": body[:4].hex(), "size": len(body)}


def files(lister, reader, folder=""):
    """Every file under a folder, with its content."""
    found = []
    for entry in lister(folder):
        if entry.get("is_dir"):
            found += files(lister, reader, entry["path"])
        else:
            kind, body = reader(entry["path"])
            assert int(entry.get("file_size", 0)) == len(body), (entry, len(body))
            found.append({"path": entry["path"], "content": content(entry["path"], kind, body)})
    return found


def run_files(run_id):
    def lister(folder):
        more = {"path": folder} if folder else {}
        return call(f"/ajax-api/2.0/mlflow/artifacts/list?{query(run_id=run_id, **more)}").get("files", [])

    return files(lister, lambda path: call(f"/get-artifact?{query(run_id=run_id, path=path)}", raw=True))


def model_files(model_id):
    base = f"/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts"

    def lister(folder):
        more = f"?{query(artifact_directory_path=folder)}" if folder else ""
        return call(f"{base}/directories{more}").get("files", [])

    return files(lister, lambda path: call(f"{base}/files?{query(artifact_file_path=path)}", raw=True))


def run(found):
    run_id = found["info"]["run_id"]
    told = call(f"/api/2.0/mlflow/runs/get?{query(run_id=run_id)}")["run"]
    keys = sorted(metric["key"] for metric in found["data"].get("metrics", []))
    history = {
        key: pages_by_query("/api/2.0/mlflow/metrics/get-history", {"run_id": run_id, "metric_key": key, "max_results": 1000}, "metrics")
        for key in keys
    }
    return {"found": found, "told": told, "history": history, "files": run_files(run_id)}


def trace(info):
    whole = call(f"/api/3.0/mlflow/traces/get?{query(trace_id=info['trace_id'])}")["trace"]
    shown = call(f"/ajax-api/3.0/mlflow/get-trace-artifact?{query(request_id=info['trace_id'])}")
    return {"info": info, "whole": whole, "shown": shown}


def experiment(identifier):
    runs = pages("/api/2.0/mlflow/runs/search", {"experiment_ids": [identifier], "run_view_type": "ALL", "max_results": 100}, "runs")
    models = pages("/api/2.0/mlflow/logged-models/search", {"experiment_ids": [identifier]}, "models")
    where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": identifier}}]
    traces = pages("/api/3.0/mlflow/traces/search", {"locations": where, "max_results": 100}, "traces")
    names = {model["info"]["model_id"]: model["info"]["name"] for model in models}
    told = [run(found) for found in runs]
    # The stock server gives a run's models in the order of their identifiers, which are random.
    for each in (half for pair in told for half in (pair["found"], pair["told"])):
        for listed in (each.get("inputs", {}).get("model_inputs", []), each.get("outputs", {}).get("model_outputs", [])):
            listed.sort(key=lambda model: names.get(model["model_id"], ""))
    return {
        "experiment": call(f"/api/2.0/mlflow/experiments/get?{query(experiment_id=identifier)}"),
        "runs": told,
        "logged_models": [{"model": model, "files": model_files(model["info"]["model_id"])} for model in models],
        "traces": [trace(info) for info in traces],
        "inputs": call("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [identifier]}),
    }


def registered(prompts):
    """Registered models of the flow with all their versions; or its prompts."""
    text = f"name LIKE '%-{session.flow}-{session.word}%'"
    text += " AND tags.`mlflow.prompt.is_prompt` = 'true'" if prompts else ""
    found = pages_by_query("/api/2.0/mlflow/registered-models/search", {"filter": text, "max_results": 100}, "registered_models")
    whole = []
    for model in found:
        told = call(f"/api/2.0/mlflow/registered-models/get?{query(name=model['name'])}")["registered_model"]
        asked = {"filter": f"name = '{model['name']}'", "order_by": "version_number ASC"}
        versions = pages_by_query("/api/2.0/mlflow/model-versions/search", asked, "model_versions")
        whole.append({"found": model, "told": told, "versions": versions})
    return whole


def datasets(experiments):
    if not experiments:
        return []
    found = pages("/api/3.0/mlflow/datasets/search", {"experiment_ids": experiments, "max_results": 50}, "datasets")
    whole = []
    for dataset in found:
        base = f"/api/3.0/mlflow/datasets/{dataset['dataset_id']}"
        records = call(f"{base}/records?max_results=1000")
        if isinstance(records.get("records"), str):
            records["records"] = json.loads(records["records"])
        whole.append({"found": dataset, "told": call(base), **records, **call(f"{base}/experiment-ids")})
    return whole


def webhooks():
    found = pages_by_query("/api/2.0/mlflow/webhooks", {"max_results": 100}, "webhooks")
    return [hook for hook in found if session.word in hook["name"] and session.flow in hook["name"]]


def identifier_of(text):
    """Identifiers of spans and traces in one form of 32 hexadecimal digits, whichever of the two forms a route has."""
    if re.fullmatch("[0-9a-f]{16}", text):
        return text * 2
    if len(text) in (12, 24) and text.endswith("="):
        digits = base64.b64decode(text, validate=True).hex()
        return digits * (32 // len(digits))
    return text


def plain(value, numbers, key=""):
    """The same without the numbers of experiments, which are given names, and without what is measured."""
    if isinstance(value, dict):
        if isinstance(value.get("key"), str) and "value" in value:
            return {**{name: plain(item, numbers, name) for name, item in value.items()}, "value": plain(value["value"], numbers, value["key"])}
        return {name: plain(item, numbers, key if name == "string_value" else name) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item, numbers, key) for item in value]
    if key and MEASURED.fullmatch(key):
        return "<measured>"
    if not isinstance(value, str):
        return value
    if key in SPAN_KEYS:
        return identifier_of(value)
    if key == "_mlflow_experiment_ids":
        return ",".join(numbers.get(part, part) for part in value.split(","))
    if key in EXPERIMENT_KEYS or key in DIGEST_KEYS:
        return numbers.get(value.strip('"'), value)
    if value[:1] in ("{", "[") and value[-1:] in ("}", "]"):
        try:
            return {"<json>": plain(json.loads(value), numbers)}
        except ValueError:
            pass
    value = IN_ADDRESS.sub(lambda match: match.group(1) + numbers.get(match.group(2), match.group(2)), value)
    return IN_MEMORY.sub("at <address>", value)


def left():
    """All that the current flow left, comparable with what it left elsewhere."""
    numbers = {identifier: f"<experiment {index}>" for index, identifier in enumerate(session.experiments)}
    found = {
        "experiments": [experiment(identifier) for identifier in session.experiments],
        "models": registered(False),
        "prompts": registered(True),
        "datasets": datasets(session.experiments),
        "webhooks": webhooks(),
    }
    # An evaluation dataset's digest is of its name and of when it was last changed.
    numbers.update({digest: "<digest>" for digest in session.digests + [dataset["found"]["digest"] for dataset in found["datasets"]]})
    return plain(found, numbers)
