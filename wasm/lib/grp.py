"""The group database: the one group of the sandbox."""

from os import getgid
from collections import namedtuple as _namedtuple


class struct_group(_namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")):
    """An entry of the group database."""

    __slots__ = ()


def _group():
    return struct_group("user", "x", getgid(), [])


def getgrall():
    """All entries of the database."""
    return [_group()]


def getgrgid(id):
    """The entry of a group, by its number."""
    if id != getgid():
        raise KeyError(f"getgrgid(): gid not found: {id}")
    return _group()


def getgrnam(name):
    """The entry of a group, by its name."""
    if name != "user":
        raise KeyError(f"getgrnam(): name not found: {name!r}")
    return _group()
