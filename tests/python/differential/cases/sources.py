"""Where a model version may come from."""

from ..registry import area
from ..steps import experiment, model, registered, run, version

case = area("registry")


def ready(pair):
    experiment(pair)
    run(pair)
    run(pair, "other")
    model(pair, source_run_id="{run}")
    registered(pair)


SOURCES = (
    "s3://bucket/a/b", "gs://bucket/a", "http://host/path", "https://host/path?x=1", "ftp://host/a", "dbfs:/a/b", "hdfs://host/a",
    "wasbs://c@a/b", "abfss://c@a/b", "sftp://host/a", "/etc/passwd", "/tmp/x", "relative/path", "./a", "../a", "~/a", "file:///etc/passwd",
    "file:/etc/passwd", "file://host/etc", "file:relative", "FILE:///etc/passwd",
    "C:\\windows", "C:/windows", "s3://bucket/../a", "s3://bucket/a/../b", "s3://bucket/%2e%2e/a", "s3://bucket/%252e%252e/a",
    "s3://bucket/a/./b", "s3://bucket/a//b", "s3://bucket/a/", "s3://bucket", "s3:///a", "s3:a", "s3://bucket/a%00b", "s3://bucket/a b",
    "s3://bucket/é", "s3://bucket/a?..", "s3://bucket/a#..", "http://host/a/../b",
    "http://host/api/2.0/mlflow-artifacts/artifacts/x", "https://host/api/2.0/mlflow-artifacts/artifacts/../x", "mlflow-artifacts:/x",
    "mlflow-artifacts:/../x", "mlflow-artifacts://host/x", "mlflow-artifacts:x", "mlflow-artifacts:/{exp}/{run}/artifacts",
    "mlflow-artifacts:/{exp}/{run}/artifacts/model", "mlflow-artifacts:/{exp}/{run}/artifacts/../x",
    "mlflow-artifacts:/{exp}/{run}/artifacts/%2e%2e/x", "mlflow-artifacts:/{exp}/{run}/artifactsx", "mlflow-artifacts:/{exp}/{run}",
    "mlflow-artifacts:/{exp}/{other}/artifacts/model", "mlflow-artifacts:/{exp}/models/{model}/artifacts",
    "MLFLOW-ARTIFACTS:/{exp}/{run}/artifacts", "mlflow-artifacts:///{exp}/{run}/artifacts",
    "runs:/{run}/model", "runs:/{run}", "runs:/{run}/", "runs:/{run}/a/../b", "runs:/{run}/%2e%2e/b", "runs:/{other}/model",
    "runs:/none/model", "runs://host/{run}/model", "runs:{run}/model", "runs:///{run}/model", "Runs:/{run}/model",
    "models:/{model}", "models:/{model}/x", "models:/m-none", "models:/{u}.model/1", "models:/{u}.model/99", "models:/{u}.model",
    "models:/{u}.none/1", "models:/{u}.model@champion", "models:/{u}.model/latest", "models:/{u}.model/Production", "models:///x",
    "models://host/x/1", "models:/", "models:x",
    "x", " ", "a:b", "nonsense://x", "javascript:alert(1)", "data:text/plain,x", "databricks:/x", "r2://b/x", "viewfs://x/y", "jdbc:x", "?",
    "#", "é", "http://user:word@host/x", "sqlite:///x", "s3://bucket/" + "a" * 480,
)


def create(pair, source, **more):
    # Where one source too many is taken, every later version has another number; that is no difference of its own.
    body = {"name": "{u}.model", "source": source, **more}
    return pair.post("model-versions/create", body, name=f"{source[:60]} {more or ''}", ignore=("version",))


@case
def sources_alone(pair):
    ready(pair)
    version(pair)
    pair.post("registered-models/alias", {"name": "{u}.model", "alias": "champion", "version": "1"})
    for source in SOURCES:
        create(pair, source)
    pair.get("model-versions/search", {"filter": "name = '{u}.model'", "order_by": "version_number ASC"})


@case
def sources_with_a_run(pair):
    ready(pair)
    version(pair)
    pair.post("registered-models/alias", {"name": "{u}.model", "alias": "champion", "version": "1"})
    for source in SOURCES:
        create(pair, source, run_id="{run}")
    for source in ("runs:/{run}/model", "mlflow-artifacts:/{exp}/{run}/artifacts/model", "/tmp/x", "s3://b/m", "models:/{model}"):
        create(pair, source, run_id="f" * 32)
        create(pair, source, run_id="{u}")
        create(pair, source, run_id="")
    pair.get("model-versions/search", {"filter": "name = '{u}.model'", "order_by": "version_number ASC"})
    pair.post("runs/delete", {"run_id": "{run}"})
    create(pair, "runs:/{run}/model", run_id="{run}")


