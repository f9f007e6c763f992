"""Searching runs: the filter language, order, pages and views."""

from ..registry import area
from ..steps import batch, experiment, run

case = area("search")


def fill(pair):
    """Twelve runs that differ in everything that can be searched."""
    experiment(pair)
    for n in range(12):
        name = f"r{n:02}"
        tags = [{"key": "parity", "value": "even" if n % 2 == 0 else "odd"}, {"key": "a.b", "value": f"dot{n}"},
            {"key": "with space", "value": "x y"}]
        if n < 4:
            tags.append({"key": "few", "value": "it's" if n == 1 else 'say "hi"' if n == 2 else f"few{n}"})
        run(pair, name, start_time=1000 + n, run_name=f"Run_{n}%", user_id="ada" if n < 6 else "Bob", tags=tags)
        metrics = [("loss", n / 10, 1, 0), ("a/b", n, 1, 0), ("with space", -n, 1, 0), ("dotted.name", n, 1, 0)]
        if n == 5:
            metrics = [("loss", "NaN", 1, 0)]
        if n == 6:
            metrics = [("loss", "Infinity", 1, 0)]
        if n == 7:
            metrics = [("loss", "-Infinity", 1, 0)]
        if n == 8:
            metrics = [("other", 1, 1, 0)]
        params = {"lr": str(n), "Model": "Trees" if n < 6 else "mlp", "with space": f"v{n}", "p:q": "colon"}
        if n % 3 == 0:
            params["empty"] = ""
        batch(pair, name, metrics, params)
        if n % 4 == 0:
            pair.post("runs/update", {"run_id": f"{{{name}}}", "status": "FINISHED", "end_time": 5000 + n})
    data = lambda number, context: {"datasets": [{"tags": [{"key": "mlflow.data.context", "value": context}],
            "dataset": {"name": f"data{number}", "digest": f"d{number}", "source_type": "s", "source": "s"}}]}
    pair.post("runs/log-inputs", {"run_id": "{r00}", **data(1, "train")})
    pair.post("runs/log-inputs", {"run_id": "{r01}", **data(1, "eval")})
    pair.post("runs/log-inputs", {"run_id": "{r02}", **data(2, "train")})


def search(pair, text=None, name="", **more):
    body = {"experiment_ids": ["{exp}"], **more}
    if text is not None:
        body["filter"] = text
    return pair.post("runs/search", body, name=name)


