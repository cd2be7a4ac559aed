"""Descriptions of exceptions: a traceback for stderr, a status and a line for the response."""

import builtins
import inspect
import sys
from traceback import TracebackException

from _sandbox import result_path, source

# `enum status` of guest/abi/abi.h and `enum step` of guest/abi/run.c.
SYNTAX_ERROR, NO_MAIN, EXCEPTION, NOT_SERIALIZABLE, OUT_OF_MEMORY, EXITED = range(1, 7)
COMPILING, EXECUTING, CALLING, ENCODING = range(4)

# In characters. Longer source lines are not shown: they, and the marks below them, would fill stderr.
MAX_LINE_LENGTH = 10_000


def describe(exception, step, subject, stderr, _import=builtins.__import__):
    """Returns the status and the text for an exception that ended a script. The subject is the object that the
    step worked on: `main`, or the value that it returned.

    The script may have left anything behind: streams that are closed, exceptions that cannot be
    printed. Even if a step of this fails, the text still names the exception.
    """
    builtins.__import__ = _import
    if isinstance(exception, SystemExit):
        return EXITED, str(_exit_code(exception, stderr))
    if step == ENCODING and isinstance(exception, Exception) and not isinstance(exception, MemoryError):
        return NOT_SERIALIZABLE, encodable(_reason(exception, subject))
    if step == CALLING and _wants_arguments(exception, subject):
        need = " that can be called without arguments, or the request must have args or kwargs"
        return NO_MAIN, encodable(f"{need}: {exception}")
    if isinstance(exception, SyntaxError):
        _add_source_line(exception)
    frames = script_frames(exception)
    if frames is not None or step == COMPILING:
        exception.__traceback__ = frames
    line = print_traceback(exception, stderr)
    if isinstance(exception, MemoryError) and not _is_too_complex(exception):
        return OUT_OF_MEMORY, ""
    if step == COMPILING and isinstance(exception, SyntaxError):
        return SYNTAX_ERROR, encodable(f"{type(exception).__name__}: {exception}")
    return EXCEPTION, encodable(line)


def _is_too_complex(error):
    """The parser raises MemoryError when it runs out of its stack, with memory to spare."""
    return str(error).startswith("Parser stack overflowed")


def encodable(text):
    """Text that has a UTF-8 form: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _exit_code(exception, stderr):
    code = exception.code
    if code is None:
        return 0
    if isinstance(code, int):
        # Anything larger has no meaning as an exit code.
        return int(code) if -2**31 <= code < 2**31 else -1
    try:
        print(code, file=stderr)
    except Exception:
        pass
    return 1


def _reason(exception, value):
    if isinstance(exception, (TypeError, ValueError)):
        try:
            path = result_path.find(value)
        except Exception:
            path = None  # The script has replaced functions that this uses.
        return str(exception) if path in (None, "result") else f"{path}: {exception}"
    if isinstance(exception, RecursionError):
        return str(exception)
    return f"{type(exception).__name__}: {exception}"


def print_traceback(exception, stderr):
    """Prints the traceback and returns its last line."""
    try:
        report = TracebackException.from_exception(exception)
        _hide_long_lines(report)
    except Exception:
        return _plain_line(exception)
    try:
        report.print(file=stderr)
    except Exception:
        pass
    try:
        return _last_line(report)
    except Exception:
        return _plain_line(exception)


def _plain_line(exception):
    """`Type: message` without the help of a report."""
    name = type(exception).__qualname__
    try:
        return f"{name}: {exception}"
    except Exception:
        return name


def _wants_arguments(exception, main):
    """Returns whether the call itself failed, before any of the script's code ran."""
    if not isinstance(exception, TypeError) or exception.__traceback__ is not None:
        return False
    try:
        inspect.signature(main).bind()
    except TypeError:
        return True
    except ValueError:
        return False
    return False


def _add_source_line(error):
    """Errors of the compiler proper come without their line: there is no file to read it from."""
    if error.filename == source.FILE_NAME and error.text is None and error.lineno:
        lines = source.ScriptLoader.get_source("script").splitlines(True)
        error.text = "".join(lines[error.lineno - 1:error.lineno])


def _hide_long_lines(report):
    """Hides them in the exception, and in all that led to it or are grouped in it."""
    reports, seen = [report], set()
    while reports:
        report = reports.pop()
        if report is None or id(report) in seen:
            continue
        seen.add(id(report))
        if _is_long(getattr(report, "text", None)):
            report.text = None
        for frame in report.stack:
            if _is_long(frame._original_lines):
                frame._lines = ""
        reports += report.__cause__, report.__context__, *(report.exceptions or ())


def _is_long(text):
    return text is not None and any(len(line) > MAX_LINE_LENGTH for line in text.split("\n"))


def script_frames(exception):
    """Returns the traceback without the frames around the script's: asyncio's, and ours."""
    frames = exception.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != source.FILE_NAME:
        frames = frames.tb_next
    return frames


def _last_line(report):
    """`Type: message`, as Python ends a traceback; the first line of it if there are several."""
    lines = [line for line in report.format_exception_only() if not line.startswith("  ")]
    return lines[0].split("\n")[0] if lines else report.exc_type_str
