"""Bad input, by plan: every route that takes a body, with bodies that are no objects, and with every field of a wrong type.

The routes and the types of their fields come from MLflow's own protocol buffers.
"""

import json
import warnings

from ..registry import area
from ..steps import experiment, model, registered, run, version
from ..traces import start

case = area("bad-input")
PAIRS = [{"key": "k", "value": "v"}]
HUMAN = {"source_type": "HUMAN", "source_id": "me"}
NOBODY = "98765432"
# A whole body for every route; `{n}` is another number in every call. What would take away the resources of the case names nothing.
WHOLE = {
    "POST experiments/create": {"name": "{u}.{n}", "artifact_location": "s3://b/{n}", "tags": PAIRS},
    "POST experiments/search": {"max_results": 1, "page_token": "", "filter": "name = '{u}'", "order_by": ["name"], "view_type": "ALL"},
    "POST experiments/delete": {"experiment_id": NOBODY},
    "POST experiments/restore": {"experiment_id": NOBODY},
    "POST experiments/update": {"experiment_id": "{exp}", "new_name": "{u}.{n}"},
    "POST experiments/set-experiment-tag": {"experiment_id": "{exp}", "key": "k", "value": "v"},
    "POST experiments/delete-experiment-tag": {"experiment_id": "{exp}", "key": "none"},
    "POST runs/create": {"experiment_id": "{exp}", "user_id": "me", "run_name": "r.{n}", "start_time": 5, "tags": PAIRS},
    "POST runs/update": {"run_id": "{run}", "status": "RUNNING", "end_time": 5, "run_name": "r.{n}"},
    "POST runs/delete": {"run_id": "f" * 32},
    "POST runs/restore": {"run_id": "f" * 32},
    "POST runs/log-metric": {"run_id": "{run}", "key": "m{n}", "value": 1.5, "timestamp": 5, "step": 1, "model_id": "", "dataset_name": "",
        "dataset_digest": ""},
    "POST runs/log-parameter": {"run_id": "{run}", "key": "p{n}", "value": "v"},
    "POST runs/set-tag": {"run_id": "{run}", "key": "k{n}", "value": "v"},
    "POST runs/delete-tag": {"run_id": "{run}", "key": "none"},
    "POST runs/search": {"experiment_ids": ["{empty}"], "filter": "tags.none = 'x'", "run_view_type": "ALL", "max_results": 1,
        "order_by": ["start_time"], "page_token": ""},
    "POST runs/log-batch": {"run_id": "{run}", "metrics": [{"key": "b", "value": 1, "timestamp": 1, "step": 1}],
        "params": [{"key": "b{n}", "value": "v"}], "tags": PAIRS},
    "POST runs/log-model": {"run_id": "{run}",
        "model_json": '{"artifact_path": "m", "flavors": {}, "utc_time_created": "t", "run_id": "r"}'},
    "POST runs/log-inputs": {"run_id": "{run}", "datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "s"}}],
        "models": [{"model_id": "{model}"}]},
    "POST runs/outputs": {"run_id": "{run}", "models": [{"model_id": "{model}", "step": 1}]},
    "POST artifacts/presigned-upload-url": {"run_id": "{run}", "path": "a", "expiration": 5},
    "POST artifacts/presigned-download-url": {"run_id": "{run}", "path": "a", "expiration": 5},
    "POST traces": {"experiment_id": "{exp}", "timestamp_ms": 5, "request_metadata": PAIRS, "tags": PAIRS},
    "PATCH traces/{trace}": {"timestamp_ms": 1704067201500, "status": "OK", "request_metadata": PAIRS, "tags": PAIRS},
    "PATCH traces/{trace}/tags": {"key": "k", "value": "v"},
    "DELETE traces/{trace}/tags": {"key": "none"},
    "POST traces/delete-traces": {"experiment_id": NOBODY, "max_timestamp_millis": 1, "max_traces": 1, "request_ids": []},
    "POST traces/link-to-run": {"trace_ids": ["{trace}"], "run_id": "{run}"},
    "POST traces/link-prompts": {"trace_id": "{trace}", "prompt_versions": [{"name": "p", "version": "1"}]},
    "POST 3:traces": {"trace": {"trace_info": {"trace_id": "{trace}",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{exp}"}},
            "request_time": "2024-01-01T00:00:00Z", "state": "OK"}}},
    "POST 3:traces/search": {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{empty}"}}],
        "filter": "tags.none = 'x'", "max_results": 1, "order_by": ["timestamp_ms"], "page_token": ""},
    "POST 3:traces/batchGetInfos": {"trace_ids": ["none"], "experiment_ids": ["{exp}"]},
    "POST 3:traces/calculate-filter-correlation": {"experiment_ids": ["{exp}"], "filter_string1": "status = 'OK'",
        "filter_string2": "status = 'OK'", "base_filter": "status = 'OK'"},
    "POST 3:traces/metrics": {"experiment_ids": ["{exp}"], "view_type": "TRACES", "metric_name": "trace_count",
        "aggregations": [{"aggregation_type": "COUNT"}], "dimensions": ["trace_name"], "filters": ["trace.status = 'X'"],
        "time_interval_seconds": 60, "start_time_ms": 1, "end_time_ms": 2, "max_results": 1, "page_token": ""},
    "POST 3:traces/{trace}/assessments": {"assessment": {"assessment_name": "a", "source": HUMAN, "feedback": {"value": 1}}},
    "PATCH 3:traces/{trace}/assessments/{assessment}": {"assessment": {"rationale": "r"}, "update_mask": "rationale"},
    "POST logged-models": {"experiment_id": "{exp}", "name": "m{n}", "model_type": "t", "source_run_id": "{run}", "params": PAIRS,
        "tags": PAIRS},
    "PATCH logged-models/{model}": {"model_id": "{model}", "status": "LOGGED_MODEL_READY"},
    "POST logged-models/search": {"experiment_ids": ["{empty}"], "filter": "name = 'none'", "datasets": [{"dataset_name": "d"}],
        "max_results": 1, "order_by": [{"field_name": "name"}], "page_token": ""},
    "PATCH logged-models/{model}/tags": {"tags": PAIRS},
    "POST logged-models/{model}/params": {"model_id": "{model}", "params": [{"key": "p{n}", "value": "v"}]},
    "POST 3:datasets/create": {"name": "{u}.{n}", "experiment_ids": ["{exp}"], "source_type": "HUMAN", "source": "s", "schema": "{}",
        "profile": "{}", "created_by": "me", "tags": '{"a": "1"}'},
    "POST 3:datasets/search": {"experiment_ids": ["{exp}"], "filter_string": "name = 'none'", "max_results": 1, "order_by": ["name"],
        "page_token": ""},
    "PATCH 3:datasets/{dataset}/tags": {"tags": '{"a": "1"}'},
    "POST 3:datasets/{dataset}/records": {"records": '[{"inputs": {"q": 1}}]', "updated_by": "me"},
    "DELETE 3:datasets/{dataset}/records": {"dataset_record_ids": ["none"]},
    "POST 3:datasets/{dataset}/add-experiments": {"experiment_ids": ["{exp}"]},
    "POST 3:datasets/{dataset}/remove-experiments": {"experiment_ids": ["{exp}"]},
    "POST registered-models/create": {"name": "{u}.{n}", "tags": PAIRS, "description": "d"},
    "POST registered-models/rename": {"name": "{u}.none", "new_name": "{u}.{n}"},
    "PATCH registered-models/update": {"name": "{u}.model", "description": "d"},
    "DELETE registered-models/delete": {"name": "{u}.none"},
    "POST registered-models/get-latest-versions": {"name": "{u}.model", "stages": ["None"]},
    "POST registered-models/set-tag": {"name": "{u}.model", "key": "k", "value": "v"},
    "DELETE registered-models/delete-tag": {"name": "{u}.model", "key": "none"},
    "POST registered-models/alias": {"name": "{u}.model", "alias": "a", "version": "1"},
    "DELETE registered-models/alias": {"name": "{u}.model", "alias": "none"},
    "POST model-versions/create": {"name": "{u}.model", "source": "s3://b/m", "run_id": "", "tags": PAIRS, "run_link": "l",
        "description": "d", "model_id": ""},
    "PATCH model-versions/update": {"name": "{u}.model", "version": "1", "description": "d"},
    "POST model-versions/transition-stage": {"name": "{u}.model", "version": "1", "stage": "Staging", "archive_existing_versions": False},
    "DELETE model-versions/delete": {"name": "{u}.model", "version": "99"},
    "POST model-versions/set-tag": {"name": "{u}.model", "version": "1", "key": "k", "value": "v"},
    "DELETE model-versions/delete-tag": {"name": "{u}.model", "version": "1", "key": "none"},
    # Nothing sets this event off, so that the webhook never fires.
    "POST webhooks": {"name": "{u}.{n}", "description": "d", "url": "https://8.8.8.8/x",
        "events": [{"entity": "BUDGET_POLICY", "action": "EXCEEDED"}], "secret": "s", "status": "DISABLED"},
    "PATCH webhooks/{hook}": {"name": "{u}.{n}", "description": "d", "url": "https://8.8.8.8/x",
        "events": [{"entity": "BUDGET_POLICY", "action": "EXCEEDED"}], "secret": "s", "status": "DISABLED"},
    "POST webhooks/none/test": {"event": {"entity": "PROMPT", "action": "CREATED"}},
    "POST /api/2.0/mlflow-artifacts/mpu/create/x": {"path": "a", "num_parts": 1},
    "POST /api/2.0/mlflow-artifacts/mpu/complete/x": {"path": "a", "upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]},
    "POST /api/2.0/mlflow-artifacts/mpu/abort/x": {"path": "a", "upload_id": "u"},
}
LOOSE = ("digest",)
# What these list when their filter is lost is everything there is, and that is not this case's.
GLOBAL = ("experiments", "datasets", "registered_models", "model_versions", "next_page_token")
UNORDERED = ("data_points", "assessments", "latest_versions", "model_versions", "experiment_ids", "trace_infos")


def prepare(pair):
    experiment(pair)
    experiment(pair, "empty")
    run(pair)
    model(pair)
    registered(pair)
    version(pair)
    start(pair, "trace")
    pair.post("3:traces/{trace}/assessments", {"assessment": {"assessment_name": "first", "source": HUMAN, "feedback": {"value": 1}}})
    pair.keep_if_made("assessment", "assessment.assessment_id")
    pair.post("3:datasets/create", {"name": "{u}.data"}, ignore=LOOSE)
    pair.keep_if_made("dataset", "dataset.dataset_id")
    pair.set("n", "0")


def send(pair, route, body, name, headers=None):
    method, path = route.split(" ")
    pair.set("n", str(int(pair.variables[0]["n"]) + 1))
    call = pair.call(method, path, body, None, headers, f"{route.replace('3:', '/3.0/')}: {name}",
        ignore=LOOSE + (GLOBAL if route.endswith(("experiments/search", "datasets/search")) else ()), unordered=UNORDERED)
    if route == "POST webhooks" and call.stock.status == 200 == call.ours.status:
        pair.keep("made", "webhook.webhook_id", call)
        pair.delete("webhooks/{made}")
    return call


def fields():
    """The fields of every route's request: by method and last words of the path, name to kind."""
    warnings.filterwarnings("ignore")
    from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2, webhooks_pb2

    kinds = {"TYPE_STRING": "string", "TYPE_BOOL": "bool", "TYPE_ENUM": "enum", "TYPE_MESSAGE": "message", "TYPE_DOUBLE": "double"}
    found = {}
    for service in (service_pb2.MlflowService, model_registry_pb2.ModelRegistryService, webhooks_pb2.WebhookService,
        mlflow_artifacts_pb2.MlflowArtifactsService):
        for method in service.DESCRIPTOR.methods:
            for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                shape = {}
                for field in method.input_type.fields:
                    number = {value: key for key, value in type(field).__dict__.items() if key.startswith("TYPE_")}.get(field.type, "")
                    shape[field.name] = "list" if field.is_repeated else kinds.get(number, "integer")
                found[endpoint.method, endpoint.since.major, normal(endpoint.path)] = shape
    return found


def normal(path):
    """A route's path with every parameter alike."""
    return "/".join("*" if "{" in step or "<" in step else step for step in path.split("/"))


def shape_of(route, known):
    method, path = route.split(" ")
    if path.startswith("/api/2.0/mlflow-artifacts"):
        return known[method, 2, normal(path.removeprefix("/api/2.0").removesuffix("x") + "<x>")]
    major, path = (3, path[2:]) if path.startswith("3:") else (2, path)
    return known[method, major, normal("/mlflow/" + path.replace("webhooks/none", "webhooks/{x}"))]


WRONG = {
    "string": (5, None, ["x"], {"a": 1}),
    "integer": ("x", 1.5, None, [1], 2**70),
    "double": ("x", True, None, [1], {"a": 1}),
    "bool": ("x", "true", 1, None),
    "enum": ("NONSENSE", 99, None),
    "list": ("x", {"a": 1}, None, [None], [5]),
    "message": ("x", None, []),
}


def wrong_types(pair, routes):
    """Each field of each route once with each wrong type, and once left out."""
    prepare(pair)
    known = fields()
    for route in routes:
        whole = WHOLE[route]
        shape = shape_of(route, known)
        if route == "PATCH webhooks/{hook}":
            pair.post("webhooks", {**WHOLE["POST webhooks"], "name": "{u}.hook"}, unordered=UNORDERED)
            pair.keep_if_made("hook", "webhook.webhook_id")
        send(pair, route, whole, "whole")
        for name, value in whole.items():
            send(pair, route, {key: other for key, other in whole.items() if key != name}, f"without {name}")
            for wrong in WRONG[shape[name]]:
                send(pair, route, {**whole, name: wrong}, f"{name} = {json.dumps(wrong)}")
            # A protocol buffer is read field by field: what stands behind the broken one may be lost.
            if len(whole) > 2 and shape[name] != "message":
                send(pair, route, {name: {"a": 1} if shape[name] != "list" else 5,
                        **{key: other for key, other in whole.items() if key != name}}, f"{name} broken, and first")
        if route == "PATCH webhooks/{hook}":
            pair.delete("webhooks/{hook}")


BODIES = (b"", b"{", b"[]", b'"x"', b"null", b"5")
MORE_BODIES = (
    b" ", b"{}", b'{"a": NaN}', b"{'a': 1}", b'{"a": 1,}', b"\xef\xbb\xbf{}", b'"{}"', b'"[]"', b'"\\"x\\""', b'"null"', b"true",
    b"\xff\xfe", b'{"a": 1}}', b'[{"a": 1}]', b"[" * 3000 + b"]" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"a": "\\ud800"}',
    b'{"a": 1e999}', b"0", b"\x00", b'{"a": "' + b"x" * 200000 + b'"}',
)


