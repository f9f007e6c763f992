"""Where two answers differ, once everything that must differ from server to server is set aside.

Generated identifiers are matched pairwise: the first time that one of the stock server's identifiers stands where one of ours
stands, the two are taken for the same thing, and from then on they must always stand in the same places. Times of the test's
own run, random names, hosts, and the order of Python's sets are evened out.
"""

import base64
import binascii
import datetime
import json
import re
import time

# Run, model, trace, assessment, dataset and record identifiers are 32 hexadecimal digits with or without a prefix; webhooks have
# UUIDs.
IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})(?![0-9A-Za-z])"
)
RANDOM_NAME = re.compile(r"[a-z]+-[a-z]+-\d{1,4}")
PYTHON_SET = re.compile(r"\{('[^'{}]*'(?:, '[^'{}]*')+)\}")
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
EXPERIMENT_KEYS = {"experiment_id", "experiment_ids", "experimentId", "experimentIds"}
EXPERIMENT_CONTEXT = re.compile(r"(?i)experiment|artifact|\bid\b|/[0-9]+/")
# Lists of which the stock server promises no order: it reads them from the database without one.
UNORDERED_KEYS = {"tags", "params", "aliases", "files", "inputTags"}
MISSING = "<missing>"
# What the stock server's database says shows through in some messages; of those only what stands before it is compared.
DATABASE_ERROR = re.compile(r"(?s)(\bError: )?(\(raised as a result of .*?\)\s*)?\((sqlite3|builtins|psycopg2)\.\w.*")


class Matching:
    """Which identifier of one server stands for which of the other, within one case."""

    def __init__(self, began):
        self.began = began
        self.literals = set()
        self.partners = ({}, {})
        self.experiments = ({}, {})
        self.hosts = ("", "")
        self.folders = ("", "")

    def bind(self, stock, ours):
        """Take two identifiers for the same thing; false if either already stands for something else."""
        first, second = self.partners[0].get(stock), self.partners[1].get(ours)
        if first is None and second is None:
            self.partners[0][stock], self.partners[1][ours] = ours, stock
            return True
        return first == ours and second == stock

    def bind_experiment(self, stock, ours):
        stock, ours = str(stock), str(ours)
        if "0" in (stock, ours) or stock in self.experiments[0] or ours in self.experiments[1]:
            return
        symbol = f"<experiment {len(self.experiments[0]) + 1}>"
        self.experiments[0][stock] = self.experiments[1][ours] = symbol

    def meet_experiments(self, stock, ours, key=""):
        """Match the experiments' numbers that stand in the same places of two answers, before anything is evened out."""
        if isinstance(stock, dict) and isinstance(ours, dict):
            for name in stock.keys() & ours.keys():
                self.meet_experiments(stock[name], ours[name], name)
        elif isinstance(stock, list) and isinstance(ours, list) and len(stock) == len(ours):
            for first, second in zip(stock, ours):
                self.meet_experiments(first, second, key)
        elif key in EXPERIMENT_KEYS and isinstance(stock, str) and isinstance(ours, str) and stock.isdigit() and ours.isdigit():
            self.bind_experiment(stock, ours)

    def is_now(self, milliseconds):
        return self.began - 10_000 <= milliseconds <= time.time() * 1000 + 10_000


def even(value, side, matching, key="", loose=frozenset(), path=""):
    """A copy of one server's JSON without what must differ; identifiers stay, they are matched later."""
    if isinstance(value, dict):
        return {name: even(value[name], side, matching, name, loose, f"{path}.{name}") for name in sorted(value)}
    if isinstance(value, list):
        items = [even(item, side, matching, key, loose, path) for item in value]
        if unordered(items, key, path, loose):
            items.sort(key=lambda item: blind(item, side, matching))
        return items
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        if value == value and matching.is_now(value):
            return "<now>"
        if value == value and matching.is_now(value / 1e6):
            return "<now in nanoseconds>"
        return value
    return even_text(value, side, matching, key, loose, path)


def unordered(items, key, path, loose):
    if key in loose or path.lstrip(".") in loose or key in UNORDERED_KEYS:
        return True
    if path.endswith((".data.metrics", ".data.params", ".data.tags", ".metrics.metrics")):
        return True
    return bool(items) and all(isinstance(item, dict) and item.keys() <= {"key", "value"} and "key" in item for item in items)


