"""What SQLite, set up as stock MLflow sets it up, and Python's `re` say about patterns and numbers.

    python make_matching.py SEED COUNT > cases.jsonl

A line is {"o": operator, "p": right-hand side, "t": left-hand side, "r": whether it matches}; "r" is null for a regular
expression that Python refuses. The committed cases are those of seed 1, 800 of them. The comparisons are those that
mlflow/store/db/utils.py (MLflow 3.18.0) makes of LIKE, ILIKE and RLIKE; SQLite folds the case of ASCII letters only, so
ILIKE is asked of these.
"""

import json
import random
import re
import sqlite3
import sys
import warnings

warnings.simplefilter("ignore")
DATABASE = sqlite3.connect(":memory:")
DATABASE.execute("PRAGMA case_sensitive_like = true")
LIKE = ["a", "b", "A", "B", "ab", "%", "_", "%", "_", "\\", "é", "É", "ß", "日", ".", "*", "\n", " ", "'", '"', "[a]"]
PIECES = (
    ["a", "b", "c", "ab", "A", ".", ".*", "+", "*", "?", "^", "$", "|", "(", ")", "(?:", "[ab]", "[^a]", "[a-c]", "{2}"]
    + ["{1,2}", "{,2}", "{2,}", "{", "}", "{x}", "\\d", "\\w", "\\W", "\\s", "\\b", "\\.", "\\Z", "\\A", "\\n", "\\t"]
    + ["(?i)", "é", "\\é", "\\<", "\\>", "\\\"", "\\/", "[[]", "[]a]", "[^]]", "[a&&b]", "[a\\]]", "\\x41", "\\u00e9"]
    + ["1", " ", "_", "\n", '"', ":", "(?P<n>a)", "(?=a)", "\\1", "*?", "+?", "??", "[", "]", "-", "\\0", "[\\w.]", "#"]
)
TEXTS = ["a", "b", "c", "ab", "A", "B", "1", "٣", " ", "_", "\n", "\t", '"', ":", "{", "}", "{x}", "é", "<", ">", "/", "."]
TEXTS += ["[", "]", "&", "\\", "-", "x", "\x00"]


def sqlite(text, *values):
    return bool(DATABASE.execute(text, values).fetchone()[0])


def case(chance):
    join = lambda pool, most: "".join(chance.choice(pool) for _ in range(chance.randrange(most)))  # noqa: E731
    kind = chance.random()
    if kind < 0.3:
        pattern, text = join(LIKE, 6), join(LIKE, 6)
        if chance.random() < 0.5:
            text = pattern.replace("%", join(LIKE, 3)).replace("_", chance.choice(LIKE))
        if chance.random() < 0.5:
            return {"o": "LIKE", "p": pattern, "t": text, "r": sqlite("SELECT ? LIKE ?", text, pattern)}
        pattern, text = (one.encode("ascii", "ignore").decode() for one in (pattern, text))
        return {"o": "ILIKE", "p": pattern, "t": text, "r": sqlite("SELECT lower(?) LIKE lower(?)", text, pattern)}
    if kind < 0.7:
        pattern, text = join(PIECES, 6), join(TEXTS, 6)
        try:
            found = re.search(pattern, text) is not None
        except re.error:
            found = None
        return {"o": "RLIKE", "p": pattern, "t": text, "r": found}
    operator = chance.choice(["=", "!=", "<", "<=", ">", ">="])
    number = chance.choice([0, 1, -1, 5, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 1700000000000, chance.randrange(-9, 9)])
    other = chance.choice([number, float(number), number + 0.5, number - 0.5, 2.0**63, -(2.0**63), 1e300, -1e300, 0.1, 5, 5.0])
    if kind < 0.85:
        return {"o": operator, "p": other, "t": number, "r": sqlite(f"SELECT ? {operator} ?", number, other)}
    number = float(number) if chance.random() < 0.8 else chance.random()
    return {"o": operator, "p": other, "t": number, "r": sqlite(f"SELECT ? {operator} ?", number, float(other))}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    chance = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(case(chance), ensure_ascii=False, separators=(",", ":")))
