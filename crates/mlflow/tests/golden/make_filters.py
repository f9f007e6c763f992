"""What stock MLflow says about search filters and orders.

    python make_filters.py golden           > filters.jsonl   # the committed cases
    python make_filters.py fuzz SEED COUNT  > cases.jsonl     # as many more as wanted
    python make_filters.py ask              # one case a line on standard input, answers on standard output

It needs an environment with mlflow==3.18.0 and sqlparse==0.6.1. Nothing of a filter's meaning is decided here: MLflow's
own parsers read it, and MLflow's own SQL stores run it on a nearly empty SQLite database.

A line is {"s": search, "f": filter} or {"s": search, "o": [orders]}, and one of
    "c": the comparisons [[entity, key, operator, value], ...], or the orders [[entity, key, ascending], ...]
    "e": the message of an INVALID_PARAMETER_VALUE
    "x": what the stock server fails with otherwise (an internal error, or a database's error)
A number that is no whole number is written {"r": repr}.
"""

import json
import logging
import os
import random
import re
import sys
import tempfile
import warnings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")

import sqlparse  # noqa: E402

from mlflow.entities import ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry  # noqa: E402
from mlflow.store.tracking import sqlalchemy_store as tracking  # noqa: E402
from mlflow.store.tracking.dbmodels import models as tables  # noqa: E402
from mlflow.utils import search_logged_model_utils as logged  # noqa: E402
from mlflow.utils import search_utils as su  # noqa: E402
from mlflow.version import VERSION  # noqa: E402

assert VERSION == "3.18.0" and sqlparse.__version__ == "0.6.1", (VERSION, sqlparse.__version__)
logging.disable(logging.CRITICAL)


class Sorted(set):
    """Messages show sets; a fixed order makes them comparable."""

    def __repr__(self):
        return "{" + ", ".join(map(repr, sorted(self))) + "}"


for module in (su,):
    for thing in list(vars(module).values()):
        if isinstance(thing, type) and thing.__module__ == su.__name__:
            for name, value in list(vars(thing).items()):
                if type(value) is set and all(isinstance(item, str) for item in value):
                    setattr(thing, name, Sorted(value))


