"""What a run is given: images, tables, figures, documents, datasets, system metrics, in the background and nested."""

import os
import time

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from ..session import flow, refused, session


@flow("matplotlib", "PIL")
def files_of_every_kind_are_logged():
    import matplotlib.pyplot as plt
    from PIL import Image

    experiment = session.experiment()
    with mlflow.start_run(run_name="kinds", description="all **kinds**", tags={"a": "1"}) as run:
        pixels = (numpy.arange(48, dtype=numpy.uint8) * 5).reshape(4, 4, 3)
        mlflow.log_image(pixels, "images/array.png")
        mlflow.log_image(Image.fromarray(pixels), "images/pillow.png")
        for step in range(2):
            mlflow.log_image(pixels, key="dog", step=step, timestamp=1000 + step)
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        mlflow.log_figure(figure, "figures/line.png")
        mlflow.log_figure(figure, "figures/line.svg")
        plt.close(figure)
        mlflow.log_table({"question": ["q1", "q2"], "score": [1, None]}, "tables/answers.json")
        mlflow.log_table(pandas.DataFrame({"question": ["q3"], "score": [3.5]}), "tables/answers.json")
        mlflow.log_table({"pixel": [mlflow.Image(pixels)]}, "tables/images.json")
        mlflow.log_table({"x": [1, 2]}, "tables/small.parquet")
        mlflow.log_dict({"ü": [1, {"deep": None}]}, "conf/a.yaml")
        mlflow.log_dict({"b": 1}, "conf/b.json")
        mlflow.log_text("<b>words</b>", "page.html")
        os.makedirs("folder/inner")
        for name in ("one.txt", "inner/two words.txt", "inner/ü.txt", "inner/empty"):
            with open(f"folder/{name}", "w", encoding="utf-8") as file:
                file.write("" if name.endswith("empty") else name)
        mlflow.log_artifacts("folder", "whole")
        mlflow.log_artifact("folder/one.txt")
    table = mlflow.load_table("tables/answers.json", run_ids=[run.info.run_id], extra_columns=["run_id"])
    assert table["question"].tolist() == ["q1", "q2", "q3"] and set(table["run_id"]) == {run.info.run_id}
    assert mlflow.load_table("tables/small.parquet", [run.info.run_id])["x"].tolist() == [1, 2]
    assert len(mlflow.load_table("tables/answers.json")) == 3
    place = f"runs:/{run.info.run_id}"
    assert mlflow.artifacts.load_image(f"{place}/images/array.png").size == (4, 4)
    assert mlflow.artifacts.load_text(f"{place}/whole/inner/ü.txt") == "inner/ü.txt"
    local = mlflow.artifacts.download_artifacts(f"{place}/whole")
    assert sorted(os.listdir(os.path.join(local, "inner"))) == ["empty", "two words.txt", "ü.txt"]
    assert len(mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="images")) >= 2
    tags = MlflowClient().get_run(run.info.run_id).data.tags
    assert tags["mlflow.note.content"] == "all **kinds**"
    assert experiment == run.info.experiment_id
    logged = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="images")
    return len(logged), tags["mlflow.loggedArtifacts"]


