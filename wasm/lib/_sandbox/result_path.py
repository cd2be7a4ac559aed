"""The path to the part of a result that has no JSON form."""

import math
from json.encoder import encode_basestring_ascii

# A result that is larger, or nested deeper, is reported without a path.
MAX_ITEMS = 100_000
MAX_DEPTH = 100

# Characters of a key that are shown.
MAX_KEY_LENGTH = 50

# Bits of an int that has as many digits as text may have.
MAX_BITS = 4300 * math.log2(10)


def find(value):
    """Returns the path to the first part that cannot be encoded, like `result["rows"][3]`, or None.

    Nothing of the script's own code runs: types are looked at, not instances, and containers are walked
    with the methods of the built-in types.
    """
    item = value
    containers, iterators, keys = [], [], []
    for _ in range(MAX_ITEMS):
        kind = type(item)
        if issubclass(kind, (dict, list, tuple)):
            if any(item is container for container in containers):
                return _path(keys)
            if issubclass(kind, dict) and not all(map(_is_plain, dict.keys(item))):
                return _path(keys)
            if len(containers) == MAX_DEPTH:
                return None
            containers.append(item)
            iterators.append(_entries(item, kind))
            keys.append(None)
        elif not _is_plain(item):
            return _path(keys)
        entry = None
        while iterators and (entry := next(iterators[-1], None)) is None:
            for stack in containers, iterators, keys:
                stack.pop()
        if entry is None:
            return None
        keys[-1], item = entry
    return None


def _entries(container, kind):
    if issubclass(kind, dict):
        return iter(dict.items(container))
    return enumerate((list if issubclass(kind, list) else tuple).__iter__(container))


def _is_plain(item):
    kind = type(item)
    if issubclass(kind, float):
        return math.isfinite(item)
    if issubclass(kind, int):
        return int.bit_length(item) <= MAX_BITS
    return item is None or issubclass(kind, str)


def _path(keys):
    return "result" + "".join(f"[{_key(key)}]" for key in keys)


def _key(key):
    kind = type(key)
    if issubclass(kind, str):
        text = str.__str__(key)
        return encode_basestring_ascii(text[:MAX_KEY_LENGTH] + "..." * (len(text) > MAX_KEY_LENGTH))
    if issubclass(kind, bool) or key is None:
        return repr(key)
    return int.__repr__(key) if issubclass(kind, int) else float.__repr__(key)
