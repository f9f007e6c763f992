"""Drives a server with credentials through the stock client of MLflow's basic authentication.

ROPEWALK_PROGRAM names the program, which is started here with a home of its own. Each check stands alone and tells what
broke; the last line says how many passed.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.server import get_app_client  # noqa: E402

ADMIN = ("root", "the root of all")
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


class Server:
    """A server with one administrator."""

    def __init__(self, program):
        self.program = program
        self.home = Path(tempfile.mkdtemp(prefix="ropewalk-auth-"))
        self.command("auth", "user", ADMIN[0], "--role", "admin", text=ADMIN[1])
        told = self.home / "up.err"
        with told.open("wb") as errors:
            words = [program, "up", "--port", "0", "--home", self.home]
            self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors)
        note = self.home / "server.json"
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {told.read_text()}")
            if note.exists() and (text := note.read_text()):
                self.url = json.loads(text)["address"]
                return
            time.sleep(0.1)
        raise RuntimeError("the server does not start")

    def command(self, *words, text=""):
        done = subprocess.run(
            [self.program, *words, "--home", self.home], input=text, text=True, capture_output=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"ropewalk {' '.join(words)}: {done.stderr}")
        return done.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def acting(user):
    """Calls by a user; nobody if it is None."""
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    before = {name: os.environ.pop(name, None) for name in names}
    if user:
        os.environ.update(zip(names, user, strict=True))
    try:
        yield MlflowClient(server.url, server.url)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def refused(status, call, *arguments, **named):
    """That a call is refused; the words."""
    try:
        call(*arguments, **named)
    except MlflowException as error:
        found = error.get_http_status_code()
        # What is not JSON reaches the caller as words that begin with the status.
        assert found == status or f"error code {status}" in str(error), f"{found} is not {status}: {error}"
        return str(error)
    except requests.HTTPError as error:
        assert error.response.status_code == status, error
        return str(error)
    raise AssertionError(f"{call.__name__}{arguments} is not refused")


def regrant(*what):
    """Grants are made, not changed."""
    user, kind, resource, _ = what
    assert "already exists" in refused(400, auth.grant_user_permission, *what)
    auth.revoke_user_permission(user, kind, resource)
    auth.grant_user_permission(*what)


def new_user(word="user"):
    user = (unique(word), "a long password")
    with acting(ADMIN):
        auth.create_user(*user)
    return user


def raw(path, user=None, headers=None):
    """A plain call: status, headers, body."""
    request = urllib.request.Request(server.url + path, headers=headers or {})
    if user:
        word = base64.b64encode(":".join(user).encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@check
def nobody_comes_in_without_a_name():
    with acting(None) as client:
        words = refused(401, client.search_experiments)
        assert "You are not authenticated" in words, words
    with acting((ADMIN[0], "not the password")) as client:
        refused(401, client.search_experiments)
    status, headers, body = raw("/api/2.0/mlflow/experiments/search?max_results=1")
    assert status == 401 and headers["WWW-Authenticate"] == 'Basic realm="mlflow"', (status, headers)
    assert raw("/health")[0] == 200 and raw("/version")[0] == 401
    assert raw("/api/3.0/mlflow/server-info")[0] == 200
    assert raw("/api/2.0/mlflow/experiments/search?max_results=1", ADMIN)[0] == 200


@check
def users_are_made_changed_and_removed():
    user = (unique("ann"), "a long password")
    with acting(ADMIN):
        made = auth.create_user(*user)
        assert (made.username, made.is_admin) == (user[0], False)
        assert auth.get_user(user[0]).id == made.id
        assert "already exists" in refused(400, auth.create_user, *user)
        refused(400, auth.create_user, unique("bob"), "short")
    with acting(user) as client:
        client.search_experiments()
        refused(403, auth.create_user, unique("eve"), "a long password")
        refused(403, auth.update_user_admin, user[0], True)
        refused(403, auth.delete_user, user[0])
        assert auth.get_user(user[0]).username == user[0]
        refused(403, auth.get_user, ADMIN[0])
    changed = (user[0], "another password")
    with acting(user):
        refused(400, auth.update_user_password, user[0], changed[1], current_password="wrong")
        auth.update_user_password(*changed, current_password=user[1])
    with acting(user) as client:
        refused(401, client.search_experiments)
    with acting(ADMIN):
        auth.update_user_admin(user[0], True)
        assert auth.get_user(user[0]).is_admin
    with acting(changed):
        # Whoever is an administrator manages others.
        other = auth.create_user(unique("carl"), "a long password")
        auth.delete_user(other.username)
        refused(404, auth.get_user, other.username)
    with acting(ADMIN):
        auth.delete_user(user[0])
        refused(404, auth.delete_user, user[0])
    with acting(changed) as client:
        refused(401, client.search_experiments)


@check
def the_current_user_is_told():
    user = new_user()
    status, _, body = raw("/api/2.0/mlflow/users/current", user)
    told = json.loads(body)["user"]
    assert status == 200 and told["username"] == user[0] and not told["is_admin"], told
    status, _, body = raw("/api/3.0/mlflow/users/current/permissions", user)
    assert status == 200, body


@check
def users_are_ours_and_ours_are_users():
    user = new_user()
    rows = {row["name"]: row for row in json.loads(server.command("auth", "ls", "-o", "json"))["items"]}
    assert rows[user[0]]["role"] == "scientist" and rows[user[0]]["kind"] == "password", rows[user[0]]
    name = unique("looker")
    server.command("auth", "user", name, "--role", "viewer", text="a long password")
    with acting(ADMIN):
        assert auth.get_user(name).username == name
        experiment = MlflowClient(server.url).create_experiment(unique("exp"))
    with acting((name, "a long password")) as client:
        assert client.get_experiment(experiment).experiment_id == experiment
        refused(403, client.create_run, experiment)


@check
def whoever_makes_an_experiment_manages_it():
    maker, other = new_user(), new_user()
    with acting(maker) as client:
        experiment = client.create_experiment(unique("exp"))
        run = client.create_run(experiment).info.run_id
        answer = auth.get_user_permission(maker[0], "experiment", experiment)
        assert answer.permission == "MANAGE", answer
        # What MANAGE allows: to say what others may do.
        auth.grant_user_permission(other[0], "experiment", experiment, "READ")
    with acting(other) as client:
        assert client.get_run(run).info.run_id == run
        assert "Permission denied" in refused(403, client.log_metric, run, "a", 1.0)
        refused(403, client.create_run, experiment)
        refused(403, client.delete_experiment, experiment)
        refused(403, auth.grant_user_permission, other[0], "experiment", experiment, "MANAGE")
    with acting(maker):
        auth.revoke_user_permission(other[0], "experiment", experiment)
    with acting(other) as client:
        # The role counts again: a scientist changes things, and deletes none.
        client.log_metric(run, "a", 1.0)
        refused(403, client.delete_experiment, experiment)
    with acting(maker) as client:
        client.delete_experiment(experiment)


@check
def what_is_denied_is_neither_read_nor_found():
    maker, other = new_user(), new_user()
    with acting(maker) as client:
        hidden = client.create_experiment(unique("hidden"))
        shown = client.create_experiment(unique("shown"))
        runs = [client.create_run(experiment).info.run_id for experiment in (hidden, shown)]
        client.log_text(runs[0], "words", "a.txt")
    with acting(ADMIN):
        auth.grant_user_permission(other[0], "experiment", hidden, "DENY")
    with acting(other) as client:
        refused(403, client.get_experiment, hidden)
        refused(403, client.get_run, runs[0])
        refused(403, client.get_metric_history, runs[0], "a")
        refused(403, client.list_artifacts, runs[0])
        found = {one.experiment_id for one in client.search_experiments()}
        assert shown in found and hidden not in found, found
        found = [run.info.run_id for run in client.search_runs([hidden, shown])]
        assert found == [runs[1]], found
        path = f"/api/2.0/mlflow-artifacts/artifacts/{hidden}/{runs[0]}/artifacts/a.txt"
        assert raw(path, other)[0] == 403 and raw(path, maker)[0] == 200
        assert raw(f"/get-artifact?run_uuid={runs[0]}&path=a.txt", other)[0] == 403
    with acting(ADMIN) as client:
        # Never an administrator.
        auth.grant_user_permission(ADMIN[0], "experiment", hidden, "DENY")
        assert client.get_run(runs[0]).info.run_id == runs[0]


@check
def permissions_allow_what_they_say():
    maker = new_user()
    with acting(maker) as client:
        experiment = client.create_experiment(unique("exp"))
        run = client.create_run(experiment).info.run_id
    for permission, reads, changes, deletes in [
        ("READ", True, False, False),
        ("USE", True, False, False),
        ("EDIT", True, True, False),
        ("MANAGE", True, True, True),
    ]:
        user = new_user()
        with acting(ADMIN):
            auth.grant_user_permission(user[0], "experiment", experiment, permission)
        with acting(user) as client:
            assert auth.get_user_permission(user[0], "experiment", experiment).permission == permission
            for may, call, arguments in [
                (reads, client.get_run, (run,)),
                (reads, client.search_runs, ([experiment],)),
                (changes, client.log_param, (run, unique("p"), "v")),
                (changes, client.set_tag, (run, "t", "v")),
                (changes, client.rename_experiment, (experiment, unique("exp"))),
                (changes, client.log_text, (run, "words", f"{user[0]}.txt")),
                (deletes, client.delete_experiment, (experiment,)),
            ]:
                if may:
                    call(*arguments)
                else:
                    refused(403, call, *arguments)
        if deletes:
            with acting(ADMIN) as client:
                client.restore_experiment(experiment)


@check
def models_belong_to_their_makers():
    maker, other = new_user(), new_user()
    name = unique("model")
    with acting(maker) as client:
        run = client.create_run(client.create_experiment(unique("exp"))).info.run_id
        client.create_registered_model(name)
        client.create_model_version(name, f"runs:/{run}/model", run)
        assert auth.get_user_permission(maker[0], "registered_model", name).permission == "MANAGE"
    with acting(ADMIN):
        auth.grant_user_permission(other[0], "registered_model", name, "DENY")
    with acting(other) as client:
        refused(403, client.get_registered_model, name)
        refused(403, client.get_model_version, name, "1")
        refused(403, client.set_registered_model_alias, name, "live", "1")
        assert name not in {model.name for model in client.search_registered_models()}
        assert client.search_model_versions(f"name='{name}'") == []
    with acting(ADMIN):
        regrant(other[0], "registered_model", name, "READ")
    with acting(other) as client:
        assert client.get_registered_model(name).name == name
        assert len(client.search_model_versions(f"name='{name}'")) == 1
        refused(403, client.update_model_version, name, "1", "words")
        refused(403, client.delete_registered_model, name)
    with acting(maker) as client:
        # Permissions follow a model to its new name.
        renamed = unique("renamed")
        client.rename_registered_model(name, renamed)
    with acting(other) as client:
        assert client.get_registered_model(renamed).name == renamed
        refused(403, client.update_registered_model, renamed, "words")
    with acting(maker) as client:
        client.delete_registered_model(renamed)


@check
def roles_bring_permissions():
    maker, member = new_user(), new_user()
    with acting(maker) as client:
        experiment = client.create_experiment(unique("exp"))
    with acting(ADMIN):
        role = auth.create_role("default", unique("readers"), "who only read")
        assert auth.get_role(role.id).name == role.name
        assert role.id in {one.id for one in auth.list_roles("default")}
        assert role.id in {one.id for one in auth.list_all_roles()}
        permission = auth.add_role_permission(role.id, "experiment", experiment, "READ")
        assert [one.id for one in auth.list_role_permissions(role.id)] == [permission.id]
        auth.assign_role(member[0], role.id)
        assert role.id in {one.id for one in auth.list_user_roles(member[0])}
        assert len(auth.list_role_users(role.id)) == 1
    with acting(member) as client:
        refused(403, client.create_run, experiment)
        refused(403, auth.create_role, "default", unique("mine"))
    with acting(ADMIN):
        auth.update_role_permission(permission.id, "EDIT")
    with acting(member) as client:
        client.create_run(experiment)
    with acting(ADMIN):
        name = unique("writers")
        assert auth.update_role(role.id, name=name).name == name
        auth.remove_role_permission(permission.id)
        assert auth.list_role_permissions(role.id) == []
        auth.unassign_role(member[0], role.id)
        auth.delete_role(role.id)
        refused(404, auth.get_role, role.id)


@check
def logged_models_follow_their_experiment():
    maker, other = new_user(), new_user()
    with acting(maker) as client:
        experiment = client.create_experiment(unique("exp"))
        model = client.create_logged_model(experiment).model_id
    with acting(ADMIN):
        auth.grant_user_permission(other[0], "experiment", experiment, "READ")
    with acting(other) as client:
        assert client.get_logged_model(model).model_id == model
        refused(403, client.set_logged_model_tags, model, {"a": "b"})
    with acting(ADMIN):
        regrant(other[0], "experiment", experiment, "DENY")
    with acting(other) as client:
        refused(403, client.get_logged_model, model)
        assert client.search_logged_models([experiment]) == []


@check
def the_command_line_grants_too():
    maker, other = new_user(), new_user()
    name = unique("exp")
    with acting(maker) as client:
        experiment = client.create_experiment(name)
    server.command("auth", "permit", other[0], "--experiment", name, "--permission", "DENY")
    rows = json.loads(server.command("auth", "permissions", other[0], "-o", "json"))["items"]
    assert [(row["resource"], row["permission"]) for row in rows] == [(experiment, "DENY")], rows
    with acting(other) as client:
        refused(403, client.get_experiment, experiment)
    server.command("auth", "revoke", other[0], "--experiment", name)
    with acting(other) as client:
        assert client.get_experiment(experiment).name == name


def main():
    global server, auth
    server = Server(os.environ["ROPEWALK_PROGRAM"])
    failed = 0
    try:
        auth = get_app_client("basic-auth", tracking_uri=server.url)
        for one in CHECKS:
            try:
                one()
                print(f"ok     {one.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED {one.__name__}\n{traceback.format_exc()}")
    finally:
        server.stop()
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
