"""Artifacts: the proxy, listing, ranges, and the routes that the web app uses."""

from ..registry import area
from ..steps import experiment, file, model, run

case = area("artifacts")
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
HEADERS = ("Content-Type", "Content-Disposition", "Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified",
    "X-Content-Type-Options")


def ready(pair):
    experiment(pair)
    run(pair)
    pair.set("root", PROXY)
    for side in (0, 1):
        known = pair.variables[side]
        known["root"] = f"{PROXY}/{known['exp']}/{known['run']}/artifacts"


def folder(pair, path=""):
    return pair.get(PROXY, {"path": "{exp}/{run}/artifacts" + path})


@case
def put_get_list_delete(pair):
    ready(pair)
    pair.get("artifacts/list", {"run_id": "{run}"}, name="nothing there")
    folder(pair)
    for path, content in (
        ("a.txt", b"hello"), ("b/c.json", b'{"a": 1}'), ("b/d/e.bin", bytes(range(256))), ("empty.txt", b""), ("no-extension", b"x"),
        ("MLmodel", b"flavors: {}"), ("f.html", b"<script>alert(1)</script>"), ("g.csv", b"a,b\n1,2\n"), ("h.png", b"\x89PNG"),
        ("i.py", b"print()"), ("j.yaml", b"a: 1"), ("k.unknown", b"?"), ("l.tar.gz", b"\x1f\x8b"), ("m.svg", b"<svg/>"), ("n.md", b"# x"),
        ("conda.yaml", b"x"), ("o.log", b"x"), ("p.ipynb", b"{}"), ("q.PDF", b"%PDF"), ("r.js", b"1"),
    ):
        pair.put(f"{{root}}/{path}", content, show_headers=("Content-Type",))
        pair.get(f"{{root}}/{path}", show_headers=HEADERS)
    pair.get("artifacts/list", {"run_id": "{run}"})
    for path in ("b", "b/", "b/d", "a.txt", "b/c.json", "none", "b/none", "", ".", "/", "b//d", "b/./d", "./b", "empty.txt"):
        pair.get("artifacts/list", {"run_id": "{run}", "path": path}, name=f"list {path!r}")
        folder(pair, f"/{path}")
    for method in ("GET", "DELETE"):
        for path in ("b", "b/", "none", "b/none", "a.txt/x"):
            if (method, path) != ("DELETE", "b") and (method, path) != ("DELETE", "b/"):
                pair.call(method, f"{{root}}/{path}", name=f"{method} {path}")
    pair.delete("{root}/a.txt")
    pair.delete("{root}/a.txt", name="again")
    pair.get("{root}/a.txt")
    pair.delete("{root}/b", name="a folder")
    pair.get("{root}/b/c.json")
    pair.get("artifacts/list", {"run_id": "{run}"})


@case
def overwritten(pair):
    ready(pair)
    pair.put("{root}/a.txt", b"one")
    pair.put("{root}/a.txt", b"another")
    pair.get("{root}/a.txt", show_headers=HEADERS)
    pair.put("{root}/a.txt", b"")
    pair.get("{root}/a.txt", show_headers=HEADERS)
    pair.put("{root}/a.txt/inner", b"x", name="below a file")
    pair.put("{root}/folder/x", b"x")
    pair.put("{root}/folder", b"x", name="over a folder")
    pair.get("artifacts/list", {"run_id": "{run}"})


