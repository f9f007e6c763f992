"""Searching registered models and model versions."""

from ..registry import area
from ..steps import experiment, registered, run, version

case = area("registry")


def fill(pair):
    experiment(pair)
    run(pair)
    for name, tags in (("alpha", {"team": "blue", "a.b": "dot"}), ("Beta", {"team": "red", "with space": "x y"}), ("gamma", {}),
        ("delta", {"team": "Blue", "quote": "it's"})):
        registered(pair, name="{u}." + name, tags=[{"key": key, "value": value} for key, value in tags.items()])
    for name, source, more in (("alpha", "s3://b/one", {}), ("alpha", "s3://b/two", {"tags": [{"key": "t", "value": "x"}]}),
        ("alpha", "runs:/{run}/model", {"run_id": "{run}"}), ("Beta", "s3://c/one",
            {"tags": [{"key": "t", "value": "Y"}, {"key": "a.b", "value": "dot"}]})):
        version(pair, "{u}." + name, source, **more)
    pair.post("registered-models/alias", {"name": "{u}.alpha", "alias": "champion", "version": "2"})
    pair.post("model-versions/transition-stage", {"name": "{u}.alpha", "version": "1", "stage": "Production"})


OURS = "name LIKE '{u}.%'"


def models(pair, text, name="", **more):
    return pair.get("registered-models/search", {"filter": text, **more}, name=name, unordered=("latest_versions",))


def versions(pair, text, name="", **more):
    return pair.get("model-versions/search", {"filter": text, **more}, name=name)


@case
def model_filters(pair):
    fill(pair)
    for text in (
        OURS, "name = '{u}.alpha'", "name != '{u}.alpha' AND " + OURS, "name LIKE '{u}.al%'", "name LIKE '{u}.be%'", "name ILIKE '{u}.BE%'",
        "name like '{u}.al%'", "name ilike '{u}.AL%'", 'name = "{u}.alpha"', "`name` = '{u}.alpha'", "tags.team = 'blue' AND " + OURS,
        "tag.team = 'blue' AND " + OURS, "tags.team != 'blue' AND " + OURS,
        "tags.team LIKE 'b%' AND " + OURS, "tags.team ILIKE 'b%' AND " + OURS, "tags.`a.b` = 'dot' AND " + OURS,
        "tags.a.b = 'dot' AND " + OURS, "tags.`with space` = 'x y' AND " + OURS, "tags.quote = \"it's\" AND " + OURS,
        "tags.none = 'x' AND " + OURS, "tags.none != 'x' AND " + OURS, OURS + " AND tags.team = 'blue' AND tags.`a.b` = 'dot'",
        "name IN ('{u}.alpha', '{u}.Beta')", "name = '{u}.alpha' and tags.team = 'blue'",
        "tags.`mlflow.prompt.is_prompt` != 'true' AND " + OURS, "tags.`mlflow.prompt.is_prompt` = 'true' AND " + OURS,
        "attribute.name = '{u}.alpha'",
        "name", "name =", "name = x", "name = 5", "name > 'x'", "name = 'x' OR name = 'y'", "(name = 'x')", "name BETWEEN 'a' AND 'b'",
        "name = 'x", "name = 'x' AND", "name = 'x';", "name = 'x'; name = 'y'", "nonsense = 'x'", "tags.team > 'x'", "tags.team = 5",
        "tags.team = blue", "tags. = 'x'", "tags = 'x'", "metrics.a > 1", "params.a = 'x'",
        "version = '1'", "run_id = 'x'", "description = 'x'", "alias = 'x'", "creation_timestamp > 0", "last_updated_timestamp > 0", "x",
        "'", "SELECT 1", "name RLIKE 'x'", "name IS NULL", "tags.team IS NULL", "tags.team IS NOT NULL AND " + OURS, "name == 'x'",
        "é = 'x'", "name = ''", "name LIKE ''",
    ):
        models(pair, text)
    for order in ("name ASC", "name DESC", "name", "last_updated_timestamp", "timestamp DESC", "creation_timestamp", "nonsense", "name UP",
        "", "tags.team", "version", "name ASC, timestamp", "attribute.name DESC", "`name` DESC"):
        models(pair, OURS, f"order by {order}", order_by=order)
    models(pair, OURS, "two orders", order_by=["timestamp DESC", "name ASC"])
    for limit in ("1", "4", "5", "0", "-1", "1000", "1001", "x", "", "1.5"):
        models(pair, OURS, f"max_results {limit!r}", max_results=limit)
    for token in ("x", "", "eyJvZmZzZXQiOiAxMH0=", "eyJvZmZzZXQiOiAtMX0=", "e30=", "W10="):
        models(pair, OURS, f"page_token {token!r}", page_token=token)
    call = models(pair, OURS, max_results="2", order_by="name DESC")
    pair.keep("token", "next_page_token", call)
    models(pair, OURS, max_results="2", order_by="name DESC", page_token="{token}")
    pair.post("registered-models/search", {"filter": OURS}, name="by POST")
    pair.get("registered-models/search", "filter=" + "a" * 5000, name="a long filter")


