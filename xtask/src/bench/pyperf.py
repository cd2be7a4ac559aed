"""Stands in for the module pyperf: runs each benchmark of a program a fixed number of times.

`LOOPS` is set by whoever makes the module.
"""

import argparse
import asyncio
import platform
import time

LOOPS = 1

perf_counter = time.perf_counter
python_implementation = platform.python_implementation


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
        for _ in range(LOOPS):
            function(*args, **kwargs)

    def bench_time_func(self, name, function, *args, **kwargs):
        function(LOOPS, *args)

    def bench_async_func(self, name, function, *args, **kwargs):
        for _ in range(LOOPS):
            asyncio.run(function(*args))
