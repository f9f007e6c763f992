"""Searching traces, counting them, and comparing filters."""

from ..registry import area
from ..steps import experiment, run
from ..traces import export, find, number, place, span, start

case = area("traces")
METRICS = "3:traces/metrics"
CORRELATION = "3:traces/calculate-filter-correlation"


def fill(pair):
    experiment(pair)
    run(pair)
    for n in range(6):
        name = f"t{n}"
        pair.set(name, f"tr-{number(pair, name)}")
        at = 1_704_000_000_000 + n * 60_000
        spans = [
            span(pair, name, "root" if n % 2 else "entry", None, 0, (n + 1) * 100_000_000,
                {"mlflow.spanType": "CHAIN", "mlflow.spanInputs": {"q": f"question {n}"}, "mlflow.spanOutputs": f"answer {n}",
                    "colour": "red" if n < 3 else "Blue"}, {"code": 2 if n == 5 else 1}, start=at * 1_000_000),
            span(pair, name, "llm", "root" if n % 2 else "entry", 1_000_000, 50_000_000,
                {"mlflow.spanType": "LLM", "mlflow.chat.tokenUsage": {"input_tokens": n, "output_tokens": 2 * n, "total_tokens": 3 * n},
                    "mlflow.llm.model": "m-x" if n < 4 else "m-y", "mlflow.llm.provider": "nobody"}, {"code": 1}, start=at * 1_000_000),
        ]
        export(pair, spans)
        start(pair, name, request_time=f"2023-12-31T05:{20 + n}:00Z", execution_duration=f"{(n + 1) / 10}s",
            state="ERROR" if n == 5 else "OK", client_request_id=f"client{n}" if n < 3 else "absent",
              tags={"mlflow.traceName": f"name{n % 2}", "team": "blue" if n < 3 else "Red", "a.b": "dot",
                  **({"few": "it's"} if n == 1 else {})}, trace_metadata={"env": "prod" if n % 2 else "dev",
                  "mlflow.trace.session": f"s{n // 2}", "mlflow.trace.user": "ada"},
              request_preview=f"question {n}", response_preview=f"answer {n}")
    pair.post("traces/link-to-run", {"trace_ids": ["{t0}", "{t1}"], "run_id": "{run}"})
    assess = lambda trace, **body: pair.post(f"3:traces/{{{trace}}}/assessments", {"assessment": body}, name=f"assess {trace}")
    human, code = {"source_type": "HUMAN", "source_id": "me"}, {"source_type": "CODE", "source_id": "c"}
    assess("t0", assessment_name="correct", source=human, feedback={"value": True})
    assess("t1", assessment_name="correct", source=human, feedback={"value": False}, rationale="no")
    assess("t2", assessment_name="score", source=code, feedback={"value": 0.7})
    assess("t3", assessment_name="score", source=code, feedback={"value": 5})
    assess("t4", assessment_name="verdict", source=code, feedback={"value": "yes"})
    assess("t0", assessment_name="expected", source=human, expectation={"value": "because"})
    assess("t1", assessment_name="with space", source=human, feedback={"value": "x"})
    assess("t5", assessment_name="failed", source=code, feedback={"error": {"error_code": "E", "error_message": "m"}})


