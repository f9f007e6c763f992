"""Searching logged models."""

from ..registry import area
from ..steps import experiment, model, run

case = area("logged-models")


def fill(pair):
    experiment(pair)
    run(pair)
    for name, digest in (("d1", "1"), ("d2", "2")):
        pair.post("runs/log-inputs", {"run_id": "{run}",
                "datasets": [{"dataset": {"name": name, "digest": digest, "source_type": "s", "source": "s"}}]})
    for n in range(6):
        name = f"model{n}"
        model(pair, name, model_type="Agent" if n < 3 else "llm", **({"source_run_id": "{run}"} if n % 2 else {}),
            params=[{"key": "lr", "value": str(n)}, {"key": "with space", "value": f"v{n}"}],
              tags=[{"key": "parity", "value": "odd" if n % 2 else "even"},
                  {"key": "a.b", "value": "dot"}] + ([{"key": "few", "value": "it's"}] if n == 1 else []))
        points = [("acc", n / 10, {})] if n != 4 else []
        if n < 3:
            points += [("f1", n, {"dataset_name": "d1", "dataset_digest": "1"}),
                ("f1", 10 - n, {"dataset_name": "d2", "dataset_digest": "2"})]
        if n == 5:
            points = [("acc", "NaN", {})]
        for key, value, more in points:
            pair.post("runs/log-metric", {"run_id": "{run}", "key": key, "value": value, "timestamp": 10 + n, "step": 1,
                    "model_id": f"{{{name}}}", **more})
    pair.patch("logged-models/{model0}", {"model_id": "{model0}", "status": 2})


def search(pair, text=None, name="", **more):
    body = {"experiment_ids": ["{exp}"], **more}
    if text is not None:
        body["filter"] = text
    return pair.post("logged-models/search", body, name=name, unordered=("metrics",))


@case
def filters(pair):
    fill(pair)
    for text in (
        "", " ", "name = 'model1'", "name != 'model1'", "name LIKE 'model%'", "name LIKE 'MODEL%'", "name ILIKE 'MODEL1'",
        "name IN ('model1', 'model2')", "name NOT IN ('model1')", "name in ('model1')", "name IN ('model1')", "attributes.name = 'model1'",
        "model_id = '{model1}'", "model_id IN ('{model1}', '{model2}')",
        "model_type = 'Agent'", "model_type != 'Agent'", "status = 'READY'", "status = 'PENDING'", "status != 'READY'",
        "source_run_id = '{run}'", "source_run_id != '{run}'", "creation_timestamp > 0", "creation_time > 0", "creation_timestamp < 5",
        "last_updated_timestamp > 0", "last_updated_time > 0",
        "attributes.creation_timestamp >= 0", "metrics.acc > 0.15", "metrics.acc >= 0.2", "metrics.acc = 0.1", "metrics.acc != 0.1",
        "metrics.acc < 0.2", "metrics.`acc` > 0.15", "metrics.f1 > 1", "metrics.none > 0", "metrics.acc > 0.05 AND metrics.acc < 0.25",
        "params.lr = '3'", "params.lr != '3'", "params.lr LIKE '3%'",
        "params.`with space` = 'v2'", "params.lr IN ('1', '2')", "params.lr NOT IN ('1')", "params.none = 'x'", "params.none != 'x'",
        "tags.parity = 'odd'", "tags.parity != 'odd'", "tags.parity LIKE 'o%'", "tags.parity ILIKE 'O%'", "tags.parity IN ('odd')",
        "tags.`a.b` = 'dot'", "tags.a.b = 'dot'", "tags.few = 'it''s'", "tags.few = \"it's\"",
        "tags.none IS NULL", "tags.few IS NOT NULL", "name = 'model1' AND metrics.acc > 0",
        "name = 'model1' and params.lr = '1' AND tags.parity = 'odd'", "  name  =  'model1'  ", "name='model1'",
        "name", "name =", "= 'x'", "name = model1", "name = 5", "name > 'x'", "name == 'x'", "name <> 'x'", "name = 'x' OR name = 'y'",
        "(name = 'x')", "NOT name = 'x'", "name BETWEEN 'a' AND 'b'", "name = 'x", "name = 'x' AND", "AND name = 'x'", "name = 'x';",
        "name = 'x'; name = 'y'", "name = 'x', name = 'y'", "name LIKE", "name LIKE 5", "name RLIKE 'x'",
        "name IN ()", "name IN (5)", "name IN 'x'", "name IN ('a' 'b')", "name IN (a)", "nonsense = 'x'", "attributes.nonsense = 'x'",
        "nonsense.x = 'y'", "metric.acc > 1", "param.lr = '1'", "tag.parity = 'odd'", "Metrics.acc > 1", "metrics.acc", "metrics.acc > 'x'",
        "metrics.acc > '0.1'", "metrics.acc LIKE '1'", "metrics.acc IN (1)", "metrics.acc > NaN",
        "metrics.acc > -1", "metrics.acc > 1e-1", "metrics. > 1", "metrics > 1", "params.lr > '1'", "params.lr = 1", "params. = 'x'",
        "tags.parity > 'x'", "tags.parity = odd", "creation_timestamp = 'x'", "creation_timestamp LIKE '1'", "creation_timestamp > 1.5",
        "creation_timestamp IN (1)", "experiment_id = '0'", "x", "'", "SELECT 1", "é = 'x'",
        "name = \"model1\"", "name = `model1`", "`name` = 'model1'", "attributes.`name` = 'model1'", "status = 'ready'", "status = 2",
        "status = '2'", "status = 'LOGGED_MODEL_READY'", "status LIKE 'REA%'", "lifecycle_stage = 'active'", "artifact_location LIKE 'x'",
        "name IS NULL", "params.with space = 'v2'",
    ):
        search(pair, text)
    for value in (5, None, ["x"], {"a": 1}, True):
        search(pair, value, f"filter {value!r}")


