"""Training with autologging on: scikit-learn, its searches, XGBoost and LightGBM."""

import contextlib
import os
import subprocess
import sys

import mlflow
import numpy
import pandas
from mlflow import MlflowClient

from ..session import flow, session


def table(rows=80, seed=0):
    """Features and two targets, the same everywhere."""
    data = numpy.random.default_rng(seed).normal(size=(rows, 3)).round(3)
    frame = pandas.DataFrame(data, columns=["a", "b", "c"])
    return frame, (frame.a + frame.b > 0).astype(int), frame.a * 3 - frame.b


@contextlib.contextmanager
def autologging(flavor, **more):
    flavor.autolog(silent=True, **more)
    try:
        yield
    finally:
        flavor.autolog(disable=True)


def the_run(experiment, filter_string="", count=1):
    runs = MlflowClient().search_runs([experiment], filter_string)
    assert len(runs) == count, [run.info for run in runs]
    assert all(run.info.status == "FINISHED" for run in runs)
    return runs[0]


@flow("sklearn")
def a_pipeline_is_fitted_with_autologging():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    experiment = session.experiment()
    frame, labels, _ = table()
    with autologging(mlflow.sklearn, serialization_format="cloudpickle", log_input_examples=True):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, random_state=0)).fit(frame, labels)
        # Metrics computed after the fit go to the same run.
        accuracy = accuracy_score(labels, model.predict(frame))
        log_loss(labels, model.predict_proba(frame))
        model.score(frame, labels)
    run = the_run(experiment)
    metrics = run.data.metrics
    assert metrics["accuracy_score-labels"] == accuracy if "accuracy_score-labels" in metrics else any("accuracy" in m for m in metrics)
    assert run.data.params["logisticregression__C"] == "0.5" and run.data.tags["estimator_name"] == "Pipeline"
    assert len(run.inputs.dataset_inputs) == 1 and len(run.outputs.model_outputs) == 1
    files = {file.path for file in MlflowClient().list_artifacts(run.info.run_id)}
    assert {"training_confusion_matrix.png", "training_roc_curve.png", "estimator.html"} <= files, files
    loaded = mlflow.pyfunc.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
    assert (loaded.predict(frame) == model.predict(frame)).all()
    assert loaded.metadata.signature.inputs.input_names() == ["a", "b", "c"]
    return metrics


@flow("sklearn")
def a_grid_is_searched_with_autologging():
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeRegressor

    experiment = session.experiment()
    frame, _, target = table()
    with autologging(mlflow.sklearn, serialization_format="cloudpickle", max_tuning_runs=3, log_models=False):
        with mlflow.start_run(run_name="grid"):
            grid = {"max_depth": [1, 2, 4], "min_samples_leaf": [1, 5]}
            GridSearchCV(DecisionTreeRegressor(random_state=0), grid, cv=3).fit(frame, target)
    parent = the_run(experiment, "attributes.run_name = 'grid'")
    assert parent.data.params["best_max_depth"] == "4" and "best_cv_score" in parent.data.metrics
    children = MlflowClient().search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert len(children) == 3 and all("mean_test_score" in child.data.metrics for child in children)
    results = MlflowClient().download_artifacts(parent.info.run_id, "cv_results.csv")
    seen = pandas.read_csv(results).filter(regex="param|test_score").to_dict("list")
    for child in children:
        times = [key for key in child.data.metrics if key.endswith("_time")]
        assert sorted(times) == ["mean_fit_time", "mean_score_time", "std_fit_time", "std_score_time"]
    return seen


@flow("xgboost", "sklearn")
def xgboost_trains_with_autologging():
    import xgboost

    experiment = session.experiment()
    frame, labels, target = table()
    with autologging(mlflow.xgboost):
        with mlflow.start_run(run_name="native"):
            train, valid = xgboost.DMatrix(frame[:60], labels[:60]), xgboost.DMatrix(frame[60:], labels[60:])
            booster = xgboost.train(
                {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 2, "seed": 0, "nthread": 1},
                train, num_boost_round=8, evals=[(train, "train"), (valid, "valid")], early_stopping_rounds=5, verbose_eval=False,
            )
        with mlflow.start_run(run_name="estimator"):
            xgboost.XGBRegressor(n_estimators=4, max_depth=2, n_jobs=1).fit(frame, target)
    native = the_run(experiment, "attributes.run_name = 'native'")
    client = MlflowClient()
    history = client.get_metric_history(native.info.run_id, "valid-logloss")
    # The round that early stopping found best is logged once more, as the last.
    assert len(history) == 9 and native.data.params["max_depth"] == "2", history
    assert {"feature_importance_weight.json", "feature_importance_weight.png"} <= {file.path for file in client.list_artifacts(native.info.run_id)}
    loaded = mlflow.xgboost.load_model(f"models:/{native.outputs.model_outputs[0].model_id}")
    assert numpy.allclose(loaded.predict(valid), booster.predict(valid))
    estimator = the_run(experiment, "attributes.run_name = 'estimator'")
    assert estimator.data.params["num_boost_round"] == "4" and estimator.data.params["max_depth"] == "2", estimator.data.params
    return mlflow.pyfunc.load_model(f"models:/{estimator.outputs.model_outputs[0].model_id}").predict(frame[:3]).tolist()


@flow("lightgbm", "sklearn")
def lightgbm_trains_with_autologging():
    import lightgbm

    experiment = session.experiment()
    frame, labels, _ = table()
    with autologging(mlflow.lightgbm, registered_model_name=session.named("light")):
        with mlflow.start_run(run_name="native"):
            train = lightgbm.Dataset(frame, labels, params={"verbose": -1})
            options = {"objective": "binary", "metric": ["binary_logloss"], "num_leaves": 4, "verbose": -1, "seed": 0, "num_threads": 1}
            booster = lightgbm.train(options, train, num_boost_round=12, valid_sets=[train], valid_names=["train"])
    run = the_run(experiment)
    losses = [point.value for point in MlflowClient().get_metric_history(run.info.run_id, "train-binary_logloss")]
    assert len(losses) == 12 and losses == sorted(losses, reverse=True), losses
    assert run.data.params["num_leaves"] == "4" and run.inputs.dataset_inputs
    loaded = mlflow.lightgbm.load_model(f"models:/{session.named('light')}/1")
    assert numpy.allclose(loaded.predict(frame), booster.predict(frame))
    return losses


SCRIPT = """
import sys
import mlflow
import numpy
from sklearn.cluster import KMeans

mlflow.set_experiment(experiment_id=sys.argv[1])
mlflow.autolog(log_models=False, extra_tags={"team": "rope"})
KMeans(n_clusters=2, n_init=1, random_state=0).fit(numpy.arange(20.0).reshape(10, 2))

@mlflow.trace
def last_words():
    return "bye"

last_words()
"""


@flow("sklearn")
def a_script_of_its_own_autologs_everything_and_ends():
    experiment = session.experiment()
    command = [sys.executable, "-c", SCRIPT, experiment]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "MLFLOW_TRACKING_URI": session.url})
    run = the_run(experiment)
    assert run.data.tags["team"] == "rope" and run.data.params["n_clusters"] == "2"
    # What is sent in the background is sent before the process ends.
    (trace,) = mlflow.search_traces(locations=[experiment], return_type="list")
    assert trace.data.spans[0].outputs == "bye"