@case
def ranges(pair):
    ready(pair)
    pair.put("{root}/digits.txt", b"0123456789")
    pair.put("{root}/empty.txt", b"")
    for given in ("bytes=0-3", "bytes=4-", "bytes=-3", "bytes=0-0", "bytes=9-9", "bytes=0-100", "bytes=0-", "bytes=10-", "bytes=11-12",
        "bytes=5-2", "bytes=-0", "bytes=-100", "bytes=x", "bytes=", "bytes", "items=0-1", "bytes=0-1,3-4", "bytes=0-1,8-", "bytes=1-2-3",
        "Bytes=0-1", "bytes = 0-1", "bytes=0 - 1"):
        pair.get("{root}/digits.txt", headers={"Range": given}, name=given,
            show_headers=("Content-Type", "Content-Range", "Content-Length") if "," not in given else ())
    pair.get("{root}/empty.txt", headers={"Range": "bytes=0-0"}, name="of an empty file")
    pair.call("HEAD", "{root}/digits.txt", show_headers=HEADERS)
    pair.get("{root}/digits.txt", headers={"If-Modified-Since": "Wed, 21 Oct 2065 07:28:00 GMT"})
    pair.get("{root}/digits.txt", headers={"If-None-Match": '"nothing"'})
    pair.get("{root}/digits.txt", headers={"If-None-Match": "*"})
    pair.get("{root}/digits.txt", headers={"Range": "bytes=0-3", "If-Range": '"nothing"'})


@case
def names(pair):
    ready(pair)
    for name in ("with space.txt", "with%20space.txt", "plus+sign.txt", "plus%2Bsign.txt", "ü.txt", "%C3%BC2.txt", "日本語.txt", "🎈.txt",
        "a'b.txt", "a&b.txt", "a=b.txt", "a;b.txt", "a,b.txt", "a(b).txt", "a[b].txt", "a{{b}}.txt", "a@b.txt", "a!b.txt", "a$b.txt",
        "a~b.txt",
                 "percent%25.txt", "percent%2541.txt", "a%22b.txt", "a%5Cb.txt", "a%0Ab.txt", "a%09b.txt", ".hidden", "..dots", "dots..",
                 "...", "a%3Fb.txt", "a%23b.txt", "a:b.txt", "C:x.txt", "a|b.txt", "a*b.txt", "%ff.txt", "x" * 200 + ".txt",
                 "x" * 300 + ".txt", "a%2Fb.txt", "-", "~"):
        pair.put(f"{{root}}/{name}", b"content", name=f"put {name[:30]}")
        pair.get(f"{{root}}/{name}", name=f"get {name[:30]}", show_headers=("Content-Type", "Content-Disposition"))
    pair.get("artifacts/list", {"run_id": "{run}"})
    folder(pair)
    for path in ("with space.txt", "ü.txt", "percent%.txt", "a&b.txt"):
        pair.get("/get-artifact", {"run_id": "{run}", "path": path}, name=f"get-artifact {path}",
            show_headers=("Content-Type", "Content-Disposition"))
        pair.get("artifacts/list", {"run_id": "{run}", "path": path}, name=f"list {path}")
        pair.delete("{root}/" + path.replace("%", "%25"), name=f"delete {path}")


CLIMBS = (
    "..", "../x", "%2e%2e", "%2e%2e/x", "..%2fx", "..%2Fx", "%2e%2e%2fx", "%252e%252e/x", "%252e%252e%252fx", "%25252e%25252e/x", "a/../x",
    "a/../../x", "a/%2e%2e/x", "a/..%2f..%2fx", "%2Fetc%2Fpasswd", "/etc/passwd", "//etc/passwd", "%2f%2fetc", "a//b", "a/./b", "./a",
    "%2e/a", "a/.", "a/..", "a%00b",
    "%00", "..%00/x", "..\\x", "..%5Cx", "a%5C..%5Cx", "C:%5Cx", "C:/x", "file:///etc/passwd", "file:%2f%2f%2fetc%2fpasswd",
    "http://host/x", "a?x=..", "a%3F/../x", "a%23..", "~/x", "$HOME/x", "....//x", "..;/x", ".%2e/x", "%2e./x", "a/b/../../..",
    "%c0%ae%c0%ae/x", "%ef%bc%8e%ef%bc%8e/x", "", ".", "/", "%2F", "%20", "a%20/..",
)


# What the stock server says to have deleted, and keeps.
KEPT = ("a%00b", "%00", "..%00/x", "a/.")


