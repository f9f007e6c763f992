"""What many cases begin with."""


def experiment(pair, name="exp", label="{u}", **more):
    """A fresh experiment; its identifier is kept under `name`."""
    call = pair.post("experiments/create", {"name": f"{label}.{name}" if label else name, **more})
    pair.keep(name, "experiment_id", call)
    return name


def run(pair, name="run", exp="exp", start_time=1000, **more):
    """A fresh run; its identifier is kept under `name`."""
    call = pair.post("runs/create", {"experiment_id": f"{{{exp}}}", "start_time": start_time, "run_name": name, **more})
    pair.keep(name, "run.info.run_id", call)
    return name


def batch(pair, run="run", metrics=(), params=(), tags=(), **more):
    """Log a batch: metrics as (key, value, timestamp, step), params and tags as mappings."""
    body = {"run_id": f"{{{run}}}"}
    if metrics:
        body["metrics"] = [dict(zip(("key", "value", "timestamp", "step"), metric)) for metric in metrics]
    if params:
        body["params"] = [{"key": key, "value": value} for key, value in params.items()]
    if tags:
        body["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    return pair.post("runs/log-batch", body, **more)


def read_run(pair, run="run", **more):
    return pair.get("runs/get", {"run_id": f"{{{run}}}"}, **more)


def model(pair, name="model", exp="exp", **more):
    """A fresh logged model; its identifier is kept under `name`."""
    call = pair.post("logged-models", {"experiment_id": f"{{{exp}}}", "name": name, **more})
    pair.keep(name, "model.info.model_id", call)
    return name


def registered(pair, name="{u}.model", **more):
    """A fresh registered model."""
    return pair.post("registered-models/create", {"name": name, **more})


def version(pair, name="{u}.model", source="s3://bucket/model", **more):
    """A fresh version of a registered model."""
    return pair.post("model-versions/create", {"name": name, "source": source, **more})


def file(pair, path, content, run="run", exp="exp"):
    """Upload a file into a run's artifacts through the proxy."""
    return pair.put(f"/api/2.0/mlflow-artifacts/artifacts/{{{exp}}}/{{{run}}}/artifacts/{path}", content)