@flow()
def datasets_of_every_kind_are_inputs():
    experiment = session.experiment()
    frame = pandas.DataFrame({"a": [1, 2, 3], "when": pandas.to_datetime(["2024-01-01"] * 3), "y": [0.5, 1.5, 2.5]})
    frame.to_csv("data.csv", index=False)
    with mlflow.start_run(run_name="inputs") as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, source="https://example.org/a.csv", name="frame", targets="y"), "training", {"k": "v"})
        mlflow.log_input(mlflow.data.from_numpy(numpy.ones((4, 2)), targets=numpy.zeros(4), name="array"), "validation")
        mlflow.log_input(mlflow.data.from_pandas(frame, source="https://example.org/a.csv", name="frame", targets="y"), "testing")
        source = mlflow.data.http_dataset_source.HTTPDatasetSource(url="https://example.org/meta.csv")
        mlflow.log_input(mlflow.data.meta_dataset.MetaDataset(source=source, name="meta", digest="abc"))
        mlflow.log_inputs(
            datasets=[mlflow.data.from_pandas(frame[["a"]], name="left"), mlflow.data.from_pandas(frame[["y"]], name="right")],
            contexts=["c1", "c2"], tags_list=[None, {"side": "r"}],
        )
    client = MlflowClient()
    inputs = {each.dataset.name: each for each in client.get_run(run.info.run_id).inputs.dataset_inputs}
    assert set(inputs) == {"frame", "array", "meta", "left", "right"}
    loaded = mlflow.data.get_source(inputs["meta"])
    assert loaded.url == "https://example.org/meta.csv"
    by_hand = client.create_run(experiment, run_name="by hand").info.run_id
    client.log_inputs(by_hand, [DatasetInput(Dataset("d", "1", "local", "{}"), [InputTag("mlflow.data.context", "x")])])
    found = mlflow.search_runs([experiment], "dataset.name = 'frame' AND dataset.context = 'training'")
    assert found["run_id"].tolist() == [run.info.run_id]
    return {name: (each.dataset.digest, each.dataset.source_type, [(tag.key, tag.value) for tag in each.tags]) for name, each in inputs.items()}


@flow("psutil")
def system_metrics_are_logged():
    session.experiment()
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(1)
    mlflow.enable_system_metrics_logging()
    os.environ["MLFLOW_DISABLE_SYSTEM_METRICS_LOGGING"] = "false"
    try:
        with mlflow.start_run(log_system_metrics=True) as run:
            time.sleep(1.5)
    finally:
        mlflow.disable_system_metrics_logging()
    client = MlflowClient()
    metrics = client.get_run(run.info.run_id).data.metrics
    assert "system/cpu_utilization_percentage" in metrics and "system/system_memory_usage_megabytes" in metrics, metrics
    history = client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    assert len(history) >= 3 and [point.step for point in history] == list(range(len(history)))
    # How often was measured differs from pass to pass: what is left is not compared, the names are.
    session.experiments.clear()
    return sorted(metrics)


@flow()
def values_are_logged_in_the_background():
    session.experiment()
    mlflow.config.enable_async_logging()
    try:
        with mlflow.start_run(run_name="background") as run:
            for step in range(300):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_params({f"p{number}": number for number in range(120)})
            mlflow.set_tags({f"t{number}": number for number in range(30)})
            mlflow.log_metrics({f"m{number}": float(number) for number in range(50)}, step=3).wait()
            mlflow.log_text("later", "later.txt")
            mlflow.flush_async_logging()
    finally:
        mlflow.config.enable_async_logging(False)
    client = MlflowClient()
    told = client.get_run(run.info.run_id).data
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 300 and told.metrics["loss"] == 1 / 300
    assert len(told.params) == 120 and told.tags["t29"] == "29" and len(told.metrics) == 51


@flow()
def runs_are_nested_resumed_and_found():
    experiment = session.experiment()
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_param("kind", "parent")
        for number in range(3):
            with mlflow.start_run(run_name=f"child {number}", nested=True) as child:
                mlflow.log_metric("score", number)
                mlflow.log_params({"number": number, "kind": "child"})
                with mlflow.start_run(run_name=f"grandchild {number}", nested=True, parent_run_id=child.info.run_id):
                    mlflow.set_tag("deep", "yes")
    with mlflow.start_run(run_id=parent.info.run_id):
        mlflow.log_metric("total", 3)
    try:
        with mlflow.start_run(run_name="broken"):
            raise ValueError("on purpose")
    except ValueError:
        pass
    assert mlflow.last_active_run().info.status == "FAILED"
    frame = mlflow.search_runs([experiment], filter_string="params.kind = 'child'", order_by=["metrics.score DESC"])
    assert frame["tags.mlflow.runName"].tolist() == ["child 2", "child 1", "child 0"]
    best = mlflow.search_runs(experiment_names=[session.named("main")], max_results=1, order_by=["metrics.score DESC"], output_format="list")
    assert best[0].info.run_name == "child 2"
    assert mlflow.get_parent_run(best[0].info.run_id).info.run_id == parent.info.run_id
    client = MlflowClient()
    assert len(client.search_runs([experiment], "status = 'FAILED'")) == 1
    page = client.search_runs([experiment], max_results=3)
    assert len(page) == 3 and page.token
    extra = client.create_run(experiment, start_time=10, tags={"k": "v"}, run_name="client").info.run_id
    now = [Metric("m", float("inf"), 5, 0), Metric("m", float("-inf"), 6, 1), Metric("n", float("nan"), 7, 0), Metric("big", 1e300, 8, 2**40)]
    client.log_batch(extra, now, [Param("long", "x" * 6000), Param("ü", "✓\n")], [RunTag("long", "y" * 7000)])
    client.update_run(extra, status="KILLED", name="renamed")
    refused(lambda: client.log_param(extra, "ü", "other"), "INVALID_PARAMETER_VALUE")
    client.delete_tag(extra, "k")
    client.delete_run(client.create_run(experiment, run_name="deleted").info.run_id)
    mlflow.set_experiment_tags({"team": "rope", "mlflow.note.content": "words"})
    mlflow.set_experiment_tag("one", "1")
    found = mlflow.search_experiments(filter_string=f"name = '{session.named('main')}' AND tags.team = 'rope'")
    assert [each.experiment_id for each in found] == [experiment]
    return sorted(mlflow.search_runs([experiment]).columns)


