"""Runs one module of CPython's tests inside the sandbox and reports the outcomes, line by line.

The host appends `JOB = {...}`: `files`, a gzipped tar archive in base64; `module`, the name of the module;
`first`, the number of the first test; `run_anyway`, whether to claim the resources that the module as a whole
asks for. Tests are numbered in the order of unittest's loader, so that after a crash another run can continue
behind the test that caused it.
"""

import base64
import importlib
import io
import json
import os
import sys
import tarfile
import traceback
import types
import unittest

LIBRARY = "/tmp/lib"
DIRECTORY = "/tmp/work"
# Starts a line that is meant for the host; tests print too.
MARK = "\x1e"
# C modules that only CPython's tests use.
ABSENT = ("_testcapi", "_testinternalcapi", "_testlimitedcapi", "_testsinglephase", "_testmultiphase")
# Of an explanation.
MOST_CHARACTERS = 6000


def say(**event):
    # Not by print: tests replace sys.stdout, and close it.
    sys.stdout.flush()
    os.write(1, f"\n{MARK}{json.dumps(event)}\n".encode())


def readable(text):
    """Text that any JSON parser takes: without lone surrogates and not too long."""
    return text.encode("utf-8", "backslashreplace").decode()[-MOST_CHARACTERS:]


def explain(error):
    kind, value, frames = error
    report = traceback.TracebackException(kind, value, frames)
    return {
        "why": readable("".join(report.format_exception_only()).strip()[:MOST_CHARACTERS]),
        "trace": readable("".join(report.format())),
    }


class Reporter(unittest.TestResult):
    """Reports the start and the end of each test."""

    def __init__(self, tests):
        super().__init__()
        self.waiting = {test.number: test for test in tests}
        self.outcome = None

    def startTest(self, test):
        super().startTest(test)
        del self.waiting[test.number]
        self.outcome = {"outcome": "passed"}
        say(event="start", number=test.number, name=readable(test.id()))

    def stopTest(self, test):
        super().stopTest(test)
        say(event="end", number=test.number, name=readable(test.id()), **self.outcome)

    def addError(self, test, error):
        self.failed(test, explain(error))

    def addFailure(self, test, error):
        self.failed(test, explain(error))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.failed(test, explain(error))

    def addUnexpectedSuccess(self, test):
        self.failed(test, {"why": "passed, but was expected to fail"})

    def addExpectedFailure(self, test, error):
        pass

    def addSkip(self, test, reason):
        self.note(test, {"outcome": "skipped", "why": readable(reason)})

    def failed(self, test, explanation):
        self.note(test, {"outcome": "failed", **explanation})

    def note(self, test, outcome):
        if not hasattr(test, "number") and not hasattr(test, "test_case"):
            self.note_fixture(test.id(), outcome)
        elif self.outcome["outcome"] != "failed":
            self.outcome = outcome

    def note_fixture(self, name, outcome):
        """A fixture of a class or a module failed or skipped: so did all tests that wait for it."""
        owner = name.partition("(")[2].rstrip(")") + "."
        affected = [number for number, test in self.waiting.items() if test.id().startswith(owner)]
        for number in affected:
            test = self.waiting.pop(number)
            say(event="end", number=number, name=readable(test.id()), **outcome)
        if not affected and outcome["outcome"] == "failed":
            say(event="end", number=None, name=readable(name), **outcome)


def numbered(suite, count=0):
    """All tests of a suite, in order, each with its number."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            for inner in numbered(test, count):
                count += 1
                yield inner
        else:
            test.number = count
            count += 1
            yield test


def drop(suite, first):
    """Takes away the tests before number `first`."""
    suite._tests = [
        test for test in suite
        if isinstance(test, unittest.TestSuite) or test.number >= first
    ]
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            drop(test, first)


class Absent(types.ModuleType):
    """Stands in for one of the C modules of CPython's tests: a test that calls it is skipped."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def absent(*args, **kwargs):
            raise unittest.SkipTest(f"calls {self.__name__}.{name}")
        return absent


def run_anyway():
    """Keeps modules from skipping themselves as a whole for what only parts of them need."""
    from test import support
    from test.support import socket_helper, threading_helper
    support.has_socket_support = True
    socket_helper.has_gethostname = True
    threading_helper.can_start_thread = True
    for name in ABSENT:
        sys.modules[name] = Absent(name)
    # Imported for a helper, by modules that start no process.
    support.has_subprocess_support = True
    try:
        import test.test_tools
    except ImportError:
        pass
    support.has_subprocess_support = False


def load(name):
    """The module's tests, or None after saying why there are none."""
    try:
        from test import support
        # As `python -m test` without `-u`: no tests that take very long or need the network.
        support.use_resources = {}
        support.verbose = 0
        support.record_original_stdout(sys.stdout)
        if JOB["run_anyway"]:
            run_anyway()
        module = importlib.import_module(name)
        return unittest.TestLoader().loadTestsFromModule(module)
    except unittest.SkipTest as skip:
        say(event="end", number=None, name=name, outcome="skipped", why=readable(str(skip)))
    except Exception:
        say(event="end", number=None, name=name, outcome="failed", **explain(sys.exc_info()))
    return None


def main():
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(JOB["files"]))) as archive:
        archive.extractall(LIBRARY, filter="data")
    sys.path.insert(0, LIBRARY)
    os.mkdir(DIRECTORY)
    os.chdir(DIRECTORY)
    suite = load(JOB["module"])
    if suite is not None:
        tests = list(numbered(suite))
        drop(suite, JOB["first"])
        reporter = Reporter(test for test in tests if test.number >= JOB["first"])
        # The suite lets go of each test when it is done, as some tests expect.
        del tests
        suite.run(reporter)
    say(event="finished")
