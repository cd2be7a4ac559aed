"""Puts what went wrong into words: a traceback for stderr, a status and a line for the answer."""

import inspect
import sys
import traceback

# `enum status` and `enum step` of guest.c.
SYNTAX_ERROR, NO_MAIN, EXCEPTION, NOT_SERIALIZABLE, OUT_OF_MEMORY, EXITED = range(1, 7)
COMPILING, EXECUTING, CALLING, ENCODING = range(4)


def describe(exception, step, main, _stderr=sys.stderr):
    """The status and the text for an exception that ended a script."""
    if isinstance(exception, SystemExit):
        return EXITED, str(_exit_code(exception, _stderr))
    if step == ENCODING and isinstance(exception, (TypeError, ValueError, RecursionError)):
        return NOT_SERIALIZABLE, _first_line(str(exception))
    if step == CALLING and _wants_arguments(exception, main):
        return NO_MAIN, ""
    _print_traceback(exception, _stderr)
    if isinstance(exception, MemoryError):
        return OUT_OF_MEMORY, ""
    if step == COMPILING and isinstance(exception, SyntaxError):
        return SYNTAX_ERROR, _last_line(exception)
    return EXCEPTION, _last_line(exception)


def _exit_code(exception, stderr):
    code = exception.code
    if code is None:
        return 0
    if isinstance(code, int):
        return int(code)
    print(code, file=stderr)
    return 1


def _wants_arguments(exception, main):
    """Whether the call itself failed, before any of the script's code ran."""
    if not isinstance(exception, TypeError) or exception.__traceback__ is not None:
        return False
    try:
        inspect.signature(main).bind()
    except TypeError:
        return True
    except ValueError:
        return False
    return False


def _print_traceback(exception, stderr):
    # asyncio's frames around an `async def main` are none of the script's.
    frames = exception.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != "script.py":
        frames = frames.tb_next
    if frames is not None:
        exception.__traceback__ = frames
    traceback.print_exception(exception, file=stderr)


def _last_line(exception):
    """`Type: message`, on one line."""
    kind = type(exception)
    name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(exception)
    except Exception:
        message = "<exception str() failed>"
    message = _first_line(message)
    return f"{name}: {message}" if message else name


def _first_line(text):
    lines = text.splitlines()
    return lines[0].encode("utf-8", "backslashreplace").decode() if lines else ""
