"""Artifacts in S3 and in a folder, with the stock MLflow client and with boto3.

ROPEWALK_PROGRAM names the program; S3 is moto's server. Each place starts servers of its own; the last line says how many
checks passed.
"""

import contextlib
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
import warnings

warnings.filterwarnings("ignore")
BUCKET = "rope"
ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ.update(ACCESS)
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import boto3  # noqa: E402
import mlflow  # noqa: E402
import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402

PROGRAM = os.environ.get("ROPEWALK_PROGRAM", "ropewalk")
BIG = 200 * 1000 * 1000


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, environment, ready, log):
    """A process that is waited for until `ready` says where it answers, and stopped at the end."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            for _ in range(400):
                address = ready()
                if address:
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                address = None
            if not address:
                with open(log, encoding="utf-8", errors="replace") as text:
                    raise SystemExit(f"{command[0]} did not start:\n{text.read()[-3000:]}")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def s3(folder):
    """An empty S3 with one bucket: its endpoint."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"

    def ready():
        with contextlib.suppress(OSError):
            urllib.request.urlopen(endpoint, timeout=2).close()
            return endpoint

    command = [sys.executable, "-c", "import sys; from moto.server import main; main(sys.argv[1:])", "-p", str(port)]
    with running(command, {**os.environ}, ready, os.path.join(folder, "moto.log")):
        os.environ["MLFLOW_S3_ENDPOINT_URL"] = endpoint
        bucket = boto3.client("s3", endpoint_url=endpoint)
        bucket.create_bucket(Bucket=BUCKET)
        yield bucket


@contextlib.contextmanager
def server(folder, *arguments, **variables):
    """A server with a home of its own: where it answers, and its home."""
    home = os.path.join(folder, f"home-{uuid.uuid4().hex[:8]}")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ROPEWALK_", "MLFLOW_"))}
    kept["MLFLOW_S3_ENDPOINT_URL"] = os.environ["MLFLOW_S3_ENDPOINT_URL"]

    def ready():
        with contextlib.suppress(OSError, ValueError, KeyError):
            with open(os.path.join(home, "server.json"), encoding="utf-8") as file:
                return json.load(file)["address"]

    command = [PROGRAM, "up", "--port", "0", "--quiet", "--home", home, *arguments]
    with running(command, {**kept, **variables}, ready, f"{home}.log") as address:
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)
        yield address, home


