"""The group database: root's, which every Linux has, and the one group of the sandbox."""

from os import getgid
from collections import namedtuple as _namedtuple
from operator import index as _index


class struct_group(_namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")):
    """An entry of the group database."""

    __slots__ = ()


def getgrall():
    """All entries of the database."""
    return [struct_group("root", "x", 0, []), struct_group("user", "x", getgid(), [])]


def getgrgid(id):
    """The entry of a group, by its number."""
    try:
        number = _index(id)
    except TypeError:
        raise TypeError(f"gid should be integer, not {type(id).__name__}") from None
    if number < -1:
        raise OverflowError("gid is less than minimum")
    if number >= 1 << 32:
        raise OverflowError("gid is greater than maximum")
    for entry in getgrall():
        if entry.gr_gid == number:
            return entry
    raise KeyError(f"getgrgid(): gid not found: {number}")


def getgrnam(name):
    """The entry of a group, by its name."""
    if not isinstance(name, str):
        raise TypeError(f"getgrnam() argument 1 must be str, not {type(name).__name__}")
    if b"\0" in name.encode():
        raise ValueError("embedded null byte")
    for entry in getgrall():
        if entry.gr_name == name:
            return entry
    raise KeyError(f"getgrnam(): name not found: {name!r}")
