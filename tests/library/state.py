# Compares the modules that the snapshot has imported with themselves, imported anew: what differs is what the
# start-up and its warm-up have left.
import collections
import enum
import functools
import itertools
import sys
import types
import weakref

from _sandbox.importer import ArchiveImporter

PLAIN = (int, float, complex, str, bytes, bool, type(None))
SIZED = (set, frozenset, collections.deque, weakref.WeakSet, weakref.WeakKeyDictionary, weakref.WeakValueDictionary)


def differences(old, new, path, depth):
    if isinstance(old, functools._lru_cache_wrapper):
        sizes = old.cache_info().currsize, new.cache_info().currsize
        if sizes[0] != sizes[1]:
            yield f"{path}: {sizes[0]} entries, not {sizes[1]}"
    elif type(old).__qualname__ != type(new).__qualname__ and not isinstance(old, type):
        yield f"{path}: {type(old).__name__}, not {type(new).__name__}"
    elif isinstance(old, enum.Enum):
        return
    elif isinstance(old, PLAIN):
        if repr(old) != repr(new):
            yield f"{path}: {old!r:.80}, not {new!r:.80}"
    elif isinstance(old, itertools.count) or isinstance(getattr(old, "__self__", None), itertools.count):
        counters = [getattr(counter, "__self__", counter) for counter in (old, new)]
        if repr(counters[0]) != repr(counters[1]):
            yield f"{path}: {counters[0]}, not {counters[1]}"
    elif isinstance(old, SIZED):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items, not {len(new)}"
    elif depth == 0:
        return
    elif isinstance(old, (list, tuple)):
        if len(old) != len(new):
            yield f"{path}: {len(old)} items, not {len(new)}"
        for index, (mine, other) in enumerate(zip(old, new)):
            yield from differences(mine, other, f"{path}[{index}]", depth - 1)
    elif isinstance(old, (dict, types.MappingProxyType)):
        yield from compare_names(old, new, path, depth)
    elif isinstance(old, type):
        if isinstance(new, type) and old is not new:
            yield from compare_names(vars(old), vars(new), path, depth)
    elif not isinstance(old, (types.FunctionType, types.ModuleType)) and hasattr(old, "__dict__"):
        yield from compare_names(vars(old), vars(new), path, depth)


def compare_names(old, new, path, depth):
    if len(old) != len(new):
        yield f"{path}: {len(old)} entries, not {len(new)}"
    for key in list(old):
        if key in new and isinstance(key, (str, int)) and key not in IGNORED:
            yield from differences(old[key], new[key], f"{path}.{key}", depth - 1)


# Names that say where a module comes from, or hold the namespace of all.
IGNORED = {"__builtins__", "__spec__", "__loader__", "__file__", "__cached__", "__doc__", "__firstlineno__"}


def import_anew(name, old):
    new = types.ModuleType(name)
    for key in "__spec__", "__loader__", "__file__", "__package__", "__path__":
        if hasattr(old, key):
            setattr(new, key, getattr(old, key))
    # Parts of a package are imported already, so that nothing puts them here.
    vars(new).update((key, value) for key, value in vars(old).items() if isinstance(value, types.ModuleType))
    sys.modules[name] = new
    try:
        exec(ArchiveImporter.get_code(name), vars(new))
    finally:
        sys.modules[name] = old
    return new


def main():
    found = []
    for name, old in sorted(sys.modules.items()):
        spec = getattr(old, "__spec__", None)
        if spec is not None and spec.loader is ArchiveImporter and spec.name == name and not name.startswith("_sandbox"):
            new = import_anew(name, old)
            found += [difference for key in sorted(set(vars(old)) - IGNORED) if key in vars(new)
                      for difference in differences(vars(old)[key], vars(new)[key], f"{name}.{key}", 4)]
    return found
