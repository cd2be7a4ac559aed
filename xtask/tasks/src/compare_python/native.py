"""Runs the programs that it reads, a JSON array of strings, and prints the outcome of each."""

import contextlib
import io
import json
import resource
import sys
import traceback
import types

# Programs are small by construction; should that have a hole, this process ends, not the machine.
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (300, 300))


def last_line(error):
    lines = [line for line in traceback.format_exception_only(error) if not line.startswith("  ")]
    return lines[0].split("\n")[0]


def run(source):
    """The kind of the end and its text, in the words of the service."""
    script = types.ModuleType("script")
    sys.modules["script"] = script
    try:
        code = compile(source, "script.py", "exec")
    except SyntaxError as error:
        return "syntax_error", f"{type(error).__name__}: {error}"
    try:
        exec(code, script.__dict__)
        value = script.main()
    except BaseException as error:
        return "exception", last_line(error)
    try:
        return "ok", json.dumps(value, allow_nan=False)
    except Exception as error:
        return "not_serializable", str(error)


def encodable(text, errors):
    return text.encode("utf-8", errors).decode()


for source in json.load(sys.stdin):
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(io.StringIO()):
        kind, text = run(source)
    print(json.dumps([kind, encodable(text, "backslashreplace"), encodable(written.getvalue(), "backslashreplace")]))