GOOD = (
    "", " ", "metrics.loss < 0.35", "metrics.loss <= 0.3", "metrics.loss > 0.9", "metrics.loss >= 0.9", "metrics.loss = 0.3",
    "metrics.loss != 0.3", "metrics.loss = 0",
    "metrics.loss > -1", "metrics.loss < 1e3", "metrics.loss > 1.5E-1", "metric.loss > 0.9", "metrics.`loss` > 0.9", 'metrics."loss" > 0.9',
    "metrics.'loss' > 0.9",
    "metrics.`a/b` > 9", 'metrics."a/b" > 9', "metrics.`with space` < -9", 'metrics."with space" < -9', "metrics.dotted.name > 9",
    "metrics.`dotted.name` > 9",
    "metrics.none > 0", "metrics.loss>0.9", "metrics.loss  >  0.9", "  metrics.loss > 0.9  ", "metrics.loss > 0.1 and metrics.loss < 0.4",
    "metrics.loss > 0.1 AND metrics.loss < 0.4 AND metrics.loss != 0.2",
    "metrics.loss > 0.1\nAND\tmetrics.loss < 0.4", "metrics.loss = 1.7976931348623157e308", "metrics.loss > 1e300", "metrics.loss < -1e300",
    "metrics.loss > 9999999999999999999",
    "params.lr = '4'", 'params.lr = "4"', "param.lr = '4'", "parameter.lr = '4'", "parameters.lr = '4'", "params.`lr` = '4'",
    'params."lr" = \'4\'', "params.lr != '4'", "params.Model = 'Trees'",
    "params.Model = 'trees'", "params.model = 'Trees'", "params.Model LIKE 'Tr%'", "params.Model LIKE 'tr%'", "params.Model ILIKE 'tr%'",
    "params.Model like 'Tr%'", "params.Model ilike 'TR%'",
    "params.Model LIKE '%e%'", "params.Model LIKE 'T_ees'", "params.Model LIKE ''", "params.Model LIKE '%'", "params.`with space` = 'v3'",
    'params."with space" = \'v3\'', "params.`p:q` = 'colon'",
    "params.empty = ''", "params.empty != 'x'", "params.none = 'x'", "params.none != 'x'", "params.none IS NULL", "params.empty IS NULL",
    "params.empty IS NOT NULL", "params.empty is null", "params.empty Is Not Null",
    "params.empty IS NULL AND params.lr = '4'", "params.lr = '4' AND params.empty IS NULL", "params.lr IS NOT NULL AND metrics.loss > 0.9",
    "tags.parity = 'odd'", "tag.parity = 'odd'", "tags.parity != 'odd'", "tags.`parity` = 'odd'", 'tags."parity" = "odd"',
    "tags.a.b = 'dot3'", "tags.`a.b` = 'dot3'", 'tags."a.b" = \'dot3\'',
    "tags.`with space` = 'x y'", "tags.parity LIKE 'e%'", "tags.parity ILIKE 'E%'", "tags.few IS NULL", "tags.few IS NOT NULL",
    "tags.few IS NOT NULL AND tags.parity = 'odd'", "tags.none IS NULL AND params.lr = '3'",
    "tags.few = \"it's\"", "tags.few = 'say \"hi\"'", "tags.few = 'it''s'", "tags.few LIKE '%''%'", "tags.mlflow.runName = 'Run_3%'",
    "tags.`mlflow.runName` LIKE 'Run_1%'", "tags.`mlflow.user` = 'ada'", "tags.few != 'few0'",
    "attributes.status = 'FINISHED'", "attribute.status = 'FINISHED'", "attr.status = 'FINISHED'", "run.status = 'FINISHED'",
    "status = 'FINISHED'", "status != 'FINISHED'", "status = 'finished'", "status LIKE 'FIN%'", "status ILIKE 'fin%'",
    "status = 'RUNNING' AND metrics.loss > 0.5", "run_name = 'Run_3%'", "run_name LIKE 'Run_1%'", "run_name ILIKE 'run_1%'",
    "run_name != 'Run_3%'", "attributes.run_name = 'Run_3%'", "`run name` = 'Run_3%'", "attributes.`run name` = 'Run_3%'",
    "attributes.`Run Name` = 'Run_3%'", 'attributes."Run name" = \'Run_3%\'', "run_id = '{r03}'", "attributes.run_id = '{r03}'",
    "run_id != '{r03}'", "run_id IN ('{r03}', '{r04}')", "run_id IN ('{r03}')", "run_id NOT IN ('{r03}', '{r04}')",
    "run_id in ('{r03}')", "run_id not in ('{r03}')", "run_id IN ('{r03}','{r04}') AND params.lr = '4'", "attributes.run_id IN ('{r03}')",
    "run_id LIKE '%'", "run_id IN (\"{r03}\")", "user_id = 'ada'", "attributes.user_id = 'Bob'", "user_id ILIKE 'BOB'",
    "start_time > 1009", "attributes.start_time > 1009", "start_time = 1003", "start_time != 1003", "created > 1009",
    "attributes.Created > 1009", "start_time > 1009.5", "end_time > 5000", "end_time = 5000", "end_time <= 5004", "end_time != 5004",
    "artifact_uri LIKE '%artifacts'", "attributes.artifact_uri != 'x'", "lifecycle_stage = 'active'",
    "datasets.name = 'data1'", "dataset.name = 'data1'", "datasets.name != 'data1'", "datasets.name LIKE 'data%'",
    "datasets.name ILIKE 'DATA%'", "datasets.name IN ('data1', 'data2')", "datasets.name NOT IN ('data1')", "datasets.digest = 'd2'",
    "datasets.digest IN ('d1')", "datasets.context = 'train'", "datasets.context LIKE 'tr%'", "datasets.context IN ('train', 'eval')",
    "datasets.context != 'train'", "datasets.name = 'data1' AND datasets.context = 'train'", "dataset.`name` = 'data1'",
    "metrics.loss > 0.1 AND params.Model = 'Trees' AND tags.parity = 'odd' AND start_time < 1005",
    "params.Model = 'Trees' AND params.lr = '3' AND params.`with space` = 'v3'",
)
BAD = (
    "metrics.loss", "metrics.loss >", "> 0.1", "metrics.loss 0.1", "metrics.loss > 'x'", "metrics.loss > '0.1'", "metrics.loss > \"0.1\"",
    "metrics.loss LIKE '0.1'", "metrics.loss IS NULL", "metrics.loss IS NOT NULL", "metrics.loss IN (0.1)",
    "metrics.loss == 0.1", "metrics.loss <> 0.1", "metrics.loss => 0.1", "metrics.loss =< 0.1", "metrics.loss > 0.1 OR metrics.loss < 0.2",
    "metrics.loss > 0.1 or params.lr = '1'", "(metrics.loss > 0.1)", "(metrics.loss > 0.1) AND (params.lr = '1')",
    "NOT metrics.loss > 0.1", "metrics.loss BETWEEN 0 AND 1", "metrics.loss > 0.1 AND", "AND metrics.loss > 0.1",
    "metrics.loss > 0.1 AND AND metrics.loss < 1", "metrics.loss > 0.1, metrics.loss < 1", "metrics.loss > 0.1; metrics.loss < 1",
    "metrics.loss > 0.1;", ";", "metrics.loss > 0.1 metrics.loss < 1", "metrics. > 0.1", "metrics > 0.1", ".loss > 0.1",
    "metrics..loss > 0.1", "metrics.`loss > 0.1", "metrics.\"loss > 0.1", "metrics.loss > 0.1 -- comment", "metrics.loss > 0.1 # c",
    "metrics.loss > /* c */ 0.1", "metrics.loss > -0.1", "metrics.loss > +0.1", "metrics.loss > .1", "metrics.loss > 1.",
    "metrics.loss > 1e", "metrics.loss > 0x1", "metrics.loss > NaN", "metrics.loss > Infinity", "metrics.loss > NULL",
    "metrics.loss = null",
    "metrics.loss > metrics.`a/b`", "0.1 < metrics.loss", "'4' = params.lr", "metrics.a/b > 1", "metrics.with space > 1",
    "metrics.loss > 1 + 1", "metrics.loss > (1)", "metrics.loss > ?", "metrics.loss > :x", "metrics.loss > @x", "metrics.loss > $1",
    "params.lr = 4", "params.lr = four", "params.lr > '4'", "params.lr < '4'", "params.lr >= '4'", "params.lr = `4`", "params.lr = '4",
    "params.lr = 4'", "params.lr = \"4", "params.lr = '4\"", "params.lr", "params.lr LIKE", "params.lr LIKE 4", "params.lr NOT LIKE '4'",
    "params.lr RLIKE '4'", "params.lr REGEXP '4'", "params.lr IN ('4')", "params.lr NOT IN ('4')", "params.lr IS", "params.lr IS NOT",
    "params.lr IS 'x'", "params.lr NULL", "params.lr NOT NULL", "params.lr IS NULL NULL", "params.lr = NULL", "params.lr = ''4''",
    "params.lr = '4' '5'", "params.lr = ('4')", "params.lr ~ '4'", "params.lr glob '4'", "params.lr = true", "params.with space = 'x'",
    "params.p:q = 'colon'", "tags.parity = odd", "tags.parity > 'odd'", "tags.parity = 1", "tags.parity IN ('odd')",
    "tags.parity RLIKE 'o'", "tags.with space = 'x y'", "tags = 'x'", "tags. = 'x'", "nonsense.a = 'b'", "Metrics.loss > 0.1",
    "PARAMS.lr = '1'", "metric_s.loss > 1", "`metrics`.loss > 0.9", "`metrics.loss` > 0.9", "'metrics'.loss > 0.9",
    "attributes.nonsense = 'b'", "nonsense = 'b'", "nonsense > 5", "attributes.status = FINISHED", "status = 1", "status > 'FINISHED'",
    "status IN ('FINISHED')", "status NOT IN ('FINISHED')", "status IS NULL", "run_name IN ('Run_3%')", "run_id > 'x'",
    "run_id IN ()", "run_id IN ('a',)", "run_id IN ('a' 'b')", "run_id IN ('a', 5)", "run_id IN (5)", "run_id IN (a)", "run_id IN 'a'",
    "run_id IN ('a'", "run_id NOT IN 'a'", "run_id = ('a', 'b')", "run_id IN (('a'))", "run_id IN ('a') OR run_id IN ('b')",
    "run_id IN (SELECT run_uuid FROM runs)", "start_time = '1003'", "start_time > 'x'", "start_time LIKE '1'", "start_time IN (1003)",
    "start_time IS NULL", "end_time IS NOT NULL", "start_time", "attributes.start_time >", "run_uuid = 'x'", "experiment_id = '0'",
    "source_name = 'x'", "datasets.name = data1", "datasets.name > 'data1'", "datasets.name = 1", "datasets.nonsense = 'x'",
    "datasets.context IS NULL", "datasets.name IN ()", "datasets.name IN (1)", "datasets = 'x'", "dataset.tags = 'x'",
    "datasets.schema = 'x'",
    "params.lr = '4' AND (params.lr = '4')", "SELECT * FROM runs", "DROP TABLE runs", "1 = 1", "'a' = 'a'", "true", "null", "x", "'", "\"",
    "`", "%", "\\", "()", "((", "metrics.loss > 0.1)", "params.lr = '\\'4\\''", "é = 'x'", "params.é = 'x'", "params.`é` = 'x'",
    "tags.🎈 = 'x'",
    "params.lr = '4' and not params.lr = '5'", "params.lr = '4' && params.lr = '4'", "params.lr = '4' & params.lr = '4'",
    "params.lr='4'AND params.lr='4'", "params.lr = '4'\x00", "a" * 3000, "params.lr = '" + "x" * 9000 + "'",
    " AND ".join(["metrics.loss > 0"] * 60),
    "metrics.`lo`ss` > 1", "metrics.a@b > 1", "metrics.`a@b` > 1", "params.a[0] = 'x'", "params.a(b) = 'x'", "params.a#b = 'x'",
    "params.$a = 'x'", "params.a+b = 'x'", "params.a*b = 'x'", "params.a%b = 'x'", "params.a'b = 'x'",
    "params.lr = 'a' 'b'", "params.lr LIKE 'a' ESCAPE '\\'", "params.lr ILIKE \"%\"", "tags.a = 'b' IS NULL",
)