@case
def climbing(pair):
    """Paths that would leave the store. What is refused must be refused alike, what is not must end in the same place."""
    ready(pair)
    for climb in CLIMBS:
        pair.get(f"{PROXY}/{climb}", name=f"get {climb}")
        if climb not in ("", ".", "/", "%2F", "%20", "~/x", "$HOME/x"):
            pair.put(f"{{root}}/{climb}", b"x", name=f"put {climb}")
            pair.get(f"{{root}}/{climb}", name=f"get in the run {climb}")
            if climb not in KEPT:
                pair.delete(f"{{root}}/{climb}", name=f"delete {climb}")
        pair.get("artifacts/list", f"run_id={{run}}&path={climb.replace('#', '%23').replace('?', '%3F')}", name=f"list {climb}")
    for climb in CLIMBS:
        query = climb.replace("#", "%23").replace("?", "%3F")
        pair.get(PROXY, f"path={query}" if query not in ("", ".", "/", "%2F", "%00", "%20") else "path={exp}/" + query,
            name=f"list the proxy {climb}", unordered=("files",))
        pair.get("/get-artifact", f"run_id={{run}}&path={query}", name=f"get-artifact {climb}")
        pair.post("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path=" + query, b"x", headers={"Content-Type": "text/plain"},
            name=f"upload {climb}")


@case
def get_artifact(pair):
    ready(pair)
    file(pair, "a/b.txt", b"words")
    file(pair, "c.html", b"<b>")
    file(pair, "empty", b"")
    for query in ("run_id={run}&path=a/b.txt", "run_uuid={run}&path=a/b.txt", "run_id={run}&path=c.html", "run_id={run}&path=empty",
        "run_id={run}&path=a%2Fb.txt", "run_id={run}&path=a", "run_id={run}&path=none", "run_id={run}&path=", "run_id={run}",
        "path=a/b.txt", "", "run_id=&path=a",
                  "run_id=" + "f" * 32 + "&path=a/b.txt", "run_id=x&path=a", "run_id={run}&path=a/none/x"):
        pair.get("/get-artifact", query, name=query or "nothing",
            show_headers=("Content-Type", "Content-Disposition", "X-Content-Type-Options"))
    pair.get("/get-artifact", "run_id={run}&path=a/b.txt", headers={"Range": "bytes=1-2"}, show_headers=("Content-Range",))
    pair.call("HEAD", "/get-artifact?run_id={run}&path=a/b.txt")
    pair.get("/ajax-api/2.0/mlflow/get-artifact", "run_id={run}&path=a/b.txt", name="no ajax twin")
    pair.post("runs/delete", {"run_id": "{run}"})
    pair.get("/get-artifact", "run_id={run}&path=a/b.txt", name="of a deleted run")


@case
def upload_artifact(pair):
    ready(pair)
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    for query in ("run_id={run}&path=a.txt", "run_uuid={run}&path=b/c.txt", "run_id={run}", "path=a.txt", "", "run_id={run}&path=",
        "run_id=&path=x", "run_id=" + "f" * 32 + "&path=x", "run_id=x&path=x", "run_id={run}&path=d/", "run_id={run}&path=b"):
        pair.post(f"{upload}?{query}", b"words", headers={"Content-Type": "text/plain"}, name=query or "nothing",
            show_headers=("Content-Type",))
    pair.post(f"{upload}?run_id={{run}}&path=e.txt", b"", name="nothing in it")
    pair.post(f"{upload}?run_id={{run}}&path=json.json", b'{"a": 1}', name="JSON")
    pair.post(f"{upload}?run_id={{run}}&path=form.txt", b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"},
        name="a form")
    pair.post(f"{upload}?run_id={{run}}&path=none.txt", b"x", headers={"Content-Type": None}, name="no content type")
    pair.post(f"{upload}?run_id={{run}}&path=big.bin", b"x" * (10 * 1024 * 1024 + 1), headers={"Content-Type": "application/octet-stream"},
        name="above ten megabytes")
    pair.put(f"{upload}?run_id={{run}}&path=e.txt", b"x", name="by PUT")
    pair.post("/api/2.0/mlflow/upload-artifact?run_id={run}&path=e.txt", b"x", name="no twin under /api")
    pair.get("artifacts/list", {"run_id": "{run}"})
    for path in ("a.txt", "b/c.txt", "json.json", "form.txt", "none.txt"):
        pair.get(f"{{root}}/{path}", name=f"read {path}", show_headers=("Content-Type",))


