"""Two servers that are asked the same things."""

import contextlib
import http.client
import json
import re
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field

from . import compare, known

VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
MLFLOW = "/api/2.0/mlflow/"
MLFLOW_3 = "/api/3.0/mlflow/"


class Abandoned(Exception):
    """The rest of a case rests on something that our server did not answer."""


@dataclass
class Answer:
    """One server's answer. `json` is None where the body is no JSON."""

    status: int
    headers: dict
    body: bytes
    json: object = None

    def shown(self, limit=700):
        text = self.body.decode("utf-8", "backslashreplace")
        text = json.dumps(self.json, ensure_ascii=False) if self.json is not None else text
        return f"{self.status} {text if len(text) <= limit else text[:limit] + ' …'}"


@dataclass
class Call:
    """One call and what came of it. `verdict` is ok, differs, known, or stock_fails (which is as good as ok)."""

    name: str
    request: str
    stock: Answer
    ours: Answer
    verdict: str = "ok"
    found: list = field(default_factory=list)
    reason: str = ""


class Server:
    """A connection that is kept open, and opened anew if the server has closed it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.url, self.address, self.port = url.rstrip("/"), parts.hostname, parts.port or 80
        self.host = f"{self.address}:{self.port}"
        self.connection = None
        self.folder = self.find_folder()

    def find_folder(self):
        """The server's working folder, which shows through where a place for artifacts is given relative to it."""
        create = {"name": f"folder-{uuid.uuid4().hex}", "artifact_location": "artifact-probe"}
        sent = {"Content-Type": "application/json"}
        made = self.send("POST", f"{MLFLOW}experiments/create", json.dumps(create).encode(), sent).json or {}
        number = made.get("experiment_id", "0")
        read = self.send("GET", f"{MLFLOW}experiments/get?experiment_id={number}", None, {}).json or {}
        place = read.get("experiment", {}).get("artifact_location", "")
        return place.removesuffix("/artifact-probe") if place.startswith("/") and place.endswith("/artifact-probe") else ""

    def send(self, method, target, body, headers):
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(self.address, self.port, timeout=60)
                self.connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
                for name, value in headers.items():
                    self.connection.putheader(name, value)
                if body is not None or method in ("POST", "PUT", "PATCH"):
                    self.connection.putheader("Content-Length", str(len(body or b"")))
                try:
                    self.connection.endheaders(body)
                    response = self.connection.getresponse()
                except BrokenPipeError:
                    # A server may refuse a large body before it has read it.
                    response = http.client.HTTPResponse(self.connection.sock, method=method)
                    response.begin()
                content = response.read()
                if response.will_close:
                    self.close()
                return self.answer(response, content)
            except (http.client.HTTPException, OSError) as error:
                self.close()
                if attempt == 2:
                    return Answer(0, {}, f"no answer: {error!r}".encode())

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    @staticmethod
    def answer(response, content):
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, headers, content)
        if "json" in headers.get("content-type", ""):
            try:
                answer.json = json.loads(content)
            except ValueError:
                pass
        return answer