@case
def orders(pair):
    fill(pair)
    for order in (
        [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "name", "ascending": True}],
        [{"field_name": "creation_timestamp"}], [{"field_name": "creation_time", "ascending": False}],
        [{"field_name": "last_updated_timestamp", "ascending": False}], [{"field_name": "model_id"}],
        [{"field_name": "model_type"}, {"field_name": "name", "ascending": False}], [{"field_name": "status"}, {"field_name": "name"}],
        [{"field_name": "source_run_id"}, {"field_name": "name"}], [{"field_name": "metrics.acc"}],
        [{"field_name": "metrics.acc", "ascending": False}], [{"field_name": "metrics.none"}],
        [{"field_name": "metrics.f1", "dataset_name": "d1"}], [{"field_name": "metrics.f1", "dataset_name": "d1", "ascending": False}],
        [{"field_name": "metrics.f1", "dataset_name": "d2", "dataset_digest": "2"}],
        [{"field_name": "metrics.f1", "dataset_name": "d2", "dataset_digest": "9"}], [{"field_name": "metrics.f1", "dataset_digest": "2"}],
        [{"field_name": "metrics.acc"}, {"field_name": "metrics.f1", "dataset_name": "d1"}], [], [{"field_name": "params.lr"}],
        [{"field_name": "tags.parity"}], [{"field_name": "nonsense"}], [{"field_name": "metrics."}], [{"field_name": "metrics"}],
        [{"field_name": ""}], [{}], [{"ascending": False}], [{"field_name": "name DESC"}],
        [{"field_name": "attributes.name"}], [{"field_name": "metric.acc"}], ["name"], "name", 5, None, {"field_name": "name"},
        [{"field_name": 5}], [{"field_name": "name", "ascending": "x"}], [{"field_name": "name", "ascending": "false"}],
        [{"field_name": "name", "ascending": 0}], [{"field_name": "experiment_id"}], [{"field_name": "name", "nonsense": 1}],
    ):
        # Ties on the identifier are broken at random, so that only sets can be compared.
        loose = order == [{"field_name": "model_id"}]
        pair.post("logged-models/search", {"experiment_ids": ["{exp}"], "order_by": order},
            unordered=("metrics", "models") if loose else ("metrics",))


@case
def datasets(pair):
    fill(pair)
    for given in ([{"dataset_name": "d1"}], [{"dataset_name": "d1", "dataset_digest": "1"}],
        [{"dataset_name": "d1", "dataset_digest": "9"}], [{"dataset_name": "d1"}, {"dataset_name": "d2"}], [{"dataset_name": "none"}],
        [{"dataset_digest": "1"}], [{}], [], "d1", None, ["d1"], {"dataset_name": "d1"}, [{"dataset_name": ""}], [{"dataset_name": 5}]):
        for text in (None, "metrics.f1 > 1", "metrics.acc > 0", "name = 'model1'"):
            search(pair, text, f"{given} {text}", datasets=given)
            if not isinstance(given, list) or not given:
                break


@case
def pages(pair):
    fill(pair)
    body = {"experiment_ids": ["{exp}"], "max_results": 2, "order_by": [{"field_name": "name"}], "filter": "params.lr != '3'"}
    call = pair.post("logged-models/search", body, unordered=("metrics",))
    pair.keep("token", "next_page_token", call)
    pair.post("logged-models/search", {**body, "page_token": "{token}"}, unordered=("metrics",))
    pair.post("logged-models/search", {**body, "page_token": "{token}", "max_results": 1}, name="another size", unordered=("metrics",))
    pair.post("logged-models/search", {**body, "page_token": "{token}", "filter": "params.lr != '4'"}, name="another filter")
    pair.post("logged-models/search", {**body, "page_token": "{token}", "order_by": []}, name="another order")
    pair.post("logged-models/search", {**body, "page_token": "{token}", "experiment_ids": ["0"]}, name="other experiments")
    for limit in (1, 6, 7, 0, -1, 50, 51, 100, 101, 1000, 1001, "2", "x", 1.5, None, True):
        search(pair, name=f"max_results {limit!r}", max_results=limit)
    for token in ("x", "!!", "", "e30=", "W10=", "eyJvZmZzZXQiOiAxfQ==", 5, None, [1]):
        search(pair, name=f"page_token {token!r}", page_token=token)
    for ids in ([], ["99999999"], ["{exp}", "99999999"], ["x"], [5], None, "{exp}", [""], ["{exp}", "{exp}"], ["0.5"]):
        pair.post("logged-models/search", {"experiment_ids": ids}, name=f"experiments {ids!r}", unordered=("metrics",))
    pair.post("logged-models/search", {}, name="nothing")
    pair.delete("logged-models/{model2}")
    search(pair, name="one deleted")
