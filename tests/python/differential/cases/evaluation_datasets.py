"""Evaluation datasets: their life, records, tags and experiments."""

import json

from ..registry import area
from ..steps import experiment

case = area("datasets")
# A digest is made from the time.
LOOSE = ("digest",)


def create(pair, label="", name="{u}.data", keep="data", **more):
    call = pair.post("3:datasets/create", {"name": name, **more}, name=label or f"create {str(more)[:40]}", ignore=LOOSE)
    pair.keep(keep, "dataset.dataset_id", call)
    return call


def read(pair, which="data", **more):
    return pair.get(f"3:datasets/{{{which}}}", ignore=LOOSE, **more)


def records(pair, which="data", query=None, **more):
    return pair.get(f"3:datasets/{{{which}}}/records", query, unordered=("records",), **more)


def upsert(pair, *given, label="", which="data", **more):
    return pair.post(f"3:datasets/{{{which}}}/records", {"records": json.dumps(list(given)), **more},
        name=label or f"upsert {str(given)[:60]}")


@case
def life(pair):
    experiment(pair)
    create(pair, tags='{"a": "1", "mlflow.user": "ada"}', experiment_ids=["{exp}"])
    read(pair)
    pair.get("3:datasets/{data}/experiment-ids")
    create(pair, "the same name", keep="twin")
    for label, body in (
        ("no name", {}), ("an empty name", {"name": ""}), ("a blank name", {"name": " "}), ("a number as name", {"name": 5}),
        ("a long name", {"name": "n" * 256}), ("a longer name", {"name": "n" * 501}), ("unicode", {"name": "{u}ü🎈"}),
        ("a slash", {"name": "{u}/x"}), ("no such experiment", {"name": "{u}.x", "experiment_ids": ["99999999"]}),
        ("experiments of no list", {"name": "{u}.x", "experiment_ids": "0"}),
        ("an experiment of nonsense", {"name": "{u}.x", "experiment_ids": ["x"]}),
        ("tags of an object", {"name": "{u}.x", "tags": {"a": "1"}}), ("tags of nonsense", {"name": "{u}.x", "tags": "{"}),
        ("tags of a list", {"name": "{u}.x", "tags": "[]"}), ("tags of null", {"name": "{u}.x", "tags": "null"}),
        ("a number in the tags", {"name": "{u}.x", "tags": '{"a": 1}'}),
        ("a long tag key", {"name": "{u}.x", "tags": json.dumps({"k" * 251: "v"})}),
        ("a long tag value", {"name": "{u}.x", "tags": json.dumps({"k": "v" * 9000})}),
        ("a source", {"name": "{u}.x", "source": "s", "source_type": "HUMAN", "created_by": "me", "schema": "{}", "profile": "{}"}),
        ("an unknown field", {"name": "{u}.x", "nonsense": 1}),
    ):
        pair.post("3:datasets/create", body, name=label, ignore=LOOSE)
    for name in ("none", "d-" + "0" * 32, "%20", "a/b"):
        pair.get(f"3:datasets/{name}")
        pair.delete(f"3:datasets/{name}", name=f"delete {name}")
        pair.get(f"3:datasets/{name}/records")
        pair.get(f"3:datasets/{name}/experiment-ids")
        pair.post(f"3:datasets/{name}/records", {"records": "[]"})
        pair.patch(f"3:datasets/{name}/tags", {"tags": '{"a": "1"}'})
    pair.delete("3:datasets/{data}")
    read(pair)
    pair.delete("3:datasets/{data}", name="again")
    records(pair)
    pair.get("datasets/{twin}", name="version 2")
    pair.get("/ajax-api/3.0/mlflow/datasets/{twin}", ignore=LOOSE)


@case
def tags(pair):
    create(pair, tags='{"a": "1"}')
    for text in ('{"b": "2"}', '{"a": "9"}', '{"a": null}', '{"n": 5}', '{"o": {"x": 1}}', "{}", "[]", '"x"', "null", "{", "", '{"": "v"}',
        json.dumps({"k" * 251: "v"}), json.dumps({"long": "v" * 5001}), json.dumps({"longer": "v" * 9000}), '{"mlflow.user": "bob"}',
        '{"x/y": "1", "x y": "2"}'):
        pair.patch("3:datasets/{data}/tags", {"tags": text}, name=f"tags {text[:40]}")
    for body in ({}, {"tags": {"a": "1"}}, {"tags": None}, {"tags": 5}):
        pair.patch("3:datasets/{data}/tags", body, name=f"{body}")
    read(pair)
    for key in ("b", "b", "never", "x%20y", "x/y", "x%2Fy", "mlflow.user"):
        pair.delete(f"3:datasets/{{data}}/tags/{key}", name=f"delete {key}")
    read(pair)