# Keys that are words of SQL, or hold a character that it gives a meaning to.
WORDS = (
    "select", "from", "order", "key", "type", "index", "in", "is", "null", "like", "values", "name", "status", "value", "not", "and", "or",
    "end", "case", "user", "count", "max", "date", "time", "timestamp", "year", "group", "by", "table", "where", "limit", "desc", "asc",
    "int",
    "float", "text", "true", "as", "on", "set", "between", "1", "1a", "f1", "f1-score", "a-b", "a b", "a.b.c", "a/b", "a:b", "é", "日本",
    "_x", "-a", "a--b", "x1.2", "1.5", "e5",
)


@case
def keys_that_are_words(pair):
    experiment(pair)
    run(pair)
    batch(pair, metrics=[(word, 2, 1, 0) for word in WORDS], params={word: "x" for word in WORDS}, tags={word: "x" for word in WORDS})
    for word in WORDS:
        search(pair, f"metrics.{word} > 1")
        search(pair, f"params.{word} = 'x'")
        search(pair, f"tags.{word} = 'x' AND params.{word} != 'y'")
        if not word.isalpha():
            search(pair, f"params.`{word}` = 'x'")
            search(pair, f'metrics."{word}" > 1')
            pair.post("runs/search", {"experiment_ids": ["{exp}"], "order_by": [f"metrics.{word} DESC"]})
            pair.post("runs/search", {"experiment_ids": ["{exp}"], "order_by": [f"params.`{word}` DESC"]})


