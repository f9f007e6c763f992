"""What the clients of R and Java send: R has every value as text, Java has whole numbers as text."""

import urllib.parse

from ..session import call, flow, session

API = "/api/2.0/mlflow"


def seen_of(run):
    kept = {kind: sorted(run["data"][kind], key=lambda pair: pair["key"]) for kind in ("metrics", "params")}
    return kept, run["info"]["status"], run["info"]["lifecycle_stage"]


def get(route, **query):
    return call(f"{API}/{route}?{urllib.parse.urlencode(query, doseq=True)}")


def post(route, **body):
    return call(f"{API}/{route}", body)


@flow()
def requests_of_r():
    experiment = post("experiments/create", name=session.named("r"))["experiment_id"]
    session.experiments.append(experiment)
    made = post("runs/create", experiment_id=experiment, user_id="ann", start_time="1700000000000", tags=[{"key": "mlflow.user", "value": "ann"}])
    run = made["run"]["info"]["run_uuid"]
    both = {"run_uuid": run, "run_id": run}
    for value, step in (("0.5", "0"), ("1e-05", "1"), ("NaN", "2"), ("Infinity", "3"), ("-Infinity", "4"), ("3", "5")):
        post("runs/log-metric", **both, key="loss", value=value, timestamp=f"170000000{step}000", step=step)
    post("runs/log-parameter", **both, key="depth", value="3")
    post("runs/set-tag", **both, key="team", value="rope")
    post("runs/delete-tag", run_id=run, key="team")
    post(
        "runs/log-batch", run_id=run, metrics=[{"key": "a", "value": "1.5", "step": "1", "timestamp": "1700000000001"}],
        params=[{"key": "rate", "value": "0.1"}], tags=[{"key": "t", "value": "u"}],
    )
    post("runs/update", **both, status="FINISHED", end_time="1700000009000")
    post("experiments/set-experiment-tag", experiment_id=experiment, key="k", value="v")
    told = get("runs/get", **both)["run"]
    assert told["info"]["start_time"] == 1700000000000 and told["info"]["status"] == "FINISHED"
    history = get("metrics/get-history", **both, metric_key="loss")["metrics"]
    assert [point["step"] for point in history] == list(range(6)), history
    found = post("runs/search", experiment_ids=[experiment], filter="metrics.a > 1", run_view_type="ACTIVE_ONLY", order_by=["metrics.a DESC"])
    assert [each["info"]["run_id"] for each in found["runs"]] == [run]
    post("runs/delete", run_id=run)
    post("runs/restore", run_id=run)
    listed = get("artifacts/list", **both)
    name = session.named("model")
    post("registered-models/create", name=name, description="words", tags=[{"key": "a", "value": "b"}])
    post("model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run, description="first")
    post("model-versions/transition-stage", name=name, version="1", stage="Staging")
    call(f"{API}/registered-models/update", {"name": name, "description": "other"}, "PATCH")
    call(f"{API}/model-versions/set-tag", {"name": name, "version": "1", "key": "x", "value": "y"})
    newest = call(f"{API}/registered-models/get-latest-versions", {"name": name, "stages": ["Staging"]})["model_versions"]
    assert [version["version"] for version in newest] == ["1"]
    return seen_of(told), history, sorted(listed)


@flow()
def requests_of_java():
    experiment = post("experiments/create", name=session.named("java"))["experiment_id"]
    session.experiments.append(experiment)
    by_name = get("experiments/get-by-name", experiment_name=session.named("java"))["experiment"]
    assert by_name["experiment_id"] == experiment
    run = post("runs/create", experiment_id=experiment, user_id="ann", start_time="1700000000000", source_type="LOCAL")["run"]["info"]["run_id"]
    both = {"run_uuid": run, "run_id": run}
    post("runs/log-metric", **both, key="m", value=2.0, timestamp="1700000000001", step="7")
    post("runs/log-metric", **both, key="m", value="NaN", timestamp="1700000000002", step="9007199254740993")
    post("runs/log-parameter", **both, key="p", value="1")
    metrics = [{"key": "b", "value": 1.0, "timestamp": "1700000000003", "step": "0"}]
    post("runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "q", "value": ""}], tags=[{"key": "t", "value": "u"}])
    post("runs/update", **both, status="FAILED", end_time="1700000009000")
    found = post("runs/search", experiment_ids=[experiment], filter="", run_view_type="ACTIVE_ONLY", max_results=1000, order_by=[], page_token="")
    assert [each["info"]["run_id"] for each in found["runs"]] == [run]
    listed = post("experiments/search", max_results="1000", filter=f"name = '{session.named('java')}'", view_type="ALL")["experiments"]
    assert len(listed) == 1
    post("experiments/update", experiment_id=experiment, new_name=session.named("renamed"))
    post("experiments/delete", experiment_id=experiment)
    post("experiments/restore", experiment_id=experiment)
    history = get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
    name = session.named("model")
    post("registered-models/create", name=name)
    version = post("model-versions/create", name=name, run_id=run, source=f"runs:/{run}/model")["model_version"]["version"]
    post("model-versions/transition-stage", name=name, version=version, stage="Production")
    newest = get("registered-models/get-latest-versions", name=name, stages=["Production", "Staging"])["model_versions"]
    assert [each["current_stage"] for each in newest] == ["Production"]
    assert get("model-versions/get-download-uri", name=name, version=version)["artifact_uri"] == f"runs:/{run}/model"
    searched = get("model-versions/search", filter=f"name='{name}'")["model_versions"]
    return seen_of(get("runs/get", run_id=run)["run"]), history, len(searched)
