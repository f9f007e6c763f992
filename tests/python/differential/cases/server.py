"""The server itself: what it says of itself, whom it lets in, and what it does not know."""

import json
import warnings

from ..registry import area
from ..steps import experiment, run

case = area("server")


@case
def presents_itself(pair):
    for path in ("/health", "/version"):
        pair.get(path, show_headers=("Content-Type",))
        pair.call("HEAD", path)
        pair.post(path, {}, name=f"POST {path}", text=False)
    # Limits of skills belong to a registry that is out of scope.
    out = ("skill_content_max_size", "skill_content_max_files")
    for path in ("/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info"):
        pair.get(path, ignore=out)
    pair.get("/api/2.0/mlflow/server-info", name="version 2", text=False)
    pair.get("/ajax-api/3.0/mlflow/ui-telemetry")
    pair.post("/ajax-api/3.0/mlflow/ui-telemetry", {"records": []})
    pair.get("/ajax-api/2.0/mlflow/gateway-proxy")


@case
def workspaces(pair):
    """The stock server answers these with a plain text unless it was started with workspaces."""
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/default"), ("PATCH", "/default"), ("DELETE", "/default"), ("GET", "/none")):
        pair.call(method, f"3:workspaces{path}", {"name": "x"} if method in ("POST", "PATCH") else None, show_headers=("Content-Type",))
    pair.get("/ajax-api/3.0/mlflow/workspaces")
    experiment(pair)
    pair.get("experiments/get", {"experiment_id": "{exp}"}, headers={"X-MLFLOW-WORKSPACE": "default"}, name="the default workspace named")
    pair.get("experiments/get", {"experiment_id": "{exp}"}, headers={"X-MLFLOW-WORKSPACE": "other"}, name="another workspace named")
    pair.post("experiments/create", {"name": "{u}.w"}, headers={"X-MLFLOW-WORKSPACE": "other"}, name="creation in another workspace")


@case
def hosts(pair):
    ports = {}
    for side, server in enumerate(pair.servers):
        pair.variables[side]["port"] = str(server.port)
        ports[side] = server.port
    for host in ("127.0.0.1:{port}", "localhost:{port}", "localhost", "127.0.0.1", "[::1]:{port}", "[::1]", "0.0.0.0:{port}", "0.0.0.0",
        "evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "10.0.0.1:{port}",
        "10.evil.example", "192.168.1.1", "192.168.1.1:80", "192.168.evil.example", "172.16.0.1", "172.31.0.1:5000", "172.32.0.1",
        "8.8.8.8",
                 "LOCALHOST", "localhost:1", "127.0.0.1:1", "127.0.0.2", "[fc00::1]", "fc00::1", "[fd00::1]", "[fe80::1]", "", "local host",
                 "localhost:x", "user@localhost", "localhost/", "169.254.169.254"):
        pair.get("/api/2.0/mlflow/experiments/get", {"experiment_id": "98765432"}, headers={"Host": host}, name=f"host {host!r}")
    for path in ("/health", "/version", "/", "/graphql", "/get-artifact"):
        pair.get(path, headers={"Host": "evil.example"}, name=f"a foreign host at {path}")


@case
def origins(pair):
    for side, server in enumerate(pair.servers):
        pair.variables[side]["port"] = str(server.port)
    create = {"experiment_id": "98765432"}
    cors = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")
    for origin in ("http://localhost:{port}", "http://127.0.0.1:{port}", "http://localhost:3000", "http://localhost", "https://localhost",
        "http://[::1]:5000", "http://evil.example", "https://evil.example", "http://localhost.evil.example",
        "http://127.0.0.1.evil.example", "null", "", "evil", "http://10.0.0.1", "http://192.168.1.1:5000", "file://",
        "http://LOCALHOST:3000", "http://127.0.0.2", "chrome-extension://x"):
        pair.post("experiments/delete", create, headers={"Origin": origin}, name=f"POST from {origin!r}")
        pair.get("experiments/get", create, headers={"Origin": origin}, name=f"GET from {origin!r}")
    for method in ("PUT", "DELETE", "PATCH"):
        pair.call(method, "/api/2.0/mlflow-artifacts/artifacts/x" if method == "PUT" else "registered-models/update",
            b"x" if method == "PUT" else {"name": "{u}"}, None, {"Origin": "http://evil.example"}, name=f"{method} from elsewhere")
    for path in ("/v1/traces", "/graphql", "/ajax-api/2.0/mlflow/upload-artifact?run_id=x&path=x", "/health"):
        pair.post(path, {}, headers={"Origin": "http://evil.example"}, name=f"POST {path} from elsewhere", text=False)
    for origin in ("http://localhost:3000", "http://evil.example"):
        pair.call("OPTIONS", "experiments/create", None, None, {"Origin": origin, "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type"}, name=f"preflight from {origin}", show_headers=cors, text=False)


@case
def security_headers(pair):
    for path in ("/health", "/version", "/api/2.0/mlflow/experiments/get?experiment_id=98765432", "/nowhere", "/graphql"):
        pair.get(path, show_headers=("X-Content-Type-Options", "X-Frame-Options"), text=False, name=f"headers of {path}")


