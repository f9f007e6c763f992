"""Models: logged with any flavor, registered, found by every form of address, loaded, copied and described."""

import os

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.models import ModelConfig, infer_signature
from mlflow.pyfunc import PythonModel

from ..session import flow, refused, session
from .autologging import table


class Doubling(PythonModel):
    """A model of one's own, with a file beside it and parameters."""

    def load_context(self, context):
        with open(context.artifacts["offset"], encoding="utf-8") as file:
            self.offset = float(file.read())

    def predict(self, context, model_input, params=None):
        return [value * 2 + self.offset + (params or {}).get("extra", 0) for value in model_input]


@flow()
def a_model_of_ones_own_is_loaded_by_every_address():
    session.experiment()
    name = session.named("own")
    with open("offset.txt", "w", encoding="utf-8") as file:
        file.write("0.5")
    with mlflow.start_run(run_name="own") as run:
        info = mlflow.pyfunc.log_model(
            name="model", python_model=Doubling(), artifacts={"offset": "offset.txt"}, pip_requirements=["numpy"],
            signature=infer_signature(numpy.ones(1), numpy.ones(1), params={"extra": 0}),
            metadata={"team": "rope"}, params={"kind": "own"}, tags={"t": "1"},
            registered_model_name=name, await_registration_for=5,
        )
    client = MlflowClient()
    second = mlflow.register_model(f"runs:/{run.info.run_id}/model", name, tags={"way": "runs"})
    third = mlflow.register_model(info.model_uri, name, tags={"way": "models"})
    assert [str(version.version) for version in (second, third)] == ["2", "3"]
    client.set_registered_model_alias(name, "champion", 2)
    addresses = [
        f"models:/{name}/1", f"models:/{name}/3", f"models:/{name}@champion", f"models:/{name}/latest", f"runs:/{run.info.run_id}/model",
        info.model_uri, f"models:/{info.model_id}",
    ]
    for address in addresses:
        assert mlflow.pyfunc.load_model(address).predict(numpy.array([1.0, 2.0]), params={"extra": 1}) == [3.5, 5.5], address
        assert mlflow.models.get_model_info(address).metadata == {"team": "rope"}, address
    assert client.get_model_version_by_alias(name, "champion").tags == {"way": "runs"}
    client.set_model_version_tag(name, 1, "checked", "yes")
    client.update_model_version(name, 2, description="the second")
    client.update_registered_model(name, "a **model**")
    for gone in (f"models:/{name}/9", f"models:/{name}@nobody", f"models:/{session.named('none')}/1", "models:/m-" + "0" * 32):
        refused(lambda gone=gone: mlflow.pyfunc.load_model(gone), "INVALID_PARAMETER_VALUE" if "@" in gone else "RESOURCE_DOES_NOT_EXIST")
    local = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
    assert "MLmodel" in os.listdir(local)
    sources = [version.source.split("/")[0] for version in client.search_model_versions(f"name = '{name}'")]
    return sorted(client.get_logged_model(info.model_id).tags), sources


def echo(model_input: list[str]) -> list[str]:
    return model_input


@flow()
def versions_are_copied_staged_and_found():
    session.experiment()
    with mlflow.start_run(run_name="copied") as run:
        info = mlflow.pyfunc.log_model(name="model", python_model=echo, pip_requirements=["numpy"], input_example=["a"])
        mlflow.log_metric("score", 0.5)
    client = MlflowClient()
    source, goal = session.named("source"), session.named("goal")
    first = mlflow.register_model(info.model_uri, source, tags={"k": "v"})
    copied = client.copy_model_version(f"models:/{source}/{first.version}", goal)
    client.set_registered_model_alias(source, "best", first.version)
    again = client.copy_model_version(f"models:/{source}@best", goal)
    assert [str(each.version) for each in (copied, again)] == ["1", "2"] and copied.source == f"models:/{source}/1"
    assert mlflow.pyfunc.load_model(f"models:/{goal}/2").predict(["x"]) == ["x"]
    assert client.get_model_version_download_uri(goal, "2")
    refused(lambda: client.get_model_version(source, "9"), "RESOURCE_DOES_NOT_EXIST")
    found = mlflow.search_model_versions(filter_string=f"run_id = '{run.info.run_id}'", order_by=["name ASC", "version_number DESC"])
    names = [(version.name.split("-")[0], str(version.version)) for version in found]
    assert names == [("goal", "2"), ("goal", "1"), ("source", "1")], names
    listed = mlflow.search_registered_models(filter_string=f"name ILIKE '%{session.word.upper()}%'", order_by=["name DESC"])
    mine = [model.name.split("-")[0] for model in listed if session.flow in model.name]
    assert mine == ["source", "goal"]
    client.transition_model_version_stage(goal, "1", "Staging")
    client.delete_model_version(goal, "2")
    client.set_registered_model_tag(goal, "team", "rope")
    assert mlflow.pyfunc.load_model(f"models:/{goal}/Staging").predict(["y"]) == ["y"]
    return names, [version.current_stage for version in client.get_latest_versions(goal)]


