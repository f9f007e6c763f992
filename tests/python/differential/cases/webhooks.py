"""Webhooks: their life and what they may point to.

None of these fires: the addresses are not of this machine, so the webhooks are disabled or deleted before anything happens. What is
delivered is compared in `deliveries`, which needs servers that may post to loopback.
"""

from ..registry import area

case = area("webhooks")
ADDRESS = "https://8.8.8.8/hook"
EVENT = {"entity": "REGISTERED_MODEL", "action": "CREATED"}


def create(pair, needed=False, **body):
    body = {"name": "{u}.hook", "url": ADDRESS, "events": [EVENT], "status": "DISABLED", **body}
    call = pair.post("webhooks", {key: value for key, value in body.items() if value != "absent"}, name=str(body)[:60],
        unordered=("events",))
    if needed:
        pair.keep("hook", "webhook.webhook_id", call)
    elif call.stock.status == 200:
        pair.keep_if_made("hook", "webhook.webhook_id", call)
    return call


def remove(pair, call):
    if call.stock.status == 200:
        pair.delete("webhooks/{hook}")


@case
def life(pair):
    create(pair, True, description="words", secret="s3cret")
    pair.get("webhooks/{hook}")
    for body in (
        {"name": "{u}.renamed"}, {"description": "other"}, {"description": ""}, {"url": "https://8.8.4.4/other"},
        {"events": [{"entity": "MODEL_VERSION", "action": "CREATED"}, {"entity": "MODEL_VERSION_TAG", "action": "SET"}]}, {"secret": "new"},
        {"secret": ""}, {"status": "DISABLED"}, {}, {"events": []}, {"name": ""}, {"url": ""},
        {"name": "bad name"}, {"url": "http://8.8.8.8"}, {"url": "https://127.0.0.1/x"},
        {"events": [{"entity": "MODEL_VERSION", "action": "UPDATED"}]}, {"status": "NONSENSE"}, {"status": 5}, {"events": "x"}, {"name": 5},
        {"nonsense": 1}, {"description": None}, {"status": None},
    ):
        pair.patch("webhooks/{hook}", body, name=f"{body}"[:60], unordered=("events",))
        pair.get("webhooks/{hook}", unordered=("events",))
    pair.delete("webhooks/{hook}")
    pair.get("webhooks/{hook}")
    pair.delete("webhooks/{hook}", name="again")
    pair.patch("webhooks/{hook}", {"name": "x"}, name="after deletion")
    pair.post("webhooks/{hook}/test", {}, name="after deletion")
    for name in ("none", "00000000-0000-0000-0000-000000000000", "%20", "a/b"):
        pair.get(f"webhooks/{name}")
        pair.patch(f"webhooks/{name}", {"name": "x"})
        pair.delete(f"webhooks/{name}")
        pair.post(f"webhooks/{name}/test", {})


@case
def names_and_fields(pair):
    for name in ("a", "a.b-c_d", "A1", "a b", "", " ", "-a", "a-", ".a", "a.", "_a", "é", "a/b", "a:b", "x" * 62, "x" * 63, "x" * 64,
        "x" * 200, None, 5, ["a"], "absent", "1", "a..b"):
        remove(pair, create(pair, name=name))
    for description in ("", "x" * 1000, "x" * 5000, 5, None):
        remove(pair, create(pair, description=description))
    for secret in ("", "x", "x" * 1000, 5, None):
        remove(pair, create(pair, secret=secret))
    for status in ("DISABLED", "ACTIVE", "disabled", "x", "", 1, 2, 0, None, True, "absent"):
        remove(pair, create(pair, status=status))


