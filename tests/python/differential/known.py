"""What differs on purpose, each with its reason: whole features that ours answers with 501, and answers in which ours does better.

A difference of any other kind is a fault.
"""

import re

# A path of the routes concerned, and why ours refuses them.
OUT_OF_SCOPE = [
    (r"/(api|ajax-api)/3\.0/mlflow/gateway/.*", "the AI gateway is out of scope"),
    (r"/(api|ajax-api)/2\.0/mlflow/gateway-proxy", "the AI gateway is out of scope"),
    (r"/gateway/.*", "the AI gateway is out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/assistant/.*", "the AI assistant is out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/mcp-servers(/.*)?", "the MCP registry is out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/skills(/.*)?", "the skill registry is out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/scorers?(/.*)?", "registered scorers are out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/label-schemas(/.*)?", "label schemas are out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/review-queues(/.*)?", "review queues are out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/issues(/.*)?", "issues are out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/prompt-optimization/.*", "prompt optimisation is out of scope"),
    (r"/(api|ajax-api)/3\.0/mlflow/genai/evaluate/invoke", "server-side evaluation jobs need scorers, which are out of scope"),
    (r"/(api|ajax-api)/2\.0/mlflow/runs/create-promptlab-run", "the prompt lab needs the AI gateway, which is out of scope"),
]
PATTERNS = [(re.compile(pattern), reason) for pattern, reason in OUT_OF_SCOPE]


def code(answer):
    """The error code of an answer."""
    return answer.json.get("error_code") if isinstance(answer.json, dict) else None


def only(call, *places):
    """Whether the answers differ in these places alone; each is a pattern for a place's whole name."""
    return all(any(re.fullmatch(place, path) for place in places) for path, *_ in call.found)


def refused_state(call):
    return only(call, "status") and code(call.stock) == code(call.ours) == "INVALID_STATE"


def bare_nan(call):
    return only(call, r".*metrics\[\d+\]\.value") and all(ours == "NaN" for _, _, ours in call.found)


def sent_again(call):
    return code(call.stock) == "BAD_REQUEST" and "UNIQUE constraint" in call.stock.json["message"] and call.ours.json == {}


def after_sent_again(call):
    return only(call, r"run\.data\.metrics .*", r"run\.data\.metrics\[\d+\]\..*")


def database_type(call):
    refused = code(call.stock) == "BAD_REQUEST" and code(call.ours) == "INVALID_PARAMETER_VALUE"
    return refused and re.search(r"binding parameter|IN expression list", call.stock.json["message"])


def served(call):
    return call.stock.status in (404, 500) and call.ours.status == 200


def endless_page(call):
    return "'max_results'" in str(call.ours.json) and "-1" in call.request and code(call.ours) == "INVALID_PARAMETER_VALUE"


def slash_gone(call):
    return only(call, r"model\.info\.tags .*", r"model\.info\.tags\[\d+\]\..*")


def enumeration_unset(call):
    return "EnumMeta" in str(call.stock.json)


def words_of_python(call):
    return only(call, "message") and "::ffff:127.0.0.1" in call.request


def kept_apart(call):
    return only(call, "message") and code(call.stock) == code(call.ours) and '"../a"' in call.request


def better_known(call):
    return call.stock.status == 500 and call.ours.status == 200 and "tracking URI must be a valid http" in str(call.stock.json)


def listed(call):
    return only(call, r"files.*") and "sub" in str(call.ours.json) and "sub" not in str(call.stock.json)


def folder_left(call):
    """A folder that the stock server makes on the way to `a/../x`, and keeps."""
    if only(call, r"files.*"):
        stock, ours = ({file["path"] for file in answer.json.get("files", [])} for answer in (call.stock, call.ours))
        return stock - ours == {"a"} and not ours - stock
    return "refers to a directory" in str(call.stock.json) or "a?x=.." in call.request


def refused(call):
    return call.stock.status == 200 and call.ours.status == 400 and code(call.ours) == "INVALID_PARAMETER_VALUE"


def multicast(call):
    return "224.0.0.1" in call.request and refused(call)


def never_made(call):
    return call.stock.status == 200 and code(call.ours) == "RESOURCE_DOES_NOT_EXIST" and "no-hook" in str(call.ours.json)


def no_number(call):
    return refused(call) and "numeric value" in call.ours.json["message"]


def no_pattern(call):
    return refused(call) and "Invalid regular expression" in call.ours.json["message"]


def negative_token(call):
    return refused(call) and "page_token=-1" in call.request


def no_experiment(call):
    return refused(call) and "Invalid experiment ID" in call.ours.json["message"]