FILTERS = (
    "", " ", "status = 'OK'", "status != 'OK'", "status = 'ERROR'", "attributes.status = 'OK'", "trace.status = 'OK'",
    "status IN ('OK', 'ERROR')", "status NOT IN ('OK')", "status LIKE 'E%'", "status ILIKE 'err%'", "status = 'ok'",
    "attribute.status = 'OK'", "`status` = 'OK'",
    "name = 'name0'", "trace.name = 'name1'", "name LIKE 'name%'", "name ILIKE 'NAME1'", "name RLIKE 'name[01]'",
    "name IN ('name0', 'name1')", "name NOT IN ('name0')", "name != 'name0'", "attributes.name = 'name0'",
    "timestamp_ms > 1704000120000", "timestamp > 1704000120000", "timestamp_ms >= 1704000120000", "timestamp_ms = 1704000120000",
    "timestamp_ms != 1704000120000", "timestamp_ms < 1704000120000 AND status = 'OK'", "trace.timestamp_ms > 1704000120000",
    "attributes.timestamp > 1704000120000",
    "execution_time_ms > 300", "execution_time > 300", "execution_time_ms <= 300", "trace.execution_time_ms = 300",
    "end_time > 1704000120000", "end_time_ms > 1704000120000", "request_id = '{t1}'", "request_id IN ('{t1}', '{t2}')",
    "trace.request_id = '{t1}'", "client_request_id = 'client1'", "client_request_id IN ('client1')", "client_request_id LIKE 'client%'",
    "tag.team = 'blue'", "tags.team = 'blue'", "tags.team != 'blue'", "tags.team LIKE 'b%'", "tags.team ILIKE 'r%'", "tags.team RLIKE '^b'",
    "tags.team IS NULL", "tags.team IS NOT NULL", "tags.few IS NOT NULL", "tags.few IS NULL", "tags.`a.b` = 'dot'", "tags.a.b = 'dot'",
    "tags.few = \"it's\"", "tags.none = 'x'", "tags.none IS NULL", "tags.`mlflow.traceName` = 'name0'",
    "metadata.env = 'prod'", "request_metadata.env = 'prod'", "metadata.env != 'prod'", "metadata.env LIKE 'p%'",
    "metadata.env RLIKE 'd.v'", "metadata.env IS NOT NULL", "metadata.none IS NULL", "metadata.`mlflow.trace.session` = 's0'",
    "metadata.mlflow.trace.session = 's0'", "metadata.`mlflow.trace.user` = 'ada'",
    "run_id = '{run}'", "trace.run_id = '{run}'", "run_id != '{run}'", "run_id IN ('{run}')", "span.name = 'llm'", "span.name != 'llm'",
    "span.name LIKE 'ro%'", "span.name ILIKE 'RO%'", "span.name RLIKE '^(root|entry)$'", "span.name IN ('root', 'x')",
    "span.name NOT IN ('root', 'llm')", "span.type = 'LLM'", "span.type IN ('LLM', 'TOOL')", "span.status = 'ERROR'", "span.status = 'OK'",
    "span.status != 'OK'",
    "span.attributes.colour = 'red'", "span.attributes.colour LIKE '%red%'", "span.attributes.colour ILIKE '%blue%'",
    "span.attributes.colour = 'Blue'", "span.attributes.colour RLIKE 'r.d'", "span.attributes.none = 'x'",
    "span.attributes.`mlflow.spanType` = 'LLM'", "span.attributes.mlflow.spanType = 'LLM'", "span.attributes.colour != 'red'",
    "span.content LIKE '%question 3%'", "span.content ILIKE '%QUESTION 3%'",
    "text LIKE '%question 3%'", "text ILIKE '%QUESTION%'", "trace.text LIKE '%answer 2%'", "attributes.text LIKE '%nothing%'",
    "span.name = 'llm' AND span.type = 'LLM'", "span.name = 'llm' AND span.type = 'CHAIN'",
    "span.name = 'root' AND span.attributes.colour = 'red'",
    "feedback.correct = 'true'", "feedback.correct = 'false'", "feedback.correct != 'true'", "feedback.score > 0.5", "feedback.score >= 5",
    "feedback.score < 1", "feedback.score <= 0.7", "feedback.score = '0.7'", "feedback.score = '5'", "feedback.verdict = 'yes'",
    "feedback.verdict LIKE '%ye%'", "feedback.verdict ILIKE '%YES%'", "feedback.verdict RLIKE 'y.s'", "feedback.verdict IS NULL",
    "feedback.verdict IS NOT NULL",
    "feedback.`with space` = 'x'", "feedback.none IS NULL", "feedback.none = 'x'", "expectation.expected = 'because'",
    "expectation.expected IS NOT NULL", "expectation.expected != 'because'", "expectation.expected LIKE '%be%'",
    "expectation.correct = 'true'", "feedback.expected = 'because'", "feedback.failed IS NOT NULL", "feedback.verdict > 1",
    "feedback.correct > 0",
    "status = 'OK' AND tags.team = 'blue' AND metadata.env = 'prod'", "feedback.correct = 'true' AND expectation.expected = 'because'",
    "status = 'OK' and name = 'name0'", "issue.id = 'iss-1'",
    "status", "status =", "= 'OK'", "status = OK", "status = 5", "status > 'OK'", "status IS NULL", "status = 'OK' OR status = 'ERROR'",
    "(status = 'OK')", "NOT status = 'OK'", "status = 'OK", "status = 'OK' AND", "status = 'OK';", "status == 'OK'", "nonsense = 'x'",
    "attributes.nonsense = 'x'", "nonsense.x = 'y'", "timestamp_ms > 'x'", "timestamp_ms = '5'", "timestamp_ms LIKE '5'",
    "timestamp_ms IN (5)", "timestamp_ms > 1.5",
    "timestamp_ms", "timestamp_ms >", "execution_time_ms > 'x'", "execution_time_ms LIKE '1'", "tags.team > 'x'", "tags.team = 5",
    "tags.team = blue", "tags.team IN ('blue')", "tags = 'x'", "tags. = 'x'", "metadata.env > 'x'", "metadata.env IN ('x')",
    "metadata.env = 5", "span.nonsense = 'x'", "span.name > 'x'", "span.name = 5", "span.attributes. = 'x'", "span.attributes = 'x'",
    "span.content = 'x'", "span.content RLIKE 'x'",
    "text = 'x'", "text RLIKE 'x'", "text != 'x'", "feedback.score > '0.5'", "feedback.score = 0.5", "feedback.score > x",
    "feedback. = 'x'", "feedback = 'x'", "feedback.score IN ('1')", "expectation.expected > 'x'", "assessment.correct = 'x'",
    "issue.name = 'x'", "issue.id > 'x'", "issue.id = 5", "run_id > 'x'", "run_id IN ()", "name IN ('a' 'b')", "name > 'x'", "prompt = 'x'",
    "params.a = 'x'", "metrics.a > 1", "x", "'", "SELECT 1",
    "name RLIKE '['", "tags.team RLIKE '('", "span.name RLIKE '*'", "client_request_id IS NULL", "request_id LIKE 'tr-%'",
    "experiment_id = '0'", "é = 'x'", "status LIKE 5", "end_time = 'x'", "span.name IS NULL", "span.duration > 5",
    "feedback.score BETWEEN 1 AND 2", "feedback.score > -1", "feedback.score > 1e-1",
)


