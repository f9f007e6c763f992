"""A digest of what differs: calls that differ in the same way are one entry, whatever route they were made to."""

import json
import re

from .compare import DATABASE_ERROR, IDENTIFIER

PARAMETERS = {
    r"\{u\}[^/?]*|U\b[^/?]*": "NAME",
    r"\{[a-z_0-9]+\}": "ID",
}


def opening(text):
    """How a message begins, up to what is particular to one call."""
    if DATABASE_ERROR.match(text):
        return "an error of the database"
    text = re.sub(r"^(['\"`][^'\"`]{0,60}['\"`])", "'…'", IDENTIFIER.sub("ID", text))
    text = re.sub(r"^('…'.{0,40}?)'[^']{0,60}'", r"\1'…'", text)
    begin = re.split(r"(?<=........)(?:['\"`{(\[<\d\n]|: )", text, maxsplit=1)[0] if not text.startswith("'…'") else text.split(": ")[0]
    return begin.strip()[:90].replace("\n", " ")


def refusal(answer):
    """Status, error code, and how the message begins."""
    body = answer.json
    if isinstance(body, dict) and "error_code" in body:
        return f"{answer.status} {body['error_code']} “{opening(str(body.get('message', '')))}”"
    if isinstance(body, dict) and "detail" in body:
        return f"{answer.status} with a detail “{opening(json.dumps(body['detail'])[:120])}”"
    if answer.status >= 400:
        text = "a page" if b"<html" in answer.body.lower() else f"“{opening(answer.body.decode('utf-8', 'replace')[:120])}”"
        return f"{answer.status} with {text}"
    return str(answer.status)


def route(call):
    """Method and path without what belongs to one case."""
    method, path = call.request.split(" ")[:2]
    path = path.split("?")[0]
    for parameter, word in PARAMETERS.items():
        path = re.sub(parameter, word, path)
    return f"{method} {path[:90]}"


def family(call):
    """The feature that a route belongs to."""
    steps = call.request.split(" ")[1].split("?")[0].strip("/").split("/")
    named = [step for step in steps if step not in ("api", "ajax-api", "mlflow") and not re.fullmatch(r"[23]\.0", step)]
    return "/".join(named[:1] if named[0] in ("traces", "datasets", "webhooks", "workspaces") else named[:2])


def place(path):
    """A place within an answer, whichever element of a list it is in."""
    return re.sub(r"\[\d+\]", "[]", re.sub(r" \(length.*\)$", " (another length)", path)) or "the body"


def kind(value):
    """What stands in a place, said roughly enough that like differences meet."""
    if value is None or isinstance(value, bool) or isinstance(value, str) and (value.startswith("<") or value in ("NaN", "default", "")):
        return json.dumps(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value) if not value else "something"
    return {"str": "a text", "int": "a number", "float": "a number"}.get(type(value).__name__, "something")


def causes(call):
    """The ways in which a call differs: one for a refusal that differs, one for each place otherwise."""
    stock, ours = call.stock, call.ours
    fails = any(path == "status" and "fails" in str(first) for path, first, _ in call.found)
    if ours.status == 501 and stock.status != 501:
        if stock.status in (404, 405) and stock.json is None:
            yield "a route or method that there is not: a 404 or 405, ours 501"
        else:
            yield f"not built: {family(call)}"
    elif ours.status in (404, 405) and stock.status not in (404, 405) and "error_code" not in (ours.json or {}):
        yield f"no such route or method of ours: {family(call)}"
    elif fails:
        yield f"the stock server fails ({stock.status}), ours should refuse with 4xx, and answers {ours.status}"
    elif stock.status != ours.status:
        yield f"{refusal(stock)}, ours {refusal(ours) if ours.status >= 400 else ours.status}"
    elif stock.status >= 400:
        yield f"{refusal(stock)}, ours in other words"
    else:
        lists = [place(path).partition("[]")[0] for path, *_ in call.found if "[]" in place(path)]
        for path, first, second in call.found:
            root = place(path).partition("[]")[0]
            if lists.count(root) > 3:
                yield f"`{root}[]`: other elements, or in another order"
            else:
                yield f"`{place(path)}`: {kind(first)}, ours {kind(second)}"


def code(text):
    return "`" + text.replace("`", "'").replace("\n", " ") + "`"


def write(file, findings, totals):
    """Write the digest: `findings` are areas and calls that differ, `totals` lines to begin with."""
    entries = {}
    for area, call in findings:
        for cause in dict.fromkeys(causes(call)):
            entries.setdefault(area, {}).setdefault(cause, []).append(call)
    file.write("# Where our answers differ from a stock MLflow server's\n\n" + "\n".join(totals) + "\n")
    for area, found in entries.items():
        file.write(f"\n## {area}\n")
        for cause, calls in sorted(found.items(), key=lambda item: -len(item[1])):
            file.write(f"\n### {len(calls)} × {cause}\n\n")
            routes = list(dict.fromkeys(route(call) for call in calls))
            if not cause.startswith("not built"):
                file.write(f"- at {', '.join(routes[:5])}{f' and {len(routes) - 5} more routes' if len(routes) > 5 else ''}\n")
            seen = set()
            for call in calls:
                answer = refusal(call.stock) if cause.startswith("not built") else refusal(call.ours)
                if answer in seen or len(seen) >= (6 if cause.startswith("not built") else 3):
                    continue
                seen.add(answer)
                file.write(f"- {code(call.request[:260])}\n  - stock {code(call.stock.shown(320))}\n")
                if not cause.startswith("not built"):
                    file.write(f"  - ours {code(call.ours.shown(220))}\n")
                if call.stock.status == call.ours.status and call.stock.status < 400:
                    root = cause.split("`")[1].removesuffix("[]")
                    path, first, second = next(found for found in call.found if place(found[0]).startswith(root))
                    file.write(f"  - at {path or 'the body'}: stock {code(json.dumps(first, default=str)[:160])}, ours {code(json.dumps(second, default=str)[:160])}\n")
