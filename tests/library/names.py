# Looks in the code of every function of the library for global names that do not exist.
import _archive
import builtins
import dis
import functools
import types
from importlib import import_module

# Running these is all that importing them is for.
SKIPPED = {"this", "antigravity", "__main__"}


def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def unwrap(value):
    """What stands behind a decorator of the library's, None if there is nothing."""
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    if isinstance(value, (types.FunctionType, functools._lru_cache_wrapper)):
        return vars(value).get("__wrapped__")
    return None


def functions(holder, module, seen):
    """The functions that a module or a class of it holds and has defined."""
    for value in list(vars(holder).values()):
        parts = [value.fget, value.fset, value.fdel] if isinstance(value, property) else [value]
        for part in parts:
            while part is not None and id(part) not in seen:
                seen.add(id(part))
                if isinstance(part, type) and part.__module__ == module.__name__:
                    yield from functions(part, module, seen)
                elif isinstance(part, types.FunctionType) and part.__globals__ is vars(module):
                    yield part
                part = unwrap(part)


def missing_names(name):
    try:
        module = import_module(name)
    except Exception:
        return  # Of another platform.
    for function in functions(module, module, set()):
        steps = [(step.opname, step.argval) for code in codes(function.__code__) for step in dis.get_instructions(code)]
        made = {name for operation, name in steps if operation == "STORE_GLOBAL"}
        for wanted in {name for operation, name in steps if operation == "LOAD_GLOBAL"} - made:
            if wanted not in vars(module) and wanted not in vars(builtins):
                yield f"{function.__module__}.{function.__qualname__}: {wanted}"


def module_name(path):
    return path.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")


def main():
    names = [module_name(path) for path in _archive.paths() if path.endswith(".pyc")]
    names = [name for name in names if name.split(".")[-1] not in SKIPPED]
    return [missing for name in names[PART::PARTS] for missing in missing_names(name)]
