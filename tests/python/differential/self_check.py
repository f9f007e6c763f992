"""Whether the comparison still sees what it must see: a yardstick that finds everything alike is worse than none."""

import time

from . import compare

ONE, TWO, THREE = ("0123456789abcdef" * 2, "fedcba9876543210" * 2, "00112233445566778899aabbccddeeff")


def found(pairs, loose=(), experiments=()):
    """The places where answers differ, given pairs of answers one after another."""
    matching = compare.Matching(time.time() * 1000)
    for stock, ours in experiments:
        matching.bind_experiment(stock, ours)
    places = []
    for stock, ours in pairs:
        matching.meet_experiments(stock, ours)
        evened = [compare.even(value, side, matching, loose=frozenset(loose)) for side, value in enumerate((stock, ours))]
        places += [path for path, *_ in compare.differences(*evened, matching)]
    return places


def run():
    now = int(time.time() * 1000)
    alike = [
        ([({"run_id": ONE}, {"run_id": TWO}), ({"a": f"/x/{ONE}/y"}, {"a": f"/x/{TWO}/y"})], {}),
        ([({"t": now}, {"t": now + 5})], {}),
        ([({"t": str(now)}, {"t": str(now - 5)})], {}),
        ([({"t": "2024-01-01T00:00:00Z"}, {"t": "2024-01-01T00:00:00Z"})], {}),
        ([({"tags": [{"key": "a"}, {"key": "b"}]}, {"tags": [{"key": "b"}, {"key": "a"}]})], {}),
        ([({"x": [{"n": 1}, {"n": 2}]}, {"x": [{"n": 2}, {"n": 1}]})], {"loose": ("x",)}),
        ([({"experiment_id": "5", "at": "mlflow-artifacts:/5"}, {"experiment_id": "9", "at": "mlflow-artifacts:/9"})], {}),
        ([({"message": "keys {'a', 'b'}"}, {"message": "keys {'b', 'a'}"})], {}),
        ([({"next_page_token": "eyJvZmZzZXQiOiAxfQ=="}, {"next_page_token": "eyJvZmZzZXQiOjF9"})], {}),
        ([({"run_name": "brave-owl-12"}, {"run_name": "calm-fox-345"})], {}),
        ([({"m": "exists. Error: (sqlite3.X) y"}, {"m": "exists. Whatever"})], {}),
        ([({"v": 1}, {"v": 1.0})], {}),
    ]
    unlike = [
        [({"a": 1}, {"a": 2})], [({"a": 1}, {})], [({}, {"a": 1})], [({"a": 1}, {"a": True})], [({"a": 1}, {"a": "1"})],
        [({"a": None}, {})], [({"a": []}, {})], [({"a": [1]}, {"a": [1, 1]})], [({"a": [1, 2]}, {"a": [2, 1]})],
        [({"a": ONE}, {"a": TWO}), ({"a": ONE}, {"a": THREE})], [({"a": ONE}, {"a": TWO}), ({"a": THREE}, {"a": TWO})],
        [({"a": ONE}, {"a": "short"})], [({"a": "tr-" + ONE}, {"a": TWO})],
        [({"t": now}, {"t": 0})], [({"t": now}, {"t": now - 10**9})], [({"tags": [{"key": "a"}]}, {"tags": [{"key": "b"}]})],
        [({"run_name": "brave-owl-12"}, {"run_name": "run"})],
        [({"experiment_id": "5"}, {"experiment_id": "9"}), ({"experiment_id": "5"}, {"experiment_id": "8"})],
        [({"next_page_token": "eyJvZmZzZXQiOiAxfQ=="}, {"next_page_token": "eyJvZmZzZXQiOjJ9"})],
        [({"m": "exists. Error: (sqlite3.X) y"}, {"m": "is there. Whatever"})],
        [({"message": "keys {'a', 'b'}"}, {"message": "keys {'a', 'c'}"})], [({"v": "NaN"}, {"v": None})],
    ]
    for pairs, more in alike:
        assert not found(pairs, **more), f"the comparison finds a difference where there is none: {pairs}"
    for pairs in unlike:
        assert found(pairs), f"the comparison misses a difference: {pairs}"
