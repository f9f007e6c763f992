"""Traces as applications leave them: nested, failing, annotated, judged, in sessions, and found again."""

import asyncio
import threading

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentError, AssessmentSource, Document, SpanType
from mlflow.entities.trace_status import TraceStatus

from ..session import flow, refused, session


@mlflow.trace(span_type=SpanType.RETRIEVER)
def retrieve(question):
    return [Document(page_content=f"about {question}", metadata={"doc_uri": "https://example.org/a", "score": 0.5})]


@mlflow.trace(name="answering", span_type=SpanType.LLM, attributes={"model": "tiny"})
def answer(question, documents):
    span = mlflow.get_current_active_span()
    span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12})
    return f"{question}! ({len(documents)})"


@mlflow.trace(span_type=SpanType.CHAIN)
def application(question, user="ann", conversation="talk"):
    mlflow.update_current_trace(
        tags={"version": "1", "odd key": "ü ✓"}, metadata={"commit": "abc"}, session_id=conversation, user=user,
        client_request_id=f"request {question}", request_preview=f"asked: {question}", response_preview="told",
    )
    return answer(question, retrieve(question))


def last():
    mlflow.flush_trace_async_logging()
    return mlflow.get_trace(mlflow.get_last_active_trace_id())


@flow()
def nested_functions_leave_a_trace():
    session.experiment()
    assert application("why") == "why! (1)"
    trace = last()
    assert [span.name for span in trace.data.spans] == ["application", "retrieve", "answering"]
    root, retriever, model = trace.data.spans
    assert root.parent_id is None and retriever.parent_id == model.parent_id == root.span_id
    assert root.inputs == {"question": "why", "user": "ann", "conversation": "talk"} and root.outputs == "why! (1)"
    assert model.span_type == "LLM" and model.attributes["model"] == "tiny"
    assert retriever.outputs[0]["page_content"] == "about why"
    info = trace.info
    assert info.state == "OK" and info.request_preview == "asked: why" and info.client_request_id == "request why"
    assert info.trace_metadata["mlflow.trace.session"] == "talk" and info.trace_metadata["mlflow.trace.user"] == "ann"
    assert info.tags["odd key"] == "ü ✓" and info.trace_metadata["commit"] == "abc"
    assert info.token_usage == {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    mlflow.set_trace_tag(info.trace_id, "late", "yes")
    mlflow.delete_trace_tag(info.trace_id, "version")
    again = mlflow.get_trace(info.trace_id)
    assert again.info.tags["late"] == "yes" and "version" not in again.info.tags
    return trace.data.request, trace.data.response


@flow()
def an_error_is_kept_in_the_trace():
    session.experiment()

    @mlflow.trace
    def fails():
        with mlflow.start_span("inner", span_type="TOOL") as span:
            span.set_inputs({"x": [1, 2.5, None, True]})
            raise ValueError("no such rope")

    try:
        fails()
        raise AssertionError("it must fail")
    except ValueError:
        pass
    trace = last()
    assert trace.info.state == "ERROR" and [span.status.status_code for span in trace.data.spans] == ["ERROR", "ERROR"]
    inner = trace.data.spans[1]
    assert inner.events[0].name == "exception" and inner.events[0].attributes["exception.message"] == "no such rope"
    assert "no such rope" in inner.status.description

    @mlflow.trace
    def set_by_hand():
        mlflow.update_current_trace(state="ERROR")
        return "fine"

    set_by_hand()
    assert last().info.state == "ERROR"
    return [trace.info.state for trace in mlflow.search_traces(filter_string="status = 'ERROR'", return_type="list")]


@flow()
def generators_coroutines_and_threads_are_traced():
    session.experiment()

    @mlflow.trace(output_reducer=lambda parts: "".join(parts))
    def stream():
        yield from ("ro", "pe", "walk")

    @mlflow.trace
    async def parallel():
        async def one(number):
            with mlflow.start_span(f"part {number}") as span:
                await asyncio.sleep(0.01 * number)
                span.set_outputs(number)
                return number

        return sum(await asyncio.gather(*(one(number) for number in range(3))))

    assert list(stream()) == ["ro", "pe", "walk"]
    assert last().data.spans[0].outputs == "ropewalk"
    assert asyncio.run(parallel()) == 3
    assert sorted(span.name for span in last().data.spans) == ["parallel", "part 0", "part 1", "part 2"]
    threads = [threading.Thread(target=application, args=(f"thread {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(filter_string="trace.name = 'application'", return_type="list")
    assert len(traces) == 8 and all(len(trace.data.spans) == 3 for trace in traces)


@flow()
def spans_are_started_and_ended_by_hand():
    experiment = session.experiment()
    client = MlflowClient()
    root = client.start_trace("by hand", inputs={"a": 1}, attributes={"k": {"deep": [1]}}, tags={"t": "x"}, experiment_id=experiment)
    child = client.start_span("child", root.trace_id, root.span_id, span_type="PARSER", inputs=[1, 2])
    client.end_span(root.trace_id, child.span_id, outputs={"b": 2}, attributes={"more": "yes"}, status="ERROR")
    client.end_trace(root.trace_id, outputs="done", status=TraceStatus.OK)
    mlflow.flush_trace_async_logging()
    trace = client.get_trace(root.trace_id)
    assert [(span.name, span.status.status_code) for span in trace.data.spans] == [("by hand", "OK"), ("child", "ERROR")]
    free = mlflow.start_span_no_context("free", inputs="in", experiment_id=experiment, metadata={"m": "1"}, tags={"u": "2"})
    part = mlflow.start_span_no_context("part", parent_span=free)
    part.end(outputs={"x": 1})
    free.end(outputs="out")
    mlflow.flush_trace_async_logging()
    told = client.get_trace(free.trace_id)
    assert told.info.trace_metadata["m"] == "1" and told.info.tags["u"] == "2" and len(told.data.spans) == 2
    copied = mlflow.log_trace(name="logged", request="q", response="r", intermediate_outputs={"step": [1]}, start_time_ms=1000, execution_time_ms=50)
    mlflow.flush_trace_async_logging()
    assert client.get_trace(copied).info.execution_duration == 50
    with mlflow.start_span("outer") as outer:
        mlflow.add_trace(trace)
    mlflow.flush_trace_async_logging()
    assert len(client.get_trace(outer.trace_id).data.spans) == 3
    client.delete_traces(experiment, trace_ids=[copied])
    assert mlflow.get_trace(copied, silent=True) is None


@flow()
def a_trace_is_judged():
    experiment = session.experiment()
    application("judge me")
    trace = last()
    where = trace.info.trace_id
    person = AssessmentSource("HUMAN", "ann@example.org")
    feedback = mlflow.log_feedback(
        trace_id=where, name="helpful", value=True, rationale="it is", source=person, metadata={"k": "v"}, span_id=trace.data.spans[1].span_id
    )
    for name, value in (("number", 0.25), ("words", "bad"), ("list", ["a", "b"]), ("map", {"x": 1.5, "y": "z"}), ("whole", 3)):
        mlflow.log_feedback(trace_id=where, name=name, value=value, source=AssessmentSource("LLM_JUDGE", "tiny"))
    mlflow.log_feedback(trace_id=where, name="broken", error=AssessmentError("LIMIT", "too many", "at line 1"), source=AssessmentSource("CODE", "c"))
    expectation = mlflow.log_expectation(trace_id=where, name="expected", value={"answer": ["yes", 1]}, source=person)
    mlflow.update_assessment(where, expectation.assessment_id, mlflow.entities.Expectation(name="expected", value="no"))
    mlflow.override_feedback(trace_id=where, assessment_id=feedback.assessment_id, value=False, rationale="on second thought", source=person)
    gone = mlflow.log_feedback(trace_id=where, name="gone", value=1)
    mlflow.delete_assessment(where, gone.assessment_id)
    refused(lambda: mlflow.get_assessment(where, gone.assessment_id), "RESOURCE_DOES_NOT_EXIST")
    told = {each.name: each for each in mlflow.get_trace(where).info.assessments}
    assert set(told) == {"helpful", "number", "words", "list", "map", "whole", "broken", "expected"}
    assert told["map"].value == {"x": 1.5, "y": "z"} and told["expected"].value == "no" and told["broken"].error.error_code == "LIMIT"
    assert mlflow.get_assessment(where, feedback.assessment_id).valid is False
    found = mlflow.search_traces(locations=[experiment], filter_string="feedback.words = 'bad'", return_type="list")
    assert [each.info.trace_id for each in found] == [where]
    assert mlflow.search_traces(locations=[experiment], filter_string="feedback.words = 'good'", return_type="list") == []
    frame = mlflow.search_traces(locations=[experiment])
    return [sorted(frame.columns), [sorted(each["assessment_name"] for each in row) for row in frame["assessments"]]]


@flow()
def traces_are_found_again():
    experiment = session.experiment()
    with mlflow.start_run(run_name="traced") as run:
        for number in range(6):
            application(f"q{number}", user="ann" if number % 2 else "bob", conversation=f"talk {number // 2}")
    mlflow.flush_trace_async_logging()
    session_traces = mlflow.search_traces(locations=[experiment], filter_string="metadata.`mlflow.trace.session` = 'talk 1'", return_type="list")
    assert sorted(trace.info.client_request_id for trace in session_traces) == ["request q2", "request q3"]

    def ask(text, **more):
        found = mlflow.search_traces(locations=[experiment], filter_string=text, return_type="list", **more)
        return sorted(trace.info.client_request_id[-2:] for trace in found)

    seen = {
        text: ask(text)
        for text in (
            "metadata.`mlflow.trace.user` = 'ann'", "tags.version = '1'", "tags.`odd key` LIKE 'ü%'", "trace.status = 'OK'",
            "trace.client_request_id = 'request q4'", "trace.name = 'application'", "name = 'nothing'", "span.type = 'RETRIEVER'",
            "span.name = 'answering'", "span.attributes.model = 'tiny'", "span.attributes.model LIKE '%in%'",
            "trace.text LIKE '%q3%'", f"attributes.run_id = '{run.info.run_id}'", f"request_id = '{session_traces[0].info.trace_id}'",
            "timestamp_ms > 0 AND execution_time_ms < 100000", "metadata.commit != 'abc'", "trace.timestamp > 10000000000000",
        )
    }
    assert seen["metadata.`mlflow.trace.user` = 'ann'"] == ["q1", "q3", "q5"]
    assert seen["trace.client_request_id = 'request q4'"] == ["q4"]
    assert ask("", run_id=run.info.run_id) == [f"q{number}" for number in range(6)]
    assert len(ask("", max_results=4)) == 4
    client = MlflowClient()
    first = client.search_traces(locations=[experiment], max_results=4, order_by=["timestamp_ms DESC"])
    second = client.search_traces(locations=[experiment], max_results=4, order_by=["timestamp_ms DESC"], page_token=first.token)
    assert (len(first), len(second), second.token) == (4, 2, None)
    talks = mlflow.search_sessions(locations=[experiment])
    assert sorted(len(talk) for talk in talks) == [2, 2, 2]
    frame = mlflow.search_traces(locations=[experiment], extract_fields=None)
    assert len(frame) == 6
    refused(lambda: ask("nonsense.x = '1'"), "INVALID_PARAMETER_VALUE")
    other = client.create_run(experiment, run_name="linked")
    client.link_traces_to_run([trace.info.trace_id for trace in session_traces], other.info.run_id)
    assert ask("", run_id=other.info.run_id) == ["q2", "q3"]
    key = f"request_id = '{session_traces[0].info.trace_id}'"
    return {"seen": {text: found for text, found in seen.items() if "id = " not in text}, "own": len(seen[key]), "columns": sorted(frame.columns)}


@flow()
def large_and_odd_values_are_traced():
    session.experiment()

    class Odd:
        def __repr__(self):
            return "<odd>"

    @mlflow.trace
    def takes(value):
        return value

    takes({"text": "long " * 20000, "bytes": b"\x00\xff", "set": {1}, "odd": Odd(), "nan": float("nan"), "deep": [[[[[{"k": None}]]]]]})
    trace = last()
    assert trace.info.request_preview and len(trace.info.request_preview) <= 1000
    assert len(trace.data.spans[0].inputs["value"]["text"]) == 100000
    takes("")
    takes(None)
    takes("\u0000 nul and 😀")
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(return_type="list")
    return sorted(str(trace.data.spans[0].outputs)[:40] for trace in found)