def call(url, method="GET", body=None, headers=None):
    """A plain HTTP call: status, headers, body."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(url, data=data, method=method, headers={**(headers or {})})
    if isinstance(body, dict):
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def a_run(name, location=None):
    client = MlflowClient()
    experiment = client.create_experiment(f"{name}-{uuid.uuid4().hex[:8]}", artifact_location=location)
    return client, client.create_run(experiment).info


def keys(bucket, prefix=""):
    pages = bucket.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def files_of(folder, content):
    for path, text in content.items():
        place = os.path.join(folder, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(text)


def paths(infos):
    return [(info.path, info.is_dir, info.file_size) for info in infos]


def random_file(folder, size):
    """A file of bytes that nothing packs: its path and hash."""
    path = os.path.join(folder, f"big-{uuid.uuid4().hex[:6]}.bin")
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(0, size, 1 << 20):
            block = os.urandom(min(1 << 20, size - file.tell()))
            digest.update(block)
            file.write(block)
    return path, digest.hexdigest()


def hash_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# What holds in each place.


def files_go_and_come(folder, place):
    client, run = a_run("files", place)
    local = os.path.join(folder, "local")
    content = {"a.txt": b"words", "b/c d.json": b"{}", "b/ü/e.bin": bytes(range(256)), "empty": b"", "b/p+q&r=s": b"%"}
    files_of(local, content)
    client.log_artifact(run.run_id, os.path.join(local, "a.txt"))
    client.log_artifacts(run.run_id, local, "all")
    client.log_text(run.run_id, "over", "a.txt")
    client.log_dict(run.run_id, {"a": 1}, "deep/er/d.json")
    assert paths(client.list_artifacts(run.run_id)) == [("a.txt", False, 4), ("all", True, None), ("deep", True, None)]
    within = paths(client.list_artifacts(run.run_id, "all/b"))
    assert [path for path, _, _ in within] == ["all/b/c d.json", "all/b/p+q&r=s", "all/b/ü"], within
    assert client.list_artifacts(run.run_id, "none") == [] and client.list_artifacts(run.run_id, "a.txt") == []
    target = tempfile.mkdtemp(dir=folder)
    mlflow.artifacts.download_artifacts(run_id=run.run_id, artifact_path="all", dst_path=target)
    for path, text in content.items():
        with open(os.path.join(target, "all", path), "rb") as file:
            assert file.read() == text, path
    assert mlflow.artifacts.load_text(f"{run.artifact_uri}/a.txt") == "over"
    try:
        client.download_artifacts(run.run_id, "none.txt")
    except Exception:
        pass
    else:
        raise AssertionError("a file that is not there was downloaded")


def the_server_reads_them(folder, place):
    client, run = a_run("read", place)
    client.log_text(run.run_id, "0123456789", "a/digits.txt")
    address = mlflow.get_tracking_uri()
    listed = json.loads(call(f"{address}/api/2.0/mlflow/artifacts/list?run_id={run.run_id}&path=a")[2])
    assert listed["files"] == [{"path": "a/digits.txt", "is_dir": False, "file_size": 10}], listed
    url = f"{address}/get-artifact?run_id={run.run_id}&path=a/digits.txt"
    status, headers, body = call(url)
    assert (status, body, headers["Content-Length"]) == (200, b"0123456789", "10")
    status, headers, body = call(url, headers={"Range": "bytes=2-4"})
    assert (status, body, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert call(url, headers={"If-None-Match": headers["ETag"]})[0] == 304
    assert call(url.replace("digits", "none"))[0] == 404 and call(url.replace("/digits.txt", ""))[0] == 400


def models_go_and_come(folder, place):
    import numpy
    from sklearn.linear_model import LinearRegression

    client, run = a_run("model", place)
    data = numpy.arange(20.0).reshape(-1, 1)
    with mlflow.start_run(run_id=run.run_id):
        logged = mlflow.sklearn.log_model(LinearRegression().fit(data, data[:, 0] * 3), name="model")
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    assert abs(loaded.predict([[7.0]])[0] - 21) < 1e-6
    name = f"m-{uuid.uuid4().hex[:8]}"
    version = mlflow.register_model(logged.model_uri, name)
    assert abs(mlflow.pyfunc.load_model(f"models:/{name}/{version.version}").predict(data)[2] - 6) < 1e-6
    address = mlflow.get_tracking_uri()
    base = f"2.0/mlflow/logged-models/{logged.model_id}/artifacts"
    names = [file["path"] for file in json.loads(call(f"{address}/api/{base}/directories")[2])["files"]]
    assert "MLmodel" in names, names
    assert b"flavors" in call(f"{address}/ajax-api/{base}/files?artifact_file_path=MLmodel")[2]
    assert b"flavors" in call(f"{address}/model-versions/get-artifact?name={name}&version=1&path=MLmodel")[2]


def garbage_goes_with_its_files(folder, place):
    client, run = a_run("garbage", place)
    client.log_text(run.run_id, "words", "a/b.txt")
    _, kept = a_run("kept", place)
    client.log_text(kept.run_id, "words", "a/b.txt")
    client.delete_run(run.run_id)
    address = mlflow.get_tracking_uri()
    status, _, body = call(f"{address}/api/v1/runs/gc", "POST", {})
    assert status == 200, (status, body)
    told = json.loads(body)
    assert told["runs"] == 1 and told["files"] == 1 and told["left"] == 0, told
    repository = get_artifact_repository(run.artifact_uri)
    assert repository.list_artifacts() == [] and len(get_artifact_repository(kept.artifact_uri).list_artifacts()) == 1


ANYWHERE = [files_go_and_come, the_server_reads_them, models_go_and_come, garbage_goes_with_its_files]


# What holds where artifacts go through the server.


def through_the_server(folder, place):
    client, run = a_run("proxy")
    repository = get_artifact_repository(run.artifact_uri)
    client.log_text(run.run_id, "0123456789", "a/digits.txt")
    url = repository.artifact_uri + "/a/digits.txt"
    status, headers, body = call(url, headers={"Range": "bytes=0-1,8-"})
    assert status == 206 and body.count(b"Content-Range: bytes") == 2, (status, body)
    status, headers, _ = call(url)
    etag = headers["ETag"]
    assert call(url, headers={"If-None-Match": etag})[0] == 304
    assert call(url, headers={"Range": "bytes=2-4", "If-Range": etag})[2] == b"234"
    assert call(url, headers={"Range": "bytes=2-4", "If-Range": '"x"'})[2] == b"0123456789"
    assert call(url, headers={"Range": "bytes=10-"})[0] == 416
    status, headers, body = call(url, "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")
    assert call(url, headers={"Accept-Encoding": "gzip"})[1]["Content-Encoding"] is None
    repository.delete_artifacts("a/digits.txt")
    assert call(url)[0] == 404
    for name in ("a/b/c", "a/d", "ab"):
        client.log_text(run.run_id, "x", name)
    repository.delete_artifacts("a")
    assert paths(client.list_artifacts(run.run_id)) == [("ab", False, 1)]


def large_files_stream(folder, place):
    client, run = a_run("large")
    path, digest = random_file(folder, 40 * 1000 * 1000)
    client.log_artifact(run.run_id, path)
    loaded = client.download_artifacts(run.run_id, os.path.basename(path), tempfile.mkdtemp(dir=folder))
    assert hash_of(loaded) == digest


def a_broken_upload_leaves_nothing(folder, place):
    client, run = a_run("broken")
    parts = urllib.parse.urlsplit(get_artifact_repository(run.artifact_uri).artifact_uri)
    for sent in (1000, 12 << 20):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        connection.putrequest("PUT", f"{parts.path}/half.bin")
        connection.putheader("Content-Length", str(20 << 20))
        connection.endheaders()
        connection.send(b"x" * sent)
        time.sleep(0.5)
        connection.close()
        time.sleep(1)
        assert client.list_artifacts(run.run_id) == [], sent


PROXIED = [through_the_server, large_files_stream, a_broken_upload_leaves_nothing]


# What holds where they are kept in S3.


def nothing_is_left_of_broken_uploads(folder, bucket):
    open_ones = bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert open_ones == [], open_ones


def parts_go_past_the_server(folder, bucket):
    """The stock client's own multipart upload and presigned download."""
    client, run = a_run("parts")
    told = json.loads(call(f"{mlflow.get_tracking_uri()}/api/3.0/mlflow/server-info")[2])
    assert told["multipart_uploads_enabled"] and told["multipart_downloads_enabled"], told
    path, digest = random_file(folder, BIG)
    wanted = {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true", "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(10 << 20),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(10 << 20), "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(25 << 20),
    }
    os.environ.update(wanted)
    try:
        client.log_artifact(run.run_id, path, "big")
        key = f"proxied/{run.experiment_id}/{run.run_id}/artifacts/big/{os.path.basename(path)}"
        head = bucket.head_object(Bucket=BUCKET, Key=key)
        assert head["ContentLength"] == BIG and head["ETag"].strip('"').endswith("-20"), head
        loaded = client.download_artifacts(run.run_id, f"big/{os.path.basename(path)}", tempfile.mkdtemp(dir=folder))
        assert hash_of(loaded) == digest
    finally:
        for name in wanted:
            os.environ.pop(name)
    # What the server has a URL for comes from S3 itself.
    base = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts"
    place = f"{run.experiment_id}/{run.run_id}/artifacts"
    status, _, body = call(f"{base}/presigned/{place}/big/{os.path.basename(path)}")
    signed = json.loads(body)
    assert status == 200 and signed["file_size"] == BIG and signed["headers"] == {}, signed
    assert signed["url"].startswith(os.environ["MLFLOW_S3_ENDPOINT_URL"]), signed
    part = requests.get(signed["url"], headers={"Range": "bytes=5-9"}, timeout=60)
    with open(path, "rb") as file:
        file.seek(5)
        assert (part.status_code, part.content) == (206, file.read(5))
    assert call(f"{base}/presigned/{place}/none")[0] == 404