@case
def events(pair):
    for entity in ("REGISTERED_MODEL", "MODEL_VERSION", "MODEL_VERSION_TAG", "MODEL_VERSION_ALIAS", "PROMPT", "PROMPT_VERSION",
        "PROMPT_TAG", "PROMPT_VERSION_TAG", "PROMPT_ALIAS", "BUDGET_POLICY", "ENTITY_UNSPECIFIED"):
        for action in ("CREATED", "UPDATED", "DELETED", "SET", "EXCEEDED"):
            remove(pair, create(pair, events=[{"entity": entity, "action": action}]))
    for given in ([], None, "absent", "x", {"entity": "PROMPT", "action": "CREATED"}, ["registered_model.created"], [{}],
        [{"entity": "PROMPT"}], [{"action": "CREATED"}], [{"entity": "x", "action": "CREATED"}], [{"entity": "PROMPT", "action": "x"}],
        [{"entity": 5, "action": 1}], [{"entity": "registered_model", "action": "created"}],
                  [EVENT, EVENT], [EVENT, {"entity": "PROMPT", "action": "CREATED"}], [EVENT, {"entity": "PROMPT", "action": "SET"}],
                  [None], [{"entity": "PROMPT", "action": "ACTION_UNSPECIFIED"}]):
        remove(pair, create(pair, events=given))


@case
def addresses(pair):
    for url in (
        "https://8.8.8.8", "https://8.8.8.8/", "https://8.8.8.8:8443/a?b=c#d", "https://user:word@8.8.8.8/x", "HTTPS://8.8.8.8/x",
        "https://[2001:4860:4860::8888]/x", "http://8.8.8.8/x", "ftp://8.8.8.8/x", "file:///etc/passwd", "javascript:alert(1)", "8.8.8.8/x",
        "//8.8.8.8/x", "x", "", " ", "https://", "https:///x", "https:8.8.8.8", "https://:443/x",
        "https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.1/x", "https://192.168.1.1/x", "https://172.16.0.1/x",
        "https://172.32.0.1/x", "https://169.254.169.254/latest", "https://0.0.0.0/x", "https://100.64.0.1/x", "https://192.0.2.1/x",
        "https://198.18.0.1/x", "https://224.0.0.1/x", "https://240.0.0.1/x", "https://255.255.255.255/x",
        "https://[::1]/x", "https://[::]/x", "https://[fc00::1]/x", "https://[fe80::1]/x", "https://[::ffff:127.0.0.1]/x",
        "https://[::ffff:8.8.8.8]/x", "https://[64:ff9b::7f00:1]/x", "https://[2002:7f00:1::]/x", "https://2130706433/x",
        "https://0x7f000001/x", "https://127.1/x", "https://0177.0.0.1/x", "https://8.8.8/x", "https://8.8.8.8.8/x", "https://8.8.8.256/x",
        "https://8.8.8.8:99999/x", "https://8.8.8.8:x/x", "https://[::1/x", "https://8.8.8.8/é", "https://8.8.8.8/" + "x" * 480,
        "https://8.8.8.8/" + "x" * 600, None, 5, ["https://8.8.8.8"], "absent", " https://8.8.8.8", "https://8.8.8.8 ",
        "https://8.8.8.8/a b", "https://8.8.8.8\n/x",
    ):
        remove(pair, create(pair, url=url))
    # How a resolver words its failure differs from machine to machine.
    pair.post("webhooks", {"name": "{u}.hook", "url": "https://nowhere.invalid/x", "events": [EVENT], "status": "DISABLED"},
        ignore=("message",))


@case
def listing(pair):
    for number in range(3):
        create(pair, True, name=f"{{u}}.{number}", events=[EVENT, {"entity": "PROMPT", "action": "CREATED"}])
        pair.keep(f"hook{number}", "webhook.webhook_id")
    pair.get("webhooks", "max_results=3", unordered=("events",), ignore=("next_page_token",))
    call = pair.get("webhooks", "max_results=2", unordered=("events",))
    pair.keep("token", "next_page_token", call)
    pair.get("webhooks", "max_results=1&page_token={token}", unordered=("events",), ignore=("next_page_token",))
    for query in ("max_results=0", "max_results=-1", "max_results=1001", "max_results=x", "max_results=", "page_token=x",
        "max_results=1&page_token=e30=", "max_results=1&page_token=W10="):
        pair.get("webhooks", query, name=query, unordered=("events",), ignore=("webhooks", "next_page_token"))
    for number in range(3):
        pair.delete(f"webhooks/{{hook{number}}}")
    pair.post("/ajax-api/2.0/mlflow/webhooks", {}, name="the ajax twin")
    pair.put("webhooks", {}, name="by PUT")
