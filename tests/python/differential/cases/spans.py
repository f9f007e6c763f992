"""Spans that arrive over OTLP."""

import gzip
import zlib

from ..registry import area
from ..steps import experiment, run
from ..traces import EXPORT, export, export_binary, number, read, span, start

case = area("spans")


def kept(pair, *names):
    for name in names:
        pair.set(name, f"tr-{number(pair, name)}")


def whole(pair, name, **more):
    """A trace as MLflow's client sends it: a root, a model call below it, a tool below that."""
    identifier = f"tr-{number(pair, name)}"
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return [
        span(pair, name, "root", None, 0, 2_000_000_000, {"mlflow.traceRequestId": identifier, "mlflow.spanType": "CHAIN",
                "mlflow.spanInputs": {"question": "why?"}, "mlflow.spanOutputs": {"answer": "because"},
                "mlflow.spanFunctionName": "answer"}, {"code": 1}, **more),
        span(pair, name, "llm", "root", 1_000_000, 1_000_000_000,
            {"mlflow.traceRequestId": identifier, "mlflow.spanType": "CHAT_MODEL",
                "mlflow.spanInputs": {"messages": [{"role": "user", "content": "hi"}]}, "mlflow.spanOutputs": "there",
                "mlflow.chat.tokenUsage": usage}, {"code": 1},
             [{"name": "first token", "timeUnixNano": "1700000000500000000", "attributes": [{"key": "n", "value": {"intValue": "1"}}]}]),
        span(pair, name, "tool", "llm", 2_000_000, 500_000_000,
            {"mlflow.traceRequestId": identifier, "mlflow.spanType": "TOOL", "mlflow.spanInputs": {"x": 1.5, "y": None, "z": [1, True]}},
            {"code": 2, "message": "broke"}, kind=3),
    ]


def look(pair, name):
    read(pair, name)
    pair.get("3:traces/get", f"trace_id={{{name}}}")


@case
def exported(pair):
    experiment(pair)
    kept(pair, "json", "binary", "late", "early")
    export(pair, whole(pair, "json"))
    look(pair, "json")
    export_binary(pair, whole(pair, "binary"))
    look(pair, "binary")
    pair.get("3:traces/batchGet", "trace_ids={json}&trace_ids={binary}", unordered=("traces",))
    pair.get("/ajax-api/3.0/mlflow/get-trace-artifact", "request_id={json}", as_json=True,
        show_headers=("Content-Type", "Content-Disposition"))
    export(pair, whole(pair, "json"), name="the same again")
    look(pair, "json")
    start(pair, "late", state="IN_PROGRESS", execution_duration="absent", tags={"a": "1"})
    export(pair, whole(pair, "late"), name="spans after the trace")
    look(pair, "late")
    export(pair, whole(pair, "early"), name="spans before the trace")
    start(pair, "early", tags={"a": "1"}, trace_metadata={"m": "1"})
    look(pair, "early")


@case
def in_parts(pair):
    experiment(pair)
    kept(pair, "parts", "orphan", "two", "one")
    spans = whole(pair, "parts")
    export(pair, spans[1:2], name="a child first")
    look(pair, "parts")
    pair.get("3:traces/get", "trace_id={parts}&allow_partial=true")
    export(pair, spans[2:], name="another child")
    export(pair, spans[:1], name="the root at last")
    look(pair, "parts")
    export(pair, [span(pair, "orphan", "child", "never")], name="a child alone")
    look(pair, "orphan")
    export(pair, whole(pair, "one") + whole(pair, "two"), name="two traces at once")
    pair.get("3:traces/batchGet", "trace_ids={one}&trace_ids={two}", unordered=("traces",))