def parts_are_given_up(folder, bucket):
    _, run = a_run("given-up")
    base = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts/mpu"
    place = f"{run.experiment_id}/{run.run_id}/artifacts"
    status, _, body = call(f"{base}/create/{place}", "POST", {"path": "a.bin", "num_parts": 2})
    made = json.loads(body)
    assert status == 200 and [part["part_number"] for part in made["credentials"]] == [1, 2], made
    assert requests.put(made["credentials"][0]["url"], data=b"x", timeout=60).status_code == 200
    ended = {"path": "a.bin", "upload_id": made["upload_id"]}
    assert call(f"{base}/abort/{place}", "POST", ended)[0] == 200
    status, _, body = call(f"{base}/abort/{place}", "POST", ended)
    assert status == 404, (status, body)
    gap = {**ended, "parts": [{"part_number": 2, "etag": "x"}]}
    assert call(f"{base}/complete/{place}", "POST", gap)[0] == 400
    assert call(f"{base}/create/{place}", "POST", {"path": "a.bin", "num_parts": 10001})[0] == 400
    assert bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def direct_roots_are_signed(folder, bucket):
    client, run = a_run("signed", f"s3://{BUCKET}/direct")
    base = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow/artifacts"
    wanted = {"run_id": run.run_id, "path": "a b/ü.json", "expiration": 60}
    status, _, body = call(f"{base}/presigned-upload-url", "POST", wanted)
    signed = json.loads(body)
    assert status == 200 and signed["headers"]["Content-Type"] == "application/json", signed
    sent = requests.put(signed["presigned_url"], data=b"{}", headers=signed["headers"], timeout=60)
    assert sent.status_code == 200, sent.text
    assert keys(bucket, f"direct/{run.run_id}/") == [f"direct/{run.run_id}/artifacts/a b/ü.json"]
    status, _, body = call(f"{base}/presigned-download-url", "POST", wanted)
    signed = json.loads(body)
    assert status == 200 and signed["file_size"] == 2, signed
    loaded = requests.get(signed["presigned_url"], timeout=60)
    assert loaded.content == b"{}" and "UTF-8''%C3%BC.json" in loaded.headers["Content-Disposition"], loaded.headers
    assert call(f"{base}/presigned-download-url", "POST", {**wanted, "path": "none"})[0] == 404
    assert call(f"{base}/presigned-download-url", "POST", {**wanted, "expiration": 0})[0] == 400