@flow("sklearn", "xgboost", "lightgbm")
def flavors_are_loaded_by_alias():
    import lightgbm
    import xgboost
    from sklearn.ensemble import RandomForestRegressor

    session.experiment()
    frame, _, target = table()
    client = MlflowClient()
    models = {
        mlflow.sklearn: (RandomForestRegressor(n_estimators=3, random_state=0).fit(frame, target), {"serialization_format": "cloudpickle"}),
        mlflow.xgboost: (xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(frame, target), {"model_format": "json"}),
        mlflow.lightgbm: (lightgbm.LGBMRegressor(n_estimators=3, verbose=-1, n_jobs=1).fit(frame, target), {"serialization_format": "cloudpickle"}),
    }
    seen = []
    for flavor, (model, more) in models.items():
        name = session.named(flavor.__name__.split(".")[-1])
        flavor.log_model(
            model, name="model", registered_model_name=name, input_example=frame[:2], signature=infer_signature(frame, target),
            pip_requirements=["numpy"], **more,
        )
        client.set_registered_model_alias(name, "prod", 1)
        expected = model.predict(frame)
        assert numpy.allclose(flavor.load_model(f"models:/{name}@prod").predict(frame), expected)
        loaded = mlflow.pyfunc.load_model(f"models:/{name}/1")
        assert numpy.allclose(loaded.predict(frame), expected)
        example = mlflow.models.Model.load(f"models:/{name}@prod").load_input_example(mlflow.artifacts.download_artifacts(f"models:/{name}@prod"))
        assert isinstance(example, pandas.DataFrame) and len(example) == 2
        seen.append(expected[:3].round(6).tolist())
    if run := mlflow.active_run():
        mlflow.end_run()
        client.set_tag(run.info.run_id, "flavors", len(seen))
    return seen


CODE = """
import mlflow
from mlflow.models import ModelConfig, set_model

config = ModelConfig(development_config={"greeting": "hello"})

class Greeter(mlflow.pyfunc.PythonModel):
    @mlflow.trace
    def predict(self, context, model_input: list[str]):
        return [f"{config.get('greeting')} {each}" for each in model_input]

set_model(Greeter())
"""


@flow()
def a_model_from_code_is_served_and_traced():
    experiment = session.experiment()
    with open("greeter.py", "w", encoding="utf-8") as file:
        file.write(CODE)
    info = mlflow.pyfunc.log_model(
        name="greeter", python_model="greeter.py", model_config={"greeting": "hi"}, input_example=["ann"], pip_requirements=["numpy"],
        resources=[mlflow.models.resources.DatabricksServingEndpoint(endpoint_name="none")],
    )
    loaded = mlflow.pyfunc.load_model(info.model_uri, model_config={"greeting": "bye"})
    assert loaded.predict(["bob"]) == ["bye bob"] and ModelConfig(development_config={"a": 1}).get("a") == 1
    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(locations=[experiment], return_type="list")
    assert [trace.info.trace_metadata["mlflow.modelId"] for trace in traces][0] == info.model_id
    mlflow.end_run()
    return len(traces)