class Stock:
    """The stock stores, on a database of their own."""

    def __init__(self):
        root = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = tempfile.TemporaryDirectory(dir=root)
        place = f"sqlite:///{self.folder.name}/m.db"
        self.tracking = tracking.SqlAlchemyStore(place, f"{self.folder.name}/artifacts")
        self.registry = Registry(place)

    def filter(self, search, text):
        return getattr(self, f"filter_{search}")(text)

    def order(self, search, orders):
        return getattr(self, f"order_{search}")(orders)

    # Filters: what the parser says, in the store's words; then the store must be able to run it.

    def filter_runs(self, text):
        found = []
        for one in su.SearchUtils.parse_search_filter(text):
            key = su.SearchUtils.translate_key_alias(one["key"])
            value = float(one["value"]) if one["type"] == "metric" and one["value"] is not None else one["value"]
            found.append((one["type"], key, one["comparator"].upper(), value))
        self.tracking.search_runs(["0"], text, ViewType.ALL, 1, None, None)
        return found

    def filter_experiments(self, text):
        found = []
        for one in su.SearchExperimentsUtils.parse_search_filter(text):
            value = one["value"]
            found.append([one["type"], one["key"], one["comparator"].upper(), value])
        self.tracking.search_experiments(ViewType.ALL, 1, text)
        for one in found:
            if one[0] == "attribute" and one[1] == "experiment_id":
                many = isinstance(one[3], tuple)
                one[3] = tuple(str(int(item)) for item in one[3]) if many else int(one[3])
        return found

    def filter_registered_models(self, text):
        found = [
            (one["type"], one["key"], one["comparator"], one["value"])
            for one in su.SearchModelUtils.parse_search_filter(text)
        ]
        self.registry.search_registered_models(text, 1)
        return found

    def filter_model_versions(self, text):
        found = []
        for one in su.SearchModelVersionUtils.parse_search_filter(text):
            value = one["value"]
            if one["key"] in su.SearchModelVersionUtils.NUMERIC_ATTRIBUTES and one["type"] == "attribute":
                value = maybe(int, value)
            found.append((one["type"], one["key"], one["comparator"], value))
        self.registry.search_model_versions(text, 1)
        return found

    def filter_logged_models(self, text):
        words = {"attributes": "attribute", "metrics": "metric", "params": "parameter", "tags": "tag"}
        found = []
        for one in logged.parse_filter_string(text):
            value = one.value
            if isinstance(value, tuple):
                value = tuple(texted(item) for item in value)
            elif not one.entity.is_numeric():
                value = texted(value)
            found.append((words[one.entity.type.value], one.entity.key, one.op, value))
        self.tracking.search_logged_models(["0"], text, max_results=1)
        return found

    def filter_traces(self, text):
        found = []
        for one in su.SearchTraceUtils.parse_search_filter_for_search_traces(text):
            kind, key, value = one["type"], one["key"], one["value"]
            if kind == "tag" and key == "mlflow.linkedPrompts":
                kind = "prompt"
            found.append([kind, key, one["comparator"].upper(), value])
        self.tracking.search_traces(["0"], text, 1)
        for one in found:
            if one[0] == "attribute" and one[1] in su.SearchTraceUtils.NUMERIC_ATTRIBUTES and isinstance(one[3], str):
                one[3] = numeric(one[3])
        return found

    def filter_trace_metrics(self, text):
        one = su.SearchTraceMetricsUtils.parse_search_filter(text)
        kind, key = {
            ("trace", "status"): ("attribute", "status"),
            ("trace", "tag"): ("tag", one.key),
            ("trace", "metadata"): ("request_metadata", one.key),
        }.get((one.view_type, one.entity), (one.view_type, one.entity))
        return [(kind, key or "", one.comparator, one.value)]

    def filter_datasets(self, text):
        found = []
        for one in su.SearchEvaluationDatasetsUtils.parse_search_filter(text):
            value = one["value"]
            found.append((one["type"], one["key"], one["comparator"], value))
        self.tracking.search_datasets(None, text, 1)
        return found

    # Orders.

    def order_runs(self, orders):
        self.tracking.search_runs(["0"], None, ViewType.ALL, 1, orders, None)
        found = [su.SearchUtils.parse_order_by_for_search_runs(one) for one in orders]
        return [(kind, su.SearchUtils.translate_key_alias(key), up) for kind, key, up in found]

    def order_experiments(self, orders):
        self.tracking.search_experiments(ViewType.ALL, 1, None, orders)
        return [su.SearchExperimentsUtils.parse_order_by_for_search_experiments(one) for one in orders]

    def order_registered_models(self, orders):
        self.registry.search_registered_models(None, 1, orders)
        found = [su.SearchUtils.parse_order_by_for_search_registered_models(one) for one in orders]
        return [("attribute", "name" if key == "name" else "last_updated_timestamp", up) for key, up in found]

    def order_model_versions(self, orders):
        self.registry.search_model_versions(None, 1, orders)
        found = [su.SearchModelVersionUtils.parse_order_by_for_search_model_versions(one) for one in orders]
        return [("attribute", key, up) for _, key, up in found]

    def order_logged_models(self, orders):
        self.tracking.search_logged_models(["0"], None, order_by=[{"field_name": one} for one in orders])
        found = []
        for one in orders:
            if "." in one:
                found.append(("metric", one.split(".", 1)[1], True))
            else:
                found.append(("attribute", tables.SqlLoggedModel.ALIASES.get(one, one), True))
        return found

    def order_traces(self, orders):
        self.tracking.search_traces(["0"], None, 1, orders)
        return [su.SearchTraceUtils.parse_order_by_for_search_traces(one) for one in orders]

    def order_datasets(self, orders):
        self.tracking.search_datasets(None, None, 1, orders)
        parse = su.SearchEvaluationDatasetsUtils.parse_order_by_for_search_evaluation_datasets
        return [parse(one) for one in orders]









def texted(value):
    """A number beside a text, as SQLite's text affinity turns it into a text."""
    return str(value) if type(value) in (int, float) else value


def maybe(kind, value):
    try:
        return kind(value)
    except (TypeError, ValueError):
        return value


def numeric(text):
    """A text beside a number, as SQLite's numeric affinity turns it into a number. Another text is no number."""
    if not re.fullmatch(r"[ \t\n\v\f\r]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*", text):
        raise ValueError(f"a text beside a number: {text!r}")
    return maybe(int, text) if re.fullmatch(r"\s*[+-]?[0-9]+\s*", text) else float(text)


def plain(value):
    if isinstance(value, float):
        return {"r": repr(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"no plain value: {value!r}")


def answer(stock, case):
    """The case, with what the stock server says."""
    case = dict(case)
    try:
        if "f" in case:
            case["c"] = [[*one[:3], plain(one[3])] for one in stock.filter(case["s"], case["f"])]
        else:
            case["c"] = [list(one) for one in stock.order(case["s"], case["o"])]
    except MlflowException as error:
        duplicate = "duplicate fields" in error.message
        if error.error_code == "INVALID_PARAMETER_VALUE" or duplicate:
            case["e"] = error.message
        else:
            case["x"] = first_line(f"{error.error_code}: {error.message}")
    except Exception as error:
        case["x"] = first_line(f"{type(error).__name__}: {error}")
    return case


def first_line(text):
    return re.sub(r" at 0x[0-9a-f]+", "", text.splitlines()[0])[:100]


def write(case):
    sys.stdout.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import filter_cases

    stock = Stock()
    match sys.argv[1:]:
        case ["golden"]:
            for case in filter_cases.golden(lambda case: answer(stock, case)):
                write(case)
        case ["fuzz", seed, count]:
            chance = random.Random(int(seed))
            for _ in range(int(count)):
                write(answer(stock, filter_cases.generated(chance)))
        case ["ask"]:
            for line in sys.stdin:
                write(answer(stock, json.loads(line)))
        case _:
            sys.exit(__doc__)
