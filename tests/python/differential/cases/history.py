"""Histories of metrics: pages, many runs at once, and sampling."""

from ..registry import area
from ..steps import batch, experiment, run

case = area("history")
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"


@case
def one_run(pair):
    experiment(pair)
    run(pair)
    batch(pair, metrics=[("m", n, 100 - n, n % 7) for n in range(50)] + [("nan", "NaN", 1, 1), ("one", 5, 5, 5), ("a/b c", 1, 1, 1),
            ("neg", 1, 1, -4)])
    read = lambda query, **more: pair.get("metrics/get-history", {"run_id": "{run}", **query}, **more)
    read({"metric_key": "m"})
    for key in ("nan", "one", "a/b c", "neg", "none", "", "M", "é"):
        read({"metric_key": key}, name=f"key {key!r}")
    for limit in ("1", "10", "49", "50", "51", "25000", "25001", "0", "-1", "x", "", "1.5", "2147483647", "2147483648", " 5"):
        read({"metric_key": "m", "max_results": limit}, name=f"limit {limit!r}")
    for path in ("", "run_id={run}", "metric_key=m", "run_id=&metric_key=m", "run_uuid={run}&metric_key=m", "run_id={run}&metricKey=m",
        "run_id=f&metric_key=m",
                 "run_id=" + "f" * 32 + "&metric_key=m"):
        pair.get("metrics/get-history", path, name=path or "nothing")
    for token in ("x", "!!", "", "eyJvZmZzZXQiOiAxMH0=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAieCJ9", "e30=", "W10=", "NQ==",
        "eyJvZmZzZXQiOiAxMDAwfQ=="):
        read({"metric_key": "m", "max_results": "5", "page_token": token}, name=f"token {token!r}")
        read({"metric_key": "m", "page_token": token}, name=f"token {token!r} without a limit")