@case
def version_filters(pair):
    fill(pair)
    for text in (
        "name = '{u}.alpha'", OURS, "name ILIKE '{u}.ALPHA'", "name = '{u}.alpha' AND version_number = 2",
        "name = '{u}.alpha' AND version_number > 1", "name = '{u}.alpha' AND version_number != 2",
        "version_number >= 2 AND name = '{u}.alpha'", "name = '{u}.alpha' AND version_number = '2'",
        "name = '{u}.alpha' AND version_number = 2.0",
        "run_id = '{run}'", "run_id IN ('{run}')", "run_id IN ('{run}', '{u}')", "run_id = '{run}' AND name = '{u}.alpha'",
        "run_id != '{run}' AND name = '{u}.alpha'", "run_id NOT IN ('{run}') AND name = '{u}.alpha'", "run_id LIKE '{u}%'",
        "source_path = 's3://b/one' AND name = '{u}.alpha'", "source_path LIKE 's3://b%' AND name = '{u}.alpha'",
        "source_path ILIKE 'S3://B%' AND " + OURS, "source = 's3://b/one'", "tags.t = 'x' AND " + OURS, "tags.t != 'x' AND " + OURS,
        "tags.t LIKE 'x%' AND " + OURS, "tags.t ILIKE 'y' AND " + OURS, "tags.`a.b` = 'dot' AND " + OURS, "tag.t = 'x' AND " + OURS,
        "tags.none = 'x' AND " + OURS, "name = '{u}.alpha' AND tags.t = 'x' AND version_number = 2",
        "name != '{u}.alpha' AND " + OURS, 'name = "{u}.alpha"', "name = '{u}.alpha' and run_id = '{run}'", "current_stage = 'Production'",
        "stage = 'Production'", "status = 'READY'", "user_id = 'x'", "creation_timestamp > 0", "last_updated_timestamp > 0",
        "version = '1'", "version = 1", "alias = 'champion'", "aliases = 'champion'", "description = 'x'",
        "name", "name =", "name = x", "name > 'x'", "name = 'x' OR name = 'y'", "(name = 'x')", "name = 'x", "name = 'x';",
        "nonsense = 'x'", "tags.t > 'x'", "tags.t = 5", "tags = 'x'", "metrics.a > 1", "run_id IN ()", "run_id IN (5)", "run_id IN 'x'",
        "run_id = 5", "run_id > 'x'", "name IN ('{u}.alpha')", "version_number = 'x'", "version_number LIKE '1'", "version_number IN (1)",
        "source_path IN ('x')", "x", "'", "SELECT 1", "run_id IS NULL", "tags.t IS NULL AND " + OURS, "version_number",
        "run_id IN ('a' 'b')", "run_id IN ('{run}',)", "attribute.name = 'x'",
    ):
        versions(pair, text)
    for order in ("version_number", "version_number DESC", "version_number ASC", "name ASC", "name DESC", "creation_timestamp DESC",
        "last_updated_timestamp", "version", "nonsense", "version_number UP", "", "source_path", "run_id", "tags.t",
        "name ASC, version_number DESC"):
        versions(pair, OURS, f"order by {order}", order_by=order)
    versions(pair, OURS, "two orders", order_by=["name DESC", "version_number ASC"])
    for limit in ("1", "4", "5", "0", "-1", "200000", "200001", "x", "", "1.5"):
        versions(pair, OURS, f"max_results {limit!r}", max_results=limit)
    for token in ("x", "", "eyJvZmZzZXQiOiAxMH0=", "eyJvZmZzZXQiOiAtMX0=", "e30=", "W10="):
        versions(pair, OURS, f"page_token {token!r}", page_token=token)
    call = versions(pair, OURS, max_results="2", order_by="version_number DESC")
    pair.keep("token", "next_page_token", call)
    versions(pair, OURS, max_results="2", order_by="version_number DESC", page_token="{token}")
    pair.delete("model-versions/delete", {"name": "{u}.alpha", "version": "2"})
    versions(pair, "name = '{u}.alpha'", "one deleted")
    pair.post("model-versions/search", {"filter": OURS}, name="by POST")