@case
def listings(pair):
    ready(pair)
    file(pair, "a/b.txt", b"words")
    for query in ("", "run_id=", "run_id=x", "run_id=" + "f" * 32, "run_uuid={run}", "runId={run}", "run_id={run}&path=a&page_token=x",
        "run_id={run}&path=a&path=b", "run_id={run}&page_token="):
        pair.get("artifacts/list", query, name=query or "nothing")
    for query in ("", "path={exp}/{run}/artifacts&page_token=x", "path={exp}", "path={exp}/{run}", "path={exp}/{run}/artifacts/a/b.txt",
        "path={exp}/none"):
        if query:
            pair.get(PROXY, query, name=query)
            pair.get(PROXY.replace("/api", "/ajax-api"), query, name=f"ajax {query}")
    pair.get("/ajax-api/2.0/mlflow/artifacts/list", "run_id={run}")
    pair.post("artifacts/list", {"run_id": "{run}"}, name="by POST")
    pair.post(PROXY, {"path": "x"}, name="the proxy by POST")


@case
def elsewhere(pair):
    """Experiments whose artifacts are not behind the proxy."""
    experiment(pair, artifact_location="s3://bucket/place")
    run(pair)
    pair.post("artifacts/presigned-download-url", {"run_id": "{run}", "path": "../x"})
    experiment(pair, "proxied", artifact_location="mlflow-artifacts:/custom/{u}")
    run(pair, "second", "proxied")
    place = f"{PROXY}/custom/{{u}}/{{second}}/artifacts"
    pair.put(f"{place}/a.txt", b"words")
    pair.get("artifacts/list", {"run_id": "{second}"})
    pair.get("/get-artifact", {"run_id": "{second}", "path": "a.txt"})
    pair.post("/ajax-api/2.0/mlflow/upload-artifact?run_id={second}&path=sub/b.txt", b"x", headers={"Content-Type": "text/plain"},
        name="where the upload goes")
    pair.get("artifacts/list", {"run_id": "{second}"})


