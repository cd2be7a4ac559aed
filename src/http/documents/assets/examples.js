// Example scripts.

/** The name of each, its title in the menu, and its response if that is always the same. */
export const EXAMPLES = [
  {
    name: "hello",
    title: "Hello",
    script: `from collections import Counter

TEXT = "the quick brown fox jumps over the lazy dog"


def main():
    # The result and the output come back separately.
    letters = Counter(TEXT.replace(" ", ""))
    print(f"{letters.total()} letters, {len(letters)} different ones")

    return {"text": TEXT, "most_common": dict(letters.most_common(3))}
`,
    sample: {
      result: `{"text": "the quick brown fox jumps over the lazy dog", "most_common": {"o": 4, "e": 3, "t": 2}}`,
      stdout: "35 letters, 26 different ones\n",
    },
  },

  {
    name: "print",
    title: "Printing",
    script: `def main():
    words = "what is printed is shown apart from the result".split()
    for word in words:
        print(word)
    return {"lines": len(words)}
`,
  },

  {
    name: "traceback",
    title: "Traceback",
    script: `import sys


def invert(number):
    return 1 / number


def main():
    numbers = [4, 2, 0]
    print("one of them cannot be inverted", file=sys.stderr)
    return [invert(number) for number in numbers]
`,
  },

  {
    name: "files",
    title: "Files",
    script: `import csv
from pathlib import Path
from tempfile import TemporaryDirectory

PLANETS = {"Mercury": 4879, "Venus": 12104, "Earth": 12756}


def main():
    # Every run has a directory of its own, which is deleted when the run ends.
    with TemporaryDirectory() as directory:
        table = Path(directory) / "planets.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("name", "km"), *PLANETS.items()])

        print(table.read_text())
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
    return max(rows, key=lambda row: int(row["km"]))
`,
  },

  {
    name: "asyncio",
    title: "Waiting with asyncio",
    script: `import asyncio
import time


async def fetch(name, seconds):
    await asyncio.sleep(seconds)
    print(f"{name} is there")
    return name


async def main():
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(fetch(f"task {n}", n / 10)) for n in (3, 1, 2)]
    # The waits overlap: together they take as long as the longest one.
    return {
        "results": [task.result() for task in tasks],
        "seconds": round(time.monotonic() - start, 1),
    }
`,
  },

  {
    name: "cpu",
    title: "CPU limit",
    script: `def main():
    print("counting", flush=True)
    number = 0
    while True:
        number += 1
`,
  },

  {
    name: "memory",
    title: "Memory limit",
    script: `def main():
    blocks = []
    while True:
        blocks.append(bytearray(1_000_000))
        print(f"{len(blocks)} MB")
`,
  },

  {
    name: "output",
    title: "Output limit",
    script: `def main():
    while True:
        print("on and on")
`,
  },
];