@case
def filters(pair):
    fill(pair)
    for text in FILTERS:
        find(pair, text)
    for value in (5, None, True, ["x"], {"a": 1}):
        find(pair, value, f"filter {value!r}")


@case
def orders_and_pages(pair):
    fill(pair)
    for order in (
        ["timestamp_ms"], ["timestamp_ms DESC"], ["timestamp ASC"], ["timestamp DESC"], ["execution_time"], ["execution_time_ms DESC"],
        ["status", "timestamp_ms"], ["status DESC", "timestamp_ms ASC"], ["name", "timestamp_ms"], ["trace.name DESC", "timestamp ASC"],
        ["request_id"], ["end_time DESC"], ["run_id", "timestamp_ms"], ["experiment_id", "timestamp_ms"],
        ["tags.team", "timestamp_ms"], ["tag.few DESC", "timestamp_ms"], ["metadata.env", "timestamp_ms"],
        ["metadata.`mlflow.trace.session` DESC", "timestamp_ms"], ["attributes.timestamp_ms"], [], ["client_request_id"], ["nonsense"],
        ["span.name"], ["feedback.score"], [""], ["timestamp_ms UP"], ["timestamp_ms, status"], ["text"], ["prompt"],
    ):
        find(pair, name=f"order by {order}", order_by=order)
    for value in ("timestamp_ms", 5, [5], None, {"a": 1}):
        find(pair, name=f"order by {value!r}", order_by=value)
    body, more = {"max_results": 4}, True
    while more:
        call = find(pair, **body)
        more = bool(call.stock.json.get("next_page_token"))
        if more:
            pair.keep("token", "next_page_token", call)
            body = {**body, "page_token": "{token}"}
    for limit in (0, 1, 6, 7, -1, 500, 501, "2", "x", 1.5, None, True):
        find(pair, name=f"max_results {limit!r}", max_results=limit)
    for token in ("x", "!!", "", "e30=", "W10=", "eyJvZmZzZXQiOiAxfQ==", 5, None):
        find(pair, name=f"page_token {token!r}", page_token=token)
    experiment(pair, "other")
    for places in ([place()], [place(), place("other")], [place("other")], [], None, "x", [{}], [{"type": "MLFLOW_EXPERIMENT"}],
        [{"mlflow_experiment": {"experiment_id": "99999999"}}], [{"mlflow_experiment": {"experiment_id": "x"}}],
        [{"mlflow_experiment": {"experiment_id": "a.b"}}], [{"type": "INFERENCE_TABLE", "inference_table": {"full_table_name": "a.b.c"}}],
        ["0"], [place(), place()]):
        pair.post("3:traces/search", {"locations": places}, name=f"locations {str(places)[:60]}")
    pair.post("3:traces/search", {}, name="nothing")
    pair.post("/ajax-api/3.0/mlflow/traces/search", {"locations": [place()]}, name="the ajax twin")
    pair.get("unified-traces", {"experiment_ids": "{exp}"}, name="unified")
    pair.get("get-online-trace-details", {"trace_id": "{t0}"}, name="online details")