class Pair:
    """Both servers within one case. The first of each two things is the stock server's, the second ours."""

    def __init__(self, stock, ours, unique, same=False):
        self.servers = (stock, ours)
        self.same = same
        self.unique = unique
        self.calls = []
        self.variables = ({"u": unique}, {"u": unique})
        self.matching = compare.Matching(time.time() * 1000)
        self.matching.hosts = (stock.host, ours.host)
        self.matching.folders = (stock.folder, ours.folder)
        self.last = None

    # Asking.

    def call(self, method, path, body=None, query=None, headers=None, name=None, *, unordered=(), ignore=(), show_headers=(),
             text=True, lenient=False, as_json=False):
        """Send a call to both servers and compare.

        `path` without a leading slash is below MLflow's API of version 2, with a leading `3:` of version 3. `{name}` stands for a
        kept value. A `body` of bytes is sent as it is, anything else as JSON. `unordered` and `ignore` name keys (or paths) of
        lists without order and of values not to look at. `show_headers` names response headers that must be alike as well.
        `text` says whether bodies that are no JSON are compared, `as_json` that a body is JSON whatever its type. `lenient`: where the stock server fails, ours may also succeed.
        """
        self.note_literals(path, body, query)
        answers = [None, None]

        def ask(side):
            answers[side] = self.servers[side].send(*self.request(side, method, path, body, query, headers))

        thread = threading.Thread(target=ask, args=(0,))
        thread.start()
        ask(1)
        thread.join()
        stock, ours = answers
        if as_json:
            for answer in answers:
                with contextlib.suppress(ValueError):
                    answer.json = json.loads(answer.body)
        call = Call(name or "", self.describe(method, path, body, query, headers), stock, ours)
        self.judge(call, method, path, set(unordered), set(ignore), show_headers, text, lenient)
        self.calls.append(call)
        self.last = call
        return call

    def get(self, path, query=None, **more):
        return self.call("GET", path, None, query, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, {} if body is None else body, **more)

    def patch(self, path, body=None, **more):
        return self.call("PATCH", path, {} if body is None else body, **more)

    def put(self, path, body=None, **more):
        return self.call("PUT", path, {} if body is None else body, **more)

    def delete(self, path, body=None, **more):
        return self.call("DELETE", path, body, **more)

    def keep(self, name, path, call=None):
        """Remember a value of the last answer under a name, for each server its own."""
        call = call or self.last
        values = [find(answer.json, path) for answer in (call.stock, call.ours)]
        if values[0] is None:
            raise AssertionError(f"the stock server's answer to {call.request} has no {path}: {call.stock.shown()}")
        if values[1] is None:
            raise Abandoned(f"our answer to {call.request} has no {path}, and the rest needs it")
        for side in (0, 1):
            self.variables[side][name] = str(values[side])
        if path.rsplit(".", 1)[-1].startswith("experiment_id"):
            self.matching.bind_experiment(*values)
        return name

    def keep_if_made(self, name, path, call=None):
        """Keep a value that only some calls need: where ours has none, the name stands for nothing there. Says whether both had it."""
        try:
            self.keep(name, path, call)
            return True
        except Abandoned:
            self.variables[0][name] = str(find((call or self.last).stock.json, path))
            self.variables[1][name] = f"no-{name}"
            return False

    def set(self, name, value):
        """Give both servers the same value under a name."""
        for side in (0, 1):
            self.variables[side][name] = value

    # What goes over the wire.

    def request(self, side, method, path, body, query, headers):
        fill = lambda value: self.fill(side, value)
        target = absolute(fill(path))
        if query:
            pairs = query if isinstance(query, str) else urllib.parse.urlencode(
                [(key, one) for key, value in (query.items() if isinstance(query, dict) else query)
                 for one in (fill(value) if isinstance(value, list) else [fill(value)])]
            )
            target += "?" + (fill(pairs) if isinstance(query, str) else pairs)
        sent = {"Accept": "*/*"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        for key, value in (headers or {}).items():
            sent.pop(key, None)
            if value is not None:
                sent[key] = fill(value)
        if body is None or isinstance(body, bytes):
            data = self.fill_bytes(side, body)
        else:
            data = json.dumps(fill(body)).encode()
        return method, encode(target), data, sent

    def fill(self, side, value):
        if isinstance(value, str):
            known_here = self.variables[side]
            return VARIABLE.sub(lambda match: known_here.get(match.group(1), match.group()), value)
        if isinstance(value, list):
            return [self.fill(side, item) for item in value]
        if isinstance(value, dict):
            return {self.fill(side, key): self.fill(side, item) for key, item in value.items()}
        return value

    def fill_bytes(self, side, body):
        if body is None or b"{" not in body:
            return body
        known_here = self.variables[side]
        return re.sub(
            rb"\{([a-z][a-z0-9_]*)\}",
            lambda match: known_here[match.group(1).decode()].encode() if match.group(1).decode() in known_here else match.group(),
            body,
        )

    def note_literals(self, path, body, query):
        text = path + json.dumps(body, default=lambda raw: raw.decode("latin-1")) + json.dumps(query, default=str)
        self.matching.literals.update(compare.IDENTIFIER.findall(text))

    def describe(self, method, path, body, query, headers):
        target = absolute(path)
        if query:
            target += "?" + (query if isinstance(query, str) else urllib.parse.urlencode(
                list(query.items()) if isinstance(query, dict) else query, doseq=True, safe="{}"))
        text = f"{method} {target.replace('{u}', 'U')}"
        if body is not None:
            sent = body.decode("utf-8", "backslashreplace") if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False)
            sent = sent.replace("{u}", "U")
            text += f" {sent if len(sent) <= 400 else sent[:400] + f' … ({len(sent)} characters)'}"
        if headers:
            text += f" {headers}"
        return text

    # Judging.

    def judge(self, call, method, path, loose, ignored, show_headers, text, lenient):
        stock, ours = call.stock, call.ours
        if stock.status >= 500 and failed_by_accident(stock):
            call.verdict = "stock_fails"
            allowed = ours.status < 500 if lenient or self.same else 400 <= ours.status < 500
            if not (allowed and ours.status > 0) and not (self.same and ours.status >= 500):
                call.found = [("status", f"{stock.status} (fails; a refusal of 4xx is wanted)", ours.status)]
                self.conclude(call, method, path)
            return
        found = []
        if stock.status != ours.status:
            found.append(("status", stock.status, ours.status))
        page = "text/html" in stock.headers.get("content-type", "")
        if stock.json is None and (page or not text):
            pass  # An error page says nothing beyond its status.
        elif stock.body == ours.body:
            pass
        elif stock.json is not None or ours.json is not None:
            self.matching.meet_experiments(stock.json, ours.json)
            bodies = [even(answer, side, self.matching, loose, ignored) for side, answer in enumerate((stock, ours))]
            found += list(compare.differences(bodies[0], bodies[1], self.matching))
        elif plain(stock) != plain(ours):
            found.append(("body", plain(stock)[:300], plain(ours)[:300]))
        for header in show_headers:
            first, second = stock.headers.get(header.lower()), ours.headers.get(header.lower())
            if header.lower() in ("etag", "last-modified"):
                first, second = first is not None, second is not None
            if first != second:
                found.append((f"header {header}", first, second))
        if found:
            call.found = found
            self.conclude(call, method, path)

    def conclude(self, call, method, path):
        call.reason = known.reason(method, absolute(path), call)
        call.verdict = "known" if call.reason else "differs"