def bodies(pair, routes):
    prepare(pair)
    for route in routes:
        if route == "PATCH webhooks/{hook}":
            continue
        for body in BODIES:
            send(pair, route, body, f"{body!r}")
        whole = json.dumps(WHOLE[route]).encode()
        send(pair, route, whole, "as plain text", {"Content-Type": "text/plain"})
        send(pair, route, whole, "without a type", {"Content-Type": None})
        send(pair, route, WHOLE[route] | {"nonsense": {"deep": [1]}}, "with an unknown field")


def part(number, of=4):
    """A quarter of the routes, so that a case stays short."""
    routes = list(WHOLE)
    return [route for index, route in enumerate(routes) if index * of // len(routes) == number]


for _number in range(4):
    def _wrong(pair, number=_number):
        wrong_types(pair, part(number))

    def _bodies(pair, number=_number):
        bodies(pair, part(number))

    _wrong.__name__ = f"wrong_types_{_number + 1}"
    _bodies.__name__ = f"bodies_{_number + 1}"
    case(_wrong)
    case(_bodies)


@case
def odd_bodies(pair):
    """More of what is no object, on the routes that are called most."""
    prepare(pair)
    for route in ("POST experiments/create", "POST runs/log-metric", "POST runs/log-batch", "POST runs/search", "POST 3:traces",
        "PATCH registered-models/update"):
        for body in MORE_BODIES:
            send(pair, route, body, f"{body[:30]!r}")
        whole = json.dumps(WHOLE[route]).encode()
        for kind in ("application/json; charset=utf-8", "application/json;charset=latin-1", "APPLICATION/JSON",
            "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx", "text/json",
            "application/json, text/plain", " application/json"):
            send(pair, route, whole, f"type {kind!r}", {"Content-Type": kind})
        send(pair, route, json.dumps(whole.decode()), "encoded twice")
        send(pair, route, json.dumps(whole.decode()).encode(), "encoded twice, once more")
        send(pair, route, whole[:-1] + b", " + whole[1:], "every key twice")
        if route == "POST experiments/create":
            send(pair, route, json.dumps({"name": f"{pair.unique}.utf16"}).encode("utf-16"), "UTF-16")
        send(pair, route, {camel(key): value for key, value in WHOLE[route].items()}, "in camel case")
        send(pair, route, {**WHOLE[route], **{camel(key): value for key, value in WHOLE[route].items()}}, "in both cases")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@case
def queries(pair):
    """GET routes with every parameter of a wrong type, empty, given twice, and left out."""
    prepare(pair)
    for path, whole in {
        "experiments/get": {"experiment_id": "{exp}"}, "experiments/get-by-name": {"experiment_name": "{u}.exp"},
        "runs/get": {"run_id": "{run}"}, "artifacts/list": {"run_id": "{run}", "path": "", "page_token": ""},
        "metrics/get-history": {"run_id": "{run}", "metric_key": "m", "page_token": "", "max_results": "5"},
        "metrics/get-history-bulk-interval": {"run_ids": "{run}", "metric_key": "m", "start_step": "1", "end_step": "5",
            "max_results": "5"}, "registered-models/get": {"name": "{u}.model"},
            "registered-models/get-latest-versions": {"name": "{u}.model", "stages": "None"},
            "registered-models/alias": {"name": "{u}.model", "alias": "none"},
        "model-versions/get": {"name": "{u}.model", "version": "1"},
        "model-versions/get-download-uri": {"name": "{u}.model", "version": "1"},
        "registered-models/search": {"filter": "name = '{u}.model'", "max_results": "5", "order_by": "name", "page_token": ""},
        "model-versions/search": {"filter": "name = '{u}.model'", "max_results": "5", "order_by": "name", "page_token": ""},
        "3:traces/get": {"trace_id": "{trace}", "allow_partial": "true"},
        "3:traces/batchGet": {"trace_ids": "none", "experiment_ids": "{exp}"},
        "traces": {"experiment_ids": "{exp}", "filter": "tags.none = 'x'", "max_results": "5", "order_by": "timestamp_ms",
            "page_token": ""}, "3:datasets/search": {"experiment_ids": "{exp}", "filter_string": "name = '{u}.data'", "max_results": "5",
            "order_by": "name", "page_token": ""},
        "3:datasets/{dataset}/records": {"max_results": "5", "page_token": ""},
        "logged-models/{model}/artifacts/directories": {"artifact_directory_path": "", "page_token": ""},
    }.items():
        ask = lambda query, name: pair.get(path, query, name=f"{path}: {name}",
            ignore=LOOSE + (GLOBAL if path.endswith(("datasets/search", "models/search", "versions/search")) else ()), unordered=UNORDERED)
        ask(list(whole.items()), "whole")
        for name, value in whole.items():
            others = [(key, other) for key, other in whole.items() if key != name]
            ask(others, f"without {name}")
            for wrong in ("", "x", "-1", "\u00e9"):
                if not (name in ("filter", "filter_string") and wrong == ""):
                    ask([*others, (name, wrong)], f"{name} = {wrong!r}")
            ask([*others, (name, value), (name, "x")], f"{name} twice")
            ask([*others, (camel(name), value)], f"{name} in camel case")