@case
def forms_of_values(pair):
    """Attributes of every OTLP type, as clients other than MLflow's send them."""
    experiment(pair)
    kept(pair, "values", "semantic", "openinference", "resources", "empty", "session")
    one = span(pair, "values", "root")
    one["attributes"] = [{"key": key, "value": value} for key, value in {
        "text": {"stringValue": "plain"}, "json": {"stringValue": '{"a": 1}'}, "quoted": {"stringValue": '"x"'},
        "number text": {"stringValue": "5"}, "int": {"intValue": "5"}, "double": {"doubleValue": 1.5}, "bool": {"boolValue": True},
        "bytes": {"bytesValue": "AAE="},
        "list": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}},
        "map": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": False}}]}}, "none": {}, "empty": {"stringValue": ""},
        "unicode": {"stringValue": "ü🎈"}, "large": {"intValue": "9223372036854775807"},
    }.items()]
    export(pair, [one])
    look(pair, "values")
    one = span(pair, "semantic", "chat gpt")
    one["attributes"] = [{"key": key, "value": value} for key, value in {
        "gen_ai.operation.name": {"stringValue": "chat"}, "gen_ai.request.model": {"stringValue": "model-x"},
        "gen_ai.response.model": {"stringValue": "model-y"}, "gen_ai.provider.name": {"stringValue": "nobody"},
        "gen_ai.usage.input_tokens": {"intValue": "7"}, "gen_ai.usage.output_tokens": {"intValue": "3"},
        "gen_ai.input.messages": {"stringValue": '[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]'},
        "gen_ai.output.messages": {"stringValue": '[{"role": "assistant", "parts": [{"type": "text", "content": "there"}]}]'},
        "session.id": {"stringValue": "s1"}, "user.id": {"stringValue": "u1"},
    }.items()]
    export(pair, [one])
    look(pair, "semantic")
    one = span(pair, "openinference", "LLM")
    one["attributes"] = [{"key": key, "value": value} for key, value in {
        "openinference.span.kind": {"stringValue": "LLM"}, "input.value": {"stringValue": "hi"}, "output.value": {"stringValue": "there"},
        "llm.token_count.prompt": {"intValue": "4"}, "llm.token_count.completion": {"intValue": "6"},
        "llm.model_name": {"stringValue": "model-z"},
    }.items()]
    export(pair, [one])
    look(pair, "openinference")
    export(pair, [span(pair, "resources", "root", attributes={"mlflow.traceTag.team": "red",
            "mlflow.traceTag.mlflow.artifactLocation": "s3://x"})], resource={"service.name": "claude-code", "service.version": "1"})
    look(pair, "resources")
    export(pair, [span(pair, "empty", "")])
    look(pair, "empty")
    export(pair, [span(pair, "session", "root", attributes={"session.id": "s2", "user.id": "u2", "mlflow.trace.session": "s3",
            "mlflow.trace.user": "u3"})])
    look(pair, "session")


@case
def states_and_times(pair):
    experiment(pair)
    names = []
    for label, more in (
        ("ok", {"status": {"code": 1}}), ("bad", {"status": {"code": 2, "message": "broke"}}), ("unset", {"status": {"code": 0}}),
        ("word", {"status": {"code": "STATUS_CODE_ERROR"}}), ("backwards", {"begin": 5, "end": 1}), ("instant", {"begin": 0, "end": 0}),
        ("short", {"begin": 0, "end": 999_999}), ("fraction", {"begin": 1_234_567, "end": 9_876_543}),
        ("ancient", {"start": 1}), ("zero", {"start": 0, "end": 0}), ("kind", {"kind": 5}), ("long", {"end": 10**15}),
    ):
        kept(pair, label)
        names.append(label)
        export(pair, [span(pair, label, "root", **more)], name=label)
        look(pair, label)
    kept(pair, "unended", "links", "events")
    one = span(pair, "unended", "root")
    del one["endTimeUnixNano"]
    export(pair, [one], name="without an end")
    look(pair, "unended")
    export(pair, [span(pair, "links", "root", links=[{"traceId": number(pair, "ok"), "spanId": "0102030405060708",
            "attributes": [{"key": "a", "value": {"stringValue": "b"}}]}])])
    look(pair, "links")
    export(pair, [span(pair, "events", "root", status={"code": 2, "message": "broke"},
            events=[{"name": "exception", "timeUnixNano": "1700000000000000001",
                    "attributes": [{"key": "exception.message", "value": {"stringValue": "boom"}},
                        {"key": "exception.type", "value": {"stringValue": "ValueError"}}]}])])
    look(pair, "events")


@case
def long_texts(pair):
    experiment(pair)
    kept(pair, "long", "messages", "deep")
    export(pair, [span(pair, "long", "root", attributes={"mlflow.spanInputs": {"text": "x" * 5000}, "mlflow.spanOutputs": "y" * 5000})])
    look(pair, "long")
    export(pair, [span(pair, "messages", "root", attributes={"mlflow.spanInputs": {"messages": [{"role": "system", "content": "be short"},
            {"role": "user", "content": "hi " * 600}]},
            "mlflow.spanOutputs": {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}})])
    look(pair, "messages")
    export(pair, [span(pair, "deep", f"s{n}", f"s{n - 1}" if n else None, n, 1000 - n) for n in range(30)])
    look(pair, "deep")


