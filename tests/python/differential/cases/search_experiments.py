"""Searching experiments and the datasets in them."""

from ..registry import area
from ..steps import experiment, run

case = area("search")


def fill(pair):
    for name, tags in (
        ("Alpha", {"team": "blue", "a.b": "dot", "with space": "x y"}), ("beta", {"team": "red"}),
        ("gamma", {"team": "Blue", "quote": "it's"}), ("delta", {}), ("epsilon", {"team": ""}),
    ):
        experiment(pair, name.lower(), tags=[{"key": key, "value": value} for key, value in tags.items()])


def search(pair, text, name="", **more):
    """Search with a filter that keeps other experiments out."""
    return pair.post("experiments/search", {"max_results": 100, "filter": text, **more}, name=name)


OURS = "name LIKE '{u}.%'"


@case
def experiment_filters(pair):
    fill(pair)
    for text in (
        OURS, "name = '{u}.alpha'", 'name = "{u}.alpha"', "name != '{u}.alpha' AND " + OURS, "name LIKE '{u}.a%'", "name LIKE '{u}.A%'",
        "name ILIKE '{u}.A%'", "name like '{u}.a%'", "name ilike '{u}.A%'", "attribute.name = '{u}.alpha'", "attributes.name = '{u}.alpha'",
        "attr.name = '{u}.alpha'",
        "`name` = '{u}.alpha'", "tags.team = 'blue' AND " + OURS, "tag.team = 'blue' AND " + OURS, "tags.team != 'blue' AND " + OURS,
        "tags.team LIKE 'b%' AND " + OURS, "tags.team ILIKE 'b%' AND " + OURS, "tags.`a.b` = 'dot' AND " + OURS,
        "tags.a.b = 'dot' AND " + OURS,
        "tags.`with space` = 'x y' AND " + OURS, "tags.\"with space\" = 'x y' AND " + OURS, "tags.quote = \"it's\" AND " + OURS,
        "tags.team = '' AND " + OURS, "tags.none = 'x' AND " + OURS, "creation_time > 0 AND " + OURS, "creation_time < 5 AND " + OURS,
        "last_update_time > 0 AND " + OURS, "creation_time != 5 AND " + OURS, "attribute.creation_time >= 0 AND " + OURS,
        "tags.team IS NULL AND " + OURS, "tags.team IS NOT NULL AND " + OURS,
        OURS + " AND tags.team = 'red' AND tags.team != 'x'", "name LIKE '{u}.%' and name != '{u}.beta'", "  " + OURS + "  ",
    ):
        search(pair, text, order_by=["name ASC"])
    for text in (
        "name", "name =", "= 'x'", "name = x", "name = 5", "name > 'x'", "name IN ('{u}.alpha')", "name NOT IN ('x')", "name IS NULL",
        "name = 'x' OR name = 'y'", "(name = 'x')", "name BETWEEN 'a' AND 'b'", "name = 'x", "name = 'x' AND", "AND name = 'x'",
        "name = 'x';", "name = 'x'; name = 'y'",
        "nonsense = 'x'", "tags.team > 'x'", "tags.team = 5", "tags.team = blue", "tags. = 'x'", "tags = 'x'", "metrics.a > 1",
        "params.a = 'x'", "creation_time = '5'", "creation_time > 'x'", "creation_time LIKE '5'", "creation_time > 1.5",
        "experiment_id = '98765432'", "experiment_id IN ('98765432')", "experiment_id = 5", "experiment_id LIKE 'x'",
        "experiment_id NOT IN ('x')",
        "lifecycle_stage = 'active'", "artifact_location = 'x'", "attribute.nonsense = 'x'", "x", "'", "SELECT 1", "name RLIKE 'x'",
        "name NOT LIKE 'x'", "tags.team IN ('blue')", "dataset.name = 'x'", "name == 'x'", "name <> 'x'", "é = 'x'", "name = ''",
        "name LIKE ''",
    ):
        search(pair, text)
    for value in (5, None, ["x"], {"a": 1}, True):
        pair.post("experiments/search", {"max_results": 1, "filter": value, "view_type": "DELETED_ONLY", "order_by": ["nonsense"]},
            name=f"filter {value!r}")