@case
def experiments(pair):
    experiment(pair)
    experiment(pair, "other")
    create(pair, experiment_ids=["{exp}"])
    for action in ("add-experiments", "remove-experiments"):
        for ids in (["{other}"], ["{other}"], ["{exp}", "{other}"], [], ["99999999"], ["x"], "{other}", None, [5]):
            pair.post(f"3:datasets/{{data}}/{action}", {"experiment_ids": ids}, name=f"{action} {ids}", ignore=LOOSE,
                unordered=("experiment_ids",))
        pair.post(f"3:datasets/{{data}}/{action}", {}, name=f"{action} nothing", ignore=LOOSE, unordered=("experiment_ids",))
        pair.post(f"3:datasets/none/{action}", {"experiment_ids": ["{other}"]}, name=f"{action} of none")
        pair.get("3:datasets/{data}/experiment-ids", unordered=("experiment_ids",))


@case
def filling(pair):
    create(pair)
    upsert(pair, {"inputs": {"q": "one"}, "expectations": {"a": "1"}, "tags": {"t": "x"}})
    records(pair)
    read(pair)
    upsert(pair, {"inputs": {"q": "one"}, "expectations": {"b": "2"}, "tags": {"u": "y"}}, label="the same inputs")
    records(pair)
    for label, record in (
        ("outputs", {"inputs": {"q": "two"}, "outputs": {"r": 5}}), ("outputs of a text", {"inputs": {"q": "three"}, "outputs": "text"}),
        ("several types", {"inputs": {"i": 1, "f": 1.5, "b": True, "n": None, "l": [1], "o": {"x": 1}}, "expectations": {"i": 1, "l": []}}),
        ("keys in another order", {"inputs": {"b": 1, "a": 2}}), ("and the first order", {"inputs": {"a": 2, "b": 1}}),
        ("a trace as source", {"inputs": {"q": "s1"}, "source": {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}}),
        ("a human", {"inputs": {"q": "s2"}, "source": {"source_type": "HUMAN", "source_data": {"user": "me"}}}),
        ("a document", {"inputs": {"q": "s3"}, "source": {"source_type": "DOCUMENT", "source_data": {"doc_uri": "x"}}}),
        ("code", {"inputs": {"q": "s4"}, "source": {"source_type": "CODE"}}),
        ("a source of nonsense", {"inputs": {"q": "s5"}, "source": {"source_type": "X"}}),
        ("a source without type", {"inputs": {"q": "s6"}, "source": {}}), ("a source of a text", {"inputs": {"q": "s7"}, "source": "x"}),
        ("no inputs", {"expectations": {"a": 1}}), ("empty inputs", {"inputs": {}}), ("null inputs", {"inputs": None}),
        ("inputs of a text", {"inputs": "x"}), ("inputs of a list", {"inputs": [1]}), ("nothing", {}),
        ("a user", {"inputs": {"q": "u"}, "tags": {"mlflow.user": "ada"}}), ("unicode", {"inputs": {"ü": "🎈"}}),
        ("a session", {"inputs": {"goal": "g", "persona": "p"}}), ("more fields", {"inputs": {"q": "m"}, "nonsense": 1}),
        ("a null expectation", {"inputs": {"q": "one"}, "expectations": None}),
        ("tags of a number", {"inputs": {"q": "t"}, "tags": {"n": 1}}),
    ):
        upsert(pair, record, label=label)
    records(pair)
    read(pair)
    upsert(pair, {"inputs": {"q": "same"}}, {"inputs": {"q": "same"}}, label="twice in one call")
    upsert(pair, label="an empty list")
    for text in ("{", "", "null", "{}", '"x"', "[1]", "[null]", '["x"]', "[[]]"):
        pair.post("3:datasets/{data}/records", {"records": text}, name=f"records {text!r}")
    for body in ({}, {"records": []}, {"records": None}, {"records": 5}):
        pair.post("3:datasets/{data}/records", body, name=f"{body}")
    read(pair)


