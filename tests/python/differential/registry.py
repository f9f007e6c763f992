"""The cases: functions that are given a pair of servers."""

from dataclasses import dataclass
from fnmatch import fnmatch

CASES = []


@dataclass
class Case:
    area: str
    name: str
    run: object

    @property
    def path(self):
        return f"{self.area}/{self.name}"


def area(name):
    """A decorator that adds cases to an area."""

    def case(function):
        CASES.append(Case(name, function.__name__.strip("_"), function))
        return function

    return case


def chosen(patterns, deliveries=False):
    """The cases whose area, or area and name, match one of the patterns; all of them if there is none.

    What webhooks deliver needs servers that were started for it, so it is a run of its own.
    """
    cases = [case for case in CASES if (case.area == "deliveries") == deliveries]
    return [case for case in cases if not patterns or any(fnmatch(case.area, p) or fnmatch(case.path, p) for p in patterns)]
