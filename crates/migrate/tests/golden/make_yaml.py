"""Writes `yaml.jsonl`: values as PyYAML dumps them the way MLflow does, and the values themselves.

Run it in a virtual environment with mlflow 3.18.0:  python make_yaml.py
"""

import json
import math
import os
import random

import yaml
from yaml import CSafeDumper, CSafeLoader

HERE = os.path.dirname(os.path.abspath(__file__))
PIECES = [
    "a", "Wort", " ", "  ", "\n", "\n\n", "'", '"', ":", ": ", "#", " #", "-", "- ", "?", "? ", "ü", "🍷", "\t", "\\", "%", "@",
    "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "0", "1.5", "null", "true", "~", "=", "<<", "\u2028", "\x85", "\u00a0",
    "\x07", "\x00", "\r", "word " * 12, "x" * 70, "https://example.org/a?b=c#d", '{"json": [1, 2, null]}', "2023-01-01", "\ufeff",
]


def text(chance):
    return "".join(chance.choice(PIECES) for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 9, 20])))


def value(chance, deep):
    kind = chance.randrange(10 if deep < 3 else 8)
    if kind < 4:
        return text(chance)
    if kind == 4:
        return chance.choice([None, True, False])
    if kind == 5:
        return chance.choice([0, 7, -3, 1_700_000_000_000, 10**15, 735670162083891475])
    if kind == 6:
        return chance.choice([0.5, -1e-300, 1e20, 123456.789, float("nan"), float("inf"), float("-inf")])
    if kind == 7:
        return chance.choice([[], {}, "yes", "1234", "0x1f", "1e5", "1.0", "12:30:45", "off", "", " "])
    if kind == 8:
        return [value(chance, deep + 1) for _ in range(chance.randrange(4))]
    return mapping(chance, deep + 1)


def mapping(chance, deep=0):
    return {text(chance) if chance.random() < 0.3 else f"key{n}": value(chance, deep) for n in range(chance.randrange(1, 5))}


def plain(value):
    """JSON without numbers that it does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def main():
    chance = random.Random(7)
    with open(os.path.join(HERE, "yaml.jsonl"), "w") as file:
        for _ in range(250):
            data = mapping(chance)
            dumped = yaml.dump(data, default_flow_style=False, allow_unicode=True, sort_keys=True, Dumper=CSafeDumper)
            if "&id" in dumped:
                continue
            read = yaml.load(dumped, Loader=CSafeLoader)
            if json.dumps(plain(read), sort_keys=True) != json.dumps(plain(data), sort_keys=True):
                print("PyYAML itself reads another value:", repr(dumped)[:200])
                continue
            file.write(json.dumps({"yaml": dumped, "value": plain(data)}) + "\n")


if __name__ == "__main__":
    main()
