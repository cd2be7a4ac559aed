"""Cells: scripts without `main`, whose last expression is the result."""

import ast
from asyncio import run
from inspect import CO_COROUTINE
from json.encoder import c_encode_basestring_ascii as quote

from _sandbox import display
from _sandbox.failure import encodable
from _sandbox.source import FILE_NAME

_compile = compile
_evaluate = eval

# In bytes.
MAX_TEXT = 4096


def compile_cell(text):
    """Returns the code of the statements and, if the last one is an expression, its own; and whether any of it awaits."""
    module = _compile(text, FILE_NAME, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
    parts = [(module, "exec")]
    if module.body and isinstance(module.body[-1], ast.Expr):
        parts.append((ast.Expression(module.body.pop().value), "eval"))
    codes = tuple(_compile(part, FILE_NAME, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True) for part, mode in parts)
    return codes, any(map(_awaits, codes))


def _awaits(code):
    return code.co_flags & CO_COROUTINE != 0


def await_cell(codes, namespace):
    """Runs code of which some awaits, all of it in one event loop; returns the value of the last."""
    return run(_run_all(codes, namespace))


async def _run_all(codes, namespace):
    for code in codes:
        value = _evaluate(code, namespace)
        if _awaits(code):
            value = await value
    return value


def encode_cell(value, encode):
    """Shows the value of a cell if it has more than a text; returns the result of the cell as JSON."""
    try:
        result = "".join(encode(value, 0))
    except MemoryError:
        raise
    except Exception:
        result = "null"
    text = "null" if value is None else quote(_cut(display.show_value(value)))
    return f'{{"result": {result}, "text": {text}}}'


def _cut(text):
    encoded = encodable(text[:MAX_TEXT]).encode()
    if len(text) <= MAX_TEXT and len(encoded) <= MAX_TEXT:
        return encoded.decode()
    return encoded[: MAX_TEXT - 3].decode(errors="ignore") + "…"