@case
def pages(pair):
    experiment(pair)
    run(pair)
    batch(pair, metrics=[("m", n, n // 3, n // 5) for n in range(25)])
    call = pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "10"})
    while call.stock.json.get("next_page_token"):
        pair.keep("token", "next_page_token", call)
        call = pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": "10", "page_token": "{token}"})


@case
def ties(pair):
    """The order of points that share a time, a step, or both."""
    experiment(pair)
    run(pair)
    batch(pair, metrics=[("m", value, timestamp, step) for step in (3, 1, 2) for timestamp in (30, 10) for value in (2, 1)])
    pair.get("metrics/get-history", {"run_id": "{run}", "metric_key": "m"})
    pair.get(BULK, {"run_id": ["{run}"], "metric_key": "m"})
    pair.get(INTERVAL, {"run_ids": ["{run}"], "metric_key": "m"})


@case
def several_runs(pair):
    experiment(pair)
    for name, points in (("a", 5), ("b", 3), ("c", 0)):
        run(pair, name)
        batch(pair, name, metrics=[("m", n, n, n) for n in range(points)] or [("other", 1, 1, 1)])
    batch(pair, "a", metrics=[("odd", "NaN", 1, 1), ("odd", "Infinity", 2, 2)])
    read = lambda query, **more: pair.get(BULK, query, unordered=("metrics",), **more)
    read("run_id={a}&run_id={b}&metric_key=m")
    read("run_id={b}&run_id={a}&run_id={c}&metric_key=m")
    read("run_id={a}&metric_key=odd", name="NaN and infinite")
    read("run_id={a}&run_id={a}&metric_key=m", name="the same twice")
    for query in ("metric_key=m", "run_id={a}", "run_id=&metric_key=m", "run_id={a}&metric_key=", "run_id=f&metric_key=m",
        "run_id={a}&metric_key=m&max_results=0",
                  "run_id={a}&metric_key=m&max_results=-1", "run_id={a}&metric_key=m&max_results=x",
                  "run_id={a}&metric_key=m&max_results=99999", "", "run_ids={a}&metric_key=m"):
        read(query, name=query or "nothing")
    pair.get(BULK, "run_id={a}&metric_key=m&max_results=2", name="max_results 2")
    read("&".join(f"run_id={n:032x}" for n in range(100)) + "&metric_key=m", name="100 runs")
    read("&".join(f"run_id={n:032x}" for n in range(101)) + "&metric_key=m", name="101 runs")
    pair.get("metrics/get-history-bulk", "run_id={a}&metric_key=m", name="not under /api")
    pair.post("runs/delete", {"run_id": "{b}"})
    read("run_id={a}&run_id={b}&metric_key=m", name="with a deleted run")


@case
def intervals(pair):
    experiment(pair)
    for name, points in (("a", range(0, 3000, 3)), ("b", range(0, 50)), ("c", ())):
        run(pair, name)
        if points:
            batch(pair, name, metrics=[("m", step, step, step) for step in points])
    read = lambda query, **more: pair.get(INTERVAL, query, **more)
    for query in (
        "run_ids={a}&metric_key=m", "run_ids={a}&metric_key=m&max_results=10", "run_ids={a}&run_ids={b}&metric_key=m&max_results=7",
        "run_ids={b}&run_ids={a}&metric_key=m&max_results=5", "run_ids={c}&metric_key=m",
        "run_ids={a}&run_ids={c}&metric_key=m&max_results=4",
        "run_ids={a}&metric_key=m&max_results=1", "run_ids={a}&metric_key=m&max_results=2", "run_ids={a}&metric_key=m&max_results=3",
        "run_ids={a}&metric_key=m&max_results=320", "run_ids={a}&metric_key=m&max_results=999", "run_ids={a}&metric_key=m&max_results=1000",
        "run_ids={a}&metric_key=m&max_results=2500",
        "run_ids={a}&metric_key=m&start_step=300&end_step=600", "run_ids={a}&metric_key=m&start_step=301&end_step=599&max_results=10",
        "run_ids={a}&metric_key=m&start_step=1&end_step=2", "run_ids={a}&metric_key=m&start_step=3&end_step=3",
        "run_ids={a}&metric_key=m&start_step=5000&end_step=6000",
        "run_ids={a}&metric_key=m&start_step=-10&end_step=10", "run_ids={a}&metric_key=m&start_step=600&end_step=300",
        "run_ids={a}&metric_key=m&start_step=5",
        "run_ids={a}&metric_key=m&end_step=5", "run_ids={a}&metric_key=m&start_step=x&end_step=5",
        "run_ids={a}&metric_key=m&start_step=1.5&end_step=5",
        "run_ids={a}&metric_key=m&start_step=&end_step=5", "run_ids={a}&metric_key=m&max_results=0",
        "run_ids={a}&metric_key=m&max_results=2501",
        "run_ids={a}&metric_key=m&max_results=-1", "run_ids={a}&metric_key=m&max_results=x", "run_ids={a}&metric_key=none",
        "run_ids={a}&metric_key=", "run_ids={a}",
        "metric_key=m", "", "run_id={a}&metric_key=m", "run_ids=&metric_key=m", "run_ids=" + "f" * 32 + "&metric_key=m",
        "run_ids={a}&run_ids={a}&metric_key=m&max_results=3",
        "run_ids={a}&run_ids={b}&metric_key=m&start_step=20&end_step=40&max_results=4",
    ):
        read(query, name=query or "nothing")
    read("&".join(f"run_ids={n:032x}" for n in range(100)) + "&metric_key=m", name="100 runs")
    read("&".join(f"run_ids={n:032x}" for n in range(101)) + "&metric_key=m", name="101 runs")
    pair.get("metrics/get-history-bulk-interval", "run_ids={a}&metric_key=m&max_results=5", name="under /api")


@case
def intervals_of_odd_points(pair):
    experiment(pair)
    run(pair, "same")
    batch(pair, "same", metrics=[("m", n, n, 5) for n in range(300)] + [("m", n, n, 6 + n) for n in range(100)])
    run(pair, "odd")
    batch(pair, "odd", metrics=[("m", "NaN" if n % 5 == 0 else n, n, n) for n in range(100)] + [("inf", "Infinity", 1, 1),
            ("inf", "-Infinity", 2, 2)])
    run(pair, "negative")
    batch(pair, "negative", metrics=[("m", n, n, n - 50) for n in range(100)])
    run(pair, "sparse")
    batch(pair, "sparse", metrics=[("m", n, n, n**3) for n in range(60)])
    run(pair, "falling")
    batch(pair, "falling", metrics=[("m", n, 1000 - n, n) for n in range(60)])
    for name in ("same", "odd", "negative", "sparse", "falling"):
        for more in ("", "&max_results=10", "&max_results=50", "&start_step=-5&end_step=20&max_results=6"):
            pair.get(INTERVAL, f"run_ids={{{name}}}&metric_key=m{more}", name=f"{name}{more}")
    pair.get(INTERVAL, "run_ids={odd}&metric_key=inf")
    pair.get(INTERVAL, "run_ids={same}&run_ids={odd}&run_ids={negative}&run_ids={sparse}&metric_key=m&max_results=8")
