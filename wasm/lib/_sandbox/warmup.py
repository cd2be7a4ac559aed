"""Warm-up scripts with their inputs: run before the snapshot, each does a kind of thing that many scripts do.

A hello comes last: the first real run finds the memory that it has freed.
"""

_HELLO = """
def main():
    print("hello")
    return {"hello": "world", "numbers": [1, 2.5, None, True]}
"""

_LIBRARY = """
import datetime, json, math, re

def main():
    for n in range(10):
        print("line", n)
    found = re.match(r"(\\w+) (\\d+)", "abc 123")
    return {
        "json": json.loads(json.dumps([1, "two", {"three": 3.0}])),
        "groups": found.groups(),
        "day": datetime.datetime(2024, 1, 2).isoformat(),
        "root": math.sqrt(2),
        "text": f"{math.pi:.3f}",
    }
"""

_CLASSES = """
from abc import ABC, abstractmethod
from collections import Counter, defaultdict, namedtuple
from dataclasses import dataclass, field
from enum import Enum

class Color(Enum):
    RED = 1

class Shape(ABC):
    @abstractmethod
    def area(self): ...

@dataclass
class Square(Shape):
    side: int
    tags: list = field(default_factory=list)

    def area(self):
        return self.side ** 2

def main():
    counts = defaultdict(int)
    counts["a"] += 1
    Point = namedtuple("Point", "x y")
    return [repr(Square(2)), Square(3).area(), Color.RED.name, Counter("hello"), counts, Point(1, 2)]
"""

_FAILING = """
def fail(value):
    return 1 / value

def main():
    try:
        {}["missing"]
    except KeyError:
        fail(0)
"""

_UNSERIALIZABLE = """
def main():
    return {1, 2}
"""

_NO_PYTHON = """
def main(:
"""

_ASYNC = """
import asyncio

async def main():
    await asyncio.sleep(0)
    return [*await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))]
"""

_ARGUMENTS = """
def main(first, *rest, option=None):
    return [first, rest, option]
"""

# No cell is among them: `display` comes and goes with one, and code that is specialized for the builtins would have to
# be specialized anew.
SCRIPTS = [
    (_ARGUMENTS, '{"args": [1, "two", 3.0, null], "kwargs": {"option": {"four": [true]}}, "argv": ["five"]}'),
    *((script, "") for script in [_ASYNC, _CLASSES, _FAILING, _NO_PYTHON, _UNSERIALIZABLE, _LIBRARY, _HELLO]),
]