def kinds_are_kept(folder, bucket):
    client, run = a_run("kinds")
    client.log_text(run.run_id, "{}", "a.json")
    head = bucket.head_object(Bucket=BUCKET, Key=f"proxied/{run.experiment_id}/{run.run_id}/artifacts/a.json")
    assert head["ContentType"] == "application/json", head


IN_S3 = [
    parts_go_past_the_server, parts_are_given_up, direct_roots_are_signed, kinds_are_kept, nothing_is_left_of_broken_uploads,
]


def blobs_in_s3_hold_artifacts(folder, bucket):
    client, run = a_run("blobs")
    client.log_text(run.run_id, "words", "a.txt")
    assert keys(bucket, "blobs/artifacts/") == [f"blobs/artifacts/{run.experiment_id}/{run.run_id}/artifacts/a.txt"]


class Checks:
    def __init__(self, wanted):
        self.wanted, self.passed, self.failed = wanted, 0, 0

    def run(self, where, checks, *arguments):
        for check in checks:
            name = f"{where}: {check.__name__}"
            if self.wanted and not any(word in name for word in self.wanted):
                continue
            begin = time.time()
            try:
                check(*arguments)
                self.passed += 1
                print(f"ok     {name} ({time.time() - begin:.1f} s)", flush=True)
            except Exception:
                self.failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)


def main():
    checks = Checks(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="ropewalk-artifacts-") as folder, s3(folder) as bucket:
        kept = os.path.join(folder, "kept")
        with server(folder, "--artifacts-destination", kept):
            checks.run("folder", ANYWHERE + PROXIED, folder, None)
        direct = f"s3://{BUCKET}/direct"
        shown = {"MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true"}
        with server(folder, "--artifacts-destination", f"s3://{BUCKET}/proxied", **shown):
            checks.run("s3", ANYWHERE + PROXIED, folder, None)
            checks.run("s3 itself", ANYWHERE, folder, direct)
            checks.run("s3", IN_S3, folder, bucket)
        root = os.path.join(folder, "root")
        with server(folder, "--default-artifact-root", f"file://{root}"):
            checks.run("folder itself", ANYWHERE, folder, None)
        # A deployment of MLflow keeps its environment.
        theirs = {"MLFLOW_ARTIFACTS_DESTINATION": f"s3://{BUCKET}/theirs", "MLFLOW_DEFAULT_ARTIFACT_ROOT": f"s3://{BUCKET}/root"}
        with server(folder, **theirs):
            checks.run("MLflow's variables", ANYWHERE, folder, None)
            if not checks.wanted:
                assert keys(bucket, "root/") and MlflowClient().get_experiment("0").artifact_location == f"s3://{BUCKET}/root/0"
        with server(folder, "--blobs", f"s3://{BUCKET}/blobs"):
            checks.run("blobs in s3", [blobs_in_s3_hold_artifacts], folder, bucket)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
