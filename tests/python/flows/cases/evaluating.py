"""Evaluations: of classifiers and regressors with the default evaluator, and of applications with scorers of one's own."""

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Feedback
from mlflow.genai import scorer

from ..session import flow, refused, session
from .autologging import table


@flow("sklearn")
def a_classifier_is_evaluated():
    from sklearn.linear_model import LogisticRegression

    session.experiment()
    frame, labels, _ = table()
    model = LogisticRegression(random_state=0).fit(frame, labels)
    data = frame.assign(label=labels)
    with mlflow.start_run(run_name="evaluated") as run:
        info = mlflow.sklearn.log_model(
            model, name="model", pip_requirements=["scikit-learn"], serialization_format="cloudpickle",
            signature=mlflow.models.infer_signature(frame, labels),
        )
        dataset = mlflow.data.from_pandas(data, source="https://example.org/eval.csv", targets="label", name="held out")
        result = mlflow.models.evaluate(
            info.model_uri, dataset, model_type="classifier",
            evaluator_config={"log_explainer": False, "log_model_explainability": False},
        )
    told = MlflowClient().get_run(run.info.run_id)
    assert told.data.metrics["accuracy_score"] == result.metrics["accuracy_score"] > 0.8
    assert told.data.metrics["true_positives"] + told.data.metrics["true_negatives"] > 60
    files = {file.path for file in MlflowClient().list_artifacts(run.info.run_id)}
    assert {"confusion_matrix.png", "roc_curve_plot.png", "precision_recall_curve_plot.png"} <= files, files
    assert [each.dataset.name for each in told.inputs.dataset_inputs] == ["held out"]
    where = [run.info.experiment_id]
    found = mlflow.search_logged_models(where, "metrics.accuracy_score > 0.8", output_format="list")
    assert [each.model_id for each in found] == [info.model_id]
    measured = {metric.key: (metric.dataset_name, metric.value) for metric in mlflow.get_logged_model(info.model_id).metrics}
    assert measured["accuracy_score"] == ("held out", result.metrics["accuracy_score"])
    mlflow.validate_evaluation_results({"accuracy_score": mlflow.models.MetricThreshold(threshold=0.5, greater_is_better=True)}, result)
    by_dataset = mlflow.search_logged_models(where, datasets=[{"dataset_name": "held out"}], output_format="list")
    return measured, len(by_dataset)


@flow("sklearn")
def a_regressor_and_a_table_are_evaluated():
    session.experiment()
    frame, labels, target = table()

    def sum_of_errors(predictions, targets, metrics):
        return mlflow.metrics.MetricValue(aggregate_results={"total": float(abs(predictions - targets).sum())})

    data = frame.assign(target=target, guess=frame.a * 3)
    metric = mlflow.models.make_metric(eval_fn=sum_of_errors, greater_is_better=False, name="sum_of_errors")
    with mlflow.start_run(run_name="static") as run:
        result = mlflow.models.evaluate(
            data=data, targets="target", predictions="guess", model_type="regressor", extra_metrics=[metric],
            evaluator_config={"metric_prefix": "eval_"},
        )
    with mlflow.start_run(run_name="function"):
        mlflow.models.evaluate(lambda given: given.a * 3, data, targets="target", model_type="regressor", feature_names=["a", "b", "c"])
    told = MlflowClient().get_run(run.info.run_id).data.metrics
    assert told["eval_r2_score"] == result.metrics["eval_r2_score"] and told["eval_example_count"] == 80
    assert told["eval_sum_of_errors/eval_total"] > 0
    return told


@scorer
def exact(outputs, expectations):
    return outputs == expectations["expected_response"]


@scorer
def judged(inputs, outputs):
    return Feedback(
        value="good" if len(outputs) > 3 else "bad", rationale=f"{len(inputs)} inputs", source=AssessmentSource("CODE", "counting"),
        metadata={"length": str(len(outputs))},
    )


@scorer
def several(outputs):
    return [Feedback(name="several/first", value=1), Feedback(name="several/second", value=0.5)]


@scorer
def through_the_trace(trace):
    return len(trace.data.spans)


@scorer
def failing(outputs):
    raise ValueError("no score")


ROWS = [
    {"inputs": {"question": "rope"}, "expectations": {"expected_response": "ROPE"}, "tags": {"row": "1"}},
    {"inputs": {"question": "walk"}, "expectations": {"expected_response": "walk"}},
    {"inputs": {"question": "a"}, "expectations": {"expected_response": "A"}},
]


@mlflow.trace
def shout(question):
    with mlflow.start_span("inner"):
        return question.upper()


def assessed(result):
    """What was said of each trace of an evaluation, by the server's word."""
    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(locations=[mlflow.get_run(result.run_id).info.experiment_id], run_id=result.run_id, return_type="list")
    told = [
        sorted((each.name, str(each.value if each.error is None else each.error.error_code)) for each in trace.info.assessments) for trace in traces
    ]
    return sorted(told)


@flow()
def an_application_is_evaluated_with_scorers():
    experiment = session.experiment()
    result = mlflow.genai.evaluate(data=ROWS, predict_fn=shout, scorers=[exact, judged, several, through_the_trace, failing])
    assert abs(result.metrics["exact/mean"] - 2 / 3) < 1e-9 and result.metrics["several/second/mean"] == 0.5, result.metrics
    run = MlflowClient().get_run(result.run_id)
    assert run.data.metrics["through_the_trace/mean"] == 2 and run.info.status == "FINISHED"
    told = assessed(result)
    assert len(told) == 3 and ("exact", "True") in told[-1] and ("judged", "bad") in [pair for row in told for pair in row]
    assert all(any(name == "failing" for name, _ in row) for row in told)
    found = mlflow.search_traces(locations=[experiment], filter_string="feedback.exact = 'false'", return_type="list")
    return told, len(found), sorted(result.metrics.items())