@case
def metrics(pair):
    fill(pair)
    ask = lambda name="", **body: pair.post(METRICS, {"experiment_ids": ["{exp}"], **body}, name=name or str(body)[:100],
        unordered=("data_points",))
    one = lambda kind, value=None: [{"aggregation_type": kind, **({"percentile_value": value} if value is not None else {})}]
    for metric, kinds, dimensions in (
        ("trace_count", ("COUNT",), ([], ["trace_name"], ["trace_status"], ["trace_name", "trace_status"])),
        ("latency", ("AVG", "MIN", "MAX"), ([], ["trace_name"])), ("session_count", ("COUNT",), ([],)),
        ("input_tokens", ("SUM", "AVG"), ([], ["trace_name"])), ("total_tokens", ("SUM", "MAX"), ([],)), ("output_tokens", ("MIN",), ([],)),
        ("cache_read_input_tokens", ("SUM",), ([],)),
    ):
        for kind in kinds:
            for dimension in dimensions:
                ask(view_type="TRACES", metric_name=metric, aggregations=one(kind), **({"dimensions": dimension} if dimension else {}))
    for value in (0, 50, 95, 99.9, 100, -1, 101, None, "x"):
        ask(view_type="TRACES", metric_name="latency", aggregations=[{"aggregation_type": "PERCENTILE", "percentile_value": value}])
    for dimension in ([], ["span_name"], ["span_type"], ["span_status"], ["span_model_name"], ["span_model_provider"],
        ["span_name", "span_type"], ["trace_name"], ["nonsense"]):
        ask(view_type="SPANS", metric_name="span_count", aggregations=one("COUNT"), dimensions=dimension)
    ask(view_type="SPANS", metric_name="latency", aggregations=one("AVG"), dimensions=["span_name"])
    ask(view_type="SPANS", metric_name="total_cost", aggregations=one("SUM"))
    for dimension in ([], ["assessment_name"], ["assessment_value"], ["assessment_name", "assessment_value"]):
        ask(view_type="ASSESSMENTS", metric_name="assessment_count", aggregations=one("COUNT"), dimensions=dimension)
    ask(view_type="ASSESSMENTS", metric_name="assessment_value", aggregations=one("AVG"), dimensions=["assessment_name"])
    ask(view_type="ASSESSMENTS", metric_name="assessment_value", aggregations=one("MAX"))
    base = {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": one("COUNT")}
    for seconds in (60, 120, 3600, 86400, 0, -1, "x", 1):
        ask(f"interval {seconds!r}", **base, time_interval_seconds=seconds, start_time_ms=1_704_000_000_000, end_time_ms=1_704_000_600_000)
        ask(f"interval {seconds!r} without a range", **base, time_interval_seconds=seconds)
    for begin, end in ((1_704_000_060_000, 1_704_000_180_000), (1_704_000_180_000, 1_704_000_060_000), (None, 1_704_000_180_000),
        (1_704_000_180_000, None), ("x", 5), (0, 1)):
        ask(f"from {begin} to {end}", **base, **({"start_time_ms": begin} if begin is not None else {}),
            **({"end_time_ms": end} if end is not None else {}))
    for text in ("trace.status = 'OK'", "trace.tag.team = 'blue'", "trace.metadata.env = 'prod'", "trace.tag.`a.b` = 'dot'",
        "span.name = 'llm'", "assessment.name = 'correct'", "trace.status != 'OK'", "trace.tag = 'x'", "trace.status.x = 'y'",
        "status = 'OK'", "nonsense.x = 'y'", "trace.nonsense = 'x'", "trace.status = 5", "trace.status = 'OK' AND trace.tag.team = 'x'",
        "x", "", "trace.status LIKE 'O%'"):
        ask(f"filter {text}", **base, filters=[text])
    ask("two filters", **base, filters=["trace.status = 'OK'", "trace.tag.team = 'blue'"])
    ask("span filter on spans", view_type="SPANS", metric_name="span_count", aggregations=one("COUNT"), filters=["span.type = 'LLM'"])
    ask("assessment filter", view_type="ASSESSMENTS", metric_name="assessment_count", aggregations=one("COUNT"),
        filters=["assessment.name = 'correct'"])
    for body in (
        {"metric_name": "trace_count", "aggregations": one("COUNT")}, {"view_type": "TRACES", "aggregations": one("COUNT")},
        {"view_type": "TRACES", "metric_name": "trace_count"}, {"view_type": "X", "metric_name": "trace_count",
            "aggregations": one("COUNT")}, {"view_type": "TRACES", "metric_name": "x", "aggregations": one("COUNT")},
        {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": one("SUM")},
        {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": one("X")},
        {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": []},
        {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": "COUNT"},
        {"view_type": "TRACES", "metric_name": "span_count", "aggregations": one("COUNT")},
        {**base, "dimensions": "x"}, {**base, "dimensions": ["span_name"]}, {**base, "max_results": 0}, {**base, "max_results": 1},
        {**base, "max_results": 100001}, {**base, "max_results": "x"}, {**base, "page_token": "x"}, {**base, "experiment_ids": []},
        {**base, "experiment_ids": ["99999999"]}, {**base, "experiment_ids": ["x"]}, {**base, "experiment_ids": "{exp}"},
        {**base, "view_type": 1},
        {"view_type": "TRACES", "metric_name": "latency", "aggregations": one("AVG") + one("MAX") + one("PERCENTILE", 50)},
        {"view_type": "TRACES", "metric_name": "latency", "aggregations": one("AVG", 50)},
    ):
        ask(**body)
    pair.post(METRICS, base, name="no experiments")


@case
def correlation(pair):
    fill(pair)
    ask = lambda first, second, **more: pair.post(CORRELATION, {"experiment_ids": ["{exp}"], "filter_string1": first,
            "filter_string2": second, **more}, name=f"{first} / {second} {more or ''}"[:100])
    for first, second in (("status = 'OK'", "tags.team = 'blue'"), ("status = 'ERROR'", "tags.team = 'blue'"),
        ("status = 'OK'", "status = 'OK'"), ("status = 'X'", "status = 'OK'"),
        ("feedback.correct = 'true'", "expectation.expected = 'because'"), ("span.type = 'LLM'", "name = 'name0'"),
        ("timestamp_ms > 1704000120000", "execution_time_ms > 300")):
        ask(first, second)
    ask("status = 'OK'", "tags.team = 'blue'", base_filter="metadata.env = 'prod'")
    ask("status = 'OK'", "tags.team = 'blue'", base_filter="")
    for first, second, more in (("x", "status = 'OK'", {}), ("status = 'OK'", "x", {}), ("", "status = 'OK'", {}),
        ("status = 'OK'", "", {}), (5, "status = 'OK'", {}), (None, "status = 'OK'", {}),
        ("status = 'OK'", "status = 'OK'", {"base_filter": "x"}), ("status = 'OK'", "status = 'OK'", {"base_filter": 5}),
        ("status = 'OK'", "status = 'OK'", {"experiment_ids": []}),
                                ("status = 'OK'", "status = 'OK'", {"experiment_ids": ["99999999"]}),
                                ("status = 'OK'", "status = 'OK'", {"experiment_ids": ["x"]}),
                                ("status = 'OK'", "status = 'OK'", {"experiment_ids": "{exp}"})):
        ask(first, second, **more)
    pair.post(CORRELATION, {}, name="nothing")
    pair.post("traces/calculate-filter-correlation", {"experiment_ids": ["{exp}"], "filter_string1": "status = 'OK'",
            "filter_string2": "status = 'OK'"}, name="version 2")