@case
def filters(pair):
    fill(pair)
    for text in GOOD:
        search(pair, text)


@case
def odd_and_malformed_filters(pair):
    fill(pair)
    for text in BAD:
        search(pair, text)
    for value in (5, None, True, ["metrics.loss > 0"], {"a": 1}):
        search(pair, value, f"filter {value!r}")


@case
def orders(pair):
    fill(pair)
    for order in (
        ["metrics.loss"], ["metrics.loss ASC"], ["metrics.loss DESC"], ["metrics.loss asc"], ["metrics.loss desc"], ["metrics.`loss` DESC"],
        ['metrics."loss" DESC'], ["metric.loss DESC"], ["metrics.`with space`"], ["metrics.`a/b` DESC"], ["metrics.a/b DESC"],
        ["metrics.none"], ["metrics.none DESC", "start_time ASC"], ["params.lr"], ["params.lr DESC"], ["params.`with space` DESC"],
        ["params.Model", "start_time ASC"], ["params.Model DESC", "metrics.loss ASC"], ["params.empty DESC", "start_time ASC"],
        ["params.none DESC"], ["parameter.lr DESC"], ["tags.parity", "start_time"], ["tags.few"], ["tags.few DESC"], ["tag.a.b DESC"],
        ["tags.`a.b` DESC"], ["start_time"], ["start_time DESC"], ["attributes.start_time ASC"], ["attribute.start_time"],
        ["attr.start_time"], ["run.start_time"],
        ["created DESC"], ["Created ASC"], ["end_time"], ["end_time DESC"], ["end_time ASC", "start_time ASC"],
        ["status", "start_time ASC"], ["status DESC", "start_time ASC"], ["run_name"], ["run_name DESC"], ["attributes.run_name"],
        ["`run name`"], ["run_id"], ["user_id", "start_time"], ["artifact_uri"],
        ["experiment_id", "start_time"], ["lifecycle_stage"], ["start_time ASC", "start_time DESC"],
        ["metrics.loss ASC", "metrics.loss DESC"], ["params.lr", "params.lr"], [],
        ["nonsense"], ["nonsense.x"], ["metrics"], ["metrics."], [""], [" "], ["metrics.loss UP"], ["metrics.loss ASC DESC"],
        ["metrics.loss, params.lr"], ["metrics.loss ASC, params.lr DESC"], ["ASC"], ["metrics.loss ASC NULLS FIRST"], ["datasets.name"],
        ["metrics.loss;"], ["metrics.with space"],
        ["metrics.loss > 1"], ["1"], ["'x'"], ["metrics.loss Asc"], ["  metrics.loss   DESC  "], ["metrics.loss\tDESC"],
        ["attributes.nonsense"], ["run_uuid"], ["metrics.`loss DESC"], ["(metrics.loss)"], ["RAND()"], ["é"], ["params.é"],
    ):
        random = order and order[0] in ("run_id", "artifact_uri")
        pair.post("runs/search", {"experiment_ids": ["{exp}"], "order_by": order}, unordered=("runs",) if random else ())
    for value in ("start_time", 5, [5], [None], {"a": 1}, None, [["start_time"]]):
        pair.post("runs/search", {"experiment_ids": ["{exp}"], "order_by": value}, name=f"order_by {value!r}")


