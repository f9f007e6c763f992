"""Features that ours answers with 501, all of them, whatever is asked."""

from .. import known
from ..pair import absolute
from ..registry import area

case = area("out-of-scope")
ROUTES = {
    "gateway": (
        ("GET", "3:gateway/endpoints/list"), ("POST", "3:gateway/endpoints/create"), ("GET", "3:gateway/endpoints/get?endpoint_id=x"),
        ("POST", "3:gateway/endpoints/update"), ("DELETE", "3:gateway/endpoints/delete"), ("POST", "3:gateway/endpoints/models/attach"),
        ("POST", "3:gateway/endpoints/models/detach"), ("POST", "3:gateway/endpoints/set-tag"),
        ("DELETE", "3:gateway/endpoints/delete-tag"),
        ("POST", "3:gateway/endpoints/bindings/create"), ("GET", "3:gateway/endpoints/bindings/list"),
        ("DELETE", "3:gateway/endpoints/bindings/delete"), ("POST", "3:gateway/secrets/create"), ("GET", "3:gateway/secrets/list"),
        ("GET", "3:gateway/secrets/get?secret_id=x"), ("POST", "3:gateway/secrets/update"), ("DELETE", "3:gateway/secrets/delete"),
        ("POST", "3:gateway/model-definitions/create"),
        ("GET", "3:gateway/model-definitions/list"), ("GET", "3:gateway/model-definitions/get?model_definition_id=x"),
        ("POST", "3:gateway/model-definitions/update"), ("DELETE", "3:gateway/model-definitions/delete"),
        ("POST", "3:gateway/budgets/create"), ("GET", "3:gateway/budgets/list"), ("GET", "3:gateway/budgets/get"),
        ("POST", "3:gateway/budgets/update"), ("DELETE", "3:gateway/budgets/delete"), ("GET", "3:gateway/budgets/windows"),
        ("POST", "3:gateway/guardrails/create"), ("GET", "3:gateway/guardrails/list"), ("GET", "3:gateway/guardrails/get"),
        ("DELETE", "3:gateway/guardrails/delete"), ("POST", "3:gateway/guardrails/add-to-endpoint"),
        ("GET", "3:gateway/guardrails/list-for-endpoint"), ("DELETE", "3:gateway/guardrails/remove-from-endpoint"),
        ("PATCH", "3:gateway/guardrails/update-config"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/supported-providers"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/supported-models?provider=openai"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/provider-config?provider=openai"), ("GET", "/ajax-api/3.0/mlflow/gateway/secrets/config"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/endpoints/list"),
        ("GET", "/gateway/mlflow/v1/models"), ("POST", "/gateway/mlflow/v1/chat/completions"),
        ("POST", "/gateway/openai/v1/chat/completions"), ("POST", "/gateway/openai/v1/embeddings"),
        ("POST", "/gateway/openai/v1/responses"), ("POST", "/gateway/anthropic/v1/messages"), ("POST", "/gateway/x/mlflow/invocations"),
        ("POST", "/gateway/gemini/v1beta/models/x:generateContent"),
        ("POST", "/gateway/proxy/x/y"), ("POST", "/ajax-api/2.0/mlflow/runs/create-promptlab-run"),
    ),
    "assistant": (
        ("GET", "/ajax-api/3.0/mlflow/assistant/config"), ("GET", "/ajax-api/3.0/mlflow/assistant/providers"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/providers/x/health"), ("GET", "/ajax-api/3.0/mlflow/assistant/providers/x/models"),
        ("PATCH", "/ajax-api/3.0/mlflow/assistant/sessions/x"), ("POST", "/ajax-api/3.0/mlflow/assistant/sessions/x/permission"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/sessions/x/stream"), ("POST", "/ajax-api/3.0/mlflow/assistant/sessions/x/tool-result"),
        ("POST", "/ajax-api/3.0/mlflow/assistant/message"), ("POST", "/ajax-api/3.0/mlflow/assistant/skills/install"),
    ),
    "MCP registry": (
        ("GET", "3:mcp-servers"), ("GET", "3:mcp-servers/endpoints"), ("GET", "3:mcp-servers/a/b"), ("PATCH", "3:mcp-servers/a/b"),
        ("DELETE", "3:mcp-servers/a/b"), ("GET", "3:mcp-servers/a/b/versions"), ("POST", "3:mcp-servers/a/b/versions"),
        ("GET", "3:mcp-servers/a/b/versions/1"), ("POST", "3:mcp-servers/a/b/aliases"), ("POST", "3:mcp-servers/a/b/tags"),
        ("DELETE", "3:mcp-servers/a/b/tags/x"), ("GET", "3:mcp-servers/a/b/endpoints"),
    ),
    "skills": (
        ("GET", "3:skills/x"), ("PATCH", "3:skills/x"), ("DELETE", "3:skills/x"), ("GET", "3:skills/x/versions"),
        ("POST", "3:skills/x/versions"), ("GET", "3:skills/x/versions/1"), ("POST", "3:skills/x/tags"), ("DELETE", "3:skills/x/tags/y"),
        ("POST", "3:skills/x/aliases"), ("GET", "3:skills/@o/x"), ("GET", "3:skills/@o/x/versions"), ("POST", "3:skills/bulk-register"),
    ),
    "scorers": (
        ("GET", "3:scorers/list?experiment_id=0"), ("POST", "3:scorers/register"), ("GET", "3:scorers/get?experiment_id=0&name=x"),
        ("GET", "3:scorers/versions?experiment_id=0&name=x"), ("DELETE", "3:scorers/delete"),
        ("GET", "3:scorers/online-configs?scorer_ids=x"), ("PUT", "3:scorers/online-config"),
        ("POST", "/ajax-api/3.0/mlflow/scorer/invoke"), ("POST", "/ajax-api/3.0/mlflow/genai/evaluate/invoke"),
    ),
    "label schemas": (("POST", "3:label-schemas/create"), ("GET", "3:label-schemas/get?schema_id=x"),
        ("GET", "3:label-schemas/get-by-name?experiment_id=0&name=x"), ("GET", "3:label-schemas/list?experiment_id=0"),
        ("PATCH", "3:label-schemas/update"), ("DELETE", "3:label-schemas/delete")),
    "review queues": (
        ("POST", "3:review-queues/create"), ("GET", "3:review-queues/get?queue_id=x"),
        ("GET", "3:review-queues/get-by-name?experiment_id=0&name=x"), ("POST", "3:review-queues/get-or-create-user"),
        ("GET", "3:review-queues/list?experiment_id=0"), ("POST", "3:review-queues/update"), ("POST", "3:review-queues/delete"),
        ("POST", "3:review-queues/items/add"), ("GET", "3:review-queues/items/list?queue_id=x"),
        ("POST", "3:review-queues/items/remove"), ("POST", "3:review-queues/items/set-status"),
    ),
    "issues": (("POST", "3:issues"), ("GET", "3:issues/x"), ("PATCH", "3:issues/x"), ("POST", "3:issues/search"),
        ("POST", "/ajax-api/3.0/mlflow/issues/invoke"), ("POST", "/ajax-api/3.0/mlflow/issues/schedule/state")),
    "prompt optimisation": (("POST", "3:prompt-optimization/jobs"), ("GET", "3:prompt-optimization/jobs/x"),
        ("DELETE", "3:prompt-optimization/jobs/x"), ("POST", "3:prompt-optimization/jobs/x/cancel"),
        ("GET", "3:prompt-optimization/jobs/search?experiment_id=0"), ("POST", "3:prompt-optimization/jobs/search")),
}


def check(pair, feature):
    """Ours must refuse in its own words: whatever the stock server answers, a 501 with MLflow's form is what is meant."""
    for method, path in ROUTES[feature]:
        call = pair.call(method, path, {} if method != "GET" else None, name=f"{method} {path}", text=False, lenient=True,
            ignore=("created_at", "last_updated_at"))
        if call.verdict == "differs" and (reason := known.reason(method, absolute(path), call.ours)):
            call.verdict, call.reason = "known", reason


for _feature in ROUTES:
    def _run(pair, feature=_feature):
        check(pair, feature)

    _run.__name__ = _feature.replace(" ", "_").lower()
    case(_run)