@case
def multipart_and_presigned(pair):
    """What a store on the local disk cannot do."""
    ready(pair)
    for twin in ("/api", "/ajax-api"):
        base = f"{twin}/2.0/mlflow-artifacts"
        for path in ("{exp}/{run}/artifacts/a.bin", "../x", "a%2F..%2F..%2Fx", "/etc/x"):
            pair.post(f"{base}/mpu/create/{path}", {"path": "a.bin", "num_parts": 2}, name=f"create {path}")
            pair.post(f"{base}/mpu/complete/{path}", {"path": "a.bin", "upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]},
                name=f"complete {path}")
            pair.post(f"{base}/mpu/abort/{path}", {"path": "a.bin", "upload_id": "u"}, name=f"abort {path}")
            pair.get(f"{base}/presigned/{path}", name=f"presigned {path}")
    base = "/api/2.0/mlflow-artifacts/mpu"
    for action in ("create", "complete", "abort"):
        for body in ({}, {"path": ""}, {"path": "."}, {"path": ".."}, {"path": "/"}, {"path": "a/.."}, {"path": "src%5C.."},
            {"path": "C%3A.."}, {"path": 5}, {"path": "a", "num_parts": "x"}, {"path": "a", "parts": []}, {"path": "a", "parts": "x"},
            {"path": "/tmp/x/a.bin", "num_parts": 1}, {"path": "a", "upload_id": 5}):
            pair.post(f"{base}/{action}/x", body, name=f"{action} {body}")
    model(pair)
    for which in ("upload", "download"):
        for body in ({"run_id": "{run}", "path": "a"}, {"model_id": "{model}", "path": "a"},
            {"run_id": "{run}", "model_id": "{model}", "path": "a"}, {"path": "a"}, {"run_id": "{run}"}, {},
            {"run_id": "f" * 32, "path": "a"}, {"model_id": "m-x", "path": "a"}, {"run_id": "{run}", "path": "../a"},
                     {"run_id": "{run}", "path": "a", "expiration": 0}, {"run_id": "{run}", "path": "a", "expiration": 604801},
                     {"run_id": "{run}", "path": "a", "expiration": "x"}, {"run_id": "{run}", "path": "a", "expiration": 60},
                     {"run_id": 5, "path": "a"}, {"run_id": "{run}", "path": 5}):
            pair.post(f"artifacts/presigned-{which}-url", body, name=f"{which} {body}")


@case
def of_logged_models(pair):
    experiment(pair)
    run(pair)
    model(pair, source_run_id="{run}")
    place = f"{PROXY}/{{exp}}/models/{{model}}/artifacts"
    files = "/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"
    directories = "logged-models/{model}/artifacts/directories"
    pair.get(directories, name="nothing there")
    pair.put(f"{place}/MLmodel", b"flavors: {}")
    pair.put(f"{place}/data/model.bin", b"\x00\x01")
    for query in ("", "artifact_directory_path=", "artifact_directory_path=data", "artifact_directory_path=data/",
        "artifact_directory_path=MLmodel", "artifact_directory_path=none", "artifact_directory_path=../x",
        "artifact_directory_path=%2e%2e/x", "artifact_directory_path=/etc", "page_token=x"):
        pair.get(directories, query, name=query or "all")
    for query in ("artifact_file_path=MLmodel", "artifact_file_path=data/model.bin", "artifact_file_path=data", "artifact_file_path=none",
        "artifact_file_path=", "", "artifact_file_path=../x", "artifact_file_path=%252e%252e/x", "artifact_file_path=/etc/passwd",
        "artifact_file_path=MLmodel&presigned=true"):
        pair.get(files, query, name=query or "nothing", show_headers=("Content-Type", "Content-Disposition", "X-Content-Type-Options"))
    pair.get(files.replace("{model}", "m-none"), "artifact_file_path=MLmodel", name="no such model")
    pair.get("logged-models/m-none/artifacts/directories", name="no such model")
    pair.get("/api" + files.removeprefix("/ajax-api"), "artifact_file_path=MLmodel", name="not under /api")
    pair.delete("logged-models/{model}")
    pair.get(directories, name="of a deleted model")


@case
def of_model_versions(pair):
    ready(pair)
    file(pair, "model/MLmodel", b"flavors: {}")
    pair.post("registered-models/create", {"name": "{u}.m"})
    pair.post("model-versions/create", {"name": "{u}.m", "source": "mlflow-artifacts:/{exp}/{run}/artifacts/model", "run_id": "{run}"})
    pair.post("model-versions/create", {"name": "{u}.m", "source": "runs:/{run}/model", "run_id": "{run}"})
    for query in ("name={u}.m&version=1&path=MLmodel", "name={u}.m&version=2&path=MLmodel", "name={u}.m&version=1&path=none",
        "name={u}.m&version=1&path=", "name={u}.m&version=1", "name={u}.m&path=x", "version=1&path=x", "name=none&version=1&path=x",
        "name={u}.m&version=9&path=x",
                  "name={u}.m&version=x&path=x", "name={u}.m&version=1&path=../x", "name={u}.m&version=1&path=%252e%252e/x",
                  "name={u}.m&version=1&path=MLmodel&presigned=true", "name={u}.m&version=2&path=MLmodel&presigned=true",
                  "name={u}.m&version=1&path=/etc/passwd", ""):
        pair.get("/model-versions/get-artifact", query, name=query or "nothing",
            show_headers=("Content-Type", "Content-Disposition", "X-Content-Type-Options"))