@case
def pages(pair):
    fill(pair)
    for order in ([], ["metrics.loss ASC"], ["params.Model DESC"], ["tags.parity", "metrics.loss DESC"]):
        more, body = True, {"experiment_ids": ["{exp}"], "max_results": 5, "order_by": order + ["start_time ASC"]}
        while more:
            call = pair.post("runs/search", body)
            more = bool(call.stock.json.get("next_page_token"))
            if more:
                pair.keep("token", "next_page_token", call)
                body = {**body, "page_token": "{token}"}
    for limit in (0, 1, 11, 12, 13, -1, 50000, 50001, "5", "x", "", None, 1.5, True, [5], 2**31, 2**40):
        search(pair, name=f"max_results {limit!r}", max_results=limit)
    for token in ("x", "!!", "", "eyJvZmZzZXQiOiAxMH0=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAieCJ9", "eyJvZmZzZXQiOiAxMDAwfQ==", "e30=",
        "W10=", "NQ==", "bnVsbA==", 5, None, [1], "é", "eyJvZmZzZXQiOiAxMH0", "eyJvZmZzZXQiOiAxMC41fQ=="):
        search(pair, name=f"page_token {token!r}", page_token=token)


@case
def views(pair):
    fill(pair)
    for name in ("r01", "r02"):
        pair.post("runs/delete", {"run_id": f"{{{name}}}"})
    for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3, 0, 4, "1", "active_only", "x", "", None, True, ["ALL"]):
        search(pair, name=f"view {view!r}", run_view_type=view)
    search(pair, "lifecycle_stage = 'deleted'", run_view_type="ALL")
    search(pair, "metrics.loss < 0.3", run_view_type="DELETED_ONLY")
    search(pair, "metrics.loss < 0.3", run_view_type="ALL", order_by=["metrics.loss DESC"])