@flow()
def checkpoints_of_a_model_are_measured_and_ranked():
    experiment = session.experiment()
    frame = pandas.DataFrame({"a": [1, 2]})
    data = mlflow.data.from_pandas(frame, name="held out", source="https://example.org/h.csv")
    with mlflow.start_run(run_name="training") as run:
        for step in range(3):
            model = mlflow.initialize_logged_model(name=f"checkpoint-{step}", params={"step": step, "lr": 0.1}, tags={"kind": "cp"}, model_type="mlp")
            mlflow.log_metric("loss", 1 / (step + 1), step=step, model_id=model.model_id, dataset=data)
            mlflow.log_metrics({"acc": step / 2}, step=step, model_id=model.model_id)
            mlflow.finalize_logged_model(model.model_id, "READY" if step else "FAILED")
    agent = mlflow.create_external_model(name="agent", source_run_id=run.info.run_id, tags={"t": "1"}, params={"p": "2"}, model_type="agent")
    mlflow.log_model_params({"late": "3"}, model_id=agent.model_id)
    mlflow.set_logged_model_tags(agent.model_id, {"t": "2", "u": "3"})
    mlflow.delete_logged_model_tag(agent.model_id, "u")
    mlflow.set_active_model(model_id=agent.model_id)

    @mlflow.trace
    def act(text):
        return text

    act("hello")
    mlflow.clear_active_model()
    mlflow.flush_trace_async_logging()
    assert len(mlflow.search_traces(locations=[experiment], model_id=agent.model_id, return_type="list")) == 1

    def ask(text="", order=None, **more):
        found = mlflow.search_logged_models([experiment], text, order_by=order, output_format="list", **more)
        return [model.name for model in found]

    held_out = [{"dataset_name": "held out"}]
    seen = {
        "best": ask("metrics.loss < 0.9", [{"field_name": "metrics.loss", "ascending": True}]),
        "by dataset": ask("", [{"field_name": "metrics.loss", "dataset_name": "held out", "ascending": False}], datasets=held_out),
        "params": ask("params.step = '1'"), "tags": ask("tags.kind = 'cp' AND status = 'READY'", [{"field_name": "name"}]),
        "names": ask("name LIKE 'check%'", [{"field_name": "creation_time", "ascending": True}]), "type": ask("model_type = 'agent'"),
        "run": sorted(ask(f"source_run_id = '{run.info.run_id}'")),
        "first": ask("", [{"field_name": "creation_timestamp", "ascending": True}], max_results=2),
    }
    assert seen["best"] == ["checkpoint-2", "checkpoint-1"] and seen["params"] == ["checkpoint-1"] and seen["type"] == ["agent"], seen
    MlflowClient().delete_logged_model(mlflow.search_logged_models([experiment], "name = 'checkpoint-0'", output_format="list")[0].model_id)
    assert "checkpoint-0" not in ask()
    return seen