@case
def experiment_orders_and_pages(pair):
    fill(pair)
    for order in (
        ["name"], ["name ASC"], ["name DESC"], ["name desc"], ["experiment_id"], ["experiment_id DESC"], ["creation_time"],
        ["creation_time DESC"], ["last_update_time DESC"], ["attribute.name"], ["attributes.name DESC"], ["`name` DESC"], [],
        ["name ASC", "creation_time DESC"], ["name", "name"],
        ["nonsense"], ["tags.team"], ["metrics.x"], [""], ["name UP"], ["name ASC DESC"], ["lifecycle_stage"], ["name, creation_time"],
        ["artifact_location"], ["name;"],
    ):
        search(pair, OURS, order_by=order)
    for value in ("name", 5, [5], None, {"a": 1}):
        search(pair, OURS, f"order_by {value!r}", order_by=value)
    body = {"max_results": 2, "filter": OURS, "order_by": ["name DESC"]}
    for _ in range(3):
        call = pair.post("experiments/search", body)
        if call.stock.json.get("next_page_token"):
            pair.keep("token", "next_page_token", call)
            body = {**body, "page_token": "{token}"}
    for limit in (1, 5, 6, 0, -1, 50000, 50001, 1001, "2", "x", 1.5, None, True, [1]):
        search(pair, OURS, f"max_results {limit!r}", max_results=limit, order_by=["name"])
    pair.post("experiments/search", {"filter": OURS}, name="no max_results")
    for token in ("x", "", "eyJvZmZzZXQiOiAxMH0=", "eyJvZmZzZXQiOiAtMX0=", "e30=", "W10=", 5, None):
        search(pair, OURS, f"page_token {token!r}", page_token=token)


@case
def experiment_views(pair):
    fill(pair)
    pair.post("experiments/delete", {"experiment_id": "{beta}"})
    for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3, 0, 9, "1", "x", "", None, True):
        search(pair, OURS, f"view {view!r}", view_type=view, order_by=["name"])
    for query in ("max_results=10&filter=name+LIKE+'{u}.%25'", "max_results=10&filter=name+LIKE+'{u}.%25'&view_type=ALL",
        "max_results=10&filter=name+LIKE+'{u}.%25'&view_type=2",
        "max_results=10&filter=name+LIKE+'{u}.%25'&order_by=name+DESC&order_by=creation_time",
                  "max_results=x", "max_results=10&filter=name+LIKE+'{u}.%25'&view_type=x", "filter=name+LIKE+'{u}.%25'"):
        pair.get("experiments/search", query, name=query)


@case
def the_newest_first(pair):
    """Without an order the newest come first; the newest are this case's own."""
    fill(pair)
    pair.post("experiments/search", {"max_results": 3}, ignore=("next_page_token",))
    pair.get("experiments/search", "max_results=2", ignore=("next_page_token",))


@case
def datasets(pair):
    experiment(pair)
    experiment(pair, "other")
    run(pair)
    run(pair, "second", "other")
    for name, digest, context in (("a", "1", "train"), ("a", "1", "eval"), ("a", "2", "train"), ("b", "1", None)):
        tags = [{"key": "mlflow.data.context", "value": context}] if context else []
        pair.post("runs/log-inputs", {"run_id": "{run}",
                "datasets": [{"tags": tags, "dataset": {"name": name, "digest": digest, "source_type": "s", "source": "s"}}]})
    pair.post("runs/log-inputs", {"run_id": "{second}",
            "datasets": [{"tags": [{"key": "x", "value": "y"}],
                    "dataset": {"name": "c", "digest": "9", "source_type": "s", "source": "s"}}]})
    for path in ("/ajax-api/2.0/mlflow/experiments/search-datasets", "/api/2.0mlflow/experiments/search-datasets",
        "/ajax-api/2.0mlflow/experiments/search-datasets", "/api/2.0/mlflow/experiments/search-datasets"):
        for ids in (["{exp}"], ["{exp}", "{other}"], [], ["99999999"], None, "{exp}", ["x"], [str(n) for n in range(900000, 900020)],
            [str(n) for n in range(900000, 900021)]):
            pair.post(path, {"experiment_ids": ids}, name=f"{path.split('/')[1]} {str(ids)[:40]}", unordered=("dataset_summaries",))
        pair.post(path, {}, name="nothing")
    pair.post("runs/delete", {"run_id": "{run}"})
    pair.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["{exp}"]}, name="after deletion",
        unordered=("dataset_summaries",))
