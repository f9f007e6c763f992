"""The registry: registered models, versions, stages, aliases and tags."""

from ..registry import area
from ..steps import experiment, model, registered, run, version

case = area("registry")
M = {"name": "{u}.model"}
V = {"name": "{u}.model", "version": "1"}
NAMES = ("", " ", ".", "..", "a/b", "a:b", "a\\b", "a.b", "é", "🎈", "a b", "a'b", 'a"b', "a%b", "a\nb", "a\u0000b", "x" * 256, "x" * 257,
    "x" * 5000)


def read(pair, of="{u}.model", **more):
    return pair.get("registered-models/get", {"name": of}, unordered=("latest_versions",), **more)


def read_version(pair, number="1", of="{u}.model", **more):
    return pair.get("model-versions/get", {"name": of, "version": number}, **more)


@case
def models(pair):
    registered(pair, description="words", tags=[{"key": "a", "value": "1"}, {"key": "b", "value": ""}])
    read(pair)
    registered(pair, name="{u}.model")
    registered(pair, name="{u}.MODEL")
    for name in NAMES:
        registered(pair, name="{u}" + name if name.strip(" .") else name)
    for label, body in (("no name", {}), ("null", {"name": None}), ("a number", {"name": 5}), ("a list", {"name": ["a"]}),
        ("a long description", {"name": "{u}.d", "description": "x" * 5001}),
        ("a description of 5000", {"name": "{u}.e", "description": "é" * 5000}),
        ("a number for a description", {"name": "{u}.f", "description": 5}),
                        ("tags of no list", {"name": "{u}.g", "tags": {"a": "1"}}),
                        ("a tag without key", {"name": "{u}.h", "tags": [{"value": "1"}]}),
                        ("a bad tag key", {"name": "{u}.i", "tags": [{"key": "../x", "value": "1"}]}),
                        ("a tag without value", {"name": "{u}.j", "tags": [{"key": "a"}]}),
                        ("tags twice", {"name": "{u}.k", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
                        ("a long tag key", {"name": "{u}.l", "tags": [{"key": "k" * 251, "value": "1"}]}),
                        ("a tag of 100000", {"name": "{u}.m", "tags": [{"key": "k", "value": "v" * 100000}]}),
                        ("a tag of 100001", {"name": "{u}.n", "tags": [{"key": "k", "value": "v" * 100001}]}),
                        ("a tag of 5001", {"name": "{u}.o", "tags": [{"key": "k", "value": "v" * 5001}]}),
                        ("an unknown field", {"name": "{u}.p", "nonsense": 1})):
        pair.post("registered-models/create", body, name=label)
    for name in ("{u}.none", "", None):
        pair.get("registered-models/get", {"name": name} if name is not None else None, name=f"get {name!r}")
        body = {"name": name} if name is not None else {}
        pair.patch("registered-models/update", {**body, "description": "x"}, name=f"update {name!r}")
        pair.delete("registered-models/delete", body, name=f"delete {name!r}")
        pair.post("registered-models/rename", {**body, "new_name": "{u}.x"}, name=f"rename {name!r}")
    for body in ({"description": "new"}, {"description": ""}, {}, {"description": None}, {"description": "x" * 5001}, {"description": 5}):
        pair.patch("registered-models/update", {**M, **body}, name=f"update {str(body)[:40]}")
        read(pair)
    pair.post("registered-models/update", {**M, "description": "x"}, name="update by POST")
    pair.delete("registered-models/delete", M)
    read(pair)
    pair.delete("registered-models/delete", M, name="again")
    registered(pair)
    pair.call("DELETE", "registered-models/delete", None, {"name": "{u}.model"}, name="the name in the query")
    read(pair)


@case
def renaming(pair):
    registered(pair)
    registered(pair, name="{u}.other")
    version(pair)
    pair.post("registered-models/alias", {**M, "alias": "champion", "version": "1"})
    pair.post("registered-models/set-tag", {**M, "key": "a", "value": "1"})
    pair.post("model-versions/set-tag", {**V, "key": "a", "value": "1"})
    registered(pair, name="{u}.long")
    pair.post("registered-models/rename", {"name": "{u}.long", "new_name": "{u}" + "x" * 300}, name="to 310 characters")
    for name in ("{u}.other", "{u}.model", "", " ", None, 5, "a/b", "a:b"):
        pair.post("registered-models/rename", {**M, "new_name": name}, name=f"to {str(name)[:20]!r}")
    pair.post("registered-models/rename", M, name="to nothing")
    pair.post("registered-models/rename", {**M, "new_name": "{u}.renamed"})
    read(pair)
    read(pair, "{u}.renamed")
    read_version(pair, of="{u}.renamed")
    pair.get("registered-models/alias", {"name": "{u}.renamed", "alias": "champion"})
    version(pair, "{u}.renamed")


@case
def versions(pair):
    registered(pair)
    experiment(pair)
    run(pair)
    for label, body in (
        ("everything", {"source": "s3://b/m", "run_id": "{run}", "run_link": "http://x", "description": "words",
                "tags": [{"key": "a", "value": "1"}]}),
        ("the source alone", {"source": "s3://b/m"}),
        ("no source", {}), ("an empty source", {"source": ""}), ("a number as source", {"source": 5}), ("a null source", {"source": None}),
        ("an unknown run", {"source": "s3://b/m", "run_id": "f" * 32}), ("an empty run", {"source": "s3://b/m", "run_id": ""}),
        ("a long source", {"source": "s3://" + "x" * 495}),
        ("a longer source", {"source": "s3://" + "x" * 600}), ("a long description", {"source": "s3://b", "description": "x" * 5001}),
        ("a long run link", {"source": "s3://b", "run_link": "x" * 501}),
        ("tags twice", {"source": "s3://b", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
        ("a bad tag key", {"source": "s3://b", "tags": [{"key": "../a", "value": "1"}]}),
        ("a tag without value", {"source": "s3://b", "tags": [{"key": "a"}]}),
        ("an empty tag value", {"source": "s3://b", "tags": [{"key": "a", "value": ""}]}),
        ("tags of no list", {"source": "s3://b", "tags": {"a": "1"}}),
        ("a tag of 100001", {"source": "s3://b", "tags": [{"key": "a", "value": "x" * 100001}]}),
        ("an unknown model", {"source": "s3://b", "model_id": "m-none"}), ("an unknown field", {"source": "s3://b", "nonsense": 1}),
    ):
        pair.post("model-versions/create", {**M, **body}, name=label)
    pair.post("model-versions/create", {"name": "{u}.none", "source": "s3://b"}, name="no such model")
    pair.post("model-versions/create", {"source": "s3://b"}, name="no name")
    for number in ("1", "2", "99", "0", "-1", "x", "", "1.0", " 1", "01", "١", None):
        query = {"name": "{u}.model"} | ({"version": number} if number is not None else {})
        pair.get("model-versions/get", query, name=f"get {number!r}")
        pair.get("model-versions/get-download-uri", query, name=f"download {number!r}")
    pair.get("model-versions/get", {"version": "1"}, name="no name")
    for body in ({"description": "new"}, {"description": ""}, {}, {"description": None}, {"description": "x" * 5001}, {"description": 5}):
        pair.patch("model-versions/update", {**V, **body}, name=f"update {str(body)[:40]}")
    for body in ({"name": "{u}.model"}, {"version": "1"}, {"name": "{u}.model", "version": 1}, {"name": "{u}.model", "version": "99"},
        {"name": "{u}.none", "version": "1"}, {"name": "{u}.model", "version": "x"}):
        pair.patch("model-versions/update", {**body, "description": "x"}, name=f"update {body}")
        pair.delete("model-versions/delete", {**body} if body != {"name": "{u}.model", "version": 1} else {"name": "{u}.model",
                "version": 2}, name=f"delete {body}")
    read(pair)
    pair.delete("model-versions/delete", V)
    read_version(pair)
    pair.delete("model-versions/delete", V, name="again")
    version(pair)
    read(pair)
    pair.delete("registered-models/delete", M)
    read_version(pair, "2", name="after the model")


@case
def stages(pair):
    registered(pair)
    for _ in range(4):
        version(pair)
    move = lambda number, stage, **more: pair.post("model-versions/transition-stage",
        {"name": "{u}.model", "version": number, "stage": stage, **more}, name=f"{number} to {stage!r} {more or ''}")
    latest = lambda *stages: pair.post("registered-models/get-latest-versions", {"name": "{u}.model", "stages": list(stages)},
        unordered=("model_versions",), name=f"latest of {stages}")
    latest()
    for number, stage in (("1", "Staging"), ("1", "staging"), ("1", "PRODUCTION"), ("2", "Production"), ("3", "Archived"), ("3", "None"),
        ("3", "none"), ("3", "Nowhere"), ("3", ""), ("3", None), ("3", 5), ("99", "Staging"), ("x", "Staging")):
        move(number, stage)
    latest()
    latest("Production")
    latest("production", "Staging")
    latest("None")
    latest("Nowhere")
    latest("", "Archived")
    move("3", "Production", archive_existing_versions=True)
    for number in ("1", "2", "3"):
        read_version(pair, number)
    for value in (False, "true", "x", 1, None):
        move("4", "Staging", archive_existing_versions=value)
    move("4", "Archived", archive_existing_versions=True)
    move("4", "None", archive_existing_versions=True)
    move("1", "Staging", archiveExistingVersions=True)
    read(pair)
    for query in ("name={u}.model", "name={u}.model&stages=Production", "name={u}.model&stages=Production&stages=Archived", "name={u}.none",
        "", "name=", "name={u}.model&stages="):
        pair.get("registered-models/get-latest-versions", query, name=query or "nothing", unordered=("model_versions",))
    for body in ({}, {"name": "{u}.none"}, {"name": "{u}.model", "stages": "Production"}, {"name": "{u}.model", "stages": [5]},
        {"name": "{u}.model", "stages": None}):
        pair.post("registered-models/get-latest-versions", body, name=f"{body}", unordered=("model_versions",))
    pair.post("model-versions/transition-stage", {"name": "{u}.model", "version": "1"}, name="no stage")
    pair.post("model-versions/transition-stage", {"name": "{u}.none", "version": "1", "stage": "Staging"}, name="no such model")


@case
def aliases(pair):
    registered(pair)
    for _ in range(3):
        version(pair)
    put = lambda alias, number="1": pair.post("registered-models/alias", {**M, "alias": alias, "version": number},
        name=f"{str(alias)[:30]!r} on {number!r}")
    for alias in ("champion", "Champion", "a-b_c", "latest", "Latest", "LATEST", "v1", "V2", "v1a", "v", "vv1", "1", "", " ", "a b", "a/b",
        "a.b", "a:b", "é", "🎈", "x" * 255, "x" * 256, "x" * 300, None, 5, "..", "latest1"):
        put(alias)
    for number in ("2", "99", "x", "", None, 2, "0", "-1"):
        put("moved", number)
    read(pair)
    read_version(pair)
    read_version(pair, "2")
    look = lambda alias: pair.get("registered-models/alias", {"name": "{u}.model", "alias": alias}, name=f"look up {alias!r}")
    for alias in ("champion", "CHAMPION", "moved", "none", "", "latest", "v1", "v99", "V1", "v0"):
        look(alias)
    pair.get("registered-models/alias", {"name": "{u}.none", "alias": "x"}, name="of no model")
    pair.get("registered-models/alias", {"name": "{u}.model"}, name="no alias")
    pair.get("registered-models/alias", {"alias": "x"}, name="no name")
    for body in ({**M, "alias": "champion"}, {**M, "alias": "champion"}, {**M, "alias": "none"}, {**M, "alias": ""}, {**M}, {"alias": "x"},
        {"name": "{u}.none", "alias": "x"}, {**M, "alias": "latest"}, {**M, "alias": "v1"}, {**M, "alias": "é"}):
        pair.delete("registered-models/alias", body, name=f"delete {body}")
    look("champion")
    pair.delete("model-versions/delete", {"name": "{u}.model", "version": "2"})
    look("moved")
    read(pair)
    put("moved", "2")
    pair.post("registered-models/alias", {"name": "{u}.none", "alias": "x", "version": "1"}, name="on no model")
    pair.post("registered-models/alias", {**M, "version": "1"}, name="without an alias")


@case
def tags(pair):
    registered(pair)
    version(pair)
    for path, target, untag in (("registered-models/set-tag", M, "registered-models/delete-tag"),
        ("model-versions/set-tag", V, "model-versions/delete-tag")):
        for key, value in (("a", "1"), ("a", "2"), ("empty", ""), ("unicode", "ü\n🎈"), ("null", None), ("number", 5),
            ("long", "x" * 100000), ("longer", "x" * 100001), ("k" * 250, "v"), ("k" * 251, "v"), ("", "v"), ("..", "v"), ("../a", "v"),
            ("a//b", "v"), ("/a", "v"), ("a b", "v"), ("a:b", "v"), ("a,b", "v"), ("é", "v"), ("a\nb", "v"), (None, "v"), (5, "v")):
            pair.post(path, {**target, "key": key, "value": value}, name=f"{path} {str(key)[:20]!r} = {str(value)[:20]!r}")
        for body in ({"key": "k", "value": "v"}, {**target, "value": "v"}, {**target, "key": "novalue"},
            {**target, "name": "{u}.none", "key": "k", "value": "v"}):
            pair.post(path, body, name=f"{path} {body}")
        for key in ("a", "a", "never", "", "..", "k" * 251, "a b"):
            pair.delete(untag, {**target, "key": key}, name=f"{untag} {key[:20]!r}")
        pair.delete(untag, target, name=f"{untag} without a key")
        pair.delete(untag, {**target, "name": "{u}.none", "key": "k"}, name=f"{untag} of no model")
    for number in ("99", "x", ""):
        pair.post("model-versions/set-tag", {"name": "{u}.model", "version": number, "key": "k", "value": "v"},
            name=f"on version {number!r}")
        pair.delete("model-versions/delete-tag", {"name": "{u}.model", "version": number, "key": "k"}, name=f"off version {number!r}")
    read(pair)
    read_version(pair)


@case
def versions_of_logged_models(pair):
    experiment(pair)
    run(pair)
    model(pair, source_run_id="{run}", params=[{"key": "p", "value": "1"}])
    pair.post("runs/log-metric", {"run_id": "{run}", "key": "acc", "value": 0.5, "timestamp": 5, "step": 1, "model_id": "{model}"})
    registered(pair)
    pair.post("model-versions/create", {**M, "source": "models:/{model}", "run_id": "{run}", "model_id": "{model}"})
    pair.post("model-versions/create", {**M, "source": "models:/{model}", "model_id": "{model}"})
    pair.get("logged-models/{model}")
    read_version(pair)
    pair.get("model-versions/search", {"filter": "name = '{u}.model'"})
    pair.delete("model-versions/delete", V)
    pair.get("logged-models/{model}")
    pair.delete("logged-models/{model}")
    read_version(pair, "2")