@flow()
def answers_of_a_table_and_traces_are_evaluated():
    experiment = session.experiment()
    frame = pandas.DataFrame(
        {
            "inputs": [row["inputs"] for row in ROWS], "outputs": ["ROPE", "WALK", "B"],
            "expectations": [row["expectations"] for row in ROWS],
        }
    )
    with mlflow.start_run(run_name="outer") as run:
        result = mlflow.genai.evaluate(data=frame, scorers=[exact, judged])
    assert result.run_id == run.info.run_id
    told = assessed(result)
    assert len(told) == 3
    for row in ROWS:
        shout(row["inputs"]["question"])
    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(locations=[experiment], filter_string="trace.name = 'shout'")
    again = mlflow.genai.evaluate(data=traces, scorers=[judged, through_the_trace])
    inputs = MlflowClient().get_run(again.run_id).inputs.dataset_inputs
    session.digests += [each.dataset.digest for each in inputs]
    assert again.metrics["through_the_trace/mean"] == 2
    model = mlflow.create_external_model(name="agent-v1")
    of_model = mlflow.genai.evaluate(data=ROWS[:1], predict_fn=shout, scorers=[exact], model_id=model.model_id)
    assert {metric.key for metric in mlflow.get_logged_model(model.model_id).metrics} == {"exact/mean"}
    return told, assessed(again), assessed(of_model)


@flow()
def an_evaluation_dataset_grows_and_is_used():
    experiment = session.experiment()
    other = session.experiment("other")
    mlflow.set_experiment(experiment_id=experiment)
    name = session.named("questions")
    dataset = mlflow.genai.datasets.create_dataset(name=name, experiment_id=[experiment], tags={"team": "rope", "stage": "draft"})
    dataset.merge_records(ROWS)
    # Records of the same inputs are one record.
    dataset.merge_records([{"inputs": {"question": "rope"}, "expectations": {"more": [1, {"x": None}]}, "tags": {"row": "one"}}])
    dataset.merge_records(pandas.DataFrame([{"inputs": {"question": "frame", "number": numpy.float64(1.5)}, "expectations": {"n": 1}}]))
    shout("from a trace")
    mlflow.flush_trace_async_logging()
    trace = mlflow.search_traces(locations=[experiment], return_type="list")[0]
    mlflow.log_expectation(trace_id=trace.info.trace_id, name="expected_response", value="FROM A TRACE", source=AssessmentSource("HUMAN", "ann"))
    dataset.merge_records([mlflow.get_trace(trace.info.trace_id)])
    again = mlflow.genai.datasets.get_dataset(dataset_id=dataset.dataset_id)
    rows = {row["inputs"]["question"]: row for row in again.to_df().to_dict("records")}
    assert set(rows) == {"rope", "walk", "a", "frame", "from a trace"}
    assert rows["rope"]["expectations"] == {"expected_response": "ROPE", "more": [1, {"x": None}]} and rows["rope"]["tags"]["row"] == "one"
    assert rows["from a trace"]["source_type"] == "TRACE"
    assert again.profile and again.schema
    by_name = mlflow.genai.datasets.get_dataset(name=name)
    assert by_name.dataset_id == dataset.dataset_id and by_name.digest == again.digest
    usable = mlflow.genai.evaluate(data=again, predict_fn=lambda question, number=0: question.upper(), scorers=[judged])
    run = MlflowClient().get_run(usable.run_id)
    assert run.inputs.dataset_inputs[0].dataset.name == name
    mlflow.genai.datasets.set_dataset_tags(dataset_id=dataset.dataset_id, tags={"stage": "final", "new": "1"})
    mlflow.genai.datasets.delete_dataset_tag(dataset_id=dataset.dataset_id, key="team")
    mlflow.genai.datasets.add_dataset_to_experiments(dataset.dataset_id, [other])
    found = mlflow.genai.datasets.search_datasets(experiment_ids=[other], filter_string=f"name = '{name}' AND tags.stage = 'final'")
    assert [each.dataset_id for each in found] == [dataset.dataset_id]
    mlflow.genai.datasets.remove_dataset_from_experiments(dataset.dataset_id, [experiment])
    gone = mlflow.genai.datasets.create_dataset(name=session.named("gone"), experiment_id=experiment)
    mlflow.genai.datasets.delete_dataset(dataset_id=gone.dataset_id)
    refused(lambda: mlflow.genai.datasets.get_dataset(dataset_id=gone.dataset_id), "RESOURCE_DOES_NOT_EXIST")
    record = again.to_df().sort_values("dataset_record_id").iloc[0]["dataset_record_id"]
    wanted = again.to_df()
    wanted = wanted[wanted.inputs.map(lambda inputs: inputs["question"] == "walk")].iloc[0]["dataset_record_id"]
    assert record and again.delete_records([wanted]) == 1
    left = mlflow.genai.datasets.get_dataset(dataset_id=dataset.dataset_id)
    assert len(left.to_df()) == 4
    return again.schema, again.profile, assessed(usable), sorted(left.to_df().columns)
