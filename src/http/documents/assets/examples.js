// Scripts to begin with, by the name of their button.

export const EXAMPLES = {
  hello: `def main():
    return {"hello": "world", "answer": 6 * 7}
`,

  print: `def main():
    words = "what is printed is shown apart from the result".split()
    for word in words:
        print(word)
    return {"lines": len(words)}
`,

  traceback: `import sys


def invert(number):
    return 1 / number


def main():
    numbers = [4, 2, 0]
    print("one of them cannot be inverted", file=sys.stderr)
    return [invert(number) for number in numbers]
`,

  files: `import csv
from pathlib import Path
from tempfile import TemporaryDirectory

PLANETS = {"Mercury": 4879, "Venus": 12104, "Earth": 12756}


def main():
    # Every run has a directory of its own, gone when the run is over.
    with TemporaryDirectory() as place:
        table = Path(place) / "planets.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("name", "km"), *PLANETS.items()])

        print(table.read_text())
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
    return max(rows, key=lambda row: int(row["km"]))
`,

  asyncio: `import asyncio
import time


async def fetch(name, seconds):
    await asyncio.sleep(seconds)
    print(f"{name} is there")
    return name


async def main():
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(fetch(f"task {n}", n / 10)) for n in (3, 1, 2)]
    # Waiting is not computing: three waits take as long as the longest one.
    return {
        "results": [task.result() for task in tasks],
        "seconds": round(time.monotonic() - start, 1),
    }
`,

  cpu: `def main():
    print("counting", flush=True)
    number = 0
    while True:
        number += 1
`,

  memory: `def main():
    blocks = []
    while True:
        blocks.append(bytearray(1_000_000))
        print(f"{len(blocks)} MB")
`,

  output: `def main():
    while True:
        print("on and on")
`,
};
