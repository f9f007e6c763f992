"""GraphQL: the six queries of the web app, errors, and limits."""

from ..registry import area
from ..steps import batch, experiment, file, read_run, run

case = area("graphql")


def ask(pair, query, variables=None, name="", ignore=(), **more):
    body = {"query": query, **({"variables": variables} if variables is not None else {}), **more}
    return pair.post("/graphql", body, name=name or " ".join(query.split())[:90], ignore=ignore)


RUN = """query($input: MlflowGetRunInput!) { mlflowGetRun(input: $input) { apiError { code message } run {
  info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId runId }
  experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime creationTime }
  tags: data { tags { key value } } params: data { params { key value } } metrics: data { metrics { key value step timestamp } }
  data { metrics { key value step timestamp } params { key value } tags { key value } }
  inputs { datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } } modelInputs { modelId } }
  outputs { modelOutputs { modelId step } }
  modelVersions { status version name source }
} } }"""


@case
def a_run(pair):
    experiment(pair, tags=[{"key": "t", "value": "1"}])
    run(pair, tags=[{"key": "a", "value": "1"}])
    batch(pair, metrics=[("m", 1.5, 10, 2), ("nan", "NaN", 1, 1), ("inf", "Infinity", 1, 1)], params={"p": "1"})
    pair.post("runs/log-inputs", {"run_id": "{run}",
            "datasets": [{"tags": [{"key": "mlflow.data.context", "value": "train"}],
                    "dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "src", "schema": "{}", "profile": "{}"}}]})
    pair.post("registered-models/create", {"name": "{u}.m"})
    pair.post("model-versions/create", {"name": "{u}.m", "source": "runs:/{run}/model", "run_id": "{run}"})
    ask(pair, RUN, {"input": {"runId": "{run}"}}, "by runId")
    ask(pair, RUN, {"input": {"runUuid": "{run}"}}, "by runUuid")
    for given in ({"runId": "f" * 32}, {"runId": ""}, {}, {"runId": 5}, {"nonsense": 1}, None, "x"):
        ask(pair, RUN, {"input": given}, f"input {given}")
    ask(pair, RUN, None, "no variables")
    ask(pair, 'query { mlflowGetRun(input: {runId: "{run}"}) { run { info { runId status } } } }')
    ask(pair, '{ mlflowGetRun(input: {runId: "{run}"}) { run { info { runId } data { metrics { value } } } } }')
    ask(pair, 'query A { mlflowGetRun(input: {runId: "{run}"}) { run { info { runId } } } } query B { mlflowGetRun(input: {runId: "{run}"}) { run { info { status } } } }', operationName="B")
    ask(pair, 'query A { mlflowGetRun(input: {runId: "{run}"}) { run { info { runId } } } } query B { mlflowGetRun(input: {runId: "{run}"}) { run { info { status } } } }', name="two without a name")
    ask(pair, 'query { mlflowGetRun(input: {runId: "{run}"}) { __typename run { __typename info { __typename } } } }')
    ask(pair, 'query { a: mlflowGetRun(input: {runId: "{run}"}) { run { info { i: runId } } } b: mlflowGetRun(input: {runId: "{run}"}) { run { info { runName } } } }')
    ask(pair, 'query { mlflowGetRun(input: {runId: "{run}"}) { ...F } } fragment F on MlflowGetRunResponse { run { info { runId } } }')
    ask(pair, 'query { mlflowGetRun(input: {runId: "{run}"}) { ... on MlflowGetRunResponse { run { info { runId } } } } }')
    ask(pair, 'query($yes: Boolean!) { mlflowGetRun(input: {runId: "{run}"}) { run { info { runId @include(if: $yes) status @skip(if: $yes) } } } }', {"yes": True})
    ask(pair, 'query @component(name: "X") { mlflowGetRun(input: {runId: "{run}"}) { run { info { runId } } } }')
    read_run(pair)


@case
def an_experiment(pair):
    experiment(pair, tags=[{"key": "t", "value": "1"}])
    query = "query($input: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $input) { apiError { code message } experiment { experimentId name artifactLocation lifecycleStage lastUpdateTime creationTime tags { key value } } } }"
    for given in ({"experimentId": "{exp}"}, {"experimentId": "99999999"}, {"experimentId": "x"}, {"experimentId": ""}, {},
        {"experimentId": 5}):
        # Without an identifier it is the default experiment, and that is older than the test.
        ask(pair, query, {"input": given}, f"input {given}", ignore=("creationTime", "lastUpdateTime",
                "tags") if not given.get("experimentId") else ())


@case
def histories(pair):
    experiment(pair)
    run(pair)
    run(pair, "second")
    batch(pair, metrics=[("m", n, n, n) for n in range(30)] + [("nan", "NaN", 1, 1)])
    batch(pair, "second", metrics=[("m", -n, n, n) for n in range(5)])
    query = "query($data: MlflowGetMetricHistoryBulkIntervalInput!) { mlflowGetMetricHistoryBulkInterval(input: $data) { apiError { code message } metrics { timestamp step runId key value } } }"
    for given in ({"runIds": ["{run}"], "metricKey": "m"}, {"runIds": ["{run}", "{second}"], "metricKey": "m", "maxResults": 5},
        {"runIds": ["{run}"], "metricKey": "m", "startStep": 5, "endStep": 9}, {"runIds": ["{run}"], "metricKey": "nan"},
        {"runIds": ["{run}"], "metricKey": "none"}, {"runIds": [], "metricKey": "m"}, {"metricKey": "m"}, {"runIds": ["{run}"]},
                  {"runIds": ["{run}"], "metricKey": "m", "maxResults": 0}, {"runIds": ["{run}"], "metricKey": "m", "maxResults": 9999},
                  {"runIds": ["{run}"], "metricKey": "m", "startStep": 9, "endStep": 5},
                  {"runIds": ["{run}"], "metricKey": "m", "startStep": 5}, {"runIds": [f"{n:032x}" for n in range(101)], "metricKey": "m"},
                  {"runIds": "{run}", "metricKey": "m"}):
        ask(pair, query, {"data": given}, f"input {str(given)[:70]}")


@case
def the_others(pair):
    experiment(pair)
    run(pair, start_time=1001)
    run(pair, "second", start_time=1002)
    batch(pair, metrics=[("m", 1, 1, 1)], params={"p": "1"})
    file(pair, "a.txt", b"x")
    file(pair, "b/c.txt", b"xy")
    artifacts = "query($input: MlflowListArtifactsInput!) { mlflowListArtifacts(input: $input) { apiError { code message } rootUri nextPageToken files { path isDir fileSize } } }"
    for given in ({"runId": "{run}"}, {"runId": "{run}", "path": "b"}, {"runId": "{run}", "path": "none"},
        {"runId": "{run}", "path": "../x"}, {"runUuid": "{run}"}, {"runId": "f" * 32}, {}):
        ask(pair, artifacts, {"input": given}, f"artifacts {given}")
    for operation, field in (("query", "mlflowSearchRuns"), ("mutation", "mlflowSearchRuns")):
        runs = operation + "($data: MlflowSearchRunsInput!) { " + field + "(input: $data) { apiError { code message } nextPageToken runs { info { runId runName status startTime } data { params { key value } metrics { key value } } experiment { name } modelVersions { name } inputs { datasetInputs { dataset { name } } } } } }"
        for given in ({"experimentIds": ["{exp}"]}, {"experimentIds": ["{exp}"], "filter": "params.p = '1'"},
            {"experimentIds": ["{exp}"], "maxResults": 1}, {"experimentIds": ["{exp}"], "orderBy": ["start_time ASC"]},
            {"experimentIds": ["{exp}"], "runViewType": "ALL"}, {"experimentIds": ["{exp}"], "runViewType": "DELETED_ONLY"},
            {"experimentIds": ["{exp}"], "filter": "x"}, {"experimentIds": []}, {}, {"experimentIds": ["{exp}"], "runViewType": "X"},
            {"experimentIds": ["{exp}"], "pageToken": "x"}):
            ask(pair, runs, {"data": given}, f"{operation} runs {given}")
    pair.post("registered-models/create", {"name": "{u}.m"})
    pair.post("model-versions/create", {"name": "{u}.m", "source": "s3://x", "tags": [{"key": "a", "value": "1"}]})
    versions = "query($data: MlflowSearchModelVersionsInput) { mlflowSearchModelVersions(input: $data) { apiError { code message } nextPageToken modelVersions { name version creationTimestamp lastUpdatedTimestamp userId currentStage description source runId status statusMessage tags { key value } runLink aliases } } }"
    for given in ({"filter": "name = '{u}.m'"}, {"filter": "name = 'none'"}, {"filter": "x"},
        {"filter": "name = '{u}.m'", "maxResults": "1"}, {"filter": "name = '{u}.m'", "maxResults": 1},
        {"filter": "name = '{u}.m'", "orderBy": ["version_number"]}, {"filter": "name = '{u}.m'", "pageToken": "x"}):
        ask(pair, versions, {"data": given}, f"versions {given}")
    pair.post("runs/log-inputs", {"run_id": "{run}",
            "datasets": [{"tags": [{"key": "mlflow.data.context", "value": "train"}],
                    "dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "src"}}]})
    datasets = "mutation($data: MlflowSearchDatasetsInput!) { mlflowSearchDatasets(input: $data) { apiError { code message } datasetSummaries { experimentId name digest context } } }"
    for given in ({"experimentIds": ["{exp}"]}, {"experimentIds": []}, {}, {"experimentIds": ["99999999"]},
        {"experimentIds": [str(n) for n in range(21)]}):
        ask(pair, datasets, {"data": given}, f"datasets {str(given)[:50]}")
    ask(pair, datasets.replace("mutation", "query"), {"data": {"experimentIds": ["{exp}"]}}, "datasets as a query")
    ask(pair, 'query { test(inputString: "hello") { output } }')
    ask(pair, 'mutation { testMutation(inputString: "hello") { output } }')


@case
def malformed(pair):
    for query in ("", " ", "x", "{", "}", "{ }", "query", "query { nonsense }", "query { mlflowGetRun }",
        "query { mlflowGetRun(input: {}) { nonsense } }", "query { mlflowGetRun { run } }", "subscription { x }", "query { test }",
        "query { test { output } }", "query { test(inputString: 5) { output } }", 'query { test(inputString: "a") { output } ',
        "{ __typename }", "query($x: Nonsense) { __typename }",
                  "{ test(inputString: \"a\") { output } } { test(inputString: \"b\") { output } }", "fragment F on Test { output }",
                  "query { ...Missing }", "query { test(inputString: $missing) { output } }", "# only a comment",
                  "{ test(inputString: \"\"\"block\"\"\") { output } }", '{ test(inputString: "\\u00fc\\n") { output } }'):
        ask(pair, query)
    for body in ({}, {"query": None}, {"query": 5}, {"query": ["x"]}, {"query": "{ __typename }", "variables": "x"},
        {"query": "{ __typename }", "variables": []}, {"query": "{ __typename }", "operationName": "missing"},
        {"query": "{ __typename }", "operationName": 5}, [], "x", None, 5):
        pair.call("POST", "/graphql", body if body is not None else b"null", name=f"body {body}")
    for body in (b"", b"{", b"\xff"):
        pair.call("POST", "/graphql", body, name=f"body {body!r}")
    pair.call("POST", "/graphql", b"{ __typename }", None, {"Content-Type": "application/graphql"}, name="another type")
    pair.get("/graphql", name="by GET")
    pair.get("/graphql", "query={__typename}".replace("{", "%7B").replace("}", "%7D"), name="a query by GET")
    pair.post("/api/2.0/graphql", {"query": "{ __typename }"}, name="below /api")
    pair.post("/ajax-api/2.0/graphql", {"query": "{ __typename }"}, name="below /ajax-api")


@case
def limits(pair):
    field = lambda n: f'a{n}: test(inputString: "{n}") {{ output }}'
    for count in (9, 10, 11):
        ask(pair, "{ " + " ".join(field(n) for n in range(count)) + " }", name=f"{count} aliases at the root")
        ask(pair, "{ " + " ".join('test(inputString: "x") { output }' for _ in range(count)) + " }", name=f"{count} root fields")
        ask(pair, '{ test(inputString: "x") { ' + " ".join(f"o{n}: output" for n in range(count)) + " } }", name=f"{count} aliases below")
    ask(pair, '{ test(inputString: "x") { ' + " ".join("output" for _ in range(1001)) + " } }", name="1001 selections")
    ask(pair, '{ test(inputString: "x") { ' + " ".join("output" for _ in range(900)) + " } }", name="900 selections")
    deep = "query { mlflowGetRun(input: {runId: \"x\"}) " + "{ run " * 11 + "{ info { runId } }" + " }" * 11 + " }"
    ask(pair, deep, name="too deep")
    ask(pair, 'query { test(inputString: "x") { ...A } } fragment A on Test { ...B } fragment B on Test { ...A output }',
        name="fragments in a circle")
    ask(pair, '{ test(inputString: "' + "x" * 100000 + '") { output } }', name="a long text")


@case
def introspection(pair):
    ask(pair, "{ __schema { queryType { name } mutationType { name } subscriptionType { name } } }")
    ask(pair, "{ __schema { queryType { fields { name args { name type { name kind ofType { name } } } type { name kind } } } } }")
    ask(pair, "{ __schema { types { name kind } } }", name="types")
    for name in ("MlflowRun", "MlflowRunInfo", "MlflowMetric", "MlflowExperiment", "MlflowSearchRunsInput", "MlflowRunStatus",
        "MlflowGetRunResponse", "LongString", "ApiError"):
        ask(pair, '{ __type(name: "' + name + '") { name kind fields { name type { name kind ofType { name kind } } } inputFields { name type { name kind ofType { name } } } enumValues { name } } }', name=f"type {name}")