@case
def unknown_routes(pair):
    for path in ("/nowhere", "/api", "/api/", "/api/2.0", "/api/2.0/mlflow", "/api/2.0/mlflow/", "/api/2.0/mlflow/nowhere",
        "/api/1.0/mlflow/experiments/get", "/api/3.0/mlflow/experiments/get", "/api/2.0/preview/mlflow/experiments/get",
        "/ajax-api/2.0/mlflow/nowhere", "/api/2.0/mlflow/experiments", "/api/2.0/mlflow/experiments/", "/api/2.0/mlflow/experiments/get/",
                 "/api/2.0//mlflow/experiments/get", "/API/2.0/mlflow/experiments/get", "/api/2.0/mlflow/Experiments/get",
                 "/api/2.0/mlflow/experiments/list", "/api/2.0/mlflow/registered-models/list", "/api/2.0/mlflow/metrics/get",
                 "/api/2.0/mlflow/runs/get-metric", "/api/2.0/mlflow-artifacts", "/api/2.0/mlflow-artifacts/",
                 "/api/2.0/mlflow/logged-models", "/api/2.0/mlflow/traces/search", "/static-files/none.js", "/build/none.js", "/%2e%2e/x",
                 "/api/2.0/mlflow/runs/%67et"):
        pair.get(path, name=f"GET {path}", text=False)
        pair.post(path, {}, name=f"POST {path}", text=False)
    for path in ("/ajax-api/2.0/mlflow/metrics/get-history-bulk", "/ajax-api/2.0/mlflow/upload-artifact",
        "/api/2.0mlflow/experiments/search-datasets", "/api/2.0/mlflow/experiments/search-datasets", "/api/2.0/mlflow/get-trace-artifact"):
        pair.get(path, name=f"GET {path}", text=False)


@case
def wrong_methods(pair):
    for path in ("experiments/create", "experiments/get", "experiments/search", "runs/create", "runs/get", "runs/search", "runs/log-batch",
        "metrics/get-history", "registered-models/create", "registered-models/get", "registered-models/alias", "registered-models/update",
        "model-versions/delete", "model-versions/search", "logged-models", "logged-models/search", "logged-models/x", "webhooks",
        "webhooks/x", "traces", "traces/x/tags", "3:traces", "3:traces/x", "3:traces/search",
                 "3:datasets/create", "3:datasets/x", "artifacts/list", "/api/2.0/mlflow-artifacts/artifacts/x/y", "/graphql", "/v1/traces",
                 "/get-artifact"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            if (method, path) in (("PUT", "/api/2.0/mlflow-artifacts/artifacts/x/y"),
                ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/x/y")) or (method == "GET" and path in ("webhooks", "model-versions/search",
                    "experiments/search")):
                continue
            pair.call(method, path, {} if method in ("POST", "PUT", "PATCH", "DELETE") else None, name=f"{method} {path}", text=False)


def twins():
    """Every GET and POST route that MLflow's own tables name, from its protocol buffers."""
    warnings.filterwarnings("ignore")
    from mlflow.protos import databricks_pb2, model_registry_pb2, service_pb2, webhooks_pb2

    for service in (service_pb2.MlflowService, model_registry_pb2.ModelRegistryService, webhooks_pb2.WebhookService):
        for method in service.DESCRIPTOR.methods:
            for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                yield endpoint.method, endpoint.path, endpoint.since.major


@case
def ajax_twins(pair):
    """Every route answers under /ajax-api as it does under /api, even if only with a complaint."""
    skipped = ("gateway", "scorers", "label-schemas", "review-queues", "issues", "prompt-optimization", "workspaces", "webhooks")
    for method, path, version in twins():
        if any(word in path for word in skipped) or (method == "GET" and path.endswith(("/search",
                "experiments/search"))) or path.endswith("datasets/search"):
            continue
        filled = path.replace("{assessment.trace_id}", "none")
        for name in ("model_id", "tag_key", "webhook_id", "request_id", "trace_id", "assessment_id", "dataset_id", "key", "workspace_name"):
            filled = filled.replace("{" + name + "}", "none")
        pair.call(method, f"/ajax-api/{version}.0{filled}", {} if method != "GET" else None, name=f"{method} {path}", lenient=True)


@case
def large_and_odd_requests(pair):
    experiment(pair)
    run(pair)
    pair.get("runs/get", "run_id={run}&x=" + "y" * 6000, name="a long query")
    pair.get("runs/get", "run_id={run}", headers={"X-Long": "y" * 8000}, name="a long header")
    pair.get("runs/get", "run_id=%zz", name="bad percents")
    pair.get("runs/get", "run_id=%ff", name="no UTF-8")
    pair.get("runs/get", "run_id={run}&run_id", name="a bare name")
    pair.get("runs/get", "&&&run_id={run}&&", name="empty pairs")
    pair.get("runs/get", "run_id={run};x=1", name="a semicolon")
    pair.get("runs/get", "?run_id={run}", name="two question marks")
    pair.call("GET", "runs/get", {"run_id": "{run}"}, name="a body in a GET")
    pair.call("GET", "runs/get", {"run_id": "x"}, {"run_id": "{run}"}, name="body and query")
    pair.post("runs/set-tag?run_id={run}&key=a&value=b", {}, name="a POST with its fields in the query")
    pair.post("runs/set-tag?key=fromquery", {"run_id": "{run}", "key": "frombody", "value": "b"}, name="a POST with both")
    pair.post("runs/set-tag", json.dumps({"run_id": "x", "key": "deep", "value": "v"}).encode() + b" " * 100000, name="trailing spaces")