@case
def with_runs(pair):
    experiment(pair)
    run(pair)
    kept(pair, "linked", "unknown", "metadata")
    export(pair, whole(pair, "linked"), headers={"x-mlflow-run-id": "{run}"})
    look(pair, "linked")
    export(pair, whole(pair, "unknown"), headers={"x-mlflow-run-id": "f" * 32}, name="an unknown run")
    look(pair, "unknown")
    export(pair, [span(pair, "metadata", "root", attributes={"mlflow.sourceRun": "x", "mlflow.trace.sourceRun": "y"})])
    look(pair, "metadata")


@case
def refusals(pair):
    experiment(pair)
    kept(pair, "x")
    good = [span(pair, "x", "root")]
    headers = {"x-mlflow-experiment-id": "{exp}"}
    pair.post(EXPORT, {"resourceSpans": []}, headers=headers, name="no spans")
    pair.post(EXPORT, {}, headers=headers, name="nothing")
    pair.post(EXPORT, {"resourceSpans": [{"scopeSpans": [{"spans": good}]}]}, name="no experiment")
    for value in ("99999999", "x", "", "-1"):
        export(pair, good, headers={"x-mlflow-experiment-id": value}, name=f"experiment {value!r}")
    for kind in ("text/plain", "application/x-protobuf", "application/json; charset=utf-8", "application/grpc", None, "",
        "APPLICATION/JSON", "application/protobuf"):
        pair.post(EXPORT, b'{"resourceSpans": []}', headers={**headers, "Content-Type": kind}, name=f"type {kind}")
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"resourceSpans": "x"}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz", "spanId": "01"}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "", "spanId": ""}]}]}]}',
                 b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "' + number(pair,
                     "short")[:12].encode() + b'", "spanId": "0102", "name": "short"}]}]}]}', b'{"resourceSpans": [{}]}',
                     b'{"resourceSpans": [{"scopeSpans": []}]}', b'{"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}',
                     b'{"resourceSpans": [null]}', b'{"resource_spans": []}'):
        pair.post(EXPORT, body, headers=headers, name=f"JSON {body[:70]!r}")
    for body in (b"", b"\x00", b"\xff\xff\xff", b"nonsense", b"\x0a\x00", b"\x0a\x02\x12\x00"):
        pair.post(EXPORT, body, headers={**headers, "Content-Type": "application/x-protobuf"}, name=f"protobuf {body!r}",
            show_headers=("Content-Type",))
    for name, encode in (("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("br", bytes)):
        kept(pair, f"z{name}")
        export_binary(pair, [span(pair, f"z{name}", "root")], headers={"Content-Encoding": name}, encode=encode, name=f"encoding {name}",
            show_headers=("Content-Type",))
        read(pair, f"z{name}")
    pair.post(EXPORT, b"not compressed", headers={**headers, "Content-Encoding": "gzip"}, name="no gzip")
    pair.get(EXPORT, name="by GET")
    pair.put(EXPORT, {}, headers=headers, name="by PUT")
    pair.post("/api/v1/traces", {}, headers=headers, name="below /api", text=False)
    pair.post("/v1/metrics", {}, headers=headers, name="metrics", text=False)
    pair.post("/v1/logs", {}, headers=headers, name="logs", text=False)
    pair.post("experiments/delete", {"experiment_id": "{exp}"})
    export(pair, good, name="a deleted experiment")


@case
def costs(pair):
    """What a call of a well-known model costs is worked out from the stock server's own table of prices."""
    experiment(pair)
    for name, model, provider in (("mini", "gpt-4o-mini", "openai"), ("nobody", "no-such-model", "nobody"),
        ("claude", "claude-sonnet-4-5", "anthropic")):
        kept(pair, name)
        export(pair, [span(pair, name, "root", attributes={"mlflow.spanType": "LLM", "mlflow.llm.model": model,
                "mlflow.llm.provider": provider, "mlflow.chat.tokenUsage": {"input_tokens": 1000, "output_tokens": 500,
                    "total_tokens": 1500}})])
        look(pair, name)
    kept(pair, "given")
    export(pair, [span(pair, "given", "root", attributes={"mlflow.llm.cost": {"input_cost": 0.5, "output_cost": 0.25,
            "total_cost": 0.75}})])
    look(pair, "given")