def even_text(text, side, matching, key, loose, path):
    if key.endswith("page_token") and text:
        return even_token(text, side, matching, loose, path)
    if text[:1] in "{[" and text[-1:] in "}]" and len(text) > 1:
        try:
            return {"<json in a string>": even(json.loads(text), side, matching, "", loose, path)}
        except ValueError:
            pass
    if text.isdigit() and len(text) in (13, 19):
        number = int(text)
        if matching.is_now(number) or matching.is_now(number / 1e6):
            return "<now>"
    if RANDOM_NAME.fullmatch(text):
        return "<random name>"
    experiments = matching.experiments[side]
    if key in EXPERIMENT_KEYS and text in experiments:
        return experiments[text]
    if experiments and any(c.isdigit() for c in text) and EXPERIMENT_CONTEXT.search(text):
        text = re.sub(r"(?<![\w.])(?<!value=')(?<!value ')\d+(?![\w.]\w)(?!\w)", lambda match: experiments.get(match.group(), match.group()), text)
    host = matching.hosts[side]
    text = text.replace(f"http://{host}", "http://<host>").replace(host, "<host>") if host and host in text else text
    folder = matching.folders[side]
    text = text.replace(folder, "<folder of the server>") if folder else text
    text = PYTHON_SET.sub(lambda match: "{" + ", ".join(sorted(match.group(1).split(", "))) + "}", text)
    return ISO_TIME.sub(lambda match: even_time(match.group(), matching), text)


def even_time(text, matching):
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return "<now>" if matching.is_now(moment.timestamp() * 1000) else text


def even_token(text, side, matching, loose, path):
    """A page token's content, if it is base64 of JSON."""
    try:
        inner = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        return text
    return {"<page token>": even(inner, side, matching, "", loose, path)}


def blind(value, side, matching):
    """A key to sort by that is the same on both servers: identifiers not yet matched are masked."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)

    def symbol(match):
        found = match.group()
        if found in matching.literals:
            return found
        partner = matching.partners[side].get(found)
        return "<new>" if partner is None else f"<{found if side == 0 else partner}>"

    return IDENTIFIER.sub(symbol, text)


def differences(stock, ours, matching, path=""):
    """Every place where two evened values differ: path, the stock server's value, ours."""
    if isinstance(stock, dict) and isinstance(ours, dict):
        for key in sorted(stock.keys() | ours.keys()):
            here = f"{path}.{key}" if path else key
            if key not in ours:
                yield here, stock[key], MISSING
            elif key not in stock:
                yield here, MISSING, ours[key]
            else:
                yield from differences(stock[key], ours[key], matching, here)
    elif isinstance(stock, list) and isinstance(ours, list):
        if len(stock) != len(ours):
            yield f"{path} (length {len(stock)}, ours {len(ours)})", stock, ours
            return
        for index, (first, second) in enumerate(zip(stock, ours)):
            yield from differences(first, second, matching, f"{path}[{index}]")
    elif isinstance(stock, str) and isinstance(ours, str):
        if not same_text(stock, ours, matching):
            yield path, stock, ours
    elif isinstance(stock, bool) != isinstance(ours, bool) or stock != ours:
        if not (stock != stock and ours != ours):
            yield path, stock, ours


def same_text(stock, ours, matching):
    if stock == ours and not IDENTIFIER.search(stock):
        return True
    leak = DATABASE_ERROR.search(stock)
    if leak:
        stock = stock[: leak.start()]
        ours = ours[: len(stock)] if not DATABASE_ERROR.search(ours) else ours[: DATABASE_ERROR.search(ours).start()]

    def split(text):
        parts, names, last = [], [], 0
        for match in IDENTIFIER.finditer(text):
            if match.group() in matching.literals:
                continue
            parts.append(text[last : match.start()])
            names.append(match.group())
            last = match.end()
        return parts + [text[last:]], names

    first_parts, first_names = split(stock)
    second_parts, second_names = split(ours)
    if first_parts != second_parts:
        return False
    return all([matching.bind(first, second) for first, second in zip(first_names, second_names)])
