"""Traces and spans as cases send them."""

import base64
import hashlib
import json

EXPORT = "/v1/traces"
SEARCH = "3:traces/search"


def number(pair, name):
    """32 hexadecimal digits that belong to a name within a case."""
    return hashlib.md5(f"{pair.unique}{name}".encode()).hexdigest()


def place(exp="exp"):
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": f"{{{exp}}}"}}


def start(pair, name, exp="exp", label="", **more):
    """Start a trace; its identifier is kept under `name`."""
    pair.set(name, f"tr-{number(pair, name)}")
    info = {
        "trace_id": f"{{{name}}}", "trace_location": place(exp), "request_time": "2024-01-01T00:00:00Z", "execution_duration": "1.5s",
        "state": "OK",
        "request_preview": "question", "response_preview": "answer", **more,
    }
    info = {key: value for key, value in info.items() if value != "absent"}
    return pair.post("3:traces", {"trace": {"trace_info": info}}, name=label)


def read(pair, trace, **more):
    return pair.get(f"3:traces/{{{trace}}}", **more)


def find(pair, text=None, name="", exps=("exp",), **more):
    body = {"locations": [place(exp) for exp in exps], **more}
    if text is not None:
        body["filter"] = text
    return pair.post(SEARCH, body, name=name)


def span(pair, trace, name, parent=None, begin=0, end=1_000_000_000, attributes=None, status=None, events=(), kind=None, links=(),
    start=1_700_000_000_000_000_000):
    """A span in OTLP's JSON form. Attributes' values are made JSON, as MLflow's client does."""
    made = {
        "traceId": number(pair, trace), "spanId": number(pair, trace + name)[:16], "name": name, "startTimeUnixNano": str(start + begin),
        "endTimeUnixNano": str(start + end),
        "attributes": [{"key": key, "value": {"stringValue": json.dumps(value)}} for key, value in (attributes or {}).items()],
    }
    if parent:
        made["parentSpanId"] = number(pair, trace + parent)[:16]
    if status:
        made["status"] = status
    if events:
        made["events"] = list(events)
    if kind:
        made["kind"] = kind
    if links:
        made["links"] = list(links)
    return made


def export(pair, spans, exp="exp", headers=None, resource=None, name="", **more):
    """Send spans as OTLP's JSON."""
    resource_spans = {"scopeSpans": [{"spans": spans}]}
    if resource:
        resource_spans["resource"] = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]}
    return pair.post(EXPORT, {"resourceSpans": [resource_spans]}, headers={"x-mlflow-experiment-id": f"{{{exp}}}", **(headers or {})},
        name=name, **more)


def export_binary(pair, spans, exp="exp", headers=None, name="", encode=None, **more):
    """Send spans as OTLP's protocol buffers, by way of the OpenTelemetry package that MLflow needs anyway."""
    from google.protobuf import json_format
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    turned = []
    for one in spans:
        one = dict(one)
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in one:
                one[key] = base64.b64encode(bytes.fromhex(one[key])).decode()
        turned.append(one)
    message = json_format.ParseDict({"resourceSpans": [{"scopeSpans": [{"spans": turned}]}]}, ExportTraceServiceRequest())
    body = message.SerializeToString()
    sent = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": f"{{{exp}}}", **(headers or {})}
    return pair.call("POST", EXPORT, encode(body) if encode else body, None, sent, name=name, **more)
