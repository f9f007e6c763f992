"""MLflow's own command line, asked of the server."""

import json
import os
import re

import mlflow
from mlflow import MlflowClient

from ..session import flow, session

IDENTIFIER = re.compile("[0-9a-f]{32}")


def run(*words):
    """One command of `mlflow`: what it printed."""
    from click.testing import CliRunner
    from mlflow.cli import cli

    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == 0, (words, result.output, result.exception)
    return result.stdout


@flow()
def experiments_runs_and_artifacts_by_command():
    os.environ["MLFLOW_TRACKING_URI"] = session.url
    try:
        return commands()
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]


def commands():
    name = session.named("made")
    run("experiments", "create", "-n", name)
    experiment = mlflow.get_experiment_by_name(name).experiment_id
    session.experiments.append(experiment)
    assert name in run("experiments", "search", "--max-results", "1000")
    shown = json.loads(run("experiments", "get", "-x", experiment, "--output", "json"))
    assert shown["name"] == name
    run("experiments", "rename", "-x", experiment, "--new-name", f"{name}-{session.word}")
    run("experiments", "delete", "-x", experiment)
    assert f"{name}-{session.word}" in run("experiments", "search", "--view", "deleted_only", "--max-results", "1000")
    run("experiments", "restore", "-x", experiment)
    printed = run("runs", "create", "--experiment-id", experiment, "--run-name", "by command", "--tags", "k=v", "--status", "FINISHED")
    identifier = json.loads(printed[printed.index("{") :])["run_id"]
    client = MlflowClient()
    client.log_metric(identifier, "m", 1.5)
    os.makedirs("many/deep")
    for path in ("many/a.txt", "many/deep/b.txt"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(path)
    run("artifacts", "log-artifact", "-l", "many/a.txt", "-r", identifier, "-a", "one")
    run("artifacts", "log-artifacts", "-l", "many", "-r", identifier, "-a", "all")
    listed = json.loads(run("artifacts", "list", "-r", identifier))
    assert [file["path"] for file in listed] == ["all", "one"]
    place = run("artifacts", "download", "-r", identifier, "-a", "all", "-d", os.path.join(os.getcwd(), "fetched")).strip().splitlines()[-1]
    with open(os.path.join(place, "deep", "b.txt"), encoding="utf-8") as file:
        assert file.read() == "many/deep/b.txt"
    run("artifacts", "download", "-u", f"runs:/{identifier}/one/a.txt", "-d", os.getcwd())
    assert os.path.exists("a.txt")
    run("runs", "delete", "--run-id", identifier)
    assert "by command" not in run("runs", "list", "--experiment-id", experiment)
    run("runs", "restore", "--run-id", identifier)
    assert "by command" in run("runs", "list", "--experiment-id", experiment)
    described = json.loads(run("runs", "describe", "--run-id", identifier))
    assert described["data"]["metrics"] == {"m": 1.5}
    run("experiments", "csv", "-x", experiment, "-o", "runs.csv")
    with open("runs.csv", encoding="utf-8") as file:
        assert "by command" in file.read()
    return listed, traces(experiment, identifier), sorted(described["data"]["tags"]), sorted(shown)


def traces(experiment, identifier):
    """The commands on traces; what they print of the one that there is."""
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_span("spoken") as span:
        span.set_inputs({"q": "why"})
    mlflow.flush_trace_async_logging()
    trace = span.trace_id
    found = json.loads(run("traces", "search", "--experiment-id", experiment, "--output", "json"))
    run("traces", "set-tag", "--trace-id", trace, "--key", "by", "--value", "command")
    run("traces", "log-feedback", "--trace-id", trace, "--name", "good", "--value", "true", "--source-type", "HUMAN", "--source-id", "ann")
    run("traces", "log-expectation", "--trace-id", trace, "--name", "want", "--value", "because", "--source-type", "HUMAN", "--source-id", "ann")
    run("runs", "link-traces", "--run-id", identifier, "-t", trace)
    told = json.loads(run("traces", "get", "--trace-id", trace))
    assert told["info"]["tags"]["by"] == "command" and len(told["info"]["assessments"]) == 2
    return IDENTIFIER.sub("<identifier>", str(sorted(found)))
