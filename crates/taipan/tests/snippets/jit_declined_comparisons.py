"""Comparisons whose methods decline now and then."""
from dataclasses import dataclass
from functools import total_ordering


@dataclass
class Point:
    x: float
    y: float


class Other:
    def __init__(self, answer):
        self.answer = answer

    def __eq__(self, other):
        return self.answer

    def __gt__(self, other):
        return "greater"


@total_ordering
class Version:
    def __init__(self, *parts):
        self.parts = parts

    def __eq__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self.parts == other.parts

    def __lt__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self.parts < other.parts


class Sided:
    def __init__(self, log):
        self.log = log

    def __eq__(self, other):
        self.log.append(id(other) == id(self))
        return NotImplemented

    def __lt__(self, other):
        self.log.append("lt")
        return NotImplemented

    def __gt__(self, other):
        self.log.append("gt")
        return NotImplemented


def equal(items):
    found = []
    for a, b in zip(items, items[1:]):
        if a == b:
            found.append((1, a != b))
        else:
            found.append((a == b, a != b))
    return found


def ordered(items):
    found = []
    for a, b in zip(items, items[1:]):
        try:
            found.append(a < b)
            if a >= b:
                found.append("ge")
        except TypeError as e:
            found.append(str(e))
    return found


points = [Point(1, 2), Point(1, 2), Point(2, 2), (1, 2), Point(1, 2), Other("yes"), Point(0, 0), Other([]), Point(1, 1)]
versions = [Version(1), Version(1, 2), Version(1), 3, Version(2), Version(2), "x"]
for _ in range(60):
    results = equal(points), equal(points[:3]), ordered(versions), ordered(versions[:3]), equal(versions)
for result in results:
    print(result)
log = []
for _ in range(60):
    log.clear()
    a, b = Sided(log), Sided(log)
    found = [a == b, a == a, a != b]
    try:
        a < b
    except TypeError as e:
        found.append(str(e))
    found.append(a < Other(1))
print(found, log)
