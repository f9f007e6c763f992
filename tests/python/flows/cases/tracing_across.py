"""Traces over the bounds of one process, one experiment and one text: carried by headers, sent elsewhere, sampled, with files in them."""

import urllib.parse

import mlflow
from mlflow.entities.trace_location import MlflowExperimentLocation
from mlflow.tracing import get_tracing_context_headers_for_http_request, set_tracing_context_from_http_request_headers
from mlflow.tracing.attachments import Attachment

from ..session import call, flow, session


@flow()
def files_are_attached_to_spans():
    experiment = session.experiment()
    with mlflow.start_span("seeing") as span:
        span.set_inputs({"picture": Attachment(content_type="image/png", content_bytes=b"\x89PNG" + bytes(2000)), "text": "what is it"})
        span.set_outputs([Attachment(content_type="text/plain", content_bytes="ü rope".encode())])
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(locations=[experiment], return_type="list")
    picture, words = trace.data.spans[0].inputs["picture"], trace.data.spans[0].outputs[0]
    assert picture.startswith("mlflow-attachment://") and "size=2004" in picture, picture
    files = mlflow.MlflowClient()._tracing_client._get_artifact_repo_for_trace(trace.info)
    read = [files.download_trace_attachment(Attachment.parse_ref(reference)["attachment_id"]) for reference in (picture, words)]
    assert read == [b"\x89PNG" + bytes(2000), "ü rope".encode()], read
    for reference, whole in zip((picture, words), read):
        asked = urllib.parse.urlencode({"request_id": trace.info.trace_id, "path": Attachment.parse_ref(reference)["attachment_id"]})
        assert call(f"/ajax-api/3.0/mlflow/get-trace-artifact?{asked}", raw=True)[1] == whole
    return [Attachment.parse_ref(reference)["content_type"] for reference in (picture, words)]


@flow()
def a_trace_is_carried_by_headers():
    experiment = session.experiment()
    with mlflow.start_span("caller") as caller:
        headers = get_tracing_context_headers_for_http_request()
        # As another service does it, when the request has come.
        with set_tracing_context_from_http_request_headers(headers), mlflow.start_span("called") as called:
            called.set_inputs({"q": 1})
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(locations=[experiment], return_type="list")
    spans = {span.name: span for span in trace.data.spans}
    assert spans["called"].parent_id == spans["caller"].span_id and trace.info.trace_id == caller.trace_id
    return sorted(headers)


@flow()
def traces_go_to_another_experiment():
    first, other = session.experiment(), session.experiment("other")
    mlflow.set_experiment(experiment_id=first)

    @mlflow.trace(trace_destination=MlflowExperimentLocation(other))
    def there():
        return "there"

    @mlflow.trace(sampling_ratio_override=0.0)
    def never():
        return "never"

    there()
    never()
    mlflow.tracing.set_destination(MlflowExperimentLocation(other))
    try:
        with mlflow.start_span("set"):
            pass
    finally:
        mlflow.tracing.reset()
    mlflow.tracing.disable()
    with mlflow.start_span("switched off"):
        pass
    mlflow.tracing.enable()
    with mlflow.start_span("here"):
        pass
    mlflow.flush_trace_async_logging()

    def names(place):
        return sorted(trace.data.spans[0].name for trace in mlflow.search_traces(locations=[place], return_type="list"))

    assert (names(first), names(other)) == (["here"], ["set", "there"])
    both = mlflow.search_traces(locations=[first, other], return_type="list")
    assert len(both) == 3
