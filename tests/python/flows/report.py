"""Runs the flows, compares what they leave, and tells how it went."""

import argparse
import contextlib
import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load():
    """Every flow of the folder `cases`, in the order of the files' names."""
    from . import cases, session

    for module in sorted(module.name for module in pkgutil.iter_modules(cases.__path__)):
        importlib.import_module(f"{cases.__name__}.{module}")
    return session.FLOWS


def play(url, word, only, keep):
    """Run the flows against one server: for each its error if it failed, and with `keep` what it left."""
    from . import left, session

    outcomes = {}
    for function in load():
        name = function.__name__
        if only and only not in name:
            continue
        absent = session.missing(function)
        if absent:
            outcomes[name] = {"missing": absent}
            print(f"left out {name}: {', '.join(absent)} not installed", flush=True)
            continue
        begin = time.time()
        session.session.begin(url, word)
        session.session.enter(name)
        try:
            with own_folder(f"ropewalk-flow-{name}-{word}"):
                seen = function()
            # What the flow saw through the client counts, too.
            told = left.left() if keep else {}
            outcomes[name] = {"left": {"seen": seen, **told}}
            print(f"ok       {name} ({time.time() - begin:.1f} s)", flush=True)
        except Exception:
            outcomes[name] = {"error": traceback.format_exc()}
            print(f"FAILED   {name}\n{traceback.format_exc()}", flush=True)
        outcomes[name]["began"] = begin
    return outcomes


@contextlib.contextmanager
def own_folder(name):
    """A folder to work in. It is called the same in every pass, since its name goes into some of what is logged."""
    folder = os.path.join(tempfile.gettempdir(), name)
    os.mkdir(folder)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def elsewhere(url, word, only, folder, name):
    """The same in a process of its own, since the client keeps much that belongs to one server."""
    result, log = os.path.join(folder, f"{name}.json"), os.path.join(folder, f"{name}.log")
    command = [sys.executable, os.path.join(HERE, "flows.py"), "--play", url, "--word", word, "--result", result]
    # Some of what the client writes has the order of a set.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with open(log, "wb") as output:
        ended = subprocess.run([*command, *(["--only", only] if only else [])], stdout=output, stderr=subprocess.STDOUT, check=False, env=environment)
    with open(log, encoding="utf-8", errors="replace") as text:
        told = text.read()
    print("".join(f"{name:6} {line}\n" for line in told.splitlines() if line.startswith(("ok ", "left out"))), end="")
    if not os.path.exists(result):
        raise SystemExit(f"the flows against {url} ended with {ended.returncode}:\n{told[-5000:]}")
    with open(result, encoding="utf-8") as file:
        return json.load(file)


def compared(stock, ours, began):
    """Where what two servers were left with differs, but for generated identifiers and times of now."""
    from differential import compare

    from .left import UNORDERED

    matching = compare.Matching(began * 1000)
    evened = [compare.even(value, side, matching, loose=UNORDERED) for side, value in enumerate((stock, ours))]
    return list(compare.differences(*evened, matching))


def against_stock(arguments):
    folder = tempfile.mkdtemp(prefix="ropewalk-flows-")
    word = uuid.uuid4().hex[:8]
    pair = [elsewhere(url, word, arguments.only, folder, name) for url, name in ((arguments.stock, "stock"), (arguments.ours, "ours"))]
    passed = failed = 0
    for name, ours in pair[1].items():
        stock = pair[0][name]
        if "missing" in ours:
            continue
        errors = [(side, outcome["error"]) for side, outcome in (("stock", stock), ("ours", ours)) if "error" in outcome]
        for side, error in errors:
            print(f"FAILED   {name} on {side}\n{error}")
        unlike = [] if errors else compared(stock["left"], ours["left"], min(stock["began"], ours["began"]))
        for path, first, second in unlike[: arguments.show]:
            print(f"UNLIKE   {name}: {path}\n    stock: {short(first)}\n    ours:  {short(second)}")
        if errors or unlike:
            failed += 1
            print(f"{name}: {len(errors)} errors, {len(unlike)} differences")
        else:
            passed += 1
    print(f"what they left lies in {folder}")
    return passed, failed


def short(value):
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 600 else f"{text[:600]} … ({len(text)} characters)"


def main():
    parser = argparse.ArgumentParser(prog="flows.py", description="Flows of the stock MLflow client.")
    parser.add_argument("--ours", default=os.environ.get("ROPEWALK_URL", "http://127.0.0.1:5000"), help="our server")
    parser.add_argument("--stock", default=os.environ.get("STOCK_URL"), help="a stock MLflow server to compare with")
    parser.add_argument("--only", help="only the flows with this in their names")
    parser.add_argument("--show", type=int, default=20, help="how many differences of a flow are shown")
    parser.add_argument("--list", action="store_true", help="list the flows")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    parser.add_argument("--word", default=uuid.uuid4().hex[:8], help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(function.__name__ for function in load()))
        return 0
    if arguments.play:
        outcomes = play(arguments.play, arguments.word, arguments.only, True)
        with open(arguments.result, "w", encoding="utf-8") as file:
            json.dump(outcomes, file, default=str)
        return 0
    if arguments.stock:
        passed, failed = against_stock(arguments)
    else:
        outcomes = play(arguments.ours, arguments.word, arguments.only, False).values()
        failed = sum("error" in outcome for outcome in outcomes)
        passed = sum("left" in outcome for outcome in outcomes)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
