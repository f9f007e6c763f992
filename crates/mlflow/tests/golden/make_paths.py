"""What stock MLflow makes of a path that a client names below an artifact root.

    python make_paths.py SEED COUNT > paths.jsonl

A line is [path, what it is taken for]; null for a path that is refused. The committed lines are those of seed 5, 500 of
them, made with MLflow 3.18.0 on Linux.
"""

import json
import random
import sys

from mlflow.utils.uri import validate_path_is_safe

PIECES = [
    "..", ".", "/", "//", "%2e", "%2E", "%252e", "%2f", "%5c", "\\", "a", "b.txt", "%00", "file:", "C:", "c:", "%25", "2e", "?",
    "#", ";", " ", "é", "%c0%ae", "\u2024", "%0a", "\t", "http:", "//h", "[", "]", "%ff", "...", "%20", "~", "x=1", "&", "%2525",
    "%",
]


def main(seed, count):
    random.seed(seed)
    paths = set()
    while len(paths) < count:
        paths.add("".join(random.choice(PIECES) for _ in range(random.randint(1, 7))))
    for path in sorted(paths):
        try:
            taken = validate_path_is_safe(path)
        except Exception:
            taken = None
        print(json.dumps([path, taken]))


main(int(sys.argv[1]), int(sys.argv[2]))
