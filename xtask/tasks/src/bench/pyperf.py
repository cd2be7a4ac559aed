"""A stub of the module pyperf: runs each benchmark of a program a fixed number of times.

The creator of the module sets `LOOPS`; `seconds` is the processor time of the benchmarks alone, without the
program's imports and preparations.
"""

import argparse
import asyncio
import platform
import time

LOOPS = 1
seconds = 0.0

perf_counter = time.perf_counter
python_implementation = platform.python_implementation


def _measured(call):
    global seconds
    then = time.process_time()
    call()
    seconds += time.process_time() - then


class Runner:
    def __init__(self, *args, **kwargs):
        self.metadata = {}
        self.argparser = argparse.ArgumentParser()
        self.args = None

    def parse_args(self, args=None):
        self.args = self.argparser.parse_args([])
        return self.args

    def bench_func(self, name, function, *args, **kwargs):
        kwargs.pop("inner_loops", None)
        _measured(lambda: [function(*args, **kwargs) for _ in range(LOOPS)])

    def bench_time_func(self, name, function, *args, **kwargs):
        _measured(lambda: function(LOOPS, *args))

    def bench_async_func(self, name, function, *args, **kwargs):
        _measured(lambda: [asyncio.run(function(*args)) for _ in range(LOOPS)])
