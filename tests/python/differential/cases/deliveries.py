"""What webhooks deliver: body, headers and signature, for every event.

These run only with --webhooks-to-loopback, against servers that may post to this machine: MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true and
MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..pair import Answer, Call
from ..registry import area
from ..steps import registered, version

case = area("deliveries")
SECRET = "open sesame"


class Listener:
    """Takes what both servers post; the first step of the path says which server it was."""

    def __init__(self, answer=200, body=b"thanks"):
        self.taken = {"stock": [], "ours": []}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                listener.taken[self.path.split("/")[1]].append((dict(self.headers), content))
                self.send_response(answer)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def wait(self, count, seconds=10):
        end = time.time() + seconds
        while time.time() < end and any(len(taken) < count for taken in self.taken.values()):
            time.sleep(0.02)
        time.sleep(0.1)


def hook(pair, listener, *events, **more):
    for side, who in enumerate(("stock", "ours")):
        pair.variables[side]["who"] = who
    events = [dict(zip(("entity", "action"), event.split("."))) for event in events]
    pair.post("webhooks", {"name": "{u}.hook", "url": f"{listener.address}/{{who}}", "events": events, **more}, ignore=("url",))
    pair.keep("hook", "webhook.webhook_id")


def check(pair, listener, count, name):
    """Compare what has arrived, as if it were the answer to a call."""
    listener.wait(count)
    for number in range(max(count, *map(len, listener.taken.values()))):
        answers = []
        for who in ("stock", "ours"):
            taken = listener.taken[who]
            if number < len(taken):
                headers, content = taken[number]
                headers = {key.lower(): value for key, value in headers.items()}
                shown = {"body": json.loads(content), "content-type": headers.get("content-type"), "signature": signature(headers, content),
                    "headers": sorted(key for key in headers if key.startswith("x-mlflow"))}
                answers.append(Answer(200, headers, json.dumps(shown).encode(), shown))
            else:
                answers.append(Answer(0, {}, b"nothing was delivered"))
        call = Call(name, f"delivery {number + 1}", *answers)
        pair.judge(call, "POST", "/delivery", set(), set(), (), True, False)
        pair.calls.append(call)
    for taken in listener.taken.values():
        taken.clear()


def signature(headers, content):
    """Whether a delivery is signed, and rightly."""
    given = headers.get("x-mlflow-signature")
    if given is None:
        return "none"
    signed = f"{headers.get('x-mlflow-delivery-id')}.{headers.get('x-mlflow-timestamp')}.".encode() + content
    expected = "v1," + base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    return "right" if given == expected else "wrong"


@case
def of_models(pair):
    with Listener() as listener:
        hook(pair, listener, "REGISTERED_MODEL.CREATED", "MODEL_VERSION.CREATED", "MODEL_VERSION_TAG.SET", "MODEL_VERSION_TAG.DELETED",
            "MODEL_VERSION_ALIAS.CREATED", "MODEL_VERSION_ALIAS.DELETED", secret=SECRET)
        registered(pair, description="words", tags=[{"key": "a", "value": "1"}])
        check(pair, listener, 1, "a model")
        registered(pair, "{u}.bare")
        check(pair, listener, 1, "a bare model")
        version(pair, description="words", tags=[{"key": "a", "value": "1"}])
        check(pair, listener, 1, "a version")
        pair.post("model-versions/set-tag", {"name": "{u}.model", "version": "1", "key": "k", "value": "v"})
        check(pair, listener, 1, "a tag")
        pair.delete("model-versions/delete-tag", {"name": "{u}.model", "version": "1", "key": "k"})
        check(pair, listener, 1, "a tag less")
        pair.post("registered-models/alias", {"name": "{u}.model", "alias": "champion", "version": "1"})
        check(pair, listener, 1, "an alias")
        pair.delete("registered-models/alias", {"name": "{u}.model", "alias": "champion"})
        check(pair, listener, 1, "an alias less")
        pair.post("registered-models/set-tag", {"name": "{u}.model", "key": "k", "value": "v"})
        pair.post("registered-models/create", {"name": "{u}.model"})
        check(pair, listener, 0, "nothing")
        pair.delete("webhooks/{hook}")


@case
def of_prompts(pair):
    mark = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    with Listener() as listener:
        hook(pair, listener, "PROMPT.CREATED", "PROMPT_VERSION.CREATED", "PROMPT_TAG.SET", "PROMPT_TAG.DELETED", "PROMPT_VERSION_TAG.SET",
            "PROMPT_VERSION_TAG.DELETED", "PROMPT_ALIAS.CREATED", "PROMPT_ALIAS.DELETED")
        registered(pair, "{u}.prompt", description="words", tags=[mark, {"key": "a", "value": "1"}])
        check(pair, listener, 1, "a prompt")
        version(pair, "{u}.prompt", "prompt-template", tags=[mark, {"key": "mlflow.prompt.text", "value": "Hello"},
                {"key": "a", "value": "1"}], description="first")
        check(pair, listener, 1, "a version")
        pair.post("registered-models/set-tag", {"name": "{u}.prompt", "key": "k", "value": "v"})
        check(pair, listener, 1, "a tag")
        pair.delete("registered-models/delete-tag", {"name": "{u}.prompt", "key": "k"})
        check(pair, listener, 1, "a tag less")
        pair.post("model-versions/set-tag", {"name": "{u}.prompt", "version": "1", "key": "k", "value": "v"})
        check(pair, listener, 1, "a version's tag")
        pair.delete("model-versions/delete-tag", {"name": "{u}.prompt", "version": "1", "key": "k"})
        check(pair, listener, 1, "a version's tag less")
        pair.post("registered-models/alias", {"name": "{u}.prompt", "alias": "live", "version": "1"})
        check(pair, listener, 1, "an alias")
        pair.delete("registered-models/alias", {"name": "{u}.prompt", "alias": "live"})
        check(pair, listener, 1, "an alias less")
        pair.delete("webhooks/{hook}")


@case
def tests(pair):
    """The test route answers what the address answered."""
    for status, body in ((200, b"thanks"), (204, b""), (400, b"no"), (404, b"x" * 3000)):
        with Listener(status, body) as listener:
            hook(pair, listener, "MODEL_VERSION.CREATED", "PROMPT.CREATED", secret=SECRET)
            for event in (None, "REGISTERED_MODEL.CREATED", "MODEL_VERSION.CREATED", "MODEL_VERSION_TAG.SET", "MODEL_VERSION_TAG.DELETED",
                "MODEL_VERSION_ALIAS.CREATED", "MODEL_VERSION_ALIAS.DELETED", "PROMPT.CREATED", "PROMPT_VERSION.CREATED", "PROMPT_TAG.SET",
                "PROMPT_TAG.DELETED", "PROMPT_VERSION_TAG.SET",
                          "PROMPT_VERSION_TAG.DELETED", "PROMPT_ALIAS.CREATED", "PROMPT_ALIAS.DELETED")[: 15 if status == 200 else 1]:
                given = {} if event is None else {"event": dict(zip(("entity", "action"), event.split(".")))}
                pair.post("webhooks/{hook}/test", given, name=f"{event} answered {status}")
                check(pair, listener, 1, f"test of {event}")
            for given in ({"event": {"entity": "PROMPT", "action": "UPDATED"}}, {"event": {}}, {"event": "x"},
                {"event": {"entity": "BUDGET_POLICY", "action": "EXCEEDED"}}):
                if status == 200:
                    pair.post("webhooks/{hook}/test", given, name=f"{given}")
            check(pair, listener, 0, "left over")
            pair.delete("webhooks/{hook}")


@case
def disabled_and_changed(pair):
    with Listener() as listener:
        hook(pair, listener, "REGISTERED_MODEL.CREATED", status="DISABLED")
        registered(pair, "{u}.one")
        check(pair, listener, 0, "disabled")
        pair.post("webhooks/{hook}/test", {}, name="a disabled one")
        check(pair, listener, 1, "the test of a disabled one")
        pair.delete("webhooks/{hook}")