def own_page(call):
    return call.stock.status == 404 and call.ours.status in (200, 405)


def gateway_off(call):
    return only(call, "features_enabled.gateway")


def other_words(call):
    return call.stock.status == call.ours.status == 403


def other_method(call):
    return call.ours.status == 405


def no_route(call):
    return call.ours.status == 404 and ("//" in call.request or "%67" in call.request or "2.0mlflow" in call.request)


def text_in_text(call):
    return refused(call) and "must be a JSON object" in call.ours.json["message"]


def no_utf8(call):
    return only(call, "message") and "%ff" in call.request


# The method and path of the routes concerned, what the answers must be like, and why ours is as it is.
DELIBERATE = [
    (r"\S+ \S+", refused_state, "a refusal is no server error, which clients would try again for minutes"),
    (r"GET \S+/metrics/get-history-bulk", bare_nan, "a bare NaN is no JSON, and no browser reads it"),
    (r"\S+ \S+/logged-models\S*", bare_nan, "a model's NaN is kept, not made 0"),
    (r"POST \S+/runs/(outputs|log-metric|log-batch)", sent_again, "what a client sends again after a broken answer is accepted"),
    (r"GET \S+/runs/get", after_sent_again, "of a batch that the stock server refuses it has kept a part"),
    (r"POST \S+/search", database_type, "a filter's fault is told in words on filters, not in the database's"),
    (r"DELETE \S+/logged-models/\S+/tags/x%2Fy", served, "a tag with a slash in its key can be removed"),
    (r"GET \S+/logged-models/[^/]+", slash_gone, "a tag with a slash in its key can be removed"),
    (r"POST \S+/logged-models/search", endless_page, "a page of fewer than no models is refused, not answered with itself for the next"),
    (r"POST \S+/logged-models/search", served, "logged models can be filtered by the field names of their orders"),
    (r"POST /graphql", enumeration_unset, "a search that names no view is answered; the stock server trips over its own default"),
    (r"POST \S+/model-versions/create", kept_apart, "a relative source is told from the folder that the server runs in"),
    (r"GET /model-versions/get-artifact", better_known, "a version's files are found in a place that the client named, too"),
    (r"(GET|PUT) \S*({root}/a|{root}/a/\.|/artifacts/list)", folder_left, "nothing is made on the way to a file that lies elsewhere"),
    (r"GET \S+/artifacts/list", listed, "what is uploaded to a run goes to the run's place, also if the client named it"),
    (r"POST \S+/webhooks", multicast, "a group of receivers is no public address"),
    (r"DELETE \S+/webhooks/\S+", never_made, "a group of receivers is no public address"),
    (r"POST \S+/webhooks", words_of_python, "later releases of Python write the address as ours does"),
    (r"POST \S+/traces/search", no_number, "a text where a number belongs is refused, not compared with numbers by its first letter"),
    (r"POST \S+/traces/search", no_pattern, "a pattern that is none is refused also where there is nothing to compare it with"),
    (r"GET \S+/datasets/\S+/records", negative_token, "a page token that was never given is refused"),
    (r"POST /v1/traces", no_experiment, "spans that name no experiment are refused, not dropped in silence"),
    (r"(GET|POST) (?!/(api|ajax-api)/[23]\.).*", own_page, "addresses that no route has belong to the web app, and our own routes"),
    (r"GET \S+/server-info", gateway_off, "the AI gateway is out of scope"),
    (r"GET /", other_words, "a page for people says what to do"),
    (r"(GET|DELETE|PATCH) \S+/(logged-models|traces)/search", other_method, "nothing has the identifier “search”"),
    (r"(GET|DELETE) \S+/datasets/create", other_method, "nothing has the identifier “create”"),
    (r"(GET|POST) \S+", no_route, "paths are taken as they are written"),
    (r"POST \S+/runs/search", text_in_text, "a text is no search"),
    (r"GET \S+/runs/get", no_utf8, "bytes that are no text are told as such"),
]
DELIBERATE = [(re.compile(route), holds, reason) for route, holds, reason in DELIBERATE]


def reason(method, path, call):
    """Why a difference is meant, or nothing if it is not."""
    path = path.split("?")[0]
    # What is out of scope must be refused with 501, in MLflow's own form.
    if call.ours.status == 501 and code(call.ours) == "NOT_IMPLEMENTED":
        return next((reason for pattern, reason in PATTERNS if pattern.fullmatch(path)), "")
    return next((reason for route, holds, reason in DELIBERATE if route.fullmatch(f"{method} {path}") and holds(call)), "")