@case
def sources_with_a_model(pair):
    ready(pair)
    version(pair)
    pair.post("registered-models/alias", {"name": "{u}.model", "alias": "champion", "version": "1"})
    for source in SOURCES:
        if any(word in source for word in ("models", "artifacts", "runs", "/tmp", "s3://bucket/a/b", "..")):
            create(pair, source, model_id="{model}")
    for source in ("models:/{model}", "mlflow-artifacts:/{exp}/models/{model}/artifacts", "s3://b/m", "/tmp/x"):
        create(pair, source, model_id="m-none")
        create(pair, source, model_id="")
        create(pair, source, model_id="{model}", run_id="{run}")
        create(pair, source, model_id="{model}", run_id="{other}")
    pair.get("model-versions/search", {"filter": "name = '{u}.model'", "order_by": "version_number ASC"})
    pair.get("logged-models/{model}")
    pair.delete("logged-models/{model}")
    create(pair, "models:/{model}", model_id="{model}")


@case
def copies_of_versions(pair):
    ready(pair)
    create(pair, "runs:/{run}/model", run_id="{run}")
    create(pair, "models:/{model}", model_id="{model}", run_id="{run}")
    registered(pair, name="{u}.copy")
    pair.post("registered-models/alias", {"name": "{u}.model", "alias": "champion", "version": "2"})
    copy = lambda source, **more: pair.post("model-versions/create", {"name": "{u}.copy", "source": source, **more},
        name=f"{source} {more or ''}")
    for source in ("models:/{u}.model/1", "models:/{u}.model/2", "models:/{u}.model@champion", "models:/{u}.model/latest",
        "models:/{u}.model@none", "models:/{u}.model/9"):
        copy(source)
        copy(source, run_id="{run}")
        copy(source, run_id="{other}")
        copy(source, model_id="{model}")
        copy(source, run_id="{run}", model_id="{model}")
    for number in ("1", "2", "3"):
        pair.get("model-versions/get-download-uri", {"name": "{u}.copy", "version": number})
        pair.get("model-versions/get", {"name": "{u}.copy", "version": number})


@case
def prompts(pair):
    is_prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    text = {"key": "mlflow.prompt.text", "value": "Hello {{ name }}"}
    registered(pair, "{u}.prompt", tags=[is_prompt], description="a prompt")
    registered(pair, "{u}.model")
    for label, body in (
        ("a prompt", {"source": "prompt-template", "tags": [is_prompt, text, {"key": "a", "value": "1"}], "description": "first"}),
        ("an odd source", {"source": "s3://b", "tags": [is_prompt, text]}),
        ("a dummy source", {"source": "dummy-source", "tags": [is_prompt, text]}),
        ("no text", {"source": "prompt-template", "tags": [is_prompt]}),
        ("not marked", {"source": "prompt-template", "tags": [text]}),
        ("marked false", {"source": "prompt-template", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "false"}, text]}),
        ("marked TRUE", {"source": "prompt-template", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "TRUE"}, text]}),
        ("too long a text", {"source": "prompt-template", "tags": [is_prompt, {"key": "mlflow.prompt.text", "value": "x" * 100001}]}),
    ):
        pair.post("model-versions/create", {"name": "{u}.prompt", **body}, name=label)
    pair.post("model-versions/create", {"name": "{u}.model", "source": "prompt-template", "tags": [is_prompt, text]},
        name="a prompt in a model")
    pair.post("model-versions/create", {"name": "{u}.prompt", "source": "s3://b/m"}, name="a model in a prompt")
    pair.post("model-versions/create", {"name": "{u}.model", "source": "models:/{u}.prompt/1"}, name="a prompt as source")
    pair.post("registered-models/alias", {"name": "{u}.prompt", "alias": "production", "version": "1"})
    pair.post("registered-models/set-tag", {"name": "{u}.prompt", "key": "k", "value": "v"})
    pair.post("model-versions/set-tag", {"name": "{u}.prompt", "version": "1", "key": "k", "value": "v"})
    pair.get("registered-models/alias", {"name": "{u}.prompt", "alias": "production"})
    pair.get("registered-models/get", {"name": "{u}.prompt"})
    pair.get("model-versions/get", {"name": "{u}.prompt", "version": "1"})
    for text in ("name LIKE '{u}.%'", "name LIKE '{u}.%' AND tags.`mlflow.prompt.is_prompt` = 'true'",
        "name LIKE '{u}.%' AND tags.`mlflow.prompt.is_prompt` != 'true'", "name LIKE '{u}.%' AND tags.`mlflow.prompt.is_prompt` = 'false'"):
        pair.get("registered-models/search", {"filter": text})
        pair.get("model-versions/search", {"filter": text, "order_by": "version_number ASC"}, unordered=("model_versions",))
    pair.post("model-versions/transition-stage", {"name": "{u}.prompt", "version": "1", "stage": "Production"})
    pair.post("registered-models/rename", {"name": "{u}.prompt", "new_name": "{u}.renamed"})
    pair.delete("registered-models/alias", {"name": "{u}.renamed", "alias": "production"})
    pair.delete("model-versions/delete", {"name": "{u}.renamed", "version": "1"})
    pair.delete("registered-models/delete", {"name": "{u}.renamed"})
