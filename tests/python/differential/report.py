"""The command line: runs the cases and says what differs."""

import argparse
import contextlib
import json
import os
import sys
import time
import traceback
import uuid

from . import cases, digest, registry, self_check  # noqa: F401  (importing the cases registers them)
from .pair import Abandoned, Pair, Server
from .stock import StockServer, wait_until_answering


def arguments():
    parser = argparse.ArgumentParser(description="Compare our answers with a stock MLflow server's.")
    parser.add_argument("--stock", metavar="URL", help="a running stock server; without it one is started")
    parser.add_argument("--ours", metavar="URL", default=os.environ.get("ROPEWALK_URL"), help="our server; or set ROPEWALK_URL")
    parser.add_argument("--only", metavar="AREA[/CASE]", action="append", help="run these alone; * is a wildcard")
    parser.add_argument("--show", metavar="N", type=int, default=40, help="how many differences to print in full (default 40)")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--webhooks-to-loopback", action="store_true", help="compare what webhooks deliver, and nothing else; ours "
                        "must have been started with MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https")
    parser.add_argument("--digest", metavar="FILE", help="write a digest of the differences, grouped by area and cause")
    return parser.parse_args()


def is_stock(server):
    """Whether a server is a stock one, too: it has none of our own routes."""
    return server.send("GET", "/api/v1/experiments", None, {}).status == 404


def run(case, stock, ours, same):
    """One case: its pair, and what stopped it, if anything did."""
    pair = Pair(stock, ours, f"u{uuid.uuid4().hex[:9]}", same)
    try:
        case.run(pair)
        return pair, ""
    except Abandoned as stop:
        return pair, str(stop)
    except Exception:
        return pair, traceback.format_exc()


def show(call):
    print(f"        {call.name + ': ' if call.name else ''}{call.request}")
    print(f"          stock {call.stock.shown()}")
    print(f"          ours  {call.ours.shown()}")
    for path, first, second in call.found[:3]:
        print(f"          at {path}: stock {short(first)}, ours {short(second)}")
    if len(call.found) > 3:
        print(f"          and {len(call.found) - 3} more places")


def short(value, limit=300):
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= limit else text[:limit] + " …"


def compare_all(options, stock_url):
    stock, ours = Server(stock_url), Server(options.ours)
    same = is_stock(ours)
    passed, failed, known, shown, findings, areas = 0, 0, 0, 0, [], {}
    for case in registry.chosen(options.only, options.webhooks_to_loopback):
        begin = time.time()
        pair, stopped = run(case, stock, ours, same)
        differing = [call for call in pair.calls if call.verdict == "differs"]
        meant = [call for call in pair.calls if call.verdict == "known"]
        counts = f"{len(pair.calls)} calls, {time.time() - begin:.1f} s"
        if differing or stopped:
            failed += 1
            print(f"DIFFERS {case.path} ({len(differing)} of {counts})", flush=True)
            for call in differing:
                if shown < options.show:
                    show(call)
                shown += 1
            if stopped:
                print(f"        stopped: {stopped.strip()}")
        elif meant:
            known += 1
            print(f"known   {case.path} ({len(meant)} of {counts}: {', '.join(sorted({call.reason for call in meant}))})", flush=True)
        else:
            passed += 1
            print(f"ok      {case.path} ({counts})", flush=True)
        area = areas.setdefault(case.area, [0, 0, 0, 0, 0, 0.0])
        area[0] += 1
        area[1] += len(pair.calls)
        area[2] += len(differing) + bool(stopped and not differing)
        area[3] += len(meant)
        area[4] += sum(call.verdict == "stock_fails" for call in pair.calls)
        area[5] += time.time() - begin
        findings += [(case.area, call) for call in differing]
    if shown > options.show:
        print(f"{shown - options.show} more differences; --show {shown} prints them all")
    print("\n".join(area_lines(areas)))
    if options.digest:
        with open(options.digest, "w") as file:
            digest.write(file, findings, ["```", *area_lines(areas), "```"])
    print(f"{passed} passed, {failed} failed, {known} known")
    return 1 if failed else 0


def area_lines(areas):
    yield f"{'area':<20}{'cases':>8}{'calls':>8}{'differ':>8}{'known':>8}{'stock fails':>13}{'seconds':>9}"
    total = [sum(counts[n] for counts in areas.values()) for n in range(6)]
    for name, counts in [*areas.items(), ("all", total)]:
        yield f"{name:<20}{counts[0]:>8}{counts[1]:>8}{counts[2]:>8}{counts[3]:>8}{counts[4]:>13}{counts[5]:>9.1f}"


def main():
    options = arguments()
    if options.list:
        for case in registry.chosen(options.only, options.webhooks_to_loopback):
            print(case.path)
        return 0
    if not options.ours:
        print("Name our server with --ours URL or ROPEWALK_URL: ropewalk up --port 7878", file=sys.stderr)
        return 2
    options.ours = options.ours.rstrip("/")
    self_check.run()
    with contextlib.ExitStack() as stack:
        stock_url = options.stock.rstrip("/") if options.stock else stack.enter_context(StockServer(options.webhooks_to_loopback))
        for url in (stock_url, options.ours):
            if not wait_until_answering(url, 30):
                print(f"{url} does not answer", file=sys.stderr)
                return 2
        return compare_all(options, stock_url)