@case
def reading_and_deleting_records(pair):
    create(pair)
    upsert(pair, *[{"inputs": {"n": n}} for n in range(5)])
    records(pair)
    for query in ("max_results=2", "max_results=5", "max_results=0", "max_results=-1", "max_results=x", "max_results=", "page_token=x",
        "page_token=", "page_token=e30="):
        call = pair.get("3:datasets/{data}/records", query, name=query, ignore=("records", "next_page_token"))
    call = pair.get("3:datasets/{data}/records", "max_results=2", ignore=("records", "next_page_token"))
    pair.keep("token", "next_page_token", call)
    pair.get("3:datasets/{data}/records", "max_results=2&page_token={token}", ignore=("records", "next_page_token"))
    upsert(pair, {"inputs": {"only": 1}}, which="data")
    create(pair, name="{u}.second", keep="second")
    upsert(pair, {"inputs": {"a": 1}}, which="second")
    call = records(pair, "second")
    for side, answer in enumerate((call.stock, call.ours)):
        found = json.loads((answer.json or {}).get("records") or "[{}]")
        pair.variables[side]["record"] = found[0].get("dataset_record_id", "none")
    for ids in (["{record}"], ["{record}"], ["none"], [], "x", None, [5]):
        pair.delete("3:datasets/{second}/records", {"dataset_record_ids": ids}, name=f"delete {ids}")
    pair.delete("3:datasets/{second}/records", {}, name="delete nothing")
    records(pair, "second")
    read(pair, "second")


@case
def searching(pair):
    experiment(pair)
    for name, more in (("alpha", {"tags": '{"team": "blue", "a.b": "dot"}', "experiment_ids": ["{exp}"]}),
        ("Beta", {"tags": '{"team": "red", "mlflow.user": "ada"}', "experiment_ids": ["{exp}"]}), ("gamma", {})):
        create(pair, name="{u}." + name, keep=name.lower(), **more)
    ours = "name LIKE '{u}.%'"
    find = lambda text=None, name="", **more: pair.post("3:datasets/search",
        {**({"filter_string": text} if text is not None else {}), **more}, name=name or str(text), ignore=LOOSE)
    for text in (
        ours, "name = '{u}.alpha'", "name != '{u}.alpha' AND " + ours, "name LIKE '{u}.al%'", "name LIKE '{u}.be%'", "name ILIKE '{u}.BE%'",
        "name IN ('{u}.alpha', '{u}.gamma')", "name NOT IN ('{u}.alpha')", "tags.team = 'blue' AND " + ours,
        "tags.team != 'blue' AND " + ours, "tags.team LIKE 'b%' AND " + ours, "tags.team ILIKE 'R%' AND " + ours,
        "tags.a.b = 'dot' AND " + ours, "tags.`a.b` = 'dot' AND " + ours,
        "created_time > 0 AND " + ours, "created_time < 5 AND " + ours, "last_update_time > 0 AND " + ours,
        "created_by = 'ada' AND " + ours, "last_updated_by = 'ada' AND " + ours, "created_by != 'ada' AND " + ours,
        ours + " and tags.team = 'red'",
        "name", "name =", "name = x", "name = 5", "name > 'x'", "name = 'x' OR name = 'y'", "(name = 'x')", "name = 'x", "name = 'x';",
        "nonsense = 'x'", "tag.team = 'x'", "tags.team > 'x'", "tags.team = 5", "tags = 'x'", "metrics.a > 1", "created_time = 'x'",
        "created_time LIKE '5'", "created_by IN ('ada')", "digest = 'x'", "dataset_id = 'x'", "attributes.name = 'x'", "x", "'",
        "name IS NULL", "tags.team IS NULL", "tags.team IN ('x')", "", "name RLIKE 'x' AND " + ours,
    ):
        find(text, order_by=["name ASC"]) if text else find(ours + " ", "a trailing space", order_by=["name"])
    for order in (["name"], ["name DESC"], ["created_time"], ["created_time DESC"], ["last_update_time DESC"], [], ["nonsense"],
        ["name UP"], ["tags.team"], ["created_by"], [""], "name", [5], None):
        find(ours, f"order by {order}", order_by=order)
    for limit in (1, 3, 4, 0, -1, 1000, 1001, 50000, 50001, "2", "x", None):
        find(ours, f"max_results {limit!r}", max_results=limit, order_by=["name"])
    for token in ("x", "", "e30=", "W10=", "eyJvZmZzZXQiOiAxfQ=="):
        find(ours, f"page_token {token!r}", page_token=token, order_by=["name"])
    for ids in (["{exp}"], ["99999999"], ["{exp}", "0"], [], ["x"], "{exp}", None, [5]):
        find(ours, f"experiments {ids}", experiment_ids=ids, order_by=["name"])
    for query in ("filter_string=name+LIKE+'{u}.%25'&order_by=name", "experiment_ids={exp}&order_by=name", "max_results=x",
        "filter_string=x"):
        pair.get("3:datasets/search", query, name=query, ignore=LOOSE)
    for name in ("alpha", "beta", "gamma"):
        pair.delete(f"3:datasets/{{{name}}}")