@case
def experiments_given(pair):
    experiment(pair, "one")
    experiment(pair, "two")
    run(pair, "a", "one", 1001)
    run(pair, "b", "two", 1002)
    run(pair, "c", "two", 1003)
    for ids in (["{one}", "{two}"], ["{two}"], ["{two}", "{two}"], [], ["99999999"], ["{one}", "99999999"], ["x"], [""], [5], None, "{one}",
        [None], ["-1"], ["{one}", "x"], {"a": 1}, ["1.5"], [["{one}"]]):
        pair.post("runs/search", {"experiment_ids": ids}, name=f"experiments {ids!r}")
    pair.post("runs/search", {}, name="nothing")
    pair.post("runs/search", {"experimentIds": ["{two}"], "maxResults": 1, "orderBy": ["start_time ASC"]}, name="camel case")
    pair.post("runs/search", {"experiment_ids": ["{one}"], "experimentIds": ["{two}"]}, name="both spellings")
    pair.post("runs/search", {"experiment_ids": ["{two}"], "nonsense": 1}, name="an unknown field")
    pair.post("/ajax-api/2.0/mlflow/runs/search", {"experiment_ids": ["{two}"]}, name="the ajax twin")
    pair.post("experiments/delete", {"experiment_id": "{two}"})
    pair.post("runs/search", {"experiment_ids": ["{one}", "{two}"]}, name="one deleted")
    pair.post("runs/search", {"experiment_ids": ["{two}"], "run_view_type": "ALL"}, name="the deleted one, all")
    pair.get("runs/search", {"experiment_ids": "{one}"}, name="by GET")


@case
def runs_without_a_time(pair):
    """Runs that began at the same moment, or at none, are ordered by what is left."""
    experiment(pair)
    for n in range(3):
        pair.post("runs/create", {"experiment_id": "{exp}", "start_time": 5, "run_name": f"same{n}"})
    pair.post("runs/create", {"experiment_id": "{exp}", "run_name": "none"})
    pair.post("runs/create", {"experiment_id": "{exp}", "start_time": 0, "run_name": "zero"})
    pair.post("runs/search", {"experiment_ids": ["{exp}"]}, unordered=("runs",))
    pair.post("runs/search", {"experiment_ids": ["{exp}"], "order_by": ["run_name"]})
    pair.post("runs/search", {"experiment_ids": ["{exp}"], "filter": "start_time = 0"}, unordered=("runs",))


@case
def everything_a_run_has(pair):
    fill(pair)
    pair.post("logged-models", {"experiment_id": "{exp}", "name": "m", "source_run_id": "{r01}"})
    pair.keep("m", "model.info.model_id")
    pair.post("runs/outputs", {"run_id": "{r01}", "models": [{"model_id": "{m}", "step": 3}]})
    pair.post("runs/log-inputs", {"run_id": "{r01}", "models": [{"model_id": "{m}"}]})
    search(pair, "params.lr = '1'")
    search(pair, "status = 'FINISHED'")