def even(answer, side, matching, loose, ignored):
    value = answer.json if answer.json is not None else f"<no JSON: {answer.body[:200]!r}>"
    return drop(compare.even(value, side, matching, loose=loose), ignored)


def plain(answer):
    """A body that is no JSON, without the random mark between the parts of one that has several."""
    boundary = re.search(r"boundary=(\S+)", answer.headers.get("content-type", ""))
    return answer.body.replace(boundary.group(1).encode(), b"<boundary>") if boundary else answer.body


def drop(value, ignored):
    if not ignored:
        return value
    if isinstance(value, dict):
        return {key: drop(item, ignored) for key, item in value.items() if key not in ignored}
    return [drop(item, ignored) for item in value] if isinstance(value, list) else value


def failed_by_accident(answer):
    """Whether a server error is a fault rather than an answer: MLflow states some refusals with 500, 501 and 503 too."""
    if not isinstance(answer.json, dict):
        return answer.status == 500
    return answer.json.get("error_code") in (None, "INTERNAL_ERROR") and answer.status == 500


def absolute(path):
    if path.startswith(("/", "{")):
        return path
    return MLFLOW_3 + path[2:] if path.startswith("3:") else MLFLOW + path


def encode(target):
    return "".join(c if 32 < ord(c) < 127 else urllib.parse.quote(c) for c in target)


def find(value, path):
    for step in path.split("."):
        if isinstance(value, list) and step.lstrip("-").isdigit() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return None
    return value
